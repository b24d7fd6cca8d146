"""How far the fills can be trusted, pixel by pixel."""
