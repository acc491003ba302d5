"""Actions that ask for less: there is a page or a window that can be smaller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from framework.definition.defaults import MergedResource
from framework.definition.draft import Draft
from framework.definition.model import SHRINKING, TIMEOUT
from framework.definition.rules.rule import Breach, Key, rule
from framework.definition.schema.annotations import cursors

Json = Any

_SIZES = {"offset": "limit", "cursor": "page_size", "header_cursor": "page_size"}
"""The key with a page's size, by the type of paginators whose pages can be smaller."""


@rule("shrink-without-size")
def check_pages(draft: Draft) -> Iterator[Breach]:
    """A page that can be smaller begins after the last record, and its size is known."""
    for merged, position in _actions(draft, "shrink_page"):
        own = merged.endpoint.get("paginator")
        paginator = draft.client.get("paginator") if own is None else own
        if not isinstance(paginator, Mapping):
            paginator = {"type": paginator or "auto"}
        kind = paginator.get("type")
        size = _SIZES.get(kind) if isinstance(kind, str) else None
        if size is None:
            yield (
                _place(merged, position, "action"),
                f"shrink_page needs a paginator of type {', '.join(_SIZES)}; found {kind}, whose "
                "pages would begin elsewhere if they were smaller",
            )
        elif not paginator.get(size):
            yield (
                _place(merged, position, "action"),
                f"shrink_page halves the page's size, and the paginator says none; add {size}",
            )


@rule("shrink-without-step")
def check_windows(draft: Draft) -> Iterator[Breach]:
    """A window that can be halved is one of a `step`."""
    for merged, position in _actions(draft, "shrink_window"):
        if not any(cursor.written.get("step") for cursor in cursors(merged)):
            yield (
                _place(merged, position, "action"),
                "shrink_window halves the window of an incremental; add `step`, with a start and "
                "an end that are sent",
            )


@rule("timeout-without-shrink")
def check_timeouts(draft: Draft) -> Iterator[Breach]:
    """A timeout is a condition only of asking for less: retries repeat what came too late."""
    for merged, position in _actions(draft):
        action = merged.endpoint["response_actions"][position]
        codes = action.get("status_code")
        if TIMEOUT not in (codes if isinstance(codes, list) else [codes]):
            continue
        if action["action"] in SHRINKING:
            continue
        yield (
            _place(merged, position, "status_code"),
            f"{TIMEOUT} is a condition of shrink_page and shrink_window alone; remove it: "
            "`client.retry` repeats a request without a response",
        )


def _actions(draft: Draft, kind: str | None = None) -> Iterator[tuple[MergedResource, int]]:
    """Yield the position of each response action of this kind, with its resource."""
    for merged in draft.resources:
        actions = merged.endpoint.get("response_actions")
        for position, one in enumerate(actions if isinstance(actions, list) else []):
            name = one.get("action") if isinstance(one, dict) else None
            if isinstance(name, str) and kind in (None, name):
                yield merged, position


def _place(merged: MergedResource, position: int, key: str) -> Key:
    return Key((*merged.place("endpoint", "response_actions", position), key))
