"""Damage: masks of it, and the regions they consist of."""
