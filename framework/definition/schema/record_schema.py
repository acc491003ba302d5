"""The columns and child tables that dlt makes of records, from their JSON Schema.

Formats become timestamp, date, time or decimal; objects are flattened with `__`; arrays become
child tables. Of our own are the formats epoch-s, epoch-ms and epoch-us, `x-time-format` and
`x-zone`. Does not import dlt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.definition.finder import schema_folder
from framework.definition.schema.json_schema import SchemaError, schema_error
from framework.definition.values.naming import join_path
from framework.definition.values.value_casts import SCHEMA_EPOCHS, TimeCast
from framework.definition.yaml_limits import LimitExceeded, read_limited
from framework.errors import FrameworkError
from framework.text import did_you_mean

if TYPE_CHECKING:
    from framework.definition.defaults import MergedResource
    from framework.definition.finder import Location
    from framework.definition.yaml_reader import Pointer

Json = Any
Schema = Mapping[str, Json]
Change = Callable[[Json], Json]
"""What is made of the value of a key."""

_FORMATS = {"date-time": "timestamp", "date": "date", "time": "time", "decimal": "decimal"}
_TYPES = {"string": "text", "integer": "bigint", "number": "double", "boolean": "bool"}
_LONGEST_CHAIN = 40
"""References to references; a longer chain is circular."""


@dataclass(frozen=True)
class Column:
    """One column: `path` are the record's keys down to the value, `name` is dlt's name for it.

    The value may be null if `nullable`, and must be in every record if `required`. `cast` says how
    a time is written that is not ISO 8601 in UTC.
    """

    path: tuple[str, ...]
    name: str
    data_type: str
    description: str | None = None
    nullable: bool = False
    required: bool = False
    cast: TimeCast | None = None


@dataclass(frozen=True)
class Table:
    """A table: its list's path in its parent and dlt's suffix, both empty for the root.

    `scalars` is true if the list holds plain values, which go to a column `value`.
    """

    path: tuple[str, ...]
    name: str
    columns: tuple[Column, ...]
    children: tuple[Table, ...] = ()
    scalars: bool = False

    def column(self, name: str) -> Column | None:
        """Return the column of this normalized name, or None."""
        return next((column for column in self.columns if column.name == name), None)

    def tables(self) -> Iterator[tuple[str, Table]]:
        """Yield this table and all below it, each with its whole suffix: "", "a", "a__b"."""
        yield self.name, self
        for child in self.children:
            for suffix, table in child.tables():
                yield (f"{self.name}__{suffix}" if self.name else suffix), table


@dataclass
class RecordNode:
    """The declared keys of one JSON object: columns, and the lists and objects below it.

    `suffix` is what the name of its table adds to the root's. A list of plain values has a node
    without keys, and its `table` is `scalars`. If records tell the types and not a schema, there
    are also keys of which only nulls or empty lists are known. In unparsed pages, values of some
    keys are read after these `changes`.
    """

    table: Table
    suffix: str = ""
    columns: dict[str, Column] = field(default_factory=dict)
    lists: dict[str, RecordNode] = field(default_factory=dict)
    objects: dict[str, RecordNode] = field(default_factory=dict)
    nulls: set[str] = field(default_factory=set)
    empty_lists: set[str] = field(default_factory=set)
    changes: dict[str, tuple[Change, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, table: Table, suffix: str = "") -> RecordNode:
        """Return the node of a table's items, with all nodes below."""
        root = cls(table, suffix)
        for column in () if table.scalars else table.columns:
            holder, key = root._at(column.path[:-1]), column.path[-1]
            holder.columns[key] = column
            if column.cast is not None:
                holder.changes[key] = (column.cast.if_written_so,)
        for child in table.children:
            below = f"{suffix}__{child.name}" if suffix else child.name
            root._at(child.path[:-1]).lists[child.path[-1]] = cls.of(child, below)
        return root

    def _at(self, path: tuple[str, ...]) -> RecordNode:
        node = self
        for key in path:
            node = node.objects.setdefault(key, RecordNode(self.table, self.suffix))
        return node


class SchemaTooLarge(FrameworkError):
    """A schema describes more fields than a table can have, by references that multiply."""


MAX_STEPS = 20_000
"""The most parts of a schema that are read, each as often as it is referred to."""


class _Root:
    """The whole schema, to which references lead, and how many parts of it were read."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._steps = 0

    def count(self) -> None:
        """Count one part. Raise SchemaTooLarge past MAX_STEPS."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise SchemaTooLarge(
                f"its references make more than {MAX_STEPS:,} fields and types of it, the most "
                "that is supported"
            )


def table_of(schema: Schema) -> Table:
    """Return the root table of records that a JSON Schema describes.

    Raise SchemaTooLarge if its references multiply.
    """
    root = _Root(schema)
    return _table((), "", _facts(schema, root), root, frozenset({"#"}))


def field_schema(schema: Schema, path: tuple[str, ...]) -> Schema | None:
    """Return the schema of the value at these keys, references resolved; None if undeclared."""
    root = _Root(schema)
    current: Schema = _facts(schema, root).schema
    for key in path:
        properties = current.get("properties")
        field = properties.get(key) if isinstance(properties, dict) else None
        if field is None:
            return None
        current = _facts(field, root).schema
    return current


def may_be_null(schema: Schema, root: Schema) -> bool:
    """Return whether a schema lets a value be null."""
    return _facts(schema, _Root(root)).nullable


@dataclass(frozen=True)
class _Facts:
    """A schema with its references and its unions with null resolved.

    `references` are those that were followed: a circular one has endless columns.
    """

    schema: Schema
    types: tuple[str, ...]
    nullable: bool
    references: frozenset[str] = frozenset()


def _facts(schema: Json, root: _Root) -> _Facts:
    root.count()
    nullable = False
    followed: set[str] = set()
    for _ in range(_LONGEST_CHAIN):
        if not isinstance(schema, dict):
            return _Facts({}, (), True)
        branches = schema.get("anyOf") or schema.get("oneOf")
        if "$ref" in schema:
            target = _resolve(schema["$ref"], root.schema)
            followed.add(str(schema["$ref"]))
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**target, **beside} if isinstance(target, dict) else {}
        elif isinstance(branches, list):
            rest = [branch for branch in branches if not _only_null(branch)]
            nullable = nullable or len(rest) < len(branches)
            if len(rest) != 1:
                union = _union(rest, root)
                return _Facts({**schema, "anyOf": rest}, union, nullable, frozenset(followed))
            beside = {k: v for k, v in schema.items() if k not in ("anyOf", "oneOf")}
            schema = {**rest[0], **beside} if isinstance(rest[0], dict) else {}
        else:
            break
    types = _types(schema)
    values = schema.get("enum")
    if isinstance(values, list) and None in values and not types:
        nullable = True
    return _Facts(
        schema,
        tuple(t for t in types if t != "null"),
        nullable or "null" in types or not types,
        frozenset(followed),
    )


def _union(branches: list[Json], root: _Root) -> tuple[str, ...]:
    """Return the types of several branches, each once."""
    types: list[str] = []
    for branch in branches:
        types += [one for one in _facts(branch, root).types or ("?",) if one not in types]
    return tuple(types)


def _types(schema: Schema) -> tuple[str, ...]:
    written = schema.get("type")
    if isinstance(written, str):
        return (written,)
    if isinstance(written, list):
        return tuple(t for t in written if isinstance(t, str))
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(values, list) and values:
        names = {str: "string", bool: "boolean", int: "integer", float: "number"}
        types = {names.get(type(value), "null" if value is None else "?") for value in values}
        return tuple(sorted(types))
    if isinstance(schema.get("properties"), dict):
        return ("object",)
    return ()


def _only_null(branch: Json) -> bool:
    return isinstance(branch, dict) and (
        branch.get("type") in ("null", ["null"])
        or branch.get("const", 0) is None
        or branch.get("enum") == [None]
    )


def _resolve(reference: Json, root: Schema) -> Json:
    if reference == "#":
        return root
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    current: Json = root
    for step in reference[2:].split("/"):
        step = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(current, dict) or step not in current:
            return None
        current = current[step]
    return current


def _table(
    path: tuple[str, ...], name: str, facts: _Facts, root: _Root, above: frozenset[str]
) -> Table:
    if facts.types != ("object",) or not isinstance(facts.schema.get("properties"), dict):
        value = Column(
            ("value",), "value", _scalar(facts), _description(facts.schema), facts.nullable, True
        )
        return Table(path, name, (value,), (), scalars=bool(path))
    columns, children = _members(facts, root, (), above | facts.references, True)
    return Table(path, name, tuple(columns), tuple(children))


def _members(
    facts: _Facts, root: _Root, prefix: tuple[str, ...], above: frozenset[str], required: bool
) -> tuple[list[Column], list[Table]]:
    columns: list[Column] = []
    children: list[Table] = []
    listed = facts.schema.get("required")
    names = set(listed) if isinstance(listed, list) else set()
    for key, written in facts.schema["properties"].items():
        if not key.strip():
            continue
        path = (*prefix, key)
        inner = _facts(written, root)
        must = required and key in names
        items = _items(inner, root)
        circular = bool((items or inner).references & above)
        if not circular and inner.types == ("object",) and inner.schema.get("properties"):
            inside = above | inner.references
            more, below = _members(inner, root, path, inside, must and not inner.nullable)
            if inner.nullable:
                more = [_nullable(column) for column in more]
            columns += more
            children += below
        elif items is not None and not circular:
            children.append(_table(path, join_path(*path), items, root, above | inner.references))
        else:
            cast, description = time_cast(inner.schema, inner.types), _description(inner.schema)
            data_type = _scalar(inner) if cast is None else cast.data_type
            columns.append(
                Column(path, join_path(*path), data_type, description, inner.nullable, must, cast)
            )
    return columns, children


def _nullable(column: Column) -> Column:
    return replace(column, nullable=True, required=False)


def _items(facts: _Facts, root: _Root) -> _Facts | None:
    """Return the items of a list; None for anything else, and for items that are not described."""
    items = facts.schema.get("items")
    if facts.types != ("array",) or not isinstance(items, dict):
        return None
    if not items.keys() - {"description", "title", "$comment"}:
        return None
    return _facts(items, root)


def _scalar(facts: _Facts) -> str:
    types = set(facts.types)
    written = str(facts.schema.get("format"))
    # an API may send one decimal as text and the next as a number
    if written == "decimal" and types and types <= {"string", "number", "integer"}:
        return "decimal"
    if types == {"integer", "number"}:
        return "double"
    if len(types) != 1:
        return "json"
    only = types.pop()
    return _FORMATS.get(written, "text") if only == "string" else _TYPES.get(only, "json")


def time_cast(schema: Schema, types: Collection[str]) -> TimeCast | None:
    """Return how a schema says that a time is written, None for ISO 8601 in UTC and for no time.

    `types` are those of the value, without null.
    """
    if not types or not set(types) <= {"string", "integer", "number"}:
        return None
    time_format = schema.get("x-time-format", SCHEMA_EPOCHS.get(str(schema.get("format"))))
    zone = schema.get("x-zone")
    if time_format is None and (zone is None or schema.get("format") != "date-time"):
        return None
    return TimeCast(str(time_format or "iso"), None if zone is None else str(zone))


def _description(schema: Schema) -> str | None:
    description = schema.get("description")
    return description if isinstance(description, str) else None


_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_LARGEST = 5_000_000


@dataclass(frozen=True)
class RecordSchema:
    """A resource's `schema`, in the connector file or in a `file` that it names.

    `problem` says why there is no usable `data`, and `code` is its finding's code.
    """

    pointer: Pointer
    data: Json = None
    file: Path | None = None
    code: str | None = None
    problem: str | None = None

    @property
    def usable(self) -> Mapping[str, Json] | None:
        """Return the schema, or None if it could not be read as a mapping."""
        return self.data if self.problem is None and isinstance(self.data, dict) else None

    @cached_property
    def error(self) -> Any | None:
        """Return jsonschema's first error about the schema itself, or None."""
        try:
            error = None if self.usable is None else schema_error(self.usable)
            if self.usable is not None and error is None:
                table_of(self.usable)
        except RecursionError:
            return SchemaError("nested too deeply")
        except SchemaTooLarge as too_large:
            return SchemaError(str(too_large))
        return error

    @cached_property
    def table(self) -> Table | None:
        """Return the root table, or None if the schema declares no fields."""
        schema = self.usable if self.error is None else None
        root = None if schema is None else field_schema(schema, ())
        if schema is None or root is None or not isinstance(root.get("properties"), dict):
            return None
        return table_of(schema)


def load_schema(merged: MergedResource, location: Location) -> RecordSchema | None:
    """Return the schema that a resource declares, or None. Errors are in its `problem`."""
    written = merged.data.get("schema")
    pointer = merged.place("schema")
    if isinstance(written, dict):
        return RecordSchema(pointer, written)
    if not isinstance(written, str):
        return None
    # a path could lead out of the folder
    if not _NAME.fullmatch(written):
        problem = (
            f"found {written or 'nothing'}, expected the name of a file without folder and "
            f"extension, such as users for schemas/{location.name}/users.json"
        )
        return RecordSchema(pointer, code="schema-name", problem=problem)
    folder = schema_folder(location)
    file = folder / f"{written}.json"
    display = location.display_of(file)
    if not file.is_file():
        problem = f"found no file {display}{_near(folder, written)}"
        return RecordSchema(pointer, file=file, code="schema-missing", problem=problem)
    code = "schema-unreadable"
    try:
        raw = read_limited(file, _LARGEST)
    except LimitExceeded as error:
        return RecordSchema(pointer, None, file, code, f"{display} {error}")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return RecordSchema(pointer, None, file, code, f"{display} cannot be read: {reason}")
    try:
        return RecordSchema(pointer, json.loads(raw), file)
    except json.JSONDecodeError as error:
        problem = f"{display} is not valid JSON: {error.msg} in line {error.lineno}"
    except (UnicodeDecodeError, RecursionError):
        problem = f"{display} is not valid JSON"
    return RecordSchema(pointer, None, file, code, problem)


def _near(folder: Path, written: str) -> str:
    try:
        names = sorted(path.stem for path in folder.glob("*.json"))
    except OSError:
        names = []
    return did_you_mean(written, names) or "; write it, or write the schema itself here"
