"""The pages of several connectors in a folder: written, or compared with what the files give."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework.authoring.cassettes.cassette import cassette_path
from framework.authoring.cassettes.snapshot import read_expected
from framework.authoring.scaffold.file_writer import write_text
from framework.catalog.connector_page import CatalogFacts, mark_of, render_page
from framework.catalog.markdown_text import prose, table
from framework.catalog.proof_block import block_of, proved_lines, untried_lines
from framework.catalog.run_counts import count_requests
from framework.catalog.table_facts import connector_tables
from framework.definition.finder import bundled_root, expected_path
from framework.definition.model import Connector
from framework.errors import FrameworkError
from framework.runtime.environment import StopSignal
from framework.runtime.redaction import Redactor
from framework.runtime.secret_sources import add_connector_file, add_connector_settings
from framework.runtime.settings import variable_of
from framework.text import OTHER_CATEGORY, count_noun, first_sentence

Json = Any
INDEX = "index.md"
_INDEX_MARK = "<!-- Written by `framework docs` from the connectors' files. -->"


@dataclass(frozen=True)
class CatalogPage:
    """A page as the files give it; `is_same` says whether the folder has it so."""

    path: Path
    text: str
    is_same: bool

    def write(self) -> None:
        """Write it, whole or not at all, unless it is there already.

        Raise FrameworkError for a page that somebody else wrote.
        """
        if self.is_same:
            return
        mark = _INDEX_MARK if self.path.name == INDEX else mark_of(self.path.stem)
        before = _text(self.path)
        if self.path.exists() and (before is None or mark not in before.splitlines()):
            raise FrameworkError(
                f"{self.path} was not written by `framework docs`, and is kept; remove it, or "
                "choose another folder with --output"
            )
        write_text(self.path, self.text)


def connector_page(
    connector: Connector, folder: Path, stop: StopSignal, *, proves: bool
) -> CatalogPage:
    """Return the page of a connector.

    Without a proof it has what the page in the folder has of one. Raise FrameworkError if a secret
    that is set on this machine would be on it.
    """
    path = folder / f"{connector.name}.md"
    before = _text(path)
    if proves:
        proof = proved_lines(connector, stop)
    else:
        kept = None if before is None else block_of(before)
        proof = untried_lines(connector) if kept is None else kept
    facts = CatalogFacts(
        connector_tables(connector, _expected(connector)),
        count_requests(connector, stop),
        proof,
        cassette_path(connector).is_file(),
        connector.path.absolute().parent == bundled_root() / "connectors",
    )
    text = _masked(connector, render_page(connector, facts))
    _refuse_settings(connector, text)
    return CatalogPage(path, text, before == text)


def index_page(connectors: Sequence[Connector], folder: Path) -> CatalogPage:
    """Return the page that leads to those of several connectors, by category."""
    groups: dict[str, list[Connector]] = {}
    for connector in sorted(connectors, key=lambda one: one.name):
        groups.setdefault(connector.category or OTHER_CATEGORY, []).append(connector)
    lines = ["# Connectors", "", _INDEX_MARK, ""]
    for category in sorted(groups, key=lambda name: (name == OTHER_CATEGORY, name.casefold())):
        lines += [f"## {prose(category)}", ""]
        rows = [
            (
                f"[{one.name}]({one.name}.md)",
                count_noun(len(one.resources), "resource"),
                prose(first_sentence(one.description)),
            )
            for one in groups[category]
        ]
        lines += table(("connector", "loads", "what"), rows)
    text = "\n".join(lines).rstrip("\n") + "\n"
    path = folder / INDEX
    return CatalogPage(path, text, _text(path) == text)


def strange_pages(names: Sequence[str], folder: Path) -> Iterator[Path]:
    """Yield pages that were written for connectors that are gone."""
    for path in sorted(folder.glob("*.md")):
        text = _text(path) or ""
        if path.stem not in names and mark_of(path.stem) in text.splitlines():
            yield path


def _expected(connector: Connector) -> Mapping[str, Mapping[str, Json]]:
    """Return the tables that the recording gives, none if they were never written."""
    if not expected_path(connector).is_file():
        return {}
    tables: Mapping[str, Mapping[str, Json]] = read_expected(
        expected_path(connector), connector.name
    )["tables"]
    return tables


def _masked(connector: Connector, page: str) -> str:
    """Return the page without the secrets that are written in the connector's file."""
    redactor = Redactor()
    add_connector_file(redactor, connector.path.read_text("utf-8-sig"), connector.data)
    return redactor.redact(page)


def _refuse_settings(connector: Connector, page: str) -> None:
    """Raise FrameworkError if the value of a secret is on the page.

    To mask it would make another page on each machine.
    """
    redactor = Redactor()
    add_connector_settings(redactor, connector.secrets, os.environ, Path.cwd())
    for secret in connector.secrets.values():
        if secret.key is not None:
            redactor.add_foreign(os.environ.get(variable_of(secret.key), ""))
    if redactor.redact(page) != page:
        raise FrameworkError(
            f"a secret that is set for {connector.name} would be on its page, and nothing is "
            "written: remove it from the connector's files"
        )


def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
