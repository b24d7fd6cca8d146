"""Which format a file has, told by its first and last bytes and never by its name."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open

from models.importing.reading import pickles, tensorflow, torch_archive, torchscript
from models.importing.reading.archive import Archive
from models.importing.reading.contents import Contents, flatten, refused
from models.importing.reading.references import foreign

_HEAD = 2**20  # bytes; a bare pickle names its classes early
_KNOWN = "safetensors, torch checkpoints, TorchScript archives and TensorFlow checkpoints"


def read_tensors(path: Path) -> Contents:
    """Read every tensor of a checkpoint file, whatever its format, to the CPU.

    Args:
        path: The file. Of a TensorFlow checkpoint the ``.index`` file, any ``.data-…`` file, or
            the prefix that they share.

    Raises:
        WeightsRefused: If it is missing, damaged, of an unknown format, or could only be loaded by
            running code from it.
    """
    index = tensorflow.index_of(path)
    if index is not None:
        return tensorflow.read(index)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
        size = path.stat().st_size
    except OSError as error:
        raise refused(path, f"cannot be read ({error.strerror}); give a weights file") from error
    if head.startswith(b"PK\x03\x04"):
        return _zip(path)
    if head.startswith(torch_archive.LEGACY_MAGIC):
        return torch_archive.read_legacy(path)
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05":
        raise foreign(path, pickles.references(io.BytesIO(head)))
    if head[8:9] == b"{" and struct.unpack("<Q", head[:8])[0] <= size - 8:
        return _safetensors(path)
    if head.startswith(b"model_checkpoint_path:"):
        raise refused(path, "only says where a TensorFlow checkpoint is; give its .index file")
    if tensorflow.is_data(path):
        raise refused(path, "data of a TensorFlow checkpoint; put its .index file beside it")
    raise refused(path, f"not a weights file of a known format; known are {_KNOWN}")


def _zip(path: Path) -> Contents:
    with Archive(path) as archive:
        reader = torchscript.read if "constants.pkl" in archive else torch_archive.read_zip
        return reader(path, archive)


def _safetensors(path: Path) -> Contents:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            remarks: Mapping[str, object] = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, TypeError, RuntimeError) as error:
        raise refused(path, f"a damaged safetensors file ({error}); fetch it again") from error
    return flatten(path, {**remarks, **tensors}, "safetensors")
