"""Find the parameter by which an API returns only records from a time on, by trying names.

A name counts if the first page has only records from that time on, none of those that are known
to be, is missing, and the whole list comes back for a time before all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from framework.authoring.diagnose.heuristics import time_fields
from framework.definition.values.datetimes import NAMED_FORMATS, TimeError, read_time
from framework.text import join_words

Json = Any
Record = dict[str, Json]
ReadFrom = Callable[[str, str], list[Record] | None]
"""The records of the first page with a parameter of that name and value, None if refused."""

_CHANGED = re.compile(r"updat|modif|chang|edit", re.IGNORECASE)
_STEM = re.compile(r"(?:^|_|(?<=[a-z]))(updat|modif|chang|edit)[a-z]*", re.IGNORECASE)
_WORDS = {"updat": "updated", "modif": "modified", "chang": "changed", "edit": "edited"}
_FORMATS = dict.fromkeys(("iso", *NAMED_FORMATS))
_EARLIEST = {"date-time": "1970-01-01T00:00:00Z", "date": "1970-01-01"}


@dataclass(frozen=True)
class StartGuess:
    """An incremental that was tried, with its reason; or what is to be checked (`doubt`)."""

    incremental: dict[str, Json] | None
    reason: str = ""
    doubt: str = ""


def guess_start(records: Sequence[Record], key: str | None, read_from: ReadFrom) -> StartGuess:
    """Return the incremental for a list whose first page has these records."""
    fields = [name for name in time_fields(records) if isinstance(records[0].get(name), str)]
    changed = [name for name in fields if _CHANGED.search(name)]
    if not changed:
        told = f"records have {join_words(fields)}" if fields else ""
        return StartGuess(None, doubt=told and f"{told}, and no time of their last change")
    field = changed[0]
    first = f"records have {field}"
    times = sorted({time for one in records if (time := _time(one, field)) is not None})
    if key is None or len(times) < 2:
        why = "no key is known" if key is None else "all of the first page have the same"
        return StartGuess(None, doubt=f"{first}; no start was tried, because {why}")
    middle = times[len(times) // 2]
    start = next(str(one[field]) for one in records if _time(one, field) == middle)
    earliest = _EARLIEST["date" if len(start) == 10 else "date-time"]
    for name in _names(field):
        found = read_from(name, start)
        if found is None or not _honours(found, records, field, middle, key):
            continue
        whole = read_from(name, earliest)
        if whole is None or _keys(whole, key) != _keys(records, key):
            continue
        rivals = [
            other
            for other in fields
            if other != field and _honours(found, records, other, middle, key)
        ]
        if rivals and not _STEM.search(name):
            doubt = f"{name} selects by {join_words([field, *rivals], last='or')}"
            return StartGuess(None, doubt=f"{doubt}: the first page does not tell by which")
        incremental = {"cursor_path": field, "start_param": name, "initial_value": earliest}
        reason = f"with {name} only records from that {field} on were returned"
        return StartGuess(incremental, reason)
    tried = join_words(_names(field), 4)
    return StartGuess(None, doubt=f"{first}; none of {tried} returned only later ones")


def _names(field: str) -> list[str]:
    """Return parameter names to try for a field, the likeliest first."""
    found = _STEM.search(field)
    stem = _WORDS[found[1].lower()] if found else "updated"
    is_camel = re.search(r"[a-z][A-Z]", field) is not None
    names = [f"{stem}Since", f"{stem}After"] if is_camel else [f"{stem}_since", f"{stem}_after"]
    names += [f"{field}[gte]", f"{field}__gte", f"{field}_gte", f"{field}_min", f"{stem}_from"]
    return [*names, "since", "from", "start_date"]


def _honours(
    found: Sequence[Record], first_page: Sequence[Record], field: str, start: Any, key: str
) -> bool:
    """Return whether a page has only records from the start on, and each that is known to be."""
    if not found or any((time := _time(one, field)) is None or time < start for one in found):
        return False
    later = [one for one in first_page if (time := _time(one, field)) is not None and time >= start]
    return len(later) < len(first_page) and _keys(later, key) <= _keys(found, key)


def _keys(records: Sequence[Record], key: str) -> set[str]:
    return {str(record.get(key)) for record in records}


def _time(record: Record, field: str) -> Any:
    """Return the time in a field, None if there is none."""
    try:
        return read_time(record.get(field), _FORMATS)[0]
    except TimeError:
        return None
