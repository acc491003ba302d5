"""The tables of a connector as an entity diagram of Mermaid: keys, parents and nested lists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from framework.catalog.table_facts import TableFacts
from framework.definition.model import Connector
from framework.definition.values.naming import normalize_path
from framework.load.declared_tables import root_table

MOST_ENTITIES = 30
"""Tables of a diagram that can be read; with more, nested ones are left out."""
_NOT_NAME = re.compile(r"[^A-Za-z0-9_]+")
_NOT_LABEL = re.compile(r"[^A-Za-z0-9_.,:()\[\]'/-]+")
_LONGEST_LABEL = 40


def diagram_lines(connector: Connector, tables: Sequence[TableFacts]) -> tuple[list[str], int]:
    """Return the lines of a diagram, and the number of nested tables that it leaves out."""
    shown = list(tables)
    if len(shown) > MOST_ENTITIES:
        shown = [one for one in shown if one.parent is None]
    links = list(_links(connector, shown))
    linked = {name for parent, child, _ in links for name in (parent, child)}
    lines = ["erDiagram", "    direction LR"]  # many tables are higher than wide
    lines += [
        f'    {_name(parent)} ||--o{{ {_name(child)} : "{_label(label)}"'
        for parent, child, label in links
    ]
    for one in shown:
        lines += _entity(one, is_linked=one.name in linked)
    return lines, len(tables) - len(shown)


def _entity(table: TableFacts, *, is_linked: bool) -> Iterator[str]:
    """Yield the keys of a table; one without keys needs no line of its own if it is linked."""
    types = {column.name: column.data_type for column in table.columns}
    rows = [(types.get(name) or "text", name, "PK") for name in table.key]
    for name in table.resource.included_columns if table.parent is None else ():
        column = normalize_path(name)
        if column not in table.key:
            rows.append((types.get(column) or "text", column, "FK"))
    if not rows:
        if not is_linked:
            yield f"    {_name(table.name)}"
        return
    yield f"    {_name(table.name)} {{"
    for data_type, name, kind in rows:
        yield f"        {_name(data_type)} {_name(name)} {kind}"
    yield "    }"


def _links(connector: Connector, tables: Sequence[TableFacts]) -> Iterator[tuple[str, str, str]]:
    """Yield parent, child and what leads from one to the other."""
    known = {one.name for one in tables}
    for table in tables:
        if table.parent is not None:
            yield table.parent, table.name, table.place.rpartition("[].")[2]
            continue
        seen = set()
        for resource in table.resources:
            labels: dict[str, str] = {}
            for one in resource.bindings:
                known_label = labels.get(one.resource)
                labels[one.resource] = f"{known_label}, {one.text}" if known_label else one.text
            for parent in resource.parents:
                name = root_table(connector.resource(parent))
                if name in known and name not in seen:
                    seen.add(name)
                    yield name, table.name, labels.get(parent, "")


def _label(text: str) -> str:
    label = _NOT_LABEL.sub(" ", text).strip()
    if len(label) > _LONGEST_LABEL:
        label = f"{label[:_LONGEST_LABEL].rstrip()}..."
    return label or "has"


def _name(text: str) -> str:
    """Return a name that Mermaid reads."""
    name = _NOT_NAME.sub("_", text) or "_"
    return name if not name[0].isdigit() else f"_{name}"
