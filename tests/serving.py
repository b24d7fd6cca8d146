"""Small HTTP servers that stand in for whoever is asked or told."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answering(BaseHTTPRequestHandler):
    """Answers in JSON, by its methods ``get`` and ``post``, and keeps no log."""

    def do_GET(self):
        self.get()

    def do_POST(self):
        self.post()

    def say(self, answer):
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers["Content-Length"]))

    def log_message(self, *words):
        pass


@contextmanager
def listening(handler, host="127.0.0.1"):
    """A server with this handler, by its port."""
    with ThreadingHTTPServer((host, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()
