"""What cannot be raised is unchanged, and what a file cannot prove is not claimed."""
