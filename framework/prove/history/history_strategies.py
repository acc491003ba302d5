"""Strategies of hypothesis that draw histories of an account: one for each kind of change.

They are given the account and the most runs of a history.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from framework.definition.values.durations import DurationError
from framework.extract.incremental.windows import split
from framework.prove.history.account import PlayedAccount
from framework.prove.history.histories import NO_TIME, ChangeKind, History, HistoryChange, When

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

FEW = 4
"""Most records at the first run."""
MOST_SKEW = timedelta(seconds=90)


def _ages(account: PlayedAccount, least: int = 1, most: int = FEW) -> SearchStrategy[Any]:
    """Draw the ages of the records at the first run, the oldest first."""
    from hypothesis import strategies as st

    if account.target.is_single:
        least = most = 1
    steps = st.lists(st.integers(0, 6), min_size=least, max_size=most)
    if account.target.fields.has_key_of_cursor:
        steps = st.lists(st.integers(0, 6), min_size=least, max_size=most, unique=True)
    return steps.map(lambda many: tuple(n * account.spacing for n in sorted(many, reverse=True)))


def _changes(
    kinds: Sequence[ChangeKind],
    whens: Sequence[When] = ("later",),
    runs: int = 2,
    ages: Sequence[timedelta] = (NO_TIME,),
    most: int = 2,
) -> SearchStrategy[Any]:
    """Draw changes in the order of the runs that they follow."""
    from hypothesis import strategies as st

    change = st.builds(
        HistoryChange,
        kind=st.sampled_from(list(kinds)),
        run=st.integers(1, max(runs - 1, 1)),
        when=st.sampled_from(list(whens)),
        record=st.integers(0, 3),
        age=st.sampled_from(list(ages)),
    )
    many = st.lists(change, min_size=1, max_size=most)
    return many.map(lambda found: tuple(sorted(found, key=lambda one: one.run)))


def _histories(
    account: PlayedAccount, ages: Any, changes: Any, runs: int, **others: Any
) -> SearchStrategy[History]:
    """Draw histories; the number of runs is the least that the changes need, or one more.

    A parent that is read by a range has a newer record, or none.
    """
    from hypothesis import strategies as st

    def made(ages: Any, changes: Any, **more: Any) -> History:
        last = max((one.run for one in changes), default=1)
        return History(ages, changes, min(max(last + 1, 2), runs), **more)

    if account.has_newer_parents:
        others.setdefault("has_newer_parent", st.booleans())
    return st.builds(made, ages, changes, **others)


def unchanged(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    """Draw an account in which nothing changes."""
    from hypothesis import strategies as st

    return _histories(account, _old_and_new(account, _ages(account)), st.just(()), runs)


def new_records(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    """Draw records that are added."""
    return _histories(account, _ages(account, 0), _changes(["insert"], runs=runs), runs)


def edits(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    """Draw edits, with records that are added beside them."""
    kinds: list[ChangeKind] = ["edit"] if account.target.is_single else ["edit", "insert"]
    return _histories(account, _ages(account, _least(account)), _changes(kinds, runs=runs), runs)


def _least(account: PlayedAccount) -> int:
    """Return how many records a list needs: two pages, if reading may stop after the first."""
    spec = account.target.own_incremental
    return 3 if spec is not None and spec.arguments.get("row_order") else 1


def older_edits(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    """Draw edits of records that no later run reads again."""
    from hypothesis import strategies as st

    kinds, bounded = account.kinds_beyond_lag, account.bounded
    lag = max((one.lag for one in bounded), default=NO_TIME)
    old = st.sampled_from([lag * 1.5 + account.gap, lag * 2.5 + account.gap])
    changes = _changes(kinds, runs=runs, most=1)
    if account.target in bounded:  # the newest record is read again by any lag
        newest = st.sampled_from([(), (NO_TIME,)])
        many = st.lists(old, min_size=1, max_size=2)
        ages = st.builds(lambda many, newest: (*many, *newest), many, newest)
        return _histories(account, ages, changes, runs)
    return _histories(account, _ages(account), changes, runs, parent_age=old)


def ties(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    """Draw changes in the very unit of the cursor in which the last run began."""
    from hypothesis import strategies as st

    at_run = st.integers(1, 2).map(lambda count: (-account.spacing,) * count)
    changes = _changes(["insert", "edit"], ["same moment"], runs=runs, most=2)
    return _histories(account, at_run, changes, runs)


def late_records(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    """Draw records that appear after their cursor, at most by the API's delay."""
    most = account.target.traits.late - 2 * account.unit
    ages = [most, most / 2]
    if account.governing is not None and account.governing.form is not None:
        ages = [account.governing.form.floor(account.zero) - account.zero + one for one in ages]
    changes = _changes(["insert"], ["soon"], runs=runs, ages=ages)
    return _histories(account, _ages(account), changes, runs)


def future_records(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    """Draw records whose cursor lies ahead of the run."""
    from hypothesis import strategies as st

    spec = account.target.own_incremental
    most = account.target.traits.ahead
    if spec is not None and spec.lookahead:
        begin = account.start_of(1)
        most = min(most, spec.lookahead.after(begin) - begin - 2 * account.unit)
    first = st.lists(st.sampled_from([-most, -most / 2]), max_size=2).map(tuple)
    changes = _changes(["insert"], runs=runs, ages=[NO_TIME, -most / 10, -most])
    return _histories(account, first, changes, runs)


def deletes(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    """Draw one deletion."""
    return _histories(account, _ages(account), _changes(["delete"], runs=runs, most=1), runs)


def page_drift(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    """Draw changes between two pages; the last run is quiet."""
    changes = _changes(
        ["delete", "insert", "edit"], ["while paging"], runs=max(runs - 1, 1), most=2
    )
    return _histories(account, _old_and_new(account, _ages(account, 3, FEW + 1)), changes, runs)


def _old_and_new(account: PlayedAccount, ages: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Draw ages of which some are older than what later runs read again; the last one is not."""
    from hypothesis import strategies as st

    lag = account.lag
    if account.target.own_incremental is None or not lag:
        return ages
    older = st.sampled_from([NO_TIME, 2 * lag])
    return st.builds(lambda many, by: (*(one + by for one in many[:-1]), *many[-1:]), ages, older)


def clock_skew(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    """Draw changes at an API whose clock differs."""
    from hypothesis import strategies as st

    skew = st.sampled_from([MOST_SKEW, MOST_SKEW / 9, -MOST_SKEW])
    changes = _changes(["insert", "edit"], ["soon", "later"], runs=runs)
    return _histories(account, _ages(account), changes, runs, skew=skew)


def window_ends(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    """Draw records at the ends of windows of the first run, and a unit around them."""
    from hypothesis import strategies as st

    first, unit = account.start_of(1), account.unit
    around = [
        first - account.spacing - (end + by)
        for end in _ends(account, first)
        for by in (NO_TIME, -unit, unit)
    ]
    ages = st.lists(st.sampled_from(around or [NO_TIME]), min_size=1, max_size=3)
    return _histories(account, ages.map(tuple), st.just(()), runs)


def _ends(account: PlayedAccount, start: datetime) -> list[datetime]:
    """Return the ends of the last windows of the first run that lie well before its start."""
    spec = account.target.own_incremental
    if spec is None or not spec.step:
        return []
    initial = account.target.begin
    if initial is None or initial >= start:
        return []
    try:
        every = [end for _, end, _ in split(initial, start, spec.step, spec.granularity)]
    except DurationError:
        return []
    return [end for end in every if end < start - account.gap][-2:]


def mixed_changes(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    """Draw edits and added records of a list of several pages."""
    changes = _changes(["edit", "insert"], runs=runs, most=2)
    return _histories(account, _ages(account, 3), changes, runs)
