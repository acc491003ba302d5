"""What `framework fleet run` and `status` print for programs fits the schemas that describe it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from framework.cli.main import main
from framework.definition.finder import shared_schema
from framework.definition.schema.json_schema import Draft202012Validator, format_checker
from framework.fleet.coordinator import ledger_units
from framework.fleet.jobs.fleet_file import read_fleet
from framework.fleet.jobs.units import units_of
from framework.fleet.unit_state.unit_ledger import open_ledger
from tests.support.calendars import Calendars, calendars, json_lines

LEDGER = Path("fleet.ledger.sqlite")


@pytest.fixture
def fleet(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Calendars]:
    with calendars(3, monkeypatch) as fleet:
        yield fleet


def check(name: str, value: Any) -> Any:
    """Return the value, which must fit the schema."""
    Draft202012Validator(shared_schema(name), format_checker=format_checker()).validate(value)
    return value


def printed(
    capsys: pytest.CaptureFixture[str], verb: str, *options: str
) -> tuple[int, Any, list[dict[str, Any]]]:
    """Run a verb; return exit code, report and log lines, each of which must fit its schema."""
    capsys.readouterr()
    code = main(["fleet", verb, "fleet.yaml", "--format", "json", *options])
    out, said = capsys.readouterr()
    lines = [check("log-event", line) for line in json_lines(said)]
    return (
        code,
        check(f"fleet-{'status' if verb == 'status' else 'report'}", json.loads(out)),
        lines,
    )


def test_report_log_and_status_fit_their_schemas(
    fleet: Calendars, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = fleet.aliases[1]
    monkeypatch.delenv(missing.upper())
    options = ("--on", "processes:2", "--log-format", "json", "-v")
    code, report, lines = printed(capsys, "run", *options)
    assert (code, report["status"], report["error"]) == (1, "failed", None)
    assert report["units"] == {"done": 2, "failed": 1}
    (failure,) = report["failures"]
    found = (failure["job"], failure["account"], failure["since"], failure["until"])
    assert found == ("scheduling", missing, None, None)

    assert (lines[0]["event"], lines[0]["status"], lines[0]["units"]) == ("fleet", "started", 3)
    assert (lines[-1]["event"], lines[-1]["report"]) == ("fleet", report)
    units = [line for line in lines if line["event"] == "unit"]
    assert len([line for line in units if line["status"] == "started"]) == 3
    ended = {line["account"]: line for line in units if line["status"] != "started"}
    assert ended[missing]["error"] == failure["error"]
    assert check("run-report", ended[fleet.aliases[0]]["report"])["status"] == "ok"
    ids = {line["unit"] for line in units}
    of_runs = [line for line in lines if line["event"] not in ("fleet", "unit")]
    assert {"request", "page", "step", "resource"} <= {line["event"] for line in of_runs}
    assert all(line["unit"] in ids for line in of_runs)

    code, status, _ = printed(capsys, "status")
    assert (code, status["round"], status["running"]) == (0, 1, [])
    assert status["units"] == {"scheduling": {"done": 2, "failed": 1}}
    assert (status["requests"], status["rows"]) == (report["requests"], report["rows"])
    (failed,) = status["failures"]
    assert failed["unit"] == failure["unit"]
    assert failed["error"] == failure["error"]
    assert status["coordinator"]["started"] <= status["began"] <= status["coordinator"]["ended"]


def test_a_fleet_that_cannot_begin_has_a_report_too(
    fleet: Calendars, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report, lines = printed(capsys, "run", "--on", "moon", "--log-format", "json")
    assert (code, report["status"], report["units"]) == (2, "failed", {})
    assert "--on" in report["error"]
    assert [line["report"] for line in lines] == [report]


def test_units_that_run_and_a_coordinator_that_is_gone_are_shown(
    fleet: Calendars, capsys: pytest.CaptureFixture[str]
) -> None:
    read = read_fleet(Path("fleet.yaml")).fleet
    assert read is not None
    begun = datetime.now(UTC) - timedelta(minutes=5)
    units = ledger_units(units_of(read))
    with open_ledger(LEDGER) as ledger:
        with ledger.hold(begun) as hold:  # it never ends the session, as after a kill
            hold.begin(units, begun)
        ledger.start(units[0].id, "", begun)
        ledger.start(units[1].id, "worker:7", begun)
    _, status, _ = printed(capsys, "status")
    assert {one["unit"]: one["worker"] for one in status["running"]} == {
        units[0].id: None,
        units[1].id: "worker:7",
    }
    assert status["units"] == {"scheduling": {"planned": 1, "running": 2}}
    assert status["coordinator"]["ended"] is None
    assert main(["fleet", "status", "fleet.yaml"]) == 0
    shown = capsys.readouterr().out
    assert "on worker:7 since" in shown
    assert "gave its last sign of life at" in shown


def test_windows_that_are_done_are_no_longer_in_the_plan(
    fleet: Calendars, capsys: pytest.CaptureFixture[str]
) -> None:
    del fleet.aliases[1:]
    window = "backfill: {since: 2026-01-01, until: 2026-02-01, step: P1M}"
    fleet.write(window, ["scheduled_events", "event_invitees"])
    assert main(["fleet", "run", "fleet.yaml", "-q"]) == 0
    capsys.readouterr()
    assert main(["fleet", "plan", "fleet.yaml", "--format", "json"]) == 0
    plan = check("fleet-plan", json.loads(capsys.readouterr().out))
    (job,) = plan["jobs"]
    assert (job["units"], job["windows"], job["requests"], job["minutes"]) == (0, 1, 0, 0)
    assert (plan["units"], plan["requests"], plan["minutes"]) == ([], 0, 0)
