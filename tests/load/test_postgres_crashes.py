"""PostgreSQL when a load is killed, loses its connections, or is refused: the next run ends in the
same tables."""

from __future__ import annotations

import shutil
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from framework.errors import DestinationError
from framework.events import Event, StepStarted
from framework.load.persistence.recovery import ALREADY_LOADED, FINISHED
from tests.load.test_recovery import ROWS, disposed
from tests.support.postgres import CREDENTIALS, address, in_postgres, without_connections
from tests.support.processes import command
from tests.support.run_verbs import connector_of, later, load
from tests.support.servers.web import Web
from tests.support.shop import Shop
from tests.support.slow_params import quick_first


@pytest.fixture
def shop(web: Web) -> Shop:
    return Shop(web)


@pytest.fixture
def dataset(postgres: str, monkeypatch: pytest.MonkeyPatch, request: Any) -> str:
    """A dataset of the test's own."""
    monkeypatch.setenv(CREDENTIALS, address(postgres))
    return f"data_{abs(hash(request.node.name))}"


def counts(postgres: str, dataset: str) -> dict[str, int]:
    return {name: len(rows) for name, rows in in_postgres(postgres, dataset).items()}


def wanted(times: int) -> dict[str, int]:
    """What is in the tables after customers were appended so often."""
    rows = ROWS | {"customers": 3 * times}
    return rows | {f"{name}__tags": 2 * count for name, count in rows.items()}


@pytest.mark.parametrize("lost", quick_first(False, True), ids=["", "working folder lost"])
@pytest.mark.parametrize("moment", ["die after a job's commit", "die after the load's commit"])
def test_after_a_kill_while_loading_no_row_is_lost_or_doubled(
    shop: Shop, project: Path, postgres: str, dataset: str, moment: str, lost: bool
) -> None:
    connector = connector_of(project, disposed(shop))
    place = {"destination": "postgres", "dataset": dataset}
    load(connector, project, **place)
    asked = ["run", "shop", "--destination", "postgres", "--dataset", dataset]
    with command(project, *asked, hook=moment) as run:
        assert run.ended()[0] == -signal.SIGKILL
    if lost:
        shutil.rmtree(project / "dlt")
    assert load(connector, project, **place).status == "ok"
    times = 2 + (moment == "die after the load's commit" or not lost)
    assert counts(postgres, dataset) == wanted(times)


def test_a_server_that_ends_every_connection_loses_and_doubles_nothing(
    shop: Shop, project: Path, postgres: str, dataset: str
) -> None:
    connector = connector_of(project, disposed(shop))
    place = {"destination": "postgres", "dataset": dataset}
    load(connector, project, **place)
    over = threading.Event()

    def end_connections() -> None:
        while not over.wait(0.01):
            without_connections(postgres)

    storm = threading.Thread(target=end_connections)

    def on_event(event: Event) -> None:
        if event == StepStarted("load"):
            storm.start()

    expected: list[list[str]] = [[]]
    try:
        load(connector, project, now=later(), on_event=on_event, **place)
    except DestinationError:
        # before the load's commit, between it and dlt's last word, or after that
        expected = [[FINISHED], [ALREADY_LOADED], []]
    finally:
        over.set()
        storm.join()
    report = load(connector, project, now=later(48), **place)
    assert report.status == "ok"
    assert report.notes in expected
    assert counts(postgres, dataset) == wanted(3)


def test_what_the_server_refuses_fails_the_run_and_is_loaded_when_it_no_longer_does(
    shop: Shop, project: Path, postgres: str, dataset: str
) -> None:
    import psycopg2

    connector = connector_of(project, disposed(shop))
    place = {"destination": "postgres", "dataset": dataset}
    load(connector, project, **place)

    def administer(statement: str) -> None:
        connection = psycopg2.connect(host=postgres, user="postgres", dbname="postgres")
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
        connection.close()

    administer(
        f"create function {dataset}.no() returns trigger language plpgsql as "
        "$$ begin raise exception 'the table is closed'; end $$; "
        f"create trigger no before insert on {dataset}.customers execute function {dataset}.no()"
    )
    with pytest.raises(DestinationError, match="the table is closed"):
        load(connector, project, now=later(), **place)
    administer(f"drop trigger no on {dataset}.customers")
    report = load(connector, project, now=later(48), **place)
    assert (report.status, report.notes) == ("ok", [FINISHED])
    assert counts(postgres, dataset) == wanted(3)
