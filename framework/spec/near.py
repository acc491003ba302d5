"""Words of messages: the nearest to one that is not known, names and numbers in a sentence."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean x?`, or nothing where no known word is near."""
    near = difflib.get_close_matches(word, list(known), 1)
    return f"; did you mean {near[0]}?" if near else ""


def mentions(mapping: Mapping[str, object], *keys: str) -> bool:
    """Whether one of the keys is there with a value, or another that must be it misspelt.

    What is missing because its key is misspelt has its finding already.
    """
    unknown = [key for key in mapping if isinstance(key, str) and key not in keys]
    return any(
        mapping.get(key) is not None or difflib.get_close_matches(key, unknown, 1, 0.85)
        for key in keys
    )


def listed(names: Iterable[str], most: int = 4) -> str:
    """`a`, `a and b`, `a, b and 3 more`: names in a sentence."""
    every = list(names)
    if len(every) > most:
        return f"{', '.join(every[: most - 1])} and {len(every) - most + 1} more"
    if len(every) < 2:
        return "".join(every)
    return f"{', '.join(every[:-1])} and {every[-1]}"


def counted(count: int, what: str) -> str:
    """`1 record`, `2,000 records`."""
    return f"{count:,} {what}{'s' * (count != 1)}"
