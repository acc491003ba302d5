"""Which resources a run loads, and whose watermark it may move."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from framework.definition.model import Connector, Resource
from framework.errors import UsageError
from framework.events import EventHandler, WarningRaised
from framework.load.report import ResourceReport
from framework.load.run_options import RunOptions
from framework.text import join_words, nearest


def select_resources(connector: Connector, names: Iterable[str] | None) -> tuple[Resource, ...]:
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
        hint = f"did you mean {join_words(near)}?" if near else f"it has: {', '.join(known)}"
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


def refuse_range(connector: Connector, chosen: Iterable[Resource], options: RunOptions) -> None:
    """UsageError where `--since` or `--until` has nothing to read, or would do harm."""
    if options.again is None:
        return
    if options.refresh:
        raise UsageError(
            "--refresh loads everything again and --since/--until a part: choose one of them"
        )
    ranged = [resource for resource in chosen if _is_ranged(connector, resource)]
    if not ranged:
        raise UsageError(
            "--since and --until want a resource with an incremental, and none that is chosen has "
            "one or reads from one"
        )
    for resource in ranged:
        if resource.write_disposition == "append":
            raise UsageError(
                f"{resource.name} appends: the range's rows would be there twice. Leave it out "
                "with --resources, or give it write_disposition: merge"
            )
        if resource.write_disposition == "replace":
            raise UsageError(
                f"{resource.name} replaces its table: the range's rows alone would be left. Leave "
                "it out with --resources, or give it write_disposition: merge"
            )


def _is_ranged(connector: Connector, resource: Resource) -> bool:
    return any(
        one.endpoint.incremental is not None for one in (resource, *connector.ancestors(resource))
    )


def read_in_part(
    connector: Connector, resource: Resource, held: Mapping[str, Any]
) -> tuple[str, ...]:
    """The resource's ancestors of which only what changed is read, by the state that is `held`."""
    found = [one for one in connector.ancestors(resource) if _in_part(one, held.get(one.name, {}))]
    return tuple(one.name for one in reversed(found))


def _in_part(resource: Resource, state: Mapping[str, Any]) -> bool:
    reads_on = resource.endpoint.incremental is not None and _has_moved(state)
    return reads_on or (resource.only_changed is not None and bool(state))


def _has_moved(state: Mapping[str, Any]) -> bool:
    """Whether a watermark is there that is not where the first run began."""
    return any(
        "lists" in one or one.get("last_value") not in (None, one.get("initial_value"))
        for one in state.values()
    )


def starts_over(connector: Connector, resource: Resource, held: Mapping[str, Any]) -> str:
    """The command that loads a resource from the beginning, its ancestors with it where needed."""
    return _loading(connector, {*read_in_part(connector, resource, held), resource.name})


def _loading(connector: Connector, names: Collection[str]) -> str:
    ordered = ",".join(one.name for one in connector.resources if one.name in names)
    return f"framework run {connector.name} --refresh --resources {ordered}"


def refuse_late_refresh(
    connector: Connector, chosen: Iterable[Resource], held: Mapping[str, Any]
) -> None:
    """UsageError where `--refresh` would empty a child that its parents do not fill again."""
    emptied = {one.name: read_in_part(connector, one, held) for one in chosen}
    wanted = {name for above in emptied.values() for name in above} | emptied.keys()
    for resource in connector.resources:
        above = emptied.get(resource.name, ())
        if resource.write_disposition != "replace" and not emptied.keys() >= set(above):
            raise UsageError(
                f"--refresh empties {resource.name}, and {_words(above)}: the lists of what did "
                f"not would not come back. Load all of it anew: {_loading(connector, wanted)}"
            )


def warn_late_children(
    connector: Connector,
    chosen: Iterable[Resource],
    known: Collection[str],
    held: Mapping[str, Any],
    on_event: EventHandler,
) -> None:
    """Warn of children that no run has loaded yet, where their parents' watermarks have moved."""
    for resource in chosen:
        above = read_in_part(connector, resource, held)
        if above and resource.name not in known and resource.write_disposition != "replace":
            message = (
                f"its table is new, and {_words(above)}: the lists of what did not are not asked "
                f"for. To have it all: {starts_over(connector, resource, held)}"
            )
            on_event(WarningRaised(resource.name, "begins-late", message))


def _words(above: tuple[str, ...]) -> str:
    gives = "gives" if len(above) == 1 else "give"
    return f"{' and '.join(above)} {gives} only what changed since the last run"
