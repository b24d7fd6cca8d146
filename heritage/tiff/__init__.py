"""Reading, inspecting and rewriting archival TIFFs.

A master is only ever read. What is written is its own file, byte for byte, with the touched
tiles or strips encoded again.
"""

from heritage.tiff.compose import Composed, compose
from heritage.tiff.differences import level_differences, structure_differences
from heritage.tiff.fixity import sha256_file
from heritage.tiff.guard import inspect
from heritage.tiff.info import MasterInfo
from heritage.tiff.reader import Master, open_master

__all__ = [
    "Composed",
    "Master",
    "MasterInfo",
    "compose",
    "inspect",
    "level_differences",
    "open_master",
    "sha256_file",
    "structure_differences",
]
