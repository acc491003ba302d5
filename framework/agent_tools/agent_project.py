"""The project that an agent works in: its files, its secrets, and where its requests may go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from framework.agent_tools.answer_limits import AnswerFilter
from framework.agent_tools.known_fixes import KnownFixes
from framework.errors import FrameworkError, UsageError
from framework.runtime.environment import Environment, StopSignal
from framework.runtime.redacted_output import process_redactor
from framework.runtime.redaction import Redactor
from framework.runtime.secret_sources import add_settings_files
from framework.workspace.host_guard import HostGuard
from framework.workspace.project_folder import ProjectFolder, ProjectText
from framework.workspace.project_secrets import add_project_secrets, add_text_secrets

if TYPE_CHECKING:
    from framework.definition.model import Connector

Json = Any
Source = Literal["live", "recording", "mock"]
"""Where responses come from: the API, the connector's cassette, or the mock in this process."""
SOURCES: tuple[Source, ...] = get_args(Source)


@dataclass(frozen=True)
class Reached:
    """How a connector's API is reached in one call; `made_of` says it to the agent."""

    environment: Environment
    config: Mapping[str, Json]
    made_of: str
    resources: tuple[str, ...] | None = None


@dataclass(frozen=True)
class AgentProject:
    """A project, and what an agent may do in it. Files are written only if it `may_write`."""

    folder: ProjectFolder
    guard: HostGuard
    redactor: Redactor = field(repr=False)
    may_write: bool
    filter: AnswerFilter = field(repr=False)
    fixes: KnownFixes = field(default_factory=KnownFixes, repr=False)

    @classmethod
    def of(
        cls,
        root: Path,
        connectors: Path | None = None,
        *,
        may_write: bool = False,
        allowed: Iterable[str] = (),
    ) -> AgentProject:
        """Return the project as it is now: its hosts are those that may get credentials."""
        from framework.load.dlt_defaults import set_defaults

        set_defaults(verbose=False)
        folder = ProjectFolder.of(root, connectors)
        redactor = process_redactor()
        add_settings_files(redactor)
        add_project_secrets(redactor, folder)
        guard = HostGuard.of(folder, allowed)
        return cls(folder, guard, redactor, may_write, AnswerFilter.of(redactor, folder.root))

    def want_leave(self, what: str) -> None:
        """Raise UsageError if nothing may be written."""
        if not self.may_write:
            raise UsageError(
                f"{what} writes a file, and this server only reads; let the project's owner start "
                "it with: framework mcp --allow-write"
            )

    def text_of(self, name: str) -> ProjectText:
        """Return a connector's text; the secrets in it are masked in answers from here on."""
        read = self.folder.read(name)
        add_text_secrets(self.redactor, read.text)
        return read

    def open(self, name: str) -> Connector:
        """Return a valid connector.

        Raise FindingsError if its file has errors, UsageError if it reads what it must not.
        """
        from framework.api import valid_connector

        add_settings_files(self.redactor)
        connector = valid_connector(self.text_of(name).location)
        self.guard.refuse_connector(connector)
        for resource in connector.resources:
            for partition in resource.partitions:
                path = partition.argument.get("path") if partition.kind == "file" else None
                if isinstance(path, str):
                    self.folder.resolve(path)
        return connector

    def reach(
        self, connector: Connector, source: Source, given: Mapping[str, Json], stop: StopSignal
    ) -> Reached:
        """Return how to reach a connector's API. Nothing but `live` sends a request."""
        if source == "live":
            environment = Environment(stop=stop, query=_no_query, redactor=self.redactor)
            return Reached(self.guard.guarded(environment, connector), given, "the live API")
        if source == "recording":
            return _recorded(connector, given, stop)
        if source == "mock":
            return mocked(connector, given, stop)
        raise UsageError(f"found source {source!r}, expected one of {', '.join(SOURCES)}")


def _recorded(connector: Connector, given: Mapping[str, Json], stop: StopSignal) -> Reached:
    from framework.authoring.cassettes.cassette import cassette_path, read_cassette
    from framework.authoring.cassettes.replayer import ReplayAdapter, replay_of
    from framework.load.run_options import RunOptions

    cassette = read_cassette(cassette_path(connector), connector.name)
    replay = replay_of(cassette, RunOptions(config=given), stop)
    # each trial of a change reads the recording from its start
    environment = replace(replay.environment, transport=lambda _: ReplayAdapter(cassette))
    return Reached(environment, replay.options.config, "its recording", replay.options.resources)


def mocked(
    connector: Connector, given: Mapping[str, Json], stop: StopSignal, **behaviour: Any
) -> Reached:
    """Return how to reach the mock of a connector, which is in this process.

    `behaviour` are options of the mock. No secret is looked up.
    """
    from framework.authoring.cassettes.replayer import recorded_query
    from framework.mock.mock_adapter import MockAdapter
    from framework.mock.mock_builder import open_mock
    from framework.mock.mock_options import MockOptions
    from framework.mock.mock_run import mocked_config

    mock = open_mock(connector, MockOptions(config=dict(given), **behaviour))
    environment = Environment(
        stop=stop,
        transport=lambda _: MockAdapter(mock.api),
        waits=False,
        redactor=Redactor(),
        query=recorded_query(connector),
    )
    config = mocked_config(connector, {**mock.config, **given})
    return Reached(environment, config, f"a mock of {mock.source}")


def _no_query(name: str, sql: str) -> Sequence[Any]:  # noqa: ARG001
    raise FrameworkError(
        f"{name} takes its values from a query of the destination, which an agent's tools do not "
        "run; use source: recording or mock"
    )
