"""Read some fields of the records in a response, and make no objects of the others.

An incremental needs the cursor of each record, a child resource what its requests are made of. If
the table takes the records unparsed, these fields are all that is parsed of a page.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, TypedDict

import msgspec

from framework.definition.expressions.context_roots import Path
from framework.definition.expressions.jmespath_expression import Expression
from framework.definition.model import Selector
from framework.extract.page import Record
from framework.http.transport import ListOutline, Response

Json = Any
_LIST: Any = list


class Projection:
    """The fields at some paths of each record."""

    def __init__(self, paths: Iterable[Path]) -> None:
        known = tuple(paths)
        self._decoder = msgspec.json.Decoder(_LIST[_object(known, Any)])
        # most fields are text: then no number needs to be looked for, which costs as much again
        self._texts: Any = msgspec.json.Decoder(_LIST[_object(known, str | None)])

    def read(self, outline: ListOutline, response: Response) -> list[Record] | None:
        """Return a record of these fields for each item; None if only whole records say it.

        That is so if an item is no object, or a number has too many digits.
        """
        texts = self._texts  # lists of many parents are read side by side
        found = None if texts is None else _decoded(texts, outline)
        if found is None:
            self._texts = None
            found = None if response.has_long_numbers else _decoded(self._decoder, outline)
        return found


def _decoded(decoder: Any, outline: ListOutline) -> list[Record] | None:
    try:
        records: list[Record] = decoder.decode(outline.text)
    except (ValueError, RecursionError):  # msgspec's errors are among them
        return None
    return records


def _object(paths: Collection[Path], leaf: Any) -> Any:
    """Return the type of an object with the fields at these paths, which are of the type `leaf`."""
    below: dict[str, list[Path]] = {}
    for name, *rest in paths:
        below.setdefault(name, []).append(tuple(rest))
    # what is no object stays whole: an expression may read items of a list
    other = leaf if leaf is not Any else list[Any] | str | int | float | bool | None
    types = {
        name: leaf if () in inner else _object(inner, leaf) | other for name, inner in below.items()
    }
    return TypedDict("Item", types, total=False)  # type: ignore[operator]


def paths_of(selectors: Iterable[Selector | None]) -> set[Path] | None:
    """Return which fields of a record the selectors read, None if that is not known."""
    paths: set[Path] = set()
    for selector in selectors:
        if selector is None:
            continue
        if not isinstance(selector, Expression) or selector.contextual:
            return None
        paths.update(selector.reads(over_context=True))
    return None if () in paths else paths
