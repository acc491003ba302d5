"""Tell a paginator by two recorded pages of a list: what the first announced of the second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from framework.authoring.exchange import header_value
from framework.http.link_header import links_by_relation
from framework.importers.api_guesses.api_model.name_words import plain_name, words_of
from framework.importers.api_guesses.api_model.shapes import ShapeReader
from framework.importers.api_guesses.paginator_guess import PaginatorGuess
from framework.importers.api_guesses.paging_signs import (
    RequestRole,
    ResponseSign,
    end_flag,
    request_role,
    response_signs,
)
from framework.importers.api_guesses.record_lists import ListGuess, quoted
from framework.importers.recorded.api_exchange import ApiExchange, InputKey, scalars_outside
from framework.importers.recorded.endpoints import RecordedEndpoint
from framework.importers.recorded.observed_records import input_shape, records_of

Json = Any

PROVED = 0.97
"""How sure a guess is that two recorded pages show."""
_MOST_PAIRS = 400
_SHORTEST_CURSOR = 7
"""Characters from which on a value is a cursor whatever its field is called."""
_NOISE = frozenset({"_", "t", "ts", "cb", "nocache", "timestamp", "rand", "random", "nonce"})
_FURTHER = frozenset(
    {"after", "since", "start", "starting", "from", "last", "next", "gt", "before"}
)
_NAMES_KEY = frozenset({"id", "ids", "key", "year", "month", "day", "level", "depth", "version"})
_NEXT = frozenset({"next", "cursor", "continuation", "token", "after", "marker", "bookmark"})


@dataclass(frozen=True)
class PagePair:
    """Two pages of one list, in the order of their requests; `changed` is what the second adds."""

    first: ApiExchange
    second: ApiExchange
    changed: tuple[InputKey, ...]


@dataclass(frozen=True)
class _Comparison:
    signs: list[ResponseSign]

    def told(self, *roles: str) -> ResponseSign | None:
        return next((one for role in roles for one in self.signs if one.role == role), None)


def compared_paginator(
    endpoint: RecordedEndpoint, guess: ListGuess, shapes: ShapeReader
) -> PaginatorGuess | None:
    """Return the paginator that recorded pages show, None if no two of them are neighbours."""
    found: list[PaginatorGuess] = []
    comparison = _Comparison(response_signs(guess, shapes))
    for pair in page_pairs(endpoint):
        first, second = records_of(guess, pair.first.data), records_of(guess, pair.second.data)
        if not first or pair.first.data == pair.second.data:
            continue
        one = _by_link(pair, first)
        if one is None and len(pair.changed) == 1 and first != second:
            key = pair.changed[0]
            one = _by_cursor(comparison, pair, key, first) or _by_number(
                comparison, endpoint, pair, key, first
            )
        if one is not None:
            found.append(one)
    return max(found, key=lambda one: one.confidence, default=None)


def is_noise(key: InputKey, value: Json) -> bool:
    """Return whether an input only keeps caches away."""
    name = plain_name(key[1]) or key[1]
    return name in _NOISE and (not str(value) or str(value).replace(".", "").isdigit())


def page_pairs(endpoint: RecordedEndpoint) -> Iterator[PagePair]:
    """Yield the pairs of exchanges that may be neighbours: with the same values in the path."""
    answered = endpoint.answered
    for number, (first, second) in enumerate(combinations(answered, 2)):
        if number >= _MOST_PAIRS:
            return
        if endpoint.values_of(first) != endpoint.values_of(second):
            continue
        changed = tuple(
            key
            for key, value in second.inputs.items()
            if first.inputs.get(key) != value and not is_noise(key, value)
        )
        yield PagePair(first, second, changed)


def _by_link(pair: PagePair, records: Sequence[Json]) -> PaginatorGuess | None:
    header = header_value(pair.first.interaction.headers, "link")
    target = links_by_relation(header).get("next") if header else None
    if target and _is_same(target, pair):
        return PaginatorGuess(
            {"type": "header_link"},
            PROVED,
            "the second page's address is in the Link header",
            _added(pair),
        )
    for path, value in scalars_outside(pair.first.data, list(records)):
        if not isinstance(value, str) or not ("/" in value or "?" in value):
            continue
        if not _is_same(value, pair):
            continue
        keys = [one for one in path if isinstance(one, str)]
        if len(keys) == len(path):
            place = ".".join(map(quoted, keys))
            return PaginatorGuess(
                {"type": "json_link", "next_url_path": place},
                PROVED + 0.01,
                f"the second page's address is {place} of the first",
                _added(pair),
            )
        links = _holder(pair.first.data, path)
        if isinstance(links, dict) and links.get("rel") == "next" and isinstance(path[-2], int):
            place = ".".join(quoted(str(one)) for one in path[:-2])
            return PaginatorGuess(
                {
                    "type": "json_link",
                    "next_url": f"response.{place}[?rel == 'next'] | [0].{quoted(str(path[-1]))}",
                },
                PROVED,
                f"the second page's address is the link `next` of {place}",
                _added(pair),
            )
    return None


def _added(pair: PagePair) -> frozenset[str]:
    """Return the inputs that the link of a next page has and the first request has not."""
    return frozenset(name for place, name in pair.changed if (place, name) not in pair.first.inputs)


def _holder(data: Json, path: Sequence[str | int]) -> Json:
    for key in path[:-1]:
        data = data[key]
    return data


def _is_same(target: str, pair: PagePair) -> bool:
    """Return whether an address is that of the second page; hosts of proxies may differ."""
    try:
        asked = urlsplit(pair.second.interaction.url)
        told = urlsplit(urljoin(pair.first.interaction.url, target))
    except ValueError:
        return False
    if asked.path.rstrip("/") != told.path.rstrip("/"):
        return False
    sent, announced = (set(parse_qsl(one.query, keep_blank_values=True)) for one in (asked, told))
    return (
        bool(announced)
        and announced <= sent
        and pair.first.interaction.url != urljoin(pair.first.interaction.url, target)
    )


def _by_cursor(
    comparison: _Comparison, pair: PagePair, key: InputKey, records: Sequence[Json]
) -> PaginatorGuess | None:
    value = pair.second.inputs[key]
    if not isinstance(value, (str, int)) or isinstance(value, bool) or value == "":
        return None
    text = str(value)
    is_short = len(text) < _SHORTEST_CURSOR
    sender = _sender(key)
    for path, told in sorted(
        scalars_outside(pair.first.data, list(records)), key=lambda one: len(one[0])
    ):
        if isinstance(told, bool) or str(told) != text or not _is_key_path(path):
            continue
        words = {word for one in path[-2:] for word in words_of(str(one))}
        if is_short and not words & _NEXT:
            continue
        place = ".".join(quoted(str(one)) for one in path)
        flag = end_flag(comparison.signs)
        return PaginatorGuess(
            {
                "type": "cursor",
                "cursor_path": place,
                **sender,
                **({"has_more_path": flag["has_more_path"]} if "has_more_path" in flag else {}),
                **_page_size(pair),
            },
            PROVED + 0.01,
            f"the second page asks with {place} of the first in {key[1]}",
            _sent(key, pair),
        )
    for name, header in pair.first.interaction.headers:
        if header == text and set(words_of(name)) & _NEXT and key[0] == "query":
            return PaginatorGuess(
                {"type": "header_cursor", "cursor_key": name, "cursor_param": key[1]},
                PROVED,
                f"the second page asks with the header {name} of the first",
                frozenset({key[1]}),
            )
    return _by_last_record(comparison, pair, key, records)


def _is_key_path(path: Sequence[str | int]) -> bool:
    return bool(path) and all(isinstance(one, str) for one in path)


def _by_last_record(
    comparison: _Comparison, pair: PagePair, key: InputKey, records: Sequence[Json]
) -> PaginatorGuess | None:
    text = str(pair.second.inputs[key])
    last = records[-1]
    fields = [name for name, one in last.items() if str(one) == text and one is not True]
    role = _role(key, pair.second.inputs[key])
    # a filter by a field of the last record, such as its author, is no cursor
    is_cursor = role in ("cursor", "last_id") or set(words_of(key[1])) & _FURTHER
    is_count = text.isdigit() and role in ("page", "offset", "size")
    if not fields or not is_cursor or is_count:
        return None
    flag = end_flag(comparison.signs)
    return PaginatorGuess(
        {
            "type": "cursor",
            "cursor": f"last_record.{quoted(fields[0])}",
            **_sender(key),
            **(flag or {"stop_after_empty_page": True}),
            **_page_size(pair),
        },
        PROVED - 0.02,
        f"the second page asks with {fields[0]} of the first page's last record in {key[1]}",
        _sent(key, pair),
    )


def _sender(key: InputKey) -> Mapping[str, Json]:
    return {"cursor_param" if key[0] == "query" else "cursor_body_path": key[1]}


def _role(key: InputKey, value: Json) -> RequestRole | None:
    return request_role(key[1].rpartition(".")[2], input_shape([value]), "")


def _size(pair: PagePair) -> tuple[InputKey, int] | None:
    """Return the input that says how many records a page has, and its value."""
    for key, value in pair.first.inputs.items():
        if pair.second.inputs.get(key) == value and _whole(value) and _role(key, value) == "size":
            return key, int(value)
    return None


def _page_size(pair: PagePair) -> Mapping[str, Json]:
    """Return the size of a page and its parameter; in a body it is written there."""
    size = _size(pair)
    if size is None or size[0][0] == "body":
        return {}
    return {"page_size": size[1], "page_size_param": size[0][1]}


def _sent(key: InputKey, pair: PagePair) -> frozenset[str]:
    size = _size(pair)
    return frozenset({key[1], *([size[0][1]] if size and size[0][0] == "query" else [])})


def _whole(value: Json) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, str) and value.isdigit())


def _by_number(
    comparison: _Comparison,
    endpoint: RecordedEndpoint,
    pair: PagePair,
    key: InputKey,
    records: Sequence[Json],
) -> PaginatorGuess | None:
    before, after = pair.first.inputs.get(key), pair.second.inputs[key]
    if not _whole(after) or not (before is None or _whole(before)):
        return None
    role = _role(key, after)
    if before is None:
        # a first request without the number asks for page 0 or 1, or skips none
        is_page = role == "page" or (role != "offset" and int(after) in (1, 2))
        start = int(after) - 1 if is_page else 0
    else:
        start = int(before)
    step = int(after) - start
    if step <= 0 or role in ("size", "cursor", "last_id"):
        return None
    words = words_of(key[1])
    if role is None and (words[-1:] == () or words[-1] in _NAMES_KEY):
        return None
    is_offset = role == "offset" or (role != "page" and step > 1 and step == len(records))
    if is_offset:
        return _offset(comparison, pair, key, step, start, records)
    if step != 1 or (role is None and start not in (0, 1)):
        return None
    return _page(comparison, endpoint, pair, key, start, role)


def _page(
    comparison: _Comparison,
    endpoint: RecordedEndpoint,
    pair: PagePair,
    key: InputKey,
    start: int,
    role: RequestRole | None,
) -> PaginatorGuess:
    seen = [int(one.inputs[key]) for one in endpoint.answered if _whole(one.inputs.get(key))]
    base = min([start, *seen])
    base = base if base in (0, 1) else 1
    pages = comparison.told("pages")
    total = None
    if pages is not None and base == 1 and _value(pair.second.data, pages.path) not in (None, 1):
        total = ".".join(map(quoted, pages.path))
    place = "page_param" if key[0] == "query" else "page_body_path"
    return PaginatorGuess(
        {
            "type": "page_number",
            "base_page": base,
            place: key[1],
            "total_path": total,
            **_checked_flag(comparison, pair),
            **_page_size(pair),
        },
        (PROVED if start in (0, 1) else 0.8) if role == "page" else 0.6,
        f"two recorded pages differ in {key[1]}, by 1",
        _sent(key, pair),
    )


def _offset(
    comparison: _Comparison,
    pair: PagePair,
    key: InputKey,
    step: int,
    start: int,
    records: Sequence[Json],
) -> PaginatorGuess:
    size = _size(pair)
    limit_place: dict[str, Json] = {"limit_param": None}
    sent = {key[1]}
    if size is not None:
        name = size[0][1]
        sent.add(name)
        limit_place = (
            {"limit_param": name}
            if size[0][0] == "query"
            else {"limit_param": None, "limit_body_path": name}
        )
    total = comparison.told("total")
    path = None
    if total is not None:
        counts = [_value(one.data, total.path) for one in (pair.first, pair.second)]
        is_total = counts[0] == counts[1] and isinstance(counts[0], int) and counts[0] > step
        path = ".".join(map(quoted, total.path)) if is_total else None
    place: dict[str, Json] = (
        {"offset_param": key[1]}
        if key[0] == "query"
        else {"offset_param": None, "offset_body_path": key[1]}
    )
    is_proved = step == len(records) or (size is not None and step == size[1])
    is_named = _role(key, pair.second.inputs[key]) == "offset"
    return PaginatorGuess(
        {
            "type": "offset",
            "limit": step,
            **({"offset": 1} if start == 1 else {}),
            **place,
            **limit_place,
            "total_path": path,
            **_checked_flag(comparison, pair),
        },
        PROVED if is_proved and is_named else 0.65,
        f"two recorded pages differ in {key[1]}, by {step}"
        + ("" if is_proved else "; the first one has another number of records"),
        frozenset(sent),
    )


def _checked_flag(comparison: _Comparison, pair: PagePair) -> Mapping[str, Json]:
    """Return the sign of the end, if it said that the first page is not the last one."""
    more = comparison.told("has_more")
    if more is not None and _value(pair.first.data, more.path) is True:
        return end_flag(comparison.signs)
    return {}


def _value(data: Json, path: Sequence[str]) -> Json:
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data
