"""The component types that can be translated, and the function for each.

A new component is one function under `@component(role, "TypeName")` and one manifest that uses it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from framework.importers.airbyte.import_context import ImportContext
from framework.importers.airbyte.manifest import Component

Handler = TypeVar("Handler", bound=Callable[..., Any])

SUBJECTS = {
    "authenticator": "the authenticator is",
    "backoff_strategy": "the wait between attempts is",
    "components_resolver": "streams made by",
    "config_transformation": "the inputs are changed by",
    "cursor": "the cursor is",
    "decoder": "the response is decoded by",
    "error_handler": "the error handler is",
    "extractor": "the records are selected by",
    "paginator": "the paginator is",
    "pagination_strategy": "the pagination is",
    "partition_router": "the partitions are",
    "rate_policy": "the rate limit is",
    "record_filter": "the record filter is",
    "record_selector": "the records are selected by",
    "requester": "the requester is",
    "response_filter": "the response filter is",
    "retriever": "the retriever is",
    "schema_loader": "the schema is loaded by",
    "stream": "the stream is",
    "transformation": "the transformation is",
}
"""A component's role in its parent, and how a remark on it begins."""

REGISTRY: dict[str, dict[str, Callable[..., Any]]] = {role: {} for role in SUBJECTS}


def component(role: str, *types: str) -> Callable[[Handler], Handler]:
    """Register the function that translates components of these types in a role."""

    def register(handler: Handler) -> Handler:
        for name in types:
            if name in REGISTRY[role]:
                raise ValueError(f"{role} {name} is registered twice")
            REGISTRY[role][name] = handler
        return handler

    return register


def translate(
    context: ImportContext, role: str, part: Component | None, default: Any = None, *more: Any
) -> Any:
    """Return what the function for a component returns. The default stands for no component and,
    with a remark, for one whose type has no function."""
    handler = handler_of(context, role, part) if part is not None else None
    return default if handler is None else handler(context, part, *more)


def handler_of(context: ImportContext, role: str, part: Component) -> Callable[..., Any] | None:
    """Return the function for a component; None, with a remark, if its type has none."""
    handler = REGISTRY[role].get(part.type)
    if handler is None or part.custom:
        report_unknown(context, role, part)
        return None
    return handler


def report_unknown(context: ImportContext, role: str, part: Component, more: str = "") -> None:
    """Report a component whose type cannot be translated."""
    context.missing(part.place, f"{SUBJECTS[role]} {part.title}{more}")
