"""The questions of a proof: what may happen to an account, and what is wrong if rows are lost then.

Each question draws histories of one kind. A new one is one entry of `QUESTIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from framework.prove.history import history_strategies as strategies
from framework.prove.history.account import Played, PlayedAccount
from framework.prove.history.api_traits import ApiTraits, names_of_bound
from framework.prove.history.histories import History
from framework.prove.plays.memory_tables import Trouble

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Severity = Literal["fault", "assumption", "limit"]
"""A fault breaks the promise. An assumption does if the API is not as the file needs it. A limit is
one that the file declares, or that every file of its kind has."""
ROWS: frozenset[Trouble] = frozenset(("lost", "stale", "doubled"))


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


def _always(_: PlayedAccount) -> Severity | None:
    return "fault"


def _of_lists(account: PlayedAccount) -> Severity | None:
    return None if account.target.is_single else "fault"


def _of_edits(account: PlayedAccount) -> Severity | None:
    if account.target.fields.text is None and account.nature != "modified":
        return None
    return "limit" if account.is_log else "fault"


def _of_older_edits(account: PlayedAccount) -> Severity | None:
    return "limit" if account.kinds_beyond_lag else None


def _of_deletes(account: PlayedAccount) -> Severity | None:
    has_key = account.target.resource.deletes is not None  # which quick runs do not know
    return None if account.target.is_single or has_key else "limit"


def _of_ties(account: PlayedAccount) -> Severity | None:
    if account.target.own_incremental is None or account.target.fields.has_key_of_cursor:
        return None
    return "fault"


def _of_exclusive_start(account: PlayedAccount) -> Severity | None:
    spec, endpoint = account.target.own_incremental, account.target.resource.endpoint
    is_sent = spec is not None and bool(names_of_bound(endpoint, "start"))
    is_open = "start" not in account.target.traits.stated
    return "assumption" if is_sent and is_open and _of_ties(account) else None


def _of_late(account: PlayedAccount) -> Severity | None:
    is_late = account.target.traits.late > 2 * account.unit
    return "fault" if account.target.own_incremental and is_late else None


def _of_future(account: PlayedAccount) -> Severity | None:
    return "fault" if account.target.own_incremental and account.target.traits.ahead else None


def _of_drift(account: PlayedAccount) -> Severity | None:
    paginator = account.target.route.paginator
    if account.target.is_single or paginator is None or paginator.is_single_page:
        return None
    return "fault"


def _of_skew(account: PlayedAccount) -> Severity | None:
    spec = account.target.own_incremental
    by_clock = spec is not None and (spec.watermark == "run_start" or spec.cap_at_run_start)
    return "fault" if by_clock and account.nature != "event" else None


def _of_windows(account: PlayedAccount) -> Severity | None:
    spec, endpoint = account.target.own_incremental, account.target.resource.endpoint
    is_sent = bool(names_of_bound(endpoint, "end"))
    return "fault" if spec is not None and spec.step and is_sent else None


def _of_exclusive_end(account: PlayedAccount) -> Severity | None:
    is_open = "end" not in account.target.traits.stated
    return "assumption" if is_open and _of_windows(account) else None


def _of_order(account: PlayedAccount) -> Severity | None:
    spec = account.target.own_incremental
    is_open = "order" not in account.target.traits.stated
    return "assumption" if spec and spec.arguments.get("row_order") and is_open else None


QUESTIONS: tuple[Question, ...] = (
    Question("unchanged", "nothing changes between two runs", _always, strategies.unchanged),
    Question("new-records", "records are added", _of_lists, strategies.new_records),
    Question("edits", "records are edited", _of_edits, strategies.edits),
    Question(
        "older-edits",
        "records older than the lag are edited",
        _of_older_edits,
        strategies.older_edits,
    ),
    Question("same-moment", "records change in the moment of a run", _of_ties, strategies.ties),
    Question(
        "exclusive-start",
        "the API leaves out records at the start of a range",
        _of_exclusive_start,
        strategies.ties,
        varied=lambda account: account.target.traits.with_(start="exclusive"),
    ),
    Question(
        "late-records", "records appear later than their cursor", _of_late, strategies.late_records
    ),
    Question("future-records", "records lie in the future", _of_future, strategies.future_records),
    Question(
        "window-ends", "records lie at the end of a window", _of_windows, strategies.window_ends
    ),
    Question(
        "exclusive-end",
        "the API leaves out records at the end of a range",
        _of_exclusive_end,
        strategies.window_ends,
        varied=lambda account: account.target.traits.with_(end="exclusive"),
    ),
    Question(
        "unsorted",
        "the API does not sort by the cursor",
        _of_order,
        strategies.mixed_changes,
        varied=lambda account: account.target.traits.with_(order="none"),
    ),
    Question(
        "page-drift", "records change while a list is paged", _of_drift, strategies.page_drift
    ),
    Question("clock-skew", "the API's clock is behind or ahead", _of_skew, strategies.clock_skew),
    Question(
        "deletes", "records are deleted", _of_deletes, strategies.deletes, frozenset(("kept",))
    ),
)


def counted(question: Question, account: PlayedAccount, played: Played) -> dict[int, Trouble]:
    """Return the troubles that the question counts, none of a history that it does not mean.

    An edit of a record older than the lag belongs to `older-edits` only, and one of a record of a
    log to `edits`.
    """
    found = {n: one for n, one in played.troubles.items() if one in question.troubles}
    if account.is_log and question.code != "edits":
        edited = {deed.record for deed in played.deeds if deed.change.kind == "edit"}
        found = {n: one for n, one in found.items() if one == "lost" or n not in edited}
    if question.code in ("older-edits", "deletes"):
        return found
    beyond = set(_beyond_lag(account, played))
    return {number: one for number, one in found.items() if number not in beyond}


def _beyond_lag(account: PlayedAccount, played: Played) -> Iterator[int]:
    """Yield the records that change when what is read again no longer reaches them."""
    above = {one.resource: one.moment for one in played.above}
    for deed in played.deeds:
        start = played.starts[deed.change.run - 1]
        for one in account.bounded:
            moment = above.get(one.resource.name, start)
            if one is account.target and one.form is not None:
                moment = one.form.read(deed.ranged) or start
            if moment < start - one.lag:
                yield deed.record
