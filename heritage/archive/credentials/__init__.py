"""Content Credentials: signed, read, and certificates to try them with."""
