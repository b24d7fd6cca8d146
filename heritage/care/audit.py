"""Whether the files still are what they were: a share of them every night, all in so many days."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from db.holdings import Holding
from db.vocabulary import Part, Soundness
from heritage.archive.bags.checking import check_bag
from heritage.care.custody import Check, Custody
from heritage.errors import StorageFailed
from heritage.logs import say
from heritage.tiff.fixity import sha256_file

TOGETHER = 64
"""Files whose findings are recorded at once: what a kill costs at most."""

READERS = 2
"""Files read side by side; more make a disk seek."""


@dataclass
class Audit:
    """What an audit found.

    Attributes:
        holdings: Files that must be accounted for.
        checked: Of these, looked at now.
        bytes: Read for that.
        wrong: Those that are not as they must be.
        newly: Of these, those that were sound or unknown before.
    """

    holdings: int = 0
    checked: int = 0
    bytes: int = 0
    wrong: list[Check] = field(default_factory=list)
    newly: list[Check] = field(default_factory=list)


def audit(
    custody: Custody,
    days: int,
    everything: bool = False,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Audit:
    """Look at those files that were not looked at for the longest time.

    Args:
        custody: The open catalogue.
        days: In how many such audits every file comes round.
        everything: Look at all of them now.
        tell: Called with files looked at and files to look at.

    Returns:
        What was found; each finding is on record before the next files are read.
    """
    found = Audit(holdings=custody.list_holdings())
    share = found.holdings if everything else math.ceil(found.holdings / days)
    began = custody.now()
    # What was looked at within the round waits for the next one, whoever asks however often.
    before = began if everything else began - timedelta(days=days - 0.5)
    with ThreadPoolExecutor(READERS, "audit") as readers:
        # Those that were wrong come first, every time: somebody may have put them right.
        files = custody.troubled() or custody.due(min(TOGETHER, share), before)
        while files:
            checks = list(readers.map(look_at, files))
            found.newly += custody.record_checks(checks)
            wrong = [one for one in checks if one.found is not Soundness.SOUND]
            found.wrong += wrong
            _say_wrong(wrong)
            found.checked += len(checks)
            found.bytes += sum(one.seen[0] for one in checks if one.seen)
            tell(found.checked, share)
            left = share - found.checked
            files = custody.due(min(TOGETHER, left), before) if left > 0 else []
    said = {"holdings": found.holdings, "checked": found.checked, "bytes": found.bytes}
    custody.record_audit(said | {"wrong": len(found.wrong)}, not found.wrong)
    say("audit.completed", **said, wrong=len(found.wrong))
    return found


def _say_wrong(checks: list[Check]) -> None:
    for check in checks:
        facts = {"path": check.holding.path, "part": check.holding.part.value}
        facts |= {"master_sha256": check.holding.master_sha256, "state": check.found.value}
        say("audit.found", "error", **facts, reason=check.detail)


def look_at(holding: Holding) -> Check:
    """Read one file and say how it is."""
    path = Path(holding.path)
    try:
        before = path.stat()
        digest = sha256_file(path)
        after = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return Check(holding, Soundness.MISSING, None, "is not there")
    except (OSError, StorageFailed) as error:
        if not path.exists():
            return Check(holding, Soundness.MISSING, None, "is not there")
        why = error.strerror if isinstance(error, OSError) else error.reason
        return Check(holding, Soundness.UNREADABLE, None, f"cannot be read: {why}")
    seen = (after.st_size, after.st_mtime_ns)
    if digest == holding.sha256:
        faults = check_bag(path.parent) if holding.part is Part.PACKAGE else []
        if faults:
            return Check(holding, Soundness.REPLACED, None, _first(faults))
        return Check(holding, Soundness.SOUND, seen, "is as it was")
    if seen != (before.st_size, before.st_mtime_ns):
        return Check(holding, Soundness.REPLACED, None, "is being written to at this moment")
    if holding.bytes is not None and after.st_size != holding.bytes:
        detail = f"has {after.st_size} bytes instead of {holding.bytes}"
        return Check(holding, Soundness.REPLACED, None, detail)
    if holding.modified_ns is not None and after.st_mtime_ns == holding.modified_ns:
        detail = "has other bytes although nobody wrote it: restore it from a copy"
        return Check(holding, Soundness.ROT, None, detail)
    return Check(holding, Soundness.REPLACED, None, "has other bytes than it had")


def _first(faults: list[str]) -> str:
    """The first of many, and how many there are besides."""
    more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
    return f"is a package in which {faults[0]}{more}"
