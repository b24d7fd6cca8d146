"""Metrics and health over HTTP."""

from __future__ import annotations

import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry

from heritage.care.metrics import exposition, registry
from heritage.care.readiness import why_not_ready
from heritage.listening import listen
from heritage.logs import say
from heritage.settings import Settings

HOST, PORT = "127.0.0.1", 8041
PATIENCE = 30.0
"""Seconds for which a connection may say nothing."""

PLAIN = "text/plain; charset=utf-8"

Answer = tuple[int, bytes, str]


class Exporter(ThreadingHTTPServer):
    """Answers Prometheus and whoever asks how this site is; read-only.

    Args:
        settings: Of the site.
        listener: A listening socket, from ``heritage.listening``.
    """

    daemon_threads = True

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        super().__init__(("", 0), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_address = listener.getsockname()
        self._settings = settings
        self._registry: CollectorRegistry = registry(settings)

    def answer(self, path: str, accept: str) -> Answer:
        """Status, body and kind of text."""
        if path == "/metrics":
            return 200, *exposition(self._registry, accept)
        if path == "/health/live":
            return 200, b"ok\n", PLAIN
        if path == "/health/ready":
            fault = why_not_ready(self._settings)
            return (200, b"ok\n", PLAIN) if fault is None else (503, f"{fault}\n".encode(), PLAIN)
        return 404, b"there are /metrics, /health/live and /health/ready\n", PLAIN


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    timeout = PATIENCE
    server_version, sys_version = "heritage", ""
    server: Exporter

    def do_GET(self) -> None:
        """Answer."""
        status, body, kind = self.server.answer(
            urlsplit(self.path).path, self.headers.get("Accept", "")
        )
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name that the protocol's word has there

    def log_message(self, _format: str, *_words: object) -> None:
        """Who asks every fifteen seconds is not worth a line."""


def serve_metrics(
    settings: Settings,
    host: str = HOST,
    port: int = PORT,
    tell: Callable[[str], None] = print,
) -> None:
    """Serve metrics and health until interrupted.

    Args:
        settings: Of the site.
        host: The address of this machine to be reached at.
        port: Its number; 0 for any that is free.
        tell: Receives one sentence with the address once it answers.

    Raises:
        PortTaken: If another program is there already.
    """
    listener = listen(host, port)
    with Exporter(settings, listener) as server:
        place = f"http://{host}:{listener.getsockname()[1]}/metrics"
        tell(f"Metrics: {place}. Ctrl-C ends it.")
        say("metrics.served", address=place)
        server.serve_forever()
