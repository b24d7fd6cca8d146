"""What is made to be looked at: a pyramid, a picture, tiles and a manifest."""
