"""The recording of a connector in the place of its API, for proofs without the network."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from framework.authoring.cassettes.cassette import cassette_path, read_cassette
from framework.authoring.cassettes.replayer import ReplayAdapter, replay_of
from framework.authoring.diagnose.resource_diagnosis import LiveApi
from framework.definition.model import Connector, Resource
from framework.load.run_options import RunOptions
from framework.runtime.environment import StopSignal


@dataclass(frozen=True)
class RecordedApi:
    """How the recording is read, and the resources that it holds."""

    api: LiveApi
    resources: tuple[Resource, ...]


def recorded_api(
    connector: Connector, stop: StopSignal, names: Collection[str] | None = None
) -> RecordedApi:
    """Return the recorded resources, of `names` only if they are given.

    Each trial of a change reads the recording from its start. Raise CassetteError if it is missing
    or broken.
    """
    cassette = read_cassette(cassette_path(connector), connector.name)
    replay = replay_of(cassette, RunOptions(), stop)
    environment = replace(replay.environment, transport=lambda _: ReplayAdapter(cassette))
    recorded = replay.options.resources or [one.name for one in connector.resources if one.selected]
    wanted = recorded if names is None else [name for name in names if name in recorded]
    resources = tuple(one for one in connector.resources if one.name in wanted)
    return RecordedApi(LiveApi(replay.options.config, None, environment), resources)
