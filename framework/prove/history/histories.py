"""Histories of an account: what happens to one list of records between runs, and during them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

ChangeKind = Literal["insert", "edit", "delete"]
When = Literal["later", "soon", "same moment", "while paging"]
"""When a change happens: well after a run, one unit of the cursor after it, in the same unit, or
after the first page of the run was served."""
NO_TIME = timedelta(0)


@dataclass(frozen=True)
class HistoryChange:
    """A record that is inserted, edited or deleted, after run `run` or while it pages.

    `record` is the number of an edited or deleted one, counted from 0 modulo all. `age` is how far
    the cursor of an inserted one lies before the change; it is negative for one that lies ahead.
    """

    kind: ChangeKind
    run: int = 1
    when: When = "later"
    record: int = 0
    age: timedelta = NO_TIME


@dataclass(frozen=True)
class History:
    """What happens to an account. `ages` are those of its records' cursors at the first run.

    `skew` is how far the API's clock is behind the run's. `parent_age` is the age of the cursor of
    the parent's record, for a list of children; with `has_newer_parent` that has a newer one.
    """

    ages: tuple[timedelta, ...]
    changes: tuple[HistoryChange, ...] = ()
    runs: int = 2
    skew: timedelta = NO_TIME
    parent_age: timedelta = NO_TIME
    has_newer_parent: bool = False
