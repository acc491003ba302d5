"""The mock on a socket: HTTP/1.1 on loopback, one thread a connection."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from framework.api import valid_connector
from framework.definition.finder import find_connector
from framework.definition.model import Connector
from framework.mock.mock_api import MockApi
from framework.mock.mock_message import MockRequest, MockResponse

PIECES = 10
"""Into how many parts a slow body is cut."""
LARGEST_BODY = 64_000_000
"""Bytes of a request that are read."""


class MockServer:
    """Serves a mock; `base_url` is its address. A context manager.

    `api.world` has the records, and `api.log` the requests.
    """

    def __init__(self, api: MockApi, port: int = 0) -> None:
        self.api = api
        self._server = _Server(("127.0.0.1", port), _Connection)
        self._server.api = api
        self._thread: threading.Thread | None = None
        api.address = self.base_url

    @property
    def base_url(self) -> str:
        """The server's address, without a path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> MockServer:
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()
        if self._thread is not None:
            self._thread.join()


@contextmanager
def serve_mock(connector: Connector | str, port: int = 0, **options: Any) -> Iterator[MockServer]:
    """Serve the mock of a connector, or of the connector of a name or file, while the block runs.

    `options` are those of `MockOptions`, and `cassette`, a recording or its path. Raise
    FindingsError for a file with errors.
    """
    from framework.mock.mock_builder import open_mock
    from framework.mock.mock_options import MockOptions

    if isinstance(connector, str):
        connector = valid_connector(find_connector(connector))
    cassette = options.pop("cassette", None)
    with MockServer(open_mock(connector, MockOptions(**options), cassette).api, port) as server:
        yield server


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    api: MockApi

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: the client is gone."""

    def hang_up(self) -> None:
        """Close the connections that clients keep open."""
        with self._guard:
            connections = list(self._open)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Write nothing: the caller is told of requests."""

    def answer(self) -> None:
        """Read a request, and send the mock's response."""
        length = self.headers.get("Content-Length", "0")
        size = int(length) if length.isdigit() else 0
        if size > LARGEST_BODY:
            self.close_connection = True
            self.send_error(413)
            return
        body = self.rfile.read(size)
        host = self.headers.get("Host") or "127.0.0.1"
        scheme = self.headers.get("X-Forwarded-Proto") or "http"
        url = self.path if self.path.startswith("http") else f"{scheme}://{host}{self.path}"
        request = MockRequest.of(self.command, url, dict(self.headers.items()), body)
        try:
            response = self.server.api.respond(request)
        except Exception as error:
            problem = {
                "error": "the mock has failed",
                "message": f"{type(error).__name__}: {error}",
            }
            response = MockResponse.of_json(500, problem)
        self._send(response)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer  # noqa: N815

    def _send(self, response: MockResponse) -> None:
        if response.end != "slow" and response.delay:
            time.sleep(response.delay)
        if response.end == "reset":
            self._reset()
            return
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        has_body = self.command != "HEAD" and response.status not in (204, 304)
        if has_body:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if not has_body:
            return
        if response.end == "truncated":
            self.wfile.write(response.body[: len(response.body) // 2])
            self.close_connection = True
        elif response.end == "slow":
            step = max(len(response.body) // PIECES, 1)
            for start in range(0, len(response.body), step):
                time.sleep(response.delay / PIECES)
                self.wfile.write(response.body[start : start + step])
                self.wfile.flush()
        else:
            self.wfile.write(response.body)

    def _reset(self) -> None:
        """Close the connection so that the client sees a reset."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
