"""Keep the C allocator from hoarding what numpy and torch have given back."""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8  # from glibc's malloc.h
LARGE = 128 << 10  # bytes; below that blocks are reused, above they go back to the system


@lru_cache(maxsize=1)
def keep_memory_steady() -> bool:
    """Give large arrays back to the system when they are freed.

    glibc raises its limit to 32 MiB by itself as soon as large blocks are freed, and keeps a heap
    per thread: windows of varying size then leave holes that are never reused, and a long run
    grows. Predicted memory only holds without that. Elsewhere than on glibc this does nothing.

    Returns:
        Whether the allocator understood.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_MMAP_THRESHOLD, LARGE)) and bool(mallopt(_ARENA_MAX, 2))
