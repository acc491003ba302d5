"""Scrub a recording: remove secrets, cookies and personal data, and put fake values in.

Every string of every body is replaced by one of the same form, unless the record's declared schema
allows it to stay. The requests are rewritten to fit the scrubbed bodies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from framework.authoring.exchange import Address, Headers, Interaction
from framework.authoring.scrub.body_walker import BodyWalker, WalkResult
from framework.authoring.scrub.config_values import base_url, string_values
from framework.authoring.scrub.fake_values import is_numeric
from framework.authoring.scrub.file_texts import finder, select_records
from framework.authoring.scrub.request_paths import BodyKind, RequestPaths
from framework.authoring.scrub.request_rewriter import RequestRewriter
from framework.definition.expressions.jmespath_expression import ExpressionError
from framework.definition.model import Connector, Resource, ResponseFormat
from framework.errors import BindingError, CassetteError
from framework.extract.record_urls import whole_url
from framework.http.formats.charsets import charset_of
from framework.http.formats.compression import Undecodable
from framework.http.formats.decoders import decode_text, encode_body
from framework.runtime.secret_forms import forms_of

Json = Any

_TOKEN_KEYS = ("access_token", "refresh_token", "id_token")
_PERSONAL_DIGITS = 7
_MAX_UNPACKED = 1 << 30
_ABSENT: Any = object()


@dataclass(frozen=True)
class ScrubResult:
    """What may be written: exchanges by resource, parents first, and the replay's config.

    `queries` are the values of partitions from queries. `secrets` must not be in the file; tokens
    that the run obtained are among them.
    """

    interactions: tuple[Interaction, ...]
    config: Mapping[str, Json]
    secrets: tuple[str, ...]
    queries: Mapping[str, Sequence[Json]]


@dataclass(frozen=True)
class _DecodedExchange:
    """A raw exchange, its decoded body (_ABSENT if not decodable), and its resource."""

    raw: Interaction
    data: Json
    resource: Resource | None
    order: int
    body_format: ResponseFormat


def scrub(
    exchanges: Iterable[Interaction],
    connector: Connector,
    config: Mapping[str, Json],
    secrets: Iterable[str] = (),
    queries: Mapping[str, Sequence[Json]] | None = None,
) -> ScrubResult:
    """Return the recording with fake values; `config` is what the run was made with.

    `queries` are the values of partitions, by `RESOURCE.PARTITION`.
    """
    queries = queries or {}
    walker = BodyWalker(connector)
    decoded = _decode_all(tuple(exchanges), connector, base_url(connector, config))
    collector = _TextCollector()
    for exchange in decoded:
        if exchange.data is not _ABSENT:
            walker.walk(exchange.data, exchange.resource, exchange.raw.status, collector)
    all_secrets = (*dict.fromkeys(secrets), *_tokens(decoded))
    rewriter = RequestRewriter(
        connector,
        config,
        secrets=[form for secret in all_secrets for form in forms_of(secret)],
        avoid=collector.avoid | set(string_values([dict(config), *queries.values()])),
        numbers=collector.numbers,
    )
    replacer = _Replacer(rewriter, collector.texts)
    # all responses first: from them the rewriter learns what requests are made of
    responses = [_scrub_response(exchange, walker, rewriter, replacer) for exchange in decoded]
    scrubbed_queries = {
        name: [_scrub_value(value, replacer) for value in values]
        for name, values in queries.items()
    }
    interactions = []
    for exchange, (headers, body) in zip(decoded, responses, strict=True):
        url, request_body = rewriter.request(exchange.raw)
        interactions.append(
            replace(exchange.raw, url=url, request_body=request_body, headers=headers, body=body)
        )
    return ScrubResult(tuple(interactions), rewriter.scrubbed_config, all_secrets, scrubbed_queries)


def _scrub_value(value: Json, replacer: _Replacer) -> Json:
    """Return the value of a partition as a body would have it."""
    if isinstance(value, str):
        return replacer.text(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    return replacer.number(value, is_free=True)


class _TextCollector:
    """A visitor that collects the contents of bodies and changes nothing."""

    def __init__(self) -> None:
        self.texts: set[str] = set()
        self.avoid: set[str] = set()
        self.numbers: set[str] = set()

    def text(self, text: str) -> str:
        self.texts.add(text)
        self.avoid.add(text)
        # parts of URLs and of composed ids get fake values of their own
        self.avoid.update(re.split(r"[^\w@.+-]+", unquote(text)))
        return text

    def allowed_text(self, text: str) -> str:
        self.avoid.add(text)
        return text

    def number(self, number: float, is_free: bool) -> float:
        if not is_free:
            self.numbers.add(str(number))
        return number

    def is_personal(self, key: str) -> bool:  # noqa: ARG002
        return False


class _Replacer:
    """A visitor that puts fake values in; `personal` are the strings that must not stay."""

    def __init__(self, rewriter: RequestRewriter, personal: set[str]) -> None:
        self._rewriter = rewriter
        self._personal = personal

    def text(self, text: str) -> str:
        return self._rewriter.fakes.of(text)

    def allowed_text(self, text: str) -> str:
        return self._rewriter.rebase_all(text)

    def number(self, number: float, is_free: bool) -> float:
        text = str(number)
        digits = sum(map(str.isdigit, text))
        if not is_free or not is_numeric(text) or digits < _PERSONAL_DIGITS:
            return number
        fake = self._rewriter.fakes.of(text)
        return int(fake) if isinstance(number, int) else float(fake)

    def is_personal(self, key: str) -> bool:
        return key in self._personal


def _decode_all(
    exchanges: tuple[Interaction, ...], connector: Connector, base_url: str
) -> list[_DecodedExchange]:
    """Decode the exchanges and sort them by resource, parents first, then by path.

    So a recording that many threads made has one order.
    """
    paths = RequestPaths(connector, base_url)
    linked: dict[str, tuple[Resource, int, BodyKind]] = {}
    held: dict[str, tuple[Resource, int, BodyKind]] = {}
    decoded = []
    for raw in exchanges:
        address = Address.of(raw.url)
        match = paths.match(address, raw.method, raw.request_body)
        owner = held.get(_without_query(address)) or linked.get(str(address))
        if match is not None:
            owner = (match.resource, match.order, match.body_kind)
        resource, order, body_kind = owner or (None, -1, "records")
        body_format = _body_format(raw, resource, body_kind)
        data = _decode(raw, body_format)
        if owner is not None:
            for link, child, place in _record_urls(resource, data, connector, base_url):
                held.setdefault(link, (child, place, "records"))
            for link in _links(raw, data):
                linked.setdefault(link, (owner[0], owner[1], "records"))
        decoded.append(_DecodedExchange(raw, data, resource, order, body_format))
    return sorted(decoded, key=lambda exchange: (exchange.order, Address.of(exchange.raw.url).path))


def _record_urls(
    parent: Resource | None, data: Json, connector: Connector, base_url: str
) -> Iterator[tuple[str, Resource, int]]:
    """Yield the URLs that records hold for a child (`path: {url}`), with it and its place."""
    if parent is None or data is _ABSENT:
        return
    for place, child in enumerate(connector.resources):
        own = [one for one in child.bindings if f"{{{one.name}}}" == child.endpoint.url]
        if child.parent != parent.name or not own:
            continue
        find = finder(own[0].field)
        for record in select_records(parent, data):
            try:
                url = whole_url(str(find(record) or ""), base_url, child.name, own[0].name)
                yield _without_query(Address.of(url)), child, place
            except (BindingError, ExpressionError, ValueError):
                continue


def _without_query(address: Address) -> str:
    """Return a URL without its query, to which a request may add parameters."""
    return str(address).partition("?")[0]


def _links(raw: Interaction, data: Json) -> Iterator[str]:
    """Yield the URLs in a response: a next page or a redirect may be on no resource's path."""
    headers = [value for name, value in raw.headers if name.lower() in ("link", "location")]
    for text in (*headers, *(string_values(data) if data is not _ABSENT else ())):
        for part in re.findall(r"https?://[^\s<>\"]+", text):
            try:
                yield str(Address.of(part))
            except ValueError:
                continue


def _body_format(
    raw: Interaction, resource: Resource | None, body_kind: BodyKind
) -> ResponseFormat:
    """Return how the body is written; errors and the state of an export job are JSON."""
    if resource is None or body_kind == "job" or raw.status >= 400:
        return ResponseFormat()
    declared = resource.endpoint.response_format
    # a link in a job's response may lead to its status as well as to its files
    is_job_state = (
        resource.endpoint.export is not None
        and "json" in raw.content_type
        and declared.kind != "jsonl"
        and isinstance(_parse_json(raw.body), dict)
    )
    return ResponseFormat() if is_job_state else declared


def _decode(raw: Interaction, body_format: ResponseFormat) -> Json:
    if body_format == ResponseFormat():
        return _parse_json(raw.body)
    try:
        return decode_text(body_format, raw.body, charset_of(raw.content_type), _MAX_UNPACKED)
    except Undecodable:
        return _ABSENT


def _parse_json(body: bytes) -> Json:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return _ABSENT


def _tokens(decoded: list[_DecodedExchange]) -> Iterator[str]:
    """Yield the tokens that the run obtained: they are secrets, too."""
    for exchange in decoded:
        if exchange.resource is None and isinstance(exchange.data, dict):
            for name in _TOKEN_KEYS:
                if isinstance(exchange.data.get(name), str):
                    yield exchange.data[name]


def _scrub_response(
    exchange: _DecodedExchange, walker: BodyWalker, rewriter: RequestRewriter, replacer: _Replacer
) -> tuple[Headers, bytes]:
    raw = exchange.raw
    if exchange.data is _ABSENT:
        body = _scrub_undecodable(raw, walker, rewriter)
    else:
        walked = walker.walk(exchange.data, exchange.resource, raw.status, replacer)
        if exchange.resource is not None:
            rewriter.learn(exchange.resource, walked.records)
        if exchange.body_format == ResponseFormat():
            body = _json_bytes(walked, raw.body, walker.phrases)
        else:
            body = _encode(walked.data, exchange)
    headers = tuple(
        (name, _as_utf8(value) if name.lower() == "content-type" else rewriter.header(name, value))
        for name, value in raw.headers
    )
    return headers, body


def _json_bytes(walked: WalkResult, before: bytes, phrases: tuple[str, ...]) -> bytes:
    text = json.dumps(walked.data, ensure_ascii=False)
    old = before.decode("utf-8", errors="replace")
    if any(phrase in old and phrase not in text for phrase in phrases):
        # an action's phrase spans JSON syntax, which the API writes without blanks
        text = json.dumps(walked.data, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can escape
        return json.dumps(walked.data).encode()


def _encode(data: Json, exchange: _DecodedExchange) -> bytes:
    try:
        return encode_body(exchange.body_format, data)
    except Undecodable as error:
        name = exchange.resource.name if exchange.resource else "a response"
        raise CassetteError(
            f"nothing was recorded: a body of {name} cannot be scrubbed: with fake values it "
            f"{error}"
        ) from None


def _scrub_undecodable(raw: Interaction, walker: BodyWalker, rewriter: RequestRewriter) -> bytes:
    """Return a fake body of the same kind: JSON lines, HTML, text, cut-off JSON, or binary."""
    if not raw.body.strip():
        return raw.body
    try:
        text = raw.body.decode()
    except UnicodeDecodeError:
        return b"\xff\x00" if b"\x00" in raw.body else b"\xff"
    lines = [_parse_json(line.encode()) for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and all(isinstance(line, (dict, list)) for line in lines):
        replacer = _Replacer(rewriter, set())
        scrubbed = [walker.walk(line, None, raw.status, replacer).data for line in lines]
        return "\n".join(json.dumps(line, ensure_ascii=False) for line in scrubbed).encode()
    # the two words make it words, whatever the form of the text, and differ from a body's string
    first = text.lstrip()[0]
    fake = rewriter.fakes.of(text if first == "<" else f"body {text}")
    phrases = [phrase for phrase in walker.phrases if phrase in text]
    fake = " ".join((*phrases, fake))
    return (first + '"' + fake if first in "{[" else fake).encode()


def _as_utf8(content_type: str) -> str:
    return re.sub(r"charset=[^;\s]+", "charset=utf-8", content_type, flags=re.IGNORECASE)
