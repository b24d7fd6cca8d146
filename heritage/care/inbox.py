"""What has arrived: files that no longer grow, and files that a list of checksums names."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from heritage.care.custody import Custody
from heritage.care.leases import restoring
from heritage.errors import BadSetting, HeritageError, MasterRefused
from heritage.logs import say
from heritage.tiff import inspect
from heritage.tiff.fixity import sha256_file

LINE = re.compile(r"([0-9a-fA-F]{64})[ \t]+\*?(.+)")


@dataclass(frozen=True)
class Arrival:
    """What became of one file of the inbox.

    Attributes:
        path: The file.
        status: ``recorded``, ``known``, ``still arriving`` or ``refused``.
        reason: Why it was refused; empty otherwise.
    """

    path: Path
    status: str
    reason: str = ""


def settled(
    files: Sequence[Path], seconds: float, sleep: Callable[[float], None] = time.sleep
) -> tuple[list[Path], list[Path]]:
    """Those files that have arrived, and those that are still arriving.

    Whoever copies a file here may be at it: it counts as arrived when size and time of change
    stay the same for so long.

    Args:
        files: What is there.
        seconds: How long they are watched.
        sleep: Waits.
    """
    before = {path: _look(path) for path in files}
    if files and seconds:
        sleep(seconds)
    here: list[Path] = []
    coming: list[Path] = []
    for path in files:
        look = _look(path)
        (here if look is not None and look == before[path] else coming).append(path)
    return here, coming


def _look(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def read_manifest(path: Path) -> dict[Path, str]:
    """Files and their SHA-256, as ``sha256sum`` writes them; names count from the list's folder.

    Raises:
        BadSetting: If the list cannot be read, names a file elsewhere, or is no such list.
    """
    listed: dict[Path, str] = {}
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"the list of checksums cannot be read: {error}", path) from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        found = LINE.fullmatch(line)
        if found is None:
            raise BadSetting(
                f"line {number} is not a SHA-256 and a file's name, as sha256sum writes them", path
            )
        name = Path(found[2])
        if name.is_absolute() or ".." in name.parts:
            raise BadSetting(f"line {number} names a file outside the list's folder", path)
        listed[path.parent / name] = found[1].lower()
    return listed


def admit(catalogue: Custody, path: Path, expected: str | None = None) -> Arrival:
    """Record a file as a master, or why it cannot be one.

    Args:
        catalogue: Open.
        path: The file; it is only read.
        expected: Its SHA-256 as somebody announced it.
    """
    try:
        if expected is not None and not path.exists():
            raise MasterRefused("was announced and has not come", path)
        if expected is None and path.exists() and catalogue.is_unchanged(path):
            return Arrival(path, "known")
        info = inspect(path)
        digest = sha256_file(path)
        if expected is not None and digest != expected:
            raise MasterRefused(
                f"has the SHA-256 {digest[:12]}… and was announced as {expected[:12]}…; "
                "it was damaged on its way: copy it again",
                path,
            )
        new = catalogue.record_arrival(info, digest)
        if new:
            catalogue.reopen(restoring(path), "has come anew and waits")
        say("master.admitted", master=str(path), master_sha256=digest, bytes=info.bytes, new=new)
    except HeritageError as error:
        catalogue.record_refusal(path, error)
        say(
            "master.refused", "warning", master=str(path), kind=type(error).__name__,
            reason=error.reason,
        )  # fmt: skip
        return Arrival(path, "refused", error.reason)
    return Arrival(path, "recorded" if new else "known")
