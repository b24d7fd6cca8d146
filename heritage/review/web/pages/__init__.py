"""What staff see, page by page."""
