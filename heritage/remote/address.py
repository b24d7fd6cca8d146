"""URLs of masters and targets: which are taken, how they are written down, how they travel.

Between flows an address travels as a ``Path`` (``s3://bucket/x.tif`` as ``s3:/bucket/x.tif``), so
that the way of local files need not know of it. What proves a right to read - a user, a password, a
signature - stays in this process's memory and in no path, record or message.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlencode

from heritage.errors import BadSetting

WEB: Final = frozenset({"http", "https"})
BUCKETS: Final = frozenset({"s3", "gs", "az", "abfs", "file", "memory"})
SCHEMES: Final = WEB | BUCKETS
HARMLESS: Final = frozenset(
    {"id", "item", "object", "image", "file", "filename", "name", "path", "page", "version",
     "versionid", "format", "download", "dl"}
)  # fmt: skip
"""Parts of a query that say which file is meant. All others may be secrets and are not recorded."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")
_SAFE_NAME = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]")
_secrets: dict[str, Address] = {}


@dataclass(frozen=True)
class Address:
    """A place in storage; made by ``parse_address``.

    Attributes:
        scheme: One of ``SCHEMES``.
        host: Server with its port, bucket or container; empty for ``file`` and ``memory``.
        path: Begins with ``/``; as written, for web addresses with its ``%20``.
        query: Behind the question mark, all of it.
        user: ``user:password`` of a web address.
    """

    scheme: str
    host: str
    path: str
    query: str = field(default="", repr=False)
    user: str = field(default="", repr=False)

    def __str__(self) -> str:
        """Fit for records, messages and names: nothing secret."""
        known = [(k, v) for k, v in parse_qsl(self.query) if k.lower() in HARMLESS]
        return self._place(self.host) + (f"?{urlencode(known)}" if known else "")

    @property
    def full(self) -> str:
        """What the storage must be asked for, secrets included. Never to be recorded or shown."""
        host = f"{self.user}@{self.host}" if self.user else self.host
        return self._place(host) + (f"?{self.query}" if self.query else "")

    @property
    def travelling(self) -> Path:
        """As the path by which flows know it."""
        return Path(str(self))

    @property
    def is_web(self) -> bool:
        """Whether a web server is asked, else a storage with folders."""
        return self.scheme in WEB

    @property
    def name(self) -> str:
        """The last part, as a file name that every file system takes."""
        last = self.path.rstrip("/").rpartition("/")[2]
        return _SAFE_NAME.sub("_", unquote(last) if self.is_web else last).lstrip(".") or "master"

    def beside(self, name: str) -> Address:
        """Another file in the same folder, under the same rights."""
        return replace(self, path=f"{self.path.rpartition('/')[0]}/{name}")

    def below(self, *names: str) -> Address:
        """A file or folder inside this one."""
        return replace(self, path="/".join([self.path.rstrip("/"), *names]))

    def holds(self, other: Address) -> bool:
        """Whether ``other`` is this folder, or lies in it."""
        same = (self.scheme, self.host) == (other.scheme, other.host)
        return same and f"{other.path}/".startswith(f"{self.path.rstrip('/')}/")

    def _place(self, host: str) -> str:
        return f"{self.scheme}://{host}{self.path}"


def is_remote(place: Path | str) -> bool:
    """Whether this is a URL, by its looks alone; a local file of such a name would win."""
    match = _SCHEME.match(os.fspath(place))
    if match is None:
        return False
    return match[1].lower() in SCHEMES or not os.path.lexists(f"{match[1]}:")


def shown(place: Path | str) -> str:
    """A path or URL as a person writes it, secrets left out."""
    if not is_remote(place):
        return str(place)
    try:
        return str(parse_address(place))
    except BadSetting as error:
        return str(error.path)


def parse_address(place: Path | str) -> Address:
    """Read a URL, as typed or as it travels.

    Raises:
        BadSetting: If it is of a kind that is not taken, or no proper address.
    """
    text = os.fspath(place)
    scheme, _, rest = text.partition(":")
    scheme, rest = scheme.lower(), rest.lstrip("/")
    harmless = Path(f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}")
    if scheme not in SCHEMES:
        kinds = "https, http, s3, gs, az, abfs and file"
        raise BadSetting(f"addresses of the kind {scheme}: are not taken, only {kinds}", harmless)
    rest, _, query = rest.partition("?") if scheme in WEB else (rest, "", "")
    rest = rest.partition("#")[0] if scheme in WEB else rest
    host, _, path = ("", "", rest) if scheme in ("file", "memory") else rest.partition("/")
    user, _, host = host.rpartition("@") if scheme in WEB else ("", "", host)
    path = "/" + re.sub("/{2,}", "/", path).rstrip("/")
    address = Address(scheme, host.lower() if scheme in WEB else host, path, query, user)
    fault = _fault(address)
    if fault:
        raise BadSetting(fault, harmless)
    if address.full != str(address):
        _secrets[str(address)] = address
    return _secrets.get(str(address), address)


def local_path(place: Path | str) -> Path | None:
    """The local file that a ``file:`` URL or a plain path means; None for all other URLs."""
    if not is_remote(place):
        return Path(place)
    address = parse_address(place)
    return Path(address.path) if address.scheme == "file" else None


def _fault(address: Address) -> str | None:
    """What is wrong with an address, if anything."""
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in address.full):
        return "holds signs that no address has; type it again"
    if ".." in unquote(address.path).split("/"):
        return "leads upwards with '..'; write the whole address"
    if not address.host and address.scheme not in ("file", "memory"):
        return "names no server or bucket; an address looks like s3://bucket/scans/1907.12.tif"
    if not address.is_web and (":" in address.host or "?" in address.path):
        return (
            "carries a password or signature; leave it out and set the variables in which your "
            "storage's own tools look for it"
        )
    return None
