"""Where a job reads from: the real API, the recording, or a mock in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from framework.api import valid_connector
from framework.authoring.cassettes.cassette import cassette_path, read_cassette
from framework.authoring.cassettes.replayer import ReplayAdapter, recorded_query, replay_of
from framework.definition.model import Connector
from framework.errors import CassetteError
from framework.http.stoppable_adapter import StoppableAdapter
from framework.http.transport import LiveAdapter
from framework.load.dlt_defaults import set_defaults
from framework.load.partition_queries import query_of
from framework.load.run_options import RunOptions
from framework.mock.mock_adapter import MockAdapter
from framework.mock.mock_run import mocked_config
from framework.runtime.environment import Environment
from framework.studio.studio_job import JobContext

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

Json = Any
LIVE, RECORDED, MOCKED = "live", "cassette", "mock"


@dataclass(frozen=True)
class JobSource:
    """What to read with. `resources` and `limit` are those of the recording, None for any."""

    kind: str
    environment: Environment
    config: Mapping[str, Json]
    resources: tuple[str, ...] | None = None
    limit: int | None = None

    @property
    def transport(self) -> Callable[[int], BaseAdapter]:
        """What sends the requests."""
        assert self.environment.transport is not None
        return self.environment.transport


def job_connector(context: JobContext) -> Connector:
    """Return the connector of a job, with dlt's defaults set. Raise FindingsError for errors."""
    set_defaults()
    return valid_connector(context.location)


def open_source(context: JobContext, connector: Connector, kind: str) -> JobSource:
    """Return the source. Raise FrameworkError if there is no such, a missing recording say."""
    if kind == RECORDED:
        return _recorded(context, connector)
    if kind == MOCKED:
        return _mocked(context, connector)
    environment = live_environment(context, connector)
    return JobSource(kind, environment, context.given(connector))


def live_environment(context: JobContext, connector: Connector) -> Environment:
    """Return an environment whose requests go to the real API, and end with the job."""
    environment = context.environment(connector)
    stop, given = environment.stop, environment.transport
    inner = given or (lambda connections: LiveAdapter.of(connector.client, connections))
    return replace(
        environment,
        transport=lambda connections: StoppableAdapter(inner(connections), stop),
        query=query_of(connector, RunOptions(folder=context.root)),
    )


def _recorded(context: JobContext, connector: Connector) -> JobSource:
    path = cassette_path(connector)
    if not path.is_file():
        raise CassetteError(f"there is no recording of {connector.name}: record one first")
    cassette = read_cassette(path, connector.name)
    replay = replay_of(
        cassette, RunOptions(), context.stop
    )  # with the config that it was made with
    environment = replace(replay.environment, transport=lambda _: ReplayAdapter(cassette))
    options = replay.options
    return JobSource(RECORDED, environment, options.config, options.resources, options.limit)


def _mocked(context: JobContext, connector: Connector) -> JobSource:
    from framework.mock.mock_builder import open_mock  # which may need an extra

    mock = open_mock(connector)
    adapter = StoppableAdapter(MockAdapter(mock.api), context.stop)
    environment = Environment(
        transport=lambda _: adapter,
        waits=False,
        stop=context.stop,
        query=recorded_query(connector),
    )
    return JobSource(MOCKED, environment, mocked_config(connector, mock.config))
