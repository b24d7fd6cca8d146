"""The fuzzer: ``python -m tests.heritage.tiff.fuzz.target CORPUS -max_total_time=3600``.

CORPUS is filled first where it is empty. Further arguments are libFuzzer's; a single file instead
of a folder is tried once. A finding is saved in the current folder, or where
``-artifact_prefix=FOLDER/`` says.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from collections import Counter
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["heritage.tiff"]):
    from heritage.tiff import inspection
    from heritage.tiff.picture import Picture

from tests.heritage.tiff.fuzz.corpus import write_corpus
from tests.heritage.tiff.fuzz.mutator import Mutator
from tests.heritage.tiff.fuzz.promises import keep_promises

SHARED = Path(__file__).resolve().parents[5] / "shared" / "data" / "tiff"
LONGEST = 200_000
MEMORY = 3 << 30
"""Bytes of address space; the fuzzer and its libraries take the most of them."""
DEFAULTS = ("-max_len=200000", "-len_control=0", "-timeout=60", "-rss_limit_mb=2048",
            "-print_final_stats=1", "-report_slow_units=60")  # fmt: skip
OUTCOMES = Counter[str]()


def guarded(path: Path | str, page: int | None = None, *, guarded: bool = True) -> Picture:
    """Codecs may crash on hostile data, and are guarded; ``examine`` is that guard's own work."""
    return Picture(path, page)


def mutate(data: bytes, longest: int, seed: int) -> bytes:
    """Mostly by structure; libFuzzer's own way now and then, and for what is no TIFF file."""
    changed = Mutator(seed).mutate(data) if seed % 8 else None
    if changed is None:
        return bytes(atheris.Mutate(data, longest))
    return changed[:longest]


def main() -> None:
    """Fuzz until time is up or something is found."""
    inspection.Picture = guarded  # type: ignore[assignment,misc]
    arguments = sys.argv[1:]
    for place in [Path(one) for one in arguments if not one.startswith("-")][:1]:
        if not place.exists() or (place.is_dir() and not any(place.iterdir())):
            write_corpus(place, SHARED)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as folder:

        def test_one_input(data: bytes) -> None:
            OUTCOMES[keep_promises(data, Path(folder))] += 1

        given = {one.split("=")[0] for one in arguments}
        added = [one for one in DEFAULTS if one.split("=")[0] not in given]
        atheris.Setup([sys.argv[0], *arguments, *added], test_one_input, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
