"""A request to the mock and its response, whatever carries them: a socket, or an adapter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec
import requests

from framework.definition.values.json_text import parse_json
from framework.http.auth.placement import FORM

Json = Any
Pairs = tuple[tuple[str, str], ...]


class WrittenNumber(float):
    """A number with a fraction that remembers how JSON wrote it: its digits, and its exponent."""

    text: str

    def __new__(cls, text: str) -> WrittenNumber:
        """Return the number in a text."""
        self = super().__new__(cls, text)
        self.text = text
        return self

    def __getnewargs__(self) -> tuple[Any]:
        """Return what a copy is made of."""
        return (self.text,)


def _written(value: Any) -> msgspec.Raw:
    if isinstance(value, WrittenNumber):
        return msgspec.Raw(value.text.encode())
    raise TypeError(f"{type(value).__name__} is not JSON")


_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=_written)
_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=WrittenNumber)


def json_bytes(data: Json) -> bytes:
    """Return data as JSON; numbers are as they were written."""
    return _ENCODER.encode(data)


def exact_json(body: bytes) -> Json:
    """Return the data in a body in UTF-8. Raise ValueError if it is not JSON."""
    return _DECODER.decode(body)


@dataclass(frozen=True)
class MockRequest:
    """One request. `origin` is scheme and host; the path is as sent, header names lower case."""

    method: str
    origin: str
    path: str
    query: Pairs = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def of(cls, method: str, url: str, headers: Mapping[str, str], body: bytes) -> MockRequest:
        """Return the request for an absolute URL."""
        parts = urlsplit(url)
        return cls(
            method.upper(),
            f"{parts.scheme}://{parts.netloc}".lower(),
            parts.path or "/",
            tuple(parse_qsl(parts.query, keep_blank_values=True)),
            {name.lower(): value for name, value in headers.items()},
            body,
        )

    @classmethod
    def sent(cls, request: requests.PreparedRequest) -> MockRequest:
        """Return a request of the client library."""
        body = request.body or b""
        headers = {
            name: value if isinstance(value, str) else value.decode("latin-1")
            for name, value in request.headers.items()
        }
        data = body.encode() if isinstance(body, str) else body
        return cls.of(request.method or "GET", request.url or "", headers, bytes(data))

    @cached_property
    def is_form(self) -> bool:
        """Whether the body is a URL-encoded form."""
        return FORM in self.headers.get("content-type", "")

    @cached_property
    def form(self) -> Pairs:
        """The pairs of a form, empty for another body."""
        text = self.body.decode("utf-8", "replace") if self.is_form else ""
        return tuple(parse_qsl(text, keep_blank_values=True))

    @cached_property
    def json(self) -> Json:
        """The body's JSON, None if it has none."""
        try:
            return parse_json(self.body)[0] if self.body and not self.is_form else None
        except ValueError:
            return None

    @cached_property
    def text(self) -> str:
        """All that the request says but its method, to look for a token in."""
        pairs = (*self.query, *self.form, *self.headers.items())
        parts = [self.path, *(f"{name}={value}" for name, value in pairs)]
        return "\n".join([*parts, self.body.decode("utf-8", "replace")])

    def __str__(self) -> str:
        query = "&".join(f"{name}={value}" for name, value in self.query)
        return f"{self.method} {self.path}" + (f"?{query}" if query else "")


@dataclass(frozen=True)
class MockResponse:
    """One response. `delay` is in seconds; `end` is how it is sent.

    whole: as it is. truncated: half of the body, then the connection is closed. reset: nothing, the
    connection is closed. slow: the body in pieces, over the `delay`.
    """

    status: int
    body: bytes = b""
    headers: Pairs = ()
    delay: float = 0.0
    end: Literal["whole", "truncated", "reset", "slow"] = "whole"

    @classmethod
    def of_json(cls, status: int, data: Json, *headers: tuple[str, str]) -> MockResponse:
        """Return a response with a JSON body."""
        return cls(status, json_bytes(data), (("Content-Type", "application/json"), *headers))
