"""Words of messages: the nearest to one that is not known, names and numbers in a sentence."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from framework.definition.json_text import MEMBER_NAME, Digits

Json = Any


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean x?`, or nothing where no known word is near."""
    near = nearest(word, known)
    return "" if near is None else f"; did you mean {near}?"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is near, or None. Of several the one of the same length: `crm2` for
    `crm3`, though `crm` has more in common with it."""
    near = difflib.get_close_matches(word, list(known), 3)
    if not near:
        return None
    same = (one for one in near if len(one) == len(word) and _one_letter(one, word))
    return next(same, near[0])


def _one_letter(one: str, other: str) -> bool:
    return sum(a != b for a, b in zip(one, other, strict=True)) == 1


def mentions(mapping: Mapping[str, object], *keys: str) -> bool:
    """Whether one of the keys is there with a value, or another that must be it misspelt.

    What is missing because its key is misspelt has its finding already.
    """
    unknown = [key for key in mapping if isinstance(key, str) and key not in keys]
    return any(
        mapping.get(key) is not None or difflib.get_close_matches(key, unknown, 1, 0.85)
        for key in keys
    )


def join_words(names: Iterable[str], most: int = 4) -> str:
    """`a`, `a and b`, `a, b and 3 more`: names in a sentence."""
    every = list(names)
    if len(every) > most:
        return f"{', '.join(every[: most - 1])} and {len(every) - most + 1} more"
    if len(every) < 2:
        return "".join(every)
    return f"{', '.join(every[:-1])} and {every[-1]}"


def count_noun(count: int, what: str) -> str:
    """`1 record`, `2,000 records`."""
    return f"{count:,} {what}{'s' * (count != 1)}"


KINDS = {
    bool: "true or false",
    int: "an integer",
    Digits: "an integer",
    float: "a number",
    str: "text",
    dict: "an object",
    list: "a list",
    type(None): "null",
}
"""How a value's type is told."""


def json_type(value: Json) -> str:
    """`text`, `a list`: the type of a value in the words of JSON."""
    return KINDS.get(type(value), type(value).__name__)


def json_shape(body: Json) -> str:
    """`its keys are a, b`, `it is a list`: the end of a message on what was not found."""
    if not isinstance(body, dict):
        return f"it is {json_type(body)}"
    # an object may be a list by e-mail address or token: only names are shown
    names = [key if MEMBER_NAME.fullmatch(key) else "…" for key in body]
    keys = ", ".join(dict.fromkeys(names[:10])) + (", …" if len(names) > 10 else "")
    return f"its keys are {keys}" if keys else "it is empty"
