"""The simulator: the API served over real HTTP/1.1 on loopback, with a log of what was asked."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import TracebackType
from typing import Self, cast
from urllib.parse import parse_qsl, quote, urlsplit

from tests.support.simulator.access import Token
from tests.support.simulator.answering import answer, relocated
from tests.support.simulator.identity import API, Record
from tests.support.simulator.limits import Limiter
from tests.support.simulator.mishaps import Mishaps, Reply
from tests.support.simulator.pages import Pages
from tests.support.simulator.refusals import broken
from tests.support.simulator.sockets import Server
from tests.support.simulator.world import World

HERE = "here"
"""As `public_url`: links and uris point to the simulator itself."""


@dataclass(frozen=True)
class Request:
    """One request as it came in, and the status of its answer (0: the connection was closed)."""

    method: str
    path: str
    query: dict[str, str]
    auth: str | None
    status: int
    target: str
    thread: str


class Simulator:
    """A context manager around a running server. `world` may be changed while it runs.

    `tokens` are those that are known: Token, or just the value of an owner's. `rate_limit`
    requests per user and `rate_window` seconds (`clock` is what they are counted by).
    `latency` seconds pass before each answer. Page tokens live for `page_token_requests`
    further requests for the list or what is below it (others come when they like) and
    `page_token_seconds`; None is for ever. `old_pagination` leaves next_page_token out.
    `public_url` is what uris and links start with."""

    def __init__(
        self,
        world: World,
        tokens: Iterable[Token | str] = ("secret",),
        *,
        rate_limit: int = 100_000,
        rate_window: float = 60.0,
        latency: float = 0.0,
        old_pagination: bool = False,
        page_token_requests: int | None = 50,
        page_token_seconds: float | None = None,
        public_url: str = API,
        port: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.world = world
        self.latency = latency
        self.requests: list[Request] = []
        self.most_at_once = 0
        self.crashes: list[BaseException] = []
        self._tokens = {
            token.value: token
            for token in (Token(one) if isinstance(one, str) else one for one in tokens)
        }
        self._limiter = Limiter(clock, rate_limit, rate_window)
        self._pages = Pages(
            clock,
            requests=page_token_requests,
            seconds=page_token_seconds,
            old=old_pagination,
        )
        self._mishaps = Mishaps()
        self._public_url = public_url
        self._port = port
        self._lock = threading.Lock()
        self._numbers: Counter[str] = Counter()
        self._at_once = 0
        self._stopping = threading.Event()
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """Where it answers, without a slash at the end."""
        if self._server is None:
            raise RuntimeError("the simulator is not running: use it in a `with` statement")
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def public_url(self) -> str:
        """What uris and next_page links start with."""
        return self.base_url if self._public_url == HERE else self._public_url

    def table(self, name: str, *, user: str | None = None) -> list[Record]:
        """`world.table`, with uris under `public_url`."""
        text = json.dumps(self.world.table(name, user=user)).encode()
        return cast(list[Record], json.loads(relocated(text, self.public_url)))

    def fail(self, path_pattern: str, statuses: Sequence[int | Reply], *, skip: int = 0) -> None:
        """The next requests to such paths (`*` stands for anything) are answered with these, one
        each, after `skip` that go well. They come before the token is looked at."""
        self._mishaps.add(path_pattern, statuses, skip)

    def unused_failures(self) -> list[str]:
        """Patterns given to `fail` whose answers were not all used."""
        return self._mishaps.left()

    def expire_page_tokens(self) -> None:
        """Every page token given out so far is stale."""
        self._pages.forget()

    def asked(self, path_pattern: str = "*") -> list[Request]:
        """The requests so far whose path matches, in the order of their answers."""
        with self._lock:
            return [one for one in self.requests if fnmatchcase(one.path, path_pattern)]

    def clear(self) -> None:
        """Forget requests and scripted failures; the rate window and page tokens stay."""
        with self._lock:
            self.requests.clear()
            self.most_at_once = 0
        self._mishaps.clear()

    def __enter__(self) -> Self:
        self._server = Server(self.handle, self.crashes, self._port)
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
        self._stopping.set()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.hang_up()
            self._server.server_close()
        if self.crashes and error is None:
            raise AssertionError("the simulator itself failed") from self.crashes[0]

    def handle(self, method: str, target: str, authorization: str | None) -> Reply:
        """The answer to one request, logged. Called from the server's threads."""
        parts = urlsplit(target)
        below = parts.path[1:].partition("/")[0]
        with self._lock:
            self._numbers[below] += 1
            number = self._numbers[below]
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            reply = self._mishaps.next_for(parts.path)
            delay = self.latency + (reply.delay if reply else 0)
            if delay:
                self._stopping.wait(delay)
            if reply is None:
                reply = self._answer(method, parts.path, parts.query, authorization, number)
            elif reply.status is not None and reply.body is None:
                body = json.dumps(broken(reply.status).body).encode()
                reply = Reply(reply.status, body, reply.headers, reply.cut)
        finally:
            with self._lock:
                self._at_once -= 1
        with self._lock:
            self.requests.append(
                Request(
                    method,
                    parts.path,
                    dict(parse_qsl(parts.query, keep_blank_values=True)),
                    authorization,
                    reply.status or 0,
                    target,
                    threading.current_thread().name,
                )
            )
        return reply

    def _answer(
        self, method: str, path: str, query: str, authorization: str | None, number: int
    ) -> Reply:
        public = self.public_url
        if public != API:
            for written in (str, _quoted):
                query = query.replace(written(API), "elsewhere").replace(
                    written(public), written(API)
                )
        status, headers, body = answer(
            self.world,
            self._tokens,
            self._limiter,
            self._pages,
            method=method,
            path=path,
            query=query,
            authorization=authorization,
            number=number,
        )
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        headers["Content-Type"] = "application/json"
        return Reply(status, relocated(text, public), headers)


def _quoted(text: str) -> str:
    return quote(text, safe="")
