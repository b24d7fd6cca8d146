"""Object storage through fsspec: S3, Google Cloud Storage, Azure, and folders for tests.

Who may read and write is decided where the storage's own tools look for it: environment variables,
their configuration files, the machine's role. Nothing of that passes through here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from heritage.remote.address import Address
from heritage.remote.faults import Changed, Interrupted, NotAllowed, NotThere, RemoteFailed, told
from heritage.remote.store import Stamp

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem  # type: ignore[import-untyped]

PART: Final = 8 << 20
"""Bytes of one request."""
EXTRAS: Final = {"s3": ("s3fs", "s3"), "gs": ("gcsfs", "gs"), "az": ("adlfs", "azure"),
                 "abfs": ("adlfs", "azure")}  # fmt: skip
FORBIDDEN: Final = (
    "NoCredentials",
    "PartialCredentials",
    "DefaultCredentials",
    "Forbidden",
    "AccessDenied",
    "Authentication",
    "InvalidAccessKey",
)


class BucketStore:
    """One storage, open for reading and writing.

    Raises:
        RemoteFailed: If the package that talks to it is not installed.
    """

    def __init__(self, address: Address) -> None:
        self._files = _filesystem(address)

    def close(self) -> None:
        """Nothing to do: fsspec closes its connections itself."""

    def stat(self, address: Address) -> Stamp:
        """What a file is."""
        said = self._info(address)
        if said.get("type") == "directory":
            raise NotThere("is a folder, not a file", address)
        size = said.get("size")
        if size is None:
            raise RemoteFailed("the storage does not say how long it is", address)
        tag = said.get("ETag") or said.get("etag") or said.get("generation")
        modified = said.get("LastModified") or said.get("mtime") or said.get("last_modified")
        modified = modified or said.get("updated") or said.get("created")
        return Stamp(
            int(size),
            None if tag is None else str(tag).strip('"'),
            None if modified is None else str(modified),
            _md5(said),
        )

    def is_folder(self, address: Address) -> bool:
        """Whether there is a folder (a common beginning of names), not a file."""
        return bool(self._info(address).get("type") == "directory")

    def files_below(self, folder: Address) -> list[Address]:
        """All files in a folder, at any depth, by name."""
        with faults(folder):
            self._files.invalidate_cache()
            root = self._files._strip_protocol(place(folder)).rstrip("/")
            found = sorted(str(one) for one in self._files.find(root))
        return [folder.below(*one.removeprefix(root).strip("/").split("/")) for one in found]

    def read(self, address: Address, start: int, stop: int, stamp: Stamp) -> Iterator[bytes]:
        """The bytes from ``start`` to ``stop``."""
        for at in range(start, stop, PART):
            end = min(at + PART, stop)
            with faults(address):
                piece = self._files.cat_file(place(address), start=at, end=end)
            if len(piece) != end - at:
                raise Changed("became shorter while it was being fetched; run again", address)
            yield bytes(piece)

    def put(self, local: Path, address: Address) -> None:
        """Send a file; until it is there as a whole, nothing is under its name."""
        where = place(address)
        with faults(address):
            if address.scheme != "file":
                self._files.put_file(str(local), where)
                return
            # The others show an object when it is complete; a folder shows it while it grows.
            folder, _, name = where.rpartition("/")
            self._files.makedirs(folder, exist_ok=True)
            self._files.put_file(str(local), f"{folder}/.{name}.part")
            self._files.mv(f"{folder}/.{name}.part", where)

    def remove(self, address: Address) -> None:
        """Take a file away again."""
        with faults(address):
            self._files.rm_file(place(address))

    def _info(self, address: Address) -> dict[str, Any]:
        with faults(address):
            self._files.invalidate_cache()
            said: dict[str, Any] = self._files.info(place(address))
            return said


def place(address: Address) -> str:
    """How fsspec wants an address to be written."""
    return address.path if address.scheme == "file" else str(address)


@contextmanager
def faults(address: Address) -> Iterator[None]:
    """Turn whatever a storage's package raises into one line about the address."""
    try:
        yield
    except RemoteFailed:
        raise
    except (FileNotFoundError, IsADirectoryError) as error:
        raise NotThere("is not there; check the address", address) from error
    except Exception as error:  # every package has errors of its own
        if isinstance(error, PermissionError) or _is_about_rights(error):
            raise NotAllowed(
                "the storage does not let us; set the variables in which its own tools look for "
                "user and key, and ask for the right to read or write here",
                address,
            ) from error
        raise Interrupted(
            f"the storage does not do it ({told(error)}); see whether it is up, and run again",
            address,
        ) from error


def _is_about_rights(error: BaseException) -> bool:
    words = f"{type(error).__name__} {error}"
    return any(word in words for word in FORBIDDEN)


def _filesystem(address: Address) -> AbstractFileSystem:
    import fsspec

    try:
        cls = fsspec.get_filesystem_class(address.scheme)
    except ImportError as error:
        package, extra = EXTRAS.get(address.scheme, (address.scheme, address.scheme))
        raise RemoteFailed(
            f"{address.scheme}: addresses need the package {package}; "
            f"pip install 'heritage[{extra}]'",
            address,
        ) from error
    options: dict[str, Any] = (
        {} if address.scheme in ("file", "memory") else {"use_listings_cache": False}
    )
    if address.scheme == "abfs" or address.scheme == "az":
        options |= _azure_account(address)
    with faults(address):
        return cls(**options)


def _azure_account(address: Address) -> dict[str, str]:
    """``container@account.dfs.core.windows.net`` names the account."""
    account = address.host.partition("@")[2].partition(".")[0]
    return {"account_name": account} if account else {}


def _md5(said: dict[str, Any]) -> str | None:
    """The checksum that Google and Azure keep with a file; an S3 ETag is one only at times."""
    import base64
    import binascii

    value = said.get("md5Hash") or said.get("content_settings", {}).get("content_md5")
    try:
        raw = (
            bytes(value) if isinstance(value, bytes | bytearray) else base64.b64decode(value or "")
        )
    except (binascii.Error, ValueError):
        return None
    return raw.hex() if len(raw) == 16 else None
