"""What a retriever does about requests that are too large, and lists that page only so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from framework.importers.airbyte.import_context import ImportContext
from framework.importers.airbyte.manifest import Component

Json = Any
Action = dict[str, Json]


def translate_limits_of_paging(
    context: ImportContext, retriever: Component, endpoint: dict[str, Json]
) -> None:
    """Add `restart_after` to an endpoint, and say how it requests less otherwise than Airbyte."""
    reset = retriever.part("pagination_reset", "PaginationReset")
    if reset is not None:
        _add_restart(context, reset, endpoint)
    smaller = retriever.part("page_size_reduction", "PageSizeReduction")
    if smaller is not None:
        for key, usual in (
            ("reduction_factor", 2),
            ("minimum_page_size", 1),
            ("reset_policy", "NEVER"),
        ):
            if smaller.get(key, usual) != usual:
                context.note(
                    smaller.at(key),
                    "here pages are halved, down to one record, and stay so for the list",
                )
    splitting = retriever.part("request_window_splitting", "RequestWindowSplitting")
    if splitting is not None and splitting.get("min_split_window"):
        place = splitting.at("min_split_window")
        context.note(place, "here windows are halved down to the granularity")


def _add_restart(context: ImportContext, reset: Component, endpoint: dict[str, Json]) -> None:
    """Begin a list anew at its last cursor if Airbyte does; otherwise the action says it all."""
    limits = reset.part("limits", "PaginationResetLimits")
    records = limits.get("number_of_records") if limits is not None else None
    splits = str(reset.get("action", "")) == "SPLIT_USING_CURSOR"
    incremental = endpoint.get("incremental")
    if splits and incremental is not None:
        # without a limit only the API says when
        after = {"records": records} if isinstance(records, int) else {"when": "`false`"}
        incremental.update(row_order="asc", restart_after=after)
    elif splits:
        context.missing(reset.place, "a list that goes on at a cursor which no request contains")
    elif records is not None:
        context.missing(reset.at("limits"), "a list that begins anew after a number of records")
    elif incremental is None:
        context.note(
            reset.place,
            "a list that is replaced begins anew only before its first page was loaded; write "
            "write_disposition: merge if it should later",
        )


def without_unusable(
    context: ImportContext, place: str, actions: Sequence[Action], endpoint: Mapping[str, Json]
) -> list[Action]:
    """Return the actions of an endpoint, without asking for less where nothing can be less."""
    paginator = endpoint["paginator"]
    data = paginator if isinstance(paginator, dict) else {}
    has_size = data.get("type") in ("offset", "cursor") and ("limit" in data or "page_size" in data)
    has_windows = "step" in (endpoint.get("incremental") or {})
    usable = []
    for action in actions:
        if action["action"] == "shrink_page" and not has_size:
            context.missing(place, "smaller pages, of a list whose page size is not known")
        elif action["action"] == "shrink_window" and not has_windows:
            context.missing(place, "smaller windows, of a list without a range")
        else:
            usable.append(dict(action))
    return usable
