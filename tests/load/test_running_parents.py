"""A child's lists are requested while its parent is read; what becomes of both is as if they were
not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framework.authoring.cassettes.recorder import record
from framework.authoring.cassettes.snapshot import test_connector as run_test
from framework.errors import Interrupted
from framework.events import ignore_event
from framework.extract.lists import parent_child
from framework.runtime.environment import Environment, StopSignal
from tests.support.run_verbs import NOW, connector_of, later, load, loaded, statuses, tables, values
from tests.support.servers.web import Answer, Asked, Web

Json = Any
PAGES = 3
PER_PAGE = 4
PATIENCE = 20
"""Seconds after which a server gives up to wait, and the test fails."""


class Api:
    """Parents on three pages, and the lists of each. `until` holds the last page of the parents;
    `last` is the answer then."""

    def __init__(self, web: Web, levels: int = 1) -> None:
        self.url = web.url
        self.until: threading.Event | None = None
        self.last: Callable[[Json], Any] = lambda page: page
        self.since: list[str | None] = []
        self.order: list[str] = []
        self.asked: list[threading.Event] = [threading.Event() for _ in range(levels)]
        self.child: Callable[[Asked], Any] = lambda asked: None
        self.in_flight = self.most = 0
        self._lock = threading.Lock()
        web.on("/parents", self._counted("parents", self._parents))
        web.on("/level{number}/{id}", self._counted("child", self._level))

    def _counted(self, name: str, handle: Callable[[Asked], Any]) -> Callable[[Asked], Any]:
        def counted(asked: Asked) -> Any:
            with self._lock:
                self.order.append(name)
                self.in_flight += 1
                self.most = max(self.most, self.in_flight)
            try:
                return handle(asked)
            finally:
                with self._lock:
                    self.in_flight -= 1

        return counted

    def _parents(self, asked: Asked) -> Any:
        number = int(asked.param("page") or 1)
        self.since.append(asked.param("since"))
        ids = range(number * 10, number * 10 + PER_PAGE)
        page = {"items": [{"id": one, "at": f"2026-01-01T00:00:{one:02}Z"} for one in ids]}
        if number < PAGES:
            return {**page, "next": number + 1}
        if self.until is not None:
            assert self.until.wait(PATIENCE), "no request of a child came"
        return self.last(page)

    def _level(self, asked: Asked) -> Any:
        self.asked[int(asked.parts["number"]) - 1].set()
        answer = self.child(asked)
        return {"items": [{"id": asked.parts["id"] + "1"}]} if answer is None else answer


def body(url: str, levels: int = 1, *, declared: bool = False, **client: Json) -> dict[str, Json]:
    text = {"type": "object", "properties": {"id": {"type": "string"}}}
    resources: list[dict[str, Json]] = [
        {
            "name": "parents",
            "endpoint": {
                "path": "/parents",
                "paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "page"},
                "incremental": {
                    "cursor_path": "at",
                    "initial_value": "2026-01-01T00:00:00Z",
                    "start_param": "since",
                },
            },
        }
    ]
    above = "parents"
    for level in range(1, levels + 1):
        path = f"/level{level}/{{resources.{above}.id}}"
        above = f"level{level}"
        own = {"schema": text} if declared else {}
        resources.append({"name": above, "endpoint": {"path": path}, **own})
    return {
        "client": {"base_url": url, "retry": {"max_retries": 0}, **client},
        "resource_defaults": {
            "primary_key": "id",
            "write_disposition": "merge",
            "endpoint": {"data_selector": "items", "paginator": "single_page"},
        },
        "resources": resources,
    }


IDS = [number * 10 + one for number in range(1, PAGES + 1) for one in range(PER_PAGE)]


@pytest.mark.parametrize("declared", [False, True])
def test_a_child_is_requested_before_the_last_page_of_its_parent(
    web: Web, project: Path, monkeypatch: pytest.MonkeyPatch, declared: bool
) -> None:
    monkeypatch.setattr(parent_child, "BATCH", 3)
    monkeypatch.setattr(parent_child, "IN_MEMORY", 10)
    api = Api(web)
    api.until = api.asked[0]
    report = load(connector_of(project, body(api.url, declared=declared)), project)
    assert statuses(report) == {"parents": "ok", "level1": "ok"}
    assert values(project, "parents") == IDS
    assert values(project, "level1") == [f"{one}1" for one in IDS]
    assert report.resources["level1"].requests == len(IDS)


def test_a_parent_that_is_not_loaded_is_followed_too(web: Web, project: Path) -> None:
    api = Api(web, levels=2)
    api.until = api.asked[1]
    report = load(connector_of(project, body(api.url, 2)), project, "level2")
    assert statuses(report) == {"level2": "ok"}
    assert values(project, "level2") == [f"{one}11" for one in IDS]
    assert api.order.count("parents") == PAGES
    assert report.resources["level2"].requests == PAGES + 2 * len(IDS)


@pytest.mark.parametrize("declared", [False, True])
def test_a_parent_that_fails_on_its_last_page_leaves_nothing_of_its_children(
    web: Web, project: Path, declared: bool
) -> None:
    api = Api(web)
    connector = connector_of(project, body(api.url, declared=declared))
    api.until = api.asked[0]
    api.last = lambda _: Answer(500)
    report = load(connector, project)
    assert statuses(report) == {"parents": "failed", "level1": "skipped"}
    part = report.resources["level1"]
    assert (part.error, part.rows, part.left_out) == ("not loaded: parents failed", 0, {})
    assert not (project / "shop.duckdb").exists() or tables(project).names() == set()

    api.last = lambda page: page
    report = load(connector, project, now=later())
    assert api.since[PAGES] == "2026-01-01T00:00:00Z"
    assert loaded(report) == {"parents": len(IDS), "level1": len(IDS)}


def test_a_parent_that_fails_stops_the_requests_of_its_children(web: Web, project: Path) -> None:
    api = Api(web)
    failed = threading.Event()
    api.until = api.asked[0]

    def fail(_: Json) -> Answer:
        failed.set()
        return Answer(500)

    def endless(asked: Asked) -> Json:
        if asked.parts["id"] == "10":
            assert failed.wait(PATIENCE)
        page = int(asked.param("page") or 1)
        return {"items": [{"id": f"{asked.parts['id']}-{page}"}], "next": page + 1}

    api.last, api.child = fail, endless
    made = body(api.url, max_in_flight=3)
    made["resources"][1]["endpoint"]["paginator"] = made["resources"][0]["endpoint"]["paginator"]
    report = load(connector_of(project, made), project)
    assert statuses(report) == {"parents": "failed", "level1": "skipped"}
    assert tables_of(project) == set()


def tables_of(project: Path) -> set[str]:
    return tables(project).names() if (project / "shop.duckdb").exists() else set()


@pytest.mark.parametrize("fails", [False, True])
def test_what_a_child_meets_early_counts_if_its_parent_is_read_whole(
    web: Web, project: Path, fails: bool
) -> None:
    api = Api(web)
    api.until = api.asked[0]
    api.last = (lambda _: Answer(500)) if fails else (lambda page: page)
    api.child = lambda _: Answer(400)
    report = load(connector_of(project, body(api.url)), project)
    part = report.resources["level1"]
    if fails:
        assert (part.status, part.error) == ("skipped", "not loaded: parents failed")
    else:
        assert part.status == "failed"
        assert "/level1/10 returned 400" in str(part.error)
        assert loaded(report) == {"parents": len(IDS), "level1": 0}


@pytest.mark.parametrize("selected", [("parents", "level1"), ("level1",)])
def test_a_record_that_binds_nothing_is_the_error_whichever_list_failed_before(
    web: Web, project: Path, selected: tuple[str, ...]
) -> None:
    api = Api(web)
    api.until = api.asked[0]
    api.last = lambda page: {"items": [{"id": None, "at": "2026-01-01T00:00:59Z"}]}
    api.child = lambda _: Answer(400)
    made = body(api.url)
    made["resources"][0]["primary_key"] = "at"
    report = load(connector_of(project, made), project, *selected)
    part = report.resources["level1"]
    assert part.status == "failed"
    assert "but a record has null or nothing there" in str(part.error)


@pytest.mark.parametrize(("in_flight", "holds"), [(1, False), (2, False), (6, True)])
def test_five_levels_end_with_fewer_threads_and_with_more(
    web: Web, project: Path, in_flight: int, holds: bool
) -> None:
    api = Api(web, levels=4)
    api.until = api.asked[3] if holds else None
    report = load(connector_of(project, body(api.url, 4, max_in_flight=in_flight)), project)
    assert set(statuses(report).values()) == {"ok"}
    assert values(project, "level4") == [f"{one}1111" for one in IDS]
    assert api.most <= in_flight


@pytest.mark.parametrize("selected", [(), ("level3", "other3")])
def test_more_resources_than_threads_end(
    web: Web, project: Path, selected: tuple[str, ...]
) -> None:
    api = Api(web, levels=3)
    made = body(api.url, 3, max_in_flight=2)
    for one in list(made["resources"]):
        name = one["name"].replace("parents", "roots").replace("level", "other")
        path = one["endpoint"]["path"].replace(".parents", ".roots").replace("s.level", "s.other")
        made["resources"].append(
            {**one, "name": name, "endpoint": {**one["endpoint"], "path": path}}
        )
    report = load(connector_of(project, made), project, *selected)
    assert set(statuses(report).values()) == {"ok"}
    assert values(project, "level3") == values(project, "other3") == [f"{one}111" for one in IDS]
    assert api.most <= 2


def test_a_grandchild_of_a_parent_that_fails_is_skipped_with_it(web: Web, project: Path) -> None:
    api = Api(web, levels=3)
    api.until = api.asked[2]
    api.last = lambda _: Answer(500)
    report = load(connector_of(project, body(api.url, 3)), project)
    assert statuses(report) == {"parents": "failed"} | {f"level{n}": "skipped" for n in (1, 2, 3)}
    assert report.resources["level3"].error == "not loaded: level2 was skipped"
    assert tables_of(project) == set()


def batched(made: dict[str, Json]) -> None:
    made["resources"][1]["endpoint"] = {"path": "/level1/{partition.id}"}
    made["resources"][1]["partitions"] = [
        {"name": "id", "resource": "parents", "field": "id", "batch": 5, "separator": "-"}
    ]


@pytest.mark.parametrize("limit", [None, 7])
def test_lists_of_batches_and_under_a_limit_wait_for_the_whole_parent(
    web: Web, project: Path, limit: int | None
) -> None:
    api = Api(web)
    made = body(api.url)
    if limit is None:
        batched(made)
    report = load(connector_of(project, made), project, limit=limit)
    assert set(statuses(report).values()) == {"ok"}
    assert set(api.order[api.order.index("child") :]) == {"child"}
    assert loaded(report)["level1"] == (7 if limit else 3)


def test_a_run_that_is_stopped_waits_for_no_parent(web: Web, project: Path) -> None:
    api = Api(web)
    released = api.until = threading.Event()
    stop = StopSignal()
    api.child = lambda _: stop.set()
    ended: list[Exception] = []

    def run() -> None:
        try:
            environment = Environment(now=NOW, waits=False, stop=stop)
            load(connector_of(project, body(api.url)), project, environment=environment)
        except Interrupted as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(PATIENCE / 2)
    assert not thread.is_alive()  # while the server still holds the page
    assert ended
    released.set()


def test_a_recording_has_parents_first_and_replays(web: Web, project: Path) -> None:
    api = Api(web, levels=2)
    connector = connector_of(project, body(api.url, 2))
    recording = record(
        connector,
        resources=None,
        config={},
        alias=None,
        limit=None,
        environment=Environment(now=NOW),
        on_event=ignore_event,
    )
    assert recording.report.status == "ok"
    assert set(api.order[:PAGES]) == {"parents"}
    assert len(api.order) == PAGES + 2 * len(IDS)
    written = run_test(connector, update=True, stop=StopSignal())
    again = run_test(connector, update=False, stop=StopSignal())
    assert (written.problems, again.problems) == ((), ())


def test_the_first_of_two_parents_is_followed_when_the_other_is_read(
    web: Web, project: Path
) -> None:
    api = Api(web)
    api.until = api.asked[0]
    web.on("/places", {"items": [{"id": "a"}, {"id": "b"}]})
    made = body(api.url)
    made["resources"].insert(0, {"name": "places", "endpoint": {"path": "/places"}})
    child = made["resources"][2]
    child["endpoint"]["path"] = "/level1/{resources.parents.id}"
    child["endpoint"]["params"] = {"place": "{resources.places.id}"}
    api.child = lambda asked: {"items": [{"id": f"{asked.parts['id']}{asked.param('place')}"}]}
    report = load(connector_of(project, made), project)
    assert set(statuses(report).values()) == {"ok"}
    assert values(project, "level1") == [f"{one}{place}" for one in IDS for place in "ab"]
