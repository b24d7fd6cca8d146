"""An OCFL store: the original first, each signed restoration the next version."""
