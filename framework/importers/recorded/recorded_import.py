"""Make the connector of recorded exchanges."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from framework.authoring.cassettes.cassette import find_leaks
from framework.authoring.exchange import Interaction
from framework.importers.api_guesses.api_model.name_words import plain_name, vocabulary, words_of
from framework.importers.api_guesses.api_model.operations import Operation
from framework.importers.api_guesses.api_model.shapes import Shape, ShapeReader
from framework.importers.api_guesses.connector_assembly import ConnectorHead, assembled_connector
from framework.importers.api_guesses.declared_values import DeclaredValues
from framework.importers.api_guesses.list_catalog import Choice, catalog_of, resource_name
from framework.importers.api_guesses.paginator_chooser import PaginatorChooser
from framework.importers.api_guesses.paginator_guess import PaginatorGuess
from framework.importers.api_guesses.parent_lists import (
    ParentFinder,
    ParentValue,
    break_circles,
)
from framework.importers.api_guesses.record_lists import (
    ListFinder,
    ListGuess,
    is_reading,
    quoted,
)
from framework.importers.api_guesses.record_schemas import KeyGuess, primary_key, time_filters
from framework.importers.api_guesses.resource_entry import (
    CHECK,
    ListFacts,
    ResourceEntry,
    SentInputs,
    resource_entry,
)
from framework.importers.import_report import ImportedConnector, ManifestError, Remarks
from framework.importers.recorded.api_exchange import ApiExchange
from framework.importers.recorded.credentials import Access, ClientCredentials, find_access
from framework.importers.recorded.endpoints import (
    RecordedEndpoint,
    endpoints_of,
    returned_texts,
)
from framework.importers.recorded.observed_records import (
    records_of,
    shape_reader,
)
from framework.importers.recorded.open_values import open_names, template_of
from framework.importers.recorded.page_comparison import compared_paginator
from framework.importers.recorded.parent_values import (
    ObservedList,
    ValueIndex,
    observed_bindings,
    observed_inputs,
)
from framework.importers.recorded.recorded_operation import recorded_operation
from framework.importers.recorded.sent_literals import Literals, sent_inputs, shared_headers
from framework.importers.source_files import free_name
from framework.text import count_noun

Json = Any

_METHODS = ("GET", "POST")
_API_PART = re.compile(r"api|apis|rest|services|json|v\d+(?:\.\d+)*|\d{4}-\d\d(?:-\d\d)?", re.I)
_LOOPBACK = re.compile(r"https?://(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?$")
_CURSOR_VARIABLE = re.compile(r"\$(\w*(?:after|cursor)\w*)\s*:", re.IGNORECASE)
_HOST_WORDS = vocabulary("www api com io dev app co net org rest")
_MOST_NAMED = 12
_MOST_REASONS = 3
_UNSEEN = 0.6
_MIN_UNIQUE = 5
"""Records from which on a field with different values may identify them."""
_KEY_ENDINGS = vocabulary("id key pk code slug uuid guid number isbn sku")


@dataclass(frozen=True)
class RecordedSource:
    """What was recorded: the exchanges, what the file is called in messages, notes about it.

    With `is_chosen` each request is one that the user wants, whatever it may be. `clients` say
    how its tokens are obtained.
    """

    interactions: Sequence[Interaction]
    label: str
    kind: str
    notes: Sequence[str] = ()
    is_chosen: bool = False
    clients: Sequence[ClientCredentials] = ()


@dataclass(frozen=True)
class RecordedResource:
    """A resource and what it was made of, to answer its requests from the recording."""

    recorded: ObservedList
    entry: ResourceEntry
    paginator: PaginatorGuess


@dataclass(frozen=True)
class RecordedImport:
    """The connector, its credentials as they were recorded, and its resources.

    `base` are the parts of the base URL's path, `given` recorded values of config without a
    default, `logins` the exchanges that brought a token.
    """

    imported: ImportedConnector
    access: Access
    resources: tuple[RecordedResource, ...]
    base: tuple[str, ...]
    given: Mapping[str, str]
    logins: tuple[ApiExchange, ...]


def import_recorded(
    source: RecordedSource, name: str, *, host: str | None = None
) -> RecordedImport:
    """Return the connector of what was recorded.

    Raise ManifestError if there is nothing to make one of, or no request of `host`.
    """
    remarks = Remarks()
    for note in source.notes:
        remarks.note(source.label, note)
    exchanges = _of_one_host(source, host, remarks)
    lost = sum(one.is_lost for one in exchanges)
    if lost:
        remarks.note(
            "responses",
            f"{CHECK}{count_noun(lost, 'JSON response')} missing or cut off in the recording; "
            "their records and pages are not known",
        )
    returned = returned_texts(exchanges)
    values = DeclaredValues()
    access = find_access(exchanges, values, returned, source.clients)
    shapes = shape_reader()
    base = _base_segments(exchanges)
    below = [
        replace(one, segments=one.segments[len(base) :])
        for one in exchanges
        if one.segments[: len(base)] == base and one.method in _METHODS
    ]
    lists, operations = _lists(endpoints_of(below), shapes, remarks, source.is_chosen)
    if not lists:
        remarks.missing(source.label, "found no request that returns a list")
    index = ValueIndex(lists)
    finder = ParentFinder([one.guess for one in lists], operations, shapes)
    bindings = {
        one.name: observed_bindings(one, index, finder.bindings(one.guess)) for one in lists
    }
    inputs = {one.name: observed_inputs(one, index) for one in lists}
    for one in lists:
        bindings[one.name].update({key[1]: value for key, value in inputs[one.name].items()})
    names = {one.guess.operation.key: one.name for one in lists}
    break_circles(bindings, names)
    chooser = PaginatorChooser(shapes, "", "the recording")
    literals = Literals(access, values)
    used = [exchange for one in lists for exchange in one.endpoint.useful] or exchanges
    client = _client(exchanges[0].origin, base, used, literals, remarks)
    resources = []
    for one in lists:
        guess = _with_bound_parameters(one.guess, bindings[one.name])
        compared = compared_paginator(one.endpoint, guess, shapes)
        if compared is not None and guess.confidence < compared.confidence:
            guess = replace(guess, confidence=compared.confidence, reason="two pages are recorded")
        paginator = compared or _graphql_cursor(one) or chooser.choose(guess)
        bound = [("query", variable) for variable in bindings[one.name]]
        sent = sent_inputs(one.endpoint, paginator.sent, bound, literals, returned)
        facts = ListFacts(
            one.name,
            guess,
            paginator,
            _key(one, operations, shapes),
            bindings[one.name],
            names,
            tuple(time_filters(guess, shapes)),
            has_schema=False,
            inputs=_without(sent, access),
        )
        entry = resource_entry(facts, values, shapes)
        resources.append(RecordedResource(one, entry, paginator))
    _drop_unused(values, client, [one.entry for one in resources])
    for note in access.notes:
        remarks.note("credentials", f"{CHECK}{note}")
    head = ConnectorHead(name, f"Imported from {source.kind} of {_host(exchanges[0])}.", client)
    imported = assembled_connector(head, values, [one.entry for one in resources], {}, remarks)
    _refuse_leaks(imported, access, source)
    given = {key: one for key, one in literals.given.items() if key in values.config}
    logins = tuple(
        one for one in exchanges if isinstance(one.data, dict) and "access_token" in one.data
    )
    return RecordedImport(imported, access, tuple(resources), base, given, logins)


def name_of_host(interactions: Sequence[Interaction], host: str | None) -> str:
    """Return a connector's name from the host of the first request."""
    address = urlsplit(interactions[0].url).hostname or "" if host is None else host
    if re.fullmatch(r"[\d.]+|localhost", address):
        return "api"
    parts = [one for one in address.split(".") if one not in _HOST_WORDS]
    return free_name((parts[0] if parts else address,), set(), "connector")


def _host(exchange: ApiExchange) -> str:
    host = exchange.origin.partition("://")[2]
    return "an API" if open_names(host) else host.partition(":")[0]


def _of_one_host(source: RecordedSource, host: str | None, remarks: Remarks) -> list[ApiExchange]:
    """Return the exchanges of the host with most JSON, or of the one that the user names."""
    by_origin: dict[str, list[ApiExchange]] = {}
    for number, interaction in enumerate(source.interactions, 1):
        try:
            exchange = ApiExchange.of(interaction, number)
        except ValueError:
            continue
        is_told = exchange.is_answered or exchange.is_open or exchange.is_lost
        if is_told or interaction.request_headers:
            by_origin.setdefault(exchange.origin, []).append(exchange)
    counts = {
        origin: sum(one.is_answered or one.is_open for one in listed)
        for origin, listed in by_origin.items()
    }
    counts = {origin: count for origin, count in counts.items() if count}
    if host is not None:
        wanted = [one for one in by_origin if one.partition("://")[2] == host or one == host]
        wanted = wanted or [
            one for one in by_origin if one.partition("://")[2].partition(":")[0] == host
        ]
        if not wanted:
            listed = ", ".join(one.partition("://")[2] for one in counts) or "none"
            raise ManifestError(
                f"{source.label}: found no request of the host {host}; there are: {listed}"
            )
        return by_origin[wanted[0]]
    if not counts:
        if not source.interactions:
            why = f": {'; '.join(source.notes[:_MOST_REASONS])}" if source.notes else ""
            raise ManifestError(f"{source.label}: found no request over http or https{why}")
        raise ManifestError(
            f"{source.label}: found no response in JSON among "
            f"{count_noun(len(source.interactions), 'request')}; export the recording with the "
            "contents of responses"
        )
    best = max(counts, key=lambda one: counts[one])
    others = [one.partition("://")[2] for one in counts if one != best]
    if others:
        shown = ", ".join(template_of(one, DeclaredValues(), "") for one in others[:5])
        remarks.note("hosts", f"left out requests of other hosts: {shown}; choose one with --host")
    return by_origin[best]


def _base_segments(exchanges: Sequence[ApiExchange]) -> tuple[str, ...]:
    """Return the parts like `api` and `v2` that all paths begin with."""
    base: list[str] = []
    paths = [one.segments for one in exchanges if one.is_answered or one.is_open]
    for column in zip(*paths, strict=False):
        is_last = any(len(one) <= len(base) + 1 for one in paths)
        is_version = bool(base) and re.fullmatch(r"\d{1,2}", column[0])
        is_part = _API_PART.fullmatch(column[0]) or is_version
        if is_last or len(set(column)) > 1 or not is_part:
            break
        base.append(column[0])
    return tuple(base)


def _lists(
    endpoints: Sequence[RecordedEndpoint],
    shapes: ShapeReader,
    remarks: Remarks,
    is_chosen: bool,
) -> tuple[list[ObservedList], list[Operation]]:
    by_key: dict[str, RecordedEndpoint] = {}
    operations = []
    for endpoint in endpoints:
        if not endpoint.answered and not endpoint.exchanges[0].is_open:
            continue
        operation = recorded_operation(endpoint, shapes)
        if operation.key not in by_key:
            by_key[operation.key] = endpoint
            operations.append(operation)
    finder = ListFinder(shapes)
    answered = [one for one in operations if by_key[one.key].answered]
    catalog = catalog_of(answered, finder, Choice())
    lists = {
        guess.operation.key: ObservedList(name, guess, by_key[guess.operation.key])
        for name, guess in catalog.lists.items()
    }
    keys = [operation.key for operation, _ in catalog.left_out]
    keys += _add_open(operations, by_key, lists, is_chosen)
    if keys:
        more = f" and {len(keys) - _MOST_NAMED} more" if len(keys) > _MOST_NAMED else ""
        remarks.note("requests", f"left out, no list: {', '.join(keys[:_MOST_NAMED])}{more}")
    order = {one.key: position for position, one in enumerate(operations)}
    found = sorted(lists.values(), key=lambda one: order[one.guess.operation.key])
    return found, operations


def _add_open(
    operations: Sequence[Operation],
    by_key: Mapping[str, RecordedEndpoint],
    lists: dict[str, ObservedList],
    is_chosen: bool,
) -> list[str]:
    """Add the requests whose responses are not recorded; return those that are left out.

    A POST may change something, and a path that ends with an id is one record.
    """
    left_out = []
    for operation in operations:
        endpoint = by_key[operation.key]
        if endpoint.answered or operation.key in lists:
            continue
        reason = "no response is recorded"
        if not is_reading(operation):
            reason += ", and a POST may change something"
        if not is_chosen and (operation.ends_with_variable or not is_reading(operation)):
            left_out.append(operation.key)
            continue
        guess = ListGuess(operation, "", Shape(), _UNSEEN, reason, Shape())
        name = resource_name(operation, {one.name for one in lists.values()})
        lists[operation.key] = ObservedList(name, guess, endpoint)
    return left_out


def _graphql_cursor(one: ObservedList) -> PaginatorGuess | None:
    """Return the cursor of a connection, of which one page is recorded."""
    variable = _CURSOR_VARIABLE.search(one.endpoint.variant)
    path = one.guess.selector.replace("[]", "").split(".")
    if variable is None or not one.endpoint.answered:
        return None
    for depth in range(len(path) - 1, 0, -1):
        holder: Json = one.endpoint.answered[0].data
        for key in path[:depth]:
            holder = holder.get(key) if isinstance(holder, dict) else None
        info = holder.get("pageInfo") if isinstance(holder, dict) else None
        if isinstance(info, dict) and "endCursor" in info:
            place = ".".join((*map(quoted, path[:depth]), "pageInfo"))
            more = {"has_more_path": f"{place}.hasNextPage"} if "hasNextPage" in info else {}
            target = f"variables.{variable[1]}"
            return PaginatorGuess(
                {
                    "type": "cursor",
                    "cursor_path": f"{place}.endCursor",
                    "cursor_body_path": target,
                    **more,
                },
                0.9,
                f"the query takes the cursor ${variable[1]}, and returns {place}.endCursor",
                frozenset({target}),
            )
    return None


def _with_bound_parameters(guess: ListGuess, bindings: Mapping[str, ParentValue]) -> ListGuess:
    """Return a list whose query parameters with a parent's value are required."""
    parameters = tuple(
        replace(one, is_required=True) if one.place == "query" and one.name in bindings else one
        for one in guess.operation.parameters
    )
    return replace(guess, operation=replace(guess.operation, parameters=parameters))


def _key(
    one: ObservedList, operations: Sequence[Operation], shapes: ShapeReader
) -> KeyGuess | None:
    """Return the primary key by its name, unless records contradict; or a field that is unique."""
    records = [
        record
        for exchange in one.endpoint.answered
        for record in records_of(one.guess, exchange.data)
    ]
    detail_path = re.compile(re.escape(one.guess.operation.path.rstrip("/")) + r"/\{[^{}]*\}/?$")
    detail = next((each for each in operations if detail_path.match(each.path)), None)
    guess = primary_key(one.guess, shapes, detail)
    if guess is not None and _is_unique(records, guess.name):
        return guess
    if one.guess.is_single or len({repr(record) for record in records}) < _MIN_UNIQUE:
        return None
    for name in one.guess.record.properties:
        words = words_of(name)
        is_named = bool(words) and (words[-1] in _KEY_ENDINGS or plain_name(name)[-2:] == "id")
        if is_named and _is_unique(records, name):
            return KeyGuess(name, 0.7, f"it differs in {len(records)} recorded records")
    return None


def _is_unique(records: Sequence[Mapping[str, Json]], name: str) -> bool:
    """Return whether records with the same value are the same, and all have one."""
    seen: dict[str, str] = {}
    for record in records:
        value = record.get(name)
        if not isinstance(value, (str, int, float)):
            return False
        if seen.setdefault(repr(value), repr(record)) != repr(record):
            return False
    return True


def _without(sent: SentInputs, access: Access) -> SentInputs:
    """Return the inputs without those that the auth sends."""
    names = {name for place, name in access.sent if place == "query"}
    return replace(sent, params={key: one for key, one in sent.params.items() if key not in names})


def _client(
    origin: str,
    base: tuple[str, ...],
    exchanges: Sequence[ApiExchange],
    literals: Literals,
    remarks: Remarks,
) -> dict[str, Json]:
    if origin.startswith("http://") and not _LOOPBACK.match(origin):
        origin = origin.replace("http://", "https://", 1)
        remarks.note("servers", f"{CHECK}it was recorded over http; the file says https")
    host = origin.partition("://")[2]
    if len(open_names(host)) == 1 and re.fullmatch("[\ue000].*[\ue001]", host) and base == ():
        declared = {"type": "string", "format": "uri", "description": "The address of the API."}
        address = literals.values.entry(open_names(host)[0], declared)
    else:
        address = template_of(origin, literals.values, "the address") + "".join(
            f"/{one}" for one in base
        )
    client: dict[str, Json] = {"base_url": address}
    headers = {**shared_headers(exchanges, literals), **literals.access.headers}
    if headers:
        client["headers"] = headers
    if literals.access.auth is not None:
        client["auth"] = literals.access.auth
    return client


def _drop_unused(
    values: DeclaredValues, client: Mapping[str, Json], entries: Sequence[ResourceEntry]
) -> None:
    """Remove secrets that only requests had that are no lists."""
    written = repr([client, [one.data for one in entries]])
    for name in list(values.secrets):
        if f"{{secrets.{name}}}" not in written:
            del values.secrets[name]
    for name in list(values.config):
        if f"config.{name}" not in written:
            del values.config[name]


def _refuse_leaks(imported: ImportedConnector, access: Access, source: RecordedSource) -> None:
    """Raise ManifestError if a credential is still in the file."""
    remarks = " ".join(one.reason for one in imported.remarks)
    leaks = find_leaks(f"{imported.text}\n{remarks}", access.raw)
    if leaks:
        counts = Counter(one.partition(",")[2].strip() for one in leaks)
        forms = ", ".join(sorted(counts))
        raise ManifestError(
            f"{source.label}: nothing was written: the connector file would hold a credential "
            f"({forms}); please report it"
        )
