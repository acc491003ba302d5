"""What a response says of more pages: flags, links, cursors and totals, in its body and headers.

XML is read as the mappings that its decoder makes: attributes are `@name`, text is `#text`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import orjson
import requests

from framework.definition.expressions.jmespath_expression import Expression
from framework.definition.expressions.jsonpath import path_keys
from framework.definition.model import Endpoint, Resource
from framework.extract.paging.paging_words import (
    ABOUT_PAGES,
    COMPANIONS,
    END_CURSORS,
    LAST,
    MORE,
    NEXT,
    NEXT_HEADERS,
    OF_RECORDS,
    PAGES,
    REMAINING,
    TOTAL,
    WEAK_MORE,
    WEAK_NEXT,
    WEAK_PAGES,
    WEAK_TOTAL,
    WEAK_WORDS,
    plain,
)
from framework.http.link_header import links_by_relation
from framework.runtime.field_paths import value_at

Json = Any
Path = tuple[str, ...]

LINK = re.compile(r"https?://|/|\?")
_PREFIX = re.compile(r"\$?\.?((?:[A-Za-z_]\w*)(?:\.[A-Za-z_]\w*)*)(.*)", re.DOTALL)
_RANGE = re.compile(r"\s*(?:(?!bytes)[A-Za-z_][\w-]*\s+)?(\d+)-(\d+)/(\d+)\s*", re.IGNORECASE)
_ID = re.compile(
    r"(?<!request)(?<!trace)(?<!correlation)(?<!transaction)(?<!session)(?<!scroll)(?<!query)"
    r"(?:_id|-id|Id|ID)$"
)
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_URL_KEYS = ("href", "url", "uri", "link")
_TEXT = "#text"
"""The key of an XML element's text, beside its attributes."""
_FALSE = ("", "false", "null", "none", "0")
_IN_OBJECTS = frozenset.union(
    *(MORE, LAST, NEXT, WEAK_NEXT, TOTAL, WEAK_TOTAL, PAGES, WEAK_PAGES, REMAINING),
    END_CURSORS,
    ("links", "link"),
)
"""The names of all signs in bodies."""
_IN_HEADERS = frozenset.union(NEXT_HEADERS, MORE, TOTAL, PAGES, ("total",))
"""The names of signs in headers, without prefix and those that are read in their own way."""
_GRAPHQL_VARIABLE = re.compile(r"\$(after|before|cursor|\w*[cC]ursor|page|offset|skip)\b")
"""The variable of a GraphQL query that selects the page."""
_DEPTH = 2

Kind = Literal["more", "link", "cursor", "pages", "total"]


@dataclass(frozen=True)
class Sign:
    """One sign of more pages, or of the last one if `is_end`.

    `path` is JMESPath, or the name of a header. A total or a number of pages is in `number`, and
    `is_sure` if its name and place leave no doubt. `params` are the parameter names of a link.
    `flag` is the path of a flag beside a cursor that the last page has too.
    """

    kind: Kind
    path: str
    number: int = 0
    is_end: bool = False
    is_sure: bool = True
    is_header: bool = False
    params: tuple[str, ...] = ()
    flag: str = ""


def list_place(endpoint: Endpoint) -> tuple[Path, bool]:
    """Return the keys of the list, as far as they are plain, and whether that is all of it."""
    selector = endpoint.data_selector
    if isinstance(selector, Expression):
        if selector.names or selector.text == "@":
            return selector.names, True
        return _place_of(selector.text)
    return _place_of(selector or "")


def counted_place(resource: Resource) -> tuple[Path, bool]:
    """Return `list_place` of the list whose elements paging counts.

    If the first step explodes what is selected, an object may be selected, with the list in it.
    """
    names, is_all = list_place(resource.endpoint)
    first = next((step for step in resource.steps if step.kind != "filter"), None)
    if first is not None and first.kind == "explode" and is_all:
        names = (*names, *path_keys(first.argument[0]))
    return names, is_all


@lru_cache(maxsize=200)
def _place_of(text: str) -> tuple[Path, bool]:
    if text in ("", "$"):
        return (), True
    found = _PREFIX.fullmatch(text)
    if found is None:
        return (), False
    return tuple(found[1].split(".")), found[2] in ("", "[*]", "[]")


def page_signs(response: requests.Response, names: Path = ()) -> list[Sign]:
    """Return the signs of a response whose list of records is at these keys of the body.

    An object in place of the list may be a record, whose own fields are not about pages: it has no
    headers and totals that count, and no ambiguous names.
    """
    body = response.json()
    is_object = isinstance(value_at(body, names), Mapping)
    signs = [] if is_object else list(_header_signs(response.headers))
    for path, place, about_pages in _places(body, names):
        found = _object_signs(path, place, about_pages, is_record=is_object)
        signs += [sign for sign in found if not is_object or sign.kind not in ("pages", "total")]
    return signs


def paging_objects(response: requests.Response, names: Path) -> Iterator[Mapping[str, Json]]:
    """Yield the objects of a body that may tell of pages, the nearest to the list first."""
    for _, place, _ in _places(response.json(), names):
        yield place


def says_none(response: requests.Response, names: Path = ()) -> bool:
    """Return whether a response says that there is no record: `total: 0`."""
    return any(sign.kind == "total" and not sign.number for sign in page_signs(response, names))


def says_end(response: requests.Response, names: Path = ()) -> bool:
    """Return whether a response says that no record follows."""
    signs = page_signs(response, names)
    return any(sign.is_end or (sign.kind == "total" and not sign.number) for sign in signs)


def best_sign(signs: Iterable[Sign]) -> Sign:
    """Return the sign that a paginator reads most surely."""
    return min(signs, key=lambda sign: _PREFERRED.index(sign.kind))


_PREFERRED: tuple[Kind, ...] = ("link", "cursor", "pages", "total", "more")


def graphql_variable(endpoint: Endpoint, default: str = "after") -> str | None:
    """Return the variable of a GraphQL request that selects the page; None for other requests."""
    query = endpoint.json.get("query") if isinstance(endpoint.json, Mapping) else None
    if not isinstance(query, str) or "{" not in query:
        return None
    return next(iter(_GRAPHQL_VARIABLE.findall(query)), default)


def proposed_paginator(sign: Sign, records: int, variable: str | None = None) -> dict[str, Json]:
    """Return a paginator that reads this sign; `records` is the number of records on a page.

    `variable` is that of a GraphQL request, whose pages have cursors.
    """
    in_body = variable is not None and not sign.is_header and sign.kind in ("cursor", "more")
    if in_body and variable == "page" and sign.kind == "more":
        return {
            "type": "page_number",
            "base_page": 1,
            "has_more_path": sign.path,
            "total_path": None,
            "page_body_path": "variables.page",
        }
    if in_body:
        above = sign.path.rpartition(".")[0]
        flag = sign.flag or (sign.path if sign.kind == "more" else "")
        return {
            "type": "cursor",
            "cursor_path": sign.path if sign.kind == "cursor" else f"{above}.endCursor".lstrip("."),
            **({"has_more_path": flag} if flag else {}),
            "cursor_body_path": f"variables.{variable}",
        }
    if sign.is_header and sign.kind in ("link", "cursor"):
        if sign.kind == "link":
            return {"type": "header_link"}
        return {"type": "header_cursor", "cursor_key": sign.path, "cursor_param": "page"}
    if sign.kind == "link":
        return {"type": "json_link", "next_url_path": sign.path}
    if sign.kind == "cursor":
        name = sign.path.removesuffix(f'."{_TEXT}"').rsplit(".", 1)[-1].strip('"').lstrip("@")
        flagged = {"has_more_path": sign.flag} if sign.flag else {}
        return {"type": "cursor", "cursor_path": sign.path, **flagged, "cursor_param": name}
    numbers: dict[str, Json] = {"type": "page_number", "base_page": 1}
    if sign.is_header:
        return {**numbers, "total_path": None}
    if sign.kind == "more" and plain(sign.path.rsplit(".", 1)[-1]) in LAST:
        return {**numbers, "total_path": None, "stop_when": f"response.{sign.path}"}
    if sign.kind == "more":
        return {**numbers, "has_more_path": sign.path, "total_path": None}
    if sign.kind == "pages":
        return {**numbers, "total_path": sign.path}
    return {"type": "offset", "limit": records or 100, "total_path": sign.path}


def parameter_names(url: str) -> tuple[str, ...]:
    """Return the names of a URL's parameters, none for a URL that is not valid."""
    try:
        query = urlsplit(url).query
    except ValueError:
        return ()
    return tuple(dict.fromkeys(name for name, _ in parse_qsl(query, True)))


def jmespath_of(path: Sequence[str]) -> str:
    """Return a path as JMESPath; unusual names are quoted."""
    if not path:
        return "@"
    return ".".join(name if _PLAIN_NAME.fullmatch(name) else _quoted_key(name) for name in path)


def _quoted_key(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _places(body: Json, names: Path) -> Iterator[tuple[Path, Mapping[str, Json], bool]]:
    """Yield the objects above the list and those about paging in them, the nearest list first."""
    above: list[tuple[Path, Mapping[str, Json]]] = []
    value = body
    for depth in range(max(len(names), 1)):
        if not isinstance(value, Mapping):
            break
        above.append((names[:depth], value))
        value = value.get(names[depth]) if depth < len(names) else None
    for path, place in reversed(above):
        yield path, place, bool(path) and plain(path[-1]) in ABOUT_PAGES
        yield from _about_pages(path, place, names, _DEPTH)


def _about_pages(
    path: Path, place: Mapping[str, Json], names: Path, depth: int
) -> Iterator[tuple[Path, Mapping[str, Json], bool]]:
    for name, value in place.items():
        inner = (*path, name)
        if not depth or not isinstance(value, Mapping) or inner == names[: len(inner)]:
            continue
        if plain(name) in ABOUT_PAGES:
            yield inner, value, True
            yield from _about_pages(inner, value, names, depth - 1)


def _object_signs(
    path: Path, place: Mapping[str, Json], about_pages: bool, is_record: bool = False
) -> Iterator[Sign]:
    by_name = {plain(name): name for name in place}
    if _IN_OBJECTS.isdisjoint(by_name):
        return
    if not about_pages:
        has_id = any(_ID.search(name) for name in place)
        is_record = is_record or has_id or not OF_RECORDS.isdisjoint(by_name)
    else:
        is_record = False
    flags = [name for name, value in place.items() if plain(name) in MORE and _flag(value)]
    has_companions = about_pages or len(COMPANIONS.intersection(by_name)) > 1
    for name, value in place.items():
        word = plain(name)
        if word not in _IN_OBJECTS:
            continue
        where = jmespath_of((*path, name))
        if is_record and (word in WEAK_TOTAL or word in WEAK_PAGES or word in WEAK_WORDS):
            continue
        if word in MORE or word in LAST:
            is_number = isinstance(value, int) and not isinstance(value, bool)
            flag = None if word in LAST and is_number else _flag(value)
            if flag is False and word in WEAK_MORE and not NEXT.isdisjoint(by_name):
                continue
            if flag is not None:
                yield Sign("more", where, is_end=flag is (word in LAST))
                continue
        if word in NEXT:
            yield from _next_signs(where, value)
        elif word in END_CURSORS and isinstance(value, str) and value and flags:
            yield Sign("cursor", where, flag=jmespath_of((*path, flags[0])))
        elif word in WEAK_NEXT and isinstance(value, str) and value and not value.isdigit():
            if not is_record:
                yield Sign("cursor", where, is_sure=False)
        elif word in ("links", "link") and isinstance(value, (list, Mapping)):
            yield from _link_list(where, value)
        elif word in REMAINING and _number(value):
            yield Sign("more", where)
        elif word in TOTAL or word in WEAK_TOTAL:
            number, is_exact = _total(value)
            others = COMPANIONS.intersection(by_name) - {word}
            sure = word in TOTAL or (word == "total" and (about_pages or bool(others)))
            if number is not None:
                is_sure = sure and is_exact and not is_record
                yield Sign("total", where, number, is_sure=is_sure)
        elif word in PAGES or word in WEAK_PAGES:
            number = _number(value)
            if number is not None:
                sure = isinstance(value, int) and (word in PAGES or has_companions)
                yield Sign("pages", where, number, is_sure=sure and not is_record)


def _next_signs(where: str, value: Json) -> Iterator[Sign]:
    """Yield the sign of a key that names the next page."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if isinstance(inner, str) and inner and plain(key) in _URL_KEYS:
                path = f"{where}.{jmespath_of((key,))}"
                yield Sign("link", path, params=parameter_names(inner))
                return
        if any(key == _TEXT or key.startswith("@") for key in value):
            yield from _next_element(where, value)
            return
        inner_key = next((key for key, inner in value.items() if _is_scalar(inner)), None)
        if inner_key is not None:
            yield Sign("cursor", f"{where}.{jmespath_of((inner_key,))}")
        elif not value:
            yield Sign("cursor", where, is_end=True)
    elif value is True:
        yield Sign("more", where)
    elif not value or (isinstance(value, str) and value.strip().lower() in _FALSE):
        yield Sign("cursor", where, is_end=True)
    elif isinstance(value, str) and LINK.match(value):
        yield Sign("link", where, params=parameter_names(value))
    elif isinstance(value, (str, int)):
        yield Sign("cursor", where)


def _is_scalar(value: Json) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool) and value not in ("", 0)


def _next_element(where: str, element: Mapping[str, Json]) -> Iterator[Sign]:
    """Yield the sign of an XML element with attributes whose text names the next page."""
    text = element.get(_TEXT)
    if isinstance(text, str) and text.strip():
        yield from _next_signs(f'{where}."{_TEXT}"', text)
    else:
        yield Sign("cursor", f'{where}."{_TEXT}"', is_end=True)


def _link_list(where: str, links: list[Json] | Mapping[str, Json]) -> Iterator[Sign]:
    """Yield the next link of a list of links (Atom, FHIR, HATEOAS), or of one link."""
    for link in links if isinstance(links, list) else [links]:
        if not isinstance(link, Mapping):
            continue
        key = next((key for key in link if plain(key) in ("rel", "relation")), None)
        if key is None or "next" not in str(link[key]).lower().split():
            continue
        url = next((one for one in link if _is_address(one, link[one])), None)
        if url is not None:
            # a list of one is a single element in XML
            of = where if isinstance(links, list) and key[0] != "@" else f"to_array({where})"
            condition = f"{jmespath_of((key,))} == '{link[key]}'"
            path = f"{of}[?{condition}] | [0].{jmespath_of((url,))}"
            yield Sign("link", path, params=parameter_names(link[url]))


def _is_address(name: str, value: Json) -> bool:
    is_named = plain(name) in _URL_KEYS or (name == _TEXT and LINK.match(str(value)) is not None)
    return is_named and isinstance(value, str) and bool(value.strip())


def _header_signs(headers: Mapping[str, str]) -> Iterator[Sign]:
    for name, value in headers.items():
        if not _may_be_sign(name):
            continue
        word = plain(name)
        if word == "link":
            url = links_by_relation(value).get("next")
            if url:
                yield Sign("link", name, is_header=True, params=parameter_names(url))
            continue
        if word == "contentrange":
            found = _RANGE.fullmatch(value)
            if found is not None:
                is_end = int(found[2]) + 1 >= int(found[3])
                yield Sign("more", name, is_end=is_end, is_header=True)
                yield Sign("total", name, int(found[3]), is_header=True)
            continue
        if value[:1] == "{" and "pagination" in word:
            yield from _header_object(name, value)
            continue
        word = _without_prefix(word)
        if word in NEXT_HEADERS:
            yield Sign("cursor", name, is_end=value.strip() in _FALSE, is_header=True)
        elif word in MORE and (flag := _flag(value)) is not None:
            yield Sign("more", name, is_end=not flag, is_header=True)
        elif word == "total" or word in TOTAL:
            if value.strip().isdigit():
                yield Sign("total", name, int(value), is_header=True)
        elif word in PAGES and value.strip().isdigit():
            yield Sign("pages", name, int(value), is_header=True)


@lru_cache(maxsize=2000)
def _may_be_sign(header: str) -> bool:
    """Return whether a header with this name may be about pages."""
    word = plain(header)
    is_own = word in ("link", "contentrange") or "pagination" in word
    return is_own or _without_prefix(word) in _IN_HEADERS


def _without_prefix(word: str) -> str:
    return word.removeprefix("x").removeprefix("wp").removeprefix("pagination")


def _header_object(name: str, value: str) -> Iterator[Sign]:
    """Yield the signs of a header that holds JSON, `X-Pagination`."""
    try:
        parsed = orjson.loads(value)
    except ValueError:
        return
    for sign in _object_signs((), parsed, True):
        yield Sign(sign.kind, name, sign.number, sign.is_end, sign.is_sure, True, sign.params)


def _flag(value: Json) -> bool | None:
    """Return a flag as true or false, None if it is none."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    text = value.strip().lower() if isinstance(value, str) else ""
    return {"true": True, "false": False}.get(text)


def _number(value: Json) -> int | None:
    """Return a count as an integer, None if it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isdecimal() and len(value) < 16:
        return int(value)
    return value if isinstance(value, int) and value >= 0 else None


def _total(value: Json) -> tuple[int | None, bool]:
    """Return a total, and whether it is exact; Elasticsearch has an object with a relation."""
    if isinstance(value, Mapping):
        return _number(value.get("value")), value.get("relation", "eq") == "eq"
    return _number(value), isinstance(value, int)
