"""Generators that fill holes, one file each, laid out as their published weights."""
