"""What the archive receives: packages that prove what was done, without us."""
