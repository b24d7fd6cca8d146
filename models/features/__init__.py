"""Frozen networks whose features say how alike two pictures look."""
