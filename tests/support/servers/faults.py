"""A proxy that breaks some of what passes: resets, delays, half bodies, storms of 5xx and 429.

HTTP requests to a server on loopback go in, its answers come out, or a fault in their place. What
is broken is drawn from a seed; with several requests in flight, which of them it meets is chance.
"""

from __future__ import annotations

import http.client
import random
import socket
import struct
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

KINDS = ("reset", "delay", "half body", "5xx storm", "429 storm")
STORM = 4
"""Requests in a row that a storm takes, at most."""


class Faults:
    """`with Faults(server.url, rate=0.3, seed=7) as proxy: ... proxy.url`; `seen` counts what was
    done to requests. `rate` (of requests that meet a fault) may be changed while it runs."""

    def __init__(self, behind: str, *, rate: float, seed: int, kinds: tuple[str, ...] = KINDS):
        self.rate = rate
        self.seen: Counter[str] = Counter()
        self._kinds = kinds
        self._random = random.Random(seed)
        self._storm = ("", 0)
        self._lock = threading.Lock()
        self._behind = urlsplit(behind).netloc
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.faults = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Faults:
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def next(self) -> tuple[str, float]:
        """What happens to the next request ("" is nothing), and a number for how much."""
        with self._lock:
            kind, left = self._storm
            if left:
                self._storm = (kind, left - 1)
            else:
                # a storm takes several, so it begins more seldom
                drawn = self._random.choice(self._kinds)
                often = self.rate * 2 / (1 + STORM) if drawn.endswith("storm") else self.rate
                kind = drawn if self._random.random() < often else ""
                if kind.endswith("storm"):
                    self._storm = (kind, self._random.randrange(STORM))
            self.seen[kind or "passed"] += 1
            return kind, self._random.random()

    def ask(self, method: str, target: str, headers: Any, body: bytes) -> tuple[int, Any, bytes]:
        """What the server behind answers."""
        connection = http.client.HTTPConnection(self._behind)
        try:
            kept = {k: v for k, v in headers.items() if k.lower() not in ("host", "connection")}
            connection.request(method, target, body or None, kept)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    faults: Faults

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news."""


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Nothing is logged."""

    def do_GET(self) -> None:
        """Pass on, or break."""
        faults = self.server.faults
        kind, much = faults.next()
        if kind == "reset":
            # closing with this option sends a reset
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            return
        if kind.endswith("storm"):
            status = 429 if kind.startswith("429") else (500, 502, 503, 504)[int(much * 4)]
            self._answer(status, [("Retry-After", "0")], b'{"title": "storm"}')
            return
        if kind == "delay":
            threading.Event().wait(much / 50)
        status, headers, body = faults.ask("GET", self.path, self.headers, b"")
        self._answer(status, headers, body, int(len(body) * much) if kind == "half body" else None)

    def _answer(self, status: int, headers: Any, body: bytes, cut: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:cut])
        if cut is not None:
            self.close_connection = True
