"""Paginators that may read a list on, by what its first response says; each has to be tried.

Names of parameters are guesses: first what the response repeats of its request (`"page": 1,
"per_page": 10`), then the names that most APIs use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from framework.definition.model import Endpoint
from framework.extract.paging.next_page_signs import Path, Sign, paging_objects, proposed_paginator
from framework.extract.paging.paging_words import plain, words

Json = Any

PAGE_NAMES = words("page currentpage pagenumber pageno pagenum pageindex number current")
"""Names under which a response repeats the number of its page."""
OFFSET_NAMES = words(
    "offset skip start startat startindex startposition startrow from firstresult pageoffset"
)
"""Names under which a response repeats how many records come before its own."""
SIZE_NAMES = words(
    """
    limit perpage pagesize size take maxresults itemsperpage resultsperpage hitsperpage rows top
    pagelimit pagelength
    """
)
"""Names under which a response repeats how many records a page has."""
_LAST_RECORD_PARAMS = ("starting_after", "after", "last_id", "since_id")
_CURSOR_PARAMS = ("page", "cursor", "after", "page_token", "starting_after", "offset")
_OFFSET_PAIRS = (("offset", "limit"), ("skip", "limit"), ("start", "limit"), ("startAt", None))


@dataclass(frozen=True)
class _Repeated:
    """A parameter that the response repeats: its name, and the value of this page."""

    name: str
    value: int


def paginator_candidates(
    endpoint: Endpoint,
    response: requests.Response | None,
    names: Path,
    records: int,
    signs: Sequence[Sign],
    variable: str | None,
    key: str | None,
) -> list[dict[str, Json]]:
    """Return paginators to try, the likeliest first.

    `response` is the first page, None if it could not be read. `names` are the keys of the list,
    `records` is its length, and `signs` say that there is more, the surest first.
    `variable` selects the page of a GraphQL query, `key` identifies a record.
    """
    body = body_of(endpoint)
    found: list[dict[str, Json]] = []
    numbered = [one for one in signs if one.kind in ("more", "pages", "total")]
    for sign in signs:
        if sign.kind in ("link", "cursor") or variable is not None:
            found += _of_sign(sign, records, variable, body)
        elif sign is numbered[0]:
            found += _numbered(numbered, response, names, records, body)
            found += _by_last_record(numbered, key, body)
    return list({repr(one): one for one in found}.values())


def unannounced_candidates(
    endpoint: Endpoint, response: requests.Response, names: Path, records: int
) -> list[dict[str, Json]]:
    """Return paginators to try with a list that does not say whether there is more."""
    return list(_numbered([], response, names, records, body_of(endpoint)))[:6]


def body_of(endpoint: Endpoint) -> Mapping[str, Json] | None:
    """Return the JSON body that a page's number may be sent in; None for other requests."""
    if endpoint.method.upper() == "GET" or endpoint.data is not None:
        return None
    if endpoint.json is None:
        return {}
    return endpoint.json if isinstance(endpoint.json, Mapping) else None


def _of_sign(
    sign: Sign, records: int, variable: str | None, body: Mapping[str, Json] | None
) -> Iterator[dict[str, Json]]:
    """Yield paginators that read this sign."""
    proposed = proposed_paginator(sign, records, variable)
    if "cursor_param" not in proposed:
        yield proposed
        return
    key = "cursor_param" if sign.is_header else "cursor_path"
    name = str(proposed["cursor_param"])
    rest = re.sub(r"^(next|end)_?", "", name, flags=re.IGNORECASE)
    params = dict.fromkeys((name, rest[:1].lower() + rest[1:], *_CURSOR_PARAMS))
    usual = [param for param in params if param]
    if body is not None and not sign.is_header:
        plainly = {name: value for name, value in proposed.items() if name != "cursor_param"}
        sent = [one for one in body if plain(one) in map(plain, usual)]
        for param in dict.fromkeys((*sent, *usual[:4])):
            yield {**plainly, "cursor_body_path": param}
        usual = usual[:2]
    assert key in proposed or sign.is_header
    for param in usual:
        yield {**proposed, "cursor_param": param}


def _numbered(
    signs: Sequence[Sign],
    response: requests.Response | None,
    names: Path,
    records: int,
    body: Mapping[str, Json] | None,
) -> Iterator[dict[str, Json]]:
    """Yield paginators by page number and by offset, each with the end that the signs name."""
    page, offset, size = (
        _repeated(response, names, known) for known in (PAGE_NAMES, OFFSET_NAMES, SIZE_NAMES)
    )
    pages = list(_by_page(page, body))
    offsets = list(_by_offset(offset, size, records, body))
    ends_page, ends_offset = _end(signs, "pages"), _end(signs, "total")
    kinds = [one.kind for one in signs if not one.is_header]
    is_offset_first = (page is None and offset is not None) or (
        page is None and "total" in kinds and not {"pages", "more"} & set(kinds)
    )
    first, second = (offsets, pages) if is_offset_first else (pages, offsets)
    for number in range(max(len(first), len(second))):
        # the usual ones of both kinds come before the rare ones of either
        for candidates in (first, second):
            if number < len(candidates):
                ends = ends_offset if candidates is offsets else ends_page
                yield {**candidates[number], **ends}


def _end(signs: Sequence[Sign], kind: str) -> dict[str, Json]:
    """Return the keys that name the end: a sure total of this kind, a flag, or neither.

    A number that only may be the total would cut the list; without one it ends at an empty page.
    """
    bodies = [one for one in signs if not one.is_header and (one.is_sure or one.kind == "more")]
    total = next((one for one in bodies if one.kind == kind), None)
    if total is not None:
        return {"total_path": total.path}
    flag = next((one for one in bodies if one.kind == "more"), None)
    keys: dict[str, Json] = {"total_path": None}
    if flag is not None:
        told = proposed_paginator(flag, 0)
        keys |= {key: told[key] for key in ("has_more_path", "stop_when") if key in told}
    return keys


def _by_last_record(
    signs: Sequence[Sign], key: str | None, body: Mapping[str, Json] | None
) -> Iterator[dict[str, Json]]:
    """Yield paginators whose cursor is the last record's key, for a list with a flag."""
    flag = next((one for one in signs if one.kind == "more" and not one.is_header), None)
    if flag is None or key is None or body is not None:
        return
    told = proposed_paginator(flag, 0)
    keys = ("has_more_path", "stop_when")
    ends: dict[str, Json] = {name: told[name] for name in keys if name in told}
    for param in _LAST_RECORD_PARAMS:
        yield {"type": "cursor", "cursor": f"last_record.{key}", "cursor_param": param, **ends}


def _by_page(page: _Repeated | None, body: Mapping[str, Json] | None) -> Iterator[dict[str, Json]]:
    known = [] if body is None else _sent_before(body, PAGE_NAMES, 1)
    known += [] if page is None else [(page.name, page.value)]
    known += [("page", 1 if page is None else page.value), ("page", 1), ("page", 0)]
    known += [] if page is not None else [("pageNumber", 1), ("p", 1)]
    if page is not None:
        known.append((page.name, 1 - page.value))
    for name, base in dict.fromkeys(known):
        for place in _places_of(name, body):
            yield {"type": "page_number", "base_page": base, **_sent("page", place, body)}


def _by_offset(
    offset: _Repeated | None,
    size: _Repeated | None,
    records: int,
    body: Mapping[str, Json] | None,
) -> Iterator[dict[str, Json]]:
    limit = None if size is None else size.name
    known: list[tuple[str, str | None, int]] = []
    if body is not None:
        limit = next((name for name in body if plain(name) in SIZE_NAMES), limit)
        before = _sent_before(body, OFFSET_NAMES, 0)
        known += [(name, limit or "limit", value) for name, value in before]
    if offset is not None:
        known.append((offset.name, limit or "limit", offset.value))
    known += [(name, limit or param, 0) for name, param in _OFFSET_PAIRS if limit or param]
    for name, param, start in dict.fromkeys(known):
        for place in _places_of(name, body):
            first = {"offset": start} if start else {}
            sent = _sent("offset", place, body)
            if body is not None and "offset_body_path" in sent:
                sent["limit_body_path"] = _places_of(str(param), body)[0]
            elif param != "limit":
                sent["limit_param"] = param
            yield {"type": "offset", "limit": records or 100, **first, **sent}


def _sent_before(
    body: Mapping[str, Json], known: frozenset[str], default: int
) -> list[tuple[str, int]]:
    """Return what the body of the first request sends under one of these names."""
    found = [(name, value) for name, value in body.items() if plain(name) in known]
    return [(name, value if value in (0, 1) else default) for name, value in found]


def _places_of(name: str, body: Mapping[str, Json] | None) -> list[str]:
    """Return the places in the body where this may be sent; the name itself for a query."""
    if body is None:
        return [name]
    same = [key for key in body if plain(key) == plain(name)]
    return same or [name]


def _sent(kind: str, place: str, body: Mapping[str, Json] | None) -> dict[str, Json]:
    """Return the key of a paginator that says where its value is sent."""
    if body is not None:
        return {f"{kind}_body_path": place}
    return {} if place == kind else {f"{kind}_param": place}


def _repeated(
    response: requests.Response | None, names: Path, known: frozenset[str]
) -> _Repeated | None:
    """Return the parameter of the request that the response repeats beside its list."""
    for place in paging_objects(response, names) if response is not None else ():
        for name, value in place.items():
            if isinstance(value, str) and value.isdecimal() and len(value) < 6:
                value = int(value)
            is_number = isinstance(value, int) and not isinstance(value, bool)
            is_first = known is SIZE_NAMES or value in (0, 1)
            if is_number and is_first and plain(name) in known and value >= 0:
                return _Repeated(name.lstrip("@"), value)
    return None
