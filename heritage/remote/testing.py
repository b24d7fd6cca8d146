"""A small web server for tests that hands out parts of files, and misbehaves when told to."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

_RANGE = re.compile(r"bytes=(\d+)-(\d+)?")


@dataclass
class Asked:
    """One request.

    Attributes:
        path: With its query.
        range: The ``Range`` header.
        authorization: The header of that name.
        sent: Bytes of the body that were sent.
    """

    path: str
    range: str | None
    authorization: str | None
    sent: int = 0


@dataclass
class Behaviour:
    """How the server answers; may be changed while it runs.

    Attributes:
        ranges: Whether it honours ``Range``.
        tags: Whether it sends an ETag and a time of change.
        length: Whether it says how long a file is.
        drop_after: Bytes of a body after which it breaks the connection.
        drops: How many more times it does.
        short: Whether it ends such a body as if it were complete.
        statuses: What it answers to the next requests instead.
        redirects: Where it sends who asks for a path.
        swap_at: After this many requests its files are read backwards: same size, other bytes.
    """

    ranges: bool = True
    tags: bool = True
    length: bool = True
    drop_after: int | None = None
    drops: int = 1
    short: bool = False
    statuses: list[int] = field(default_factory=list)
    redirects: dict[str, str] = field(default_factory=dict)
    swap_at: int | None = None


@dataclass
class RangeServer:
    """The server as a test sees it.

    Attributes:
        url: Its address, without a slash at the end.
        behaviour: To be changed by the test.
        asked: All requests so far.
    """

    url: str
    behaviour: Behaviour
    asked: list[Asked]

    @property
    def sent(self) -> int:
        """Bytes of all bodies."""
        return sum(request.sent for request in self.asked)


class _Quiet(ThreadingHTTPServer):
    """Does not mind who hangs up."""

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(folder: Path) -> Iterator[RangeServer]:
    """Serve the files of a folder on a free port of this machine."""
    behaviour, asked = Behaviour(), list[Asked]()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        """Answers one request."""

        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            """Answer as the test wants it."""
            request = Asked(self.path, self.headers.get("Range"), self.headers.get("Authorization"))
            with lock:
                asked.append(request)
                number = len(asked)
                status = behaviour.statuses.pop(0) if behaviour.statuses else None
            plain = unquote(urlsplit(self.path).path)
            if status is not None:
                return self._empty(status)
            if plain in behaviour.redirects:
                return self._empty(302, Location=behaviour.redirects[plain])
            path = folder / plain.lstrip("/")
            if not path.is_file():
                return self._empty(404)
            data = path.read_bytes()
            if behaviour.swap_at is not None and number > behaviour.swap_at:
                data = data[::-1]
            return self._file(request, data)

        def _file(self, request: Asked, data: bytes) -> None:
            match = _RANGE.fullmatch(request.range or "") if behaviour.ranges else None
            start, stop = 0, len(data)
            if match is not None:
                start = int(match[1])
                stop = min(len(data), int(match[2] or len(data) - 1) + 1)
                if start >= len(data):
                    return self._empty(416)
            self.send_response(200 if match is None else 206)
            if behaviour.tags:
                self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()[:16]}"')
                self.send_header("Last-Modified", "Tue, 24 Nov 2026 09:00:00 GMT")
            if match is not None:
                self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(data)}")
            body = self._cut(data[start:stop])
            request.sent = len(body)  # before anybody can have received it
            whole = len(body) == stop - start
            if behaviour.length:
                length = stop - start if whole or not behaviour.short else len(body)
                self.send_header("Content-Length", str(length))
            else:
                self.close_connection = True
            self.end_headers()
            try:
                self.wfile.write(body)
                self.wfile.flush()
            except OSError:
                self.close_connection = True
            if not whole and not behaviour.short:
                self.close_connection = True
            return None

        def _cut(self, body: bytes) -> bytes:
            limit = behaviour.drop_after
            if limit is None or behaviour.drops <= 0 or len(body) <= limit:
                return body
            behaviour.drops -= 1
            return body[:limit]

        def _empty(self, status: int, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with _Quiet(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield RangeServer(f"http://127.0.0.1:{server.server_port}", behaviour, asked)
        finally:
            server.shutdown()
            thread.join()
