"""A recording scrubbed: secrets, cookies and personal data out, stable stand-ins in.

Raw exchanges come in, what may be written comes out: every string of every body replaced by one of
the same form, unless the record's declared schema lets it stay, and the requests rewritten to fit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from framework.authoring.cassettes.cassette import Headers, Interaction
from framework.authoring.cassettes.matching import Address
from framework.authoring.scrub.body_walker import Bodies, WalkResult
from framework.authoring.scrub.config_values import base_url, kept_config, settle, strings
from framework.authoring.scrub.fake_values import is_numeric
from framework.authoring.scrub.request_rewriter import Rewriter
from framework.authoring.scrub.request_routes import Part, Routes
from framework.definition.model import Connector, Resource, ResponseFormat
from framework.errors import CassetteError
from framework.http.decoders import Undecodable, charset_of, decode_text, encode_body

Json = Any

_TOKENS = ("access_token", "refresh_token", "id_token")
_FREE_DIGITS = 7
_UNPACKED = 1 << 30
_ABSENT: Any = object()


@dataclass(frozen=True)
class ScrubResult:
    """What may be written: interactions by resource, parents first, and the config values that a
    replay needs. `secrets` are all that must not be in the file, tokens obtained on the way too."""

    interactions: tuple[Interaction, ...]
    config: Mapping[str, Json]
    secrets: tuple[str, ...]


@dataclass(frozen=True)
class _Exchange:
    """A raw exchange, its body decoded (_ABSENT: no JSON), and whose it is."""

    raw: Interaction
    data: Json
    resource: Resource | None
    order: int
    form: ResponseFormat


def scrub(
    exchanges: Iterable[Interaction],
    connector: Connector,
    config: Mapping[str, Json],
    secrets: Iterable[str] = (),
) -> ScrubResult:
    """The recording with stand-ins; `config` is what the run was made with."""
    secrets = tuple(dict.fromkeys(secrets))
    bodies = Bodies(connector)
    read = _read(tuple(exchanges), connector, base_url(connector, config))
    collector = _Collector()
    for exchange in read:
        if exchange.data is not _ABSENT:
            bodies.walk(exchange.data, exchange.resource, exchange.raw.status, collector)
    tokens = tuple(_tokens(read))
    rewriter = Rewriter(
        connector,
        Routes(connector, connector.client.base_url),
        {},
        values=config,
        words=frozenset(),
        hosts=frozenset(),
        secrets=(*secrets, *tokens),
        avoid=collector.avoid | set(map(str, strings(dict(config)))),
        numbers=collector.numbers,
    )
    kept = kept_config(connector, config, rewriter)
    settle(rewriter, connector, config, kept)
    visitor = _Replacer(rewriter, collector.texts)
    answers = [_answer(exchange, bodies, rewriter, visitor) for exchange in read]
    interactions = []
    for exchange, (headers, body) in zip(read, answers, strict=True):
        url, sent = rewriter.request(exchange.raw)
        interactions.append(
            replace(exchange.raw, url=url, request_body=sent, headers=headers, body=body)
        )
    return ScrubResult(tuple(interactions), kept, (*secrets, *tokens))


class _Collector:
    """Visits a body to learn what it holds; changes nothing."""

    def __init__(self) -> None:
        self.texts: set[str] = set()
        self.avoid: set[str] = set()
        self.numbers: set[str] = set()

    def text(self, text: str) -> str:
        self.texts.add(text)
        self.avoid.add(text)
        # parts of URLs and composed ids get stand-ins of their own
        self.avoid.update(re.split(r"[^\w@.+-]+", unquote(text)))
        return text

    def kept(self, text: str) -> str:
        self.avoid.add(text)
        return text

    def number(self, number: float, free: bool) -> float:
        if not free:
            self.numbers.add(str(number))
        return number

    def is_personal(self, key: str) -> bool:  # noqa: ARG002
        return False


class _Replacer:
    """Visits a body to put stand-ins in."""

    def __init__(self, rewriter: Rewriter, personal: set[str]) -> None:
        self._rewriter = rewriter
        self._personal = personal

    def text(self, text: str) -> str:
        return self._rewriter.stand_ins.of(text)

    def kept(self, text: str) -> str:
        return self._rewriter.rebased(text)

    def number(self, number: float, free: bool) -> float:
        if not free:
            return number
        text = str(number)
        if not is_numeric(text) or sum(map(str.isdigit, text)) < _FREE_DIGITS:
            return number
        made = self._rewriter.stand_ins.of(text)
        return int(made) if isinstance(number, int) else float(made)

    def is_personal(self, key: str) -> bool:
        return key in self._personal


def _read(
    exchanges: tuple[Interaction, ...], connector: Connector, base_url: str
) -> list[_Exchange]:
    """The exchanges with their resources, grouped by resource: parents first, then by path, so
    that a recording made by many threads is written in one order."""
    routes = Routes(connector, base_url)
    linked: dict[str, tuple[Resource, int, Part]] = {}
    read = []
    for raw in exchanges:
        address = Address.of(raw.url)
        match = routes.match(address, raw.method)
        owner = linked.get(str(address))
        if match is not None:
            owner = (match.resource, match.order, match.part)
        resource, order, part = owner or (None, -1, "records")
        form = _format(raw, resource, part)
        data = _decoded(raw, form)
        if owner is not None:
            for link in _links(raw, data):
                linked.setdefault(link, (owner[0], owner[1], "records"))
        read.append(_Exchange(raw, data, resource, order, form))
    return sorted(read, key=lambda exchange: (exchange.order, Address.of(exchange.raw.url).path))


def _links(raw: Interaction, data: Json) -> Iterator[str]:
    """Where an answer leads to: a next page or a redirect may lie on no resource's path."""
    headers = [value for name, value in raw.headers if name.lower() in ("link", "location")]
    for text in (*headers, *(strings(data) if data is not _ABSENT else ())):
        for part in re.findall(r"https?://[^\s<>\"]+", text):
            try:
                yield str(Address.of(part))
            except ValueError:
                continue


def _format(raw: Interaction, resource: Resource | None, part: Part) -> ResponseFormat:
    """How the body is written; errors, and what is said of an export job, are JSON."""
    plain = ResponseFormat()
    if resource is None or part == "job" or raw.status >= 400:
        return plain
    form, kind = resource.endpoint.response_format, _content_type(raw)
    # a link in a job's answer may lead to its status as well as to its files
    linked = resource.endpoint.export is not None and "json" in kind and form.kind != "jsonl"
    return plain if linked and isinstance(_json(raw.body), dict) else form


def _content_type(raw: Interaction) -> str:
    return next((value for name, value in raw.headers if name.lower() == "content-type"), "")


def _decoded(raw: Interaction, form: ResponseFormat) -> Json:
    if form == ResponseFormat():
        return _json(raw.body)
    try:
        return decode_text(form, raw.body, charset_of(_content_type(raw)), _UNPACKED)
    except Undecodable:
        return _ABSENT


def _json(body: bytes) -> Json:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return _ABSENT


def _tokens(read: list[_Exchange]) -> Iterator[str]:
    for exchange in read:
        if exchange.resource is None and isinstance(exchange.data, dict):
            for name in _TOKENS:
                if isinstance(exchange.data.get(name), str):
                    yield exchange.data[name]


def _answer(
    exchange: _Exchange, bodies: Bodies, rewriter: Rewriter, visitor: _Replacer
) -> tuple[Headers, bytes]:
    raw = exchange.raw
    if exchange.data is _ABSENT:
        body = _no_json(raw, bodies, rewriter)
    else:
        walked = bodies.walk(exchange.data, exchange.resource, raw.status, visitor)
        if exchange.resource is not None:
            rewriter.learn(exchange.resource, walked.records)
        if exchange.form == ResponseFormat():
            body = _written(walked, raw.body, bodies.phrases)
        else:
            body = _in_format(walked.data, exchange)
    headers = tuple(
        (name, _utf8(value) if name.lower() == "content-type" else rewriter.header(name, value))
        for name, value in raw.headers
    )
    return headers, body


def _written(walked: WalkResult, before: bytes, phrases: tuple[str, ...]) -> bytes:
    text = json.dumps(walked.data, ensure_ascii=False)
    old = before.decode("utf-8", errors="replace")
    if any(phrase in old and phrase not in text for phrase in phrases):
        text = json.dumps(walked.data, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can escape
        return json.dumps(walked.data).encode()


def _in_format(data: Json, exchange: _Exchange) -> bytes:
    try:
        return encode_body(exchange.form, data)
    except Undecodable as error:
        name = exchange.resource.name if exchange.resource else "an answer"
        raise CassetteError(
            f"nothing was recorded: a body of {name} cannot be scrubbed: with stand-ins it {error}"
        ) from None


def _no_json(raw: Interaction, bodies: Bodies, rewriter: Rewriter) -> bytes:
    """A body that is no JSON: lines of JSON, HTML, text, a cut answer, or binary."""
    if not raw.body.strip():
        return raw.body
    try:
        text = raw.body.decode()
    except UnicodeDecodeError:
        return b"\xff\x00" if b"\x00" in raw.body else b"\xff"
    lines = [_json(line.encode()) for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and all(isinstance(line, (dict, list)) for line in lines):
        visitor = _Replacer(rewriter, set())
        done = [bodies.walk(line, None, raw.status, visitor).data for line in lines]
        return "\n".join(json.dumps(line, ensure_ascii=False) for line in done).encode()
    # told apart from a string of a body by its two words, so that it is words in any case
    made = rewriter.stand_ins.of(text if text.lstrip()[0] == "<" else f"body {text}")
    found = [phrase for phrase in bodies.phrases if phrase in text]
    made = " ".join((*found, made))
    return (text.lstrip()[0] + '"' + made if text.lstrip()[0] in "{[" else made).encode()


def _utf8(content_type: str) -> str:
    return re.sub(r"charset=[^;\s]+", "charset=utf-8", content_type, flags=re.IGNORECASE)
