"""What was done, for machines: PROV-O, Linked Art and LIDO."""
