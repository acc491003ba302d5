"""`framework fleet run` that cannot begin, or has nothing to do: its message and exit code."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.cli.main import main
from framework.fleet.unit_state.unit_ledger import open_ledger
from tests.support.calendars import Calendars, calendars
from tests.support.fleets import write_files

LEDGER = Path("fleet.ledger.sqlite")
FLEET = "version: 1\njobs: [{connector: shop, resources: [customers]}]\n"


@pytest.fixture(autouse=True)
def _fleet(project: Path) -> None:
    write_files({"fleet.yaml": FLEET})


def said(capsys: pytest.CaptureFixture[str], *options: str, verb: str = "run") -> tuple[int, str]:
    """Run a verb of the fleet; return exit code and the message on stderr, without `error: `."""
    capsys.readouterr()
    code = main(["fleet", verb, "fleet.yaml", *options])
    out, message = capsys.readouterr()
    assert out == ""
    assert message.startswith("error: ")
    return code, message.removeprefix("error: ").rstrip("\n")


@pytest.mark.parametrize(
    "on",
    [
        *("process", "processes:0", "processes:x", "processes:-1", "processes:", "", "ray"),
        *("dask:x", "dask:0", "dask://", "dask://host:99999", "dask://host:x", "dask://a/b"),
        "tcp://127.0.0.1:8786",
    ],
)
def test_what_on_does_not_know_is_a_usage_error(
    on: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, message = said(capsys, "--on", on)
    assert code == 2
    assert message.startswith(f"--on: found {on!r}, expected processes, processes:N, dask, dask:N ")
    assert not LEDGER.exists()


def test_a_misspelt_executor_has_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--on", "proceses:4")[1].endswith("; did you mean processes?")


@pytest.mark.parametrize(
    "listen", ["127.0.0.1:http", "127.0.0.1:99999", ":80", "", "a:1:2", "u@h:1"]
)
def test_a_place_to_listen_that_is_none_is_a_usage_error(
    listen: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, message = said(capsys, "--listen", listen)
    assert code == 2
    assert message.startswith(f"--listen: found {listen!r}, expected HOST or HOST:PORT")
    assert not LEDGER.exists()


@pytest.mark.parametrize("listen", ["0.0.0.0", "0.0.0.0:8000", "[::]:8000"])
def test_units_cannot_connect_to_any_address(
    listen: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, message = said(capsys, "--listen", listen)
    assert code == 2
    assert "no address that units can connect to" in message


def test_a_port_that_is_in_use_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        place = f"127.0.0.1:{other.getsockname()[1]}"
        code, message = said(capsys, "--listen", place, "--on", "processes:1")
    assert code == 1
    assert message.startswith(f"units cannot reach this process at {place}: Address already in use")
    assert "--listen" in message


def test_an_address_of_another_machine_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    code, message = said(capsys, "--listen", "192.0.2.7", "--on", "processes:1")
    assert code == 1
    assert message.startswith("units cannot reach this process at 192.0.2.7:0: ")


def test_a_failed_call_does_not_keep_the_next_one_waiting(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said(capsys, "--listen", "192.0.2.7", "--on", "processes:1")
    with open_ledger(LEDGER, create=False) as ledger:
        session = ledger.summary().session
    assert session is not None
    assert session.ended is not None


def test_a_ledger_that_is_a_folder_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("state").mkdir()
    code, message = said(capsys, "--ledger", "state")
    assert code == 1
    assert message == (
        "the ledger of units state is a folder. Name a file in a folder that you may write to."
    )


def test_a_url_that_is_no_ledger_is_named_without_its_password(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, message = said(capsys, "--ledger", "mysql://me:pass-of-mine@127.0.0.1/x")
    assert code == 1
    assert "expected postgresql://USER@HOST/DATABASE or the path of an SQLite file" in message
    assert "pass-of-mine" not in message


def test_a_file_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fleet", "run", "none.yaml"]) == 1
    assert "none.yaml:1:1: there is no such file" in capsys.readouterr().err
    assert not list(Path().glob("*.sqlite*"))


def test_a_retry_needs_the_ledger_of_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    code, message = said(capsys, verb="retry")
    assert code == 1
    assert message.startswith("found no ledger of units in ")
    assert "framework fleet run" in message
    assert not LEDGER.exists()


def test_dask_that_is_not_installed_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "framework.fleet.workers.dask_executor", raising=False)
    monkeypatch.setitem(sys.modules, "dask", None)
    code, message = said(capsys, "--on", "dask")
    assert code == 1
    assert message == (
        "--on dask needs the packages dask and distributed. Run "
        "pip install 'rest-connector-framework[dask]', or use --on processes"
    )
    assert not LEDGER.exists()


def test_a_scheduler_that_does_not_answer_is_awaited_and_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from framework.fleet.workers import dask_executor

    monkeypatch.setattr(dask_executor, "PATIENCE", 1.0)
    monkeypatch.setattr(dask_executor, "ANSWER", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        place = f"dask://127.0.0.1:{nobody.getsockname()[1]}"
    assert main(["fleet", "run", "fleet.yaml", "--on", place]) == 1
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith(f"no Dask scheduler answers at {place}; waiting for at most ")
    assert last == (
        f"error: no Dask scheduler answers at {place}, after 1 s. Start one with "
        "`dask scheduler`, or check host, port and firewall"
    )
    assert main(["fleet", "run", "fleet.yaml", "--on", place, "-q"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.fixture
def backfill(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calendars]:
    with calendars(1, monkeypatch) as fleet:
        window = "backfill: {since: 2026-01-01, until: 2026-03-01, step: P1M}"
        fleet.write(window, ["scheduled_events", "event_invitees"])
        yield fleet


def test_a_backfill_that_is_done_has_nothing_left(
    backfill: Calendars, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fleet", "run", "fleet.yaml", "--on", "processes:1", "-q"]) == 0
    for verb, on in (("run", "dask://127.0.0.1:9"), ("retry", "processes:1")):
        capsys.readouterr()
        assert main(["fleet", verb, "fleet.yaml", "--on", on]) == 0  # no worker is needed
        out, err = capsys.readouterr()
        assert out.splitlines() == [
            "units: 0 planned, 0 running, 2 done, 0 failed",
            "ok in 0.0 s: nothing was left to run",
        ]
        assert err == "0 units to run\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give either the ID of a unit or --index N"),
        (["abc"], "fleet.yaml has no unit abc; `framework fleet plan fleet.yaml --format json`"),
        (["--index", "3"], "--index: found 3, expected at most 0: fleet.yaml has 1 unit"),
    ],
)
def test_a_unit_that_is_not_in_the_file_is_a_usage_error(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = said(capsys, *arguments, verb="run-unit")
    assert code == 2
    assert found.startswith(message)
