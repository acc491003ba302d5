"""The keys of paginators: dlt's, the framework's, and those that name request parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = Any

FRAMEWORK_KEYS = (
    *("ahead", "stop_when", "page_size", "page_size_param", "stop_after_short_page"),
    *("send_first", "cursor", "next_url"),
)
"""The keys that dlt's paginators do not know."""

CONTEXT_EXPRESSIONS = ("stop_when", "cursor", "next_url")
"""Those keys that hold an expression over the context."""

PAGING = frozenset({"page", "offset", "limit", "cursor"})
"""The names under `paginator` in the context."""

PAGE_KEYS = frozenset({"response", "headers", "status", "records", "last_record"})
"""The roots of the context that a response gives to the request of the next page."""

PAGING_PARAMETERS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "page_number": {"page": ("page_param", "page_body_path")},
    "offset": {
        "offset": ("offset_param", "offset_body_path"),
        "limit": ("limit_param", "limit_body_path"),
    },
    "cursor": {"cursor": ("cursor_param", "cursor_body_path")},
    "header_cursor": {"cursor": ("cursor_param", "cursor_param")},
}
"""By type and value: the keys that name its parameter. `{paginator.VALUE}` may send it instead."""

PAGING_VALUES: Mapping[str, tuple[str, ...]] = {
    "page_number": ("page", "limit"),
    "offset": ("offset", "limit"),
    "cursor": ("cursor", "limit"),
    "header_cursor": ("cursor",),
    "json_link": (),
    "json_response": (),
    "header_link": (),
    "single_page": (),
    "auto": (),
}
"""The paging values of each type."""


def total_path(paginator: Mapping[str, Json]) -> Json:
    """Return the path of the total: dlt's `total`, or None if something else ends the list."""
    ends = paginator.get("stop_after_short_page") or paginator.get("stop_when") is not None
    return paginator.get("total_path", None if ends else "total")
