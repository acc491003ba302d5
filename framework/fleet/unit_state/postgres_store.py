"""The ledger of units in PostgreSQL, through psycopg2, which is imported when it is used."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from framework.errors import UnitLedgerError
from framework.fleet.unit_state.ledger_store import (
    DISK_FULL,
    MARKER_TABLE,
    OTHER_TABLES,
    LedgerLock,
    Row,
    Statements,
    Value,
    storable,
)
from framework.text import shorten

LOCK_CLASS = 0x466C7474
"""First half of the keys of advisory locks; the second is the ledger's own."""
HAS_LEDGER = f"SELECT 1 FROM pg_class WHERE relname = '{MARKER_TABLE}' AND pg_table_is_visible(oid)"
ROWS_PER_STATEMENT = 1000

KEEPALIVES = {"idle": 10, "interval": 5, "count": 3}
"""Seconds and probes: a machine that vanished loses the lock after 25 s, by default after 2 h."""


class PostgresStore:
    """A connection to the database of a URL; tables are in the first schema of its search path."""

    def __init__(self, url: str) -> None:
        self._settings = _settings(url)
        at = self._settings
        self.place = (
            f"PostgreSQL on {at.get('host', 'localhost')}, database "
            f"{at.get('dbname') or at.get('user', 'of the login')}"
        )
        self._guard = threading.RLock()
        self._connection = self._connect()

    @contextmanager
    def transaction(self, *, writes: bool = True) -> Iterator[Statements]:
        """Yield the statements of one transaction."""
        begin = "BEGIN" if writes else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        with self._guard, self._errors(), self._connection.cursor() as cursor:
            cursor.execute(begin)
            try:
                yield _PostgresStatements(cursor)
                cursor.execute("COMMIT")
            except BaseException:
                with suppress(Exception):  # the connection may be the trouble
                    cursor.execute("ROLLBACK")
                raise

    def has_ledger(self) -> bool:
        """Return whether a schema of the search path has the tables."""
        with self.transaction(writes=False) as sql:
            return bool(sql.rows(HAS_LEDGER))

    def create(self, statements: Sequence[str]) -> None:
        """Create the tables in the first schema of the search path."""
        with self.transaction() as sql:
            # of two that create a table at once, one fails even with IF NOT EXISTS
            sql.rows("SELECT pg_advisory_xact_lock(?, 0)", LOCK_CLASS)
            if not sql.rows(HAS_LEDGER):
                for statement in statements:
                    sql.change(statement)

    def lock(self, wait: float) -> LedgerLock | None:
        """Take an advisory lock on a connection of its own."""
        from psycopg2.errors import LockNotAvailable  # type: ignore[import-untyped]

        connection = self._connect()
        try:
            with self._errors(), connection.cursor() as cursor:
                for name, value in KEEPALIVES.items():
                    cursor.execute(f"SET tcp_keepalives_{name} = {value}")
                cursor.execute(f"SET lock_timeout = {max(1, round(wait * 1000))}")
                key = f"'{MARKER_TABLE}'::regclass::oid::int"
                cursor.execute(f"SELECT pg_advisory_lock({LOCK_CLASS}, {key})")
        except UnitLedgerError as error:
            connection.close()
            if isinstance(error.__cause__, LockNotAvailable):
                return None
            raise
        return _AdvisoryLock(self, connection)

    def close(self) -> None:
        """Close the connection."""
        with self._guard:
            self._connection.close()

    def _connect(self) -> Any:
        import psycopg2  # type: ignore[import-untyped]

        with self._errors():
            connection = psycopg2.connect(**self._settings)
            connection.autocommit = True
            return connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        import psycopg2

        try:
            yield
        except psycopg2.Error as error:
            if error.pgcode in _CAUSES:
                cause, remedy = _CAUSES[error.pgcode]
            elif isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError)):
                cause, remedy = _UNREACHABLE
            else:
                raise
            # the lines after the first may quote a row
            said = shorten(str(error).partition("\n")[0], 300)
            cause = cause.replace("SAID", said)
            raise UnitLedgerError(
                f"the ledger of units in {self.place} {cause}. {remedy}"
            ) from error


_CAUSES = {
    "53100": DISK_FULL,
    "42501": (
        "cannot be created or written: SAID",
        "Grant this login CREATE on the schema, or end the URL with "
        "?options=-csearch_path%3DSCHEMA.",
    ),
    "3F000": (
        "cannot be created: found no schema of the search path",
        "Create the schema that the URL or the login names.",
    ),
    "25006": (
        "cannot be written: the server is read-only",
        "Name the server that takes writes.",
    ),
    "42P01": OTHER_TABLES,
    "42P07": OTHER_TABLES,
    "42703": OTHER_TABLES,
}
"""Cause and remedy by PostgreSQL's code."""

_UNREACHABLE = (
    "cannot be reached: SAID",
    "Check the URL, the login and the server; the same command goes on.",
)

_SCHEMES = ("postgresql", "postgres")
_INSERTED = re.compile(r"(?<=VALUES )\(.*?\)")
_UNQUOTED = re.compile(r"[@/?#\[\]]")


def _settings(url: str) -> Mapping[str, Any]:
    """Return libpq's parameters of a URL. No message quotes the URL, which has a password."""
    scheme, _, rest = url.partition("://")
    if scheme not in _SCHEMES:
        raise UnitLedgerError(
            "the ledger of units cannot be opened: found a URL of another kind, expected "
            "postgresql://USER@HOST/DATABASE or the path of an SQLite file"
        )
    try:
        from psycopg2 import ProgrammingError
        from psycopg2.extensions import parse_dsn  # type: ignore[import-untyped]
    except ImportError:
        raise UnitLedgerError(
            "the ledger of units in PostgreSQL needs the package psycopg2, which is not "
            "installed; run pip install 'dlt[postgres]'"
        ) from None
    # libpq would take what follows such a character for a host, and name it
    if _UNQUOTED.search(rest.rpartition("@")[0]):
        raise UnitLedgerError(
            "the URL of the ledger of units is not valid: its user or password has one of "
            "@ / ? # [ ]; write them as %40 %2F %3F %23 %5B %5D"
        )
    found = None
    with suppress(ProgrammingError):  # its message may quote the password
        found = parse_dsn(url)
    if found is None:
        raise UnitLedgerError(
            "the URL of the ledger of units is not valid; expected "
            "postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with a % in a password as %25"
        )
    return {"connect_timeout": 10, "application_name": "framework fleet", **found}


class _PostgresStatements:
    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def rows(self, sql: str, *values: Value) -> list[Row]:
        self._cursor.execute(sql.replace("?", "%s"), [*map(storable, values)])
        return list(self._cursor.fetchall())

    def change(self, sql: str, *values: Value) -> int:
        self._cursor.execute(sql.replace("?", "%s"), [*map(storable, values)])
        return int(self._cursor.rowcount)

    def change_each(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        from psycopg2.extras import execute_batch, execute_values  # type: ignore[import-untyped]

        values = ([*map(storable, row)] for row in rows)
        text = sql.replace("?", "%s")
        inserted = _INSERTED.search(text)
        if inserted is None:
            execute_batch(self._cursor, text, values, ROWS_PER_STATEMENT)
            return
        # one statement of many rows takes a third of the time
        one = text.replace(inserted[0], "%s", 1)
        execute_values(self._cursor, one, values, inserted[0], ROWS_PER_STATEMENT)


class _AdvisoryLock:
    def __init__(self, store: PostgresStore, connection: Any) -> None:
        self._store, self._connection = store, connection

    def check(self) -> None:
        with self._store._errors(), self._connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    def release(self) -> None:
        # the server notices a closed connection later: another coordinator need not wait for that
        with suppress(Exception), self._connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
        self._connection.close()
