"""What a request and a response say about pages: parameters, fields, and the words of both."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from framework.importers.api_guesses.api_model.name_words import (
    noun,
    plain_name,
    vocabulary,
    words_of,
)
from framework.importers.api_guesses.api_model.operations import Operation, Parameter
from framework.importers.api_guesses.api_model.shapes import Shape, ShapeReader
from framework.importers.api_guesses.record_lists import ListGuess, quoted

Json = Any

RequestRole = Literal["cursor", "last_id", "offset", "page", "size"]
ResponseRole = Literal[
    "next_url", "rel_links", "cursor", "next_page", "next_offset", "has_more", "is_last",
    "total", "pages", "page",
]  # fmt: skip


_CURSORS = vocabulary(
    """
    cursor pagetoken nexttoken nextpagetoken continuation continuationtoken continuationkey bookmark
    startcursor marker nextmarker scrollid pagingtoken nextcursor nextid startid pagecursor
    pageafter pagingcursor cursornext scroll scrolltoken startkey exclusivestartkey nextkey
    paginationtoken paginationcursor pagekey paginationkey resumetoken resumptiontoken aftercursor
    skiptoken nextpagekey nextpagecursor nextpageid pageid seek searchafter cursorafter cursormark
    lastevaluatedkey paginationid nextbookmark iterator startingtoken aftertoken
    """
)
"""Names that are a cursor's if they are text and the response has one."""
_LAST_IDS = vocabulary(
    "startingafter afterid startafterid lastid sinceid after lastseenid fromid "
    "startafter minid idafter beforeid endingbefore maxid"
)
_FORWARD_IDS = _LAST_IDS - vocabulary("beforeid endingbefore maxid")
_OFFSETS = vocabulary(
    """
    offset skip start startindex startat from firstresult pageoffset startrow startposition
    recordoffset resultoffset pagingoffset startitem first startrecord startfrom rowoffset
    """
)
_PAGES = vocabulary(
    """
    page pagenumber pageno pageindex pagenum currentpage p pg pagenr pagination pagingpage startpage
    requestedpage pagepage whichpage resultpage
    """
)
_SIZES = vocabulary(
    """
    limit perpage pagesize pagelimit maxresults top take count size rows numresults first
    resultsperpage itemsperpage recordsperpage maxitems max maxpagesize perpagecount num number
    pagecount rowlimit rpp ps itemcount pagesizelimit maxrecords limitto nbresults maxperpage
    pageperpage maxresult resultsize resultlimit batchsize fetchsize maxrows maxcount nperpage
    entriesperpage length results itemsize numperpage
    """
)
_NEXT_CURSORS = vocabulary(
    """
    nextcursor nextpagetoken nexttoken continuation continuationtoken bookmark nextoffset nextkey
    nextmarker marker scrollid endcursor cursor nextid pagetoken cursornext paginationtoken
    nextbookmark after nextpagecursor lastevaluatedkey nextpagekey startcursor nextcontinuationtoken
    nextpageid nextsearchafter cursormark nextcursormark skiptoken resumptiontoken lastcursor
    nextstartingafter startingafter nextiterator nextsynctoken nextstart nextskip offset aftercursor
    paginationcursor pagecursor nextafter
    """
) - vocabulary("startcursor nextsynctoken")
_FLAGS = vocabulary(
    """
    hasmore hasnext hasnextpage more moreitems morerecords moreresults moreavailable istruncated
    hasmoreitems hasmorepages morepages hasmoreresults hasmorerecords moredata
    hasmoredata nextpageexists hasadditional canloadmore
    """
)
_LAST_FLAGS = vocabulary("islast islastpage last lastpage isend")
TOTALS = vocabulary(
    """
    total totalcount totalresults totalitems totalrecords totalentries totalelements totalnumber
    recordcount itemcount resultcount totalrows resulttotal totalsize itemstotal numfound
    totalhits recordstotal totalnumberofresults totalnumber totalitemscount totalmatches fulltotal
    availableresults count matches hits rowcount resultscount counttotal totalobjects
    """
)
PAGE_TOTALS = vocabulary(
    """
    totalpages totalpage pages pagecount numpages numberofpages pagestotal lastpage maxpage
    totalnumberofpages nbpages pagetotal totalpagecount lastpagenumber numpage
    """
)
_PAGE_NUMBERS = vocabulary("page currentpage pagenumber pageno pageindex pagenum pagenr")
_COUNTS = vocabulary("total count number num of no")
_ANY_RECORDS = vocabulary(
    "results records items entries rows elements objects hits matches resources found available all"
)
_URL_NAMES = vocabulary("url uri link href")
_NEXT_URLS = vocabulary(
    """
    nexturl nextlink nextpageurl nextpagelink nexthref nextpageuri nextpagepath nexturi
    odatanextlink nextpagehref linknext pagenext nextpagefullurl
    """
)
_URL_WORDS = re.compile(r"\b(url|uri|link|href|hyperlink)\b", re.IGNORECASE)
_TOKEN_WORDS = re.compile(r"\b(token|cursor|bookmark|marker|opaque)\b", re.IGNORECASE)
_TIMES = re.compile(r"\b(date|time|timestamp)")
_LINK_PARENTS = vocabulary("links link href")
_DEPTH = 4
_DEEPEST = 9
"""How deep fields are looked at beside the list itself."""


@dataclass(frozen=True)
class RequestSign:
    """A parameter of paging; `is_body` if it is a field of the JSON body."""

    role: RequestRole
    name: str
    shape: Shape
    description: str
    is_body: bool = False
    is_required: bool = False


@dataclass(frozen=True)
class ResponseSign:
    """A field of paging in the response, at a path of keys."""

    role: ResponseRole
    path: tuple[str, ...]
    shape: Shape

    @property
    def name(self) -> str:
        """The last key, compared without punctuation."""
        return plain_name(self.path[-1])


@dataclass(frozen=True)
class PagingSigns:
    """All signs of one list: in its request, in the body of its response, in its headers."""

    request: list[RequestSign]
    response: list[ResponseSign]
    headers: Mapping[str, str] = field(default_factory=dict)

    def asked(self, role: RequestRole) -> RequestSign | None:
        """Return the first input of a role."""
        return next((one for one in self.request if one.role == role), None)

    def told(self, role: ResponseRole) -> ResponseSign | None:
        """Return the first field of a role."""
        return next((one for one in self.response if one.role == role), None)

    @property
    def confirm_numbers(self) -> bool:
        """Whether the response counts pages or records, or says that there are more."""
        return bool({one.role for one in self.response} & _COUNTING) or any(
            "total" in words_of(name) for name in self.headers
        )


_COUNTING = frozenset({"total", "pages", "has_more", "is_last", "next_page", "next_offset"})


def dotted(path: Iterable[str]) -> str:
    """Return a path of keys as JMESPath writes it."""
    return ".".join(map(quoted, path))


def end_flag(signs: Iterable[ResponseSign]) -> dict[str, Json]:
    """Return how the response says that there is no more, if it does."""
    listed = list(signs)
    more = next((one for one in listed if one.role == "has_more"), None)
    last = next((one for one in listed if one.role == "is_last"), None)
    if more is not None:
        return {"has_more_path": dotted(more.path)}
    if last is not None:
        return {"stop_when": f"response.{dotted(last.path)}"}
    return {}


def request_signs(operation: Operation, shapes: ShapeReader) -> list[RequestSign]:
    """Return the parameters that choose a page, in the order of the file."""
    signs = [sign for one in operation.query if (sign := _of_parameter(one)) is not None]
    if operation.method == "post" and operation.body is not None:
        for name, shape in shapes.children(operation.body):
            if shape.is_scalar:
                role = request_role(name, shape, shape.description)
                if role is not None:
                    signs.append(RequestSign(role, name, shape, shape.description, is_body=True))
            elif plain_name(name) in ("page", "paging", "pagination", "cursor", "pager"):
                for inner, one in shapes.children(shape):
                    role = request_role(inner, one, one.description) or request_role(
                        f"{name}_{inner}", one, one.description
                    )
                    if role is not None:
                        path = f"{name}.{inner}"
                        signs.append(RequestSign(role, path, one, one.description, is_body=True))
    return signs


def _of_parameter(one: Parameter) -> RequestSign | None:
    role = request_role(one.name, one.shape, one.description)
    if role is None:
        return None
    return RequestSign(role, one.name, one.shape, one.description, is_required=one.is_required)


def request_role(name: str, shape: Shape, description: str) -> RequestRole | None:
    """Return what an input says about pages, by its name, its type and its description."""
    plain = plain_name(name)
    text = description.lower()
    is_number = bool(shape.types & {"integer", "number"})
    if shape.enum and not is_number:
        return None
    if shape.format in ("date", "date-time") or "boolean" in shape.types:
        return None
    if plain in _CURSORS:
        return "cursor"
    if plain in _FORWARD_IDS and not (is_number and plain == "after"):
        if plain == "after" and _TOKEN_WORDS.search(text):
            return "cursor"
        return "cursor" if plain == "after" else "last_id"
    if plain in _PAGES:
        if not is_number and _TOKEN_WORDS.search(text):
            return "cursor"
        return "page"
    if plain in _OFFSETS and plain not in _SIZES:
        if plain in ("from", "start", "first") and not is_number:
            is_token = _TOKEN_WORDS.search(text) and _says_page(text)
            return "cursor" if is_token and not _TIMES.search(text) else None
        if plain in ("from", "start", "first") and _TIMES.search(text):
            return None
        if not is_number and shape.types and _TOKEN_WORDS.search(text):
            return "cursor"
        return "offset"
    if plain in _SIZES:
        return (
            "size"
            if is_number or not shape.types or plain not in vocabulary("first results")
            else None
        )
    if plain in ("token", "next", "nextpage") and _says_page(text):
        return "cursor"
    if plain.startswith("page") and _TOKEN_WORDS.search(name.replace("_", " ")):
        return "cursor"
    return None


def _says_page(text: str) -> bool:
    return bool(re.search(r"\b(page|pagination|paging|next (set|batch)|cursor)\b", text))


def response_signs(guess: ListGuess, shapes: ShapeReader) -> list[ResponseSign]:
    """Return the fields of the response, outside the records, that tell of pages."""
    nouns = {word for one in guess.operation.nouns for word in one}
    found = list(_walk(guess.envelope, (), guess.selector, shapes, 0, nouns))
    return sorted(found, key=lambda sign: len(sign.path))


def _walk(
    shape: Shape,
    path: tuple[str, ...],
    selector: str,
    shapes: ShapeReader,
    depth: int,
    nouns: set[str],
) -> Iterator[ResponseSign]:
    first = selector.split("[]")[0]
    for name, one in shapes.children(shape):
        here = (*path, name)
        dotted = ".".join(here)
        if dotted == first and guessed_list(one):
            continue
        role = _response_role(here, one, shapes) or _counting_role(here, one, shape, nouns)
        if role is not None:
            yield ResponseSign(role, here, one)
        elif one.properties and not one.is_list:
            near = (f"{dotted}.", f"{'.'.join(path)}." if path else "")
            if depth < _DEPTH or (depth < _DEEPEST and first.startswith(near)):
                yield from _walk(one, here, selector, shapes, depth + 1, nouns)


def guessed_list(shape: Shape) -> bool:
    """Return whether a field is a list: the records themselves."""
    return shape.is_list or "array" in shape.types


def _response_role(path: tuple[str, ...], shape: Shape, shapes: ShapeReader) -> ResponseRole | None:
    plain = plain_name(path[-1])
    above = plain_name(path[-2]) if len(path) > 1 else ""
    text = shape.description
    if shape.is_list:
        item = shapes.item(shape)
        names = {plain_name(name) for name in item.properties}
        return "rel_links" if {"href", "rel"} <= names and plain in ("links", "link") else None
    if shape.types == {"object"}:
        return None
    if "boolean" in shape.types:
        if plain in _FLAGS or (plain == "next" and not shape.types - {"boolean"}):
            return "has_more"
        return "is_last" if plain in _LAST_FLAGS else None
    is_number = bool(shape.types) and shape.types <= {"integer", "number"}
    is_text = not is_number and not shape.properties
    if is_text:
        words = set(words_of(path[-1]))
        if plain in _NEXT_URLS or (words & {"next", "after"} and words & _URL_NAMES):
            return "next_url"
        if (plain, above) in (("href", "next"), ("url", "next"), ("link", "next")):
            return "next_url"
        if plain == "next" and (above in _LINK_PARENTS or _is_url(shape)):
            return "next_url"
        if plain in ("nextpage", "next") and _is_url(shape):
            return "next_url"
        if plain == "next" and not _TOKEN_WORDS.search(text):
            return "next_url" if above not in ("cursors", "cursor") else "cursor"
        if plain in _NEXT_CURSORS or plain in ("nextpage", "next"):
            if above in ("previous", "prev", "before") or (plain == "offset" and not shape.types):
                return None
            return "cursor"
    if is_number:
        if plain in ("nextpage", "nextpagenumber"):
            return "next_page"
        if plain in ("nextoffset", "nextstart", "nextskip", "nextstartat"):
            return "next_offset"
        if plain in ("nextid", "nextcursor", "nextkey", "nexttoken"):
            return "cursor"
        if plain in PAGE_TOTALS:
            return "pages"
        if plain in TOTALS:
            return "total"
        if plain == "next" and above in ("pagination", "paging", "page", "pages", "meta", ""):
            return "next_page"
    return None


def _counting_role(
    path: tuple[str, ...], shape: Shape, around: Shape, nouns: set[str]
) -> ResponseRole | None:
    """Return the role of a number that counts pages or records in words of its own."""
    if not shape.types or not shape.types <= {"integer", "number"}:
        return None
    words = words_of(path[-1])
    rest = set(words) - _COUNTS
    if "pages" in words or (words[-1:] == ("page",) and set(words) & {"total", "max", "last"}):
        return "pages" if rest <= {"page", "pages", "max", "last"} and len(words) > 1 else None
    names = {plain_name(name) for name in around.properties}
    if path[-1].lower() == "number":
        return "page" if names & {"totalelements", "numberofelements", "pageable"} else None
    if plain_name(path[-1]) in _PAGE_NUMBERS:
        return "page"
    if len(words) > 1 and len(rest) < len(words) and rest:
        records = {word for one in rest for word in noun(one)}
        return "total" if rest <= _ANY_RECORDS or records <= nouns else None
    return None


def is_plain_next(sign: ResponseSign) -> bool:
    """Return whether a `next` may as well be a cursor: nothing says that it is an address."""
    above = plain_name(sign.path[-2]) if len(sign.path) > 1 else ""
    return sign.name == "next" and above not in _LINK_PARENTS and not _is_url(sign.shape)


def _is_url(shape: Shape) -> bool:
    example = shape.limits.get("example")
    return (
        shape.format in ("uri", "url", "uri-reference")
        or bool(_URL_WORDS.search(shape.description))
        or (isinstance(example, str) and example.startswith(("http", "/")))
    )
