"""Read the state of a connector in the destination, and reset it for some resources."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework.definition.model import Connector
from framework.errors import UsageError
from framework.events import EventHandler
from framework.extract.incremental.state_codec import unpack_watermarks
from framework.load.destinations.target import target_of
from framework.load.persistence.recovery import open_pipeline
from framework.load.persistence.run_state import read_state
from framework.load.pipeline import load, normalize, pipelines_folder, read_pipeline, run_lock
from framework.load.preflight import select_resources
from framework.load.run_options import RunOptions
from framework.runtime.environment import StopSignal
from framework.text import count_noun


@dataclass(frozen=True)
class KnownState:
    """The state of one resource.

    `loaded` is "full", "limited" (a run with --limit) or None. `state` is as dlt stores it for
    the resource, with its watermarks under `incremental`.
    """

    resource: str
    loaded: str | None
    state: Mapping[str, Any]


def state_location(connector: Connector, options: RunOptions) -> str:
    """Return in words where the state is stored."""
    return str(target_of(connector, options))


def known_state(
    connector: Connector, options: RunOptions, resource: str | None
) -> list[KnownState]:
    """Return the stored state of every resource, or of one. The working folder is not touched.

    Raise UsageError if there is no such resource, DestinationError if the destination cannot be
    read.
    """
    names = _names(connector, resource)
    target = target_of(connector, options)
    if target.file is not None and not target.file.exists():
        return [KnownState(name, None, {}) for name in names]
    with tempfile.TemporaryDirectory() as folder:
        return _known(read_pipeline(target, Path(folder)), connector, names)


def described_watermark(entry: Any) -> str:
    """Return the state of one cursor in words: its watermark, or the range of its lists' ones."""
    if not isinstance(entry, Mapping):
        return str(entry)
    if "tokens" in entry:
        return count_noun(len(entry["tokens"]), "token")
    if "lists" in entry:
        values = [one for one in unpack_watermarks(entry["lists"]).values() if one is not None]
        span = f", from {min(values)} to {max(values)}" if values else ""
        return f"{len(values):,} lists{span}"
    if "last_value" in entry:
        return str(entry["last_value"])
    return f"{len(entry):,} {'entry' if len(entry) == 1 else 'entries'}"


def forget(
    connector: Connector,
    options: RunOptions,
    resource: str | None,
    on_event: EventHandler,
    stop: StopSignal,
) -> list[str]:
    """Remove the state of these resources from the destination; return those that had one.

    The next run reads them from the beginning and merges into the existing rows. Raise UsageError
    if it would append every row again.
    """
    names = _names(connector, resource)
    target = target_of(connector, options)
    if target.file is not None and not target.file.exists():
        return []
    with run_lock(pipelines_folder(options), connector.name, target, on_event, stop):
        pipeline = open_pipeline(target, options, connector.name, on_event).pipeline
        stored = [one.resource for one in _known(pipeline, connector, names) if one.state]
        refuse_doubling(connector, stored)
        if stored:
            with pipeline.managed_state(extract_state=True) as state:
                resources = state["sources"][connector.name]["resources"]
                for name in stored:
                    del resources[name]
            normalize(pipeline)
            with ExitStack() as connection:
                load(pipeline, target, connector.name, connection)
    return stored


def refuse_doubling(connector: Connector, names: Iterable[str]) -> None:
    """Raise UsageError for resources whose rows would be duplicated by reading them again."""
    appending = [name for name in names if connector.resource(name).write_disposition == "append"]
    if appending:
        raise UsageError(
            f"{', '.join(appending)}: appends, so reading it again would duplicate every row. Drop "
            f"the rows and read them again instead: framework run {connector.name} --refresh "
            f"--resources {','.join(appending)}"
        )


def _names(connector: Connector, resource: str | None) -> list[str]:
    if resource is None:
        return [one.name for one in connector.resources]
    return [one.name for one in select_resources(connector, [resource])]


def _known(pipeline: Any, connector: Connector, names: list[str]) -> list[KnownState]:
    state = read_state(pipeline, connector)
    return [
        KnownState(name, state.modes.get(name), state.resources.get(name) or {}) for name in names
    ]
