"""Losses, and the adversarial steps that train the generators with them."""
