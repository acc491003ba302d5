"""HTTP/1.1 on loopback with kept-alive connections: requests go to a function, its replies to
the wire. Knows nothing of the API."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.simulator.mishaps import Reply

Handle = Callable[[str, str, str | None], Reply]
"""Method, target with its query, Authorization header -> the reply."""


class Server(ThreadingHTTPServer):
    """One thread a connection. What goes wrong inside is put into `crashes`."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, handle: Handle, crashes: list[BaseException], port: int) -> None:
        self.handle = handle
        self.crashes = crashes
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """As ever, and remember the connection."""
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """As ever, and forget the connection."""
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Close what clients keep alive, so that no thread waits for a next request."""
        with self._open_lock:
            for one in self._open:
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is none of ours; all else is."""
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError):
            self.crashes.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "simulator"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def _respond(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length:
            self.rfile.read(length)
        try:
            reply = self.server.handle(self.command, self.path, self.headers.get("Authorization"))
        except Exception as error:
            self.server.crashes.append(error)
            reply = Reply(500, f"the simulator itself failed: {error!r}".encode())
        if reply.status is None:
            self.close_connection = True
            return
        body = reply.body or b""
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if reply.cut:
            body = body[: len(body) // 2]
            self.close_connection = True
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _respond  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing on stderr: the simulator keeps a log of its own."""
