"""Compare requests with recorded ones: one spelling for each, confirmed by vcrpy's matchers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlencode

from framework.authoring.cassettes.cassette import vcr_request
from framework.authoring.exchange import (
    TOKEN_REQUEST_FIELDS,
    Address,
    Interaction,
    Pairs,
    is_token_form,
)

Json = Any


@dataclass(frozen=True)
class RecordedRequest:
    """A request in one spelling: decoded, parameters sorted, JSON with sorted keys."""

    method: str
    address: Address
    body: str | bytes | Pairs | None

    @classmethod
    def of(cls, interaction: Interaction) -> RecordedRequest:
        """Normalize the request of an exchange."""
        address = Address.of(interaction.url)
        plain = Address(
            address.scheme,
            address.host,
            address.segments if any(address.segments) else ("", ""),
            tuple(sorted(address.query)),
        )
        return cls(interaction.method.upper(), plain, _plain_body(interaction))

    def __str__(self) -> str:
        return f"{self.method} {self.address}"

    @property
    def text(self) -> str:
        """Method, URL and body."""
        return f"{self} {self.body_text}".rstrip()

    @property
    def body_text(self) -> str:
        """The body as text, empty for none."""
        if isinstance(self.body, tuple):
            return urlencode(self.body)
        if isinstance(self.body, bytes):
            return self.body.decode("utf-8", "replace")
        return self.body or ""

    @cached_property
    def is_token_request(self) -> bool:
        """Whether this is an OAuth token request."""
        return isinstance(self.body, tuple) and is_token_form(self.body)


def is_match(sent: Interaction, recorded: Interaction, request: RecordedRequest) -> bool:
    """Return whether vcrpy's matchers accept both requests; `request` is `sent` normalized."""
    from vcr import matchers

    required = [
        matchers.method,
        matchers.scheme,
        matchers.host,
        matchers.port,
        matchers.path,
        matchers.query,
    ]
    if request.body is not None and not request.is_token_request:
        required.append(matchers.body)
    candidate = Interaction(
        recorded.method.upper(),
        str(Address.of(recorded.url)),
        0,
        request_headers=recorded.request_headers,
        request_body=recorded.request_body,
    )
    return bool(matchers.requests_match(vcr_request(sent), vcr_request(candidate), required))


def _plain_body(interaction: Interaction) -> str | bytes | Pairs | None:
    body = interaction.request_body
    if not body:
        return None
    if interaction.is_form:
        pairs = parse_qsl(body.decode("utf-8", errors="replace"), keep_blank_values=True)
        if is_token_form(tuple(pairs)):
            pairs = [pair for pair in pairs if pair[0] not in TOKEN_REQUEST_FIELDS]
        return tuple(sorted(pairs))
    try:
        return json.dumps(json.loads(body), sort_keys=True)
    except (ValueError, RecursionError):
        return body


def distance(
    sent: RecordedRequest, recorded: RecordedRequest
) -> tuple[int, int, int, int, int, int, str]:
    """Return a sort key that is smaller for a nearer request.

    It weighs host, path, method, then parameter names and values.
    """
    one, other = sent.address, recorded.address
    names = {name for name, _ in one.query} ^ {name for name, _ in other.query}
    return (
        one.origin != other.origin,
        abs(len(one.segments) - len(other.segments)),
        sum(a != b for a, b in zip(one.segments, other.segments, strict=False)),
        sent.method != recorded.method,
        len(names),
        len(set(one.query) ^ set(other.query)) + (sent.body != recorded.body),
        str(recorded),
    )


def differences(sent: RecordedRequest, recorded: RecordedRequest) -> Iterator[str]:
    """Yield one phrase for each difference between a request and a recorded one."""
    one, other = sent.address, recorded.address
    if sent.method != recorded.method:
        yield f"method: recorded {recorded.method}, requested {sent.method}"
    if one.origin != other.origin:
        yield f"host: recorded {other.origin}, requested {one.origin}"
    if one.segments != other.segments:
        yield f"path: recorded {other.path}, requested {one.path}"
    yield from _pair_differences(one.query, other.query, "query parameter")
    if isinstance(sent.body, tuple) and isinstance(recorded.body, tuple):
        yield from _pair_differences(sent.body, recorded.body, "form field")
    elif sent.body != recorded.body:
        yield from _body_differences(sent.body, recorded.body)


def _pair_differences(sent: Pairs, recorded: Pairs, kind: str) -> Iterator[str]:
    new, old = _grouped(sent), _grouped(recorded)
    for name in sorted({*new, *old}):
        if name not in old:
            yield f"{kind} `{name}`: not recorded, requested {new[name]}"
        elif name not in new:
            yield f"{kind} `{name}`: recorded {old[name]}, not requested"
        elif new[name] != old[name]:
            yield f"{kind} `{name}`: recorded {old[name]}, requested {new[name]}"


def _grouped(pairs: Pairs) -> dict[str, str]:
    """Return the quoted values of each name, joined by commas."""
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(f"'{value}'")
    return {name: ", ".join(values) for name, values in grouped.items()}


def _body_differences(sent: Json, recorded: Json) -> Iterator[str]:
    new, old = (json.loads(body) if isinstance(body, str) else body for body in (sent, recorded))
    if not isinstance(new, dict) or not isinstance(old, dict):
        yield "the bodies differ"
        return
    for name in sorted({*new, *old}):
        if new.get(name) != old.get(name):
            before, after = json.dumps(old.get(name)), json.dumps(new.get(name))
            yield f"body key `{name}`: recorded {before[:200]}, requested {after[:200]}"
