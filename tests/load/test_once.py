"""A run with a token is not repeated: a later one with the same token sends and loads nothing."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from framework.load import runner
from framework.load.persistence.recovery import FINISHED
from framework.load.persistence.run_state import MOST_TOKENS, add_token
from framework.load.run_options import CommitEvery
from framework.load.runner import LOADED_ONCE
from tests.support.loaded_tables import left_in
from tests.support.parallel_runs import parallel_run
from tests.support.run_verbs import connector_of, load, statuses, tables, values
from tests.support.servers.web import Answer, Web
from tests.support.slow_params import quick_first

Json = Any


def events(web: Web) -> dict[str, Json]:
    """The body of a connector that appends what it reads, each time."""

    def resource(name: str) -> dict[str, Json]:
        endpoint = {"path": f"/{name}", "paginator": "single_page"}
        return {"name": name, "write_disposition": "append", "endpoint": endpoint}

    return {
        "client": {"base_url": web.url, "retry": {"max_retries": 0}},
        "resources": [resource("events"), resource("others")],
    }


@pytest.fixture
def connector(web: Web, project: Path) -> Any:
    web.on("/events", [{"id": 1}, {"id": 2}])
    web.on("/others", [{"id": 3}])
    return connector_of(project, events(web))


def test_a_run_with_the_same_token_does_nothing_and_says_so(
    web: Web, project: Path, connector: Any
) -> None:
    first = load(connector, project, once="unit-1")
    assert (first.status, first.notes) == ("ok", [])
    assert len(web.asked) == 2
    again = load(connector, project, once="unit-1")
    assert (again.status, again.notes) == ("ok", [LOADED_ONCE])
    assert len(web.asked) == 2
    assert values(project, "events") == [1, 2]
    assert str(again.where).endswith("unchanged: this run loaded no rows")


def test_runs_with_another_token_or_none_load_again(project: Path, connector: Any) -> None:
    load(connector, project, once="unit-1")
    load(connector, project, once="unit-2")
    load(connector, project)
    assert values(project, "events") == [1, 1, 1, 2, 2, 2]
    assert load(connector, project, once="unit-1").notes == [LOADED_ONCE]
    assert load(connector, project, once="unit-2").notes == [LOADED_ONCE]


def test_a_run_with_a_failed_resource_is_repeated(web: Web, project: Path, connector: Any) -> None:
    web.on("/others", Answer(500))
    assert statuses(load(connector, project, once="unit-1"))["others"] == "failed"
    web.on("/others", [{"id": 3}])
    again = load(connector, project, "others", once="unit-1")
    assert (again.status, again.notes) == ("ok", [])
    assert values(project, "others") == [3]
    assert load(connector, project, "others", once="unit-1").notes == [LOADED_ONCE]


def test_a_run_of_which_rows_were_refused_is_repeated(
    web: Web, project: Path, connector: Any
) -> None:
    load(connector, project)
    body = events(web)
    body["resources"][1]["schema_contract"] = {"columns": "freeze"}
    web.on("/others", [{"id": 3, "new": 1}])
    frozen = connector_of(project, body)
    report = load(frozen, project, once="unit-1")
    assert statuses(report) == {"events": "ok", "others": "failed"}
    assert load(frozen, project, "events", once="unit-1").notes == []


def test_a_token_goes_with_the_last_package(web: Web, project: Path) -> None:
    page = {"type": "page_number", "base_page": 1, "total_path": "pages"}
    body = events(web)
    body["resources"] = body["resources"][:1]
    body["resources"][0]["endpoint"].update(paginator=page, data_selector="items")

    def pages(second: Json) -> Json:
        first = {"items": [{"id": 1}], "pages": 2}
        return lambda asked: first if asked.param("page") == "1" else second

    web.on("/events", pages(Answer(500)))
    connector = connector_of(project, body)
    every = CommitEvery(records=1)
    assert load(connector, project, once="unit-1", commit_every=every).status == "failed"
    web.on("/events", pages({"items": [{"id": 2}], "pages": 2}))
    again = load(connector, project, once="unit-1", commit_every=every)
    assert again.status == "ok"
    assert values(project, "events") == [1, 2]


def test_a_run_that_was_killed_after_its_load_is_not_repeated(
    web: Web, project: Path, connector: Any
) -> None:
    options = {"once": "unit-1", "dataset": "shop_data"}
    with parallel_run(project, "first", options, hook="die after loading") as first:
        assert first.exit_code() == -signal.SIGKILL
    asked = len(web.asked)
    with parallel_run(project, "again", options) as again:
        assert again.report()["notes"] == [LOADED_ONCE]
    assert len(web.asked) == asked
    assert len(left_in(project).trees["events"]) == 2


@pytest.mark.parametrize(
    "moment", quick_first("die before the package is done", "die before normalizing")
)
def test_a_run_that_was_killed_with_a_complete_package_loads_it_and_is_not_repeated(
    web: Web, project: Path, connector: Any, moment: str
) -> None:
    options = {"once": "unit-1", "dataset": "shop_data"}
    with parallel_run(project, "first", options, hook=moment) as first:
        assert first.exit_code() == -signal.SIGKILL
    asked = len(web.asked)
    with parallel_run(project, "again", options) as again:
        assert again.report()["notes"][-1] == LOADED_ONCE
        assert FINISHED in again.report()["notes"]
    assert len(web.asked) == asked
    assert len(left_in(project).trees["events"]) == 2


def test_old_tokens_are_forgotten() -> None:
    source: dict[str, Json] = {}
    for number in range(MOST_TOKENS + 5):
        add_token(source, str(number))
    add_token(source, "7")
    (tokens,) = source.values()
    assert len(tokens) == MOST_TOKENS
    assert (tokens[0], tokens[-2:]) == ("5", ["104", "7"])


def test_tables_of_empty_lists_are_created_though_the_run_ended_before_that(
    web: Web, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}}
    body = events(web)
    body["resources"] = [
        {
            **body["resources"][0],
            "write_disposition": "merge",
            "primary_key": "id",
            "schema": {"type": "object", "properties": {"id": {"type": "integer"}, "lines": lines}},
        }
    ]
    web.on("/events", [{"id": 1, "lines": []}])
    connector = connector_of(project, body)

    def end(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(runner, "create_declared_tables", end)
        with pytest.raises(KeyboardInterrupt):
            load(connector, project, once="unit-1")
    with tables(project) as found:
        assert found.names() == {"events"}
    assert load(connector, project, once="unit-1").notes == [LOADED_ONCE]
    with tables(project) as found:
        assert found.names() == {"events", "events__lines"}
