"""Children that begin when their parents have long been read: what of them would never come.

A parent with an incremental or `only_changed` gives what changed since the last run, and only such
records' lists are asked for. A child whose table is new, or is emptied, has to have its ancestors
read anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from framework.definition.model import Connector, Resource
from framework.errors import UsageError
from framework.events import Warned, Watch


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


def anew(connector: Connector, resource: Resource, held: Mapping[str, Any]) -> str:
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


def tell_late(
    connector: Connector,
    chosen: Iterable[Resource],
    known: Collection[str],
    held: Mapping[str, Any],
    watch: Watch,
) -> None:
    """Warn of children that no run has loaded yet, where their parents' watermarks have moved."""
    for resource in chosen:
        above = read_in_part(connector, resource, held)
        if above and resource.name not in known and resource.write_disposition != "replace":
            message = (
                f"its table is new, and {_words(above)}: the lists of what did not are not asked "
                f"for. To have it all: {anew(connector, resource, held)}"
            )
            watch(Warned(resource.name, "begins-late", message))


def _words(above: tuple[str, ...]) -> str:
    gives = "gives" if len(above) == 1 else "give"
    return f"{' and '.join(above)} {gives} only what changed since the last run"
