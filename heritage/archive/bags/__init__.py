"""BagIt bags: made, checked, and many of them read again."""
