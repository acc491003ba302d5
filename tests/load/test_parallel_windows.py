"""Windows of one account that are read and loaded side by side give the tables of one run."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from framework.load.destinations.target import target_of
from framework.load.persistence.recovery import DROPPED
from framework.load.run_options import RunOptions
from framework.load.runner import LOADED_ONCE
from tests.support.loaded_tables import left_in, left_in_postgres
from tests.support.parallel_runs import parallel_run
from tests.support.postgres import CREDENTIALS, address
from tests.support.run_verbs import connector_of, load
from tests.support.servers.web import Asked, Web
from tests.support.slow_params import quick_first

Json = Any
LONGEST = 60.0
SINCE = date(2026, 3, 1)
DAYS = [SINCE + timedelta(days=number) for number in range(5)]

CONNECTOR = """
client: {{base_url: "{url}", retry: {{max_retries: 0}}}}
resource_defaults:
  primary_key: id
  write_disposition: merge
  endpoint: {{paginator: single_page, data_selector: items}}
resources:
  - name: orders
    endpoint:
      path: /orders
      incremental: {{cursor_path: at, start_param: since, end_param: until,
                     initial_value: "2026-01-01T00:00:00Z"}}
  - name: lines
    schema:
      type: object
      properties: {{id: {{type: integer}}, text: {{type: string}}}}
      required: [id]
    endpoint: {{path: "/orders/{{resources.orders.id}}/lines"}}
"""


class Orders:
    """Three orders a day, each with two lines; two days come together, each for the first time."""

    def __init__(self, web: Web) -> None:
        self.both = threading.Barrier(2)
        self._days: set[str] = set()
        web.on("/orders", self._orders)
        web.on("/orders/{id}/lines", self._lines)

    def _orders(self, asked: Asked) -> Json:
        since, until = str(asked.param("since"))[:10], str(asked.param("until"))[:10]
        is_day = date.fromisoformat(until) - date.fromisoformat(since) == timedelta(days=1)
        if is_day and since not in self._days:
            self._days.add(since)
            self.both.wait(LONGEST)
        return {"items": [one for one in _all() if since <= one["at"][:10] < until]}

    def _lines(self, asked: Asked) -> Json:
        number = int(asked.parts["id"]) * 10
        return {"items": [{"id": number + n, "text": f"line {n}"} for n in (1, 2)]}


def _all() -> list[dict[str, Json]]:
    """Return all orders; some fields are there on some days only."""
    return [
        {
            "id": 10 * day + n,
            "at": f"{DAYS[day]}T0{n}:00:00Z",
            "tags": [f"tag {n}"] * n,
            **({"refund": {"cents": 5 * n}} if day % 2 else {}),
        }
        for day in range(4)
        for n in (1, 2, 3)
    ]


def run_windows(project: Path, **options: Json) -> None:
    """Load the windows of one day in pairs, the later pair first."""
    for first in (2, 0):
        with ExitStack() as stack:
            runs = []
            for number in (first, first + 1):
                since, until = str(DAYS[number]), str(DAYS[number + 1])
                window = {"since": since, "until": until, "part": since, **options}
                runs.append(stack.enter_context(parallel_run(project, since, window)))
            for run in runs:
                report = run.report()
                assert (report["status"], report["warnings"]) == ("ok", []), report


def test_windows_in_one_duckdb_file(
    web: Web, project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    Orders(web)
    connector = connector_of(project, CONNECTOR.format(url=web.url))
    run_windows(project)
    sequence = tmp_path_factory.mktemp("sequence")
    load(connector, sequence, since=str(DAYS[0]), until=str(DAYS[4]))
    together, apart = left_in(project), left_in(sequence)
    assert len(together.trees["orders"]) == 12
    assert together.trees["orders"] == apart.trees["orders"]
    assert together.trees["lines"] == apart.trees["lines"]
    for table in ("orders", "orders__tags", "lines"):
        assert together.columns[table] == apart.columns[table]


def test_windows_in_one_dataset_of_postgres(
    web: Web, project: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent to PostgreSQL, dlt's staging dataset included, without the turn."""
    monkeypatch.setenv(CREDENTIALS, address(postgres))
    Orders(web)
    connector = connector_of(project, CONNECTOR.format(url=web.url))
    run_windows(project, destination="postgres", dataset="windows_together")
    place = {"destination": "postgres", "dataset": "windows_apart"}
    load(connector, project, since=str(DAYS[0]), until=str(DAYS[4]), **place)
    together = left_in_postgres(postgres, "windows_together")
    apart = left_in_postgres(postgres, "windows_apart")
    assert len(together.trees["orders"]) == 12
    assert together.trees["orders"] == apart.trees["orders"]
    assert together.trees["lines"] == apart.trees["lines"]
    for table in ("orders", "orders__tags", "lines"):
        assert together.columns[table] == apart.columns[table]


@pytest.mark.parametrize(
    "moment", quick_first("die after a job's commit", "die after the load's commit")
)
def test_a_window_that_is_killed_in_its_turn_gives_it_up_and_is_repeated(
    web: Web, project: Path, tmp_path_factory: pytest.TempPathFactory, moment: str
) -> None:
    Orders(web)
    connector = connector_of(project, CONNECTOR.format(url=web.url))

    def window(number: int) -> dict[str, Json]:
        since, until = str(DAYS[number]), str(DAYS[number + 1])
        return {"since": since, "until": until, "part": since, "once": since}

    with (
        parallel_run(project, "killed", window(0), hook=moment) as killed,
        parallel_run(project, "other", window(1)) as other,
    ):
        assert killed.exit_code() == -signal.SIGKILL
        assert other.report()["status"] == "ok"
    with parallel_run(project, "again", window(0)) as again:
        (*_, note) = again.report()["notes"]
    # a part of a load is read again if the other day has added a column since
    is_read_again = note.startswith(DROPPED) and moment == "die after a job's commit"
    assert note == LOADED_ONCE or is_read_again
    sequence = tmp_path_factory.mktemp("sequence")
    load(connector, sequence, since=str(DAYS[0]), until=str(DAYS[2]))
    together, apart = left_in(project), left_in(sequence)
    assert len(together.trees["orders"]) == 6
    assert together.trees["orders"] == apart.trees["orders"]
    assert together.trees["lines"] == apart.trees["lines"]


def test_each_part_has_a_pipeline_and_without_one_it_is_the_accounts(
    web: Web, project: Path
) -> None:
    connector = connector_of(project, CONNECTOR.format(url=web.url))

    def pipeline(**options: Json) -> str:
        return target_of(connector, RunOptions(folder=Path("/data"), **options)).pipeline

    assert pipeline() == pipeline(part=None) == "shop_3587845c"
    names = [pipeline(), pipeline(part="1"), pipeline(part="2"), pipeline(part="1", alias="acme")]
    assert len(set(names)) == 4
