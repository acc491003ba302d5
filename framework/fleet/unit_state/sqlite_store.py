"""The ledger of units in an SQLite file, which one process writes while others read."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import fasteners

from framework.errors import UnitLedgerError
from framework.fleet.unit_state.ledger_store import (
    DISK_FULL,
    MARKER_TABLE,
    OTHER_TABLES,
    LedgerLock,
    Row,
    Statements,
    Value,
    no_ledger,
    storable,
)

BUSY_SECONDS = 30
"""How long to wait for the transaction of another process."""


class SqliteStore:
    """A connection to the file; without `create` it must exist."""

    def __init__(self, path: Path, *, create: bool) -> None:
        self.place = str(path)
        self._path = path.absolute().resolve()
        self._guard = threading.RLock()
        if not create and not self._path.exists():
            raise no_ledger(self.place)
        with self._errors():
            self._connection = sqlite3.connect(
                f"{self._path.as_uri()}?mode={'rwc' if create else 'rw'}",
                uri=True,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                self._connection.execute("PRAGMA schema_version")  # opens the file
                self._opened = _identity(self._path)
                # a power failure may undo the latest units, and to repeat those is harmless
                self._connection.execute("PRAGMA synchronous = NORMAL")
            except sqlite3.Error:
                self._connection.close()
                raise

    @contextmanager
    def transaction(self, *, writes: bool = True) -> Iterator[Statements]:
        """Yield the statements of one transaction."""
        with self._guard, self._errors():
            cursor = self._connection.cursor()
            cursor.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
            try:
                yield _SqliteStatements(cursor)
                cursor.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk may have ended it already
                    cursor.execute("ROLLBACK")
                raise

    def has_ledger(self) -> bool:
        """Return whether the file has the tables."""
        with self.transaction(writes=False) as sql:
            names = {name for (name,) in sql.rows("SELECT name FROM sqlite_master")}
        if names and MARKER_TABLE not in names:
            raise self._error(*OTHER_TABLES)
        return bool(names)

    def create(self, statements: Sequence[str]) -> None:
        """Create the tables in an empty file."""
        with self._guard, self._errors():
            self._connection.execute("PRAGMA journal_mode = WAL")
        with self.transaction() as sql:
            if not sql.rows("SELECT name FROM sqlite_master"):
                for statement in statements:
                    sql.change(statement)

    def lock(self, wait: float) -> LedgerLock | None:
        """Lock a file beside the ledger."""
        path = f"{self._path}.lock"
        with _held_guard:
            # to the system a process that locks a file again has the lock already
            if path in _held:
                return None
            try:
                lock = fasteners.InterProcessLock(path)
                if not lock.acquire(blocking=wait > 0, delay=0.02, timeout=wait):
                    lock.lockfile.close()
                    return None
            except (OSError, RuntimeError) as error:
                raise UnitLedgerError(
                    f"the ledger of units {self.place} cannot be locked: {error}. Choose a folder "
                    "on a local disk that you may write to."
                ) from error
            _held.add(path)
            return _FileLock(lock, path, self)

    def check(self) -> None:
        """Raise UnitLedgerError if the file is not the one that was opened."""
        if _identity(self._path) != self._opened:
            raise self._error(
                "was removed or replaced while the fleet ran, and its state with it",
                "The same command plans all units again; what is loaded is not lost.",
            )

    def close(self) -> None:
        """Close the connection."""
        with self._guard:
            self._connection.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code not in _CAUSES:
                raise
            cause, remedy = _CAUSES[code]
            if code == sqlite3.SQLITE_CANTOPEN and self._path.is_dir():
                cause = "is a folder"
            elif code == sqlite3.SQLITE_CANTOPEN and not self._path.parent.is_dir():
                cause = f"cannot be created: found no folder {self._path.parent}"
            raise self._error(cause, remedy) from error

    def _error(self, cause: str, remedy: str) -> UnitLedgerError:
        return UnitLedgerError(f"the ledger of units {self.place} {cause}. {remedy}")


_held: set[str] = set()
_held_guard = threading.Lock()

_WRITABLE = "Name a file in a folder that you may write to."
_CAUSES = {
    sqlite3.SQLITE_ERROR: OTHER_TABLES,
    sqlite3.SQLITE_NOTADB: (
        "is not a ledger of units: it is a file of another kind",
        "Choose another file.",
    ),
    sqlite3.SQLITE_CORRUPT: (
        "is damaged",
        "Restore it, or remove it: then all units are planned again.",
    ),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened or created", _WRITABLE),
    sqlite3.SQLITE_READONLY: ("cannot be written: the file or its folder is read-only", _WRITABLE),
    sqlite3.SQLITE_FULL: DISK_FULL,
    sqlite3.SQLITE_IOERR: (
        "cannot be read or written: the disk refuses it",
        "Check its free space, and the limit on the size of a file (ulimit -f).",
    ),
    sqlite3.SQLITE_BUSY: (
        f"is locked: another program has been writing to it for {BUSY_SECONDS} s",
        "End that program.",
    ),
}
"""Cause and remedy by SQLite's code."""


class _SqliteStatements:
    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    def rows(self, sql: str, *values: Value) -> list[Row]:
        return self._cursor.execute(sql, [*map(storable, values)]).fetchall()

    def change(self, sql: str, *values: Value) -> int:
        return self._cursor.execute(sql, [*map(storable, values)]).rowcount

    def change_each(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        self._cursor.executemany(sql, ([*map(storable, row)] for row in rows))


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what no other file of the machine has, None without a file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class _FileLock:
    def __init__(self, lock: Any, path: str, store: SqliteStore) -> None:
        self._lock, self._path, self._store = lock, path, store

    def check(self) -> None:
        """Check that the ledger is there: only the end of the process takes its lock away."""
        self._store.check()

    def release(self) -> None:
        with _held_guard:
            self._lock.release()
            _held.discard(self._path)
