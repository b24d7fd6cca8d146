"""Damage to and from other programs: PNG, GeoJSON and W3C Web Annotations."""
