"""Group exchanges by what they ask for: one method and path, whose ids are variables."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from framework.importers.api_guesses.api_model.name_words import noun, plain_name, vocabulary
from framework.importers.recorded.api_exchange import ApiExchange
from framework.importers.recorded.open_values import open_names

Json = Any

_ID = re.compile(
    r"\d+|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|(?=[a-f]*\d)[0-9a-f]{16,}"
    r"|(?=[A-Z]*\d)[0-9A-HJKMNP-TV-Z]{26}"
    r"|[A-Za-z]{1,12}_(?=[A-Za-z]*\d)[A-Za-z0-9]{8,}"
    r"|(?=[^\d]*\d)(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])[A-Za-z0-9_-]{10,}"
)
_VERSION = re.compile(r"(?:api|rest|version|v)/\d{1,2}", re.IGNORECASE)
_SUFFIX = re.compile(r"\.(?:json|js)$")
_MIN_OVERLAP = 0.6
"""From this part of common keys on two responses have the same records."""
_LONGEST_ID = 80
_KEY_NAMES = vocabulary("id key slug login username handle code uid")

Step = tuple[str, bool]
"""One part of a path: its text, or its ending if it is a variable."""


@dataclass
class RecordedEndpoint:
    """The exchanges of one method and path. `steps` are the path's parts, `names` its variables.

    The last value of `key` tells GraphQL queries apart.
    """

    method: str
    steps: tuple[Step, ...]
    variant: str
    exchanges: list[ApiExchange] = field(default_factory=list)
    names: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The path with the names of its variables in braces."""
        names = iter(self.names)
        return "/" + "/".join(
            f"{{{next(names)}}}{text}" if is_variable else text for text, is_variable in self.steps
        )

    @property
    def useful(self) -> list[ApiExchange]:
        """The exchanges with a JSON response, or all of them if there is none."""
        return self.answered or self.exchanges

    @property
    def answered(self) -> list[ApiExchange]:
        """The exchanges with a JSON response."""
        return [one for one in self.exchanges if one.is_answered]

    def values_of(self, exchange: ApiExchange) -> tuple[str, ...]:
        """Return the values of the path's variables in an exchange."""
        return tuple(
            segment.removesuffix(text) if text else segment
            for segment, (text, is_variable) in zip(exchange.segments, self.steps, strict=True)
            if is_variable
        )

    def matches(self, method: str, segments: Sequence[str]) -> bool:
        """Return whether a request is one of this endpoint's."""
        return (
            method == self.method
            and len(segments) == len(self.steps)
            and all(
                segment.endswith(text) and len(segment) > len(text)
                if is_variable
                else segment == text
                for segment, (text, is_variable) in zip(segments, self.steps, strict=True)
            )
        )


def returned_texts(exchanges: Sequence[ApiExchange]) -> frozenset[str]:
    """Return the short scalars of all responses, as text."""
    found: set[str] = set()
    for exchange in exchanges:
        if exchange.is_answered:
            found.update(_texts(exchange.data))
    return frozenset(found)


def _texts(data: Json) -> Iterator[str]:
    stack = [data]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            stack += value.values()
        elif isinstance(value, list):
            stack += value
        elif isinstance(value, (str, int)) and not isinstance(value, bool):
            text = str(value)
            if 0 < len(text) <= _LONGEST_ID:
                yield text


def endpoints_of(exchanges: Sequence[ApiExchange]) -> list[RecordedEndpoint]:
    """Return the endpoints in the order of their first exchange."""
    found: dict[tuple[str, tuple[Step, ...], str], RecordedEndpoint] = {}
    for exchange in exchanges:
        before = ("", *exchange.segments)
        steps = tuple(map(_step, exchange.segments, before))
        variant = " ".join((exchange.graphql or "").split())
        key = (exchange.method, steps, variant)
        endpoint = found.setdefault(key, RecordedEndpoint(exchange.method, steps, variant))
        endpoint.exchanges.append(exchange)
    endpoints = _joined(list(found.values()))
    for endpoint in endpoints:
        endpoint.names = tuple(_names(endpoint))
    return endpoints


def _step(segment: str, before: str) -> Step:
    """Return a part of a path; the number after `api` is that of a version."""
    if _VERSION.fullmatch(f"{before}/{segment}"):
        return (segment, False)
    suffix = _SUFFIX.search(segment)
    stem = segment[: suffix.start()] if suffix else segment
    if _ID.fullmatch(stem) or open_names(stem):
        return (suffix[0] if suffix else "", True)
    return (segment.replace("{", "%7B").replace("}", "%7D"), False)


def _joined(endpoints: list[RecordedEndpoint]) -> list[RecordedEndpoint]:
    """Make variables of words that are records of other lists: `/users/ada` beside `/users`."""
    lists = {one.steps: returned_texts(one.exchanges) for one in endpoints if one.method == "GET"}
    keyed = frozenset(key for one in endpoints for key in _keyed_texts(one))
    everything = frozenset[str]().union(*lists.values()) if lists else frozenset[str]()
    for position in range(max((len(one.steps) for one in endpoints), default=0)):
        groups: dict[Any, list[RecordedEndpoint]] = defaultdict(list)
        for one in endpoints:
            if position < len(one.steps) and not one.steps[position][1] and one.steps[position][0]:
                rest = (one.steps[:position], one.steps[position + 1 :])
                groups[one.method, rest, one.variant].append(one)
        for group in groups.values():
            values = [one.steps[position][0] for one in group]
            if any(one.isdigit() for one in values):
                continue
            above = lists.get(group[0].steps[:position], frozenset())
            is_below = position > 0 and all(one in above or one in keyed for one in values)
            is_same = (
                len(group) > 1
                and all(one in everything for one in values)
                and _are_alike([one.answered for one in group])
            )
            if is_below or is_same:
                kept = group[0]
                kept.steps = (*kept.steps[:position], ("", True), *kept.steps[position + 1 :])
                for other in group[1:]:
                    kept.exchanges += other.exchanges
                kept.exchanges.sort(key=lambda one: one.number)
                endpoints = [one for one in endpoints if one not in group[1:]]
                endpoints = _united(endpoints)
    return endpoints


def _keyed_texts(endpoint: RecordedEndpoint) -> Iterator[str]:
    """Yield the words that identify a record, such as a login or a slug."""
    for exchange in endpoint.answered:
        stack = [exchange.data]
        while stack:
            value = stack.pop()
            if isinstance(value, dict):
                stack += value.values()
                for key, one in value.items():
                    if isinstance(one, str) and one and plain_name(key) in _KEY_NAMES:
                        yield one
            elif isinstance(value, list):
                stack += value


def _united(endpoints: list[RecordedEndpoint]) -> list[RecordedEndpoint]:
    """Join endpoints that have become the same."""
    found: dict[Any, RecordedEndpoint] = {}
    for one in endpoints:
        key = (one.method, one.steps, one.variant)
        if key in found and found[key] is not one:
            found[key].exchanges += one.exchanges
            found[key].exchanges.sort(key=lambda exchange: exchange.number)
        else:
            found[key] = one
    return list(found.values())


def _are_alike(groups: Sequence[list[ApiExchange]]) -> bool:
    """Return whether responses have mostly the same keys."""
    keys = [_keys(group) for group in groups]
    first = keys[0]
    return bool(first) and all(
        len(first & other) >= _MIN_OVERLAP * len(first | other) for other in keys[1:]
    )


def _keys(exchanges: list[ApiExchange]) -> set[str]:
    """Return the keys of a response and of the first record of each list in it."""
    found: set[str] = set()
    for exchange in exchanges[:3]:
        stack = [(exchange.data, 0)]
        while stack:
            value, depth = stack.pop()
            if isinstance(value, dict) and depth < 4:
                found |= value.keys()
                stack += [(one, depth + 1) for one in value.values()]
            elif isinstance(value, list) and value:
                stack.append((value[0], depth))
    return found


def _names(endpoint: RecordedEndpoint) -> Iterator[str]:
    """Name variables after what stands before them: `user_id` in `/users/{user_id}`."""
    used: set[str] = set()
    before = ""
    exchange = endpoint.exchanges[0]
    for segment, (text, is_variable) in zip(exchange.segments, endpoint.steps, strict=True):
        if not is_variable:
            before = text
            continue
        marks = open_names(segment)
        words = "_".join(noun(before)) if before and plain_name(before) else ""
        name = marks[0] if marks else f"{words}_id" if words else "id"
        candidate, number = name, 2
        while candidate in used:
            candidate, number = f"{name}_{number}", number + 1
        used.add(candidate)
        before = ""
        yield candidate
