"""Keep each request of a look as it goes out, and its response as it comes.

The tap takes the network's place, below retries and redirects, so each attempt and each hop is an
exchange of its own. A run's secrets are still in it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import BaseAdapter

from framework.errors import FrameworkError
from framework.http.request_context import current_context
from framework.http.transport import Response

MOST_EXCHANGES = 200
"""Exchanges that a look shows; the others are counted."""
BEGINNING = 1_000_000
"""Bytes of a response that are kept to be shown."""
MOST_KEPT = 100_000_000
"""Bytes of whole responses that are kept for expressions, the first ones."""


@dataclass
class TappedExchange:
    """One request and what came of it: `response`, or `error`, or nothing if it was stopped.

    `beginning` is the first part of the body, which has `size` bytes; `whole` is the response to
    parse again, None if it was too large to keep. `records` is what the selector found in it, None
    if it belongs to no list, or has no list in it.
    """

    id: int
    resource: str
    request: requests.PreparedRequest
    response: requests.Response | None = None
    beginning: bytes = b""
    size: int = 0
    whole: Response | None = None
    error: str = ""
    seconds: float = 0.0
    records: int | None = None
    began: float = field(default_factory=time.monotonic)

    @property
    def is_open(self) -> bool:
        """Whether the request has no end yet."""
        return self.response is None and not self.error


class ExchangeTap:
    """The exchanges of one look, in the order in which requests began. Thread-safe.

    `on_request` gets each exchange as it begins.
    """

    def __init__(self, on_request: Callable[[TappedExchange], None] = lambda _: None) -> None:
        self.exchanges: list[TappedExchange] = []
        self.left_out = 0
        self._on_request = on_request
        self._kept = 0
        self._lock = threading.Lock()

    def transport(self, inner: Callable[[int], BaseAdapter]) -> Callable[[int], BaseAdapter]:
        """Return a transport that sends through the other one, and keeps what passes."""
        return lambda connections: TappedAdapter(inner(connections), self)

    def begin(self, request: requests.PreparedRequest) -> TappedExchange:
        """Return a new exchange for a request that is about to be sent."""
        with self._lock:
            number = len(self.exchanges) + self.left_out + 1
            exchange = TappedExchange(number, current_context().resource, request.copy())
            if len(self.exchanges) < MOST_EXCHANGES:
                self.exchanges.append(exchange)
            else:
                self.left_out += 1
        self._on_request(exchange)
        return exchange

    def end(self, exchange: TappedExchange, response: requests.Response) -> None:
        """Note the response; its body is kept whole while there is room."""
        content = response.content or b""
        exchange.seconds = time.monotonic() - exchange.began
        exchange.response, exchange.size = _without_body(response), len(content)
        exchange.beginning = content[:BEGINNING]
        with self._lock:
            has_room = self._kept + len(content) <= MOST_KEPT
            if has_room:
                self._kept += len(content)
        if has_room:
            exchange.whole = Response(content, like=exchange.response)

    def fail(self, exchange: TappedExchange, error: BaseException) -> None:
        """Note that there is no response. A library's message may hold an address or a secret."""
        exchange.seconds = time.monotonic() - exchange.began
        is_ours = isinstance(error, FrameworkError)
        exchange.error = str(error) if is_ours else type(error).__name__

    def on_page(self, resource: str, number: int, page: Any) -> None:  # noqa: ARG002
        """Note how many records were selected in a response: the `look` of a Sample."""
        page.items  # noqa: B018 - parsed, so that each step can be traced
        request = page.response.request
        for exchange in reversed(self.exchanges):
            is_same = exchange.response is not None and exchange.response.request is request
            if exchange.resource == resource and is_same:
                exchange.records = None if page.fault else page.count
                return


def _without_body(response: requests.Response) -> requests.Response:
    """Return the status and the headers of a response."""
    bare = Response(b"", like=response)
    bare.raw = None
    return bare


class TappedAdapter(BaseAdapter):
    """Sends through `inner`, and has the tap keep each exchange."""

    def __init__(self, inner: BaseAdapter, tap: ExchangeTap) -> None:
        super().__init__()
        self._inner = inner
        self._tap = tap

    def send(
        self, request: requests.PreparedRequest, *args: Any, **named: Any
    ) -> requests.Response:
        """Send the request, and return the response."""
        exchange = self._tap.begin(request)
        try:
            response = self._inner.send(request, *args, **named)
            self._tap.end(exchange, response)
        except BaseException as error:
            self._tap.fail(exchange, error)
            raise
        return response

    def close(self) -> None:
        """Close the inner adapter."""
        self._inner.close()
