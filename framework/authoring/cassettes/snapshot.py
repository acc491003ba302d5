"""What a replay must give: tables, columns, types, row counts and first rows, as readable YAML.

Read out of a DuckDB file; dlt's own tables and columns are left out, values are written so that
they do not depend on the machine: times in UTC, decimals as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from framework.authoring.cassettes.cassette import read_cassette
from framework.authoring.cassettes.replayer import load_cassette, played
from framework.authoring.scaffold.file_writer import refuse_bundled, write_whole
from framework.authoring.scrub.config_values import plain
from framework.definition.model import Connector
from framework.definition.naming import normalize_identifier, normalize_path
from framework.errors import CassetteError
from framework.events import ignore_event
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.runtime.environment import StopSignal

Json = Any


FIRST = 5
"""So many rows of each table are compared field by field."""
FORMAT = 1

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
    """The tables of a dataset; `primary_keys` by table name, in the columns' own names.

    Rows come in the order of the primary key, of all columns where there is none (child tables).
    CassetteError where the file cannot be opened.
    """
    import duckdb

    try:
        connection = duckdb.connect(str(duckdb_path), read_only=True)
    except duckdb.Error as error:
        raise CassetteError(f"{duckdb_path} cannot be read: {error}") from None
    try:
        found = connection.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = ? ORDER BY table_name, ordinal_position",
            [dataset],
        ).fetchall()
        columns: dict[str, dict[str, str]] = {}
        for table, column, kind in found:
            if not table.startswith("_dlt_"):
                known = columns.setdefault(table, {})
                if not column.startswith("_dlt_"):
                    known[column] = kind
        tables = {
            name: _table(connection, dataset, name, kinds, primary_keys.get(name, ()))
            for name, kinds in columns.items()
        }
    finally:
        connection.close()
    return {"format": FORMAT, "tables": tables}


def compare(expected: Mapping[str, Json], actual: Mapping[str, Json]) -> list[str]:
    """The differences, one line each, nothing where there are none."""
    wanted, given = expected.get("tables") or {}, actual.get("tables") or {}
    lines: list[str] = []
    for name in sorted({*wanted, *given}):
        if name not in given:
            lines.append(f"table `{name}` is missing, expected {_rows(wanted[name]['rows'])}")
        elif name not in wanted:
            lines.append(f"table `{name}` is new, it has {_rows(given[name]['rows'])}")
        else:
            lines.extend(f"table `{name}`: {line}" for line in _differ(wanted[name], given[name]))
    return lines


def read_expected(path: Path, connector_name: str) -> dict[str, Json]:
    """The expected tables; CassetteError says what is wrong with the file."""
    remedy = f"write it with: framework test {connector_name} --update"
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CassetteError(f"there is no {path}; {remedy}") from None
    except IsADirectoryError:
        raise CassetteError(f"{path} is a folder, expected a file") from None
    except UnicodeDecodeError:
        raise CassetteError(f"{path} is no UTF-8 text; {remedy}") from None
    except OSError as error:
        raise CassetteError(f"{path} cannot be read: {error.strerror or error}") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise CassetteError(f"{path}: broken or cut, it is no YAML; {remedy}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT or not _well_formed(data):
        raise CassetteError(f"{path} does not hold expected tables; {remedy}")
    return data


def write_expected(path: Path, expected: Mapping[str, Json]) -> None:
    """Write the file whole or not at all; CassetteError where it cannot be written."""
    text = yaml.dump(
        plain(expected),
        Dumper=yaml.SafeDumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=100,
    )
    write_whole(path, text)


def _table(
    connection: Any, dataset: str, name: str, kinds: dict[str, str], primary_key: Sequence[str]
) -> dict[str, Json]:
    place = f"{_quoted(dataset)}.{_quoted(name)}"
    count = connection.execute(f"SELECT count(*) FROM {place}").fetchone()[0]
    key = [column for column in primary_key if column in kinds]
    described: dict[str, Json] = {"rows": count}
    if key:
        described["primary_key"] = key
    described["columns"] = {column: _type(kinds[column]) for column in sorted(kinds)}
    described["first_rows"] = []
    if not kinds:
        return described
    order = [*key, *(column for column in sorted(kinds) if column not in key)]
    selected = ", ".join(_selected(column, kinds[column]) for column in order)
    places = ", ".join(f"{number} NULLS FIRST" for number in range(1, len(order) + 1))
    rows = connection.execute(
        f"SELECT {selected} FROM {place} ORDER BY {places} LIMIT {FIRST}"
    ).fetchall()
    described["first_rows"] = [
        {column: _value(value, kinds[column]) for column, value in zip(order, row, strict=True)}
        for row in rows
    ]
    return described


def _selected(column: str, kind: str) -> str:
    # a number of microseconds needs no time zone data, here or in DuckDB
    return f"epoch_us({_quoted(column)})" if kind.startswith("TIMESTAMP") else _quoted(column)


def _type(kind: str) -> str:
    if kind.startswith("TIMESTAMP"):
        return "timestamp"
    if kind.startswith("DECIMAL"):
        return "decimal"
    return _TYPES.get(kind, kind.lower())


def _value(value: Json, kind: str) -> Json:
    if value is None:
        return None
    if kind.startswith("TIMESTAMP"):
        moment = _EPOCH + timedelta(microseconds=value)
        return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    if kind == "JSON":
        return json.loads(value)
    if isinstance(value, Decimal):
        written = f"{value:f}"
        return written.rstrip("0").rstrip(".") if "." in written else written
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    return value if isinstance(value, (bool, int, float, str)) else str(value)


def _differ(wanted: Mapping[str, Json], given: Mapping[str, Json]) -> Iterator[str]:
    for column in sorted({*wanted["columns"], *given["columns"]}):
        old, new = wanted["columns"].get(column), given["columns"].get(column)
        if new is None:
            yield f"column `{column}` ({old}) is missing"
        elif old is None:
            yield f"column `{column}` ({new}) is new"
        elif old != new:
            yield f"column `{column}`: expected type {old}, found {new}"
    if wanted["rows"] != given["rows"]:
        yield f"expected {_rows(wanted['rows'])}, found {given['rows']}"
    if wanted.get("primary_key") != given.get("primary_key"):
        yield (
            f"expected the primary key {_listed(wanted.get('primary_key'))}, "
            f"found {_listed(given.get('primary_key'))}"
        )
        return
    old_rows, new_rows = _keyed(wanted), _keyed(given)
    for label, row in old_rows.items():
        if label not in new_rows:
            yield f"{label} is missing from the first {FIRST} rows"
            continue
        other = new_rows[label]
        for column in sorted({*row, *other} & {*wanted["columns"]} & {*given["columns"]}):
            if not _equal(row.get(column), other.get(column)):
                yield (
                    f"{label}, column `{column}`: expected {_shown(row.get(column))}, "
                    f"found {_shown(other.get(column))}"
                )
    for label in new_rows:
        if label not in old_rows:
            yield f"{label} is new among the first {FIRST} rows"


def _keyed(table: Mapping[str, Json]) -> dict[str, Mapping[str, Json]]:
    """Rows by what a message calls them: their primary key, else their number."""
    key = table.get("primary_key")
    rows: dict[str, Mapping[str, Json]] = {}
    for number, row in enumerate(table["first_rows"], 1):
        label = f"row {number}"
        if key:
            label = "row " + ", ".join(f"{column}={_shown(row.get(column))}" for column in key)
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
        and isinstance(table.get("first_rows"), list)
        and all(isinstance(row, dict) for row in table["first_rows"])
        for table in tables.values()
    )


def _quoted(name: str) -> str:
    return '"' + re.sub('"', '""', name) + '"'


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _listed(names: Json) -> str:
    return ", ".join(names) if names else "(none)"


def _shown(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= 200 else text[:200] + "…"


FILE = "tested.duckdb"


@dataclass(frozen=True)
class TestResult:
    """What a test found: nothing in `problems` is a pass. `tables` and `rows` are what it saw."""

    problems: tuple[str, ...]
    tables: int = 0
    rows: int = 0


def expected_path(connector: Connector) -> Path:
    """Where the tables that the cassette must give are written down."""
    return load_cassette(connector).with_suffix(".expected.yaml")


def test_connector(connector: Connector, *, update: bool, stop: StopSignal) -> TestResult:
    """Play the cassette and compare with the expected tables, or write them.

    CassetteError where a file is missing or broken.
    """
    if update:
        refuse_bundled(connector.root, connector.name)
    cassette = read_cassette(load_cassette(connector), connector.name)
    expected = None if update else read_expected(expected_path(connector), connector.name)
    with TemporaryDirectory(prefix="framework-") as folder:
        here = Path(folder)
        playing = played(cassette, RunOptions(folder=here, pipelines=here / "dlt"), stop)
        options = replace(playing.options, file=FILE)
        report = run(connector, options, playing.environment, ignore_event)
        problems = [
            f"{part.error}" for part in report.resources.values() if part.status == "failed"
        ]
        # what a failed resource had not asked for yet depends on the moment
        unused = [] if problems else playing.adapter.unused()
        problems += [f"recorded, but never asked for: {line}" for line in unused]
        if problems:
            return TestResult(tuple(problems))
        found = snapshot(here / FILE, str(report.dataset), _primary_keys(connector))
    if expected is None:
        write_expected(expected_path(connector), found)
    else:
        problems = compare(expected, found)
    return TestResult(tuple(problems), len(found["tables"]), _rows_of(found))


test_connector.__test__ = False  # type: ignore[attr-defined]  # pytest: this is no test


def _primary_keys(connector: Connector) -> dict[str, tuple[str, ...]]:
    return {
        normalize_identifier(str(resource.hints.get("table_name") or resource.name)): tuple(
            normalize_path(name) for name in resource.primary_key
        )
        for resource in connector.resources
    }


def _rows_of(found: dict[str, Any]) -> int:
    return sum(int(table["rows"]) for table in found["tables"].values())
