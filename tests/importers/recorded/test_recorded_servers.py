"""HAR files of servers that others wrote: the connectors load every row that the servers have.

`tests/support/recorded_servers/live.py` recorded them, and proved the same on the live servers.
`NAME.har` is what a person looked at, `NAME.run.yaml` the whole run of the imported connector, and
`NAME.truth.json` the keys of all rows by table.
"""

import json
from dataclasses import replace

import pytest

from framework.authoring.cassettes.cassette import find_leaks, read_cassette
from framework.authoring.cassettes.replayer import replay_of
from framework.cli.main import main
from framework.definition.finder import Location
from framework.definition.validation import validate
from framework.events import ignore_event
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.runtime.environment import StopSignal
from tests.support.recorded_servers.live import FOLDER, imported_connector, loaded_keys
from tests.support.recorded_servers.servers import TOKEN

SERVERS = sorted(one.stem for one in FOLDER.glob("*.har"))


@pytest.mark.parametrize("name", SERVERS)
def test_every_row_is_loaded_without_an_edit(name, tmp_path):
    connector = imported_connector(FOLDER / f"{name}.har", tmp_path)
    cassette = read_cassette(FOLDER / f"{name}.run.yaml", name)
    replay = replay_of(cassette, RunOptions(folder=tmp_path, pipelines=tmp_path), StopSignal())
    options = replace(replay.options, file="loaded.duckdb")
    report = run(connector, options, replay.environment, ignore_event)
    assert report.status == "ok"
    assert replay.adapter.unused() == []
    truth = json.loads((FOLDER / f"{name}.truth.json").read_text())
    found = loaded_keys(tmp_path / "loaded.duckdb", str(report.dataset), name, list(truth))
    assert found == truth


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVERS)
def test_the_connector_has_no_findings_and_its_cassette_replays(
    name, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(["import", "har", str(FOLDER / f"{name}.har")]) == 0
    assert f"written: cassettes/{name}.yaml" in capsys.readouterr().out
    file = tmp_path / "connectors" / f"{name}.yaml"
    assert validate(Location(name, file, tmp_path, str(file))).findings == ()
    assert main(["test", name]) == 0
    written = [one.read_text() for one in tmp_path.rglob(f"{name}*.yaml")]
    assert len(written) == 3
    assert find_leaks("\n".join(written), [TOKEN, "Zq8Lw0Rt5Yx2"]) == []
