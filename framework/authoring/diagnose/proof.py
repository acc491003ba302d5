"""The evidence that the responses of one resource give, and the proofs made of it.

A proof holds names, types and counts, never a value of a record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import requests

from framework.authoring.diagnose.heuristics import key_candidates
from framework.authoring.scaffold.yaml_patch import Change, Patch, patches
from framework.authoring.scaffold.yaml_writer import flow
from framework.definition.expressions.jsonpath import path_keys
from framework.definition.model import Connector, Resource
from framework.events import WarningRaised
from framework.extract.page import Page, Record
from framework.runtime.field_paths import value_at
from framework.runtime.redaction import Redactor

Json = Any

MAX_CANDIDATES = 3
"""How many candidates a remedy names."""


@dataclass(frozen=True)
class Proof:
    """The outcome of one check. A fault has a `code` and, if known, a `remedy` in words.

    `diff` is a change to the file that was tried and fixes it, and `fix` the file with it. `fixed`
    is a fault whose change was made. `patches` are changes to try.
    """

    resource: str
    about: str
    outcome: Literal["ok", "fault", "unknown", "fixed"]
    message: str
    code: str = ""
    remedy: str = ""
    diff: str = ""
    patches: tuple[Patch, ...] = ()
    fix: Patch | None = None

    def as_dict(self) -> dict[str, Json]:
        """Return the proof as JSON, without the texts of whole files."""
        shown = ("resource", "about", "outcome", "message", "code", "remedy", "diff")
        return {name: getattr(self, name) for name in shown}


@dataclass
class Evidence:
    """What one resource returned, next to what the file says of it. Builds the proofs.

    `lists` are the pages of each list, as the selector found them. `records` would be loaded, None
    if they cannot be read. `parent` is the evidence of the parent resource. `read_from` reads the
    first page from a start value (ISO time or number) on. `read_pages` reads the first pages of
    each list with another paginator and more parameters; of a list that fails there are none.
    """

    connector: Connector
    resource: Resource
    redactor: Redactor
    parent: Evidence | None
    read_from: Callable[[str], list[Json]]
    read_pages: Callable[[Mapping[str, Json], Mapping[str, Json]], list[list[Page]]]
    lists: list[list[Page]] = field(default_factory=list)
    records: list[Record] | None = None
    warnings: list[WarningRaised] = field(default_factory=list)

    def add(self, number: int, page: Page) -> None:
        """Add a page; number 1 starts a list."""
        if number == 1 or not self.lists:
            self.lists.append([])
        self.lists[-1].append(page)

    def has_warning(self, code: str) -> bool:
        """Return whether reading raised a warning with this code."""
        return any(warning.code == code for warning in self.warnings)

    @property
    def pages(self) -> list[Page]:
        """The pages of all lists."""
        return [page for pages in self.lists for page in pages]

    @property
    def selected(self) -> list[Json]:
        """What the selector found, as the API returned it.

        A page that repeats the one before it is left out: it is a fault of paging, not of keys.
        """
        return [item for pages in self.lists for item in _items(pages)]

    @property
    def distinct_lists(self) -> list[list[Json]]:
        """What the selector found by list; of lists with the same request only the first."""
        by_request: dict[Any, list[Json]] = {}
        for pages in self.lists:
            request = response_of(pages[0]).request
            by_request.setdefault((request.method, request.url, request.body), _items(pages))
        return list(by_request.values())

    @property
    def objects(self) -> list[Record]:
        """The records; if they cannot be read, the objects that the selector found."""
        if self.records is not None:
            return self.records
        return [item for item in self.selected if isinstance(item, dict)]

    @property
    def parent_records(self) -> list[Record]:
        """The records of the parent resource."""
        return self.parent.objects if self.parent else []

    def identities(self, page: Page) -> list[str]:
        """Return each record of a page as text: its key, or the whole of it if it has none."""
        key = self.resource.primary_key
        found = []
        for element in page.items if page.elements is None else page.elements:
            if not key and isinstance(element, dict):
                key = tuple(key_candidates(self.objects)[:1])
            values = [field_of(element, name) for name in key]
            found.append(str(values) if values and None not in values else str(element))
        return found

    @property
    def selector(self) -> str:
        """The data_selector as the file has it."""
        selector = self.resource.endpoint.data_selector
        return "none" if selector is None else getattr(selector, "text", str(selector))

    @property
    def paginator(self) -> Mapping[str, Json]:
        """The paginator that applies."""
        found = self.resource.endpoint.paginator or self.connector.client.paginator
        return found or {"type": "auto"}

    @property
    def bound(self) -> str:
        """What the resource takes from its parent, as a message says it."""
        return ", ".join(f"`{one.text}` of {one.resource}" for one in self.resource.bindings)

    def ok(self, about: str, message: str) -> Proof:
        """Return a proof that the file is right."""
        return Proof(self.resource.name, about, "ok", message)

    def unknown(self, about: str, message: str, remedy: str = "") -> Proof:
        """Return a proof that the responses do not decide."""
        return Proof(self.resource.name, about, "unknown", message, remedy=remedy)

    def fault(
        self, about: str, code: str, message: str, remedy: str = "", changes: Sequence[Change] = ()
    ) -> Proof:
        """Return a proof that the file is wrong, with the possible changes in order of preference.

        Several may be one change in different places of the file.
        """
        name = self.resource.name
        possible = tuple(patches(Path(self.connector.path), name, changes, remedy))
        return Proof(name, about, "fault", message, code, remedy, patches=possible)

    def key_fault(self, about: str, code: str, message: str, key: str, values: list[str]) -> Proof:
        """Return a fault that another value of a key (dotted) fixes; `values` are candidates."""
        name = key.rsplit(".", 1)[-1]
        candidates = [flow(value) for value in values[:MAX_CANDIDATES]]
        remedy = " or ".join(f"{name}: {value}" for value in candidates)
        changes = [Change(tuple(key.split(".")), value) for value in candidates]
        return self.fault(about, code, message, remedy, changes)

    def paginator_fault(
        self, code: str, message: str, *options: Mapping[str, Json], note: str = ""
    ) -> Proof:
        """Return a fault of paging that other keys of the paginator fix.

        `options` are keys to try, the likeliest first; with a `type` they are a whole paginator.
        """
        faults = []
        for changed in options:
            whole = dict(changed) if "type" in changed else {**self.paginator, **changed}
            changes = [
                Change(("endpoint", "paginator", name), flow(value))
                for name, value in (changed.items() if len(changed) == 1 else ())
            ]
            changes.append(Change(("endpoint", "paginator"), flow(whole)))
            remedy = f"paginator: {flow(dict(changed))}"
            faults.append(self.fault("paginator", code, message, remedy, changes))
        every = tuple(patch for fault in faults for patch in fault.patches)
        return replace(faults[0], remedy=faults[0].remedy + note, patches=every)


def field_of(record: Json, path: str) -> Json:
    """Return the value at a dotted path of a record, None if there is none."""
    return value_at(record, path_keys(path))


def response_of(page: Page) -> requests.Response:
    """Return the response of a page that no transform has changed."""
    assert page.response is not None
    return page.response


def _items(pages: list[Page]) -> list[Json]:
    return [
        item
        for before, page in zip([None, *pages], pages, strict=False)
        if before is None or page.items != before.items
        for item in page.items
    ]
