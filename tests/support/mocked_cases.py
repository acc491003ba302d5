"""Cases recorded as `framework record` does, and loaded from their recording and from the mock."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from framework.authoring.cassettes.cassette import Cassette, cassette_path, read_cassette
from framework.authoring.cassettes.recorder import (
    Recorder,
    RecordingAdapter,
    named_headers,
    record,
)
from framework.authoring.cassettes.replayer import replay_of
from framework.definition.finder import find_connector
from framework.definition.model import Connector
from framework.definition.validation import validate
from framework.errors import CassetteError
from framework.events import ignore_event
from framework.http.transport import LiveAdapter
from framework.load.report import Report
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.mock.mock_adapter import MockAdapter
from framework.mock.mock_builder import Mock
from framework.runtime.environment import Environment
from framework.runtime.redaction import Redactor
from framework.runtime.settings import resolve_settings
from tests.support.case import Case, as_set, loaded_rows, secrets_of
from tests.support.open_resource import NoWait
from tests.support.run_verbs import NOW
from tests.support.servers.web import Answer, Asked, Web

Json = Any
Loaded = dict[str, list[str]]
SHARED = next(
    (
        folder
        for folder in (
            Path(__file__).parents[3] / "shared" / "cases",
            Path(os.environ.get("SHARED", "/nowhere")) / "cases",
        )
        if folder.is_dir()
    ),
    None,
)
"""A folder of cases beside the project, if there is one."""


@dataclass(frozen=True)
class RecordedCase:
    """A connector with its recording."""

    connector: Connector
    cassette: Cassette


def recordable(connector: Connector, now: datetime, **options: Any) -> tuple[str, ...]:
    """The resources that a run loads."""
    with TemporaryDirectory() as folder:
        chosen = RunOptions(folder=Path(folder), pipelines=Path(folder) / "dlt", **options)
        report = run(connector, chosen, Environment(now=now, stop=NoWait()), ignore_event)
    return tuple(name for name, part in report.resources.items() if part.status == "ok")


def recorded(
    connector: Connector, now: datetime, again: Callable[[], None], **options: Any
) -> RecordedCase | str:
    """The connector recorded from its server, or why it cannot be.

    A recording that scrubbing would break is kept as it was sent: its values are a test's own.
    """
    stop = NoWait()
    environment = Environment(now=now, stop=stop, redactor=Redactor())
    try:
        record(
            connector,
            resources=options.get("resources"),
            config=options.get("config") or {},
            alias=None,
            limit=options.get("limit"),
            environment=environment,
            on_event=ignore_event,
        )
    except CassetteError as error:
        if "fake values" not in str(error):
            return " ".join(str(error).splitlines()[:2])
        again()
        return _as_sent(connector, now, **options)
    return RecordedCase(connector, read_cassette(cassette_path(connector), connector.name))


def _as_sent(connector: Connector, now: datetime, **options: Any) -> RecordedCase:
    """The connector recorded from its server, with nothing replaced."""
    recorder = Recorder(named_headers(connector))
    environment = Environment(
        now=now,
        stop=NoWait(),
        transport=lambda size: RecordingAdapter(LiveAdapter.of(connector.client, size), recorder),
    )
    settings = resolve_settings(connector, options.get("config") or {})
    with TemporaryDirectory() as folder:
        chosen = RunOptions(folder=Path(folder), pipelines=Path(folder) / "dlt", **options)
        run(connector, chosen, environment, ignore_event)
    cassette = Cassette(
        connector.name,
        now,
        recorder.exchanges,
        config=settings.config,
        resources=options.get("resources") or (),
        limit=options.get("limit"),
    )
    return RecordedCase(connector, cassette)


def record_case(case: Case, web: Web, project: Path, patch: Any) -> RecordedCase | str:
    """The first run of a case of tests/cases, recorded."""
    case.serve(web)
    connector, _ = case.connector(web, project)
    first = case.runs[0]
    chosen = {
        "config": first.get("config") or {},
        "limit": first.get("limit"),
        "resources": tuple(first.get("resources") or ()) or None,
    }
    for name, value in secrets_of(connector, first).items():
        if value is not None:
            patch.setenv(name, value)
    written = first.get("now")
    now = datetime.fromisoformat(written) if written else NOW
    if first.get("status", "ok") != "ok":
        chosen["resources"] = recordable(connector, now, **chosen)
        if not chosen["resources"]:
            return "its run loads nothing"
        case.serve(web)  # from its first answers on
    return recorded(connector, now, lambda: case.serve(web), **chosen)


def record_shared(folder: Path, file: Path, web: Web, project: Path, patch: Any) -> Any:
    """A connector of a case folder beside the project, recorded from the folder's server."""
    text = file.read_text(encoding="utf-8")
    server = _server(folder)
    text = text.replace(str(server.PORT), str(web.port))
    server.PORT = web.port
    path = project / "connectors" / file.name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    outcome = validate(find_connector(str(path)))
    if outcome.connector is None:
        return "the file has findings"
    for name in outcome.connector.secrets:
        patch.setenv(f"SOURCES__{outcome.connector.name}__{name}".upper(), f"secret-{name}")
    web.answer = _answers(server, web)  # type: ignore[method-assign]
    loaded = recordable(outcome.connector, NOW)
    if not loaded:
        return "its run loads nothing"

    def begin() -> None:
        web.answer = _answers(_server(folder, web.port), web)  # type: ignore[method-assign]

    begin()
    return recorded(outcome.connector, NOW, begin, resources=loaded)


def _server(folder: Path, port: int | None = None) -> Any:
    spec = importlib.util.spec_from_file_location(f"case_{folder.name}", folder / "server.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(folder.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder.parent))
    if port is not None:
        module.PORT = port
    return module


class _Request:
    """A request as the servers of the case folders read it."""


def _answers(server: Any, web: Web) -> Any:
    state: dict[str, Any] = {}
    count = iter(range(1, 1_000_000))

    def answer(asked: Asked) -> Any:
        one: Any = _Request()
        one.method, one.path, one.qs = asked.method, asked.path, list(asked.query)
        one.raw = asked.path
        one.q = dict(reversed(one.qs))
        one.headers, one.body = dict(asked.headers), asked.body
        try:
            one.json = asked.json()
        except ValueError:
            one.json = None
        one.S, one.phase, one.n, one.base = state, 1, next(count), web.url
        found = server.answer(one)
        status, headers, body = found if isinstance(found, tuple) else (200, {}, found)
        pairs = tuple(headers.items() if isinstance(headers, dict) else headers)
        return Answer(status, body, pairs)

    return answer


def loaded_from_recording(case: RecordedCase, folder: Path) -> tuple[Report, Loaded]:
    """The tables of a replay."""
    replay = replay_of(case.cassette, RunOptions(folder=folder), NoWait())
    report = run(case.connector, replay.options, replay.environment, ignore_event)
    return report, _tables(folder, case.connector.name)


def loaded_from_mock(case: RecordedCase, mock: Mock, folder: Path) -> tuple[Report, Loaded]:
    """The tables of a run against a mock in this process, with its waits left out."""
    cassette = case.cassette
    options = RunOptions(
        resources=cassette.resources or None,
        folder=folder,
        config={**cassette.config, **dict.fromkeys(case.connector.secrets, "stand-in")},
        limit=cassette.limit,
    )
    adapter = MockAdapter(mock.api)
    environment = Environment(
        now=cassette.clock, transport=lambda _: adapter, stop=NoWait(), redactor=Redactor()
    )
    report = run(case.connector, options, environment, ignore_event)
    return report, _tables(folder, case.connector.name)


def _tables(folder: Path, name: str) -> Loaded:
    return {
        table: as_set(rows)
        for table, rows in loaded_rows(folder, name).items()
        if "_dlt" not in table
    }


def shared_recordings() -> list[Path]:
    """The recordings in the case folders beside the project."""
    return [] if SHARED is None else sorted(SHARED.glob("*/cassettes/*.yaml"))


def shared_connectors() -> list[tuple[Path, Path]]:
    """The case folders beside the project that have a server, each with one of its connectors."""
    if SHARED is None:
        return []
    return [
        (folder, file)
        for folder in sorted(SHARED.iterdir())
        if (folder / "server.py").is_file()
        for file in sorted((folder / "connectors").glob("*.yaml"))
    ]
