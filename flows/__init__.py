"""Prefect flows over ``heritage``, and the command line that runs them."""
