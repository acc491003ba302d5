"""The context of expressions: its roots, and which of its parts an expression reads.

An expression works on the context itself (placeholders do), or reaches it by `context()`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Json = Any
Path = tuple[str, ...]
"""Names from the context's root on: `("config", "region")`; empty for all of it."""

ROOTS = (
    "config",
    "secrets",
    "incremental",
    "partition",
    "parent",
    "resources",
    "now",
    "response",
    "headers",
    "status",
    "records",
    "last_record",
    "paginator",
    "job",
)

SIGNED_PARTS = frozenset({"method", "url", "path", "query", "body", "timestamp"})
"""More roots, in the text that an auth signs: the parts of the request."""

CONSTANT_ROOTS = frozenset({"config", "secrets", "now"})
"""What has one value in all of a run."""


def paths_read(tree: Mapping[str, Json], *, over_context: bool) -> Iterator[Path]:
    """The parts of the context that a syntax tree reads, as long as their names are known.

    `over_context` says that the context is what the expression works on.
    """
    found: list[Path] = []
    _end(_visit(tree, () if over_context else None, found), found)
    return iter(dict.fromkeys(found))


def _end(path: Path | None, found: list[Path]) -> None:
    if path is not None:
        found.append(path)


def _visit(node: Mapping[str, Json], here: Path | None, found: list[Path]) -> Path | None:
    """Where in the context the node's value is, None where it is no part of it.

    `here` is where the data is that the node works on. Parts that end here go into `found`.
    """
    kind, children = node["type"], node.get("children", [])
    if kind == "field":
        return None if here is None else (*here, node["value"])
    if kind in ("current", "identity", "index", "slice"):
        return here
    if kind in ("subexpression", "pipe", "index_expression", "flatten"):
        for child in children:
            here = _visit(child, here, found)
        return here
    if kind == "function_expression" and node["value"] == "context":
        return ()
    if kind in ("projection", "filter_projection", "value_projection"):
        _end(_visit(children[0], here, found), found)
        children, here = children[1:], None
    if kind == "expref":
        here = None
    for child in children:
        _end(_visit(child, here, found), found)
    return None
