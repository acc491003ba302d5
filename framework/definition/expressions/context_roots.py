"""The context of expressions: its roots, and the parts of it that an expression reads.

Placeholders work on the context itself; other expressions reach it with `context()`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Json = Any
Path = tuple[str, ...]
"""Names from the root of the context: `("config", "region")`; empty for the whole context."""

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
"""Roots of the text that an auth signs only: the parts of the request."""

CONSTANT_ROOTS = frozenset({"config", "secrets", "now"})
"""Roots whose value does not change during a run."""


def paths_read(tree: Mapping[str, Json], *, over_context: bool) -> Iterator[Path]:
    """Return the parts of the context that a syntax tree reads, as far as their names are known.

    `over_context` says that the expression works on the context.
    """
    paths: list[Path] = []
    _end(_visit(tree, () if over_context else None, paths), paths)
    return iter(dict.fromkeys(paths))


def _end(path: Path | None, paths: list[Path]) -> None:
    if path is not None:
        paths.append(path)


def _visit(node: Mapping[str, Json], here: Path | None, paths: list[Path]) -> Path | None:
    """Return the path of the node's value in the context, None if it is not part of it.

    `here` is the path of the data that the node works on. Paths that end here go into `paths`.
    """
    kind, children = node["type"], node.get("children", [])
    if kind == "field":
        return None if here is None else (*here, node["value"])
    if kind in ("current", "identity", "index", "slice"):
        return here
    if kind in ("subexpression", "pipe", "index_expression", "flatten"):
        for child in children:
            here = _visit(child, here, paths)
        return here
    if kind == "function_expression" and node["value"] == "context":
        return ()
    if kind in ("projection", "filter_projection", "value_projection"):
        _end(_visit(children[0], here, paths), paths)
        children, here = children[1:], None
    if kind == "expref":
        here = None
    for child in children:
        _end(_visit(child, here, paths), paths)
    return None
