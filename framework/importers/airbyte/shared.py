"""What resources have in common, taken out of them: the client and `resource_defaults`."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

Json = Any

ABSENT = object()
_VARYING = re.compile(r"\{[^}]*\b(?:partition|resources|incremental|paginator|parent|response)\b")


def most_common(values: Iterable[Json]) -> Json:
    """The value that most have, the first of several; ABSENT where there is none."""
    counted: Counter[str] = Counter()
    by_text: dict[str, Json] = {}
    for value in values:
        if value is ABSENT:
            continue
        text = json.dumps(value, sort_keys=True, default=str)
        counted[text] += 1
        by_text.setdefault(text, value)
    return by_text[counted.most_common(1)[0][0]] if counted else ABSENT


def share(
    entries: Sequence[dict[str, Json]], key: str, *, undo: Callable[[dict[str, Json]], bool]
) -> Json:
    """Take a key's commonest value out of the entries that have it, if two or more do; those
    without the key undo the default, and nothing is shared where one of them cannot."""
    having = [entry[key] for entry in entries if key in entry]
    value = most_common(having)
    if value is ABSENT:
        return ABSENT
    count = sum(1 for one in having if one == value)
    lacking = [entry for entry in entries if key not in entry]
    if len(entries) > 1 and (count < 2 or count <= len(lacking)):
        return ABSENT
    if len(entries) == 1 or not all(_can(entry, undo) for entry in lacking):
        return ABSENT
    for entry in lacking:
        undo(entry)
    for entry in entries:
        if key in entry and entry[key] == value:
            del entry[key]
    return value


def _can(entry: dict[str, Json], undo: Callable[[dict[str, Json]], bool]) -> bool:
    return undo(dict(entry))


def share_pairs(
    entries: Sequence[dict[str, Json]], key: str, *, undo: bool = False, fixed: bool = False
) -> dict[str, Json]:
    """Take out the pairs of a mapping that every entry has alike; with `undo` those of most
    entries, and the others take them away with a null. With `fixed` only what is the same in all
    of a run: config, secrets and now."""
    mappings = [entry.get(key) or {} for entry in entries]
    if len(entries) < 2 or not all(isinstance(one, dict) for one in mappings):
        return {}
    common: dict[str, Json] = {}
    for name in dict.fromkeys(name for one in mappings for name in one):
        value = most_common(one[name] for one in mappings if name in one)
        count = sum(1 for one in mappings if one.get(name, ABSENT) == value)
        wanted = len(entries) / 2 + 1 if undo else len(entries)
        if fixed and _VARYING.search(str(value)):
            continue
        if count >= wanted and not isinstance(value, dict):
            common[name] = value
    for entry, one in zip(entries, mappings, strict=True):
        left = {name: value for name, value in one.items() if common.get(name, ABSENT) != value}
        lacking = {name: None for name in common if name not in one}
        entry.pop(key, None)
        if left or lacking:
            entry[key] = {**left, **lacking}
    return common
