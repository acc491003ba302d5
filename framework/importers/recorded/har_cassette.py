"""Make the first cassette of a connector from the HAR that it was made of.

The connector runs, and its requests are answered from the recording. What the HAR lacks, such as
the pages and the children that nobody opened, is answered by an empty list.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import requests
from requests.adapters import BaseAdapter

from framework.api import valid_connector
from framework.authoring.cassettes.cassette import cassette_path
from framework.authoring.cassettes.recorder import Recording, record_through
from framework.authoring.cassettes.snapshot import test_connector
from framework.authoring.exchange import Headers, Interaction
from framework.definition.finder import Location, expected_path
from framework.definition.model import Connector
from framework.errors import CassetteError, FrameworkError
from framework.events import ignore_event
from framework.http.transport import make_response
from framework.importers.api_guesses.api_model.name_words import plain_name, vocabulary
from framework.importers.api_guesses.paging_signs import (
    PAGE_TOTALS,
    TOTALS,
    ResponseSign,
    response_signs,
)
from framework.importers.recorded.api_exchange import ApiExchange, InputKey, scalars_outside
from framework.importers.recorded.credentials import names_secret
from framework.importers.recorded.observed_records import records_of, shape_reader
from framework.importers.recorded.page_comparison import is_noise
from framework.importers.recorded.recorded_import import RecordedImport, RecordedResource
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.runtime.environment import Environment, StopSignal
from framework.runtime.redaction import SHORTEST_COOKIE, Redactor
from framework.runtime.settings import STAND_IN
from framework.text import sentences

Json = Any

_LARGE = 10_000_000
"""Bytes of responses from which on a cassette is limited."""
_MANY_PARENTS = 200
_LIMIT = 100
_TOTAL_HEADERS = vocabulary("xtotalcount xtotal totalcount xtotalpages xcount")
_NEXT_HEADERS = vocabulary("link xnextpage xnext xnextcursor")
_NEXT_ROLES = frozenset({"next_url", "cursor", "next_page", "next_offset"})


@dataclass(frozen=True)
class HarCassette:
    """The files that were written, and how many requests the HAR did not hold.

    `left_out` are resources that the recording cannot answer, with the reason.
    """

    files: tuple[Path, ...]
    requests: int
    empty: int
    left_out: Mapping[str, str]


def write_har_cassette(
    recorded: RecordedImport, location: Location, started: datetime, stop: StopSignal
) -> HarCassette:
    """Write the cassette of an imported connector, and the tables that it must load.

    Raise FrameworkError, and write nothing, if the recording does not make one.
    """
    connector = valid_connector(location)
    given = dict(recorded.given)
    _require_config(connector, given)
    environment = Environment(now=started, waits=False, replay=True, stop=stop, redactor=Redactor())
    options = RunOptions(config=given, limit=_limit(recorded, connector))
    left_out: dict[str, str] = {}
    try:
        adapter, recording = _record(recorded, connector, options, environment)
    except CassetteError:
        left_out = _failing(recorded, connector, options, environment)
        names = tuple(one.name for one in connector.resources if one.name not in left_out)
        if not left_out or not names:
            raise
        options = replace(options, resources=names)
        adapter, recording = _record(recorded, connector, options, environment)
    result = test_connector(connector, update=True, stop=stop)
    if result.problems:
        recording.path.unlink(missing_ok=True)
        raise CassetteError(f"the recording does not replay: {'; '.join(result.problems[:3])}")
    path = cassette_path(connector)
    return HarCassette(
        (path, expected_path(connector)), recording.interactions, adapter.empty, left_out
    )


def _record(
    recorded: RecordedImport,
    connector: Connector,
    options: RunOptions,
    environment: Environment,
) -> tuple[HarAdapter, Recording]:
    adapter = HarAdapter(recorded)
    recording = record_through(
        connector, lambda _: adapter, options, environment, ignore_event, recorded.access.raw
    )
    return adapter, recording


def _failing(
    recorded: RecordedImport,
    connector: Connector,
    options: RunOptions,
    environment: Environment,
) -> dict[str, str]:
    """Return the resources that the recording cannot answer, with the reason."""
    adapter = HarAdapter(recorded)
    with TemporaryDirectory(prefix="framework-") as name:
        folder = Path(name)
        inside = replace(options, folder=folder, pipelines=folder / "dlt", file="har.duckdb")
        answered = replace(environment, transport=lambda _: adapter)
        report = run(connector, inside, answered, ignore_event)
    return {
        resource: sentences(part.error or f"its parent is {part.status}")
        for resource, part in report.resources.items()
        if part.status != "ok"
    }


def _require_config(connector: Connector, given: Mapping[str, Json]) -> None:
    """Raise FrameworkError if a value is needed that the recording does not tell."""
    missing = [
        name
        for name, entry in connector.config.items()
        if entry.required and entry.default is None and name not in given
    ]
    if missing:
        raise FrameworkError(f"values of config are missing: {', '.join(missing)}")


def _limit(recorded: RecordedImport, connector: Connector) -> int | None:
    """Return how many records of each resource the cassette has; None for all of them.

    Each parent's children are requested, and most of them nobody opened.
    """
    parents = {binding.resource for one in connector.resources for binding in one.bindings}
    lists = [one.recorded for one in recorded.resources]
    counts = [
        sum(len(records_of(one.guess, exchange.data)) for exchange in one.endpoint.answered)
        for one in lists
        if one.name in parents
    ]
    size = sum(
        len(exchange.interaction.body) for one in lists for exchange in one.endpoint.answered
    )
    is_large = size > _LARGE or max(counts, default=0) > _MANY_PARENTS
    return _LIMIT if is_large else None


@dataclass
class _Answers:
    """The recorded pages of one resource, by what its requests send."""

    resource: RecordedResource
    signs: list[ResponseSign]
    names: frozenset[InputKey]
    first: Mapping[str, str]
    pages: dict[tuple[Any, ...], ApiExchange] = field(default_factory=dict)
    counts: dict[tuple[str, ...], list[int]] = field(default_factory=dict)


class HarAdapter(BaseAdapter):
    """Answers the requests of an imported connector from its recording. Thread-safe.

    `empty` counts the requests that the recording does not hold.
    """

    def __init__(self, recorded: RecordedImport) -> None:
        super().__init__()
        self._base = recorded.base
        self._secrets = recorded.access.secrets
        self._sent = recorded.access.sent
        self._logins = recorded.logins
        self._lock = threading.Lock()
        self._answers = [self._read(one) for one in recorded.resources]
        self.empty = 0

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,  # noqa: ARG002
        verify: bool | str = True,  # noqa: ARG002
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> requests.Response:
        """Return the recorded response, or an empty page of the same list."""
        body = request.body.encode() if isinstance(request.body, str) else request.body
        sent = ApiExchange.of(
            Interaction(
                request.method or "GET",
                request.url or "",
                0,
                request_headers=tuple((str(k), str(v)) for k, v in request.headers.items()),
                request_body=body if isinstance(body, bytes) else None,
            ),
            0,
        )
        segments = sent.segments[len(self._base) :]
        for answers in self._answers:
            endpoint = answers.resource.recorded.endpoint
            is_same = self._masked(endpoint.variant) == " ".join((sent.graphql or "").split())
            if endpoint.matches(sent.method, segments) and is_same:
                return self._answer(request, sent, segments, answers)
        for login in self._logins:
            if (sent.origin, sent.segments) == (login.origin, login.segments):
                found = login.interaction
                return make_response(request, found.status, "OK", found.headers, found.body)
        return make_response(request, 404, "Not Found", (), b"{}")

    def close(self) -> None:
        """Do nothing: nothing is open."""

    def _answer(
        self,
        request: requests.PreparedRequest,
        sent: ApiExchange,
        segments: tuple[str, ...],
        answers: _Answers,
    ) -> requests.Response:
        path = tuple(map(self._plain, segments))
        found = answers.pages.get(self._key(sent, path, answers))
        known = found or next(iter(answers.pages.values()))
        records, pages = answers.counts.get(path, [0, 0])
        data = copy.deepcopy(known.data)
        if found is None:
            with self._lock:
                self.empty += 1
            data = _emptied(data, answers)
        _limit_totals(data, answers, records, pages)
        headers = _headers(known.interaction.headers, found is None, records)
        return make_response(request, known.interaction.status, "OK", headers, orjson.dumps(data))

    def _read(self, resource: RecordedResource) -> _Answers:
        recorded, endpoint = resource.recorded, resource.entry.data["endpoint"]
        shapes = shape_reader()
        sent = resource.paginator.sent
        names = {("query", name) for name in (*endpoint.get("params", {}), *sent)}
        names |= {("body", name) for name in sent}
        for exchange in recorded.endpoint.exchanges:
            names |= {key for key in exchange.inputs if key[0] == "body"}
        paginator = resource.paginator.paginator
        first = {
            str(paginator.get(key)): str(paginator.get(value, 0))
            for key, value in (
                ("page_param", "base_page"),
                ("page_body_path", "base_page"),
                ("offset_param", "offset"),
                ("offset_body_path", "offset"),
            )
        }
        answers = _Answers(
            resource, response_signs(recorded.guess, shapes), frozenset(names), first
        )
        for exchange in recorded.endpoint.answered:
            path = tuple(map(self._plain, exchange.segments))
            key = self._key(exchange, path, answers)
            if key not in answers.pages:
                answers.pages[key] = exchange
                count = answers.counts.setdefault(path, [0, 0])
                count[0] += len(records_of(recorded.guess, exchange.data))
                count[1] += 1
        return answers

    def _key(
        self, exchange: ApiExchange, path: tuple[str, ...], answers: _Answers
    ) -> tuple[Any, ...]:
        """Return what tells a request from others: the path, and the inputs that matter."""
        inputs = []
        for key, value in exchange.inputs.items():
            text = self._plain(str(value))
            # what a next page's link adds is another page, whatever its name is
            is_known = key in answers.names or (exchange.is_open and not names_secret(key[1]))
            if not is_known or key in self._sent or is_noise(key, value) or value is None:
                continue
            if answers.first.get(key[1]) == text or key in _sent_sizes(answers):
                continue
            inputs.append((*key, text))
        return (path, *sorted(inputs))

    def _plain(self, text: str) -> str:
        return STAND_IN if text in self._secrets else self._masked(text)

    def _masked(self, text: str) -> str:
        """Return a text with its credentials as a replay sends them."""
        for one, placeholder in self._secrets.items():
            if placeholder and len(one) >= SHORTEST_COOKIE:
                text = text.replace(one, STAND_IN)
        return text


def _sent_sizes(answers: _Answers) -> Iterator[InputKey]:
    """Yield the inputs that say how large a page is: the recorded pages have that size."""
    paginator = answers.resource.paginator.paginator
    for key in ("page_size_param", "limit_param"):
        if isinstance(paginator.get(key), str):
            yield "query", paginator[key]
    if isinstance(paginator.get("limit_body_path"), str):
        yield "body", paginator["limit_body_path"]


def _emptied(data: Json, answers: _Answers) -> Json:
    """Return a page without records, and without a sign of a further page."""
    selector = answers.resource.recorded.guess.selector
    path = selector.split("[]")[0] if selector not in ("", "$") else ""
    if not path or isinstance(data, list):
        return []
    holder, keys = data, _keys(path)
    for key in keys[:-1]:
        holder = holder.get(key) if isinstance(holder, dict) else None
    if isinstance(holder, dict):
        holder[keys[-1]] = []
    for sign in answers.signs:
        if sign.role in _NEXT_ROLES:
            _set(data, sign.path, None)
        elif sign.role in ("has_more", "is_last"):
            _set(data, sign.path, sign.role == "is_last")
        elif sign.role == "rel_links":
            _set(data, sign.path, [])
    paginator = answers.resource.paginator.paginator
    for key in ("next_url_path", "cursor_path"):
        if isinstance(paginator.get(key), str):
            _set(data, _keys(paginator[key]), None)
    if isinstance(paginator.get("has_more_path"), str):
        _set(data, _keys(paginator["has_more_path"]), False)
    return data


def _limit_totals(data: Json, answers: _Answers, records: int, pages: int) -> None:
    """Lower totals to what the recording holds: a list that is cut is not read to its total."""
    inside: list[Json] = list(records_of(answers.resource.recorded.guess, data))
    for path, value in list(scalars_outside(data, inside)):
        keys = [str(one) for one in path if one != "value"]
        name = plain_name(keys[-1]) if keys else ""
        known = records if name in TOTALS else pages if name in PAGE_TOTALS else None
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if known is not None and is_number and value > known:
            _set(data, [str(one) for one in path], known)


def _headers(headers: Headers, is_empty: bool, records: int) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        plain = plain_name(name)
        if is_empty and plain in _NEXT_HEADERS:
            continue
        if plain in _TOTAL_HEADERS and value.isdigit():
            yield name, str(min(int(value), records))
        else:
            yield name, value


def _keys(path: str) -> list[str]:
    """Return the keys of a dotted path, as `quoted` wrote them."""
    keys, part, is_quoted = [], "", False
    for character in path:
        if character == '"':
            is_quoted = not is_quoted
        elif character == "." and not is_quoted:
            keys.append(part)
            part = ""
        else:
            part += character
    return [*keys, part]


def _get(data: Json, path: tuple[str, ...] | list[str]) -> Json:
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _set(data: Json, path: tuple[str, ...] | list[str], value: Json) -> None:
    holder = _get(data, path[:-1])
    if isinstance(holder, dict) and path[-1] in holder:
        holder[path[-1]] = value
