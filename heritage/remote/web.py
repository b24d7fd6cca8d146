"""Files on web servers: read in parts, every answer checked.

fsspec's own HTTP file system is not used: it takes a whole file into memory where a server ignores
``Range``, does not notice one that changes between two requests, and follows redirects anywhere.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import logging
import netrc
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

import heritage
from heritage.remote.address import WEB, Address
from heritage.remote.faults import (
    Changed,
    Interrupted,
    NoRanges,
    NotAllowed,
    NotThere,
    RemoteFailed,
    told,
)
from heritage.remote.store import Stamp

REDIRECTS: Final = 5
LOOK: Final = 16
"""Bytes asked for to learn what a file is: many servers and all signed addresses forbid HEAD."""
BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")

# At this level every request would be logged with its whole address, signatures included.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class WebStore:
    """Reads over HTTP and HTTPS; proxies, certificates and ~/.netrc as the environment has them."""

    def __init__(self) -> None:
        self._client = httpx.Client(
            timeout=httpx.Timeout(30.0, connect=10.0),
            headers={
                "Accept-Encoding": "identity",
                "User-Agent": f"heritage/{heritage.__version__}",
            },
        )

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def stat(self, address: Address) -> Stamp:
        """What a file is: its first bytes are asked for, and what comes with them is read."""
        with self._asked(address, f"bytes=0-{LOOK - 1}") as reply:
            return _stamp(address, reply)

    def read(self, address: Address, start: int, stop: int, stamp: Stamp) -> Iterator[bytes]:
        """The bytes from ``start`` to ``stop``; a server may answer with all from the beginning."""
        if start >= stop:
            return
        with self._asked(address, f"bytes={start}-{stop - 1}") as reply:
            now, provable = _stamp(address, reply), stamp.tag or stamp.modified
            if now.bytes != stamp.bytes or (provable and not now.same_as(stamp)):
                raise Changed("changed while it was being fetched; run again", address)
            if reply.status_code != 206 and start:
                raise NoRanges("the server hands out no parts of a file", address)
            if reply.status_code == 206 and _range(address, reply)[0] != start:
                raise RemoteFailed("the server sends another part than it was asked for", address)
            missing = stop - start
            # As it comes: gathered into larger pieces, the last one would be lost with the line.
            for piece in reply.iter_raw():
                yield piece[:missing]
                missing -= min(len(piece), missing)
                if not missing:
                    return
        raise Interrupted(f"the server ended {missing} bytes too early", address)

    @contextmanager
    def _asked(self, address: Address, part: str) -> Iterator[httpx.Response]:
        """An answer of the right kind, its body still to come."""
        reply: httpx.Response | None = None
        try:
            request = self._client.build_request("GET", address.full, headers={"Range": part})
            rights = None if address.user else _passwords(address)
            for _ in range(REDIRECTS + 1):
                reply = self._client.send(
                    request, stream=True, auth=rights or httpx.USE_CLIENT_DEFAULT
                )
                if not reply.has_redirect_location:
                    break
                following = reply.next_request
                reply.close()
                assert following is not None
                _require_decent(address, request.url, following.url)
                request = following
            else:
                raise RemoteFailed("the server sends us round in circles; ask its keeper", address)
            _require_good(address, reply)
            yield reply
        except httpx.UnsupportedProtocol as error:
            raise RemoteFailed(
                "the server sends us to an address that is not taken", address
            ) from error
        except (httpx.InvalidURL, httpx.LocalProtocolError) as error:
            raise RemoteFailed("is no proper address; check it", address) from error
        except httpx.HTTPError as error:
            raise Interrupted(
                f"the server does not answer properly ({told(error)}); see whether it is up, and "
                "run again",
                address,
            ) from error
        finally:
            if reply is not None:
                reply.close()


def _passwords(address: Address) -> httpx.NetRCAuth | None:
    """What a person keeps in ~/.netrc, or in the file that NETRC names; each for its own server."""
    path = Path(os.environ.get("NETRC") or "~/.netrc").expanduser()
    if not path.is_file():
        return None
    try:
        return httpx.NetRCAuth(str(path))
    except (OSError, netrc.NetrcParseError) as error:
        raise NotAllowed(
            f"{path} with its password cannot be read; put it right", address
        ) from error


def _require_good(address: Address, reply: httpx.Response) -> None:
    """Refuse everything but a file or a part of one."""
    status = reply.status_code
    if status in (404, 410):
        raise NotThere("is not there; check the address", address)
    if status in (401, 403, 407):
        raise NotAllowed(
            f"the server does not let us (status {status}); put user and password into ~/.netrc, "
            "or ask for an address that is still valid",
            address,
        )
    if status in BUSY:
        raise Interrupted(f"the server is in trouble (status {status}); run again later", address)
    if status not in (200, 206, 416):
        raise RemoteFailed(f"the server answers with status {status}; ask its keeper", address)
    if reply.headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
        raise RemoteFailed("the server sends it compressed although asked not to", address)


def _stamp(address: Address, reply: httpx.Response) -> Stamp:
    headers = reply.headers
    if reply.status_code == 416:
        size = 0
    elif reply.status_code == 206:
        size = _range(address, reply)[2]
    elif headers.get("Content-Length", "").isdigit():
        size = int(headers["Content-Length"])
    else:
        raise RemoteFailed(
            "the server does not say how long it is; fetch it yourself and name the copy", address
        )
    whole = reply.status_code == 200
    tag = headers.get("ETag", "")
    return Stamp(
        bytes=size,
        # A weak tag promises the same meaning, not the same bytes.
        tag=tag if tag and not tag.startswith("W/") else None,
        modified=headers.get("Last-Modified"),
        md5=_md5(headers.get("Content-MD5", "")) if whole else None,
        ranges=not whole,
    )


def _range(address: Address, reply: httpx.Response) -> tuple[int, int, int]:
    match = _RANGE.fullmatch(reply.headers.get("Content-Range", ""))
    if match is None:
        raise RemoteFailed("the server does not say which part it sends; ask its keeper", address)
    return int(match[1]), int(match[2]), int(match[3])


def _md5(value: str) -> str | None:
    try:
        return base64.b64decode(value, validate=True).hex() or None
    except (binascii.Error, ValueError):
        return None


def _require_decent(address: Address, before: httpx.URL, after: httpx.URL) -> None:
    """Follow only to where a person might have sent us as well.

    Raises:
        RemoteFailed: If it leads to another kind of address, from https to http, or from another
            server into this machine or its cloud's own interfaces.
    """
    if after.scheme not in WEB or (before.scheme, after.scheme) == ("https", "http"):
        raise RemoteFailed(f"the server sends us to a {after.scheme}: address; not taken", address)
    if after.host != before.host and _is_inside(after.host) and not _is_inside(before.host):
        raise RemoteFailed(
            "the server sends us to an address inside this machine; not taken", address
        )


def _is_inside(host: str) -> bool:
    """Whether a name means this very machine, or the network interface of its cloud."""
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    numbers = [ipaddress.ip_address(str(one).partition("%")[0]) for one in found]
    return any(one.is_loopback or one.is_link_local or one.is_unspecified for one in numbers)
