"""Rows whose records the API no longer has: found after a run that read the whole list.

Such a run loads every record again. So a row that an earlier run loaded, and this one did not, is
of a record that is gone. Earlier loads are those of this connector's own runs, by the ids in the
state of the resource; rows that others wrote into the table are left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.common.schema import Schema
from dlt.destinations.job_client_impl import SqlJobClientBase

from framework.definition.model import DELETED_AT, Deletes, Resource
from framework.definition.values.naming import normalize_path
from framework.errors import DestinationError
from framework.extract.lists.whole_read import CursorBounds, WholeRead
from framework.load.declared_tables import root_table
from framework.load.destinations.target import Target
from framework.load.persistence.run_state import FULL_READ, LOADS, SourceState
from framework.load.persistence.table_rows import (
    Condition,
    count_rows,
    delete_rows,
    in_values,
    update_rows,
)
from framework.text import count_noun

Json = Any

BATCH = 200
"""Lists that one statement names."""

INCOMPLETE = frozenset(
    {
        *("ended-early", "total-changed", "total-differs", "page-repeated", "page-too-short"),
        *("link-drops-params", "keys-repeated", "errors-beside-records", "selector-no-match"),
        *("step-failed", "discarded", "all-ignored", "restart-gap"),
        "csv-footer-odd",
    }
)
"""Codes of warnings after which a list may have had more records than a run got."""

NUMBERS = ("bigint", "double", "decimal")


@dataclass(frozen=True)
class GoneRows:
    """Rows of a table whose records are gone, marked or removed.

    `problem` says why there are none: they are too many, or could not be told.
    """

    found: int = 0
    problem: str = ""


class _NotTold(Exception):
    """The rows that a run read cannot be told from others."""


def due_full_reads(selected: Iterable[Resource], state: SourceState, now: datetime) -> set[str]:
    """Return the resources that a run at `now` reads whole because of `full_read_every`."""
    due = set()
    for resource in selected:
        incremental = resource.endpoint.incremental
        if incremental is None or incremental.full_read_every is None:
            continue
        last = _time(state.resources.get(resource.name, {}).get(FULL_READ))
        if last is None or now - last >= incremental.full_read_every:
            due.add(resource.name)
    return due


def _time(written: Json) -> datetime | None:
    try:
        return datetime.fromisoformat(written).astimezone(UTC)
    except (TypeError, ValueError):
        return None


def refuse_missing_sql(target: Target, resources: Iterable[Resource]) -> None:
    """Raise DestinationError for `deletes` where tables are files."""
    names = [one.name for one in resources if one.deletes is not None]
    if names and target.profile.is_file_store:
        raise DestinationError(
            f"the {target.kind} destination cannot change rows, and {', '.join(names)} "
            f"{'has' if len(names) == 1 else 'have'} `deletes`. Use a database, or remove the key"
        )


def earlier_loads(
    pipeline: Any, resources: Iterable[Resource], state: SourceState
) -> dict[str, list[str]]:
    """Return the loads of earlier runs that rows of each resource with `deletes` are still of.

    Loads from before the state has any count too if no other pipeline loads into the dataset.
    """
    looked = [one for one in resources if one.deletes is not None]
    if not looked or not pipeline.default_schema_name:
        return {}
    schema: Schema = pipeline.default_schema
    with pipeline.destination_client() as client:
        if not isinstance(client, SqlJobClientBase):
            return {}
        found = {}
        for resource in looked:
            loads = _loads_of(client, schema, root_table(resource))
            known = state.resources.get(resource.name, {}).get(LOADS)
            if known is not None:
                loads &= set(known)
            elif loads and not _is_alone(client, pipeline.pipeline_name):
                loads = set()
            found[resource.name] = sorted(loads)
        return found


def _loads_of(client: SqlJobClientBase, schema: Schema, table: str) -> set[str]:
    """Return the loads that rows of a table are of, apart from rows that are marked."""
    sql, column = client.sql_client, client.sql_client.escape_column_name
    is_marked = DELETED_AT in schema.tables.get(table, {}).get("columns", {})
    where = f" WHERE {column(DELETED_AT)} IS NULL" if is_marked else ""
    name = sql.make_qualified_table_name(table)
    try:
        rows = sql.execute_sql(f"SELECT DISTINCT {column('_dlt_load_id')} FROM {name}{where}")
    except DestinationUndefinedEntity:
        return set()
    return {str(row[0]) for row in rows or ()}


def _is_alone(client: SqlJobClientBase, pipeline: str) -> bool:
    """Return whether only this pipeline has a state in the dataset."""
    sql, column = client.sql_client, client.sql_client.escape_column_name
    name = sql.make_qualified_table_name(client.schema.state_table_name)
    rows = sql.execute_sql(f"SELECT DISTINCT {column('pipeline_name')} FROM {name}")
    return {row[0] for row in rows or ()} <= {pipeline}


def settle_deletes(
    pipeline: Any,
    resource: Resource,
    deletes: Deletes,
    read: WholeRead,
    earlier: Collection[str],
    now: datetime,
) -> GoneRows:
    """Mark or remove the rows of `earlier` loads, of what was read, that this run did not load."""
    if not pipeline.default_schema_name:
        return GoneRows()
    schema: Schema = pipeline.default_schema
    table = root_table(resource)
    if table not in schema.tables:
        return GoneRows()
    with pipeline.destination_client() as client:
        unmarked = Condition("1 = 1")
        if DELETED_AT in schema.tables[table]["columns"]:
            unmarked = Condition(f"{client.sql_client.escape_column_name(DELETED_AT)} IS NULL")
        try:
            gone = unmarked & in_values(client, "_dlt_load_id", earlier)
            gone &= _in_bounds(client, schema.tables[table], read.bounds)
            conditions = [gone & one for one in _in_lists(client, schema.tables[table], read.lists)]
        except _NotTold as error:
            return GoneRows(problem=str(error))
        found = sum(count_rows(client, table, one) for one in conditions)
        if not found:
            return GoneRows()
        rows = count_rows(client, table, unmarked)
        if problem := _excess(found, rows, deletes):
            return GoneRows(problem=problem)
        has_transactions = client.capabilities.supports_transactions
        sql = client.sql_client
        with sql.begin_transaction() if has_transactions else nullcontext():
            for one in conditions:
                if deletes.action == "mark":
                    update_rows(client, table, DELETED_AT, now, one)
                else:
                    delete_rows(client, schema, table, one)
        return GoneRows(found)


def _excess(found: int, rows: int, deletes: Deletes) -> str:
    """Return what to say if more records are gone than the file allows, else ""."""
    if deletes.at_most is None:
        if found < rows:
            return ""
        least = 'If that is right, write `deletes: {action: ACTION, at_most: "100%"}`'
        return (
            f"the API no longer has any of {count_noun(rows, 'record')}, so no row was changed. "
            + least.replace("ACTION", deletes.action)
        )
    if found <= deletes.at_most * rows:
        return ""
    return (
        f"the API no longer has {found:,} of {count_noun(rows, 'record')}, more than `at_most: "
        f"{100 * deletes.at_most:g}%`, so no row was changed. If that is right, raise at_most"
    )


def _in_bounds(
    client: SqlJobClientBase, table: Mapping[str, Any], bounds: CursorBounds | None
) -> Condition:
    """Return the condition that a row's cursor is one that was requested."""
    whole = Condition("1 = 1")
    if bounds is None or (bounds.low is None and bounds.high is None):
        return whole
    name = normalize_path(bounds.path.replace(".", "__"))
    hint = table["columns"].get(name)
    if hint is None or hint.get("data_type") is None:
        raise _NotTold(f"the table has no column for the cursor `{bounds.path}`")
    column = client.sql_client.escape_column_name(name)
    for value, sent, sign in (
        (bounds.low, bounds.low_sent, ">=" if bounds.includes_low else ">"),
        (bounds.high, bounds.high_sent, "<=" if bounds.includes_high else "<"),
    ):
        if value is not None:
            limit = _comparable(value, sent, hint["data_type"])
            if limit is None:
                raise _NotTold(
                    f"the column of the cursor `{bounds.path}` is {hint['data_type']}, which does "
                    "not compare as the cursor does; declare its type in `columns` or a schema"
                )
            whole &= Condition(f"{column} {sign} %s", (limit,))
    return whole


def _comparable(value: Json, sent: Json, data_type: str) -> Json:
    """Return a cursor's value as one that a column of this type compares with, None if none."""
    if data_type in ("timestamp", "date"):
        moment = value if isinstance(value, datetime) else _time(value)
        return moment if data_type == "timestamp" or moment is None else moment.date()
    if data_type in NUMBERS:
        try:
            return int(sent) if data_type == "bigint" else float(sent)
        except (TypeError, ValueError):
            return None
    is_text = data_type == "text" and isinstance(value, str)
    return value if is_text else None


def _in_lists(
    client: SqlJobClientBase,
    table: Mapping[str, Any],
    lists: Collection[Mapping[str, Json]] | None,
) -> Iterator[Condition]:
    """Yield conditions that a row is of one of the lists, each row in one of them."""
    if lists is None:
        yield Condition("1 = 1")
        return
    values = [_list_values(table, one) for one in lists]
    unique = list({tuple(one.items()): one for one in values}.values())
    for begin in range(0, len(unique), BATCH):
        yield _any_of(client, unique[begin : begin + BATCH])


def _any_of(client: SqlJobClientBase, lists: list[dict[str, Json]]) -> Condition:
    column = client.sql_client.escape_column_name
    one = " AND ".join(f"{column(name)} = %s" for name in lists[0])
    values = [value for each in lists for value in each.values()]
    return Condition(f"({' OR '.join([f'({one})'] * len(lists))})", values)


def _list_values(table: Mapping[str, Any], fields: Mapping[str, Json]) -> dict[str, Json]:
    """Return the values of a list's columns, as the table stores them."""
    values: dict[str, Json] = {}
    for field, value in fields.items():
        name = normalize_path(field)
        kind = table["columns"].get(name, {}).get("data_type")
        if kind == "text" and isinstance(value, str | int) and not isinstance(value, bool):
            values[name] = str(value)
        elif kind == "bigint" and isinstance(value, int) and not isinstance(value, bool):
            values[name] = value
        else:
            raise _NotTold(
                f"the column {name}, which says which list a row is of, does not hold a text or "
                "an integer"
            )
    return values
