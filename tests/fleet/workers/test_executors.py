"""Where units run: what `--on` takes, and what is refused before a unit starts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from framework.cli.main import main
from framework.errors import DestinationError, UsageError
from framework.fleet.coordinator import Coordinator
from framework.fleet.fleet_run import choose_executor, refuse_one_writer
from framework.fleet.jobs.units import units_of
from framework.fleet.unit_state.unit_ledger import open_ledger
from framework.fleet.workers import executors
from framework.fleet.workers.unit_outcome import here
from tests.support.calendars import calendars
from tests.support.fleet_soak import Cluster
from tests.support.fleets import fleet_of


@pytest.mark.parametrize(
    "on", ["process", "processes:0", "processes:x", "dask:x", "ray", "dask://", "processes:-1"]
)
def test_an_unknown_executor_is_a_usage_error(on: str) -> None:
    with pytest.raises(UsageError, match="expected processes, processes:N, dask"):
        choose_executor(on)


def test_processes_have_as_many_slots_as_named() -> None:
    executor = choose_executor("processes:3")(lambda *_: None)
    assert (executor.slots, executor.hosts) == (3, frozenset())
    executor.close()


class Elsewhere:
    """Workers on another machine."""

    hosts = frozenset({"10.0.0.7"})


def test_a_duckdb_file_is_not_written_from_other_machines() -> None:
    units = units_of(fleet_of("version: 1\njobs: [{connector: shop, resources: [customers]}]"))
    elsewhere: Any = Elsewhere()
    with pytest.raises(DestinationError, match="one writer") as refused:
        refuse_one_writer(units, elsewhere)
    assert "10.0.0.7" in str(refused.value)
    assert "postgres" in str(refused.value)
    text = "version: 1\njobs: [{connector: shop, resources: [customers], destination: postgres}]"
    refuse_one_writer(units_of(fleet_of(text)), elsewhere)


def test_a_worker_refuses_a_unit_of_another_coordinator_and_names_both() -> None:
    own = executors.worker_versions()
    assert executors.worker_refusal({**own, "host": here()}) is None
    found = executors.run_on_worker({"coordinator": {**own, "dlt": "0.0.1"}})
    assert found["status"] == "refused"
    assert f"the worker on {here()} has dlt {own['dlt']}" in found["error"]
    assert "this coordinator 0.0.1" in found["error"]
    found = executors.run_on_worker({"coordinator": {**own, "host": "elsewhere"}})
    assert found["status"] == "refused"
    assert f"is on {here()}, and the DuckDB files on elsewhere" in found["error"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preloaded", "said"),
    [
        ("import framework; framework.__version__ = '0.0.1'", "has framework 0.0.1, and this "),
        ("import socket; socket.gethostname = lambda: 'elsewhere'", "is on elsewhere, and the "),
        ("import sys; sys.modules['framework.fleet'] = None", "cannot run units: ModuleNotFound"),
    ],
    ids=["version", "host", "none"],
)
def test_a_worker_that_joins_late_and_does_not_fit_gets_no_more_units(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    preloaded: str,
    said: str,
) -> None:
    import distributed

    from framework.fleet.workers import dask_executor

    (project / "cluster").mkdir()
    preload = project / "cluster" / "preload.py"
    preload.write_text(preloaded, encoding="utf-8")
    open_round = Coordinator.begin
    with calendars(5, monkeypatch) as fleet, Cluster(project / "cluster", 1) as cluster:
        fleet.without_rate_limit()

        def join_late(self: Coordinator, *, only_failed: bool) -> int:
            cluster.start("another", "--preload", str(preload), "--nthreads", "3")
            untyped: Any = distributed
            with untyped.Client(f"tcp://127.0.0.1:{cluster.port}", set_as_default=False) as client:
                client.wait_for_workers(2, timeout=60)
            return open_round(self, only_failed=only_failed)

        monkeypatch.setattr(Coordinator, "begin", join_late)
        monkeypatch.setattr(dask_executor, "RECHECK", 0.0)
        code = main(["fleet", "run", "fleet.yaml", "--on", cluster.address])
        shown = capsys.readouterr()
        assert code == 0, shown
        (warning,) = (line for line in shown.err.splitlines() if "It gets no units" in line)
        assert said in warning
        with open_ledger(Path("fleet.ledger.sqlite")) as ledger:
            assert ledger.states() == {"done": 5}
        fleet.assert_loaded()


def test_a_unit_that_its_worker_refuses_has_all_its_attempts_yet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refusals = [ImportError("there is none")] * 4
    submit = executors.ProcessExecutor.submit

    def refuse(self: executors.ProcessExecutor, unit: Mapping[str, Any]) -> Future[Any]:
        if not refusals:
            return submit(self, unit)
        future: Future[Any] = Future()
        future.set_exception(refusals.pop())
        return future

    monkeypatch.setattr(executors.ProcessExecutor, "submit", refuse)
    monkeypatch.setattr(executors.ProcessExecutor, "leave_out_workers", lambda _: True)
    with calendars(1, monkeypatch) as fleet:
        assert main(["fleet", "run", "fleet.yaml", "--on", "processes:1"]) == 0
        assert "its worker cannot run units: ImportError: there is" in capsys.readouterr().err
        fleet.assert_loaded()


@pytest.mark.slow
def test_a_fleet_runs_on_a_local_dask_cluster(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with calendars(3, monkeypatch) as fleet:
        command = [sys.executable, "-m", "framework", "fleet", "run", "fleet.yaml"]
        done = subprocess.run(
            [*command, "--on", "dask:2", "--format", "json"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["units"] == {"done": 3}
        fleet.assert_loaded()


def test_a_worker_that_ends_while_it_is_asked_for_its_version_is_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from distributed.comm import CommClosedError

    from framework.fleet.workers import dask_executor

    answers: list[Any] = [CommClosedError("the worker is gone"), {}]

    class Client:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def ncores(self, callback_timeout: float) -> dict[str, int]:
            return {"tcp://127.0.0.1:1": 3}

        def run(self, *_: object, **__: object) -> Any:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        def close(self, timeout: float) -> None:
            pass

    monkeypatch.setattr(dask_executor._untyped, "Client", Client)
    monkeypatch.setattr(dask_executor, "RETRY", 0.0)
    told: list[str] = []
    executor = dask_executor.DaskExecutor(lambda why, _: told.append(why), address="h:1")
    assert (executor.slots, len(told), answers) == (3, 1, [])


@pytest.mark.slow
def test_a_scheduler_that_hangs_ends_the_fleet_with_a_message(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from framework.fleet.workers import dask_executor

    monkeypatch.setattr(dask_executor, "PATIENCE", 30.0)
    (project / "cluster").mkdir()
    with Cluster(project / "cluster", 1) as cluster, calendars(2, monkeypatch, latency=0.2):
        scheduler = cluster.processes["scheduler"].pid

        def stop_scheduler(self: Coordinator) -> None:
            os.kill(scheduler, signal.SIGSTOP)
            monkeypatch.setattr(dask_executor, "PATIENCE", 1.0)
            monkeypatch.setattr(dask_executor, "ANSWER", 0.5)
            note_workers(self)

        note_workers = Coordinator._note_workers
        monkeypatch.setattr(Coordinator, "_note_workers", stop_scheduler)
        try:
            assert main(["fleet", "run", "fleet.yaml", "--on", cluster.address]) == 1
            said = capsys.readouterr().err
            assert f"the Dask scheduler at {cluster.address} does not answer; waiting" in said
            assert "does not answer, after 1 s. Restart it" in said
            # and none that hangs from the beginning is awaited for ever
            assert main(["fleet", "run", "fleet.yaml", "--on", cluster.address]) == 1
            said = capsys.readouterr().err
            assert "does not answer, after 1 s. Restart it" in said
        finally:
            os.kill(scheduler, signal.SIGCONT)


@pytest.mark.slow
def test_ctrl_c_ends_a_local_dask_cluster_without_a_word_of_its_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with calendars(4, monkeypatch) as fleet:
        command = [sys.executable, "-m", "framework", "fleet", "run", "fleet.yaml"]
        started = subprocess.Popen(
            [*command, "--on", "dask:2", "--log-format", "json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert started.stderr is not None
        lines = [started.stderr.readline()]
        while '"step"' not in lines[-1]:
            assert lines[-1], "".join(lines)
            lines.append(started.stderr.readline())
        os.killpg(started.pid, signal.SIGINT)  # as a terminal does
        _, rest = started.communicate(timeout=60)
        assert started.returncode == 130
        text = "".join(lines) + rest
        assert all(line.startswith("{") for line in text.splitlines()), text
        again = subprocess.run([*command, "--on", "processes:2"], capture_output=True, check=False)
        assert again.returncode == 0
        fleet.assert_loaded()


@pytest.mark.slow
def test_workers_that_end_at_their_start_are_an_error_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import distributed

    def fail(**_: Any) -> None:
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr(distributed, "LocalCluster", fail)
    with pytest.raises(executors.ExecutorError, match="use --on processes"):
        choose_executor("dask:2")(lambda *_: None)


@pytest.mark.slow
def test_workers_of_another_version_are_refused_by_name(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "cluster").mkdir()
    with Cluster(project / "cluster", 1) as cluster, calendars(1, monkeypatch):
        own = {**executors.worker_versions(), "framework": "9.9.9"}
        from framework.fleet.workers import dask_executor

        monkeypatch.setattr(dask_executor, "worker_versions", lambda: own)
        assert main(["fleet", "run", "fleet.yaml", "--on", cluster.address]) == 1
        said = capsys.readouterr().err
        assert "9.9.9" in said
        assert executors.worker_versions()["framework"] in said
