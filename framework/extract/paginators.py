"""A paginator of a file as one of dlt's: dlt's words go to dlt, the file's own into a `Paging`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dlt.sources.helpers.rest_client.paginators import BasePaginator
from dlt.sources.rest_api.config_setup import create_paginator

from framework.definition.expressions.jmespath_expression import compile_expression
from framework.definition.expressions.placeholders import placeholders, texts_of
from framework.definition.paginator_keys import (
    CONTEXT_EXPRESSIONS,
    OF_A_PAGE,
    OURS,
    PAGING,
    PARAMETERS,
)
from framework.extract.next_pages import widened
from framework.extract.pagination import UNSENT, Over, Paging, Rules

Json = Any

PATHS = ("cursor_path", "next_url_path", "total_path", "has_more_path")
"""The paginator's keys that hold an expression on the body."""


def paginator_of(
    config: Mapping[str, Json] | None,
    final: Callable[[Json], Json],
    path_of: Callable[[str], Json],
    taken: frozenset[str] = frozenset(),
) -> BasePaginator | None:
    """The paginator of a mapping with a `type`; None where dlt shall detect one.

    `final` fills placeholders in, `path_of` makes an expression on the body one that dlt takes.
    `taken` is what the request's placeholders take of the last page (`paging_values`): paging
    values in it are not sent by their default names, too. Nor is one whose name is null.
    """
    if config is None or config["type"] == "auto":
        return None
    kept = {k: v for k, v in config.items() if k in (*PATHS, *CONTEXT_EXPRESSIONS)}
    filled = {**config, **final({k: v for k, v in config.items() if k not in kept})}
    theirs = {key: value for key, value in filled.items() if key not in OURS}
    for key in PATHS:
        if isinstance(theirs.get(key), str):
            theirs[key] = path_of(theirs[key])
    over = None
    for key, place in (("cursor", "cursor_path"), ("next_url", "next_url_path")):
        if filled.get(key) is not None:
            over = theirs[place] = Over(compile_expression(filled[key]))
    unsent = False
    for value, names in PARAMETERS.get(str(config["type"]), {}).items():
        if any(theirs.get(name) for name in names):
            continue
        if value in taken or names[0] in theirs:
            theirs[names[0]] = UNSENT + value
            unsent = True
    inner = widened(create_paginator(theirs))  # type: ignore[arg-type]
    stop = filled.get("stop_when")
    rules = Rules(
        None if stop is None else compile_expression(stop),
        filled.get("page_size", theirs.get("limit")),
        bool(filled.get("stop_after_short_page")),
        filled.get("send_first", True),
        bool(taken),
    )
    if inner is None or (over is None and not unsent and rules == Rules(size=rules.size)):
        return inner
    return Paging(inner, rules, over)


def paging_values(*templates: Json) -> frozenset[str]:
    """What the placeholders of a request take of the last page: names below `paginator`, and the
    other roots that only an answer gives."""
    found: set[str] = set()
    for text in texts_of(templates):
        for part in placeholders(text):
            if part.kind != "expression":
                continue
            for path in compile_expression(part.text).reads(over_context=True):
                if path[:1] == ("paginator",):
                    found |= set(path[1:2]) or PAGING
                elif path[:1] and path[0] in OF_A_PAGE:
                    found.add(path[0])
    return frozenset(found)


def size_params(
    config: Mapping[str, Json] | None, final: Callable[[Json], Json]
) -> dict[str, Json]:
    """The parameter that carries the page's size, if one does."""
    name = (config or {}).get("page_size_param")
    return {name: final(config["page_size"])} if config is not None and name else {}
