"""How the catalogue's tables came to be, one file per change; run by ``db.migrate``."""
