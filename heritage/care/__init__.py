"""Looking after the holdings: what arrives, whether it is still sound, who works on what."""
