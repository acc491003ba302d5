"""Runs of several processes into one destination: they read side by side and load in turn."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest

from framework.definition.model import Connector
from framework.errors import Interrupted, SettingsError
from framework.events import Committed, Event, EventHandler, ResourceEnded, ignore_event
from framework.ledger.ledger_writer import LedgerWriter
from framework.load.destinations.target import target_of
from framework.load.report import Report
from framework.load.run_options import CommitEvery, RunOptions
from framework.load.runner import run
from framework.runtime.environment import Environment
from tests.support.loaded_tables import left_in, left_in_files
from tests.support.parallel_runs import FileTurns, guard_connections, parallel_run
from tests.support.run_verbs import NOW, Tables, connector_of, load
from tests.support.servers.web import Answer, Asked, Web, each
from tests.support.slow_params import quick_first

Json = Any
LONGEST = 60.0
ACCOUNTS = ("north", "south")
FIRST = {"north": 100, "south": 200}


def things(web: Web, **resource: Json) -> dict[str, Json]:
    """The body of a connector with one resource, of pages, for an account that config names."""
    return {
        "config": {"account": {"type": "string", "default": "north"}},
        "client": {"base_url": web.url, "retry": {"max_retries": 0}},
        "resources": [
            {
                "name": "things",
                "primary_key": "id",
                "write_disposition": "merge",
                "endpoint": {
                    "path": "/things",
                    "params": {"account": "{config.account}"},
                    "data_selector": "items",
                    "paginator": {"type": "page_number", "base_page": 1, "total_path": "pages"},
                },
                **resource,
            }
        ],
    }


class Account:
    """An API of three pages for each account, whose last ones come together.

    A `held` account waits at its page of that number instead.
    """

    def __init__(self, web: Web, values: dict[str, Json] | None = None) -> None:
        self.last_page = threading.Barrier(2)
        self.may_end = threading.Event()
        self.asked = threading.Event()
        self.held: dict[str, int] = {}
        self.values = values or {}
        web.on("/things", self._answer)

    def _answer(self, asked: Asked) -> Json:
        page, account = int(asked.param("page") or 1), asked.param("account") or ""
        if page == self.held.get(account):
            self.asked.set()
            self.may_end.wait(LONGEST)
        elif page == 3 and not self.held:
            with suppress(threading.BrokenBarrierError):
                self.last_page.wait(LONGEST)
        first = FIRST[account] + 10 * page
        own = self.values.get(account, {"tags": [1, 2]})
        items = [{"id": first + n, "account": account, **own} for n in range(3)]
        return {"items": items, "pages": 3}


def ids(account: str) -> list[int]:
    return [FIRST[account] + 10 * page + n for page in (1, 2, 3) for n in range(3)]


def of(account: str, **options: Json) -> dict[str, Json]:
    """The options of a run for an account."""
    return {"alias": account, "config": {"account": account}, **options}


@pytest.mark.parametrize(
    "dataset", quick_first("shared_data", None), ids=["one dataset", "two datasets"]
)
@pytest.mark.parametrize(
    "every", quick_first(CommitEvery(records=3), None), ids=["commits", "one load"]
)
def test_two_processes_read_at_once_and_load_into_one_duckdb_file(
    web: Web, project: Path, dataset: str | None, every: CommitEvery | None
) -> None:
    connector_of(project, things(web))
    Account(web)
    with ExitStack() as stack:
        runs = []
        for account in ACCOUNTS:
            options = of(account, dataset=dataset, commit_every=every)
            runs.append(stack.enter_context(parallel_run(project, account, options)))
        reports = [run.report() for run in runs]
    assert [report["status"] for report in reports] == ["ok", "ok"], reports
    assert [report["warnings"] for report in reports] == [[], []]
    with duckdb.connect(str(project / "shop.duckdb"), read_only=True) as connection:
        for account in ACCOUNTS:
            name = dataset or f"{account}_data"
            query = f"select id from {name}.things where account = '{account}' order by id"
            assert [one[0] for one in connection.sql(query).fetchall()] == ids(account)
            query = f"select count(*) from {name}.things__tags"
            assert connection.sql(query).fetchall() == [(36 if dataset else 18,)]
            query = f"select alias from {name}._framework_runs order by alias"
            recorded = [one[0] for one in connection.sql(query).fetchall()]
            assert recorded == (list(ACCOUNTS) if dataset else [account])
            query = f"select distinct _dlt_load_id from {name}.things where account = '{account}'"
            assert (len(connection.sql(query).fetchall()) > 1) == (every is not None)


OTHER_TYPES = {
    "north": {"price": 10, "parts": [{"size": 1}], "same": "a"},
    "south": {"price": 10.5, "parts": [{"size": "large"}], "same": "b", "more": True},
}


@pytest.mark.parametrize(
    ("resource", "every", "disposition"),
    quick_first(
        ({}, CommitEvery(records=3), "merge"),
        ({}, None, "merge"),
        ({"columns": {"account": {"data_type": "text", "precision": 99}}}, None, "append"),
    ),
    ids=["commits", "one load", "by dlt's normalizer"],
)
def test_values_of_another_type_than_another_run_loaded_meanwhile_come_as_in_sequence(
    web: Web,
    project: Path,
    tmp_path_factory: pytest.TempPathFactory,
    resource: dict[str, Json],
    every: CommitEvery | None,
    disposition: str,
) -> None:
    """The second run opened an empty dataset, where the first has created tables since."""
    api = Account(web, OTHER_TYPES)
    connector = connector_of(project, things(web, write_disposition=disposition, **resource))
    api.held = {"south": 1}
    south_options = of("south", dataset="shop_data", commit_every=every)
    with parallel_run(project, "south", south_options) as south:
        assert api.asked.wait(LONGEST)
        with parallel_run(project, "north", of("north", dataset="shop_data")) as north:
            assert north.report()["status"] == "ok"
        api.may_end.set()
        assert south.report()["status"] == "ok"
    sequence = tmp_path_factory.mktemp("sequence")
    for account in ACCOUNTS:
        load(connector, sequence, **of(account, dataset="shop_data"))
    together, apart = left_in(project), left_in(sequence)
    assert together.trees["things"] == apart.trees["things"]
    assert together.columns["things"] == apart.columns["things"]
    assert together.columns["things__parts"] == apart.columns["things__parts"]
    assert '"price__v_double": "10.5"' in together.trees["things"][-1]


def test_what_a_killed_run_has_read_is_not_loaded_into_tables_that_have_changed_since(
    web: Web, project: Path
) -> None:
    connector_of(project, things(web))
    api = Account(web, OTHER_TYPES)
    api.held = {"south": 1}
    options = of("south", dataset="shop_data")
    with parallel_run(project, "south", options, hook="die before its turn") as south:
        assert api.asked.wait(LONGEST)
        with parallel_run(project, "north", of("north", dataset="shop_data")) as north:
            assert north.report()["status"] == "ok"
        api.may_end.set()
        assert south.exit_code() == -signal.SIGKILL
    with parallel_run(project, "again", options) as again:
        (note,) = again.report()["notes"]
        assert "the destination has changed since; it is read again" in note
    assert '"price__v_double": "10.5"' in left_in(project).trees["things"][-1]


def test_rows_that_cannot_be_adapted_fail_and_the_next_run_loads_them(
    web: Web, project: Path
) -> None:
    connector_of(project, things(web, write_disposition="append"))
    api = Account(web, OTHER_TYPES)
    api.held = {"south": 1}
    options = of("south", dataset="shop_data")
    with parallel_run(project, "south", options) as south:
        assert api.asked.wait(LONGEST)
        with parallel_run(project, "north", of("north", dataset="shop_data")) as north:
            assert north.report()["status"] == "ok"
        api.may_end.set()
        (part,) = south.report()["resources"]
        assert part["status"] == "failed"
        assert "the column price of things" in part["error"]
    with parallel_run(project, "again", options) as again:
        assert again.report()["status"] == "ok"
    trees = left_in(project).trees["things"]
    assert len(trees) == 18
    assert '"price__v_double": "10.5"' in trees[-1]


@pytest.fixture
def turns(project: Path, monkeypatch: pytest.MonkeyPatch) -> FileTurns:
    """Turns without which nothing connects to DuckDB."""
    turns = FileTurns(project)
    guard_connections(turns, monkeypatch.setattr)
    return turns


def guarded(
    project: Path,
    connector: Connector,
    turns: FileTurns,
    on_event: EventHandler = ignore_event,
    **options: Json,
) -> Report:
    return run(
        connector,
        RunOptions(folder=project, **options),
        Environment(now=NOW, waits=False, destination_turn=turns),
        on_event,
        record=LedgerWriter(connector.path),
    )


def test_a_run_reads_without_its_turn_and_connects_only_with_it(
    web: Web, project: Path, turns: FileTurns
) -> None:
    reading = []

    def answer(_: Asked) -> Json:
        reading.append(turns.held)
        return {"items": [{"id": 1, "tags": [1]}], "pages": 1}

    web.on("/things", answer)
    connector = connector_of(project, things(web))
    for _ in range(2):
        assert guarded(project, connector, turns).status == "ok"
    assert reading == [False, False]
    assert set(turns.places) == {str(project / "shop.duckdb")}
    assert not turns.held


REFUSED = {"items": [{"id": 1, "size": "large"}], "pages": 1}
TOO_LONG = {"columns": {"size": {"data_type": "decimal", "precision": 50}}}
ENDS: dict[str, tuple[str | None, Json, dict[str, Json], dict[str, Json]]] = {
    "it loads": ("ok", None, {}, {}),
    "it loads all anew": ("ok", None, {}, {"refresh": True}),
    "a value is refused": ("failed", REFUSED, {"schema_contract": {"data_type": "freeze"}}, {}),
    "a table is refused": ("failed", {"items": [{"id": 1, "size": 1}], "pages": 1}, TOO_LONG, {}),
    "no response comes": ("failed", Answer(500), {}, {}),
    "a setting is missing": (None, None, {}, {"config": {}}),
}
"""Its status, None for an error; what the API answers, the resource's keys and the options."""


@pytest.mark.parametrize("end", ENDS)
def test_however_a_run_ends_it_connects_only_with_its_turn(
    web: Web, project: Path, turns: FileTurns, end: str
) -> None:
    status, answer, resource, options = ENDS[end]
    Account(web).held = {"south": 1}
    guarded(project, connector_of(project, things(web)), turns)
    if answer is not None:
        web.on("/things", answer)
    body = things(web, **{"columns": {"size": {"data_type": "bigint"}}, **resource})
    body["config"]["region"] = {"type": "string"}
    body["client"]["headers"] = {"X-Region": "{config.region}"}
    changed, options = connector_of(project, body), {"config": {"region": "eu"}, **options}
    if status is None:
        with pytest.raises(SettingsError):
            guarded(project, changed, turns, **options)
    else:
        assert guarded(project, changed, turns, **options).status == status
    with Tables(project / "shop.duckdb", "shop_data") as tables:
        assert tables.sql("select count(*) from shop_data._framework_runs") == [(2,)]
    assert not turns.held


def test_child_tables_of_a_resource_that_ended_before_are_created_with_the_turn(
    web: Web, project: Path, turns: FileTurns
) -> None:
    """All that is left for the last package is state: the other resource fails later."""
    schema = {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["id"],
    }
    body = things(web, schema=schema)
    del body["config"]
    (resource,) = body["resources"]
    body["resources"].append({**resource, "name": "others"})
    body["resources"][1]["endpoint"] = {**resource["endpoint"], "path": "/others", "params": {}}
    resource["endpoint"] = {"path": "/things", "paginator": "single_page"}
    ended, loaded = threading.Event(), threading.Event()

    def others(asked: Asked) -> Json:
        if asked.param("page") == "1":
            ended.wait(LONGEST)
            return {"items": [{"id": 1}], "pages": 2}
        loaded.wait(LONGEST)
        return Answer(500)

    def told(event: Event) -> None:
        if isinstance(event, ResourceEnded) and event.resource == "things":
            ended.set()
        if isinstance(event, Committed) and {"things", "others"} <= set(event.resources):
            loaded.set()

    web.on("/things", [{"id": 1}])
    web.on("/others", others)
    every = CommitEvery(records=1)
    report = guarded(project, connector_of(project, body), turns, told, commit_every=every)
    statuses = {name: part.status for name, part in report.resources.items()}
    assert statuses == {"things": "ok", "others": "failed"}
    with Tables(project / "shop.duckdb", "shop_data") as tables:
        assert "things__tags" in tables.names()


def test_a_file_that_another_process_has_just_created_is_not_taken_for_an_incomplete_one(
    web: Web, project: Path
) -> None:
    """It is complete when the other one's turn ends."""
    file = project / "shop.duckdb"
    file.write_bytes(b"\0" * 100)

    @contextmanager
    def turn(_: str) -> Iterator[None]:
        if file.stat().st_size == 100:
            file.unlink()
            with duckdb.connect(str(file)) as connection:
                connection.execute("create table of_the_other (id int)")
        yield

    web.on("/things", {"items": [{"id": 1}], "pages": 1})
    environment = Environment(now=NOW, waits=False, destination_turn=turn)
    connector = connector_of(project, things(web))
    assert run(connector, RunOptions(folder=project), environment).notes == []
    with Tables(file, "main") as tables:
        assert tables.names() == {"of_the_other"}


def test_a_run_that_is_stopped_while_it_waits_for_its_turn_ends_and_connects_nowhere(
    web: Web, project: Path
) -> None:
    """Nor is it recorded, for which it would wait again."""

    @contextmanager
    def turn(_: str) -> Iterator[None]:
        raise Interrupted("interrupted")
        yield

    connector, report = connector_of(project, things(web)), Report("shop")
    environment = Environment(now=NOW, waits=False, destination_turn=turn)
    with pytest.raises(Interrupted):
        run(
            connector,
            RunOptions(folder=project),
            environment,
            report=report,
            record=LedgerWriter(connector.path),
        )
    assert report.status == "interrupted"
    assert not (project / "shop.duckdb").exists()
    assert web.asked == []


def test_two_accounts_load_files_in_turn(
    web: Web, project: Path, turns: FileTurns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", str(project / "files"))
    web.on("/things", {"items": [{"id": 1, "price": 1}], "pages": 1})
    connector = connector_of(project, things(web, write_disposition="append"))
    place = {"destination": "filesystem", "dataset": "shop_data"}
    for account in ACCOUNTS:
        assert guarded(project, connector, turns, **of(account, **place)).status == "ok"
    assert set(turns.places) == {"filesystem/shop_data"}
    assert len(left_in_files(project / "files" / "shop_data").trees["things"]) == 2


def test_names_that_dlt_makes_one_dataset_of_have_one_turn(project: Path) -> None:
    client = '{base_url: "http://127.0.0.1:1", paginator: single_page}'
    connector = connector_of(project, f"client: {client}\nresources: [{{name: orders}}]")
    places: list[str] = []

    @contextmanager
    def take_turn(place: str) -> Iterator[None]:
        places.append(place)
        yield

    for kind in ("postgres", "dlt.destinations.postgres"):
        for dataset in ("Books", "books", "books_2", "books__2"):
            options = RunOptions(destination=kind, dataset=dataset)
            with target_of(connector, options, take_turn).turn:
                pass
    assert sorted(set(places)) == ["postgres/books", "postgres/books_2"]


def test_rows_are_taken_back_with_the_turn(web: Web, project: Path, turns: FileTurns) -> None:
    body = things(web, write_disposition="append")
    page = {"items": [{"id": 1}], "pages": 2}
    web.on("/things", each(page, Answer(500), page, {"items": [{"id": 2}], "pages": 2}))
    connector = connector_of(project, body)
    every = CommitEvery(records=1)
    assert guarded(project, connector, turns, commit_every=every).status == "failed"
    again = guarded(project, connector, turns, resume_within=None)
    assert again.notes == ["deleted 1 rows of things that a run before had appended"]
    with Tables(project / "shop.duckdb", "shop_data") as tables:
        assert tables.sql("select id from shop_data.things order by id") == [(1,), (2,)]
