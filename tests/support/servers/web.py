"""A programmable HTTP server on loopback: handlers come in, what was asked goes out.

HTTP/1.1 with keep-alive, one thread a connection. Strict: a path without a handler is a 404 in
JSON, and an exception in a handler is a 500 that fails the test when the server closes.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Json = Any


@dataclass(frozen=True)
class Asked:
    """One request as it arrived. `path` is as sent (percent-encoded), header names lower case."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    parts: Mapping[str, str] = field(default_factory=dict)

    def param(self, name: str, default: str | None = None) -> str | None:
        """The first value of a query parameter."""
        return next((value for key, value in self.query if key == name), default)

    def json(self) -> Json:
        """The body's JSON, None where there is none."""
        return json.loads(self.body) if self.body else None

    def form(self) -> list[tuple[str, str]]:
        """The body's form pairs."""
        return parse_qsl(self.body.decode(), keep_blank_values=True)


@dataclass(frozen=True)
class Answer:
    """What goes back. `body` may be bytes, text or data (sent as JSON). With `length` the header
    promises another length than is sent; with `drop` the connection closes with no answer."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] | tuple[tuple[str, str], ...] = ()
    length: int | None = None
    drop: bool = False

    def encoded(self) -> tuple[bytes, str]:
        """The body's bytes and its content type."""
        if isinstance(self.body, bytes):
            return self.body, "application/octet-stream"
        if isinstance(self.body, str):
            return self.body.encode(), "text/plain; charset=utf-8"
        return json.dumps(self.body).encode(), "application/json"


Handler = Callable[[Asked], Any]


def each(*answers: Any) -> Handler:
    """A handler that gives one answer after the other, and the last one for ever."""
    left = list(answers)
    lock = threading.Lock()

    def handle(_: Asked) -> Any:
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return handle


class Web:
    """The server. `with Web() as web: web.on("/posts/{id}", handler)`; `asked` logs requests."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self.faults: list[BaseException] = []
        self.connections = 0
        self._rules: list[tuple[re.Pattern[str], str | None, Handler]] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.web = self
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "https" if tls is not None else "http"
        self.port = self._server.server_address[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}"

    def __enter__(self) -> Web:
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()
        self._thread.join()
        if self.faults:
            raise AssertionError(f"a handler failed: {self.faults!r}") from self.faults[0]

    def on(self, path: str, handler: Any, method: str | None = None) -> None:
        """Answer this path; `{name}` stands for one segment. The last rule that fits wins.

        `handler` is a function of the request, or the answer itself; what is no `Answer` is sent
        as JSON with status 200.
        """
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
        answering = handler if callable(handler) else (lambda _: handler)
        self._rules.insert(0, (re.compile(pattern), method, answering))

    def paths(self) -> list[str]:
        """The paths asked for, in order."""
        return [asked.path for asked in self.asked]

    def answer(self, asked: Asked) -> Answer:
        """The answer to a request, which is logged."""
        methods = False
        for pattern, method, handler in self._rules:
            match = pattern.fullmatch(asked.path)
            if match is None:
                continue
            if method is not None and method != asked.method:
                methods = True
                continue
            parts = {name: unquote(value) for name, value in match.groupdict().items()}
            known = Asked(**{**vars(asked), "parts": parts})
            with self._lock:
                self.asked.append(known)
            try:
                found = handler(known)
            except Exception as error:
                self.faults.append(error)
                return Answer(500, {"error": "the handler failed"})
            return found if isinstance(found, Answer) else Answer(200, found)
        with self._lock:
            self.asked.append(asked)
        if methods:
            return Answer(405, {"message": f"{asked.method} is not allowed here"})
        return Answer(404, {"message": f"there is no {asked.path}"})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    web: Web

    def __init__(self, *args: Any) -> None:
        self._open: set[Any] = set()
        self._guard = threading.Lock()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open.add(request)
        self.web.connections += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End the connections that clients keep alive."""
        with self._guard:
            kept = list(self._open)
        for request in kept:
            try:
                request.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or refused our certificate, is its own affair."""


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        asked = Asked(
            self.command,
            url.path,
            tuple(parse_qsl(url.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(length) if length else b"",
        )
        self._send(self.server.web.answer(asked))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815

    def _send(self, answer: Answer) -> None:
        if answer.drop:
            self.close_connection = True
            return
        body, kind = answer.encoded()
        pairs = list(
            answer.headers.items() if isinstance(answer.headers, Mapping) else answer.headers
        )
        self.send_response(answer.status)
        if not any(name.lower() == "content-type" for name, _ in pairs):
            pairs.insert(0, ("Content-Type", kind))
        for name, value in pairs:
            self.send_header(name, value)
        self.send_header("Content-Length", str(answer.length or len(body)))
        if answer.length is not None:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""
