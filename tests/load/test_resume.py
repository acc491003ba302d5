"""A run loads what it has read while it goes on, and one that ended early is gone on with."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from framework.definition.model import Connector
from framework.errors import Interrupted
from framework.events import Committed, Event
from framework.load.commits.attempt import Attempt
from framework.load.persistence.destination_state import known_state
from framework.load.report import Report
from framework.load.run_options import CommitEvery, RunOptions
from framework.runtime.environment import Environment, StopSignal
from tests.support.run_verbs import (
    codes,
    connector_of,
    find_connector,
    later,
    load,
    statuses,
    tables,
    valid_connector,
    values,
    warnings_of,
)
from tests.support.servers.web import Answer, Asked, Web

Json = Any
PAGES, SIZE = 12, 5
TIMES = [f"2026-01-{1 + n // 24:02}T{n % 24:02}:00:00Z" for n in range(PAGES * SIZE)]
ROWS = [
    {"id": n, "name": f"row {n}", "at": TIMES[n], "tags": [{"t": n}, {"t": -n}]}
    for n in range(PAGES * SIZE)
]
SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": "string"},
        "at": {"type": "string", "format": "date-time"},
        "tags": {
            "type": "array",
            "items": {"type": "object", "properties": {"t": {"type": "integer"}}},
        },
    },
}


class Paged:
    """A list of twelve pages under any paging; `fails_at` is a page that answers 500.

    A page of `gates` is only answered once so many packages were loaded.
    """

    def __init__(self, web: Web, style: str) -> None:
        self.web = web
        self.style = style
        self.rows = [*ROWS]
        self.fails_at: int | None = None
        self.gates = {4: 1, 8: 2}
        self.refused: set[int] = set()
        self.asked: list[int] = []
        self.heard = 0
        self.on_refusal: Callable[[], None] = lambda: None
        self._changed = threading.Condition()
        web.on("/items", self.answer)

    def on_event(self, event: Event) -> None:
        if isinstance(event, Committed):
            with self._changed:
                self.heard += 1
                self._changed.notify_all()

    def answer(self, asked: Asked) -> Any:
        page = int(asked.param("page") or asked.param("cursor") or 0)
        if asked.param("offset"):
            page = int(asked.param("offset") or 0) // SIZE
        self.asked.append(page)
        if page in self.refused:
            self.on_refusal()
            return Answer(410, {"error": "that page is gone"})
        with self._changed:
            assert self._changed.wait_for(lambda: self.heard >= self.gates.get(page, 0), 60)
        if page == self.fails_at:
            return Answer(500, {"error": "not today"})
        rows = self.rows[page * SIZE : (page + 1) * SIZE]
        following = page + 1 if (page + 1) * SIZE < len(self.rows) else None
        body: Json = {"items": rows, "total": len(self.rows)}
        headers = {}
        if self.style in ("cursor", "computed"):
            body["next"] = None if following is None else str(following)
        elif following is not None:
            url = f"{self.web.url}/items?page={following}&first=no"
            if self.style == "json_link":
                body["next"] = url
            elif self.style == "header_link":
                headers = {"Link": f'<{url}>; rel="next"'}
            elif self.style == "header_cursor":
                headers = {"X-Next": str(following)}
        return Answer(200, body, headers)


PAGINATORS: dict[str, Json] = {
    "page_number": {"type": "page_number", "base_page": 0, "total_path": None},
    "offset": {"type": "offset", "limit": SIZE, "total_path": "total"},
    "ahead": {"type": "offset", "limit": SIZE, "total_path": "total", "ahead": True},
    "cursor": {"type": "cursor", "cursor_path": "next", "cursor_param": "cursor"},
    "computed": {"type": "cursor", "cursor": "response.next", "cursor_param": "cursor"},
    "json_link": {"type": "json_link", "next_url_path": "next"},
    "header_link": {"type": "header_link"},
    "header_cursor": {
        "type": "header_cursor", "cursor_key": "X-Next", "cursor_param": "cursor",
    },
}  # fmt: skip


def items(web: Web, style: str, **more: Json) -> Json:
    """A connector with one list."""
    resource = {
        "name": "items",
        "primary_key": "id",
        "write_disposition": "merge",
        "endpoint": {"path": "/items", "data_selector": "items", "paginator": PAGINATORS[style]},
        **more,
    }
    retry = {"max_retries": 0}
    return {"client": {"base_url": web.url, "retry": retry}, "resources": [resource]}


def attempt(connector: Connector, project: Path, api: Paged, **options: Any) -> Report:
    options.setdefault("commit_every", CommitEvery(records=10))
    return load(connector, project, on_event=api.on_event, **options)


@pytest.mark.parametrize("disposition", ["merge", pytest.param("append", marks=pytest.mark.slow)])
@pytest.mark.parametrize("style", PAGINATORS)
def test_the_next_run_goes_on_after_the_last_commit(
    web: Web, project: Path, style: str, disposition: str
) -> None:
    api = Paged(web, style)
    api.fails_at = 8
    connector = connector_of(project, items(web, style, write_disposition=disposition))
    first = report = attempt(connector, project, api)
    assert statuses(report) == {"items": "failed"}
    before = values(project, "items")
    assert before == list(range(report.resources["items"].rows))
    assert 20 <= len(before) <= 40

    api.fails_at, api.asked, api.gates = None, [], {}
    report = attempt(connector, project, api, now=later(1))
    assert statuses(report) == {"items": "ok"}, (api.asked, report.resources["items"].error)
    asked = [page for page in sorted(api.asked) if page < PAGES]  # an empty page may follow
    assert asked == list(range(len(before) // SIZE, PAGES))
    assert values(project, "items") == list(range(60))
    assert report.resumes == first.id
    assert codes(report) == []
    with tables(project) as found:
        assert len(found.rows("items__tags")) == 120

    api.asked = []
    report = attempt(connector, project, api, now=later(2))
    assert (api.asked[0], report.resumes) == (0, None)


def cut_short(connector: Connector, project: Path, api: Paged, **options: Any) -> int:
    """Run until page 8 fails, with two commits before; return how many rows are loaded."""
    api.fails_at, api.gates, api.heard = 8, {4: 1, 8: 2}, 0
    report = attempt(connector, project, api, **options)
    api.fails_at, api.asked, api.gates = None, [], {}
    assert statuses(report) == {"items": "failed"}
    return report.resources["items"].rows


def test_a_declared_schema_and_an_incremental_resume_with_the_first_attempt_s_watermark(
    web: Web, project: Path
) -> None:
    api = Paged(web, "cursor")
    start = {"initial_value": "2025-01-01T00:00:00Z", "watermark": "run_start"}
    body = items(web, "cursor", schema=SCHEMA)
    body["resources"][0]["endpoint"]["incremental"] = {"cursor_path": "at", **start}
    connector = connector_of(project, body)
    count = cut_short(connector, project, api)
    report = attempt(connector, project, api, now=later(5))
    assert statuses(report) == {"items": "ok"}
    assert api.asked[0] == count // SIZE
    assert values(project, "items") == list(range(60))
    assert watermark(project) == "2026-11-23T12:00:00Z"


def watermark(project: Path) -> str:
    """The watermark in the state, as the command shows it."""
    connector = valid_connector(find_connector(str(project / "connectors" / "shop.yaml")))
    (known,) = known_state(connector, RunOptions(folder=project), "items")
    assert "resume" not in known.state
    return str(known.state["incremental"]["at"]["last_value"])


@pytest.mark.parametrize("disposition", ["merge", "append"])
def test_the_highest_cursor_is_the_one_of_both_attempts(
    web: Web, project: Path, disposition: str
) -> None:
    api = Paged(web, "page_number")
    api.rows = [ROWS[-1], *ROWS[:-1]]
    body = items(web, "page_number", write_disposition=disposition)
    body["resources"][0]["endpoint"]["incremental"] = {"cursor_path": "at"}
    connector = connector_of(project, body)
    cut_short(connector, project, api)
    attempt(connector, project, api, now=later(1))
    assert values(project, "items") == list(range(60))
    assert watermark(project) == ROWS[-1]["at"]
    attempt(connector, project, api, now=later(2))
    assert values(project, "items") == list(range(60))


@pytest.mark.parametrize("disposition", ["merge", "append"])
def test_a_position_that_the_api_refuses_is_forgotten_with_one_warning(
    web: Web, project: Path, disposition: str
) -> None:
    api = Paged(web, "cursor")
    connector = connector_of(project, items(web, "cursor", write_disposition=disposition))
    count = cut_short(connector, project, api)
    api.refused = {count // SIZE}
    api.on_refusal = lambda: api.refused.clear()
    report = attempt(connector, project, api, now=later(1))
    assert statuses(report) == {"items": "ok"}
    assert api.asked[:2] == [count // SIZE, 0]
    assert codes(report) == [("items", "not-resumed")]
    assert "returned 410" in warnings_of(report, "items")[0].message
    assert values(project, "items") == list(range(60))


def changed_file(api: Paged, project: Path) -> dict[str, Any]:
    body = items(api.web, "cursor", write_disposition="append", max_table_nesting=5)
    return {"connector": connector_of(project, body)}


OTHERWISE: dict[str, tuple[Callable[[Paged, Path], dict[str, Any]], str | None]] = {
    "changed file": (changed_file, "has changed"),
    "too late": (lambda *_: {"now": later(30)}, "longer ago than --resume-within"),
    "forgotten": (lambda *_: {"resume_within": None}, None),
    "refreshed": (lambda *_: {"refresh": True}, None),
}


@pytest.mark.parametrize("why", OTHERWISE)
def test_a_resume_point_that_is_not_used_leaves_no_row_twice(
    web: Web, project: Path, why: str
) -> None:
    api = Paged(web, "cursor")
    connector = connector_of(project, items(web, "cursor", write_disposition="append"))
    cut_short(connector, project, api)
    change, message = OTHERWISE[why]
    options = {"connector": connector, "now": later(1), **change(api, project)}
    report = attempt(options.pop("connector"), project, api, **options)
    assert statuses(report) == {"items": "ok"}
    assert api.asked == list(range(PAGES))
    assert values(project, "items") == list(range(60))
    with tables(project) as found:
        assert len(found.rows("items__tags")) == 120
    warned = [one.message for one in warnings_of(report, "items")]
    assert [message in one for one in warned] == [True] if message else not warned
    assert report.resumes is None


DAMAGE: dict[str, tuple[Callable[[Json], Json], str]] = {
    "another format": (lambda entry: {**entry, "format": 99}, "of another version"),
    "no time": (lambda entry: {**entry, "attempt": None}, "damaged"),
    "no point": (lambda entry: {**entry, "point": "page 8"}, "damaged"),
    "another place": (
        lambda entry: {**entry, "point": {**entry["point"], "position": {"url": "/other"}}},
        "damaged",
    ),
    "nothing": (lambda entry: {"loads": entry["loads"]}, "damaged"),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_resume_point_is_forgotten_with_one_warning(
    web: Web, project: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    damage, message = DAMAGE[how]
    api, entry = Paged(web, "cursor"), Attempt.entry
    connector = connector_of(project, items(web, "cursor", write_disposition="append"))
    with monkeypatch.context() as patched:
        patched.setattr(Attempt, "entry", lambda *given: damage(entry(*given)))
        cut_short(connector, project, api)
    report = attempt(connector, project, api, now=later(1))
    assert statuses(report) == {"items": "ok"}
    assert api.asked == list(range(PAGES))
    assert codes(report) == [("items", "not-resumed")]
    assert message in warnings_of(report, "items")[0].message
    assert values(project, "items") == list(range(60))


def test_a_list_that_changed_meanwhile_ends_like_a_long_run(web: Web, project: Path) -> None:
    api = Paged(web, "cursor")
    connector = connector_of(project, items(web, "cursor"))
    count = cut_short(connector, project, api)
    changed = [{**row, "name": "changed"} for row in ROWS]
    more = {**ROWS[0], "id": 60, "name": "new"}
    api.rows = [*changed, more]
    attempt(connector, project, api, now=later(1))
    names = values(project, "items", "name")
    assert values(project, "items") == list(range(61))
    assert (names.count("changed"), names.count("new")) == (60 - count, 1)


def test_a_secret_parameter_is_sent_again_and_not_stored(
    web: Web, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__KEY", "kept-out-of-every-state")
    body = {"secrets": {"key": {}}, **items(web, "cursor")}
    body["resources"][0]["endpoint"]["params"] = {"key": "{secrets.key}", "first": "yes"}
    keys: list[str | None] = []
    api = Paged(web, "cursor")
    web.on("/items", lambda asked: (keys.append(asked.param("key")), api.answer(asked))[1])
    connector = connector_of(project, body)
    count = cut_short(connector, project, api)
    monkeypatch.setenv("SOURCES__KEY", "another-one-by-now")
    del keys[:]
    attempt(connector, project, api, now=later(1))
    assert api.asked == list(range(count // SIZE, PAGES))
    assert set(keys) == {"another-one-by-now"}
    content = b"".join(path.read_bytes() for path in project.rglob("*") if path.is_file())
    assert b"kept-out-of-every-state" not in content


@pytest.mark.parametrize("disposition", ["merge", "append"])
def test_a_link_with_a_secret_is_not_stored_and_the_next_run_says_so(
    web: Web, project: Path, monkeypatch: pytest.MonkeyPatch, disposition: str
) -> None:
    monkeypatch.setenv("SOURCES__KEY", "kept-out-of-every-state")
    body = {"secrets": {"key": {}}, **items(web, "json_link", write_disposition=disposition)}
    body["resources"][0]["endpoint"]["params"] = {"key": "{secrets.key}"}
    api = Paged(web, "json_link")

    def answer(asked: Asked) -> Any:
        answer = api.answer(asked)
        if isinstance(answer.body, dict) and "next" in answer.body:
            answer.body["next"] += f"&key={asked.param('key')}"
        return answer

    web.on("/items", answer)
    connector = connector_of(project, body)
    cut_short(connector, project, api)
    content = b"".join(path.read_bytes() for path in project.rglob("*") if path.is_file())
    assert b"kept-out-of-every-state" not in content
    report = attempt(connector, project, api, now=later(1))
    assert api.asked == list(range(PAGES))
    assert codes(report) == [("items", "not-resumed")]
    assert "contains a secret" in warnings_of(report, "items")[0].message
    assert values(project, "items") == list(range(60))


def test_a_clock_that_was_set_back_does_not_matter(web: Web, project: Path) -> None:
    api = Paged(web, "cursor")
    connector = connector_of(project, items(web, "cursor", write_disposition="append"))
    count = cut_short(connector, project, api)
    attempt(connector, project, api, now=later(-500))
    assert api.asked[0] == count // SIZE
    assert values(project, "items") == list(range(60))


def test_an_older_version_of_a_key_in_a_later_commit_does_not_win(web: Web, project: Path) -> None:
    api = Paged(web, "page_number")
    newer = {**ROWS[1], "at": "2026-02-01T00:00:00Z", "name": "newer"}
    older = {**ROWS[1], "at": "2025-02-01T00:00:00Z", "name": "older"}
    api.rows = [newer, ROWS[0], *ROWS[2:], older]
    for folder, schema in (("records", None), ("arrow", SCHEMA)):
        place = project / folder
        place.mkdir()
        body = items(web, "page_number", **({"schema": schema} if schema else {}))
        body["resources"][0]["endpoint"]["incremental"] = {"cursor_path": "at"}
        connector = connector_of(place, body)
        api.heard, api.gates = 0, {4: 1, 8: 2}
        report = attempt(connector, place, api)
        assert statuses(report) == {"items": "ok"}
        assert values(place, "items", "name").count("newer") == 1
        assert len(values(place, "items")) == 60


def test_small_runs_and_replaced_tables_stay_one_package(web: Web, project: Path) -> None:
    api = Paged(web, "cursor")
    api.gates = {}
    connector = connector_of(project, items(web, "cursor"))
    load(connector, project)
    replaced = connector_of(project, items(web, "cursor", write_disposition="replace"))
    attempt(replaced, project, api)
    never = connector_of(project, items(web, "cursor", write_disposition="append", table_name="n"))
    attempt(never, project, api, commit_every=None)
    with tables(project) as found:
        assert len(found.sql("SELECT * FROM shop_data._dlt_loads")) == 3
        assert len(found.rows("items")) == 60


class Tree:
    """Twenty parents on four pages, each with a list of three children; like `Paged`."""

    def __init__(self, web: Web) -> None:
        self.fails_at: int | None = None
        self.gates: dict[int, int] = {}
        self.heard = 0
        self.asked: list[int] = []
        self.parents = 20
        self.on_failure: Callable[[], None] = lambda: None
        self._changed = threading.Condition()
        web.on("/parents", self.page)
        web.on("/parents/{id}/lines", self.lines)

    def on_event(self, event: Event) -> None:
        if isinstance(event, Committed) and "lines" in event.resources:
            with self._changed:
                self.heard += 1
                self._changed.notify_all()

    def page(self, asked: Asked) -> Any:
        page = int(asked.param("page") or 0)
        rows = [{"id": n} for n in range(self.parents)][page * 5 : page * 5 + 5]
        return {"items": rows, "next": str(page + 1) if rows[4:] else None}

    def lines(self, asked: Asked) -> Any:
        parent = int(asked.parts["id"])
        with self._changed:
            assert self._changed.wait_for(lambda: self.heard >= self.gates.get(parent, 0), 60)
        if parent == self.fails_at:
            self.on_failure()
            return Answer(500, {"error": "not today"})
        self.asked.append(parent)
        return {"items": [{"id": parent * 10 + n, "at": TIMES[parent]} for n in range(3)]}


def tree(web: Web, parents: str, lines: str, **endpoint: Json) -> Json:
    """A connector with parents and their lines, with these write dispositions."""
    cursor = {"type": "cursor", "cursor_path": "next", "cursor_param": "page"}
    path = "/parents/{resources.parents.id}/lines"
    return {
        "client": {"base_url": web.url, "retry": {"max_retries": 0}, "max_in_flight": 1},
        "resource_defaults": {"primary_key": "id", "endpoint": {"data_selector": "items"}},
        "resources": [
            {
                "name": "parents",
                "write_disposition": parents,
                "endpoint": {"path": "/parents", "paginator": cursor},
            },
            {
                "name": "lines",
                "write_disposition": lines,
                "endpoint": {"path": path, "paginator": {"type": "single_page"}, **endpoint},
            },
        ],
    }


LINES = [parent * 10 + n for parent in range(20) for n in range(3)]


@pytest.mark.parametrize(
    ("parents", "lines", "incremental"),
    [
        ("merge", "merge", False),
        pytest.param("append", "append", False, marks=pytest.mark.slow),
        pytest.param("replace", "append", False, marks=pytest.mark.slow),
        ("merge", "append", True),
    ],
)
def test_children_go_on_with_the_parents_that_are_not_done(
    web: Web, project: Path, parents: str, lines: str, incremental: bool
) -> None:
    api = Tree(web)
    more = {"incremental": {"cursor_path": "at"}} if incremental else {}
    connector = connector_of(project, tree(web, parents, lines, **more))
    api.fails_at, api.gates = 15, {8: 1, 15: 2}
    options: dict[str, Any] = {"commit_every": CommitEvery(records=9), "on_event": api.on_event}
    report, stop = Report("shop"), StopSignal()
    api.on_failure = stop.set
    environment = Environment(now=later(0), waits=False, stop=stop)
    with pytest.raises(Interrupted):
        load(connector, project, environment=environment, report=report, **options)
    done = report.resources["lines"].rows // 3
    assert 6 <= done <= 15
    assert values(project, "lines") == LINES[: done * 3]
    assert values(project, "parents") == list(range(20))

    api.fails_at, api.asked, api.gates = None, [], {}
    report = load(connector, project, now=later(1), **options)
    assert statuses(report) == {"parents": "ok", "lines": "ok"}
    assert sorted(api.asked) == list(range(done, 20))
    assert values(project, "lines") == LINES
    assert values(project, "parents") == list(range(20))

    api.asked, api.parents = [], 21
    report = load(connector, project, now=later(2), **options)
    if lines == "merge" or incremental:
        assert values(project, "lines") == [*LINES, 200, 201, 202]
        assert len(api.asked) == 21


def test_windows_go_on_after_the_last_whole_one(web: Web, project: Path) -> None:
    asked: list[str] = []
    fails = ["2026-01-08T00:00:00Z"]
    stop = StopSignal()
    heard: list[Event] = []
    changed = threading.Condition()

    def on_event(event: Event) -> None:
        if isinstance(event, Committed):
            with changed:
                heard.append(event)
                changed.notify_all()

    def days(request: Asked) -> Any:
        since = request.param("since") or ""
        asked.append(since)
        with changed:
            needed = {"2026-01-06T00:00:00Z": 1}.get(since, 0)
            assert changed.wait_for(lambda: not fails or len(heard) >= needed, 60)
        if since in fails:
            stop.set()
        day = int(since[8:10])
        return {"items": [{"id": day * 10 + n, "at": f"{since[:10]}T0{n}:00:00Z"} for n in (1, 2)]}

    web.on("/items", days)
    body = items(web, "cursor", write_disposition="append")
    body["resources"][0]["endpoint"] |= {
        "paginator": {"type": "single_page"},
        "params": {"since": "{incremental.start_value}", "until": "{incremental.end_value}"},
        "incremental": {
            "cursor_path": "at", "initial_value": "2026-01-01T00:00:00Z", "step": "P1D",
        },
    }  # fmt: skip
    connector = connector_of(project, body)
    options: dict[str, Any] = {"commit_every": CommitEvery(records=4), "on_event": on_event}
    now = {"now": datetime(2026, 1, 11, tzinfo=UTC)}
    with pytest.raises(Interrupted):
        load(connector, project, **options, environment=Environment(**now, waits=False, stop=stop))
    assert asked[-1] == "2026-01-08T00:00:00Z"
    loaded = len(values(project, "items")) // 2
    fails.clear()
    asked.clear()
    report = load(connector, project, **options, **now)
    assert statuses(report) == {"items": "ok"}
    assert asked == [f"2026-01-{day:02}T00:00:00Z" for day in range(loaded + 1, 11)]
    assert loaded >= 2
    assert values(project, "items") == [d * 10 + n for d in range(1, 11) for n in (1, 2)]


def test_a_resource_that_was_loaded_to_its_end_is_not_asked_again(web: Web, project: Path) -> None:
    api, other = Paged(web, "cursor"), Tree(web)
    other.gates, other.fails_at = {18: 1}, 18
    body = items(web, "cursor", write_disposition="append")
    body["resources"][0]["endpoint"]["incremental"] = {"cursor_path": "at"}
    body["client"]["max_in_flight"] = 1
    whole = tree(web, "append", "append")
    body["resources"] += [
        {
            **whole["resource_defaults"],
            **one,
            "endpoint": {"data_selector": "items", **one["endpoint"]},
        }
        for one in whole["resources"]
    ]
    connector = connector_of(project, body)
    api.gates = {}
    options: dict[str, Any] = {"commit_every": CommitEvery(records=9), "on_event": other.on_event}
    report = load(connector, project, **options)
    assert statuses(report) == {"items": "ok", "parents": "ok", "lines": "failed"}
    with tables(project) as found:
        state = found.sql("SELECT count(*) FROM shop_data._dlt_loads")
    assert state[0][0] >= 2


@pytest.mark.parametrize("is_gone", [False, True])
@pytest.mark.parametrize("disposition", ["merge", "append"])
def test_an_export_job_that_was_created_is_waited_for(
    web: Web, project: Path, disposition: str, is_gone: bool
) -> None:
    stop, created, polled = StopSignal(), list[int](), list[str]()
    committed = threading.Event()

    def on_event(event: Event) -> None:
        if isinstance(event, Committed):
            committed.set()

    def create(_: Asked) -> Json:
        created.append(len(created) + 1)
        return Answer(201, {"id": f"job{len(created)}"}, {"Set-Cookie": "session=a-cookie"})

    def status(asked: Asked) -> Any:
        polled.append(asked.parts["job"])
        if not committed.is_set():
            assert committed.wait(60)
            stop.set()
            return {"state": "running"}
        if is_gone and asked.parts["job"] == "job1":
            return Answer(404, {"error": "no such job"})
        return {"state": "done"}

    web.on("/exports", create, "POST")
    web.on("/exports/{job}", status)
    web.on("/exports/{job}/file", lambda _: {"items": ROWS[:4]})
    body = items(web, "cursor", write_disposition=disposition)
    body["resources"][0]["endpoint"] = {
        "path": "/exports",
        "method": "POST",
        "data_selector": "items",
        "paginator": "single_page",
        "export": {
            "status": {"path": "/exports/{job.id}"},
            "every": "PT1S",
            "ready": "state == 'done'",
            "download": {"path": "/exports/{job.id}/file"},
        },
    }
    connector = connector_of(project, body)
    options: dict[str, Any] = {"commit_every": CommitEvery(seconds=0.01), "on_event": on_event}
    with pytest.raises(Interrupted):
        load(connector, project, environment=Environment(waits=False, stop=stop), **options)
    with tables(project) as found:
        (state,) = found.sql(
            "SELECT state FROM shop_data._dlt_pipeline_state ORDER BY version DESC LIMIT 1"
        )[0]
    assert "a-cookie" not in state
    polled.clear()
    report = load(connector, project, now=datetime.now(UTC), **options)
    assert statuses(report) == {"items": "ok"}, report.resources["items"].error
    assert created == ([1, 2] if is_gone else [1])
    assert polled[0] == "job1"
    assert values(project, "items") == [0, 1, 2, 3]
    assert codes(report) == ([("items", "not-resumed")] if is_gone else [])
