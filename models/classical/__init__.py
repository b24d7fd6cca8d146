"""Methods that learn nothing: diffusion from the border, texture from the same picture."""
