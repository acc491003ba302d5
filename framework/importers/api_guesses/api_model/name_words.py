"""The words of names: `pageToken`, `page_token` and `page[token]` are the same two words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_IRREGULAR = {
    "people": "person",
    "children": "child",
    "men": "man",
    "women": "woman",
    "data": "data",
    "media": "media",
    "indices": "index",
    "matrices": "matrix",
    "vertices": "vertex",
    "analyses": "analysis",
    "criteria": "criterion",
    "movies": "movie",
    "cookies": "cookie",
    "series": "series",
    "species": "species",
    "news": "news",
    "leaves": "leaf",
    "shelves": "shelf",
    "lives": "life",
    "aliases": "alias",
    "statuses": "status",
    "buses": "bus",
    "bases": "base",
    "caches": "cache",
    "taxes": "tax",
}
_NOT_PLURAL = ("ss", "us", "is")


def vocabulary(text: str) -> frozenset[str]:
    """Return the words of a text, which spaces separate."""
    return frozenset(text.split())


READING = vocabulary(
    "list index search find query browse all get fetch read retrieve show lookup view"
)
"""Words of operations that only read."""
LISTING = vocabulary("list index search find query browse all lookup enumerate")
CHANGING = vocabulary("""
    create add insert update patch put set replace edit modify change delete remove destroy upsert
    send post upload import cancel approve reject enable disable start stop move copy merge assign
    unassign invite revoke reset login logout authenticate validate verify refund capture pay
    charge close reopen archive restore publish convert calculate render generate batch bulk
    subscribe unsubscribe register sign token
    """)


@lru_cache(100_000)
def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name, in lower case."""
    return tuple(word.lower() for word in _WORD.findall(name))


@lru_cache(100_000)
def singular(word: str) -> str:
    """Return the singular of an English word; a word that is none stays as it is."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < 4 or not word.endswith("s") or word.endswith(_NOT_PLURAL):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes")):
        return word[:-2]
    return word[:-1]


@lru_cache(100_000)
def noun(name: str) -> tuple[str, ...]:
    """Return the words of a name, the last one in its singular."""
    words = words_of(name)
    return (*words[:-1], singular(words[-1])) if words else ()


def is_plural(name: str) -> bool:
    """Return whether the last word of a name is a plural."""
    words = words_of(name)
    return bool(words) and singular(words[-1]) != words[-1]


def joined(words: Iterable[str]) -> str:
    """Return words as one, to compare names without their punctuation."""
    return "".join(words)


def plain_name(name: str) -> str:
    """Return a name's letters and digits, in lower case."""
    return joined(words_of(name))


def similarity(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    """Return how alike two nouns are: 1.0 if equal, less if one ends with the other, else 0."""
    if not one or not other:
        return 0.0
    if one == other or joined(one) == joined(other):
        return 1.0
    shorter, longer = sorted((one, other), key=len)
    if longer[-len(shorter) :] == shorter:
        return 0.7
    first, second = joined(one), joined(other)
    if len(min(first, second, key=len)) >= 4 and (first.endswith(second) or second.endswith(first)):
        return 0.6
    if longer[: len(shorter)] == shorter:
        return 0.3
    return 0.0
