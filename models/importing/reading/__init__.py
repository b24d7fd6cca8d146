"""Foreign checkpoint files, read without running anything that is in them."""

from models.importing.reading.contents import Contents
from models.importing.reading.formats import read_tensors

__all__ = ["Contents", "read_tensors"]
