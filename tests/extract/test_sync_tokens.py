"""Lists of which the API tells the changes by a token, and lists that it forgets meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.run_verbs import codes, connector_of, later, load, statuses, values, warnings_of
from tests.support.servers.web import Answer, Asked, Web

Json = Any


def body(web: Web, incremental: Json = None, **hints: Json) -> Json:
    endpoint = {
        "data_selector": "items",
        "paginator": {"type": "cursor", "cursor_param": "page", "cursor_path": "next"},
        **({} if incremental is None else {"incremental": incremental}),
        **hints.pop("endpoint", {}),
    }
    items = {"name": "items", "primary_key": "id", "write_disposition": "merge", **hints}
    return {"client": {"base_url": web.url}, "resources": [{**items, "endpoint": endpoint}]}


TOKEN = {"token": "response.sync", "token_param": "since"}


def test_the_token_of_the_last_page_is_sent_by_the_next_run(web: Web, project: Path) -> None:
    def answer(asked: Asked) -> Json:
        if asked.param("since"):
            return {"items": [], "sync": asked.param("since") + "+"}
        if asked.param("page"):
            return {"items": [{"id": 2}], "sync": "b"}
        return {"items": [{"id": 1}], "next": "p", "sync": "a"}

    web.on("/items", answer)
    connector = connector_of(project, body(web, TOKEN))
    for hours in range(3):
        assert codes(load(connector, project, now=later(hours))) == []
    assert [one.param("since") for one in web.asked] == [None, None, "b", "b+"]


def test_a_token_moves_only_with_what_was_loaded(web: Web, project: Path) -> None:
    fails = True

    def answer(asked: Asked) -> Json:
        if asked.param("page") and fails:
            return Answer(400, {"message": "no"})
        following = {} if asked.param("page") else {"next": "p"}
        return {"items": [{"id": len(web.asked)}], "sync": f"t{len(web.asked)}", **following}

    web.on("/items", answer)
    connector = connector_of(project, body(web, TOKEN))
    assert statuses(load(connector, project)) == {"items": "failed"}
    fails = False
    load(connector, project, now=later(1), resume_within=None)
    assert [one.param("since") for one in web.asked] == [None] * 4


def test_a_last_page_without_a_token_is_told(web: Web, project: Path) -> None:
    web.on("/items", lambda _: {"items": [{"id": 1}]})
    report = load(connector_of(project, body(web, TOKEN)), project)
    assert codes(report) == [("items", "sync-token-missing")]


def test_a_token_in_a_field_called_next_is_no_sign_of_another_page(web: Web, project: Path) -> None:
    web.on("/items", lambda _: {"items": [{"id": 1}], "next": f"t{len(web.asked)}"})
    token = {"token": "response.next", "token_param": "since"}
    connector = connector_of(project, body(web, token, endpoint={"paginator": "single_page"}))
    assert codes(load(connector, project)) == []
    assert codes(load(connector, project, now=later(1))) == []
    assert [one.param("since") for one in web.asked] == [None, "t1"]


def test_a_list_of_each_parent_has_a_token_of_its_own(web: Web, project: Path) -> None:
    web.on("/boxes", lambda _: {"items": [{"id": 1}, {"id": 2}]})
    web.on("/boxes/{id}/mails", lambda asked: {"items": [], "sync": f"of {asked.parts['id']}"})
    whole = body(web, TOKEN, name="mails")
    whole["resources"][0]["endpoint"]["path"] = "/boxes/{resources.boxes.id}/mails"
    boxes = body(web, name="boxes")["resources"]
    whole["resources"] = [*boxes, *whole["resources"]]
    connector = connector_of(project, whole)
    for hours in range(2):
        load(connector, project, now=later(hours))
    asked = [(one.path, one.param("since")) for one in web.asked if one.path != "/boxes"]
    assert sorted(asked[2:]) == [("/boxes/1/mails", "of 1"), ("/boxes/2/mails", "of 2")]


def test_a_range_that_is_read_again_neither_sends_nor_moves_a_token(
    web: Web, project: Path
) -> None:
    web.on("/items", lambda _: {"items": [{"id": 1}], "sync": f"t{len(web.asked)}"})
    connector = connector_of(project, body(web, TOKEN))
    load(connector, project)
    with pytest.raises(Exception, match="need a resource with an incremental"):
        load(connector, project, now=later(1), since="2026-01-01")


class Forgetful:
    """A list of three pages whose cursor expires before page 3, `times` times."""

    def __init__(self, web: Web, times: int, status: int = 410) -> None:
        self.times = times
        self.status = status
        web.on("/items", self)

    def __call__(self, asked: Asked) -> Json:
        page = int(asked.param("page") or 1)
        if page == 3 and self.times:
            self.times -= 1
            return Answer(self.status, {"message": "cursor expired"})
        following = {"next": str(page + 1)} if page < 3 else {}
        return {"items": [{"id": page}], **following}


RESTART = {"response_actions": [{"status_code": [400, 410], "action": "restart"}]}


@pytest.mark.parametrize("times", [1, 3])
def test_a_list_that_the_api_forgets_is_read_anew(web: Web, project: Path, times: int) -> None:
    Forgetful(web, times)
    connector = connector_of(project, body(web, endpoint=RESTART))
    report = load(connector, project)
    assert statuses(report) == {"items": "ok"}
    assert {code for _, code in codes(report)} == {"list-restarted"}
    assert "410 Gone: cursor expired" in warnings_of(report, "items")[0].message
    assert values(project, "items") == [1, 2, 3]


def test_not_for_ever(web: Web, project: Path) -> None:
    Forgetful(web, 99, 400)
    report = load(connector_of(project, body(web, endpoint=RESTART)), project)
    assert statuses(report) == {"items": "failed"}
    assert len(web.asked) == 4 * 3


def test_pages_that_would_be_loaded_twice_fail_the_resource(web: Web, project: Path) -> None:
    Forgetful(web, 1)
    whole = body(web, endpoint=RESTART, write_disposition="append")
    error = load(connector_of(project, whole), project).resources["items"].error
    assert error is not None
    assert "would be loaded twice: write write_disposition: merge" in error


def test_a_table_that_is_replaced_gets_the_whole_list_once(web: Web, project: Path) -> None:
    Forgetful(web, 2)
    whole = body(web, endpoint=RESTART, write_disposition="replace")
    assert codes(load(connector_of(project, whole), project)) == [("items", "list-restarted")]
    assert values(project, "items") == [1, 2, 3]


def test_children_of_a_list_that_was_read_anew_are_requested_once(web: Web, project: Path) -> None:
    Forgetful(web, 1)
    web.on("/items/{id}/lines", {"items": [{"n": 1}]})
    whole = body(web, endpoint=RESTART)
    path = "/items/{resources.items.id}/lines"
    endpoint = {"path": path, "paginator": "single_page", "data_selector": "items"}
    lines = {"name": "lines", "write_disposition": "replace", "endpoint": endpoint}
    whole["resources"].append(lines)
    report = load(connector_of(project, whole), project)
    assert report.resources["lines"].rows == 3


def window_of(web: Web, most: int, times: list[str]) -> Json:
    """A connector of a list of these times, of which the API gives `most` records, two a page."""

    def answer(asked: Asked) -> Json:
        since, page = asked.param("since") or "", int(asked.param("page") or 0)
        found = [{"id": n, "at": at} for n, at in enumerate(times) if at >= since]
        if page * 2 >= most:
            return Answer(400, {"message": "too far"})
        following = {"next": str(page + 1)} if page * 2 + 2 < len(found) else {}
        return {"items": found[page * 2 : page * 2 + 2], **following}

    web.on("/items", answer)
    incremental = {
        "cursor_path": "at",
        "initial_value": "2026-01-01",
        "start_param": "since",
        "row_order": "asc",
        "restart_after": {"records": most},
    }
    return body(web, incremental)


@pytest.mark.parametrize("count", [1, 3, 4, 5, 8, 23])
def test_all_records_come_of_a_list_that_pages_only_so_far(
    web: Web, project: Path, count: int
) -> None:
    connector = connector_of(
        project, window_of(web, 4, [f"2026-01-{n // 2 + 1:02}" for n in range(count)])
    )
    assert codes(load(connector, project)) == []
    assert values(project, "items") == list(range(count))


def test_more_records_at_one_cursor_than_the_limit_fail_the_resource(
    web: Web, project: Path
) -> None:
    connector = connector_of(project, window_of(web, 4, ["2026-01-02"] * 9))
    error = load(connector, project).resources["items"].error
    assert error is not None
    assert "cannot go on after the records with the cursor 2026-01-02" in error


def test_as_many_records_at_one_cursor_as_the_limit_are_all(web: Web, project: Path) -> None:
    connector = connector_of(project, window_of(web, 4, ["2026-01-02"] * 4))
    assert codes(load(connector, project)) == []
    assert values(project, "items") == [0, 1, 2, 3]


def test_a_cursor_that_expires_is_gone_on_with_at_the_last_record(web: Web, project: Path) -> None:
    whole = window_of(web, 100, [f"2026-01-{n + 1:02}" for n in range(9)])
    whole["resources"][0]["endpoint"] |= {
        "response_actions": [{"status_code": 400, "action": "restart"}]
    }
    whole["resources"][0]["endpoint"]["incremental"]["restart_after"] = {"records": 1000}
    fails = [True]
    answers = web.asked

    def forgets(asked: Asked) -> Json:
        if asked.param("page") == "2" and fails:
            fails.clear()
            return Answer(400, {"message": "expired"})
        since, page = asked.param("since") or "", int(asked.param("page") or 0)
        found = [{"id": n, "at": f"2026-01-{n + 1:02}"} for n in range(9)]
        found = [one for one in found if str(one["at"]) >= since]
        following = {"next": str(page + 1)} if page * 2 + 2 < len(found) else {}
        return {"items": found[page * 2 : page * 2 + 2], **following}

    web.on("/items", forgets)
    report = load(connector_of(project, whole), project)
    assert codes(report) == [("items", "list-restarted")]
    assert values(project, "items") == list(range(9))
    assert [one.param("since") for one in answers if one.param("page") is None] == [
        "2026-01-01",
        "2026-01-04",
    ]
