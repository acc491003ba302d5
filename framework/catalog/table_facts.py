"""The tables of a connector with their columns: what each is, and what it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from framework.catalog.markdown_text import code, prose
from framework.definition.expressions.jmespath_expression import Expression
from framework.definition.model import DELETED_AT, Connector, Resource
from framework.definition.schema.record_schema import Table, table_of
from framework.definition.values.naming import SEPARATOR, normalize_path
from framework.load.declared_tables import root_table
from framework.text import shorten

Json = Any
_REMADE = ("map", "yield_map", "rename_keys")
"""Steps after which no field of the response has its own name."""


@dataclass(frozen=True)
class ColumnFacts:
    """A column: dlt's type, and as Markdown what it is and what it is made of."""

    name: str
    data_type: str
    about: str
    source: str


@dataclass(frozen=True)
class TableFacts:
    """A table. `resources` fill it, the last of which says how; `rows` are those of the recording.

    A nested table has a `parent` and the `place` of its list in the resource's records. Without a
    schema the `columns` are those of the recording, and none if there is no recording.
    """

    name: str
    resources: tuple[Resource, ...]
    columns: tuple[ColumnFacts, ...]
    key: tuple[str, ...] = ()
    parent: str | None = None
    place: str = ""
    is_declared: bool = False
    rows: tuple[Mapping[str, Json], ...] = ()
    row_count: int | None = None

    @property
    def resource(self) -> Resource:
        """The resource whose hints the table has."""
        return self.resources[-1]


@dataclass(frozen=True)
class _Expected:
    """A table of the recording."""

    columns: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[Mapping[str, Json], ...] = ()
    count: int | None = None


def connector_tables(
    connector: Connector, expected: Mapping[str, Mapping[str, Json]]
) -> list[TableFacts]:
    """Return the tables of a connector, each followed by its nested ones.

    `expected` are the tables that its recording gives, by name.
    """
    known = {
        name: _Expected(one["columns"], tuple(one["first_rows"]), one["rows"])
        for name, one in expected.items()
    }
    found: list[TableFacts] = []
    for name, resources in _by_table(connector).items():
        found += _tables_of(name, resources, known)
    return found


def _by_table(connector: Connector) -> dict[str, tuple[Resource, ...]]:
    """Return the resources of each table, in file order."""
    tables: dict[str, tuple[Resource, ...]] = {}
    for resource in connector.resources_as_written:
        table = root_table(resource)
        tables[table] = (*tables.get(table, ()), resource)
    return tables


def _tables_of(
    name: str, resources: tuple[Resource, ...], known: Mapping[str, _Expected]
) -> Iterator[TableFacts]:
    resource = resources[-1]
    own = known.get(name, _Expected())
    key = tuple(normalize_path(one) for one in resource.primary_key)
    if resource.schema is None:
        yield _inferred(TableFacts(name, resources, (), key), own)
        for table in sorted(known):
            if table.startswith(f"{name}{SEPARATOR}"):
                above = [one for one in known if table.startswith(f"{one}{SEPARATOR}")]
                parent = max((name, *above), key=len)
                steps = [one for one in above if one != name] + [table]
                place = _place(name, sorted(steps, key=len))
                nested = TableFacts(table, resources, (), parent=parent, place=place)
                yield _inferred(nested, known[table])
        return
    declared = table_of(resource.schema)
    columns = [_declared(resource, declared, one.name) for one in declared.columns]
    names = {one.name for one in columns}
    columns += [
        replace(one, data_type=one.data_type or own.columns.get(one.name, ""))
        for one in _added(resource)
        if one.name not in names
    ]
    yield TableFacts(
        *(name, resources, tuple(columns), key),
        is_declared=True,
        rows=own.rows,
        row_count=own.count,
    )
    most = resource.hints.get("max_table_nesting")
    yield from _nested(name, (), declared, resources, known, most if isinstance(most, int) else 99)


def _place(root: str, tables: list[str]) -> str:
    """Return the path of a list in the records, by the names of its table and of those above."""
    pieces, before = [], root
    for table in tables:
        pieces.append(table[len(before) + len(SEPARATOR) :].replace(SEPARATOR, "."))
        before = table
    return "[].".join(pieces)


def _nested(
    parent: str,
    above: tuple[str, ...],
    table: Table,
    resources: tuple[Resource, ...],
    known: Mapping[str, _Expected],
    most: int,
) -> Iterator[TableFacts]:
    """Yield the declared tables of lists, at most so many levels of them."""
    for child in table.children if most > 0 else ():
        name, own = (
            f"{parent}{SEPARATOR}{child.name}",
            known.get(f"{parent}{SEPARATOR}{child.name}", _Expected()),
        )
        path = (*above, *child.path)
        place = ".".join(path)
        columns = tuple(
            ColumnFacts(
                column.name,
                column.data_type,
                prose(column.description or ""),
                code(f"{place}[]" if child.scalars else f"{place}[].{'.'.join(column.path)}"),
            )
            for column in child.columns
        )
        yield TableFacts(
            *(name, resources, columns),
            parent=parent,
            place=place,
            is_declared=True,
            rows=own.rows,
            row_count=own.count,
        )
        yield from _nested(name, (*path[:-1], f"{path[-1]}[]"), child, resources, known, most - 1)


def _declared(resource: Resource, table: Table, name: str) -> ColumnFacts:
    column = table.column(name)
    assert column is not None
    hint = resource.columns.get(name, {})
    return ColumnFacts(
        name,
        str(hint.get("data_type") or column.data_type),
        prose(str(hint.get("description") or column.description or "")),
        column_source(resource, column.path),
    )


def _inferred(table: TableFacts, own: _Expected) -> TableFacts:
    """Return the table with the columns of the recording, and those that the file names."""
    resource, is_nested = table.resource, table.parent is not None
    columns = [
        ColumnFacts(
            *(name, data_type, ""),
            code(f"{table.place}[].{name.replace(SEPARATOR, '.')}")
            if is_nested
            else column_source(resource, tuple(name.split(SEPARATOR))),
        )
        for name, data_type in own.columns.items()
    ]
    if not is_nested:
        hints = {one.name: one for one in _added(resource)}
        known = {one.name for one in columns}
        columns = [
            replace(one, about=hint.about, source=hint.source or one.source)
            if (hint := hints.get(one.name))
            else one
            for one in columns
        ]
        columns += [one for one in hints.values() if one.name not in known]
    return replace(table, columns=tuple(columns), rows=own.rows, row_count=own.count)


def _added(resource: Resource) -> Iterator[ColumnFacts]:
    """Yield the columns that the file adds to those of the schema."""
    included = [(resource.parent, one) for one in resource.include_from_parent]
    included += [
        (one.parent, name) for one in resource.other_parents for name in one.include_from_parent
    ]
    for (parent, written), name in zip(included, resource.included_columns, strict=True):
        source = f"{code(written)} of the record of {code(str(parent))}"
        yield ColumnFacts(normalize_path(name), "", "", source)
    for name, hint in resource.columns.items():
        yield ColumnFacts(
            normalize_path(name),
            str(hint.get("data_type") or ""),
            prose(str(hint.get("description") or "")),
            column_source(resource, tuple(name.split("."))),
        )
    if resource.deletes is not None and resource.deletes.action == "mark":
        about = "When a run found that the API no longer has the record."
        yield ColumnFacts(DELETED_AT, "timestamp", about, "the run")


def column_source(resource: Resource, path: tuple[str, ...]) -> str:
    """Return what a column is made of, as Markdown: a field of the response, after which steps.

    The steps are followed from the last one back to the response.
    """
    notes: list[str] = []
    for step in reversed(resource.steps):
        dotted = ".".join(path)
        if step.kind == "set":
            for target, value in step.argument.items():
                if dotted == target or dotted.startswith(f"{target}."):
                    text = value.text if isinstance(value, Expression) else repr(value)
                    below = dotted[len(target) :]
                    return _joined(f"set: {code(shorten(text, 120))}{code(below)}", notes)
        elif step.kind == "rename":
            for old, new in step.argument.items():
                if dotted == new or dotted.startswith(f"{new}."):
                    path = tuple(f"{old}{dotted[len(new) :]}".split("."))
        elif step.kind == "cast" and dotted in step.argument:
            notes.append(f"cast: {code(str(step.argument[dotted]))}")
        elif step.kind == "explode" and any(
            dotted == one or dotted.startswith(f"{one}.") for one in step.argument
        ):
            notes.append(f"one row for each item of {code(step.argument[0])}")
        elif step.kind in _REMADE and step.text != "@":
            return _joined(f"{step.kind}: {code(shorten(step.text, 120))}", notes)
    return _joined(code(".".join(path)), notes)


def _joined(source: str, notes: list[str]) -> str:
    return "; ".join([source, *reversed(notes)])
