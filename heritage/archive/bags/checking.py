"""A bag checked to the single byte: what is missing, was changed or does not belong in it.

Names in manifests are only compared with those found in the folder, never opened.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from heritage.archive.bags.digests import ALGORITHMS, THREADS, Digest, digest, read_digests, walk
from heritage.archive.bags.manifests import TAG_FILES, parse_manifest
from heritage.archive.bags.paths import collisions, composed, shown

_OXUM = re.compile(r"^Payload-Oxum:\s*(\d+)\.(\d+)\s*$", re.MULTILINE)
_VERSION = re.compile(rb"BagIt-Version: (1\.0|0\.97)\nTag-File-Character-Encoding: UTF-8\n")


@dataclass(frozen=True)
class Inspection:
    """What was found in a bag.

    Args:
        findings: One sentence each, beginning with the file concerned; none where all is well.
        files: Read.
        bytes: Read.
    """

    findings: tuple[str, ...]
    files: int
    bytes: int


def check_bag(folder: Path, threads: int = THREADS) -> list[str]:
    """Check every byte of a bag, with both algorithms and each file read once.

    Meant for bags as ``make_bag`` makes them: both algorithms, with tag manifests, no file that is
    in no manifest. A percent sign in a name may stand in manifests as it is, too.

    Args:
        folder: The bag.
        threads: Large files read at once.

    Returns:
        One sentence for each thing that is wrong, beginning with the file; empty for a sound bag.
    """
    with ThreadPoolExecutor(threads) as pool:
        return list(inspect(folder, ALGORITHMS, pool).findings)


def inspect(folder: Path, algorithms: Sequence[str], large: Executor) -> Inspection:
    """Look at all of a bag, its payload with some of its algorithms.

    Names in manifests are only compared with those found in the folder, never opened.

    Args:
        folder: The bag.
        algorithms: For the payload; tag files are always read with all.
        large: Reads large files beside this thread; must not be the pool that runs this.
    """
    try:
        paths, findings = walk(folder)
        tags = {name: _content(f"{folder}/{name}") for name in TAG_FILES if name in paths}
    except OSError as error:
        where = os.path.relpath(error.filename or folder, folder)
        where = folder.name if where == "." else shown(where)
        return Inspection((f"{where}: cannot be read ({error.strerror})",), 0, 0)
    findings += [f"{name}: is missing" for name in TAG_FILES if name not in tags]
    findings += collisions(paths)
    payload = [path for path in paths if path.startswith("data/")]
    others = [path for path in paths if path not in tags and not path.startswith("data/")]
    found, unread = read_digests(folder, payload, algorithms, large)
    beside, lost = read_digests(folder, others, ALGORITHMS, large)
    beside |= {it: digest(data) for it, data in tags.items() if not it.startswith("tagmanifest-")}
    wrong_tags = unread + lost + _compare("tagmanifest", ALGORITHMS, tags, beside)
    wrong = _compare("manifest", algorithms, tags, found)
    findings += wrong_tags + wrong
    if not wrong_tags and len(tags) == len(TAG_FILES):
        findings += _contradictions(tags, found, bool(wrong))
    read = [*found.values(), *beside.values()]
    size = sum(it.bytes for it in read)
    return Inspection(tuple(dict.fromkeys(findings)), len(read), size)


def _compare(
    kind: str, algorithms: Sequence[str], tags: Mapping[str, bytes], found: Mapping[str, Digest]
) -> list[str]:
    """Sentences about where the manifests of a kind and the files found do not agree.

    Where one manifest fits a file and the other does not, it is the other that is wrong: this is
    what tells which of the two tag manifests was changed, as no file has their own checksums.
    """
    findings: list[str] = []
    listed: dict[str, dict[str, str]] = {}
    by_name = {composed(path): it.hashes for path, it in found.items()}
    payload = kind == "manifest"
    for name in algorithms:
        file = f"{kind}-{name}.txt"
        if file in tags:
            listed[name], wrong = parse_manifest(tags[file], name, payload, by_name.keys())
            findings += [f"{file}: {it}" for it in wrong]
    for path in sorted({*by_name, *(path for one in listed.values() for path in one)}):
        findings += _judge(kind, path, by_name.get(path), listed)
    return findings


def _judge(
    kind: str,
    path: str,
    hashes: Mapping[str, str] | None,
    listed: Mapping[str, Mapping[str, str]],
) -> Iterator[str]:
    """What is to be said of one file, ``hashes`` being None where it is not there."""
    naming = [name for name in listed if path in listed[name]]
    if hashes is None:
        if len(naming) == len(listed):
            yield f"{shown(path)}: is missing"
        else:
            for name in naming:
                yield f"{kind}-{name}.txt: lists {shown(path)}, which no other manifest knows"
        return
    fitting = [name for name in naming if listed[name][path] == hashes.get(name)]
    if not hashes or len(fitting) == len(listed):
        return
    if fitting:
        for name in listed:
            if name not in fitting:
                yield f"{kind}-{name}.txt: does not fit {shown(path)}, which {fitting[0]} proves"
    elif naming:
        yield f"{shown(path)}: was changed: its checksum is not the one written down"
    else:
        yield f"{shown(path)}: does not belong here: no {kind} lists it"


def _contradictions(
    tags: Mapping[str, bytes], found: Mapping[str, Digest], wrong: bool
) -> Iterator[str]:
    """What tag files say wrongly though their checksums are right."""
    if not _VERSION.fullmatch(tags["bagit.txt"]):
        yield "bagit.txt: does not declare a bag of version 1.0 in UTF-8"
    said = _OXUM.search(tags["bag-info.txt"].decode(errors="replace"))
    holds = (sum(it.bytes for it in found.values()), len(found))
    if said is None:
        yield "bag-info.txt: does not say Payload-Oxum, how much the bag holds"
    elif not wrong and (int(said[1]), int(said[2])) != holds:
        yield f"bag-info.txt: says Payload-Oxum {said[1]}.{said[2]}, found {holds[0]}.{holds[1]}"


def _content(path: str) -> bytes:
    with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - once for each of many files
        return stream.read()
