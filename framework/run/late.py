"""Children that begin when their parents have long been read: what of them would never come.

A parent with an incremental gives what changed since its watermark, and only such records' lists
are asked for. A child whose table is new, or is emptied, has to have its ancestors read anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from framework.build.events import Warned, Watch
from framework.errors import UsageError
from framework.spec.connector import Connector, Resource


def read_from_watermarks(
    connector: Connector, resource: Resource, held: Mapping[str, Any]
) -> tuple[str, ...]:
    """The resource's ancestors that have a watermark in `held` and are read from there on."""
    found: list[str] = []
    above = resource.parent
    while above is not None:
        ancestor = connector.resource(above)
        if ancestor.endpoint.incremental is not None and held.get(above):
            found.append(above)
        above = ancestor.parent
    return tuple(reversed(found))


def anew(connector: Connector, resource: Resource, held: Mapping[str, Any]) -> str:
    """The command that loads a resource from the beginning, its ancestors with it where needed."""
    names = ",".join((*read_from_watermarks(connector, resource, held), resource.name))
    return f"framework run {connector.name} --refresh --resources {names}"


def refuse_late_refresh(
    connector: Connector, chosen: Iterable[Resource], held: Mapping[str, Any]
) -> None:
    """UsageError where `--refresh` would empty a child that its parents do not fill again."""
    emptied = {one.name: read_from_watermarks(connector, one, held) for one in chosen}
    wanted = {name for above in emptied.values() for name in above} | emptied.keys()
    for resource in connector.resources:
        above = emptied.get(resource.name, ())
        if resource.write_disposition != "replace" and not emptied.keys() >= set(above):
            names = ",".join(one.name for one in connector.resources if one.name in wanted)
            raise UsageError(
                f"--refresh empties {resource.name}, and {_words(above)}: only the lists of what "
                f"changed since would come back. Load all of it anew: "
                f"framework run {connector.name} --refresh --resources {names}"
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
        above = read_from_watermarks(connector, resource, held)
        if above and resource.name not in known and resource.write_disposition != "replace":
            message = (
                f"its table is new, and {_words(above)}: what did not change since is not asked "
                f"for. To have it all: {anew(connector, resource, held)}"
            )
            watch(Warned(resource.name, "begins-late", message))


def _words(above: tuple[str, ...]) -> str:
    if len(above) == 1:
        return f"{above[0]} is read from its watermark on"
    return f"{' and '.join(above)} are read from their watermarks on"
