"""Paginators that count: pages by their number, records by an offset."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from framework.importers.api_guesses.api_model.name_words import plain_name, vocabulary, words_of
from framework.importers.api_guesses.paginator_guess import (
    LARGEST,
    PaginatorGuess,
    largest_size,
    whole_number,
)
from framework.importers.api_guesses.paging_signs import (
    TOTALS,
    PagingSigns,
    RequestSign,
    ResponseSign,
    dotted,
    end_flag,
)

Json = Any

_ZERO = re.compile(
    r"zero.?(based|indexed)|0.?(based|indexed)|"
    r"(start|begin|count|index)\w* (from|at|with) (page )?`?(0|zero)\b|"
    r"first page (is|has|=) (the )?(page |number )*`?0|`?0`? (is|for|=|means) (the )?first page|"
    r"\(0\.\.n\)",
    re.IGNORECASE,
)
_ONE = re.compile(
    r"(one|\b1).?(based|indexed)|"
    r"(start|begin|count|index)\w* (from|at|with) (page )?`?(1|one)\b|"
    r"first page (is|has|=) (the )?(page |number )*`?1|`?1`? (is|for|=|means) (the )?first page|"
    r"default(s|ed)?( is| to|:)? ?`?1\b",
    re.IGNORECASE,
)
_INEXACT = vocabulary("count hits matches itemcount resultcount resultscount")
"""Totals that may as well be those of one page."""
_UNCONFIRMED = "; nothing in the response confirms it"


def by_number(signs: PagingSigns, told_elsewhere: Mapping[str, int]) -> PaginatorGuess | None:
    """Return a paginator that counts, if the request takes a page's number or an offset.

    `told_elsewhere` are the first pages that other lists of the API tell, by parameter.
    """
    page, offset = signs.asked("page"), signs.asked("offset")
    if page is not None:
        return _by_page(page, signs, told_elsewhere)
    if offset is not None:
        return _by_offset(offset, signs)
    return None


def _by_page(
    page: RequestSign, signs: PagingSigns, told_elsewhere: Mapping[str, int]
) -> PaginatorGuess:
    told = first_page(page, signs)
    if told is None:
        told = told_elsewhere.get(page.name)
    base = told if told is not None else 0 if plain_name(page.name) == "pageindex" else 1
    is_confirmed = signs.confirm_numbers
    pages = signs.told("pages")
    # a total of pages is compared with the page's number
    total = dotted(pages.path) if pages is not None and base == 1 else None
    return PaginatorGuess(
        {
            "type": "page_number",
            "base_page": base,
            **({"page_body_path": page.name} if page.is_body else {"page_param": page.name}),
            "total_path": total,
            **end_flag(signs.response),
        },
        0.85 if is_confirmed else 0.6,
        f"{page.name} is a page's number" + ("" if is_confirmed else _UNCONFIRMED),
        frozenset({page.name}),
        "" if told is not None else f"the description does not say that the first page is {base}",
    )


def first_page(page: RequestSign, signs: PagingSigns) -> int | None:
    """Return the number of the first page, None if the description does not say it."""
    limits = page.shape.limits
    for key in ("default", "minimum"):
        value = _zero_or_one(limits.get(key))
        if value is not None:
            return value
    if _ZERO.search(page.description):
        return 0
    if _ONE.search(page.description):
        return 1
    value = _zero_or_one(limits.get("example"))
    if value is not None:
        return value
    here = signs.told("page")
    if here is None:
        return None
    if here.name == "number":  # a page of Spring counts from 0
        return 0
    limits = here.shape.limits
    found = (_zero_or_one(limits.get(key)) for key in ("default", "minimum", "example"))
    return next((one for one in found if one is not None), None)


def _zero_or_one(value: Json) -> int | None:
    if isinstance(value, str) and value in ("0", "1"):
        return int(value)
    if isinstance(value, bool) or value not in (0, 1):
        return None
    return int(value)


def _by_offset(offset: RequestSign, signs: PagingSigns) -> PaginatorGuess:
    size = signs.asked("size")
    limit, is_known = _offset_step(size, offset)
    total = next((one for one in signs.response if one.role == "total" and _names_all(one)), None)
    first = offset.shape.limits.get("minimum")
    start = offset.shape.limits.get("default")
    begins = 1 if 1 in (first, start) and 0 not in (first, start) else 0
    return PaginatorGuess(
        {
            "type": "offset",
            "limit": limit,
            **({"offset": begins} if begins else {}),
            **(
                {"offset_body_path": offset.name, "offset_param": None}
                if offset.is_body
                else {"offset_param": offset.name}
            ),
            **_size_of_offset(size),
            "total_path": dotted(total.path) if total is not None else None,
            **end_flag(signs.response),
        },
        0.85 if is_known and signs.confirm_numbers else 0.6,
        f"{offset.name} skips records"
        + ("" if is_known else f"; the description does not say that a page has {limit}")
        + ("" if signs.confirm_numbers else _UNCONFIRMED),
        frozenset({offset.name, *([size.name] if size is not None else [])}),
    )


def _size_of_offset(size: RequestSign | None) -> dict[str, Json]:
    if size is None:
        return {"limit_param": None}
    if size.is_body:
        return {"limit_param": None, "limit_body_path": size.name}
    return {"limit_param": size.name}


def _offset_step(size: RequestSign | None, offset: RequestSign) -> tuple[int, bool]:
    """Return the size of a page that offsets move by, and whether the API accepts it for sure."""
    if size is not None:
        largest = largest_size(size)
        if largest is not None:
            return largest, True
        default = whole_number(size.shape.limits.get("default"))
        if default and default <= LARGEST:
            return default, True
        return 100, False
    text = re.search(r"(\d+) (?:results|records|items|entries) (?:per|at)", offset.description)
    return (int(text[1]), True) if text else (100, False)


def _names_all(total: ResponseSign) -> bool:
    """Return whether a number is that of all records, and not of one page's."""
    return total.name not in _INEXACT and (
        total.name in TOTALS or "total" in words_of(total.path[-1])
    )
