"""What the modules that are run by themselves have in common."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

from heritage.errors import HeritageError


def tell(lines: Callable[[], Iterable[str]]) -> int:
    """Print what there is to be told, or the fault; the exit status."""
    try:
        for line in lines():
            print(line)
    except HeritageError as error:
        print(f"heritage: {error}", file=sys.stderr)
        return 2
    return 0
