"""Training of the damage detector on simulated damage and real craquelure."""
