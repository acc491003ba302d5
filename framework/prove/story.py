"""The story of a history in three lines: what was there, what happened, what the table has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framework.prove.history.account import Deed, Played, PlayedAccount
from framework.prove.history.histories import History
from framework.prove.plays.memory_tables import Trouble
from framework.text import join_words

Json = Any
_OUTCOMES: Mapping[Trouble, str] = {
    "lost": "{record} has no row",
    "stale": "the row of {record} is an old version",
    "doubled": "{record} has more than one row",
    "kept": "the row of {record} stays",
}


def tell(
    account: PlayedAccount, history: History, played: Played, troubles: Mapping[int, Trouble]
) -> tuple[str, str, str]:
    """Return the three lines."""
    name = account.target.resource.endpoint.incremental
    cursor = None if name is None else name.cursor_path
    first = f"{played.starts[0]:%Y-%m-%d %H:%M:%S}"
    last, end = len(played.starts), f"{played.starts[-1]:%Y-%m-%d %H:%M:%S}"
    return (
        f"at run 1 ({first}) the API has {_records(played, cursor)}{_above(played)}"
        f"{_skew(history)}",
        "; ".join(_deed(one, played, cursor) for one in played.deeds) or "nothing changes",
        f"after run {last} ({end}) {_outcome(troubles)}{_range(played)}",
    )


def label(number: int) -> str:
    """Return the letter of a record."""
    return chr(ord("A") + number % 26)


def _records(played: Played, cursor: str | None) -> str:
    if not played.first:
        return "no records"
    return join_words(
        (
            label(number) if cursor is None else f"{label(number)} ({cursor} {value})"
            for number, value in played.first
        ),
        None,
    )


def _above(played: Played) -> str:
    """Return the parents' records above the list, if there are newer ones."""
    return "".join(
        f"; its record of {one.resource} has {one.cursor} {one.value}, a newer one {one.newer}"
        for one in played.above
        if one.newer is not None
    )


def _skew(history: History) -> str:
    seconds = history.skew.total_seconds()
    if not seconds:
        return ""
    return f"; the API's clock is {abs(seconds):g} s {'behind' if seconds > 0 else 'ahead'}"


def _deed(deed: Deed, played: Played, cursor: str | None) -> str:
    change, record = deed.change, label(deed.record)
    when = f"at {deed.at:%Y-%m-%d %H:%M:%S}"
    if change.when == "same moment" and deed.at.microsecond:
        when += f"{deed.at.microsecond / 1_000_000:.2f}".lstrip("0")
    if change.when == "while paging":
        when = f"after the first page of run {change.run}"
    if change.kind == "delete":
        return f"{when} {record} is deleted"
    if change.kind == "insert":
        value = "" if cursor is None else f" with {cursor} {deed.cursor}"
        return f"{when} {record} appears{value}"
    before = dict(played.first).get(deed.record)
    if cursor is None:
        return f"{when} {record} is edited"
    verb = "stays" if before == deed.cursor else "is now"
    return f"{when} {record} is edited; its {cursor} {verb} {deed.cursor}"


def _outcome(troubles: Mapping[int, Trouble]) -> str:
    texts = [
        _OUTCOMES[one].format(record=label(number)) for number, one in sorted(troubles.items())
    ]
    return join_words(texts, 3)


def _range(played: Played) -> str:
    return f" (it requested {played.asked})" if played.asked else ""
