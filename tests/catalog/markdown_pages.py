"""Small connectors with recordings, and what a reader of Markdown sees of their pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from framework.authoring.cassettes.cassette import Cassette, cassette_path, write_cassette
from framework.authoring.cassettes.snapshot import test_connector as replay_cassette
from framework.authoring.exchange import Interaction
from framework.definition.model import Connector
from framework.runtime.environment import StopSignal
from tests.support.mocks import API
from tests.support.run_verbs import NOW, connector_of

Json = Any


def recorded_connector(
    folder: Path, body: Mapping[str, Json], responses: Mapping[str, Json], name: str = "shop"
) -> Connector:
    """A connector with a recording of JSON bodies by `/path?query`, and its expected tables."""
    connector = connector_of(folder, body, name)
    kind = (("content-type", "application/json"),)
    pages = [
        Interaction("GET", f"{API}{url}", 200, headers=kind, body=json.dumps(data).encode())
        for url, data in responses.items()
    ]
    write_cassette(cassette_path(connector), Cassette(connector.name, NOW, tuple(pages)))
    result = replay_cassette(connector, update=True, stop=StopSignal())
    assert not result.problems, result.problems
    return connector


def tokens(page: str) -> list[Token]:
    """The tokens of a page, inline ones too, in order."""
    found = []
    for token in MarkdownIt("gfm-like", {"linkify": False}).parse(page):
        found += [token, *(token.children or ())]
    return found


def headings(page: str) -> list[str]:
    """The headings of a page."""
    listed = tokens(page)
    return [
        "".join(one.content for one in listed[number + 1].children or ())
        for number, token in enumerate(listed)
        if token.type == "heading_open"
    ]


def tables(page: str) -> list[list[list[str]]]:
    """The tables of a page: rows of texts, the header first."""
    found: list[list[list[str]]] = []
    is_cell = False
    for token in tokens(page):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("th_open", "td_open"):
            is_cell = True
        elif token.type == "inline" and is_cell:
            text = "".join(one.content for one in token.children or ())
            found[-1][-1].append(text)
            is_cell = False
    return found


def table_below(page: str, heading: str) -> list[list[str]]:
    """The first table below a heading."""
    return tables(page.split(f"\n{heading}\n", 1)[1])[0]
