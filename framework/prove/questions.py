"""The questions of a proof: what may happen to an account, and what is wrong if rows are lost then.

Each question draws histories of one kind. A new one is one entry of `QUESTIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from framework.definition.model import Incremental
from framework.definition.values.datetimes import TimeError, read_time, same_format
from framework.definition.values.durations import DurationError
from framework.extract.incremental.windows import split
from framework.prove.history.account import Played, PlayedAccount
from framework.prove.history.api_traits import ApiTraits, names_of_bound, nature_of
from framework.prove.history.histories import NO_TIME, ChangeKind, History, HistoryChange, When
from framework.prove.plays.memory_tables import Trouble

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Severity = Literal["fault", "assumption", "limit"]
"""A fault breaks the promise. An assumption does if the API is not as the file needs it. A limit is
one that the file declares, or that every file of its kind has."""
Json = Any
ROWS: frozenset[Trouble] = frozenset(("lost", "stale", "doubled"))
FEW = 4
"""Most records at the first run."""
MOST_SKEW = timedelta(seconds=90)


@dataclass(frozen=True)
class Question:
    """One kind of history.

    `severity` returns how severe a loss is, None if the question does not apply to the account.
    `histories` returns the strategy. `troubles` are those that count. `varied` returns the API's
    traits that differ, None for the usual ones.
    """

    code: str
    title: str
    severity: Callable[[PlayedAccount], Severity | None]
    histories: Callable[[PlayedAccount, int], SearchStrategy[History]]
    troubles: frozenset[Trouble] = ROWS
    varied: Callable[[PlayedAccount], ApiTraits | None] = lambda _: None


def own_incremental(account: PlayedAccount) -> Incremental | None:
    """Return the incremental of a list whose cursor is known, else None."""
    target = account.target
    is_list = target.is_ranged and not is_single(account)
    return target.route.plan.endpoint.incremental if is_list else None


def governing_lag(account: PlayedAccount) -> timedelta:
    """Return how far each run reads back, of the cursor that decides what is read."""
    one = account.governing
    spec = None if one is None else one.resource.endpoint.incremental
    if spec is None or not spec.lag:
        return NO_TIME
    if isinstance(spec.lag, timedelta):
        return abs(spec.lag)
    is_day = one is not None and one.form is not None and one.form.is_day
    return abs(spec.lag) * timedelta(days=1 if is_day else 0, seconds=0 if is_day else 1)


def nature(account: PlayedAccount) -> str | None:
    """Return what the governing cursor tells, or the field that is asked for; None without one."""
    one = account.governing
    if one is None:
        return None
    return one.traits.nature if one.fields.filtered is None else nature_of(one.fields.filtered[-1])


def is_single(account: PlayedAccount) -> bool:
    """Whether the resource is one object, not a list."""
    pager = account.api.pagers[account.name, "list"]
    return pager.envelope.is_object


def _keeps(account: PlayedAccount) -> bool:
    return nature(account) in ("created", "event")


def _is_log(account: PlayedAccount) -> bool:
    """Whether rows stay as first read: inserted only, or appended by a cursor that edits leave."""
    resource = account.target.resource
    if resource.merge_strategy == "insert-only":
        return True
    return resource.write_disposition == "append" and _keeps(account)


# -- which questions apply, and how severe a loss is ---------------------------------------------


def _always(_: PlayedAccount) -> Severity | None:
    return "fault"


def _of_lists(account: PlayedAccount) -> Severity | None:
    return None if is_single(account) else "fault"


def _of_edits(account: PlayedAccount) -> Severity | None:
    if account.target.fields.text is None and nature(account) != "modified":
        return None
    return "limit" if _is_log(account) else "fault"


def _of_older_edits(account: PlayedAccount) -> Severity | None:
    is_bounded = _keeps(account) and governing_lag(account) > NO_TIME and not _is_log(account)
    return "limit" if is_bounded and account.target.fields.text is not None else None


def _of_deletes(account: PlayedAccount) -> Severity | None:
    return None if is_single(account) else "limit"


def _of_ties(account: PlayedAccount) -> Severity | None:
    if own_incremental(account) is None or account.target.fields.has_key_of_cursor:
        return None
    return "fault"


def _of_exclusive_start(account: PlayedAccount) -> Severity | None:
    spec, endpoint = own_incremental(account), account.target.resource.endpoint
    is_sent = spec is not None and bool(names_of_bound(endpoint, "start"))
    is_open = "start" not in account.target.traits.stated
    return "assumption" if is_sent and is_open and _of_ties(account) else None


def _of_late(account: PlayedAccount) -> Severity | None:
    is_late = account.target.traits.late > 2 * account.unit
    return "fault" if own_incremental(account) and is_late else None


def _of_future(account: PlayedAccount) -> Severity | None:
    return "fault" if own_incremental(account) and account.target.traits.ahead else None


def _of_drift(account: PlayedAccount) -> Severity | None:
    paginator = account.target.route.paginator
    if is_single(account) or paginator is None or paginator.is_single_page:
        return None
    return "fault"


def _of_skew(account: PlayedAccount) -> Severity | None:
    spec = own_incremental(account)
    by_clock = spec is not None and (spec.watermark == "run_start" or spec.cap_at_run_start)
    return "fault" if by_clock and nature(account) != "event" else None


def _of_windows(account: PlayedAccount) -> Severity | None:
    spec, endpoint = own_incremental(account), account.target.resource.endpoint
    is_sent = bool(names_of_bound(endpoint, "end"))
    return "fault" if spec is not None and spec.step and is_sent else None


def _of_exclusive_end(account: PlayedAccount) -> Severity | None:
    is_open = "end" not in account.target.traits.stated
    return "assumption" if is_open and _of_windows(account) else None


def _of_order(account: PlayedAccount) -> Severity | None:
    spec = own_incremental(account)
    is_open = "order" not in account.target.traits.stated
    return "assumption" if spec and spec.arguments.get("row_order") and is_open else None


# -- the histories -----------------------------------------------------------------------------


def _ages(account: PlayedAccount, least: int = 1, most: int = FEW) -> SearchStrategy[Any]:
    """Draw the ages of the records at the first run, the oldest first."""
    from hypothesis import strategies as st

    if is_single(account):
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


def _histories(ages: Any, changes: Any, runs: int, **others: Any) -> SearchStrategy[History]:
    """Draw histories; the number of runs is the least that the changes need, or one more."""
    from hypothesis import strategies as st

    def made(ages: Any, changes: Any, **more: Any) -> History:
        last = max((one.run for one in changes), default=1)
        return History(ages, changes, min(max(last + 1, 2), runs), **more)

    return st.builds(made, ages, changes, **others)


def _unchanged(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    from hypothesis import strategies as st

    return _histories(_old_and_new(account, _ages(account)), st.just(()), runs)


def _new_records(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    return _histories(_ages(account, 0), _changes(["insert"], runs=runs), runs)


def _edits(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    kinds: list[ChangeKind] = ["edit"] if is_single(account) else ["edit", "insert"]
    return _histories(_ages(account, _least(account)), _changes(kinds, runs=runs), runs)


def _least(account: PlayedAccount) -> int:
    """Return how many records a list needs: two pages, if reading may stop after the first."""
    spec = own_incremental(account)
    return 3 if spec is not None and spec.arguments.get("row_order") else 1


def _older_edits(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    from hypothesis import strategies as st

    lag = governing_lag(account)
    old = st.sampled_from([lag * 1.5 + account.gap, lag * 2.5 + account.gap])
    changes = _changes(["edit"], runs=runs, most=1)
    if account.governing is account.target:
        return _histories(st.lists(old, min_size=1, max_size=2).map(tuple), changes, runs)
    return _histories(_ages(account), changes, runs, parent_age=old)


def _ties(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    """Draw changes in the very unit of the cursor in which the last run began."""
    from hypothesis import strategies as st

    at_run = st.integers(1, 2).map(lambda count: (-account.spacing,) * count)
    changes = _changes(["insert", "edit"], ["same moment"], runs=runs, most=2)
    return _histories(at_run, changes, runs)


def _late(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    most = account.target.traits.late - 2 * account.unit
    ages = [most, most / 2]
    if account.governing is not None and account.governing.form is not None:
        ages = [account.governing.form.floor(account.zero) - account.zero + one for one in ages]
    changes = _changes(["insert"], ["soon"], runs=runs, ages=ages)
    return _histories(_ages(account), changes, runs)


def _future(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    from hypothesis import strategies as st

    spec = own_incremental(account)
    most = account.target.traits.ahead
    if spec is not None and spec.lookahead:
        begin = account.start_of(1)
        most = min(most, spec.lookahead.after(begin) - begin - 2 * account.unit)
    first = st.lists(st.sampled_from([-most, -most / 2]), max_size=2).map(tuple)
    changes = _changes(["insert"], runs=runs, ages=[NO_TIME, -most / 10, -most])
    return _histories(first, changes, runs)


def _deletes(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    return _histories(_ages(account), _changes(["delete"], runs=runs, most=1), runs)


def _drift(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    """Draw changes between two pages; the last run is quiet."""
    changes = _changes(
        ["delete", "insert", "edit"], ["while paging"], runs=max(runs - 1, 1), most=2
    )
    return _histories(_old_and_new(account, _ages(account, 3, FEW + 1)), changes, runs)


def _old_and_new(account: PlayedAccount, ages: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Draw ages of which some are older than what later runs read again; the last one is not."""
    from hypothesis import strategies as st

    lag = governing_lag(account)
    if own_incremental(account) is None or not lag:
        return ages
    older = st.sampled_from([NO_TIME, 2 * lag])
    return st.builds(lambda many, by: (*(one + by for one in many[:-1]), *many[-1:]), ages, older)


def _skews(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    from hypothesis import strategies as st

    skew = st.sampled_from([MOST_SKEW, MOST_SKEW / 9, -MOST_SKEW])
    changes = _changes(["insert", "edit"], ["soon", "later"], runs=runs)
    return _histories(_ages(account), changes, runs, skew=skew)


def _window_ends(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    """Draw records at the ends of windows of the first run, and a unit around them."""
    from hypothesis import strategies as st

    first, unit = account.start_of(1), account.unit
    around = [
        first - account.spacing - (end + by)
        for end in _ends(account, first)
        for by in (NO_TIME, -unit, unit)
    ]
    ages = st.lists(st.sampled_from(around or [NO_TIME]), min_size=1, max_size=3)
    return _histories(ages.map(tuple), st.just(()), runs)


def _ends(account: PlayedAccount, start: datetime) -> list[datetime]:
    """Return the ends of the last windows of the first run that lie well before its start."""
    spec = own_incremental(account)
    if spec is None or not spec.step:
        return []
    initial = _moment_of(spec.arguments.get("initial_value"))
    if initial is None or initial >= start:
        return []
    try:
        every = [end for _, end, _ in split(initial, start, spec.step, spec.granularity)]
    except DurationError:
        return []
    return [end for end in every if end < start - account.gap][-2:]


def _moment_of(value: Json) -> datetime | None:
    try:
        return read_time(value, (same_format(value), "iso"))[0]
    except TimeError:
        return None


def _mixed(account: PlayedAccount, runs: int) -> SearchStrategy[History]:
    changes = _changes(["edit", "insert"], runs=runs, most=2)
    return _histories(_ages(account, 3), changes, runs)


QUESTIONS: tuple[Question, ...] = (
    Question("unchanged", "nothing changes between two runs", _always, _unchanged),
    Question("new-records", "records are added", _of_lists, _new_records),
    Question("edits", "records are edited", _of_edits, _edits),
    Question("older-edits", "records older than the lag are edited", _of_older_edits, _older_edits),
    Question("same-moment", "records change in the moment of a run", _of_ties, _ties),
    Question(
        "exclusive-start",
        "the API leaves out records at the start of a range",
        _of_exclusive_start,
        _ties,
        varied=lambda account: account.target.traits.with_(start="exclusive"),
    ),
    Question("late-records", "records appear later than their cursor", _of_late, _late),
    Question("future-records", "records lie in the future", _of_future, _future),
    Question("window-ends", "records lie at the end of a window", _of_windows, _window_ends),
    Question(
        "exclusive-end",
        "the API leaves out records at the end of a range",
        _of_exclusive_end,
        _window_ends,
        varied=lambda account: account.target.traits.with_(end="exclusive"),
    ),
    Question(
        "unsorted",
        "the API does not sort by the cursor",
        _of_order,
        _mixed,
        varied=lambda account: account.target.traits.with_(order="none"),
    ),
    Question("page-drift", "records change while a list is paged", _of_drift, _drift),
    Question("clock-skew", "the API's clock is behind or ahead", _of_skew, _skews),
    Question("deletes", "records are deleted", _of_deletes, _deletes, frozenset(("kept",))),
)


def counted(question: Question, account: PlayedAccount, played: Played) -> dict[int, Trouble]:
    """Return the troubles that the question counts, none of a history that it does not mean.

    An edit of a record older than the lag belongs to `older-edits` only, and one of a record of a
    log to `edits`.
    """
    found = {n: one for n, one in played.troubles.items() if one in question.troubles}
    if _is_log(account) and question.code != "edits":
        edited = {deed.record for deed in played.deeds if deed.change.kind == "edit"}
        found = {n: one for n, one in found.items() if one == "lost" or n not in edited}
    lag = governing_lag(account)
    if not found or question.code == "older-edits" or not lag or not _keeps(account):
        return found
    beyond = set(_beyond_lag(account, played, lag))
    return {number: one for number, one in found.items() if number not in beyond}


def _beyond_lag(account: PlayedAccount, played: Played, lag: timedelta) -> Iterator[int]:
    """Yield the records that change when what is read again no longer reaches them."""
    one = account.governing
    for deed in played.deeds:
        start = played.starts[deed.change.run - 1]
        if one is not account.target:
            moment = account.zero
        else:
            read = None if one is None or one.form is None else one.form.read(deed.ranged)
            moment = start if read is None else read
        if moment < start - lag:
            yield deed.record
