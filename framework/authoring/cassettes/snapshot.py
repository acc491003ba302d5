"""The tables that a replay must load, as readable YAML, and the test that compares them.

Read from a DuckDB file without dlt's own tables and columns. Values do not depend on the machine:
times are in UTC, decimals are text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from framework.authoring.cassettes.cassette import cassette_path, read_cassette
from framework.authoring.cassettes.replayer import replay_of
from framework.authoring.scaffold.file_writer import refuse_bundled, write_text
from framework.definition.finder import expected_path
from framework.definition.model import Connector
from framework.definition.values.naming import normalize_identifier, normalize_path
from framework.definition.yaml_limits import LimitExceeded, Limits, load_limited, read_limited
from framework.errors import CassetteError
from framework.events import ignore_event
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.runtime.environment import StopSignal
from framework.text import count_noun

Json = Any

FIRST_ROWS = 5
"""How many rows of each table are compared field by field."""
FORMAT = 1
"""The version of the file of expected tables."""

_LIMITS = Limits(size=100_000_000)
_DATABASE = "tested.duckdb"
_MAX_SHOWN = 200

_TYPES = {
    "BIGINT": "bigint",
    "BLOB": "binary",
    "BOOLEAN": "bool",
    "DATE": "date",
    "DOUBLE": "double",
    "FLOAT": "double",
    "HUGEINT": "bigint",
    "INTEGER": "bigint",
    "JSON": "json",
    "SMALLINT": "bigint",
    "TIME": "time",
    "TINYINT": "bigint",
    "UUID": "text",
    "VARCHAR": "text",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def snapshot(
    duckdb_path: Path, dataset: str, primary_keys: Mapping[str, Sequence[str]]
) -> dict[str, Json]:
    """Return the tables of a dataset; `primary_keys` has column names by table name.

    Rows are sorted by the primary key, or by all columns if there is none (child tables). Raise
    CassetteError if the file cannot be opened.
    """
    import duckdb

    try:
        connection = duckdb.connect(str(duckdb_path), read_only=True)
    except duckdb.Error as error:
        raise CassetteError(f"{duckdb_path} cannot be read: {error}") from None
    try:
        rows = connection.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = ? ORDER BY table_name, ordinal_position",
            [dataset],
        ).fetchall()
        columns: dict[str, dict[str, str]] = {}
        for table, column, type_ in rows:
            if not table.startswith("_dlt_"):
                types = columns.setdefault(table, {})
                if not column.startswith("_dlt_"):
                    types[column] = type_
        tables = {
            name: _table(connection, dataset, name, types, primary_keys.get(name, ()))
            for name, types in columns.items()
        }
    finally:
        connection.close()
    return {"format": FORMAT, "tables": tables}


def compare(expected: Mapping[str, Json], actual: Mapping[str, Json]) -> list[str]:
    """Return the differences, one line each."""
    return [line for lines in compare_tables(expected, actual).values() for line in lines]


def compare_tables(
    expected: Mapping[str, Json], actual: Mapping[str, Json]
) -> dict[str, tuple[str, ...]]:
    """Return the differences of each table, also of one without any."""
    old, new = expected.get("tables") or {}, actual.get("tables") or {}
    differences: dict[str, tuple[str, ...]] = {}
    for name in sorted({*old, *new}):
        if name not in new:
            lines = [f"table `{name}` is missing, expected {_rows(old[name]['rows'])}"]
        elif name not in old:
            lines = [f"table `{name}` is new, it has {_rows(new[name]['rows'])}"]
        else:
            lines = [f"table `{name}`: {line}" for line in _table_diff(old[name], new[name])]
        differences[name] = tuple(lines)
    return differences


def read_expected(path: Path, connector_name: str) -> dict[str, Json]:
    """Return the expected tables. Raise CassetteError if the file cannot be used."""
    remedy = f"write it with: framework test {connector_name} --update"
    try:
        text = read_limited(path, _LIMITS.size).decode()
        data = load_limited(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader), _LIMITS)
    except LimitExceeded as error:
        raise CassetteError(f"{path} {error}; {remedy}") from None
    except FileNotFoundError:
        raise CassetteError(f"there is no {path}; {remedy}") from None
    except IsADirectoryError:
        raise CassetteError(f"{path} is a folder, expected a file") from None
    except UnicodeDecodeError:
        raise CassetteError(f"{path} is not UTF-8 text; {remedy}") from None
    except OSError as error:
        raise CassetteError(f"{path} cannot be read: {error.strerror or error}") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise CassetteError(f"{path}: broken or cut off, not valid YAML; {remedy}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT or not _well_formed(data):
        raise CassetteError(f"{path} does not contain expected tables; {remedy}")
    return data


def write_expected(path: Path, expected: Mapping[str, Json]) -> None:
    """Write the whole file, or nothing. Raise CassetteError if it cannot be written."""
    text = yaml.dump(
        _plain(expected),
        Dumper=yaml.SafeDumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=100,
    )
    write_text(path, text, CassetteError)


def _plain(value: Json) -> Json:
    """Copy mappings and lists, which YAML would otherwise write as references."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _table(
    connection: Any, dataset: str, name: str, types: dict[str, str], primary_key: Sequence[str]
) -> dict[str, Json]:
    source = f"{quoted_name(dataset)}.{quoted_name(name)}"
    count = connection.execute(f"SELECT count(*) FROM {source}").fetchone()[0]
    key = [column for column in primary_key if column in types]
    table: dict[str, Json] = {"rows": count}
    if key:
        table["primary_key"] = key
    table["columns"] = {column: column_type(types[column]) for column in sorted(types)}
    table["first_rows"] = []
    if not types:
        return table
    columns = [*key, *(column for column in sorted(types) if column not in key)]
    selected = ", ".join(selected_column(column, types[column]) for column in columns)
    order = ", ".join(f"{number} NULLS FIRST" for number in range(1, len(columns) + 1))
    rows = connection.execute(
        f"SELECT {selected} FROM {source} ORDER BY {order} LIMIT {FIRST_ROWS}"
    ).fetchall()
    table["first_rows"] = [
        {
            column: row_value(value, types[column])
            for column, value in zip(columns, row, strict=True)
        }
        for row in rows
    ]
    return table


def selected_column(column: str, type_: str) -> str:
    """Return a column of a DuckDB table as `row_value` takes it."""
    # microseconds need no time zone data, neither here nor in DuckDB
    return (
        f"epoch_us({quoted_name(column)})" if type_.startswith("TIMESTAMP") else quoted_name(column)
    )


def column_type(type_: str) -> str:
    """Return dlt's name of a DuckDB type."""
    if type_.startswith("TIMESTAMP"):
        return "timestamp"
    if type_.startswith("DECIMAL"):
        return "decimal"
    return _TYPES.get(type_, type_.lower())


def row_value(value: Json, type_: str) -> Json:
    """Return a value of a `selected_column` as JSON: times in UTC, decimals as text."""
    if value is None:
        return None
    if type_.startswith("TIMESTAMP"):
        moment = _EPOCH + timedelta(microseconds=value)
        return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    if type_ == "JSON":
        return json.loads(value)
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    return value if isinstance(value, (bool, int, float, str)) else str(value)


def _table_diff(old: Mapping[str, Json], new: Mapping[str, Json]) -> Iterator[str]:
    for column in sorted({*old["columns"], *new["columns"]}):
        before, after = old["columns"].get(column), new["columns"].get(column)
        if after is None:
            yield f"column `{column}` ({before}) is missing"
        elif before is None:
            yield f"column `{column}` ({after}) is new"
        elif before != after:
            yield f"column `{column}`: expected type {before}, found {after}"
    if old["rows"] != new["rows"]:
        yield f"expected {_rows(old['rows'])}, found {new['rows']}"
    if old.get("primary_key") != new.get("primary_key"):
        keys = (", ".join(table.get("primary_key") or ["(none)"]) for table in (old, new))
        yield "expected the primary key {}, found {}".format(*keys)
        return
    old_rows, new_rows = _rows_by_label(old), _rows_by_label(new)
    for label, row in old_rows.items():
        if label not in new_rows:
            yield f"{label} is missing from the first {FIRST_ROWS} rows"
            continue
        other = new_rows[label]
        for column in sorted({*row, *other} & {*old["columns"]} & {*new["columns"]}):
            if not _equal(row.get(column), other.get(column)):
                yield (
                    f"{label}, column `{column}`: expected {_short(row.get(column))}, "
                    f"found {_short(other.get(column))}"
                )
    for label in new_rows:
        if label not in old_rows:
            yield f"{label} is new among the first {FIRST_ROWS} rows"


def _rows_by_label(table: Mapping[str, Json]) -> dict[str, Mapping[str, Json]]:
    """Return rows by their name in messages: the primary key, else the number."""
    key = table.get("primary_key")
    rows: dict[str, Mapping[str, Json]] = {}
    for number, row in enumerate(table["first_rows"], 1):
        label = f"row {number}"
        if key:
            label = "row " + ", ".join(f"{column}={_short(row.get(column))}" for column in key)
        rows[f"{label} (again)" if label in rows else label] = row
    return rows


def _equal(one: Json, other: Json) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def _well_formed(data: Mapping[str, Json]) -> bool:
    tables = data.get("tables")
    return isinstance(tables, dict) and all(
        isinstance(table, dict)
        and isinstance(table.get("rows"), int)
        and isinstance(table.get("columns"), dict)
        and _are_texts([*table["columns"], *table["columns"].values()])
        and _are_texts(table.get("primary_key") or [])
        and isinstance(table.get("first_rows"), list)
        and all(isinstance(row, dict) and _is_json(row) for row in table["first_rows"])
        for table in tables.values()
    )


def _are_texts(values: Json) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _is_json(row: Mapping[Json, Json]) -> bool:
    try:
        json.dumps(row, sort_keys=True)
    except (TypeError, ValueError):
        return False
    return _are_texts([*row])


def quoted_name(name: str) -> str:
    """Return a name as SQL has it."""
    return '"' + re.sub('"', '""', name) + '"'


def _rows(count: int) -> str:
    return count_noun(count, "row")


def _short(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"


@dataclass(frozen=True)
class TestResult:
    """The outcome of a test; it passed if there are no `problems`.

    `replay` are the problems of the replay itself, after which no table is compared, and
    `differences` those of each table.
    """

    replay: tuple[str, ...] = ()
    differences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rows: int = 0

    @property
    def problems(self) -> tuple[str, ...]:
        """All that is wrong, one text each."""
        return (*self.replay, *(line for lines in self.differences.values() for line in lines))


def test_connector(connector: Connector, *, update: bool, stop: StopSignal) -> TestResult:
    """Replay the cassette and compare with the expected tables, or with `update` write them.

    Raise CassetteError if a file is missing or broken.
    """
    if update:
        refuse_bundled(connector.root, connector.name)
    cassette = read_cassette(cassette_path(connector), connector.name)
    expected = None if update else read_expected(expected_path(connector), connector.name)
    with TemporaryDirectory(prefix="framework-") as name:
        folder = Path(name)
        replay = replay_of(cassette, RunOptions(folder=folder, pipelines=folder / "dlt"), stop)
        report = run(
            connector, replace(replay.options, file=_DATABASE), replay.environment, ignore_event
        )
        problems = [
            f"{part.error}" for part in report.resources.values() if part.status == "failed"
        ]
        # which requests were under way when a resource failed, or reached the limit of the
        # recording, depends on timing
        unused = [] if problems or cassette.limit else replay.adapter.unused()
        problems += [f"recorded, but never requested: {line}" for line in unused]
        if problems:
            return TestResult(tuple(problems))
        actual = snapshot(folder / _DATABASE, str(report.dataset), primary_keys(connector))
    if expected is None:
        write_expected(expected_path(connector), actual)
    differences = compare_tables(actual if expected is None else expected, actual)
    rows = sum(int(table["rows"]) for table in actual["tables"].values())
    return TestResult((), differences, rows)


test_connector.__test__ = False  # type: ignore[attr-defined]  # not a pytest test


def primary_keys(connector: Connector) -> dict[str, tuple[str, ...]]:
    """Return the columns of each table's primary key, by table."""
    return {
        normalize_identifier(str(resource.hints.get("table_name") or resource.name)): tuple(
            normalize_path(name) for name in resource.primary_key
        )
        for resource in connector.resources
    }
