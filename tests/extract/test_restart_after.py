"""Lists that begin anew at their last record, of APIs with various limits of paging."""

from __future__ import annotations

from operator import ge, gt
from pathlib import Path
from typing import Any

import pytest

from tests.support.run_verbs import codes, connector_of, later, load, values, warnings_of
from tests.support.servers.web import Answer, Asked, Web

Json = Any
MOST = 6


class Numbered:
    """An API with offsets that gives records of these times, up to an offset of MOST."""

    def __init__(self, web: Web, times: list[str], begins: Any = ge) -> None:
        self.times = times
        self._begins = begins
        web.on("/items", self.answer)

    def answer(self, asked: Asked) -> Json:
        since, offset = asked.param("since") or "", int(asked.param("offset") or 0)
        if offset + 2 > MOST:
            return Answer(400, {"message": "too far"})
        found = [{"id": n, "at": at} for n, at in enumerate(self.times) if self._begins(at, since)]
        return {"items": found[offset : offset + 2], "total": len(found)}


def days(count: int, each: int = 1) -> list[str]:
    return [f"2026-01-{2 + n // each:02}" for n in range(count)]


def file(web: Web, incremental: Json = None, **endpoint: Json) -> Json:
    cursor = {
        "cursor_path": "at",
        "initial_value": "2026-01-01",
        "start_param": "since",
        "row_order": "asc",
        "restart_after": {"records": MOST},
        **(incremental or {}),
    }
    whole = {
        "data_selector": "items",
        "paginator": {"type": "offset", "limit": 2},
        "incremental": cursor,
        **endpoint,
    }
    items = {"name": "items", "primary_key": "id", "write_disposition": "merge", "endpoint": whole}
    return {"client": {"base_url": web.url}, "resources": [items]}


@pytest.mark.parametrize("most", [MOST, MOST + 1])
def test_a_page_past_the_limit_is_not_requested(web: Web, project: Path, most: int) -> None:
    Numbered(web, days(14))
    connector = connector_of(project, file(web, {"restart_after": {"records": most}}))
    assert codes(load(connector, project)) == []
    assert values(project, "items") == list(range(14))


def test_a_refusal_of_offsets_may_be_the_limit(web: Web, project: Path) -> None:
    Numbered(web, days(14))
    actions = [{"status_code": 400, "action": "restart"}]
    whole = file(web, {"restart_after": {"records": 1000}}, response_actions=actions)
    assert set(codes(load(connector_of(project, whole), project))) == {("items", "list-restarted")}
    assert values(project, "items") == list(range(14))


@pytest.mark.parametrize("incremental", [{"lag": "P20D"}, {"watermark": "run_start"}])
def test_a_list_goes_on_after_its_own_last_record(
    web: Web, project: Path, incremental: Json
) -> None:
    api = Numbered(web, days(14))
    connector = connector_of(project, file(web, incremental))
    load(connector, project)
    assert values(project, "items") == list(range(14))
    api.times = days(20)
    web.asked.clear()
    load(connector, project, now=later(1))
    if "lag" in incremental:
        assert values(project, "items") == list(range(20))
        starts = dict.fromkeys(one.param("since") for one in web.asked)
        assert list(starts)[:3] == ["2026-01-01", "2026-01-07", "2026-01-12"]


def test_an_api_that_leaves_out_the_start_may_leave_out_records(web: Web, project: Path) -> None:
    Numbered(web, days(14, each=4), gt)
    report = load(connector_of(project, file(web)), project)
    assert codes(report) == [("items", "restart-gap")]
    assert "2026-01-03" in warnings_of(report, "items")[0].message


def test_an_earlier_start_has_them(web: Web, project: Path) -> None:
    Numbered(web, days(14, each=4), gt)
    start = "{subtract_time(incremental.start_value, 'P1D')}"
    whole = file(web, {"start_param": None}, params={"since": start})
    del whole["resources"][0]["endpoint"]["incremental"]["start_param"]
    assert codes(load(connector_of(project, whole), project)) == []
    assert values(project, "items") == list(range(14))


def test_a_cursor_that_is_the_key_has_no_gap(web: Web, project: Path) -> None:
    def answer(asked: Asked) -> Json:
        after, offset = int(asked.param("since") or 0), int(asked.param("offset") or 0)
        found = [{"id": n} for n in range(1, 15) if n > after]
        return {"items": found[offset : offset + 2], "total": len(found)}

    web.on("/items", answer)
    whole = file(web, {"cursor_path": "id", "initial_value": 0})
    assert codes(load(connector_of(project, whole), project)) == []
    assert values(project, "items") == list(range(1, 15))


def test_a_list_in_another_order_fails_the_resource(web: Web, project: Path) -> None:
    Numbered(web, days(14)[::-1])
    error = load(connector_of(project, file(web)), project).resources["items"].error
    assert error is not None
    assert "not sorted by `at`: 2026-01-14 comes after 2026-01-15" in error
