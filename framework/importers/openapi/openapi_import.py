"""Make the connector of a description, or list what it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from framework.importers.api_guesses.api_model.name_words import plain_name
from framework.importers.api_guesses.api_model.operations import Operation
from framework.importers.api_guesses.api_model.shapes import ShapeReader
from framework.importers.api_guesses.connector_assembly import ConnectorHead, assembled_connector
from framework.importers.api_guesses.declared_values import DeclaredValues
from framework.importers.api_guesses.list_catalog import Choice, ListCatalog, catalog_of
from framework.importers.api_guesses.paginator_chooser import PaginatorChooser
from framework.importers.api_guesses.paginator_guess import PaginatorGuess
from framework.importers.api_guesses.parent_lists import ParentFinder, ParentValue, break_circles
from framework.importers.api_guesses.record_lists import ListFinder, ListGuess
from framework.importers.api_guesses.record_schemas import primary_key, record_schema, time_filters
from framework.importers.api_guesses.resource_entry import (
    CHECK,
    ListFacts,
    ResourceEntry,
    resource_entry,
)
from framework.importers.import_report import (
    ImportedConnector,
    ManifestError,
    Remarks,
)
from framework.importers.openapi.api_access import auth_of, base_url
from framework.importers.openapi.description import Description, read_description
from framework.importers.openapi.operation_reader import OperationReader
from framework.importers.source_files import free_name

Json = Any

_RATE_HEADERS = (
    ("limit", ("ratelimitlimit", "xratelimitlimit", "xratelimitlimitminute")),
    ("remaining", ("ratelimitremaining", "xratelimitremaining", "xratelimitremainingminute")),
    ("reset", ("ratelimitreset", "xratelimitreset")),
)


@dataclass(frozen=True)
class OpenApiOptions:
    """What to import, and whether references to other hosts are followed.

    `may_read` says which files references may lead to; None for all.
    """

    choice: Choice = field(default_factory=Choice)
    allow_remote: bool = False
    may_read: Callable[[Path], bool] | None = None


@dataclass(frozen=True)
class ListedOperation:
    """One row of `--list`: the resource's name is None if the operation is left out."""

    method: str
    path: str
    resource: str | None
    selector: str | None
    paginator: str | None
    parents: tuple[str, ...]
    tags: tuple[str, ...]
    reason: str
    confidence: float | None

    def as_dict(self) -> dict[str, Json]:
        """Return the row for the JSON report."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in vars(self).items()
        }


@dataclass
class _Import:
    """One description, read and guessed."""

    description: Description
    shapes: ShapeReader
    operations: list[Operation]
    catalog: ListCatalog
    paginators: dict[str, PaginatorGuess]
    bindings: dict[str, dict[str, ParentValue]]
    ignored: list[tuple[str, str]]


def import_openapi(
    source: str, name: str | None = None, options: OpenApiOptions | None = None
) -> ImportedConnector:
    """Return the connector of a description.

    Raise ManifestError if it cannot be read. Without any list the connector has no resources.
    """
    connector = name or name_from(source)
    try:
        found = _guessed(source, options or OpenApiOptions())
        return _assembled(found, connector, source)
    except RecursionError:
        raise ManifestError(f"{source}: is nested too deeply") from None


def list_openapi(source: str, options: OpenApiOptions | None = None) -> list[ListedOperation]:
    """Return what a description has, and what would be imported."""
    found = _guessed(source, options or OpenApiOptions())
    rows = []
    left_out = {id(operation): reason for operation, reason in found.catalog.left_out}
    names = {one.operation.key: name for name, one in found.catalog.lists.items()}
    for operation in found.operations:
        name = names.get(operation.key)
        guess = found.catalog.lists[name] if name else None
        parents = (
            ()
            if name is None
            else tuple(
                dict.fromkeys(
                    names[one.parent.operation.key] for one in found.bindings[name].values()
                )
            )
        )
        rows.append(
            ListedOperation(
                operation.method.upper(),
                operation.path,
                name,
                guess.selector if guess else None,
                str(found.paginators[name].paginator["type"]) if name else None,
                parents,
                operation.tags,
                guess.reason if guess else left_out.get(id(operation), ""),
                round(guess.confidence, 2) if guess else None,
            )
        )
    return rows


def name_from(source: str) -> str:
    """Return a connector's name from a file's name, or an address's host."""
    parts = urlsplit(source)
    stem = (
        PurePosixPath(parts.path).stem if parts.scheme in ("http", "https") else (Path(source).stem)
    )
    if plain_name(stem) in ("openapi", "swagger", "apidocs", "spec", "api", "schema", "index", ""):
        host = (parts.hostname or Path(source).resolve().parent.name).split(".")
        names = [part for part in host if part not in ("www", "api", "com", "io", "dev", "docs")]
        stem = names[0] if names else stem
    return free_name((stem,), set(), "connector")


def _guessed(source: str, options: OpenApiOptions) -> _Import:
    description = read_description(
        source, allow_remote=options.allow_remote, may_read=options.may_read
    )
    shapes = ShapeReader(description.resolve)
    reader = OperationReader(description, shapes)
    operations = list(reader.operations())
    if operations and not any(options.choice.takes(one) for one in operations):
        raise ManifestError(
            f"{source}: found no operation that --paths, --tags and --exclude leave of "
            f"{len(operations)}; --list without them shows all"
        )
    finder = ListFinder(shapes)
    catalog = catalog_of(operations, finder, options.choice)
    info = description.root.child("info")
    guesses = list(catalog.lists.values())
    prose = info.text("description") if info else ""
    chooser = PaginatorChooser(shapes, prose, lists=guesses)
    parents = ParentFinder(guesses, operations, shapes)
    bindings = {name: parents.bindings(one) for name, one in catalog.lists.items()}
    break_circles(bindings, {one.operation.key: name for name, one in catalog.lists.items()})
    return _Import(
        description,
        shapes,
        operations,
        catalog,
        {name: chooser.choose(one) for name, one in catalog.lists.items()},
        bindings,
        reader.ignored,
    )


def _assembled(found: _Import, connector: str, source: str) -> ImportedConnector:
    remarks = Remarks()
    if not found.catalog.lists:
        remarks.missing("paths", "found no operation that returns a list; see --list")
    values = DeclaredValues()
    description = found.description
    lists = found.catalog.lists
    client: dict[str, Json] = {}
    url = base_url(description, _servers(lists), values)
    client["base_url"] = url.url
    if url.check:
        remarks.note("servers", f"{CHECK}{url.check}")
    auth = auth_of(
        description,
        [one.operation.security for one in lists.values() if one.operation.security],
        values,
        url.url,
    )
    if auth.auth is not None:
        client["auth"] = auth.auth
    for check in auth.checks:
        remarks.note("security", f"{CHECK}{check}")
    if _needs_accept(lists):
        client["headers"] = {"Accept": "application/json"}
    limits = _rate_limit(found.operations)
    if limits:
        client["rate_limit"] = {"headers": limits}
    names = {one.operation.key: name for name, one in lists.items()}
    details = _details(found.operations)
    schemas: dict[str, Mapping[str, Json]] = {}
    entries: list[ResourceEntry] = []
    for name, guess in lists.items():
        key = primary_key(guess, found.shapes, details.get(_shape_of(guess.operation.path)))
        is_typed = guess.operation.response_format in (None, "jsonl")
        keys = (key.name,) if key else ()
        schema = record_schema(guess, found.shapes, keys, len(lists)) if is_typed else None
        if schema is not None:
            schemas[name] = schema
        facts = ListFacts(
            name,
            guess,
            found.paginators[name],
            key,
            found.bindings[name],
            names,
            tuple(time_filters(guess, found.shapes)),
            schema is not None,
        )
        entries.append(resource_entry(facts, values, found.shapes))
    for place, reason in found.ignored:
        remarks.note(place, reason)
    for reference, reason in description.broken.items():
        remarks.note("$ref", f"the reference {reference} {reason}")
    head = ConnectorHead(connector, _title(description, source), client)
    return assembled_connector(head, values, entries, schemas, remarks)


def _servers(lists: Mapping[str, ListGuess]) -> list[Any]:
    """Return the servers of the operations, if all of them name their own."""
    own = [one.operation.servers for one in lists.values()]
    return list(own[0]) if own and all(own) else []


def _needs_accept(lists: Mapping[str, ListGuess]) -> bool:
    """Return whether the API offers JSON beside other formats, and is to be asked for it."""
    return any(
        one.operation.has_other_types
        and one.operation.response_format is None
        and one.operation.response_type == "application/json"
        for one in lists.values()
    )


def _details(operations: list[Operation]) -> dict[str, Operation]:
    """Return the operations of one record by the path of their list."""
    found: dict[str, Operation] = {}
    for one in operations:
        if one.method == "get" and one.ends_with_variable:
            found.setdefault(_shape_of(one.path.rstrip("/").rsplit("/", 1)[0]), one)
    return found


def _shape_of(path: str) -> str:
    import re

    return re.sub(r"\{[^{}]*\}", "{}", re.sub(r"\.(json|xml)$", "", path.rstrip("/")))


def _rate_limit(operations: list[Operation]) -> dict[str, str]:
    """Return the headers of rate limits that responses name."""
    named = {plain_name(name): name for one in operations for name in one.headers}
    found: dict[str, str] = {}
    for key, plain in _RATE_HEADERS:
        for one in plain:
            if one in named:
                found.setdefault(key, named[one])
    if "reset" in found:
        text = next(
            one.headers[found["reset"]] for one in operations if found["reset"] in one.headers
        ).lower()
        if any(word in text for word in ("epoch", "unix", "utc", "timestamp", "1970")):
            found["reset_as"] = "epoch"
    return found


def _title(description: Description, source: str) -> str:
    info = description.root.child("info")
    title = info.text("title") if info else ""
    return " ".join(f"Imported from the description of {title or name_from(source)}.".split())
