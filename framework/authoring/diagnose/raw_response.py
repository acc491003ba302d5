"""Keep the response that a resource's first records would come from, as the API sent it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import requests
from requests.adapters import BaseAdapter

from framework.definition.model import Connector, Resource
from framework.errors import FrameworkError, Interrupted, RequestError
from framework.events import EventHandler
from framework.extract.compilation.compiler import compile_connector
from framework.extract.compilation.dlt_source import ResourceReaders
from framework.extract.read_options import ReadOptions, Sample
from framework.http.formats.charsets import is_charset
from framework.http.request_context import current_context
from framework.http.transport import LiveAdapter
from framework.runtime.environment import Environment
from framework.runtime.redaction import MASK, Redactor, is_credential_name, redact_url
from framework.runtime.settings import resolve_settings

HIDDEN_HEADERS = frozenset({"set-cookie", "set-cookie2", "www-authenticate", "authentication-info"})
"""Response headers that carry sessions and challenges, whatever their value."""


@dataclass(frozen=True)
class RawResponse:
    """A response with the URL and the texts masked; `body` is decompressed, otherwise unchanged.

    `charset` is what the response says of its body, None if it says nothing that is known.
    """

    method: str
    url: str
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    charset: str | None
    seconds: float


class ResponseTap(BaseAdapter):
    """Sends through `inner`, and keeps the last response of one resource.

    Requests for a token belong to no resource, those of a parent to the parent.
    """

    def __init__(self, inner: BaseAdapter, resource: str) -> None:
        super().__init__()
        self._inner = inner
        self._resource = resource
        self.response: requests.Response | None = None
        self.seconds = 0.0

    def send(
        self,
        request: requests.PreparedRequest,
        *args: Any,
        **named: Any,
    ) -> requests.Response:
        """Send the request, and return the response."""
        began = time.perf_counter()
        response = self._inner.send(request, *args, **named)
        if current_context().resource == self._resource:
            self.response, self.seconds = response, time.perf_counter() - began
        return response

    def close(self) -> None:
        """Close the inner adapter."""
        self._inner.close()


def first_response(
    connector: Connector,
    resource: Resource,
    config: Mapping[str, Any],
    alias: str | None,
    environment: Environment,
    on_event: EventHandler,
) -> tuple[RawResponse | None, FrameworkError | None]:
    """Read one page of one list; return its last response, and what is wrong with it.

    After retries and redirects, that is. Without a response there is always an error.
    """
    inner = environment.transport or (lambda n: LiveAdapter.of(connector.client, n))
    taps: list[ResponseTap] = []

    def transport(connections: int) -> BaseAdapter:
        taps.append(ResponseTap(inner(connections), resource.name))
        return taps[-1]

    environment = replace(environment, transport=transport)
    settings = resolve_settings(connector, config, section=alias, replay=environment.replay)
    compiled = compile_connector(connector, settings, environment, on_event)
    sample = Sample(1, 1, lambda *_: None)
    options = ReadOptions(environment, on_event, compiled.redactor, 1, state={}, sample=sample)
    error: FrameworkError | None = None
    try:
        for _ in ResourceReaders(compiled, options)[resource.name].open_table():
            pass
    except Interrupted:
        raise
    except FrameworkError as caught:
        error = caught
    for tap in taps:
        if tap.response is not None:
            return _masked(tap.response, tap.seconds, compiled.redactor), error
    return None, error or RequestError(_why_none(resource))


def _why_none(resource: Resource) -> str:
    if resource.endpoint.source is not None:
        return (
            f"{resource.name} sends no request of its own; preview --raw "
            f"{resource.endpoint.source} shows the response that its records are in"
        )
    return f"{resource.name}: no request was sent, since there is nothing to request it for"


def _masked(response: requests.Response, seconds: float, redactor: Redactor) -> RawResponse:
    charset = response.encoding if response.encoding and is_charset(response.encoding) else None
    return RawResponse(
        response.request.method or "GET",
        redact_url(response.request.url, redactor),
        response.status_code,
        response.reason or "",
        tuple(
            (name, MASK if _is_hidden(name) else redactor.redact(value))
            for name, value in response.headers.items()
        ),
        _masked_body(response.content, charset, redactor),
        charset,
        seconds,
    )


def _is_hidden(name: str) -> bool:
    return name.lower() in HIDDEN_HEADERS or is_credential_name(name)


def _masked_body(body: bytes, charset: str | None, redactor: Redactor) -> bytes:
    """Return the body, byte for byte unless it has a secret."""
    for encoding in dict.fromkeys((charset or "utf-8", "latin-1")):
        try:
            text = body.decode(encoding)
            masked = redactor.redact(text)
            if masked != text:
                body = masked.encode(encoding)
        except UnicodeError:
            continue
    return body
