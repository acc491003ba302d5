"""Checks before a run reads anything: which resources it loads, and what it must refuse."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from framework.definition.model import Connector, Resource
from framework.errors import UsageError
from framework.events import EventHandler, WarningRaised
from framework.load.destinations.target import Target
from framework.load.report import ResourceReport
from framework.load.run_options import RunOptions
from framework.text import join_words, nearest


def select_resources(connector: Connector, names: Iterable[str] | None) -> tuple[Resource, ...]:
    """Return the named resources, or those that the file selects; parents first.

    Raise UsageError for a name that the connector does not have, or if nothing is selected.
    """
    if names is None:
        selected = tuple(resource for resource in connector.resources if resource.selected)
        if not selected:
            raise UsageError(
                f"{connector.name} selects no resource by default: name some with --resources "
                f"({', '.join(resource.name for resource in connector.resources)})"
            )
        return selected
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
    """Return every resource that reads from this one, directly or through others."""
    below: dict[str, Resource] = {}
    for resource in connector.resources:  # parents come first
        if not {name, *below}.isdisjoint(resource.parents):
            below[resource.name] = resource
    return tuple(below.values())


def unselected_parents(connector: Connector, selected: Iterable[Resource]) -> dict[str, str]:
    """Return resources that are read for selected ones only, each with the first of those."""
    names = {resource.name for resource in selected}
    parents: dict[str, str] = {}
    for resource in selected:
        for ancestor in connector.ancestors(resource):
            if ancestor.name not in names:
                parents.setdefault(ancestor.name, resource.name)
    return parents


def watermark_blocker(
    connector: Connector, name: str, parts: Mapping[str, ResourceReport]
) -> str | None:
    """Return why this resource's watermark must not move after this run, or None.

    It moves only past what is loaded: the resource itself, and every resource selected by default
    that reads from it.
    """
    part = parts.get(name)
    if part is None or not part.loads:
        return f"{name} was not loaded"
    for child in descendants(connector, name):
        below = parts.get(child.name)
        if below is None and child.selected:
            return f"its child `{child.name}` was not part of this run"
        if below is not None and below.status != "ok":
            outcome = "failed" if below.status == "failed" else "was skipped"
            return f"its child `{child.name}` {outcome}"
    return None


def refuse_range(connector: Connector, selected: Iterable[Resource], options: RunOptions) -> None:
    """Raise UsageError if `--since` or `--until` has nothing to read, or would damage a table."""
    if options.again is None:
        return
    if options.refresh:
        raise UsageError("--refresh reloads everything and --since/--until a part; use one of them")
    ranged = [resource for resource in selected if connector.is_ranged(resource)]
    if not ranged:
        raise UsageError(
            "--since and --until need a resource with an incremental; no selected resource has one "
            "or reads from one"
        )
    for resource in ranged:
        if resource.write_disposition == "append":
            raise UsageError(
                f"{resource.name} appends: the rows of the range would be there twice. Exclude it "
                "with --resources, or set write_disposition: merge"
            )
        if resource.write_disposition == "replace":
            raise UsageError(
                f"{resource.name} replaces its table: only the rows of the range would remain. "
                "Exclude it with --resources, or set write_disposition: merge"
            )
        if resource.retires_absent_rows:
            raise UsageError(
                f"{resource.name} keeps versions of rows (scd2) and retires those that a run does "
                "not read: all outside of the range. Exclude it with --resources, set "
                "write_disposition: merge, or give it a merge_key"
            )


def refuse_mixed_modes(
    modes: Mapping[str, str],
    selected: Iterable[Resource],
    options: RunOptions,
    target: Target,
    on_event: EventHandler,
) -> None:
    """Raise UsageError if a `--limit` load would mix with a full load.

    `modes` is how each table was loaded: "limited" or "full".
    """
    dropped = {resource.name for resource in selected} if options.refresh else set()
    remaining = {name: mode for name, mode in modes.items() if name not in dropped}
    if options.limit is None:
        doubled = [
            resource.name
            for resource in selected
            if resource.write_disposition == "append" and remaining.get(resource.name) == "limited"
        ]
        if doubled:
            raise UsageError(
                f"{target} holds rows of a run with --limit, which {', '.join(doubled)} would "
                "append again; add --refresh, or choose another --dataset"
            )
        return
    if "full" in remaining.values():
        raise UsageError(
            f"--limit would mix a part into {target}, which holds an unlimited run; choose another "
            "--dataset"
        )
    for resource in selected:
        if modes.get(resource.name) == "full":
            message = (
                "--refresh with --limit replaces the rows of a full run by a part; run --refresh "
                "without --limit to reload all of them"
            )
            on_event(WarningRaised(resource.name, "refresh-limited", message))


def partly_read_ancestors(
    connector: Connector, resource: Resource, watermarks: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return the ancestors of which this run reads only changes, outermost first."""
    ancestors = connector.ancestors(resource)
    partly = [one for one in ancestors if _is_partly_read(one, watermarks.get(one.name, {}))]
    return tuple(one.name for one in reversed(partly))


def _is_partly_read(resource: Resource, watermarks: Mapping[str, Any]) -> bool:
    endpoint = resource.endpoint
    by_lists = resource.only_changed is not None or resource.only_new
    by_state = endpoint.sync_token is not None or by_lists
    continues = endpoint.incremental is not None and _has_moved(watermarks)
    return continues or (by_state and bool(watermarks))


def _has_moved(watermarks: Mapping[str, Any]) -> bool:
    """Return whether a watermark is not where the first run started."""
    return any(
        "lists" in one or one.get("last_value") not in (None, one.get("initial_value"))
        for one in watermarks.values()
    )


def reload_command(connector: Connector, resource: Resource, watermarks: Mapping[str, Any]) -> str:
    """Return the command that loads a resource from the beginning, with ancestors if needed."""
    ancestors = partly_read_ancestors(connector, resource, watermarks)
    return _refresh_command(connector, {*ancestors, resource.name})


def _refresh_command(connector: Connector, names: Collection[str]) -> str:
    ordered = ",".join(one.name for one in connector.resources if one.name in names)
    return f"framework run {connector.name} --refresh --resources {ordered}"


def refuse_partial_refresh(
    connector: Connector, selected: Iterable[Resource], watermarks: Mapping[str, Any]
) -> None:
    """Raise UsageError if `--refresh` would drop children that unchanged parents do not refill."""
    ancestors = {one.name: partly_read_ancestors(connector, one, watermarks) for one in selected}
    wanted = {name for names in ancestors.values() for name in names} | ancestors.keys()
    for resource in connector.resources:
        above = ancestors.get(resource.name, ())
        if resource.write_disposition != "replace" and not ancestors.keys() >= set(above):
            raise UsageError(
                f"--refresh drops the rows of {resource.name}, but {_only_changes(above)}. "
                "Children of unchanged records would be missing. Reload all of it: "
                f"{_refresh_command(connector, wanted)}"
            )


def warn_late_children(
    connector: Connector,
    selected: Iterable[Resource],
    loaded: Collection[str],
    watermarks: Mapping[str, Any],
    on_event: EventHandler,
) -> None:
    """Warn of children that no run has loaded yet, if their parents' watermarks have moved."""
    for resource in selected:
        above = partly_read_ancestors(connector, resource, watermarks)
        if above and resource.name not in loaded and resource.write_disposition != "replace":
            message = (
                f"new table, but {_only_changes(above)}. Children of unchanged records are "
                f"skipped. To load all: {reload_command(connector, resource, watermarks)}"
            )
            on_event(WarningRaised(resource.name, "begins-late", message))


def _only_changes(names: tuple[str, ...]) -> str:
    noun, verb = ("parent", "returns") if len(names) == 1 else ("parents", "return")
    return (
        f"its {noun} {' and '.join(f'`{name}`' for name in names)} {verb} only what changed since "
        "the last run"
    )
