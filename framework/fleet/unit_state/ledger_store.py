"""What the ledger of units needs of its database.

Its SQL is what SQLite and PostgreSQL both understand, with `?` in the place of each value. Errors
of a driver become UnitLedgerError, whose message never contains a password.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from framework.errors import LedgerMissing

Value = str | int | float | None
Row = tuple[Any, ...]

MARKER_TABLE = "fleet_ledger"
"""The table that tells a ledger from any other database."""

OTHER_TABLES = (
    "is not a ledger of units: it has other tables",
    "Choose another place for the ledger.",
)
"""Cause and remedy of an error."""
DISK_FULL = ("cannot be written: the disk is full", "Free some space; the same command goes on.")


class Statements(Protocol):
    """The statements of one transaction."""

    def rows(self, sql: str, *values: Value) -> list[Row]:
        """Return the rows of a query."""

    def change(self, sql: str, *values: Value) -> int:
        """Execute a statement; return the number of rows that it changed."""

    def change_each(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Execute a statement once for each row of values."""


class LedgerLock(Protocol):
    """The lock that one coordinator holds. It is free once the process is gone."""

    def check(self) -> None:
        """Raise UnitLedgerError if the lock is no longer held."""

    def release(self) -> None:
        """Let another coordinator have it."""


class LedgerStore(Protocol):
    """A connection to the database. Thread-safe: one transaction at a time."""

    @property
    def place(self) -> str:
        """The database as messages name it."""

    def transaction(self, *, writes: bool = True) -> AbstractContextManager[Statements]:
        """Yield the statements of one transaction.

        One without `writes` sees the same state of the ledger throughout.
        """

    def has_ledger(self) -> bool:
        """Return whether the tables exist. Raise UnitLedgerError if others are in their place."""

    def create(self, statements: Sequence[str]) -> None:
        """Create the tables, unless another process just did."""

    def lock(self, wait: float) -> LedgerLock | None:
        """Return the lock, or None if another process still holds it after `wait` seconds."""

    def close(self) -> None:
        """Close the connection."""


def storable(value: Value) -> Value:
    """Return a value that both databases take: a text without NUL and lone surrogates."""
    if not isinstance(value, str) or (value.isascii() and "\0" not in value):
        return value
    return value.replace("\0", "").encode("utf-8", "backslashreplace").decode()


def no_ledger(place: str) -> LedgerMissing:
    """Return the error of a ledger that must exist and does not."""
    return LedgerMissing(
        f"found no ledger of units in {place}. Run the fleet first with `framework fleet run`, or "
        "name the ledger that it wrote."
    )
