"""What the destination remembers of a connector's runs: read, and taken away for one resource."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework.definition.model import Connector
from framework.errors import UsageError
from framework.events import EventHandler
from framework.load.destinations.target import target_of
from framework.load.pipeline import (
    described,
    load,
    looked_at,
    normalize,
    open_pipeline,
    pipelines_folder,
    run_lock,
)
from framework.load.preflight import select_resources
from framework.load.run_options import RunOptions
from framework.load.runner import MODES
from framework.runtime.environment import StopSignal


@dataclass(frozen=True)
class KnownState:
    """What is known of one resource. `loaded` is "full", "limited" (a run with --limit) or None;
    `state` is as dlt stores it for the resource, with its watermarks under `incremental`."""

    resource: str
    loaded: str | None
    state: Mapping[str, Any]


def state_location(connector: Connector, options: RunOptions) -> str:
    """The place whose state it is, in words."""
    return described(target_of(connector, options))


def known_state(
    connector: Connector, options: RunOptions, resource: str | None
) -> list[KnownState]:
    """What the destination remembers, for every resource of the file or for one.

    The working folder is left as it is. UsageError for a resource that there is not,
    DestinationError where the destination can't be read.
    """
    names = _names(connector, resource)
    target = target_of(connector, options)
    if target.file is not None and not target.file.exists():
        return [KnownState(name, None, {}) for name in names]
    with tempfile.TemporaryDirectory() as folder:
        return _known(looked_at(target, Path(folder)), connector, names)


def forget(
    connector: Connector,
    options: RunOptions,
    resource: str | None,
    on_event: EventHandler,
    stop: StopSignal,
) -> list[str]:
    """Take the state of these resources out of the destination; those that had one.

    The next run reads them from the beginning and merges what it reads into the rows that are
    there. UsageError where that would append every row once more.
    """
    names = _names(connector, resource)
    target = target_of(connector, options)
    if target.file is not None and not target.file.exists():
        return []
    with run_lock(pipelines_folder(options), connector.name, target, on_event, stop):
        pipeline = open_pipeline(target, options, connector.name, on_event).pipeline
        having = [one.resource for one in _known(pipeline, connector, names) if one.state]
        refuse_doubling(connector, having)
        if having:
            with pipeline.managed_state(extract_state=True) as state:
                resources = state["sources"][connector.name]["resources"]
                for name in having:
                    del resources[name]
            normalize(pipeline)
            load(pipeline, target, connector.name)
    return having


def refuse_doubling(connector: Connector, names: Iterable[str]) -> None:
    """UsageError for resources whose rows are there once more when they are read again."""
    appending = [name for name in names if connector.resource(name).write_disposition == "append"]
    if appending:
        listed = ",".join(appending)
        raise UsageError(
            f"{', '.join(appending)}: appends, so reading it again would load every row once "
            f"more. Drop the rows and read them again instead: framework run {connector.name} "
            f"--refresh --resources {listed}"
        )


def _names(connector: Connector, resource: str | None) -> list[str]:
    if resource is None:
        return [one.name for one in connector.resources]
    return [one.name for one in select_resources(connector, [resource])]


def _known(pipeline: Any, connector: Connector, names: list[str]) -> list[KnownState]:
    source = pipeline.state.get("sources", {}).get(connector.name, {})
    modes, states = source.get(MODES, {}), source.get("resources", {})
    return [KnownState(name, modes.get(name), states.get(name) or {}) for name in names]
