"""Choose the paginator of a list by the signs of its request and its response.

No guess may cut a list: there is no `maximum_offset` and no `single_page` here for what may have
more pages. What the description leaves open follows `Link` headers, is marked to be checked, and a
run reports whatever its last page announces beyond that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from framework.importers.api_guesses.api_model.name_words import plain_name, words_of
from framework.importers.api_guesses.api_model.operations import Operation
from framework.importers.api_guesses.api_model.shapes import ShapeReader
from framework.importers.api_guesses.paging_signs import (
    RequestSign,
    ResponseSign,
    is_plain_next,
    request_signs,
    response_signs,
)
from framework.importers.api_guesses.record_lists import ListGuess, quoted

Json = Any

SURE = 0.7
"""From this confidence on a paginator is not marked to be checked."""
_NUMBER = re.compile(
    r"(?:max(?:imum)?(?:[ _](?:value|of|is|limit|size|allowed|page size|number))*|up to|at most|"
    r"less than or equal to|<=|must not exceed|no more than|not more than|between \d+ and|"
    r"from \d+ to|1 ?(?:-|to|–|\.\.)|range:? ?\d+ ?-|limited to|limit is|capped at)"
    r"[ :=`*]*(?:is |of |to )?[`*(]*(\d[\d,]{0,6})",
    re.IGNORECASE,
)
_ZERO = re.compile(
    r"zero.?(based|indexed)|0.?(based|indexed)|start(s|ing)? (from|at|with) (0|zero)|"
    r"first page is (page )?0|index(ed)? from (0|zero)",
    re.IGNORECASE,
)
_ONE = re.compile(
    r"(one|1).?(based|indexed)|start(s|ing)? (from|at|with) (page )?(1|one)\b|"
    r"first page is (page )?1|index(ed)? from (1|one)|default(s|ed)?( is| to|:)? ?`?1\b",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"\blink[`' ]*(response )?header|header[s ,`'\"]*link\b|`link`[^.]{0,60}header|"
    r"rfc ?(5988|8288)",
    re.IGNORECASE,
)


_COUNTING = frozenset({"total", "pages", "has_more", "is_last", "next_page", "next_offset"})
_UNCONFIRMED = "; nothing in the response confirms it"


@dataclass(frozen=True)
class PaginatorGuess:
    """The paginator as the file writes it, parameters to send beside it, confidence and reason.

    `sent` are the names of the request's parameters that the paginator sends.
    """

    paginator: Mapping[str, Json]
    confidence: float
    reason: str
    sent: frozenset[str] = frozenset()

    @property
    def is_sure(self) -> bool:
        """Whether it needs no check."""
        return self.confidence >= SURE


@dataclass(frozen=True)
class _Signs:
    request: list[RequestSign]
    response: list[ResponseSign]

    def asked(self, role: str) -> RequestSign | None:
        found = [one for one in self.request if one.role == role]
        return found[0] if found else None

    @property
    def confirm_numbers(self) -> bool:
        """Whether the response counts pages or records, or says that there are more."""
        return bool({one.role for one in self.response} & _COUNTING)

    def told(self, *roles: str) -> ResponseSign | None:
        return next((one for role in roles for one in self.response if one.role == role), None)


class PaginatorChooser:
    """Chooses paginators; `prose` is what the source says about the whole API.

    `source` is what reasons call it.
    """

    def __init__(self, shapes: ShapeReader, prose: str, source: str = "the description") -> None:
        self._shapes = shapes
        self._prose = prose
        self._source = source

    def choose(self, guess: ListGuess) -> PaginatorGuess:
        """Return the paginator of a list."""
        if guess.is_single:
            return PaginatorGuess({"type": "single_page"}, 1.0, "the response is one record")
        signs = _Signs(
            request_signs(guess.operation, self._shapes), response_signs(guess, self._shapes)
        )
        found = (
            _by_link_header(guess.operation)
            or _by_cursor(signs)
            or _by_link(signs)
            or _by_last_record(signs, guess)
            or self._by_prose(signs)
            or _by_number(signs)
            or _unknown(signs)
        )
        found = _with_size(found, signs)
        return replace(found, reason=found.reason.replace("the description", self._source))

    def _by_prose(self, signs: _Signs) -> PaginatorGuess | None:
        """Return the Link header, if the description of the API names it."""
        if not _LINK.search(self._prose) or not signs.request:
            return None
        return PaginatorGuess(
            {"type": "header_link"}, 0.75, "the description of the API names the Link header"
        )


def _dotted(path: Iterable[str]) -> str:
    return ".".join(map(quoted, path))


def _by_link_header(operation: Operation) -> PaginatorGuess | None:
    if any(name.lower() == "link" for name in operation.headers):
        return PaginatorGuess({"type": "header_link"}, 0.95, "the response has a Link header")
    if _LINK.search(operation.prose):
        return PaginatorGuess({"type": "header_link"}, 0.9, "its description names a Link header")
    return None


def _cursor_place(sign: RequestSign) -> dict[str, Json]:
    return {"cursor_body_path" if sign.is_body else "cursor_param": sign.name}


def end_flag(signs: Iterable[ResponseSign]) -> dict[str, Json]:
    """Return how the response says that there is no more, if it does."""
    listed = list(signs)
    more = next((one for one in listed if one.role == "has_more"), None)
    last = next((one for one in listed if one.role == "is_last"), None)
    if more is not None:
        return {"has_more_path": _dotted(more.path)}
    if last is not None:
        return {"stop_when": f"response.{_dotted(last.path)}"}
    return {}


def _by_cursor(signs: _Signs) -> PaginatorGuess | None:
    """Return a cursor, if the request takes one that the response returns."""
    told = [one for one in signs.response if one.role in ("cursor", "next_page", "next_offset")]
    asked = [one for one in signs.request if one.role in ("cursor", "last_id", "offset", "page")]
    pairs = [
        (fit, -position, sender, teller)
        for position, sender in enumerate(asked)
        for teller in told
        if (fit := _fit(sender, teller)) > 0
    ]
    if not pairs:
        return None
    fit, _, sender, teller = max(pairs, key=lambda pair: pair[:2])
    flag = end_flag(signs.response)
    return PaginatorGuess(
        {
            "type": "cursor",
            "cursor_path": _dotted(teller.path),
            **_cursor_place(sender),
            **{key: one for key, one in flag.items() if key == "has_more_path"},
        },
        fit,
        f"{sender.name} takes what {_dotted(teller.path)} returns",
        frozenset({sender.name}),
    )


def _fit(sender: RequestSign, teller: ResponseSign) -> float:
    """Return how sure it is that a parameter takes a field of the response."""
    name, field = plain_name(sender.name), teller.name
    related = set(words_of(sender.name)) & set(words_of("_".join(teller.path)))
    if teller.role == "next_page":
        return 0.9 if sender.role == "page" else 0.0
    if teller.role == "next_offset":
        return 0.92 if sender.role == "offset" else 0.0
    if sender.role == "cursor":
        return (0.95 if related or name == field else 0.85) + 0.01 * ("next" in field)
    if sender.role == "last_id":
        return 0.9 if related else 0.75
    is_number = bool(sender.shape.types & {"integer", "number"})
    if sender.role == "offset" and field in ("offset", "nextoffset", "next"):
        says_next = field != "offset" or re.search(r"next", teller.shape.description, re.I)
        if is_number and not says_next:
            return 0.0
        return 0.9 if says_next or not is_number else 0.8
    if sender.role == "page" and not is_number and related:
        return 0.8
    if sender.role in ("page", "offset") and field in ("nextpage",) and not is_number:
        return 0.75
    return 0.0


def _by_link(signs: _Signs) -> PaginatorGuess | None:
    told = signs.told("next_url")
    if told is not None:
        name = _dotted(told.path)
        sender = signs.asked("cursor")
        if sender is not None and is_plain_next(told):
            return PaginatorGuess(
                {"type": "cursor", "cursor_path": name, **_cursor_place(sender)},
                0.6,
                f"{name} may be a cursor for {sender.name}, or the next page's address",
                frozenset({sender.name}),
            )
        return PaginatorGuess(
            {"type": "json_link", "next_url_path": name}, 0.9, f"{name} is the next page's address"
        )
    links = signs.told("rel_links")
    counts = signs.asked("page") is not None and signs.told("pages") is not None
    if links is not None and signs.request and not counts:
        place = _dotted(links.path)
        return PaginatorGuess(
            {"type": "json_link", "next_url": f"response.{place}[?rel == 'next'] | [0].href"},
            0.8,
            f"{place} has links with a `rel`",
        )
    return None


def _by_last_record(signs: _Signs, guess: ListGuess) -> PaginatorGuess | None:
    """Return a cursor that is the last record's id, as the parameter says."""
    asked = signs.asked("last_id") or signs.asked("cursor")
    if asked is None:
        return None
    text = asked.description.lower()
    says_id = asked.role == "last_id" or bool(re.search(r"\b(object|record|last)[^.]*\bid\b", text))
    key = next(
        (one for one in ("id", "uuid", "guid", "gid") if one in guess.record.properties), None
    )
    if not says_id or key is None:
        return None
    flag = end_flag(signs.response)
    end = flag or {"stop_after_empty_page": True}
    return PaginatorGuess(
        {"type": "cursor", "cursor": f"last_record.{key}", **_cursor_place(asked), **end},
        0.85 if flag else 0.6,
        f"{asked.name} takes the id of the last record",
        frozenset({asked.name}),
    )


def _by_number(signs: _Signs) -> PaginatorGuess | None:
    page, offset = signs.asked("page"), signs.asked("offset")
    if page is not None:
        return _by_page(page, signs)
    if offset is not None:
        return _by_offset(offset, signs)
    return None


def _by_page(page: RequestSign, signs: _Signs) -> PaginatorGuess:
    base, is_told = _base_page(page)
    pages = signs.told("pages")
    is_confirmed = signs.confirm_numbers
    total = _dotted(pages.path) if pages is not None else None
    if total is not None and base == 0:
        total = None  # a total of pages is compared with the page's number
    return PaginatorGuess(
        {
            "type": "page_number",
            "base_page": base,
            **({"page_body_path": page.name} if page.is_body else {"page_param": page.name}),
            "total_path": total,
            **end_flag(signs.response),
        },
        (0.85 if is_told else 0.72) if is_confirmed else 0.6,
        f"{page.name} is a page's number"
        + ("" if is_told else f"; the description does not say that the first one is {base}")
        + ("" if is_confirmed else _UNCONFIRMED),
        frozenset({page.name}),
    )


def _base_page(page: RequestSign) -> tuple[int, bool]:
    """Return the number of the first page, and whether the description says it."""
    limits = page.shape.limits
    for key in ("default", "minimum"):
        value = limits.get(key)
        if isinstance(value, str) and value.isdigit():
            value = int(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value in (0, 1):
            return int(value), True
    if _ZERO.search(page.description):
        return 0, True
    if _ONE.search(page.description):
        return 1, True
    return (0 if plain_name(page.name) == "pageindex" else 1), False


def _by_offset(offset: RequestSign, signs: _Signs) -> PaginatorGuess:
    size = signs.asked("size")
    limit, is_known = _offset_step(size, offset)
    total = signs.told("total")
    first = offset.shape.limits.get("minimum")
    start = offset.shape.limits.get("default")
    begins = 1 if 1 in (first, start) and 0 not in (first, start) else 0
    is_exact = total is not None and total.name not in (
        "count",
        "hits",
        "matches",
        "itemcount",
        "resultcount",
        "resultscount",
    )
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
            "total_path": _dotted(total.path) if total is not None and is_exact else None,
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
        largest = _largest(size)
        if largest is not None:
            return largest, True
        default = _whole(size.shape.limits.get("default"))
        if default:
            return default, True
        return 100, False
    text = re.search(r"(\d+) (?:results|records|items|entries) (?:per|at)", offset.description)
    return (int(text[1]), True) if text else (100, False)


def _largest(size: RequestSign) -> int | None:
    """Return the declared maximum of a page's size."""
    declared = _whole(size.shape.limits.get("maximum"))
    if declared:
        return declared if declared <= 10_000 else None
    match = _NUMBER.search(size.description)
    found = _whole(match[1].replace(",", "")) if match else None
    return found if found and found <= 10_000 else None


def _whole(value: Json) -> int | None:
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 1:
        return None
    return int(value)


def _with_size(found: PaginatorGuess, signs: _Signs) -> PaginatorGuess:
    """Add the declared maximum of a page's size; without one the API's own size is the best."""
    size = signs.asked("size")
    if size is None or size.is_body or size.name in found.sent:
        return found
    largest = _largest(size)
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
            largest = _largest(sign)
            if largest is not None:
                return sign.name, largest
    return None


def _unknown(signs: _Signs) -> PaginatorGuess:
    told = [_dotted(one.path) for one in signs.response]
    asked = [one.name for one in signs.request]
    if told or asked:
        what = ", ".join([*asked, *told][:4])
        reason = f"found {what}, and nothing that says how the next page is requested"
        return PaginatorGuess({"type": "header_link"}, 0.3, reason)
    return PaginatorGuess(
        {"type": "header_link"}, 0.4, "the description names no pages; Link headers are followed"
    )
