"""One exchange of an API, taken apart: path, inputs by place and name, JSON of the response."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import orjson

from framework.authoring.exchange import Interaction, header_value

Json = Any
BodyForm = Literal["none", "json", "form", "other"]
InputKey = tuple[str, str]
"""Where an input is sent, `query` or `body`, and its name; nested fields are dotted."""

ABSENT: Any = object()
_PREFIX = re.compile(rb"^\s*(?:\)\]\}',?|while\s*\(1\);|for\s*\(;;\);)\s*")
GRAPHQL = re.compile(r"\s*(?:\{|#|(?:query|fragment|mutation|subscription)\b)")
"""How a document of GraphQL begins."""
_MAX_VALUES = 20_000
"""Values outside the records that are looked at."""


@dataclass(frozen=True)
class ApiExchange:
    """A request and what came back. `number` is its position in the file, from 1."""

    interaction: Interaction
    number: int
    origin: str
    userinfo: str
    segments: tuple[str, ...]
    query: Mapping[str, Json]
    body_form: BodyForm
    body: Json
    data: Json = field(repr=False)

    @classmethod
    def of(cls, interaction: Interaction, number: int) -> ApiExchange:
        """Take an exchange apart. Raise ValueError if its URL is not valid."""
        parts = urlsplit(interaction.url)
        userinfo, _, host = parts.netloc.rpartition("@")
        default_port = {"http": ":80", "https": ":443"}.get(parts.scheme.lower(), "")
        query: dict[str, Json] = {}
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            if name in query:
                before = query[name]
                query[name] = [*(before if isinstance(before, list) else [before]), value]
            else:
                query[name] = value
        form, body = _request_body(interaction)
        return cls(
            interaction,
            number,
            f"{parts.scheme.lower()}://{_plain_host(host.removesuffix(default_port))}",
            userinfo,
            tuple(parts.path.split("/")[1:]),
            query,
            form,
            body,
            _json_of(interaction.body),
        )

    @property
    def method(self) -> str:
        """The HTTP method in capitals."""
        return self.interaction.method

    @property
    def is_answered(self) -> bool:
        """Whether a success with JSON is recorded."""
        return 200 <= self.interaction.status < 300 and isinstance(self.data, (dict, list))

    @property
    def is_lost(self) -> bool:
        """Whether a response in JSON is recorded without its contents, or a part of them."""
        if not 200 <= self.interaction.status < 300 or self.data is not ABSENT:
            return False
        has_json = "json" in header_value(self.interaction.headers, "content-type").lower()
        is_cut = self.interaction.body.lstrip()[:1] in (b"", b"{", b"[")
        return self.method in ("GET", "POST") and has_json and is_cut

    @property
    def is_open(self) -> bool:
        """Whether no response is recorded at all, as of a curl command."""
        return self.interaction.status == 0

    @cached_property
    def inputs(self) -> dict[InputKey, Json]:
        """What the request sends besides its path: scalars and lists, by place and name."""
        found: dict[InputKey, Json] = {("query", name): one for name, one in self.query.items()}
        if isinstance(self.body, dict):
            for path, value in _leaves(self.body, ()):
                found["body", ".".join(path)] = value
        return found

    @cached_property
    def graphql(self) -> str | None:
        """The query, if this is a GraphQL request."""
        query = self.body.get("query") if isinstance(self.body, dict) else None
        is_query = isinstance(query, str) and GRAPHQL.match(query)
        return query if is_query and self.body_form == "json" else None

    def header(self, name: str) -> str:
        """Return a header of the request (lower-case name); empty if there is none."""
        return header_value(self.interaction.request_headers, name)


def _plain_host(host: str) -> str:
    """Return a host in lower case, unless names are marked in it."""
    return host.lower() if host.isascii() else host


def _request_body(interaction: Interaction) -> tuple[BodyForm, Json]:
    raw = interaction.request_body
    if not raw:
        return "none", None
    if interaction.is_form:
        pairs = parse_qsl(raw.decode("utf-8", errors="replace"), keep_blank_values=True)
        return "form", dict(pairs)
    with suppress(ValueError, RecursionError):
        data = json.loads(raw)
        if isinstance(data, dict):
            return "json", data
    return "other", None


def _json_of(body: bytes) -> Json:
    """Return a body's JSON, ABSENT if it is none."""
    if not body or body.lstrip()[:1] not in (b"{", b"[", b")", b"w", b"f", b"\xef"):
        return ABSENT
    try:
        return orjson.loads(_PREFIX.sub(b"", body))
    except ValueError:
        return ABSENT


def _leaves(value: Json, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Json]]:
    for name, one in value.items():
        here = (*path, str(name))
        if isinstance(one, dict) and one and not any("." in str(key) for key in one):
            yield from _leaves(one, here)
        else:
            yield here, one


def scalars_outside(
    data: Json, records: list[Json]
) -> Iterator[tuple[tuple[str | int, ...], Json]]:
    """Yield the scalars of a response that are not within its records, with their paths."""
    inside = {id(one) for one in records if isinstance(one, (dict, list))}
    stack: list[tuple[tuple[str | int, ...], Json]] = [((), data)]
    left = _MAX_VALUES
    while stack and left > 0:
        path, value = stack.pop()
        left -= 1
        if id(value) in inside:
            continue
        if isinstance(value, dict):
            stack += [((*path, str(key)), one) for key, one in reversed(value.items())]
        elif isinstance(value, list):
            stack += [((*path, index), one) for index, one in reversed(list(enumerate(value)))]
        elif value is not None:
            yield path, value
