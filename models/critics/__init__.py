"""Discriminators: networks that tell real windows from filled ones."""
