"""`framework fleet run`: every account is loaded whatever ends meanwhile, and each alone."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dlt.common.pipeline import get_dlt_pipelines_dir

from framework.cli.main import main
from framework.fleet.workers.executors import ProcessExecutor
from tests.support.calendars import Calendars, calendars, json_lines, rows_of, token_of
from tests.support.postgres import CREDENTIALS, address, in_postgres
from tests.support.processes import command
from tests.support.servers.web import Answer, Asked, Web


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calendars]:
    with calendars(3, monkeypatch) as fleet:
        yield fleet


def run(capsys: pytest.CaptureFixture[str], *options: str, verb: str = "run") -> tuple[int, Any]:
    """Run a verb of the fleet on two processes; return exit code and report."""
    capsys.readouterr()
    on = () if verb == "status" else ("--on", "processes:2")
    code = main(["fleet", verb, "fleet.yaml", "--format", "json", *on, *options])
    return code, json.loads(capsys.readouterr().out)


def test_each_account_is_loaded_into_its_dataset(
    fleet: Calendars, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = run(capsys)
    assert (code, report["status"], report["units"]) == (0, "ok", {"done": 3})
    assert report["rows"] > 0
    fleet.assert_loaded()


def test_a_second_run_is_a_new_round_that_reads_what_is_new(
    fleet: Calendars, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys)
    membership = fleet.world(fleet.aliases[1]).rows["organization_memberships"][1]
    membership["role"] = "owner" if membership["role"] != "owner" else "user"
    code, report = run(capsys)
    assert (code, report["units"], report["attempts"]) == (0, {"done": 3}, 3)
    fleet.assert_loaded()


@pytest.mark.slow
def test_a_new_ledger_loads_what_an_earlier_one_had_loaded(
    fleet: Calendars, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys)
    Path("fleet.ledger.sqlite").unlink()
    membership = fleet.world(fleet.aliases[0]).rows["organization_memberships"][1]
    membership["role"] = "owner" if membership["role"] != "owner" else "user"
    assert run(capsys)[1]["units"] == {"done": 3}
    fleet.assert_loaded()


def test_a_secret_that_is_set_nowhere_fails_its_account_by_name(
    fleet: Calendars, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = fleet.aliases[1]
    monkeypatch.delenv(missing.upper())
    code, report = run(capsys)
    assert (code, report["status"]) == (1, "failed")
    (failure,) = report["failures"]
    assert failure["account"] == missing
    assert missing.upper() in failure["error"]
    assert report["attempts"] == 3  # it is not tried again
    fleet.assert_loaded([fleet.aliases[0], fleet.aliases[2]])

    monkeypatch.setenv(missing.upper(), token_of(missing))
    code, report = run(capsys, verb="retry")
    assert (code, report["units"], report["attempts"]) == (0, {"done": 3}, 1)
    fleet.assert_loaded()


def test_no_secret_is_in_the_ledger_or_the_log(
    fleet: Calendars, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(fleet.aliases[0].upper(), "a-token-that-is-refused")
    fleet.write("attempts: 1")
    assert main(["fleet", "run", "fleet.yaml", "--log-format", "json", "-v"]) == 1
    output = capsys.readouterr()
    stored = b"".join(path.read_bytes() for path in Path().glob("fleet.ledger.sqlite*"))
    for secret in ("a-token-that-is-refused", token_of(fleet.aliases[1])):
        assert secret not in output.out + output.err
        assert secret.encode() not in stored
    lines = json_lines(output.err)
    assert {"request", "unit", "step"} <= {line["event"] for line in lines}
    assert all("unit" in line for line in lines if line["event"] == "request")


@pytest.mark.slow
def test_accounts_in_one_dataset_are_told_apart_by_a_column(
    fleet: Calendars, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.write("dataset: calendars")
    for _ in range(2):
        assert run(capsys)[0] == 0
    columns = "_account, uri"
    found = rows_of("scheduling.duckdb", "calendars", "scheduled_events", columns)
    assert found == sorted(
        (alias, event["uri"])
        for alias in fleet.aliases
        for event in fleet.world(alias).table("scheduled_events")
    )
    members = rows_of("scheduling.duckdb", "calendars", "organization_memberships", columns)
    assert len(members) == sum(
        len(fleet.world(alias).table("organization_memberships")) for alias in fleet.aliases
    )


@pytest.mark.slow
def test_the_windows_of_a_backfill_give_the_tables_of_one_run(
    fleet: Calendars, capsys: pytest.CaptureFixture[str]
) -> None:
    begin, end = "2026-01-20", "2026-02-10"
    one, *_ = fleet.aliases
    fleet.aliases = [one]
    world = fleet.world(one)
    first = world.rows["scheduled_events"][0]["start_time"][:10]
    assert begin < first < end, first
    fleet.write(
        f"backfill: {{since: {begin}, until: {end}, step: P3D}}",
        ["scheduled_events", "event_invitees"],
    )
    code, report = run(capsys)
    assert (code, report["units"]) == (0, {"done": 7})
    assert list(Path(get_dlt_pipelines_dir()).iterdir()) == []  # neither folders nor locks
    settings = ["--set", f"base_url={fleet.api.base_url}", "--set", f"api_key={token_of(one)}"]
    names = ["--resources", "scheduled_events,event_invitees", "--dataset", "whole"]
    span = ["--since", begin, "--until", end]
    assert main(["run", "scheduling", *settings, *names, *span, "-q"]) == 0
    for table in ("scheduled_events", "event_invitees"):
        found, whole = (
            rows_of("scheduling.duckdb", dataset, table, "* exclude (_dlt_load_id, _dlt_id)")
            for dataset in (f"{one}_data", "whole")
        )
        assert found == whole
        assert found

    code, report = run(capsys)
    assert (code, report["attempts"]) == (0, 0)  # a window that is done is not read again


def test_a_second_coordinator_is_refused_by_name(
    fleet: Calendars, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.api.accounts[token_of(fleet.aliases[0])].latency = 0.5
    with command(Path.cwd(), "fleet", "run", "fleet.yaml", "--log-format", "json") as first:
        first.wait_for('"started"')
        assert main(["fleet", "run", "fleet.yaml"]) == 1
        assert f"pid {first.process.pid}" in capsys.readouterr().err
        assert first.ended()[0] == 0
    fleet.assert_loaded()


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        signal.SIGKILL,
    ],
)
def test_the_same_command_goes_on_after_the_coordinator_has_ended(
    fleet: Calendars, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    fleet.without_rate_limit()
    for account in fleet.api.accounts.values():
        account.latency = 0.1
    options = ("--log-format", "json", "--on", "processes:1")
    with command(Path.cwd(), "fleet", "run", "fleet.yaml", *options) as first:
        first.wait_for('"started"')
        first.wait_for('"status": "done"')
        first.signal(number)
        code, out, _ = first.ended()
    assert code == {signal.SIGINT: 130, signal.SIGTERM: 143}.get(number, -signal.SIGKILL)
    if number != signal.SIGKILL:
        assert "goes on with what is not done" in out
    code, report = run(capsys)
    assert (code, report["units"]) == (0, {"done": 3})
    assert report["attempts"] < 3
    fleet.assert_loaded()


@pytest.mark.slow
def test_ctrl_c_while_a_unit_is_handed_over_leaves_none_that_runs(
    fleet: Calendars, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ProcessExecutor, "submit", interrupt)
        code, report = run(capsys)
    assert (code, report["status"], report["units"]) == (130, "interrupted", {"planned": 3})
    assert run(capsys, verb="status")[1]["running"] == []
    code, report = run(capsys)
    assert (code, report["units"]) == (0, {"done": 3})


def test_a_unit_whose_process_is_killed_is_run_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with calendars(2, monkeypatch, latency=0.05) as fleet:
        options = ("--log-format", "json", "--on", "processes:1", "-v")
        with command(Path.cwd(), "fleet", "run", "fleet.yaml", *options) as process:
            process.wait_for('"event": "page"')
            for pid in children_of(process.process.pid):
                kill_quietly(pid)
            code, _, rest = process.ended()
        assert code == 0
        lost = [line for line in json_lines(rest) if "has ended" in str(line.get("error"))]
        assert lost
        fleet.assert_loaded()


@pytest.mark.slow
def test_ctrl_c_does_not_say_that_units_are_tried_again(web: Web, project: Path) -> None:
    has_begun = threading.Event()

    def endless(asked: Asked) -> Any:
        page = int(asked.param("page", "1") or 1)
        if page == 3:
            has_begun.set()
        link = f'<{web.url}/things?page={page + 1}>; rel="next"'
        time.sleep(0.05)
        return Answer(200, [{"id": page}], {"Link": link})

    web.on("/things", endless)
    (project / "connectors").mkdir()
    (project / "connectors" / "shop.yaml").write_text(
        f"version: 1\nname: shop\nclient: {{base_url: '{web.url}'}}\n"
        "resources: [{name: things, endpoint: {paginator: header_link}}]\n",
        encoding="utf-8",
    )
    text = "version: 1\njobs: [{connector: shop}]\n"
    Path("fleet.yaml").write_text(text, encoding="utf-8")
    with command(project, "fleet", "run", "fleet.yaml", has_time=True) as first:
        assert has_begun.wait(60)
        first.signal(signal.SIGINT)
        code, out, errors = first.ended()
    assert code == 130
    assert "goes on with what is not done" in out + errors
    assert "tried again" not in out + errors


@pytest.mark.slow
def test_a_unit_that_hangs_is_ended_after_max_time(
    web: Web, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = threading.Event()
    web.on("/things", lambda _: {"items": [ended.wait(60)]})
    (project / "connectors").mkdir()
    (project / "connectors" / "shop.yaml").write_text(
        "version: 1\nname: shop\n"
        f"client: {{base_url: '{web.url}'}}\n"
        "resources: [{name: things, endpoint: {data_selector: items, paginator: single_page}}]\n",
        encoding="utf-8",
    )
    text = "version: 1\njobs: [{connector: shop, max_time: PT1S, attempts: 1}]\n"
    Path("fleet.yaml").write_text(text, encoding="utf-8")
    code, report = run(capsys)
    assert code == 1
    assert "still reading after 1 s (max_time of the job)" in report["failures"][0]["error"]
    ended.set()


@pytest.mark.slow
def test_a_unit_that_got_only_errors_until_max_time_names_the_last(
    web: Web, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHOP_KEY", "a-secret-0123456789")
    web.on("/things", lambda _: Answer(500, {"error": "no"}))
    (project / "connectors").mkdir()
    (project / "connectors" / "shop.yaml").write_text(
        "version: 1\nname: shop\nsecrets: {key: {}}\n"
        f"client: {{base_url: '{web.url}', retry: {{max_retries: 50}}}}\n"
        "resources: [{name: things, endpoint: {params: {key: '{secrets.key}'},"
        " paginator: single_page}}]\n",
        encoding="utf-8",
    )
    Path("fleet.yaml").write_text(
        "version: 1\njobs: [{connector: shop, max_time: PT2S, attempts: 1,"
        " accounts: [{alias: one, secrets: {key: SHOP_KEY}}]}]\n",
        encoding="utf-8",
    )
    code, report = run(capsys)
    assert code == 1
    error = report["failures"][0]["error"]
    assert f"; the last response was HTTP 500 of GET {web.url}/things" in error
    assert "a-secret" not in error


@pytest.mark.slow
def test_one_unit_runs_alone_for_another_scheduler(
    fleet: Calendars, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fleet", "plan", "fleet.yaml", "--format", "json"]) == 0
    units = json.loads(capsys.readouterr().out)["units"]
    with command(Path.cwd(), "fleet", "run-unit", "fleet.yaml", units[1]["id"]) as process:
        assert process.ended()[0] == 0
    with command(
        Path.cwd(), "fleet", "run-unit", "fleet.yaml", "--index", "2", called="second"
    ) as process:
        assert process.ended()[0] == 0
    fleet.assert_loaded(fleet.aliases[1:])
    assert main(["fleet", "run-unit", "fleet.yaml", "0123456789abcdef"]) == 2
    assert "has no unit 0123456789abcdef" in capsys.readouterr().err


@pytest.mark.slow
def test_status_shows_units_by_state_and_why_they_failed(
    fleet: Calendars, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["fleet", "status", "fleet.yaml"]) == 1
    assert "no ledger" in capsys.readouterr().err
    monkeypatch.delenv(fleet.aliases[2].upper())
    run(capsys)
    assert main(["fleet", "status", "fleet.yaml"]) == 0
    shown = capsys.readouterr().out
    assert "scheduling" in shown
    assert fleet.aliases[2].upper() in shown
    _, status = run(capsys, verb="status")
    assert status["units"] == {"scheduling": {"done": 2, "failed": 1}}


def children_of(pid: int) -> list[int]:
    """The processes below a process."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                found += [int(folder.name), *children_of(int(folder.name))]
    return found


def kill_quietly(pid: int) -> None:
    """Kill a process that may have ended."""
    import os

    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["{alias}_data", "calendars"])
def test_a_fleet_loads_into_postgres_with_its_ledger_there(
    fleet: Calendars,
    capsys: pytest.CaptureFixture[str],
    postgres: str,
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
    dataset: str,
) -> None:
    monkeypatch.setenv(CREDENTIALS, address(postgres))
    fleet.write(f'destination: postgres\n    dataset: "{dataset}"')
    for _ in range(2):
        code, report = run(capsys, "--ledger", postgres_url)
        assert (code, report["units"]) == (0, {"done": 3})
    found = [
        row["uri"]
        for name in {dataset.replace("{alias}", alias) for alias in fleet.aliases}
        for row in in_postgres(postgres, name)["scheduled_events"]
    ]
    assert sorted(found) == sorted(
        event["uri"]
        for alias in fleet.aliases
        for event in fleet.world(alias).table("scheduled_events")
    )
    assert main(["fleet", "status", "fleet.yaml", "--ledger", postgres_url]) == 0
    assert "not-to-be-shown" not in capsys.readouterr().out
