"""TIFFs held against rules of structure, those of a house too."""
