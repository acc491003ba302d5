"""The paginator that is guessed for a list, and the size of its pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from framework.importers.api_guesses.api_model.operations import Operation
from framework.importers.api_guesses.api_model.shapes import ShapeReader
from framework.importers.api_guesses.paging_signs import PagingSigns, RequestSign, request_signs

Json = Any

SURE = 0.7
"""From this confidence on a paginator is not marked to be checked."""
LARGEST = 10_000
"""Larger sizes of a page are no sizes that an API means to be asked for."""
_NUMBER = re.compile(
    r"(?:max(?:imum)?(?:[ _](?:value|of|is|limit|size|allowed|page size|number))*|up to|at most|"
    r"less than or equal to|<=|must not exceed|no more than|not more than|between \d+ and|"
    r"from \d+ to|1 ?(?:-|to|–|\.\.)|range:? ?\d+ ?-|limited to|limit is|capped at)"
    r"[ :=`*]*(?:is |of |to )?[`*(]*(\d[\d,]{0,6})",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class PaginatorGuess:
    """The paginator as the file writes it, parameters to send beside it, confidence and reason.

    `sent` are the names of the request's parameters that the paginator sends. `unsaid` is what a
    response with a further page would not tell either.
    """

    paginator: Mapping[str, Json]
    confidence: float
    reason: str
    sent: frozenset[str] = frozenset()
    unsaid: str = ""

    @property
    def is_sure(self) -> bool:
        """Whether it needs no check."""
        return self.confidence >= SURE and not self.unsaid


def largest_size(size: RequestSign) -> int | None:
    """Return the declared maximum of a page's size."""
    declared = whole_number(size.shape.limits.get("maximum"))
    if declared:
        return declared if declared <= LARGEST else None
    match = _NUMBER.search(size.description)
    found = whole_number(match[1].replace(",", "")) if match else None
    return found if found and found <= LARGEST else None


def whole_number(value: Json) -> int | None:
    """Return a number of at least 1, None for anything else."""
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 1:
        return None
    return int(value)


def with_size(found: PaginatorGuess, signs: PagingSigns) -> PaginatorGuess:
    """Add the declared maximum of a page's size; without one the API's own size is the best."""
    size = signs.asked("size")
    if size is None or size.is_body or size.name in found.sent:
        return found
    largest = largest_size(size)
    if largest is None or found.paginator["type"] not in ("cursor", "page_number"):
        return found
    return replace(
        found,
        paginator={**found.paginator, "page_size": largest, "page_size_param": size.name},
        sent=found.sent | {size.name},
    )


def page_size(operation: Operation, shapes: ShapeReader) -> tuple[str, int] | None:
    """Return the parameter of a page's size and its declared maximum, if there are both."""
    for sign in request_signs(operation, shapes):
        if sign.role == "size" and not sign.is_body:
            largest = largest_size(sign)
            if largest is not None:
                return sign.name, largest
    return None
