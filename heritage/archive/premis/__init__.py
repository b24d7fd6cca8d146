"""PREMIS and METS, and the files that they tell of."""
