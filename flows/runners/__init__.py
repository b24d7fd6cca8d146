"""Where the masters of a collection are worked on: here, on a Dask cluster, or by other workers.

All of them take the same leases in the catalogue, so it does not matter who else is at it.
"""
