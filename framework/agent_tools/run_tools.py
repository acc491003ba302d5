"""Tools that read from an API, from its recording or from a mock, and what they prove."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from framework.agent_tools.agent_project import AgentProject, Reached, Source, mocked
from framework.agent_tools.known_fixes import KnownFix
from framework.agent_tools.tool_answers import (
    CheckAnswer,
    GivenProof,
    MockedResource,
    MockedRun,
    PreviewAnswer,
    RawAnswer,
    RecordedRun,
    ReplayedConnector,
    ReplayTests,
    ServedMock,
)
from framework.errors import FrameworkError, UsageError
from framework.events import Event, WarningRaised
from framework.text import sentences
from framework.workspace.project_folder import PathRefused

if TYPE_CHECKING:
    from framework.authoring.diagnose.proof import Proof
    from framework.authoring.diagnose.raw_response import RawResponse
    from framework.definition.model import Connector, Resource
    from framework.mock.mock_server import MockServer
    from framework.runtime.environment import StopSignal

Json = Any
MOST_RECORDS = 100
LONGEST_BODY = 20_000
"""Characters of a response's body."""
MOST_SERVERS = 5


@dataclass(frozen=True)
class RunTools:
    """The tools that run something; each method is one."""

    project: AgentProject
    servers: dict[str, MockServer] = field(default_factory=dict)

    def preview(
        self,
        connector: str,
        resource: str,
        limit: int,
        source: Source,
        config: Mapping[str, Json],
        alias: str,
        raw: bool,
        stop: StopSignal,
    ) -> PreviewAnswer:
        """Return the first records of a resource, or its first response as received."""
        from framework.authoring.diagnose.probe import first_records

        opened = self.project.open(connector)
        (wanted,) = _selected(opened, (resource,))
        reached = self.project.reach(opened, source, config, stop)
        heard = _Warnings()
        if raw:
            return self._raw(opened, wanted, reached, alias, heard)
        count = max(1, min(limit, MOST_RECORDS))
        ((_, records),) = first_records(
            opened, [wanted], count, reached.config, alias or None, reached.environment, heard
        )
        if isinstance(records, FrameworkError):
            raise records
        return PreviewAnswer(
            opened.name,
            wanted.name,
            reached.made_of,
            # a mapping is masked as data: keys and numbers, too
            tuple(dict(one) for one in records),
            heard.texts,
        )

    def _raw(
        self,
        opened: Connector,
        wanted: Resource,
        reached: Reached,
        alias: str,
        heard: _Warnings,
    ) -> PreviewAnswer:
        from framework.authoring.diagnose.raw_response import first_response

        response, error = first_response(
            opened, wanted, reached.config, alias or None, reached.environment, heard
        )
        if response is None:
            raise error or FrameworkError(f"{wanted.name}: there was no response")
        found = _raw_answer(self.project, response)
        problem = "" if error is None else str(error)
        return PreviewAnswer(
            opened.name, wanted.name, reached.made_of, (), heard.texts, found, problem
        )

    def check(
        self,
        connector: str,
        resources: tuple[str, ...],
        deep: bool,
        source: Source,
        config: Mapping[str, Json],
        alias: str,
        stop: StopSignal,
    ) -> CheckAnswer:
        """Return what responses prove of the file; without `deep`, what may be read at all."""
        from framework.authoring.diagnose.diagnosis import diagnose
        from framework.authoring.diagnose.probe import probe

        opened = self.project.open(connector)
        reached = self.project.reach(opened, source, config, stop)
        selected = _selected(opened, resources or reached.resources)
        heard = _Warnings()
        if deep:
            found = diagnose(
                opened, selected, reached.config, alias or None, reached.environment, heard
            )
            proofs = [self._proof(connector, one) for one in found]
        else:
            probes = probe(
                opened, selected, reached.config, alias or None, reached.environment, heard
            )
            outcomes = {"readable": "ok", "refused": "fault"}
            proofs = [
                GivenProof(
                    one.resource,
                    "request",
                    outcomes.get(one.outcome, "unknown"),
                    sentences(one.message, *(warned["message"] for warned in one.warnings)),
                )
                for one in probes
            ]
        faults = sum(one.outcome == "fault" for one in proofs)
        return CheckAnswer(opened.name, reached.made_of, faults, tuple(proofs))

    def _proof(self, name: str, proof: Proof) -> GivenProof:
        """Return a proof with its change as a diff that names the file as the project does."""
        diff = known = ""
        if proof.fix is not None:
            read = self.project.folder.read(name)
            fix = KnownFix(read.location.display, proof.fix.before, proof.fix.text, proof.code)
            diff = fix.diff
            known = "" if read.is_bundled else self.project.fixes.add(fix)
        return GivenProof(
            proof.resource,
            proof.about,
            proof.outcome,
            proof.message,
            proof.code,
            proof.remedy,
            diff,
            known,
        )

    def record(
        self,
        connector: str,
        resources: tuple[str, ...],
        limit: int,
        config: Mapping[str, Json],
        alias: str,
        stop: StopSignal,
    ) -> RecordedRun:
        """Run a connector live, and write its scrubbed recording."""
        from framework.authoring.cassettes.cassette import cassette_path
        from framework.authoring.cassettes.recorder import record_through
        from framework.load.run_options import RunOptions

        self.project.want_leave("record")
        opened = self.project.open(connector)
        self._want_own(cassette_path(opened), opened.name)
        reached = self.project.reach(opened, "live", config, stop)
        transport = reached.environment.transport
        assert transport is not None  # the guard's
        options = RunOptions(
            resources=resources or None,
            config=dict(reached.config),
            alias=alias or None,
            limit=limit or None,
        )
        done = record_through(opened, transport, options, reached.environment, _Warnings())
        rows = {name: part.rows for name, part in done.report.resources.items()}
        return RecordedRun(
            str(done.path),
            done.interactions,
            rows,
            f"update_test with {opened.name}, then test",
        )

    def test(self, connectors: tuple[str, ...], update: bool, stop: StopSignal) -> ReplayTests:
        """Replay recordings and compare the tables; with `update` write the expected ones."""
        from framework.authoring.cassettes.cassette import cassette_path
        from framework.authoring.cassettes.snapshot import test_connector
        from framework.definition.finder import expected_path

        if update:
            self.project.want_leave("update_test")
        folder = self.project.folder
        own = [one.name for one in folder.locations() if not folder.is_bundled(one)]
        tests = []
        for name in connectors or own:
            try:
                opened = self.project.open(name)
                if not connectors and not cassette_path(opened).exists():
                    tests.append(ReplayedConnector(name, "skipped", 0, 0, ("it has no cassette",)))
                    continue
                if update:
                    self._want_own(expected_path(opened), opened.name)
                result = test_connector(opened, update=update, stop=stop)
            except FrameworkError as error:
                stop.check()
                tests.append(ReplayedConnector(name, "failed", 0, 0, (str(error),)))
                continue
            outcome = "failed" if result.problems else ("written" if update else "ok")
            tests.append(
                ReplayedConnector(
                    name, outcome, len(result.differences), result.rows, result.problems
                )
            )
        if not tests:
            raise UsageError("there is no connector of this project to test; name a bundled one")
        return ReplayTests(sum(one.outcome == "failed" for one in tests), tuple(tests))

    def mock(
        self,
        connector: str,
        resources: tuple[str, ...],
        config: Mapping[str, Json],
        behaviour: Mapping[str, Json],
        stop: StopSignal,
    ) -> MockedRun:
        """Run a connector against a mock in this process, into a temporary database."""
        from framework.load.run_options import RunOptions
        from framework.load.runner import run

        opened = self.project.open(connector)
        reached = mocked(opened, config, stop, **_parsed(behaviour))
        names = resources or None
        with TemporaryDirectory(prefix="framework-") as name:
            folder = Path(name)
            options = RunOptions(
                resources=names,
                config=dict(reached.config),
                folder=folder,
                pipelines=folder / "dlt",
                file="mock.duckdb",
            )
            report = run(opened, options, reached.environment, _Warnings())
        parts = tuple(
            MockedResource(
                resource,
                part.status,
                part.rows,
                part.requests,
                str(part.error or ""),
                tuple(f"{one.message} [{one.code}]" for one in part.warnings),
            )
            for resource, part in report.resources.items()
        )
        return MockedRun(opened.name, reached.made_of, report.status, parts)

    def mock_server(
        self,
        action: Literal["start", "stop", "list"],
        connector: str,
        config: Mapping[str, Json],
        behaviour: Mapping[str, Json],
    ) -> ServedMock:
        """Start or stop a mock on a port of this machine."""
        notes: tuple[str, ...] = ()
        command = ""
        if action == "stop":
            names = [connector] if connector else list(self.servers)
            for name in names:
                server = self.servers.pop(name, None)
                if server is None:
                    raise UsageError(f"no mock of {name!r} is started")
                server.__exit__(None, None, None)
        elif action == "start":
            if not connector:
                raise UsageError("start wants a connector")
            notes, command = self._start(connector, config, behaviour)
        addresses = {name: server.base_url for name, server in self.servers.items()}
        return ServedMock(addresses, command, notes)

    def close(self) -> None:
        """Stop the mock servers."""
        while self.servers:
            self.servers.popitem()[1].__exit__(None, None, None)

    def _start(
        self, name: str, config: Mapping[str, Json], behaviour: Mapping[str, Json]
    ) -> tuple[tuple[str, ...], str]:
        from framework.mock.mock_builder import open_mock
        from framework.mock.mock_options import MockOptions
        from framework.mock.mock_server import MockServer

        if len(self.servers) >= MOST_SERVERS and name not in self.servers:
            raise UsageError(f"{MOST_SERVERS} mocks are started already; stop one first")
        opened = self.project.open(name)
        mock = open_mock(opened, MockOptions(config=dict(config), **_parsed(behaviour)))
        server = MockServer(mock.api, 0)
        server.__enter__()
        before = self.servers.pop(name, None)
        if before is not None:
            before.__exit__(None, None, None)
        self.servers[name] = server
        replayed = [f"{one} is served as recorded: {why}" for one, why in mock.replayed.items()]
        return (*mock.notes, *replayed), f"framework run {name} --mock {server.base_url}"

    def _want_own(self, path: Path, name: str) -> None:
        """Raise PathRefused if a file that is to be written is not the project's own."""
        folder = self.project.folder
        if not path.is_relative_to(folder.root):
            raise PathRefused(
                f"{name} comes with the framework, and nothing is written into its folder; copy "
                "its file into connectors/ first"
            )
        folder.resolve(path.relative_to(folder.root).as_posix())


class _Warnings:
    """Remembers the warnings of reading, as an agent is told of them."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def __call__(self, event: Event) -> None:
        """Take an event of a run."""
        if isinstance(event, WarningRaised):
            self._found.append(f"{event.resource}: {event.message} [{event.code}]")

    @property
    def texts(self) -> tuple[str, ...]:
        """The warnings, each once."""
        return tuple(dict.fromkeys(self._found))


def _selected(connector: Connector, names: tuple[str, ...] | None) -> tuple[Resource, ...]:
    from framework.load.preflight import select_resources

    return select_resources(connector, names or None)


def _raw_answer(project: AgentProject, response: RawResponse) -> RawAnswer:
    try:
        text = response.body.decode(response.charset or "utf-8")
    except (UnicodeError, LookupError):
        text = "(the body is not text)"
    masked = project.redactor.redact(text)  # before it is cut: half a secret is not recognized
    if len(masked) > LONGEST_BODY:
        masked = f"{masked[:LONGEST_BODY]}… ({len(masked) - LONGEST_BODY:,} characters left out)"
    return RawAnswer(
        response.method,
        response.url,
        response.status,
        tuple(f"{name}: {value}" for name, value in response.headers),
        masked,
        len(response.body),
    )


def _parsed(behaviour: Mapping[str, Json]) -> dict[str, Any]:
    """Return options of a mock, from the texts in which the command takes them."""
    from framework.mock.faults import Rate, parse_faults

    read: Mapping[str, Callable[[Any], Any]] = {
        "page_size": int,
        "rows": int,
        "seed": int,
        "invented": bool,
        "drift": bool,
        "faults": parse_faults,
        "rate": Rate.parse,
    }
    options = {}
    for name, value in behaviour.items():
        if value in (None, "", False):
            continue
        try:
            options[name] = read[name](value)
        except ValueError as error:
            raise UsageError(f"{name}: {error}") from None
    return options
