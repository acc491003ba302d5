"""Find the list of records in a response that no file describes yet.

The shape of the response is judged as that of a description is; its values say what is doubtful.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from framework.authoring.diagnose.heuristics import record_list_paths
from framework.authoring.scaffold.infer_schema import schema_of_values
from framework.definition.expressions.jmespath_expression import compile_expression
from framework.extract.paging.next_page_signs import jmespath_of
from framework.extract.paging.paging_words import (
    LAST,
    MORE,
    NEXT,
    PAGES,
    TOTAL,
    WEAK_PAGES,
    WEAK_TOTAL,
    plain,
)
from framework.importers.api_guesses.api_model.document_part import DocumentPart
from framework.importers.api_guesses.api_model.operations import Operation
from framework.importers.api_guesses.api_model.shapes import ShapeReader
from framework.importers.api_guesses.record_lists import WRAPPERS, ListFinder, ListGuess
from framework.text import count_noun, join_words

Json = Any

_IDS = ("id", "uuid", "guid", "uid")
_OF_PAGES = (MORE | LAST | NEXT | TOTAL | WEAK_TOTAL | PAGES | WEAK_PAGES) - {"done", "last"}
_SURE_EMPTY = 0.7
"""How sure a list must be that had no records."""
_MOST_NAMED = 3


@dataclass(frozen=True)
class SelectorGuess:
    """A data_selector with its reason. `doubt` says what else it may be, empty if nothing."""

    selector: str
    reason: str
    doubt: str = ""
    is_object: bool = False


def guess_selector(body: Json, path: str) -> SelectorGuess | None:
    """Return the selector of the records that a request of this path lists; None: none is seen."""
    if isinstance(body, list):
        what = count_noun(len(body), "record")
        return SelectorGuess("@", f"the response is the list itself, {what} on the first page")
    if not isinstance(body, Mapping):
        return None
    guess = _guess_of_shape(body, path)
    if guess is None or guess.is_single:
        return _object_guess(body, guess)
    return _list_guess(body, guess)


def _list_guess(body: Mapping[str, Json], guess: ListGuess) -> SelectorGuess | None:
    records = compile_expression(guess.selector).search(body)
    own = (guess.selector, guess.selector.partition("[].")[0])
    others = [one for one in record_list_paths(body) if one not in own]
    if not records:
        if guess.confidence < _SURE_EMPTY or others:
            return None
        return SelectorGuess(guess.selector, "its list was empty", "the response had no records")
    reason = f"{count_noun(len(records), 'record')} on the first page"
    if "[]." in guess.selector:
        reason += f", each in a `{guess.selector.rpartition('[].')[2]}`"
    doubt = f"the response has other lists: {join_words(others, _MOST_NAMED)}" if others else ""
    if _is_record(body):
        doubt = "the response may be one record, with this list in it (`@`)"
    return SelectorGuess(guess.selector, reason, doubt)


def _guess_of_shape(body: Json, path: str) -> ListGuess | None:
    """Return the list that is told from names and types; the request is one that lists."""
    shapes = ShapeReader(lambda node: node)
    response = shapes.shape(DocumentPart(schema_of_values([body]), ""))
    operation = Operation(path, "get", "list", "", (), (), None, response, {}, False, None)
    return ListFinder(shapes).find(operation)


def _object_guess(body: Mapping[str, Json], guess: ListGuess | None) -> SelectorGuess | None:
    """Return the guess for a response that is one record, or an envelope of one.

    None for what may be a page without records: one object would be read as the whole list.
    """
    lists = record_list_paths(body)
    if lists and not _is_record(body):
        count = count_noun(len(compile_expression(lists[0]).search(body)), "record")
        doubt = "the response may be one object, with this list in it (`@`)"
        return SelectorGuess(lists[0], f"{count} on the first page", doubt)
    for name, value in body.items():
        if isinstance(value, list) and len(value) > 1 and not _is_record(body):
            return _values_guess(name, value)
    is_empty = any(plain(name) in WRAPPERS and not value for name, value in body.items())
    if guess is None or not body:
        return None
    if not _is_record(body) and (is_empty or {plain(name) for name in body} & _OF_PAGES):
        return None
    doubt = f"it has lists: {join_words(lists, _MOST_NAMED)}" if lists else ""
    if len(body) > 1 and all(isinstance(value, Mapping) for value in body.values()):
        return SelectorGuess(
            "@", "the response is one object", "it may be a map of records (`values(@)`)", True
        )
    if guess.selector == "$":
        return SelectorGuess("@", "the response is one object", doubt, True)
    return SelectorGuess(guess.selector, "the response has one object, and no list", doubt, True)


def _values_guess(name: str, values: list[Json]) -> SelectorGuess | None:
    """Return the guess for a list of plain values, None for rows whose columns are elsewhere."""
    if any(isinstance(value, (list, Mapping)) for value in values):
        return None
    count = count_noun(len(values), "value")
    doubt = "the records are plain values, and the response may be one object (`@`)"
    return SelectorGuess(jmespath_of([name]), f"{count} on the first page", doubt)


def _is_record(body: Mapping[str, Json]) -> bool:
    """Return whether an object looks like a record: it has an id of its own."""
    return any(
        plain(name) in _IDS and isinstance(value, (str, int)) for name, value in body.items()
    )
