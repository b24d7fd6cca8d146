"""BagIt bags (RFC 8493) with SHA-256 and SHA-512: written, and checked to the single byte.

Written here, not by bagit-python: that changes the working directory of the whole process, which
has threads, and declares version 0.97. Other programs read these bags; tests see to it.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import heritage
from heritage.errors import HeritageError, OutputInTheWay, StorageFailed
from heritage.restore.storage import storage, sync, sync_folder

ALGORITHMS = ("sha256", "sha512")
THREADS = 8
"""Files read at once: more than there are cores, so that a disk has work while another waits."""
TAG_FILES = (
    "bagit.txt", "bag-info.txt", "manifest-sha256.txt", "manifest-sha512.txt",
    "tagmanifest-sha256.txt", "tagmanifest-sha512.txt",
)  # fmt: skip
"""All that lies beside ``data`` in our bags, in the order of writing."""

_DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_BLOCK = 1 << 20
_LARGE = 8 << 20
_ENCODED = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_DECODED = {coded: plain for plain, coded in _ENCODED.items()}
_ENTRY = re.compile(r"([0-9a-f]+)( \*|[ \t]+)(\S.*)", re.DOTALL)
_OXUM = re.compile(r"^Payload-Oxum:\s*(\d+)\.(\d+)\s*$", re.MULTILINE)
_FRAGILE = re.compile(r"[^\S\r\n](/|$)|[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_VERSION = re.compile(rb"BagIt-Version: (1\.0|0\.97)\nTag-File-Character-Encoding: UTF-8\n")


@dataclass(frozen=True)
class Digest:
    """What reading a file once gave.

    Args:
        bytes: Its length.
        hashes: Hexadecimal digest by algorithm.
    """

    bytes: int
    hashes: Mapping[str, str]


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


def make_bag(
    folder: Path,
    info: Mapping[str, str | Sequence[str]],
    hashes: Mapping[str, tuple[str, str]] | None = None,
) -> None:
    """Make a bag of ``folder/data``, all of it on the disk when this returns.

    Stopped on the way, the same call makes it whole.

    Args:
        folder: Holds ``data`` and, at most, what an earlier call has left.
        info: Further lines of ``bag-info.txt`` by label; may say ``Bagging-Date``.
        hashes: SHA-256 and SHA-512 of every file by its path, such as ``data/mill.tif``, where
            they are known: then no file is read again.

    Raises:
        HeritageError: If a name cannot be kept on every system, or ``hashes`` are of other files.
        OutputInTheWay: If something else lies beside ``data``.
        StorageFailed: If a file cannot be read or written.
    """
    with storage(folder):
        paths, odd = walk(folder)
        payload = [path for path in paths if path.startswith("data/")]
        _require_ours(folder, [path for path in paths if not path.startswith("data/")])
        _require_portable(folder, payload, odd)
        if hashes is None:
            hashes = _read_all(folder, payload)
        if sorted(hashes) != payload:
            raise HeritageError("the files are not those whose checksums are known", folder)
        size = sum((folder / path).stat().st_size for path in payload)
        oxum = f"{size}.{len(payload)}"
        _sync_payload(folder, payload)
        _write_tags(folder, {**_defaults(), **info, "Payload-Oxum": oxum}, hashes)


def check_bag(folder: Path, threads: int = THREADS) -> list[str]:
    """Check every byte of a bag, with both algorithms and each file read once.

    Meant for bags as ``make_bag`` makes them: both algorithms, with tag manifests, no file that is
    in no manifest.

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
    findings += _collisions(paths)
    payload = [path for path in paths if path.startswith("data/")]
    others = [path for path in paths if path not in tags and not path.startswith("data/")]
    found, unread = _digests(folder, payload, algorithms, large)
    beside, lost = _digests(folder, others, ALGORITHMS, large)
    beside |= {path: digest(data) for path, data in tags.items() if not _is_tagmanifest(path)}
    wrong_tags = unread + lost + _compare("tagmanifest", ALGORITHMS, tags, beside)
    wrong = _compare("manifest", algorithms, tags, found)
    findings += wrong_tags + wrong
    if not wrong_tags and len(tags) == len(TAG_FILES):
        findings += _contradictions(tags, found, bool(wrong))
    read = [*found.values(), *beside.values()]
    size = sum(it.bytes for it in read)
    return Inspection(tuple(dict.fromkeys(findings)), len(read), size)


def walk(folder: Path) -> tuple[list[str], list[str]]:
    """The plain files below a folder by their paths in it, sorted, and sentences about the rest.

    Raises:
        OSError: If a folder cannot be read.
    """
    files: list[str] = []
    odd: list[str] = []
    open_folders = [""]
    while open_folders:
        inside = open_folders.pop()
        with os.scandir(f"{folder}/{inside}") as entries:
            for entry in entries:
                path = inside + entry.name
                if entry.is_file(follow_symlinks=False):
                    files.append(path)
                elif entry.is_dir(follow_symlinks=False):
                    open_folders.append(f"{path}/")
                else:
                    what = "a link" if entry.is_symlink() else "a device or pipe"
                    odd.append(f"{shown(path)}: is {what}, and only files may be here")
    return sorted(files), odd


def read_digest(path: str, algorithms: Iterable[str] = ALGORITHMS) -> Digest:
    """Read a file once, in large pieces, for all its digests. Links are not followed.

    Raises:
        OSError: If it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return _hash(descriptor, os.fstat(descriptor).st_size, algorithms)
    finally:
        os.close(descriptor)


def digest(data: bytes, algorithms: Iterable[str] = ALGORITHMS) -> Digest:
    """The digests of bytes at hand."""
    return Digest(len(data), {name: hashlib.new(name, data).hexdigest() for name in algorithms})


def shown(path: str) -> str:
    """A path in one line that any terminal can print."""
    return encode_path(path).encode("utf-8", "backslashreplace").decode()


def encode_path(path: str) -> str:
    r"""A path as it stands in a manifest (RFC 8493, 2.1.3).

    >>> encode_path("data/100%\n.tif")
    'data/100%25%0A.tif'
    """
    return re.sub("[%\r\n]", lambda found: _ENCODED[found[0]], path)


def decode_path(path: str) -> str:
    """The reverse of ``encode_path``; other percent signs stay as they are."""
    if "%" not in path:
        return path
    return re.sub("%(25|0[AaDd])", lambda found: _DECODED[found[0].upper()], path)


def _content(path: str) -> bytes:
    with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - once for each of many files
        return stream.read()


def _hash(descriptor: int, size: int, algorithms: Iterable[str]) -> Digest:
    hashers = {name: hashlib.new(name) for name in algorithms}
    read = 0
    # One byte more than is left: the piece that ends a small file is read with it.
    while block := os.read(descriptor, min(max(size - read, 4095) + 1, _BLOCK)):
        for hasher in hashers.values():
            hasher.update(block)
        read += len(block)
    return Digest(read, {name: hasher.hexdigest() for name, hasher in hashers.items()})


def _read_all(folder: Path, paths: Sequence[str]) -> dict[str, tuple[str, str]]:
    with ThreadPoolExecutor(THREADS) as pool:
        found, unread = _digests(folder, paths, ALGORITHMS, pool)
    if unread:
        raise StorageFailed(unread[0], folder)
    return {path: (it.hashes["sha256"], it.hashes["sha512"]) for path, it in found.items()}


def _digests(
    folder: Path, paths: Iterable[str], algorithms: Sequence[str], large: Executor
) -> tuple[dict[str, Digest], list[str]]:
    """Digests by path, none for what cannot be read, and sentences about that."""
    found: dict[str, Digest] = {}
    waiting: dict[str, Future[Digest]] = {}
    unread: list[str] = []
    for path in paths:
        try:
            descriptor = os.open(f"{folder}/{path}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                size = os.fstat(descriptor).st_size
                if size < _LARGE:
                    found[path] = _hash(descriptor, size, algorithms)
                else:
                    waiting[path] = large.submit(read_digest, f"{folder}/{path}", algorithms)
            finally:
                os.close(descriptor)
        except OSError as error:
            found[path] = Digest(0, {})
            unread.append(f"{shown(path)}: cannot be read ({error.strerror})")
    for path, future in waiting.items():
        try:
            found[path] = future.result()
        except OSError as error:
            found[path] = Digest(0, {})
            unread.append(f"{shown(path)}: cannot be read ({error.strerror})")
    return found, unread


def _compare(
    kind: str, algorithms: Sequence[str], tags: Mapping[str, bytes], found: Mapping[str, Digest]
) -> list[str]:
    """Sentences about where the manifests of a kind and the files found do not agree.

    Where one manifest fits a file and the other does not, it is the other that is wrong: this is
    what tells which of the two tag manifests was changed, as no file has their own checksums.
    """
    findings: list[str] = []
    listed: dict[str, dict[str, str]] = {}
    for name in algorithms:
        manifest = f"{kind}-{name}.txt"
        if manifest in tags:
            listed[name], wrong = _parse(tags[manifest], name, kind == "manifest")
            findings += [f"{manifest}: {it}" for it in wrong]
    by_name = {_composed(path): it.hashes for path, it in found.items()}
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


def _parse(data: bytes, algorithm: str, payload: bool) -> tuple[dict[str, str], list[str]]:
    """Checksum by path, and what is wrong with the lines of a manifest.

    All lines must be parted in the same way: a byte changed between checksum and name, which
    changes no meaning, is then seen too.
    """
    try:
        lines = data.decode().split("\n")
    except UnicodeDecodeError:
        return {}, ["is not UTF-8"]
    wrong = [] if lines.pop() == "" else ["its last line does not end"]
    entries: dict[str, str] = {}
    gaps = set()
    length = 2 * hashlib.new(algorithm).digest_size
    for number, line in enumerate(lines, 1):
        entry = _ENTRY.fullmatch(line)
        path = _composed(decode_path(entry[3])) if entry else ""
        if entry is None or len(entry[1]) != length or not _is_inside(path, payload):
            wrong.append(f"line {number} is not a checksum and a path of this bag")
        elif path in entries:
            wrong.append(f"lists {shown(path)} twice")
        else:
            entries[path] = entry[1]
            gaps.add(entry[2])
    if len(gaps) > 1:
        wrong.append("its lines are not all of one form")
    return entries, wrong


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


def _is_tagmanifest(path: str) -> bool:
    return path.startswith("tagmanifest-")


def _is_inside(path: str, payload: bool) -> bool:
    """Whether a path stays in the bag, in the part of it where it should be."""
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return False
    return (parts[0] == "data") == payload and len(parts) > payload


def _composed(path: str) -> str:
    """A path in Unicode's composed form: some systems decompose the names they are given."""
    return path if path.isascii() else unicodedata.normalize("NFC", path)


def _collisions(paths: Iterable[str]) -> list[str]:
    """Sentences about names that are one name on systems without upper and lower case."""
    first: dict[str, str] = {}
    found = []
    for path in paths:
        known = first.setdefault(_composed(path.casefold()), path)
        if known != path:
            found.append(f"{shown(path)}: is the same name as {shown(known)} on some systems")
    return found


def _require_ours(folder: Path, beside: Iterable[str]) -> None:
    for path in beside:
        if path not in TAG_FILES:
            raise OutputInTheWay("lies beside data, and only a bag's own files may", folder / path)


def _require_portable(folder: Path, payload: Sequence[str], odd: Sequence[str]) -> None:
    if not payload:
        raise HeritageError("holds no folder data with files in it", folder)
    if wrong := [*odd, *_collisions(payload)]:
        raise HeritageError(f"cannot be a bag: {wrong[0]}", folder)
    for path in payload:
        try:
            plain = _composed(path) == path and bool(path.encode())
        except UnicodeEncodeError:
            plain = False
        if not plain or _FRAGILE.search(path):
            raise HeritageError(
                f"the name {shown(path)} is not kept by every system: use composed Unicode (NFC), "
                "no control characters, no space at the end",
                folder,
            )


def _sync_payload(folder: Path, payload: Iterable[str]) -> None:
    for path in payload:
        sync(folder / path)
    for inside in {parent for path in payload for parent in Path(path).parents}:
        sync_folder(folder / inside)


def _defaults() -> dict[str, str]:
    return {
        "Bag-Software-Agent": f"heritage {heritage.__version__}",
        "Bagging-Date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
    }


def _write_tags(
    folder: Path,
    info: Mapping[str, str | Sequence[str]],
    hashes: Mapping[str, tuple[str, str]],
) -> None:
    files = {"bagit.txt": _DECLARATION, "bag-info.txt": _information(folder, info)}
    for place, name in enumerate(ALGORITHMS):
        files[f"manifest-{name}.txt"] = _manifest((path, hashes[path][place]) for path in hashes)
    tags = {path: digest(data).hashes for path, data in files.items()}
    for name in ALGORITHMS:
        entries = ((path, it[name]) for path, it in tags.items())
        files[f"tagmanifest-{name}.txt"] = _manifest(entries)
    for path, data in files.items():
        with (folder / path).open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    sync_folder(folder)


def _information(folder: Path, info: Mapping[str, str | Sequence[str]]) -> bytes:
    """The content of ``bag-info.txt``: one line a value, whatever breaks a line in it."""
    lines = []
    for label, values in info.items():
        if not _LABEL.fullmatch(label):
            raise HeritageError(f"{label!r} cannot be a label of bag-info.txt", folder)
        for value in [values] if isinstance(values, str) else values:
            lines.append(f"{label}: {' '.join(value.split())}\n")
    return "".join(lines).encode()


def _manifest(entries: Iterable[tuple[str, str]]) -> bytes:
    return "".join(f"{it}  {encode_path(path)}\n" for path, it in sorted(entries)).encode()
