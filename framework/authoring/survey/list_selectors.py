"""Find the list of records in a response that no file describes yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from framework.authoring.diagnose.heuristics import record_list_paths
from framework.definition.expressions.jmespath_expression import compile_expression
from framework.extract.next_page_signs import jmespath_of
from framework.extract.paging_words import (
    ABOUT_PAGES,
    LAST,
    MORE,
    NEXT,
    PAGES,
    TOTAL,
    WEAK_PAGES,
    WEAK_TOTAL,
    plain,
    words,
)
from framework.text import count_noun, join_words

Json = Any

_LIST_NAMES = words(
    """
    data items results records value values rows entries entry list content objects elements
    nodes edges features hits docs documents resources collection result response members member
    """
)
"""Names that APIs give to the list that was asked for."""
_SIDE_NAMES = words(
    """
    included includes errors warnings messages facets filters aggregations columns fields
    breadcrumbs permissions actions sorts tabs
    """
)
"""Names of lists beside it."""
_ID_NAMES = ("id", "uuid", "guid", "uid")
_ENVELOPES = words("data result response resource item record object")
_OF_PAGES = (MORE | LAST | NEXT | TOTAL | WEAK_TOTAL | PAGES | WEAK_PAGES) - {"done", "last"}
_MOST_NAMED = 3


@dataclass(frozen=True)
class SelectorGuess:
    """A data_selector with its reason. `doubt` says what else it may be, empty if nothing."""

    selector: str
    reason: str
    doubt: str = ""
    is_object: bool = False


def guess_selector(body: Json, resource: str) -> SelectorGuess | None:
    """Return the selector of the records that a resource of this name lists; None: none is seen."""
    if isinstance(body, list):
        what = count_noun(len(body), "record")
        return SelectorGuess("@", f"the response is the list itself, {what} on the first page")
    if not isinstance(body, Mapping):
        return None
    lists = sorted(record_list_paths(body), key=lambda path: _rank(path, resource), reverse=True)
    if lists and not (_is_record(body) and _rank(lists[0], resource)[0] < 1):
        return _list_guess(body, lists)
    if not lists:
        empty = [path for path in _empty_lists(body) if _rank(path, resource)[0] > 0]
        if len(empty) == 1:
            return SelectorGuess(empty[0], "its list was empty", "the response had no records")
        if empty:
            return None
    return _object_guess(body, lists)


def is_envelope_name(name: str) -> bool:
    """Return whether a key names a list or an envelope in general, and not what is in it."""
    return plain(name) in _LIST_NAMES | _ENVELOPES or plain(name) == "node"


def _list_guess(body: Json, lists: list[str]) -> SelectorGuess:
    best = lists[0]
    records = compile_expression(best).search(body)
    name = best.rpartition(".")[2].strip('"')
    count = count_noun(len(records), "record")
    others = [path for path in lists[1:] if not path.startswith(f"{best}.")]
    doubt = ""
    if others:
        doubt = f"the response has other lists: {join_words(others, _MOST_NAMED)}"
    if _is_record(body):
        doubt = "the response may be one record, with this list in it (`@`)"
    if plain(name) == "edges" and all(isinstance(one.get("node"), Mapping) for one in records):
        return SelectorGuess(
            f"{best}[].node", f"{count} on the first page, each in a `node`", doubt
        )
    return SelectorGuess(best, f"{count} on the first page", doubt)


def _object_guess(body: Mapping[str, Json], lists: list[str]) -> SelectorGuess | None:
    """Return the guess for a response that is one record, or an envelope of one.

    None for what may be a page without records: one object would be read as the whole list.
    """
    for name, value in body.items():
        if isinstance(value, list) and len(value) > 1 and not _is_record(body):
            return _values_guess(name, value)
    names = {plain(name) for name in body}
    empty = any(plain(name) in _LIST_NAMES and not value for name, value in body.items())
    if not body or (not _is_record(body) and (empty or names & _OF_PAGES)):
        return None
    doubt = f"it has lists: {join_words(lists, _MOST_NAMED)}" if lists else ""
    if len(body) > 1 and all(isinstance(value, Mapping) for value in body.values()):
        doubt = "it may be a map of records (`values(@)`)"
    wrapped = [name for name in body if plain(name) in _ENVELOPES]
    if not _is_record(body) and len(wrapped) == 1 and isinstance(body[wrapped[0]], Mapping):
        path = jmespath_of(wrapped)
        return SelectorGuess(path, "the response has one object, and no list", doubt, True)
    return SelectorGuess("@", "the response is one object", doubt, True)


def _values_guess(name: str, values: list[Json]) -> SelectorGuess | None:
    """Return the guess for a list of plain values, None for rows whose columns are elsewhere."""
    if any(isinstance(value, (list, Mapping)) for value in values):
        return None
    count = count_noun(len(values), "value")
    doubt = "the records are plain values, and the response may be one object (`@`)"
    return SelectorGuess(jmespath_of([name]), f"{count} on the first page", doubt)


def _rank(path: str, resource: str) -> tuple[int, int]:
    """Return how likely a list is the one that was asked for, and how near to the top it is.

    Of equal ones the longest stays first.
    """
    parts = [part.strip('"') for part in path.split(".")]
    names = [plain(part) for part in parts]
    if path == "@":
        return (3, 0)
    of_resource = plain(resource).removesuffix("s")
    is_named = bool(of_resource) and of_resource in (names[-1], names[-1].removesuffix("s"))
    aside = _SIDE_NAMES | (ABOUT_PAGES - _LIST_NAMES)
    if any(name in aside for name in (names[:-1] if is_named else names)):
        return (-1, -len(parts))
    score = 2 if is_named else 1 if names[-1] in _LIST_NAMES else 0
    return (score, -len(parts))


def _is_record(body: Mapping[str, Json]) -> bool:
    """Return whether an object looks like a record: it has an id of its own."""
    return any(
        plain(name) in _ID_NAMES and isinstance(value, (str, int)) for name, value in body.items()
    )


def _empty_lists(body: Mapping[str, Json], above: tuple[str, ...] = ()) -> Iterator[str]:
    for name, value in body.items():
        if isinstance(value, list) and not value:
            yield jmespath_of((*above, name))
        elif isinstance(value, Mapping) and len(above) < 3:
            yield from _empty_lists(value, (*above, name))
