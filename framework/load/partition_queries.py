"""Values of partitions from SQL queries on a destination, which are only read.

A query is one SELECT. DuckDB and PostgreSQL refuse to write by themselves, too: the file is opened
read-only, and the transaction is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from framework.definition.model import Connector, Partition
from framework.definition.values.datetimes import write_time
from framework.errors import CassetteError, DestinationError, FrameworkError, RecordError, chain
from framework.extract.lists.partitions import MAX_VALUES, partition_place
from framework.load.destinations.profiles import build_destination
from framework.load.destinations.target import Target, target_of
from framework.load.dlt_errors import destination_error
from framework.load.run_options import RunOptions
from framework.runtime.environment import QueryValues
from framework.text import count_noun, join_words

Json = Any
SCHEMA = "partition_query"
"""The name of the empty schema that dlt's client is opened with."""


def target_query(target: Target) -> QueryValues:
    """Return what reads values from the place that a run loads to."""

    def query(name: str, sql: str) -> Sequence[Json]:
        place = partition_place(*name.split("."))
        if target.profile.is_file_store:
            raise RecordError(
                f"{place}: found the destination {target.kind}, which has no SQL, expected one "
                "that has; use `values` or a `file`"
            )
        # of its own: the run's must not become read-only
        destination = build_destination(target.name, target.file)
        with target.turn:
            return _values(destination, target.dataset, sql, place, str(target))

    return query


def query_of(connector: Connector, options: RunOptions) -> QueryValues:
    """Return what reads values from the place that a run with these options would load to."""
    return lambda name, sql: target_query(target_of(connector, options))(name, sql)


def current_query(name: str, sql: str) -> Sequence[Json]:
    """Return the values that the destination of dlt's current pipeline gives.

    It is for sources that run in a pipeline of the user's own.
    """
    import dlt

    pipeline = dlt.current.pipeline()
    place = partition_place(*name.split("."))
    dataset = str(pipeline.dataset_name)
    return _values(pipeline.destination, dataset, sql, place, f"the dataset {dataset}")


def read_before(query: QueryValues, partitions: Iterable[tuple[str, Partition]]) -> QueryValues:
    """Return what has the values of these partitions, read now; an error is that of its partition.

    A run connects before it extracts: later a package may be under way.
    """
    found: dict[str, Sequence[Json] | FrameworkError] = {}
    for resource, partition in partitions:
        if partition.kind != "query":
            continue
        name = f"{resource}.{partition.name}"
        try:
            found[name] = query(name, str(partition.argument))
        except (CassetteError, DestinationError, RecordError) as error:
            found[name] = error

    def values(name: str, _: str) -> Sequence[Json]:
        result = found[name]
        if isinstance(result, FrameworkError):
            raise result
        return result

    return values


def _values(destination: Any, dataset: str, sql: str, place: str, where: str) -> list[Json]:
    import dlt
    from dlt.destinations.exceptions import DatabaseUndefinedRelation

    kind = destination.destination_name or "the destination"
    try:
        client: Any = dlt.dataset(destination, dataset, schema=dlt.Schema(SCHEMA)).sql_client
        _refuse_other_statements(sql, client.capabilities.sqlglot_dialect, place)
        _refuse_missing_file(client, place, where)
        with _read_only(client), client.execute_query(sql) as cursor:
            columns = [column[0] for column in cursor.description]
            if len(columns) != 1:
                raise RecordError(
                    f"{place}: the query has {count_noun(len(columns), 'column')}, expected one"
                )
            rows = cursor.fetchmany(MAX_VALUES + 1)
    except FrameworkError:
        raise
    except DatabaseUndefinedRelation as error:
        found = str([*chain(error)][-1]).splitlines()[0].rstrip("!. ")
        raise DestinationError(
            f"{place}: cannot query {where}: {found}. Load the table first; that of another "
            "connector is DATASET.TABLE"
        ) from error
    except Exception as error:
        action = f"{place}: cannot query {where}"
        raise destination_error(error, action, kind, quotes_rows=True) from error
    return [_json(row[0], place) for row in rows if row[0] is not None]


@contextmanager
def _read_only(client: Any) -> Iterator[None]:
    """Open a client for one statement, which cannot write if the database can see to it."""
    from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient
    from dlt.destinations.impl.postgres.sql_client import Psycopg2SqlClient

    if isinstance(client, DuckDbSqlClient) and _is_file(client):
        client.credentials.read_only = True
        with client:
            # a connector file from elsewhere must not read this machine's files
            client.execute_sql("SET enable_external_access = false")
            yield
    elif isinstance(client, Psycopg2SqlClient):
        with client, client.begin_transaction():
            client.execute_sql("SET TRANSACTION READ ONLY")
            yield
    else:
        with client:
            yield


def _is_file(client: Any) -> bool:
    from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

    return isinstance(client.credentials, DuckDbCredentials)


def _refuse_missing_file(client: Any, place: str, where: str) -> None:
    """Raise DestinationError for a DuckDB file that no run has created."""
    credentials = getattr(client, "credentials", None)
    path = getattr(credentials, "database", None) if _is_file(client) else None
    if isinstance(path, str) and not path.startswith((":", "md:")) and not Path(path).exists():
        raise DestinationError(
            f"{place}: cannot query {where}, because there is no such file. Load the table first"
        )


def _refuse_other_statements(sql: str, dialect: str | None, place: str) -> None:
    """Raise RecordError unless the text is one SELECT, which changes nothing at any depth."""
    import sqlglot
    from sqlglot import expressions

    try:
        found = [one for one in sqlglot.parse(sql, dialect=dialect) if one is not None]
    except sqlglot.errors.SqlglotError:
        raise RecordError(f"{place}: the query is not valid SQL, expected one SELECT") from None
    changing = (expressions.DDL, expressions.DML, expressions.Into, expressions.Command)
    if len(found) == 1 and isinstance(found[0], expressions.Query):
        change = found[0].find(*changing)
        if change is None:
            return
        found = [change]
    names = join_words(one.key.upper() for one in found)
    raise RecordError(f"{place}: found {names or 'nothing'} in the query, expected one SELECT")


def _json(value: Any, place: str) -> Json:
    """Return a column's value as JSON: decimals and ids as text, times as ISO 8601."""
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else f"{value:f}"
    if isinstance(value, datetime):
        return write_time(value if value.tzinfo else value.replace(tzinfo=UTC), "iso")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise RecordError(
        f"{place}: found a value of type {type(value).__name__}, expected text, a number or a "
        "time; cast it in the query"
    )
