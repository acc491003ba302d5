"""Rows whose records the API no longer has: when they are marked or removed, and when not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from framework.definition.model import Connector
from framework.load.run_options import CommitEvery, RunOptions
from tests.support.both_paths import assert_same, into_postgres, load_both, resource
from tests.support.run_verbs import codes, connector_of, later, load, statuses, warnings_of
from tests.support.servers.web import Answer, Asked, Web
from tests.support.slow_params import quick_first

Json = Any
SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "v": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}


def rows_of(count: int) -> list[dict[str, Json]]:
    return [{"id": n, "v": f"v{n}", "tags": [f"t{n}"]} for n in range(count)]


class Lists:
    """An API of one list; `answer` replaces the list if it is set."""

    def __init__(self, web: Web) -> None:
        self.items = rows_of(20)
        self.answer: Callable[[Asked], Json] | None = None
        web.on("/items", lambda asked: self.answer(asked) if self.answer else self._all())
        self._web = web

    def _all(self) -> Json:
        return {"items": self.items, "total": len(self.items)}

    def connector(self, project: Path, **changes: Json) -> Connector:
        endpoint = {"data_selector": "items", "paginator": "single_page"}
        items = {
            "name": "items",
            "primary_key": "id",
            "write_disposition": "merge",
            "deletes": "mark",
            **changes,
            "endpoint": {**endpoint, **changes.get("endpoint", {})},
        }
        return connector_of(project, {"client": {"base_url": self._web.url}, "resources": [items]})


@pytest.fixture
def api(web: Web) -> Lists:
    return Lists(web)


def live_and_gone(project: Path) -> tuple[int, list[int]]:
    """The number of rows without a mark, and the ids of those that are marked."""
    with duckdb.connect(str(project / "shop.duckdb"), read_only=True) as connection:
        rows = connection.sql("select id, _deleted_at from shop_data.items").fetchall()
    gone = sorted(number for number, deleted_at in rows if deleted_at is not None)
    return len(rows) - len(gone), gone


@pytest.mark.parametrize("strategy", quick_first(None, "upsert"))
@pytest.mark.parametrize("action", ["mark", "remove"])
@pytest.mark.parametrize("schema", [SCHEMA, None], ids=["declared", "inferred"])
def test_both_paths_and_databases_tell_the_same_rows(
    project: Path,
    postgres: str,
    monkeypatch: pytest.MonkeyPatch,
    strategy: str | None,
    action: str,
    schema: Json,
) -> None:
    merge = "merge" if strategy is None else {"disposition": "merge", "strategy": strategy}
    listed = [resource("items", schema, deletes=action, write_disposition=merge)]
    every = rows_of(6)
    loads = [{"items": every}, {"items": every[2:5]}, {"items": [*every[3:], every[0]]}]
    ours, theirs = load_both(project / "duckdb", listed, *loads)
    assert_same(ours, theirs)
    into = into_postgres(postgres, monkeypatch)
    theirs, _ = load_both(project / f"{strategy or 'plain'}_{action}", listed, *loads, into=into)
    assert ours.trees == theirs.trees
    marks = [
        "_deleted_at" in tree and '"_deleted_at": null' not in tree for tree in ours.trees["items"]
    ]
    assert len(ours.trees["items"]) == (6 if action == "mark" else 4)
    assert sum(marks) == (2 if action == "mark" else 0)


def test_a_row_is_marked_with_the_start_of_the_run_and_counted(api: Lists, project: Path) -> None:
    connector = api.connector(project)
    load(connector, project)
    del api.items[3:5]
    report = load(connector, project, now=later(1))
    assert report.resources["items"].deleted == 2
    assert report.as_dict()["resources"][0]["deleted"] == 2
    with duckdb.connect(str(project / "shop.duckdb"), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        marks = connection.sql(
            "select distinct _deleted_at from shop_data.items where id in (3, 4)"
        ).fetchall()
    assert marks == [(later(1),)]
    # a second run finds nothing new, and leaves the time as it is
    assert load(connector, project, now=later(2)).resources["items"].deleted == 0
    assert live_and_gone(project) == (18, [3, 4])


def test_a_row_of_another_writer_is_left_alone(api: Lists, project: Path) -> None:
    connector = api.connector(project, deletes="remove")
    load(connector, project)
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute(
            "insert into shop_data.items (id, _dlt_id, _dlt_load_id) values (99, 'x', 'by hand')"
        )
    del api.items[0]
    load(connector, project, now=later(1))
    with duckdb.connect(str(project / "shop.duckdb"), read_only=True) as connection:
        ids = [one for (one,) in connection.sql("select id from shop_data.items").fetchall()]
    assert sorted(ids) == [*range(1, 20), 99]


def test_rows_from_before_the_key_count(api: Lists, project: Path) -> None:
    load(api.connector(project, deletes="ignore"), project)
    del api.items[:2]
    connector = api.connector(project)
    load(connector, project, now=later(1))
    assert live_and_gone(project) == (18, [0, 1])


def test_rows_of_another_account_in_the_dataset_do_not(api: Lists, project: Path) -> None:
    connector, dataset = api.connector(project, deletes="remove"), {"dataset": "accounts"}
    load(connector, project, alias="one", **dataset)
    api.items = [{**one, "id": one["id"] + 100} for one in api.items[:5]]
    load(connector, project, alias="two", now=later(1), **dataset)
    del api.items[0]
    load(connector, project, alias="two", now=later(2), **dataset)
    with duckdb.connect(str(project / "shop.duckdb"), read_only=True) as connection:
        ids = [one for (one,) in connection.sql("select id from accounts.items").fetchall()]
    assert sorted(ids) == [*range(20), *range(101, 105)]


PAGED = {
    "paginator": {"type": "page_number", "base_page": 1, "total_path": None, "page_size": 5},
}


NO = {"status_code": 400}


def failing(_: Asked) -> Json:
    return Answer(400, {"message": "no"})


def short(asked: Asked) -> Json:
    """Fifteen of the twenty records that the total tells."""
    page = int(asked.param("page") or 1)
    items = rows_of(15)[(page - 1) * 5 : page * 5]
    return {"items": items, "total": 20}


def shrinking(asked: Asked) -> Json:
    """A total that changes between pages."""
    page = int(asked.param("page") or 1)
    return {"items": rows_of(15)[(page - 1) * 5 : page * 5], "total": 21 - page}


@pytest.mark.parametrize(
    ("endpoint", "answer", "warns"),
    [
        ({}, failing, False),
        ({"response_actions": [{"status_code": 400, "action": "ignore"}]}, failing, True),
        (
            {"response_actions": [{"status_code": 400, "action": "skip_resource"}]},
            failing,
            False,
        ),
        (PAGED, short, True),
        (PAGED, shrinking, True),
        ({}, lambda _: {"items": [], "total": 0}, True),
    ],
    ids=["failed", "ignored", "skipped", "short", "shrinking", "empty"],
)
def test_a_run_that_left_anything_out_marks_nothing(
    api: Lists,
    project: Path,
    endpoint: Json,
    answer: Callable[[Asked], Json] | None,
    warns: bool,
) -> None:
    load(api.connector(project), project)
    api.answer = answer
    api.items = rows_of(7)
    connector = api.connector(project, endpoint=endpoint)
    report = load(connector, project, now=later(1))
    assert live_and_gone(project) == (20, [])
    assert ("deletes-left" in [code for _, code in codes(report)]) is warns
    # the next run that is whole finds them
    api.answer = None
    load(api.connector(project), project, now=later(2))
    assert live_and_gone(project) == (7, list(range(7, 20)))


@pytest.mark.parametrize(
    ("at_most", "left", "marked"), [("10%", 18, 2), ("9.9%", 20, 0), ("100%", 18, 2)]
)
def test_a_share_of_the_rows_is_the_most_that_goes(
    api: Lists, project: Path, at_most: str, left: int, marked: int
) -> None:
    connector = api.connector(project, deletes={"action": "mark", "at_most": at_most})
    load(connector, project)
    del api.items[:2]
    report = load(connector, project, now=later(1))
    assert live_and_gone(project) == (left, list(range(marked)))
    if not marked:
        [warning] = warnings_of(report, "items")
        assert warning.message == (
            "the API no longer has 2 of 20 records, more than `at_most: 9.9%`, so no row was "
            "changed. If that is right, raise at_most"
        )


def test_all_rows_go_only_if_the_file_says_so(api: Lists, project: Path) -> None:
    connector = api.connector(project)
    load(connector, project)
    api.items = []
    report = load(connector, project, now=later(1))
    assert 'deletes: {action: mark, at_most: "100%"}' in warnings_of(report, "items")[-1].message
    connector = api.connector(project, deletes={"action": "mark", "at_most": "100%"})
    load(connector, project, now=later(2))
    assert live_and_gone(project) == (0, list(range(20)))


def test_rows_that_a_run_commits_on_its_way_are_not_gone(api: Lists, project: Path) -> None:
    def pages(asked: Asked) -> Json:
        page = int(asked.param("page") or 1)
        return {"items": api.items[(page - 1) * 5 : page * 5]}

    api.answer = pages
    connector, every = api.connector(project, endpoint=PAGED), CommitEvery(records=5)
    for hours in (0, 1):
        report = load(connector, project, now=later(hours), commit_every=every)
        assert report.committed
        assert codes(report) == []
    del api.items[4]
    assert load(connector, project, now=later(2), commit_every=every).status == "ok"
    assert live_and_gone(project) == (19, [4])


def test_a_run_that_was_resumed_leaves_them_to_the_next(api: Lists, project: Path) -> None:
    fails = False

    def pages(asked: Asked) -> Json:
        page = int(asked.param("page") or 1)
        if fails and page == 3:
            return Answer(400, {"message": "no"})
        return {"items": api.items[(page - 1) * 5 : page * 5]}

    api.answer = pages
    connector, every = api.connector(project, endpoint=PAGED), CommitEvery(records=5)
    load(connector, project, commit_every=every)
    del api.items[2]
    fails = True
    assert statuses(load(connector, project, now=later(1), commit_every=every)) == {
        "items": "failed"
    }
    fails = False
    report = load(connector, project, now=later(2), commit_every=every)
    assert codes(report) == [("items", "deletes-left")]
    assert live_and_gone(project) == (20, [])
    load(connector, project, now=later(3), commit_every=every)
    assert live_and_gone(project) == (19, [2])


INCREMENTAL = {
    "incremental": {
        "cursor_path": "at",
        "start_param": "since",
        "initial_value": "2026-01-01T00:00:00Z",
        "full_read_every": "P7D",
    }
}


def dated(api: Lists) -> Callable[[Asked], Json]:
    api.items = [{"id": n, "at": f"2026-02-{n + 1:02}T00:00:00Z"} for n in range(20)]

    def since(asked: Asked) -> Json:
        return {"items": [one for one in api.items if one["at"] >= (asked.param("since") or "")]}

    return since


def test_a_full_read_comes_when_it_is_due(api: Lists, web: Web, project: Path) -> None:
    api.answer = dated(api)
    connector = api.connector(project, endpoint=INCREMENTAL)
    load(connector, project)
    del api.items[:2]
    for days in (1, 6):
        load(connector, project, now=later(24 * days))
        assert live_and_gone(project) == (20, [])
        assert web.asked[-1].param("since") == "2026-02-20T00:00:00Z"
    load(connector, project, now=later(24 * 7))
    assert web.asked[-1].param("since") == "2026-01-01T00:00:00Z"
    assert live_and_gone(project) == (18, [0, 1])
    load(connector, project, now=later(24 * 8))
    assert web.asked[-1].param("since") == "2026-02-20T00:00:00Z"


def test_rows_outside_of_what_a_full_read_requests_are_left(api: Lists, project: Path) -> None:
    api.answer = dated(api)
    load(api.connector(project, endpoint=INCREMENTAL), project)
    later_start = {**INCREMENTAL["incremental"], "initial_value": "2026-02-05T00:00:00Z"}
    del api.items[8]
    connector = api.connector(project, endpoint={"incremental": later_start})
    load(connector, project, now=later(24 * 7))
    assert live_and_gone(project) == (19, [8])


def test_a_list_in_a_record_is_told_by_the_key_of_the_record(web: Web, project: Path) -> None:
    def order(number: int, *skus: str) -> Json:
        return {"id": number, "at": "2026-06-01T00:00:00Z", "lines": [{"sku": one} for one in skus]}

    orders = [order(1, "a", "b"), order(2, "a"), order(3, "c")]
    web.on(
        "/orders", lambda asked: [one for one in orders if one["id"] in (asked_ids or (1, 2, 3))]
    )
    asked_ids: list[int] = []
    connector = connector_of(
        project,
        {
            "client": {"base_url": web.url, "paginator": "single_page"},
            "resource_defaults": {"write_disposition": "merge"},
            "resources": [
                {
                    "name": "orders",
                    "primary_key": "id",
                    "endpoint": {
                        "data_selector": "[]",
                        "incremental": {
                            "cursor_path": "at",
                            "start_param": "since",
                            "initial_value": "2026-01-01T00:00:00Z",
                        },
                    },
                },
                {
                    "name": "lines",
                    "primary_key": ["_orders_id", "sku"],
                    "include_from_parent": ["id"],
                    "deletes": "remove",
                    "endpoint": {"from": "orders", "data_selector": "lines"},
                },
            ],
        },
    )
    load(connector, project)
    orders[:] = [order(1, "b"), order(2), order(3)]
    asked_ids.extend((1, 2))  # the third order did not change, as far as the API says
    report = load(connector, project, now=later(1))
    assert report.resources["lines"].deleted == 2
    with duckdb.connect(str(project / "shop.duckdb"), read_only=True) as connection:
        rows = connection.sql("select _orders_id, sku from shop_data.lines order by all").fetchall()
    assert rows == [(1, "b"), (3, "c")]


def test_an_outside_range_is_no_full_read(api: Lists, project: Path) -> None:
    api.answer = dated(api)
    connector = api.connector(project, endpoint=INCREMENTAL)
    load(connector, project)
    del api.items[:5]
    report = load(connector, project, now=later(24 * 8), since="2026-01-01")
    assert codes(report) == []
    assert live_and_gone(project) == (20, [])


def test_a_reset_state_makes_a_full_read(api: Lists, project: Path) -> None:
    from framework.events import ignore_event
    from framework.load.persistence.destination_state import forget
    from framework.runtime.environment import StopSignal

    api.answer = dated(api)
    connector = api.connector(project, endpoint=INCREMENTAL)
    load(connector, project)
    del api.items[0]
    options = RunOptions(folder=project)
    forget(connector, options, "items", ignore_event, StopSignal())
    load(connector, project, now=later(1))
    assert live_and_gone(project) == (19, [0])


def test_tables_that_are_files_are_refused(
    api: Lists, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from framework.errors import DestinationError

    monkeypatch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", str(project / "files"))
    connector = api.connector(project, table_format="delta")
    with pytest.raises(DestinationError, match="cannot change rows, and items has `deletes`"):
        load(connector, project, destination="filesystem")
