"""Wording shared by messages: plurals, lists in a sentence, type names, suggestions."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

Json = Any

MEMBER_NAME = re.compile(r"[A-Za-z_][A-Za-z_-]{0,30}")
"""A key that a message may quote: any other could be an address or a token."""


class Digits(str):
    """A number of JSON that no number of Python's holds, kept as text so that no digit is lost.

    It is an integer past 64 bits, or a number whose digits a declared decimal must keep.
    """

    @property
    def is_integer(self) -> bool:
        """Whether it is written without a fraction and an exponent."""
        return self.removeprefix("-").isdecimal()


_TYPE_NAMES = {
    bool: "true or false",
    int: "an integer",
    Digits: "an integer",
    float: "a number",
    str: "text",
    dict: "an object",
    list: "a list",
    type(None): "null",
}


def json_type(value: Json) -> str:
    """Return the value's JSON type as a message names it: `text`, `a list`."""
    return _TYPE_NAMES.get(type(value), type(value).__name__)


def json_shape(body: Json) -> str:
    """Return `its keys are a, b` or `it is a list`, to end a message about a missing part."""
    if not isinstance(body, dict):
        return f"it is {json_type(body)}"
    names = [key if MEMBER_NAME.fullmatch(key) else "…" for key in body]
    keys = ", ".join(dict.fromkeys(names[:10])) + (", …" if len(names) > 10 else "")
    return f"its keys are {keys}" if keys else "it is empty"


OTHER_CATEGORY = "Other"
"""The heading of connectors without a category."""


def count_noun(count: int, noun: str) -> str:
    """Return `1 record`, `2,000 records`."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def join_words(words: Iterable[str], most: int | None = 4, *, last: str = "and") -> str:
    """Return `a`, `a and b`, or `a, b and 3 more`; with `most` None, every word."""
    every = list(words)
    if most is not None and len(every) > most:
        return f"{', '.join(every[: most - 1])} and {len(every) - most + 1} more"
    if len(every) < 2:
        return "".join(every)
    return f"{', '.join(every[:-1])} {last} {every[-1]}"


def sentences(*texts: str) -> str:
    """Return the lines of the texts as sentences on one line; each but the last has its end."""
    lines = [line.strip() for text in texts for line in text.splitlines() if line.strip()]
    ended = [line if line[-1] in ".:;,!?…" else f"{line}." for line in lines[:-1]]
    return " ".join([*ended, *lines[-1:]])


_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^a-z\s])")


def first_sentence(text: str) -> str:
    """Return the text up to the end of its first sentence."""
    return _SENTENCE_END.split(text.strip(), maxsplit=1)[0]


def shorten(text: str, most: int = 60) -> str:
    """Return the text on one line, cut after `most` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[:most]}…"


def cut(text: str, most: int) -> str:
    """Return the text, without its middle if it is longer than `most` characters."""
    return text if len(text) <= most else f"{text[: most - most // 5]} … {text[-(most // 5) :]}"


_LONGEST_WORD = 200
"""Characters of a text that may be a word misspelt; comparing takes the square of its length."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean x?`, or nothing if no known word is close."""
    near = nearest(word, known)
    return "" if near is None else f"; did you mean {near}?"


_SUGGESTION = re.compile(r"; did you mean ([^\s?]+)\?")


def suggestion_in(message: str) -> str | None:
    """Return the word that `did_you_mean` put into a message, or None."""
    found = _SUGGESTION.search(message)
    return found[1] if found else None


def suggest(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean x?`, or `; expected a, b, c` if no known word is close."""
    names = list(known)
    return did_you_mean(word, names) or f"; expected {join_words(names, None, last='or')}"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is closest, or None.

    One of the same length wins: `crm2` for `crm3`, though `crm` has more in common with it.
    """
    if len(word) > _LONGEST_WORD:
        return None
    near = difflib.get_close_matches(word, list(known), 3)
    same = (one for one in near if len(one) == len(word) and _differs_by_one_letter(one, word))
    return next(same, near[0] if near else None)


def almost(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that this one must be, misspelt: nearly its letters, in any order."""
    names = list(known) if len(word) <= _LONGEST_WORD else []
    near = difflib.get_close_matches(word, names, 1, 0.85)
    same = (one for one in names if len(word) > 3 and sorted(one) == sorted(word))
    return near[0] if near else next(same, None)


def _differs_by_one_letter(one: str, other: str) -> bool:
    return sum(a != b for a, b in zip(one, other, strict=True)) == 1


def mentions(mapping: Mapping[str, object], *keys: str) -> bool:
    """Return whether a key is present with a value, or an unknown key that must be it misspelt.

    A misspelt key has a finding of its own, so a rule must not report it as missing too.
    """
    unknown = [
        key
        for key in mapping
        if isinstance(key, str) and key not in keys and len(key) <= _LONGEST_WORD
    ]
    return any(
        mapping.get(key) is not None or difflib.get_close_matches(key, unknown, 1, 0.85)
        for key in keys
    )
