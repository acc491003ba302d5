"""Choose the paginator of a list by the signs of its request and its response.

No guess may cut a list: there is no `maximum_offset` and no `single_page` here for what may have
more pages. What the description leaves open follows `Link` headers, is marked to be checked, and a
run reports whatever its last page announces beyond that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from framework.importers.api_guesses.api_model.name_words import (
    plain_name,
    vocabulary,
    words_of,
)
from framework.importers.api_guesses.api_model.operations import Operation
from framework.importers.api_guesses.api_model.shapes import ShapeReader
from framework.importers.api_guesses.numbered_pages import by_number, first_page
from framework.importers.api_guesses.paginator_guess import PaginatorGuess, with_size
from framework.importers.api_guesses.paging_signs import (
    PagingSigns,
    RequestSign,
    ResponseSign,
    dotted,
    end_flag,
    is_plain_next,
    request_signs,
    response_signs,
)
from framework.importers.api_guesses.record_lists import ListGuess

Json = Any

_LINK = re.compile(
    r"\blink[`' ]*(response )?header|header[s ,`'\"]*link\b|`link`[^.]{0,60}header|"
    r"rfc ?(5988|8288)",
    re.IGNORECASE,
)
_NOT_PAGED = re.compile(
    r"\b(is|are) not paginated|\bunpaginated\b|"
    r"\b(does|do) not support (pagination|paging)|\bno pagination\b",
    re.IGNORECASE,
)
_NEXT_HEADERS = vocabulary("cursor token marker page offset bookmark id key")
_TEXT_CURSORS = vocabulary("start from offset token next after cursor position page marker skip")


class PaginatorChooser:
    """Chooses paginators; `prose` is what the source says about the whole API.

    `source` is what reasons call it. What some of `lists` say about pages holds for the others.
    """

    def __init__(
        self,
        shapes: ShapeReader,
        prose: str,
        source: str = "the description",
        lists: Iterable[ListGuess] = (),
    ) -> None:
        self._shapes = shapes
        self._prose = prose
        self._source = source
        self._first_pages: dict[str, int] = {}
        for guess in lists:
            signs = self._signs(guess)
            page = signs.asked("page")
            first = first_page(page, signs) if page is not None else None
            if page is not None and first is not None:
                self._first_pages.setdefault(page.name, first)

    def choose(self, guess: ListGuess) -> PaginatorGuess:
        """Return the paginator of a list."""
        if guess.is_single:
            return PaginatorGuess({"type": "single_page"}, 1.0, "the response is one record")
        signs = self._signs(guess)
        found = (
            _by_declared_link(guess.operation)
            or _by_cursor(signs)
            or _by_header_cursor(signs)
            or _by_link(signs, guess.operation)
            or _by_described_link(guess.operation, signs)
            or _by_last_record(signs, guess)
            or self._by_prose(signs)
            or by_number(signs, self._first_pages)
            or _unknown(signs, guess.operation)
        )
        found = with_size(found, signs)
        return replace(
            found,
            reason=found.reason.replace("the description", self._source),
            unsaid=found.unsaid.replace("the description", self._source),
        )

    def _signs(self, guess: ListGuess) -> PagingSigns:
        return PagingSigns(
            request_signs(guess.operation, self._shapes),
            response_signs(guess, self._shapes),
            guess.operation.headers,
        )

    def _by_prose(self, signs: PagingSigns) -> PaginatorGuess | None:
        """Return the Link header, if the description of the API names it."""
        if not _LINK.search(self._prose) or not signs.request:
            return None
        return PaginatorGuess(
            {"type": "header_link"}, 0.75, "the description of the API names the Link header"
        )


def _by_declared_link(operation: Operation) -> PaginatorGuess | None:
    if any(name.lower() == "link" for name in operation.headers):
        return PaginatorGuess({"type": "header_link"}, 0.95, "the response has a Link header")
    return None


def _by_described_link(operation: Operation, signs: PagingSigns) -> PaginatorGuess | None:
    texts = [operation.prose, *(one.description for one in signs.request)]
    if any(_LINK.search(text) for text in texts):
        return PaginatorGuess({"type": "header_link"}, 0.9, "its description names a Link header")
    return None


def _by_header_cursor(signs: PagingSigns) -> PaginatorGuess | None:
    """Return a cursor in a header, if the request takes one: `X-Next-Page` for `page`."""
    for name in signs.headers:
        words = set(words_of(name))
        if not ("continuation" in words or ("next" in words and words & _NEXT_HEADERS)):
            continue
        sender = signs.asked("cursor") or next(
            (one for one in signs.request if one.role in ("page", "offset") and one.role in words),
            None,
        )
        if sender is not None and not sender.is_body:
            return PaginatorGuess(
                {"type": "header_cursor", "cursor_key": name, "cursor_param": sender.name},
                0.85,
                f"{sender.name} takes what the header {name} returns",
                frozenset({sender.name}),
            )
    return None


def _cursor_place(sign: RequestSign) -> dict[str, Json]:
    return {"cursor_body_path" if sign.is_body else "cursor_param": sign.name}


def _by_cursor(signs: PagingSigns) -> PaginatorGuess | None:
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
            "cursor_path": dotted(teller.path),
            **_cursor_place(sender),
            **{key: one for key, one in flag.items() if key == "has_more_path"},
        },
        fit,
        f"{sender.name} takes what {dotted(teller.path)} returns",
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


def _by_link(signs: PagingSigns, operation: Operation) -> PaginatorGuess | None:
    told = signs.told("next_url") or _text_of_next_page(signs)
    if told is not None:
        name = dotted(told.path)
        is_plain = is_plain_next(told)
        sender = signs.asked("cursor") or _text_sender(signs)
        if sender is not None and is_plain:
            return PaginatorGuess(
                {"type": "cursor", "cursor_path": name, **_cursor_place(sender)},
                0.6,
                f"{name} may be a cursor for {sender.name}, or the next page's address",
                frozenset({sender.name}),
            )
        reason = f"{name} is the next page's address"
        if told.role == "next_url" and not (is_plain and _takes_text(operation)):
            return PaginatorGuess({"type": "json_link", "next_url_path": name}, 0.9, reason)
        is_text = told.shape.types == {"string"} and not is_plain
        return PaginatorGuess(
            {"type": "json_link", "next_url_path": name},
            0.75 if is_text else 0.6,
            reason if is_text else f"{name} may be the next page's address",
        )
    links = signs.told("rel_links")
    counts = (signs.asked("page") is not None and signs.told("pages") is not None) or (
        signs.asked("offset") is not None and signs.told("total") is not None
    )
    if links is not None and signs.request and not counts:
        place = dotted(links.path)
        return PaginatorGuess(
            {"type": "json_link", "next_url": f"response.{place}[?rel == 'next'] | [0].href"},
            0.8,
            f"{place} has links with a `rel`",
        )
    return None


def _text_of_next_page(signs: PagingSigns) -> ResponseSign | None:
    """Return a `next_page` that no number is, as nothing that the request takes fits it."""
    told = signs.told("cursor")
    return told if told is not None and told.name == "nextpage" else None


def _text_sender(signs: PagingSigns) -> RequestSign | None:
    """Return an offset or a page that is text: it may be a cursor."""
    senders = (one for one in signs.request if one.role in ("offset", "page"))
    return next((one for one in senders if one.shape.types == {"string"}), None)


def _takes_text(operation: Operation) -> bool:
    """Return whether a parameter that is no sign by itself could take a cursor."""
    return any(
        set(one.words) & _TEXT_CURSORS and "string" in one.shape.types and not one.shape.format
        for one in operation.query
    )


def _by_last_record(signs: PagingSigns, guess: ListGuess) -> PaginatorGuess | None:
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


def _unknown(signs: PagingSigns, operation: Operation) -> PaginatorGuess:
    told = [dotted(one.path) for one in signs.response if one.role != "page"]
    asked = [one.name for one in signs.request]
    if not asked and not told and _NOT_PAGED.search(operation.prose):
        return PaginatorGuess({"type": "single_page"}, 0.8, "its description says: not paginated")
    if told or asked:
        what = ", ".join([*asked, *told][:4])
        reason = f"found {what}, and nothing that says how the next page is requested"
        return PaginatorGuess({"type": "header_link"}, 0.3, reason)
    return PaginatorGuess(
        {"type": "header_link"}, 0.4, "the description names no pages; Link headers are followed"
    )
