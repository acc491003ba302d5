"""The connector's state in the destination: what a run starts from, and what it stores.

Watermarks are in dlt's form, under `incremental` in the state of each resource.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from framework.definition.model import Connector, Resource
from framework.events import EventHandler, WarningRaised
from framework.extract.incremental.cursor import APPENDED
from framework.extract.incremental.state_codec import pack_watermarks, unpack_watermarks
from framework.load.preflight import watermark_blocker
from framework.load.report import ResourceReport
from framework.runtime.redaction import Redactor

MODES = "framework_modes"
"""Key in the source's state: "limited" or "full" for each resource, how its table was loaded."""

ONCE = "framework_once"
"""Key in the source's state: tokens of runs that are not to be repeated, the newest last."""
IN_FLIGHT = "framework_in_flight"
"""Key in the source's state: how many requests at once each host bears."""
MOST_TOKENS = 100
"""Older tokens are forgotten."""

LOADS = "loads"
"""Key in the state of a resource with `deletes`: the loads that its rows may be of."""
FULL_READ = "full_read"
"""Key in the state of a resource: when the last run began that read it whole."""

Watermarks = dict[str, dict[str, Any]]
"""The `incremental` state of each resource."""


@dataclass(frozen=True)
class SourceState:
    """What dlt's state holds for the connector: load modes and the state of each resource.

    `once` are tokens of runs that have loaded all of their resources. `in_flight` is how many
    requests at once each host bears.
    """

    modes: dict[str, str] = field(default_factory=dict)
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    once: list[str] = field(default_factory=list)
    in_flight: dict[str, int] = field(default_factory=dict)

    @property
    def watermarks(self) -> Watermarks:
        """Return the watermarks of each resource."""
        return {name: state.get("incremental", {}) for name, state in self.resources.items()}


def read_state(pipeline: Any, connector: Connector) -> SourceState:
    """Return a copy of the connector's state in an open pipeline."""
    source = copy.deepcopy(pipeline.state.get("sources", {}).get(connector.name, {}))
    return SourceState(
        source.get(MODES, {}),
        source.get("resources", {}),
        source.get(ONCE, []),
        source.get(IN_FLIGHT, {}),
    )


def add_token(source: dict[str, Any], token: str) -> None:
    """Add the token of a run to the connector's state."""
    others = [one for one in source.get(ONCE, []) if one != token]
    source[ONCE] = [*others, token][-MOST_TOKENS:]


def next_watermarks(
    connector: Connector,
    before: Watermarks,
    moved: Watermarks,
    parts: Mapping[str, ResourceReport],
    on_event: EventHandler,
    *,
    limited: bool,
    refreshed: Collection[str],
) -> Watermarks:
    """Return the watermarks to store: moved if everything that depends on them was loaded.

    `refreshed` are the resources whose rows this run dropped and read again. If such a watermark
    must not move it is removed, since what depended on it is gone as well.
    """
    after = copy.deepcopy(before)
    not_loaded = {
        resource.name: before.get(resource.name, {})
        for resource in connector.resources
        if resource.endpoint.incremental is not None
        and resource.parent is None
        and resource.name in parts
        and not parts[resource.name].loads
    }
    for name, watermarks in {**not_loaded, **moved}.items():
        is_refreshed = name in refreshed
        if watermarks == before.get(name, {}) and not is_refreshed and name not in not_loaded:
            continue
        reason = "--limit" if limited else watermark_blocker(connector, name, parts)
        if reason is None:
            after[name] = watermarks
            continue
        if is_refreshed:
            after.pop(name, None)
        if limited or name not in parts:
            continue
        if parts[name].loads:
            resource = connector.resource(name)
            after[name] = _with_appended(resource, after.get(name, {}), watermarks)
        on_event(WarningRaised(name, "watermark-stays", f"the watermark stays: {reason}"))
    return after


def storable(watermarks: dict[str, Any], redactor: Redactor) -> dict[str, Any]:
    """Return a resource's watermarks without values that are made of secrets.

    An `initial_value` may be. The next run takes it from the settings again.
    """

    def is_secret(key: str, value: Any) -> bool:
        return key.endswith("_value") and isinstance(value, str) and redactor.found_in(value)

    return {
        cursor: {key: value for key, value in entry.items() if not is_secret(key, value)}
        if isinstance(entry, dict)
        else entry
        for cursor, entry in watermarks.items()
    }


def _with_appended(
    resource: Resource, unmoved: dict[str, Any], moved: dict[str, Any]
) -> dict[str, Any]:
    """Return the unmoved watermarks with a note of how far rows were appended.

    They are read again for the resources that depend on them, and must not be appended twice.
    """
    incremental = resource.endpoint.incremental
    if resource.write_disposition != "append" or incremental is None:
        return unmoved
    path = incremental.cursor_path
    current, appended = unmoved.get(path, {}), dict(moved.get(path) or {})
    earlier = current.get(APPENDED) or {}
    if "lists" in appended and "lists" in earlier:  # lists without new records keep theirs
        appended["lists"] = pack_watermarks(
            {**unpack_watermarks(earlier["lists"]), **unpack_watermarks(appended["lists"])}
        )
        appended["hashes"] = {**earlier.get("hashes", {}), **appended.get("hashes", {})}
    return {**unmoved, path: {**current, APPENDED: appended}}
