"""What was proved of one resource: proofs, and what they are made of.

Names, types and counts only: no value of a record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from framework.authoring.diagnose.yaml_patch import Change, diff
from framework.authoring.scaffold.yaml_writer import flow
from framework.definition.model import Connector, Resource
from framework.extract.page import Record
from framework.runtime.redaction import Redactor

Json = Any
SHOWN = 3
"""How many candidates are told."""


@dataclass(frozen=True)
class Proof:
    """One thing that was looked at. A fault has a name (`code`), what would mend it in words
    (`remedy`), and where that is one change to the file, its `diff`."""

    resource: str
    about: str
    outcome: Literal["ok", "fault", "unknown"]
    message: str
    code: str = ""
    remedy: str = ""
    diff: str = ""


@dataclass
class Seen:
    """What one resource gave: the pages (dlt's `PageData`) of each list, and its records as they
    would be loaded, None where they could not be read. `missed` says that a page had nothing where
    the selector looks."""

    lists: list[list[Any]] = field(default_factory=list)
    records: list[Record] | None = None
    missed: bool = False

    def add(self, number: int, page: Any) -> None:
        """A page came; the first of a list begins it."""
        if number == 1 or not self.lists:
            self.lists.append([])
        self.lists[-1].append(page)

    @property
    def pages(self) -> list[Any]:
        """All pages."""
        return [page for pages in self.lists for page in pages]

    @property
    def selected(self) -> list[Json]:
        """What the selector found, as it came; a page that only repeats the one before it, which
        is a fault of paging, says nothing of keys."""
        return [item for pages in self.lists for item in _items(pages)]

    @property
    def distinct_lists(self) -> list[list[Json]]:
        """The same by list; of lists that were asked for by one request only the first."""
        found: dict[Any, list[Json]] = {}
        for pages in self.lists:
            request = pages[0].response.request
            found.setdefault((request.method, request.url, request.body), _items(pages))
        return list(found.values())

    @property
    def known(self) -> list[Record]:
        """The records, else the objects that the selector found."""
        if self.records is not None:
            return self.records
        return [item for item in self.selected if isinstance(item, dict)]


def _items(pages: list[Any]) -> list[Json]:
    return [
        item
        for before, page in zip([None, *pages], pages, strict=False)
        if page != before
        for item in page
    ]


@dataclass(frozen=True)
class Prover:
    """Holds a resource of a connector against what it gave."""

    connector: Connector
    resource: Resource
    redactor: Redactor

    def ok(self, about: str, message: str) -> Proof:
        """Something that is as the file says."""
        return Proof(self.resource.name, about, "ok", message)

    def unknown(self, about: str, message: str, remedy: str = "") -> Proof:
        """Something that the answers do not tell."""
        return Proof(self.resource.name, about, "unknown", message, remedy=remedy)

    def fault(
        self, about: str, code: str, message: str, remedy: str = "", changes: Sequence[Change] = ()
    ) -> Proof:
        """Something that is not as the file says; of `changes` the first that can be made is
        shown as a diff."""
        file, name = Path(self.connector.path), self.resource.name
        return Proof(name, about, "fault", message, code, remedy, diff(file, name, changes))

    def of_key(self, about: str, code: str, message: str, key: str, values: list[str]) -> Proof:
        """A fault that another value at a key (dotted) mends."""
        name = key.rsplit(".", 1)[-1]
        written = [flow(value) for value in values[:SHOWN]]
        remedy = " or ".join(f"{name}: {value}" for value in written)
        changes = [Change(tuple(key.split(".")), value) for value in written[:1]]
        return self.fault(about, code, message, remedy, changes)

    @property
    def selector(self) -> str:
        """The data_selector as written."""
        selector = self.resource.endpoint.data_selector
        return "none" if selector is None else getattr(selector, "text", str(selector))

    @property
    def paginator(self) -> Mapping[str, Json]:
        """The paginator in force."""
        found = self.resource.endpoint.paginator or self.connector.client.paginator
        return found or {"type": "auto"}

    def repaged(
        self, message: str, code: str, changed: Mapping[str, Json], note: str = ""
    ) -> Proof:
        """A fault of paging that these keys of the paginator mend."""
        whole = {**self.paginator, **changed} if "type" not in changed else dict(changed)
        changes = [
            Change(("endpoint", "paginator", name), flow(value))
            for name, value in (changed.items() if len(changed) == 1 else ())
        ]
        changes.append(Change(("endpoint", "paginator"), flow(whole)))
        remedy = f"paginator: {flow(dict(changed))}{note}"
        return self.fault("paginator", code, message, remedy, changes)
