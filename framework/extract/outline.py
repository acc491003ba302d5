"""An answer looked through with its list of records left as it came: what stands beside the list,
and how many records there are.

msgspec checks the JSON and cuts the list out, in a quarter of the time that parsing takes. Whoever
wants the records themselves makes something else of the text, or parses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from jsonpath_ng import JSONPath

from framework.definition.expressions.jmespath_expression import Expression
from framework.definition.json_text import parse
from framework.extract.pagination import Paging
from framework.extract.plan import Plan
from framework.extract.selectors import JmesPath

Json = Any
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True)
class Unparsed:
    """Stands in an outline for a list that is not parsed; `ends` are its first and last item."""

    count: int
    ends: tuple[Json, Json]


def outlined(body: bytes, path: tuple[str, ...]) -> dict[str, Json] | None:
    """The body's object, with an Unparsed for the list at these keys. None where there is no such
    list or nothing in it, or the body is not JSON in UTF-8."""
    try:
        if not body.isascii():
            body.decode()  # which msgspec does not look at
        return _cut(body, path)
    except (ValueError, RecursionError):  # msgspec's errors are among them
        return None


def _cut(raw: bytes | msgspec.Raw, path: tuple[str, ...]) -> dict[str, Json] | None:
    parts = _OBJECT.decode(raw)
    held = parts.pop(path[0], None)
    if held is None:
        return None
    if len(path) > 1:
        inner: Any = _cut(held, path[1:])
        if inner is None:
            return None
    else:
        items = _LIST.decode(held)
        if not items:
            return None
        first, last = (parse(bytes(item))[0] for item in (items[0], items[-1]))
        inner = Unparsed(len(items), (first, last))
    return {path[0]: inner, **{key: parse(bytes(part))[0] for key, part in parts.items()}}


def count_of(page: Sequence[Json]) -> int:
    """How many records a page has, parsed or not."""
    return page[0].count if is_unparsed(page) else len(page)


def ends_of(page: Sequence[Json]) -> list[Json]:
    """The first and the last record of a page that has some."""
    if is_unparsed(page):
        return list(page[0].ends)
    return [page[0], page[-1]]


def is_unparsed(page: Sequence[Json]) -> bool:
    """Whether what the selector found is a list that was left as it came."""
    return len(page) == 1 and type(page[0]) is Unparsed


def list_of(plan: Plan, paginator: Any) -> tuple[str, ...]:
    """The keys of the list of records in an answer; empty where anything but its table may look
    into it."""
    selector = plan.endpoint.data_selector
    names = selector.names if isinstance(selector, Expression) else ()
    if plan.resource.steps or paginator is None or isinstance(paginator, Paging):
        return ()
    for path in vars(paginator).values():
        if not isinstance(path, JSONPath):
            continue
        read = path.expression.names if isinstance(path, JmesPath) else ()
        both = min(len(read), len(names))
        if read[:both] == names[:both]:
            return ()
    return names
