"""Every exchange of a run, kept as it happens: in the order in which requests were started.

Sits where the network is, below retries and redirects, so each attempt and hop is one exchange.
What is kept is raw; stand-ins come later.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

import requests
from requests.adapters import BaseAdapter

from framework.authoring.cassettes.cassette import Headers, Interaction
from framework.authoring.cassettes.matching import Address
from framework.authoring.scrub.request_routes import cursor_headers
from framework.definition.model import Connector

REQUEST_HEADERS = frozenset({"accept", "content-type"})
RESPONSE_HEADERS = frozenset({"content-type", "link", "location", "retry-after"})
NEVER = frozenset({"set-cookie", "set-cookie2", "www-authenticate", "authorization", "cookie"})


def named_headers(connector: Connector) -> frozenset[str]:
    """The response headers that a connector file reads: rate limits, cursors, conditions."""
    names: set[str] = set()
    limits = connector.client.rate_limit
    if limits is not None:
        names.update(filter(None, (limits.limit_header, limits.remaining_header)))
        names.update(filter(None, (limits.reset_header,)))
    names.update(cursor_headers(connector))
    for resource in connector.resources:
        for action in resource.endpoint.response_actions:
            names.update(action.headers)
    return frozenset(name.lower() for name in names) - NEVER


class Recorder:
    """Keeps exchanges; thread-safe. `keep` names further response headers to keep."""

    def __init__(self, keep: Iterable[str] = ()) -> None:
        self._keep = RESPONSE_HEADERS | {name.lower() for name in keep}
        self._lock = threading.Lock()
        self._slots: list[Interaction | None] = []
        self._failures: list[str] = []

    def start(self) -> int:
        """A place for an exchange that begins now."""
        with self._lock:
            self._slots.append(None)
            return len(self._slots) - 1

    def finish(
        self, place: int, request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Keep the answer; the whole body is read."""
        kept = Interaction(
            method=request.method or "GET",
            url=request.url or "",
            status=response.status_code,
            reason=response.reason or "",
            headers=self._wanted(response),
            body=response.content or b"",
            request_headers=tuple(
                (name, _text(value))
                for name, value in request.headers.items()
                if name.lower() in REQUEST_HEADERS
            ),
            request_body=_body(request.body),
        )
        with self._lock:
            self._slots[place] = kept

    def fail(self, request: requests.PreparedRequest, error: BaseException) -> None:
        """Note a request that got no answer: there is nothing to record."""
        address = Address.of(request.url or "")
        note = f"{request.method} {address.origin}{address.path}: {type(error).__name__}"
        with self._lock:
            self._failures.append(note)

    @property
    def exchanges(self) -> tuple[Interaction, ...]:
        """What has been answered so far, in the order of start."""
        with self._lock:
            return tuple(kept for kept in self._slots if kept is not None)

    @property
    def failures(self) -> tuple[str, ...]:
        """The requests that got no answer, each with its error's name."""
        with self._lock:
            return tuple(self._failures)

    def _wanted(self, response: requests.Response) -> Headers:
        names = {
            name: value
            for name, value in response.headers.items()
            if name.lower() not in NEVER
            and (name.lower() in self._keep or "ratelimit" in name.lower().replace("-", ""))
        }
        return tuple(names.items())


class RecordingAdapter(BaseAdapter):
    """Sends through `inner` and keeps what goes by."""

    def __init__(self, inner: BaseAdapter, recorder: Recorder) -> None:
        super().__init__()
        self._inner = inner
        self._recorder = recorder

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send, keep the answer, hand it on."""
        place = self._recorder.start()
        try:
            response = self._inner.send(
                request, stream=stream, timeout=timeout, verify=verify, cert=cert, proxies=proxies
            )
            self._recorder.finish(place, request, response)
        except BaseException as error:
            self._recorder.fail(request, error)
            raise
        return response

    def close(self) -> None:
        """Close the wire below."""
        self._inner.close()


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _body(body: object) -> bytes | None:
    if body is None:
        return None
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    raise TypeError("a request body that is read as it is sent cannot be recorded")
