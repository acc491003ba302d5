"""The resources of a file as the page draws them: what each requests, and what it reads from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from framework.definition.rules.write_disposition_rules import disposition
from framework.definition.schema.annotations import cursors, token_of

if TYPE_CHECKING:
    from framework.definition.defaults import MergedResource
    from framework.definition.draft import Draft

Json = Any


def resource_graph(draft: Draft) -> list[dict[str, Json]]:
    """Return the resources in file order, also of a file with errors."""
    parents = {one.name: [above.name for above in draft.parents_of(one)] for one in draft.resources}
    children: dict[str, list[str]] = {name: [] for name in parents}
    for name, above in parents.items():
        for parent in above:
            if parent in children and name != parent:
                children[parent].append(name)
    found: dict[str, dict[str, Json]] = {}
    for merged in draft.resources:
        if merged.name in found:
            continue  # a finding says that the name occurs twice
        kind, strategy = disposition(merged)
        found[merged.name] = {
            "name": merged.name,
            "line": draft.document.mark(("resources", merged.index)).line,
            "parents": [name for name in parents[merged.name] if name != merged.name],
            "children": children[merged.name],
            "selected": merged.data.get("selected") is not False,
            "incremental": _incremental(merged),
            "partition": ", ".join(_partitions(merged)) or None,
            "disposition": f"{kind} ({strategy})" if strategy else kind,
            "path": merged.url or merged.path,
            "method": str(merged.endpoint.get("method") or "GET"),
        }
    return list(found.values())


def _incremental(merged: MergedResource) -> str | None:
    token = token_of(merged)
    if token is not None:
        return f"token {token['token']}"
    for cursor in cursors(merged)[:1]:
        param = cursor.param or cursor.written.get("start_param")
        place = cursor.written.get("cursor_path")
        return f"{place} in {param}" if param else str(place)
    return None


def _partitions(merged: MergedResource) -> Iterator[str]:
    written = merged.data.get("partitions")
    for one in written if isinstance(written, list) else []:
        if isinstance(one, Mapping):
            kinds = [str(key) for key in one if key not in ("name", "batch", "separator")]
            yield f"{one.get('name')} by {kinds[0]}" if kinds else str(one.get("name"))
