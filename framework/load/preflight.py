"""Which resources a run loads, and whose watermark it may move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from framework.definition.model import Connector, Resource
from framework.errors import UsageError
from framework.load.report import ResourceReport
from framework.text import listed, nearest


def select(connector: Connector, names: Iterable[str] | None) -> tuple[Resource, ...]:
    """The named resources, or those selected in the file; parents first.

    UsageError for a name that the connector does not have, or where nothing is selected.
    """
    if names is None:
        chosen = tuple(resource for resource in connector.resources if resource.selected)
        if not chosen:
            raise UsageError(
                f"{connector.name} selects no resource by itself: name some with --resources "
                f"({', '.join(resource.name for resource in connector.resources)})"
            )
        return chosen
    known = {resource.name: resource for resource in connector.resources}
    wanted = list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in known]
    if unknown:
        near = list(dict.fromkeys(filter(None, (nearest(name, known) for name in unknown))))
        hint = f"did you mean {listed(near)}?" if near else f"it has: {', '.join(known)}"
        names = ", ".join(map(repr, unknown))
        raise UsageError(
            f"{connector.name} has no resource{'s' * (len(unknown) > 1)} {names}; {hint}"
        )
    if not wanted:
        raise UsageError("--resources names no resource")
    return tuple(resource for name, resource in known.items() if name in wanted)


def descendants(connector: Connector, name: str) -> tuple[Resource, ...]:
    """Every resource that reads from this one, directly or through others."""
    found: dict[str, Resource] = {}
    for resource in connector.resources:  # parents stand first
        if resource.parent == name or resource.parent in found:
            found[resource.name] = resource
    return tuple(found.values())


def unselected_parents(connector: Connector, chosen: Iterable[Resource]) -> dict[str, str]:
    """Resources that are read for chosen ones only, each with the first that it is read for."""
    names = {resource.name for resource in chosen}
    found: dict[str, str] = {}
    for resource in chosen:
        for ancestor in connector.ancestors(resource):
            if ancestor.name in names:
                break
            found.setdefault(ancestor.name, resource.name)
    return found


def holds_back(connector: Connector, name: str, done: Mapping[str, ResourceReport]) -> str | None:
    """Why this resource's watermark may not move after this run, or None.

    It moves only past what is loaded: the resource itself and every resource selected by default
    that reads from it. Source: design, `--limit` and failures.
    """
    part = done.get(name)
    if part is None or not part.loads:
        return f"{name} was not loaded"
    for child in descendants(connector, name):
        below = done.get(child.name)
        if below is None and child.selected:
            return f"{child.name}, which reads from it, was not in this run"
        if below is not None and below.status != "ok":
            became = "failed" if below.status == "failed" else "was skipped"
            return f"{child.name}, which reads from it, {became}"
    return None
