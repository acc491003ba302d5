"""Rows of one resource for tables of several names: each record carries its table's name until
dlt takes it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from framework.definition.naming import normalize_path
from framework.extract.page import Record
from framework.runtime.outcomes import RecordError
from framework.runtime.templates import expand

Json = Any

TABLE = "\0table"
"""A key that no record and no context has otherwise."""


def table_of_list(
    resource: str, template: str, values: Mapping[str, Json], others: Collection[str]
) -> str:
    """The table that a list's records go to, in dlt's spelling; `others` are other resources'.

    RecordError where the file's template gives no name, or that of another resource's table.
    """
    name = expand(template, values, "text")
    if not isinstance(name, str) or not name.strip():
        raise RecordError(f"{resource}: table_name `{template}` gives no name for a list")
    table = normalize_path(name)
    if table in others:
        raise RecordError(
            f"{resource}: table_name `{template}` gives {table}, which is another resource's "
            "table; put something before it, such as `x_{...}`"
        )
    return table


def marked(records: list[Record], table: str) -> list[Record]:
    """The records with their table's name."""
    return [{**record, TABLE: table} for record in records]


def by_table(records: list[Record]) -> Iterator[tuple[str, list[Record]]]:
    """The records of each table, without its name."""
    tables: dict[str, list[Record]] = {}
    for record in records:
        tables.setdefault(record.pop(TABLE), []).append(record)
    yield from tables.items()
