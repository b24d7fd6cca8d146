"""What the picture says of itself, in its own XMP metadata."""
