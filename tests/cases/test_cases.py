"""Each folder beside this file: its connector, run against its API, gives what it must."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from framework.authoring.cassettes.cassette import read_cassette
from framework.authoring.cassettes.recorder import record
from framework.authoring.cassettes.replayer import replay_environment
from framework.events import ignore_event
from framework.http.formats.compression import Undecodable, decompress
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.runtime.environment import Environment, StopSignal
from tests.support.case import (
    Case,
    as_set,
    cases,
    compare_requests,
    loaded_columns,
    loaded_rows,
    ran,
    secrets_of,
)
from tests.support.open_resource import NoWait
from tests.support.run_verbs import NOW
from tests.support.servers.web import Web


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.folder.name)
def test_the_connector_gives_what_is_expected(
    case: Case, web: Web, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    routes = case.serve(web)
    connector, codes = case.connector(web, project)
    assert sorted(codes) == sorted(case.findings)
    name = connector.name
    for expected in (case.told(one, web) for one in case.runs):
        set_all(secrets_of(connector, expected), monkeypatch)
        done = ran(connector, expected, web, project)
        errors = done.errors()
        assert errors.keys() == (expected.get("error") or {}).keys(), errors
        for part, texts in (expected.get("error") or {}).items():
            for text in [texts] if isinstance(texts, str) else texts:
                assert text in errors[part]
        assert done.report.status == expected.get("status", "ok")
        assert routes.unexpected == []
        if "requests" in expected:
            compare_requests(expected["requests"], done.asked)
        assert sorted(done.warnings) == sorted(expected.get("warnings") or [])
        if "waits" in expected:
            assert done.waits == expected["waits"]
        for text in expected.get("hidden") or []:
            assert text not in f"{done.events} {done.report.as_dict()}"
        found = loaded_rows(project, name)
        if "tables" in expected:
            assert {table: as_set(rows) for table, rows in found.items()} == {
                table: as_set(rows) for table, rows in expected["tables"].items()
            }
        if "rows" in expected:
            assert {table: len(rows) for table, rows in found.items()} == expected["rows"]
        for table, columns in (expected.get("columns") or {}).items():
            types = loaded_columns(project, name, table)
            assert {column: types.get(column) for column in columns} == columns


RECORDED = [case for case in cases() if case.recorded is not None]


@pytest.mark.slow
@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case.folder.name)
def test_the_recording_plays_and_tells_nothing(
    case: Case, web: Web, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.serve(web)
    connector, _ = case.connector(web, project)
    expected = case.told(case.runs[0], web)
    set_all(secrets_of(connector, expected), monkeypatch)
    made = record(
        connector,
        resources=None,
        config=expected.get("config") or {},
        alias=None,
        limit=None,
        environment=Environment(now=NOW, stop=NoWait()),
        on_event=ignore_event,
    )
    bodies = [one.body for one in read_cassette(made.path, connector.name).interactions]
    written = made.path.read_bytes() + b"".join(opened(body) for body in bodies)
    for text in case.recorded["never"]:
        assert text.encode() not in written
    asked = len(web.asked)
    with replay_environment(connector, None, RunOptions(folder=project), StopSignal()) as again:
        report = run(connector, again.options, again.environment, ignore_event)
    assert {n: p.rows for n, p in report.resources.items()} == {
        n: p.rows for n, p in made.report.resources.items()
    }
    assert again.adapter.unused() == []
    assert len(web.asked) == asked


def opened(body: bytes) -> bytes:
    """A body, unpacked where it is packed."""
    for kind in ("gzip", "zip"):
        with suppress(Undecodable):
            return b"".join(decompress(kind, body, 1_000_000))
    return body


def set_all(variables: dict[str, str | None], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
