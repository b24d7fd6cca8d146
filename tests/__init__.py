"""Ours: a package that some library installs beside itself has the same name."""
