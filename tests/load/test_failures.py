"""The unit of failure is the resource: what fails writes nothing and moves no watermark."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.run_verbs import (
    codes,
    connector_of,
    later,
    load,
    loaded,
    scheduling,
    statuses,
    tables,
    values,
    warnings_of,
)
from tests.support.servers.web import Answer, Asked, Web
from tests.support.shop import Shop
from tests.support.simulator import SCOPES, Reply, Simulator, Token, small_world
from tests.support.slow_params import quick_first

START = "2020-01-01T00:00:00Z"
ALL = {"customers": 3, "orders": 3, "lines": 6, "notes": 12}


@pytest.fixture
def shop(web: Web) -> Shop:
    return Shop(web)


@pytest.fixture
def api() -> Iterator[Simulator]:
    scopes = SCOPES - {"scheduled_events:read"}
    tokens = ["secret", Token("free", plan="free"), Token("narrow", scopes=scopes)]
    with Simulator(small_world(), tokens) as simulator:
        yield simulator


def test_a_root_that_fails_leaves_nothing_and_the_others_load(shop: Shop, project: Path) -> None:
    shop.answers["/customers"] = Answer(500, {"title": "Oh no"})
    report = load(connector_of(project, shop.connector()), project)
    assert (report.status, report.exit_code) == ("failed", 1)
    assert statuses(report) == {
        "customers": "failed", "orders": "ok", "lines": "ok", "notes": "ok",
    }  # fmt: skip
    assert loaded(report) == {**ALL, "customers": 0}
    part = report.resources["customers"]
    assert (part.requests, part.retries) == (3, 2)
    assert part.error is not None
    assert part.error.startswith(f"customers: GET {shop.web.url}/customers returned 500")
    assert "Oh no" in part.error
    with tables(project) as found:
        assert found.names() == {"orders", "lines", "notes"}


def test_what_reads_from_a_failed_resource_is_not_asked(shop: Shop, project: Path) -> None:
    connector = connector_of(project, shop.connector())
    load(connector, project)
    asked = len(shop.web.asked)
    shop.answers["/orders"] = Answer(500)
    report = load(connector, project, now=later())
    assert statuses(report) == {
        "customers": "ok", "orders": "failed", "lines": "skipped", "notes": "skipped",
    }  # fmt: skip
    assert [report.resources[name].error for name in ("lines", "notes")] == [
        "not requested: orders failed",
        "not requested: lines was skipped",
    ]
    assert {one.path for one in shop.web.asked[asked:]} == {"/customers", "/orders"}
    assert {name: len(values(project, name)) for name in ALL} == ALL

    del shop.answers["/orders"]
    load(connector, project, now=later(48))
    assert shop.since() == "2026-11-23T12:00:00Z"


def test_a_list_that_breaks_off_half_way_leaves_nothing(web: Web, project: Path) -> None:
    def page(asked: Asked) -> object:
        number = int(asked.param("page") or 1)
        return Answer(500) if number == 3 else {"items": [{"id": number}], "next": number + 1}

    web.on("/things", page)
    body = f"""
      client: {{base_url: "{web.url}", retry: {{max_retries: 0}}}}
      resources:
        - name: things
          primary_key: id
          write_disposition: merge
          endpoint:
            data_selector: items
            paginator: {{type: cursor, cursor_path: next, cursor_param: page}}
    """
    report = load(connector_of(project, body), project)
    assert statuses(report) == {"things": "failed"}
    assert len(web.asked) == 3
    assert not (project / "shop.duckdb").exists() or tables(project).names() == set()


def test_when_a_child_fails_its_parents_load_and_the_watermark_stays(
    shop: Shop, project: Path
) -> None:
    connector = connector_of(project, shop.connector())
    shop.answers["/orders/2/lines"] = Answer(500)
    report = load(connector, project)
    assert statuses(report) == {
        "customers": "ok", "orders": "ok", "lines": "failed", "notes": "skipped",
    }  # fmt: skip
    assert values(project, "orders") == [1, 2, 3]
    assert ("orders", "watermark-stays") in codes(report)
    with tables(project) as found:
        assert found.names() == {"customers", "orders"}

    # the destination is what remembers
    shutil.rmtree(project / "dlt")
    del shop.answers["/orders/2/lines"]
    report = load(connector, project, now=later())
    assert shop.since() == START
    assert report.status == "ok"
    assert loaded(report) == ALL

    shutil.rmtree(project / "dlt")
    load(connector, project, now=later(48))
    assert shop.since() == "2026-11-24T12:00:00Z"


def test_a_grandchild_that_fails_holds_the_watermark_too(shop: Shop, project: Path) -> None:
    connector = connector_of(project, shop.connector())
    shop.answers["/lines/32/notes"] = Answer(500)
    report = load(connector, project)
    assert statuses(report)["lines"] == "ok"
    assert statuses(report)["notes"] == "failed"
    del shop.answers["/lines/32/notes"]
    load(connector, project, now=later())
    assert shop.since() == START
    assert len(values(project, "notes")) == 12


def test_a_skipped_resource_keeps_its_rows_and_is_no_failure(shop: Shop, project: Path) -> None:
    gated = {
        "write_disposition": "replace",
        "endpoint": {"response_actions": [{"status_code": 403, "action": "skip_resource"}]},
    }
    connector = connector_of(project, shop.connector(customers=gated))
    load(connector, project)
    shop.answers["/customers"] = Answer(403, {"title": "Not in your plan"})
    report = load(connector, project, now=later())
    assert (report.status, report.exit_code) == ("partial", 0)
    assert statuses(report)["customers"] == "skipped"
    assert report.resources["customers"].requests == 1
    assert ("customers", "resource-skipped") in codes(report)
    assert values(project, "customers") == [1, 2, 3]


def test_what_reads_from_a_skipped_resource_is_skipped_and_holds_no_one_else(
    shop: Shop, project: Path
) -> None:
    skip = {"response_actions": [{"status_code": 403, "action": "skip_resource"}]}
    connector = connector_of(project, shop.connector(lines={"endpoint": skip}))
    shop.answers["/orders/1/lines"] = Answer(403)
    report = load(connector, project)
    assert report.status == "partial"
    assert statuses(report)["notes"] == "skipped"
    assert not [one for one in shop.web.asked if one.path.endswith("/notes")]
    load(connector, project, now=later())
    assert shop.since() == START


def test_plan_gated_resources_of_the_scheduling_api_are_skipped(
    api: Simulator, project: Path
) -> None:
    config = {"base_url": api.base_url, "api_key": "free"}
    gated = ("groups", "group_relationships", "routing_forms", "routing_form_submissions")
    gated = (*gated, "activity_log_entries", "outgoing_communications")
    report = load(scheduling(), project, "api_user", *gated, config=config)
    assert (report.status, report.exit_code) == ("partial", 0)
    assert statuses(report) == {"api_user": "ok", **dict.fromkeys(gated, "skipped")}
    message = warnings_of(report, "groups")[0].message
    assert "upgrade your account" in message
    assert "Nothing to do if you do not need it" in message


def test_an_unknown_token_fails_every_resource_and_says_what_to_do(
    api: Simulator, project: Path
) -> None:
    config = {"base_url": api.base_url, "api_key": "stolen-token-123"}
    report = load(scheduling(), project, config=config)
    assert set(statuses(report).values()) == {"failed", "skipped"}
    error = report.resources["api_user"].error
    assert error is not None
    assert "returned 401 Unauthorized" in error
    assert "SOURCES__SCHEDULING__API_KEY" in error
    assert len(api.requests) == 1
    assert "stolen-token-123" not in str(report.as_dict())


def test_a_token_without_the_scope_fails_that_resource(api: Simulator, project: Path) -> None:
    config = {"base_url": api.base_url, "api_key": "narrow"}
    report = load(scheduling(), project, config=config)
    assert report.exit_code == 1
    assert [name for name, status in statuses(report).items() if status == "failed"] == [
        "scheduled_events"
    ]
    assert "lacks a scope" in (report.resources["scheduled_events"].error or "")
    assert statuses(report)["event_invitees"] == "skipped"


def test_a_missing_right_that_is_no_plan_fails(api: Simulator, project: Path) -> None:
    config = {"base_url": api.base_url, "api_key": "secret"}
    body = b'{"title": "Permission Denied", "message": "Not for you."}'
    api.fail("/event_types", [Reply(403, body)])
    report = load(scheduling(), project, "event_types", config=config)
    assert report.exit_code == 1
    assert "scope=user" in (report.resources["event_types"].error or "")


def test_ignored_answers_are_empty_lists(shop: Shop, project: Path) -> None:
    ignore = {"response_actions": [{"status_code": 404, "action": "ignore"}]}
    connector = connector_of(project, shop.connector(lines={"endpoint": ignore}, notes=None))
    del shop.lines[2]
    report = load(connector, project)
    assert report.status == "ok"
    assert codes(report) == []
    assert values(project, "lines") == [11, 12, 31, 32]
    shop.lines.clear()
    report = load(connector, project, refresh=True)
    assert report.status == "ok"
    assert codes(report) == [("lines", "all-ignored")]


def test_a_null_where_a_child_binds_fails_the_child_and_names_the_field(
    shop: Shop, project: Path
) -> None:
    path = "/orders/{resources.orders.number}/lines"
    connector = connector_of(project, shop.connector(lines={"endpoint": {"path": path}}))
    shop.orders[1]["number"] = 1
    report = load(connector, project)
    assert statuses(report)["orders"] == "ok"
    assert statuses(report)["lines"] == "failed"
    error = report.resources["lines"].error or ""
    assert "`number`" in error
    assert "orders" in error
    assert not [one for one in shop.web.asked if one.path.endswith("/lines")]


def test_nothing_is_written_when_nothing_could_be_read(shop: Shop, project: Path) -> None:
    for path in ("/customers", "/orders"):
        shop.answers[path] = Answer(503)
    report = load(connector_of(project, shop.connector()), project)
    assert set(statuses(report).values()) == {"failed", "skipped"}
    assert report.query is None
    with tables(project) as found:
        assert found.names() == set()


@pytest.mark.parametrize("entity", ["tables", "columns", "data_type"])
def test_a_frozen_contract_fails_its_resource_and_leaves_nothing_of_it(
    shop: Shop, project: Path, entity: str
) -> None:
    frozen = {"schema_contract": {entity: "freeze"}}
    without = shop.connector(lines=None, notes=None)
    shop.customers[1]["n"] = 1
    load(connector_of(project, without), project)
    connector = connector_of(project, shop.connector(customers=frozen, lines=None, notes=None))
    known = dict(shop.customers[0])
    shop.customers[0].update(
        {"tables": {"list": [{"a": 1}]}, "columns": {"new": 1}, "data_type": {"n": "text"}}[entity]
    )
    report = load(connector, project, now=later())
    assert statuses(report) == {"customers": "failed", "orders": "ok"}
    assert "schema contract" in (report.resources["customers"].error or "")
    shop.customers[0] = known
    report = load(connector, project, now=later(48))
    assert (report.status, report.notes) == ("ok", [])
    assert shop.since() == "2026-11-24T12:00:00Z"
    assert values(project, "customers") == [1, 2, 3]


@pytest.mark.parametrize("contract", quick_first("freeze", {"tables": "freeze"}))
@pytest.mark.parametrize("refresh", [False, True])
def test_a_table_that_is_new_and_may_not_be_made_fails_its_resource_before_it_is_asked(
    shop: Shop, project: Path, contract: Any, refresh: bool
) -> None:
    def customers(written: Any) -> Any:
        changed = {"schema_contract": written}
        return connector_of(project, shop.connector(customers=changed, lines=None, notes=None))

    report = load(customers(contract), project, refresh=refresh)
    assert statuses(report) == {"customers": "failed", "orders": "ok"}
    assert "its table is new, and schema_contract freezes tables" in str(report.as_dict())
    assert shop.asked("/customers") == []
    named = {"tables": "evolve", "columns": "freeze", "data_type": "freeze"}
    assert load(customers(named), project, refresh=refresh).status == "ok"
    assert load(customers(contract), project, now=later()).status == "ok"
    assert values(project, "customers") == [1, 2, 3]


def test_an_answer_without_the_selected_list_does_not_empty_a_replaced_table(
    shop: Shop, project: Path
) -> None:
    replaced = {"write_disposition": "replace", "endpoint": {"data_selector": "data"}}
    body = shop.connector(customers=replaced, orders=None, lines=None, notes=None)
    connector = connector_of(project, body)
    shop.answers["/customers"] = Answer(200, {"data": shop.customers})
    assert load(connector, project).status == "ok"
    shop.answers["/customers"] = Answer(200, {"error": "quota"})
    report = load(connector, project, now=later())
    assert statuses(report) == {"customers": "failed"}
    assert "page 1" in str(report.resources["customers"].error)
    assert values(project, "customers") == [1, 2, 3]
    shop.answers["/customers"] = Answer(200, {"data": []})
    assert load(connector, project, now=later(48)).status == "ok"
    assert values(project, "customers") == []
