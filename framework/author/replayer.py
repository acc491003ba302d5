"""The network of a replay: answers come out of a cassette, and no socket is ever opened.

Requests are found by index and confirmed with vcrpy's matchers; one that was not recorded is an
error that names the nearest recorded one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

import requests
from requests.adapters import BaseAdapter

from framework.author.addresses import Address, Pairs
from framework.author.cassette import Cassette, Interaction, vcr_request
from framework.build.settings import STAND_IN
from framework.build.wire import make_response
from framework.errors import CassetteError

Json = Any

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
class Asked:
    """A request in the spelling that is compared: decoded, in order, secrets as stand-ins."""

    method: str
    address: Address
    body: str | bytes | Pairs | None

    @classmethod
    def of(cls, interaction: Interaction) -> Asked:
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
    ) -> Asked:
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


class ReplayAdapter(BaseAdapter):
    """Answers from a cassette; thread-safe.

    Several answers to one request are given in recorded order. `secrets` are the values that this
    run sends; the cassette has a stand-in where they stood.
    """

    def __init__(self, cassette: Cassette, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._cassette = cassette
        self._secrets = sorted({s for s in secrets if s and s != STAND_IN}, key=len, reverse=True)
        self._lock = threading.Lock()
        self._index: dict[Asked, list[int]] = {}
        for number, interaction in enumerate(cassette.interactions):
            self._index.setdefault(Asked.of(interaction), []).append(number)
        self._given: dict[Asked, int] = {}

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002
        timeout: None | float | tuple[float, float] | tuple[float, None] = None,  # noqa: ARG002
        verify: bool | str = True,  # noqa: ARG002
        cert: None | bytes | str | tuple[bytes | str, bytes | str] = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> requests.Response:
        """The next recorded answer; CassetteError where there is none."""
        made = self._made(request)
        asked = Asked.of(made)
        with self._lock:
            places = self._index.get(asked)
            given = self._given.get(asked, 0)
            if places is not None and given < len(places):
                self._given[asked] = given + 1
        if places is None or not _agree(made, self._cassette.interactions[places[0]], asked):
            raise CassetteError(self._unknown(asked))
        if given >= len(places):
            times = "once" if len(places) == 1 else f"{len(places)} times"
            raise CassetteError(
                f"the cassette of `{self._cassette.connector}` has {asked} {times}, and it was "
                f"asked for once more; record again: framework record {self._cassette.connector}"
            )
        found = self._cassette.interactions[places[given]]
        return make_response(request, found.status, found.reason, found.headers, found.body)

    def close(self) -> None:
        """Nothing is open."""

    def unused(self) -> list[str]:
        """The recorded answers that were never asked for, described."""
        with self._lock:
            given = dict(self._given)
        lines = []
        for asked, places in self._index.items():
            for turn, place in enumerate(places, 1):
                if turn > given.get(asked, 0):
                    which = f", answer {turn} of {len(places)}" if len(places) > 1 else ""
                    status = self._cassette.interactions[place].status
                    lines.append(f"{asked} (status {status}{which})")
        return lines

    def _made(self, request: requests.PreparedRequest) -> Interaction:
        body = request.body
        if isinstance(body, str):
            body = body.encode()
        if not isinstance(body, bytes):
            body = None
        headers = {
            name: value.decode("latin-1") if isinstance(value, bytes) else value
            for name, value in request.headers.items()
            if name.lower() == "content-type"
        }
        url = self._hidden(str(Address.of(request.url or "")))
        if body and self._secrets:
            body = self._hidden_body(body, headers.get("Content-Type", ""))
        return Interaction(
            request.method or "GET",
            url,
            0,
            request_headers=tuple(headers.items()),
            request_body=body or None,
        )

    def _hidden(self, url: str) -> str:
        if not self._secrets:
            return url
        address = Address.of(url)
        return str(
            Address(
                address.scheme,
                address.host,
                tuple(map(self._hide, address.segments)),
                tuple((name, self._hide(value)) for name, value in address.query),
            )
        )

    def _hidden_body(self, body: bytes, kind: str) -> bytes:
        from urllib.parse import urlencode

        text = body.decode("utf-8", errors="replace")
        if "x-www-form-urlencoded" in kind:
            pairs = parse_qsl(text, keep_blank_values=True)
            return urlencode([(name, self._hide(value)) for name, value in pairs]).encode()
        return self._hide(text).encode()

    def _hide(self, text: str) -> str:
        for secret in self._secrets:
            if text == secret or (len(secret) >= 6 and secret in text):
                text = text.replace(secret, STAND_IN)
        return text

    def _unknown(self, asked: Asked) -> str:
        name = self._cassette.connector
        head = f"{asked} is not in the cassette of `{name}`"
        tail = f"record again: framework record {name}"
        if not self._index:
            return f"{head}, which is empty; {tail}"
        nearest = min(self._index, key=lambda known: _distance(asked, known))
        differs = "; ".join(_differences(asked, nearest)) or "the bodies differ"
        return f"{head}. Nearest is {nearest}: {differs}; {tail}"


def _agree(made: Interaction, recorded: Interaction, asked: Asked) -> bool:
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


def _distance(asked: Asked, known: Asked) -> tuple[int, int, int, int, int, int, str]:
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


def _differences(asked: Asked, known: Asked) -> Iterator[str]:
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
    read: Callable[[Json], Json] = lambda body: json.loads(body) if isinstance(body, str) else body  # noqa: E731
    ours, theirs = read(asked), read(known)
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
