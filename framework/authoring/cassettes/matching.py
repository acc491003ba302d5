"""A request as it is compared with recorded ones: in one spelling, by vcrpy's own matchers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from framework.authoring.cassettes.cassette import Interaction, vcr_request

Json = Any


_SEGMENT = "!$&'()*+,;=:@-._~"

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Address:
    """A URL's parts, decoded. `host` has the port if one was written; both empty if relative."""

    scheme: str
    host: str
    segments: tuple[str, ...]
    query: Pairs = ()
    fragment: str = ""
    user: str = ""

    @classmethod
    def of(cls, url: str) -> Address:
        """Read a URL, whole or relative; ValueError where it is none."""
        parts = urlsplit(url)
        user, _, host = parts.netloc.rpartition("@")
        scheme, host = parts.scheme.lower(), host.lower()
        default = {"http": ":80", "https": ":443"}.get(scheme, "")
        return cls(
            scheme,
            host.removesuffix(default) if default else host,
            tuple(unquote(segment) for segment in parts.path.split("/")),
            tuple(parse_qsl(parts.query, keep_blank_values=True)),
            unquote(parts.fragment),
            unquote(user),
        )

    @property
    def origin(self) -> str:
        """Scheme and host, empty for a relative one."""
        return f"{self.scheme}://{self.host}" if self.host else ""

    @property
    def path(self) -> str:
        """The path, encoded."""
        return "/".join(quote(segment, safe=_SEGMENT) for segment in self.segments)

    def __str__(self) -> str:
        user = quote(self.user, safe=":") + "@" if self.user else ""
        origin = f"{self.scheme}://{user}{self.host}" if self.host or self.scheme else ""
        query = "?" + urlencode(self.query) if self.query else ""
        fragment = "#" + quote(self.fragment, safe=_SEGMENT + "/?") if self.fragment else ""
        return f"{origin}{self.path}{query}{fragment}"


def rebase(url: str, bases: dict[str, str]) -> str:
    """The URL with a known base at its start exchanged, the longest one first."""
    for old in sorted(bases, key=len, reverse=True):
        prefix = old.rstrip("/")
        if url.startswith(prefix) and url[len(prefix) : len(prefix) + 1] in ("", "/", "?", "#"):
            return bases[old].rstrip("/") + url[len(prefix) :]
    return url


CREDENTIALS = frozenset(
    {
        "assertion",
        "client_assertion",
        "client_id",
        "client_secret",
        "code",
        "password",
        "refresh_token",
        "username",
    }
)
"""Fields of a token request that differ in every run; its answer does not depend on them here."""


@dataclass(frozen=True)
class RecordedRequest:
    """A request in the spelling that is compared: decoded, in order, secrets as stand-ins."""

    method: str
    address: Address
    body: str | bytes | Pairs | None

    @classmethod
    def of(cls, interaction: Interaction) -> RecordedRequest:
        """From a recorded request."""
        return cls.made(
            interaction.method,
            interaction.url,
            dict(interaction.request_headers),
            interaction.request_body,
        )

    @classmethod
    def made(
        cls, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> RecordedRequest:
        """From a request's parts."""
        address = Address.of(url)
        plain = Address(
            address.scheme,
            address.host,
            address.segments if any(address.segments) else ("", ""),
            tuple(sorted(address.query)),
        )
        kind = next((v for n, v in headers.items() if n.lower() == "content-type"), "")
        return cls(method.upper(), plain, _plain_body(body, kind.lower()))

    def __str__(self) -> str:
        return f"{self.method} {self.address}"

    @cached_property
    def is_token_request(self) -> bool:
        """Whether it is OAuth's, by its form."""
        return isinstance(self.body, tuple) and any(name == "grant_type" for name, _ in self.body)


def agree(made: Interaction, recorded: Interaction, asked: RecordedRequest) -> bool:
    """vcrpy's own matchers on both requests."""
    from vcr import matchers

    wanted = [
        matchers.method,
        matchers.scheme,
        matchers.host,
        matchers.port,
        matchers.path,
        matchers.query,
    ]
    if asked.body is not None and not asked.is_token_request:
        wanted.append(matchers.body)
    known = Interaction(
        recorded.method.upper(),
        str(Address.of(recorded.url)),
        0,
        request_headers=recorded.request_headers,
        request_body=recorded.request_body,
    )
    return bool(matchers.requests_match(vcr_request(made), vcr_request(known), wanted))


def _plain_body(body: bytes | None, kind: str) -> str | bytes | Pairs | None:
    if not body:
        return None
    if "x-www-form-urlencoded" in kind:
        pairs = parse_qsl(body.decode("utf-8", errors="replace"), keep_blank_values=True)
        if any(name == "grant_type" for name, _ in pairs):
            pairs = [pair for pair in pairs if pair[0] not in CREDENTIALS]
        return tuple(sorted(pairs))
    try:
        return json.dumps(json.loads(body), sort_keys=True)
    except (ValueError, RecursionError):
        return body


def distance(
    asked: RecordedRequest, known: RecordedRequest
) -> tuple[int, int, int, int, int, int, str]:
    """The smaller, the nearer: host, path, method, then names and values of the query."""
    one, other = asked.address, known.address
    names = {name for name, _ in one.query} ^ {name for name, _ in other.query}
    return (
        one.origin != other.origin,
        abs(len(one.segments) - len(other.segments)),
        sum(a != b for a, b in zip(one.segments, other.segments, strict=False)),
        asked.method != known.method,
        len(names),
        len(set(one.query) ^ set(other.query)) + (asked.body != known.body),
        str(known),
    )


def differences(asked: RecordedRequest, known: RecordedRequest) -> Iterator[str]:
    """What differs between a request and a recorded one, a phrase each."""
    one, other = asked.address, known.address
    if asked.method != known.method:
        yield f"method: recorded {known.method}, asked {asked.method}"
    if one.origin != other.origin:
        yield f"host: recorded {other.origin}, asked {one.origin}"
    if one.segments != other.segments:
        yield f"path: recorded {other.path}, asked {one.path}"
    yield from _pair_differences(one.query, other.query, "query parameter")
    if isinstance(asked.body, tuple) and isinstance(known.body, tuple):
        yield from _pair_differences(asked.body, known.body, "form field")
    elif asked.body != known.body:
        yield from _body_differences(asked.body, known.body)


def _pair_differences(asked: Pairs, known: Pairs, what: str) -> Iterator[str]:
    sent, recorded = _grouped(asked), _grouped(known)
    for name in sorted({*sent, *recorded}):
        ours, theirs = sent.get(name), recorded.get(name)
        if ours == theirs:
            continue
        if theirs is None:
            yield f"{what} `{name}`: not recorded, asked {_shown(ours)}"
        elif ours is None:
            yield f"{what} `{name}`: recorded {_shown(theirs)}, not asked"
        else:
            yield f"{what} `{name}`: recorded {_shown(theirs)}, asked {_shown(ours)}"


def _body_differences(asked: Json, known: Json) -> Iterator[str]:
    ours, theirs = (json.loads(body) if isinstance(body, str) else body for body in (asked, known))
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        yield "the bodies differ"
        return
    for name in sorted({*ours, *theirs}):
        if ours.get(name) != theirs.get(name):
            recorded, sent = json.dumps(theirs.get(name)), json.dumps(ours.get(name))
            yield f"body key `{name}`: recorded {recorded[:200]}, asked {sent[:200]}"


def _grouped(pairs: Pairs) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped


def _shown(values: list[str] | None) -> str:
    return ", ".join(f"'{value}'" for value in values or [])
