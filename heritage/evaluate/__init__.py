"""Comparing inpainters honestly: the same masks for everybody, several measures, fixed seeds."""
