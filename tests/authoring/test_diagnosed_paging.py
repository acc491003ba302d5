"""`check --deep`: signs of more pages of every kind, and right files that only look wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framework.authoring.diagnose.diagnosis import diagnose
from framework.authoring.diagnose.proof import Proof
from framework.events import ignore_event
from framework.runtime.environment import Environment
from tests.support.run_verbs import connector_of
from tests.support.servers.web import Answer, Asked, Web

Json = Any
pytestmark = pytest.mark.usefixtures("project")
ROWS = [{"id": n, "active": n % 2 == 0} for n in range(1, 7)]
NUMBERED = {"type": "page_number", "base_page": 1, "total_path": None}
EXPLODE = [{"explode": "rows"}, {"map": "from_items(zip(columns, rows))"}]
YIELD = [{"yield_map": "rows[*].{id: @[0]}"}]
XML = "".join(f"<row><id>{row['id']}</id></row>" for row in ROWS)
CSV = "id,active\n" + "".join(f"{row['id']},{row['active']}\n" for row in ROWS)


def proofs(
    web: Web, project: Path, answer: Any, endpoint: Json, steps: Json = None
) -> dict[str, Proof]:
    web.on("/rows", answer)
    rows = {
        "name": "rows",
        "primary_key": "id",
        "write_disposition": "merge",
        "endpoint": {"path": "/rows", "data_selector": "rows", **endpoint},
        **({"processing_steps": steps} if steps else {}),
    }
    client = {"base_url": web.url, "retry": {"max_retries": 0}}
    connector = connector_of(project, {"client": client, "resources": [rows]})
    found = diagnose(connector, connector.resources, {}, None, Environment(), ignore_event)
    return {one.about: one for one in found}


def page_of(asked: Asked, size: int = 2) -> int:
    offset = asked.param("offset")
    return int(offset) // size if offset else int(asked.param("page", "1") or 1) - 1


def envelope(asked: Asked) -> Answer:
    """Two rows a page, below the names of their columns."""
    page = page_of(asked)
    rows = [[row["id"], "x"] for row in ROWS[2 * page : 2 * page + 2]]
    following = page + 2 if page < 2 else None
    return Answer(200, {"columns": ["id", "x"], "rows": rows, "next": following, "total": 6})


def holed(asked: Asked) -> Answer:
    """Three pages, of which the second has no record; links and a cursor lead on."""
    page = page_of(asked)
    rows = [] if page == 1 else ROWS[2 * page : 2 * page + 2]
    following = f"/rows?page={page + 2}" if page < 2 else None
    body = {"rows": rows, "next": page + 2 if page < 2 else None, "link": following, "pages": 3}
    return Answer(200, body, {"Link": f'<{following}>; rel="next"'} if following else {})


def headless(asked: Asked) -> Answer:
    """Three pages, of which the first has no record."""
    page = page_of(asked)
    return Answer(200, {"rows": ROWS[2 * page : 2 * page + 2] if page else [], "pages": 3})


def capped(asked: Asked) -> Answer:
    """At most two records a page."""
    page = page_of(asked)
    rows = ROWS[2 * page : 2 * page + 2]
    return Answer(200, {"rows": rows, "next": page + 2 if page < 2 else None, "total": 6})


def selected(asked: Asked) -> Answer:
    """As many records as are asked for, from an offset on."""
    at, limit = int(asked.param("offset") or 0), int(asked.param("limit") or 2)
    return Answer(200, {"rows": ROWS[at : at + limit], "total": 6})


RIGHT: dict[str, tuple[Callable[[Asked], Answer], Json, Json]] = {
    "an envelope, by number": (envelope, {"data_selector": "@", "paginator": NUMBERED}, EXPLODE),
    "an envelope, by offset": (
        envelope,
        {
            "data_selector": "@",
            "paginator": {"type": "offset", "limit": 2, "total_path": "total"},
        },
        EXPLODE,
    ),
    "an envelope, by cursor": (
        envelope,
        {
            "data_selector": "@",
            "paginator": {"type": "cursor", "cursor_param": "page", "cursor_path": "next"},
        },
        YIELD,
    ),
    "an envelope without a selector": (
        envelope,
        {"paginator": NUMBERED, "data_selector": None},
        EXPLODE,
    ),
    "a filter in the selector": (
        selected,
        {"data_selector": "rows[?active]", "paginator": {"type": "offset", "limit": 2}},
        None,
    ),
    "an empty page, by link": (
        holed,
        {"paginator": {"type": "json_link", "next_url_path": "link"}},
        None,
    ),
    "an empty page, by header": (holed, {"paginator": "header_link"}, None),
    "an empty page, by number": (
        holed,
        {"paginator": {**NUMBERED, "total_path": "pages", "stop_after_empty_page": False}},
        None,
    ),
    "an empty first page": (
        headless,
        {"paginator": {**NUMBERED, "total_path": "pages", "stop_after_empty_page": False}},
        None,
    ),
    "a size above the API's": (
        capped,
        {"paginator": {**NUMBERED, "page_size": 100, "page_size_param": "size"}},
        None,
    ),
    "a size above the API's, by cursor": (
        capped,
        {
            "paginator": {
                "type": "cursor",
                "cursor_param": "page",
                "cursor_path": "next",
                "page_size": 100,
                "page_size_param": "size",
            }
        },
        None,
    ),
    "the first page only": (
        capped,
        {"paginator": {"type": "single_page", "maximum_page": 1}},
        None,
    ),
    "the first pages only": (capped, {"paginator": {**NUMBERED, "maximum_page": 1}}, None),
    "a condition of the file's own": (
        capped,
        {"paginator": {**NUMBERED, "stop_when": "last_record.id >= `2`"}},
        None,
    ),
    "a short list": (
        lambda asked: Answer(200, {"rows": ROWS if page_of(asked, 100) == 0 else []}),
        {"paginator": {**NUMBERED, "page_size": 100, "stop_after_short_page": True}},
        None,
    ),
    "a short list, by a number of the file": (
        lambda asked: Answer(200, {"rows": ROWS if page_of(asked, 100) == 0 else []}),
        {"paginator": {**NUMBERED, "stop_when": "length(records) < `100`"}},
        None,
    ),
    "a short list, by offset": (
        lambda asked: Answer(200, {"rows": ROWS[int(asked.param("offset", "0") or 0) :]}),
        {
            "paginator": {
                "type": "offset",
                "limit": 100,
                "total_path": None,
                "stop_after_short_page": True,
            }
        },
        None,
    ),
    "a flag that outweighs a total": (
        lambda _: Answer(200, {"rows": ROWS, "has_more": False, "total": 60}),
        {"paginator": "single_page"},
        None,
    ),
    "an end that outweighs a total": (
        lambda _: Answer(200, {"rows": ROWS, "next": None, "count": 60}),
        {"paginator": "single_page"},
        None,
    ),
    "a total of what filters leave out": (
        lambda _: Answer(200, {"rows": ROWS, "meta": {"total": 60}}),
        {"paginator": "single_page", "params": {"state": "open"}},
        None,
    ),
}


@pytest.mark.parametrize(("answer", "endpoint", "steps"), RIGHT.values(), ids=RIGHT)
def test_a_right_file_is_not_faulted(
    answer: Callable[[Asked], Answer], endpoint: Json, steps: Json, web: Web, project: Path
) -> None:
    found = proofs(web, project, answer, endpoint, steps)
    assert {name: one.message for name, one in found.items() if one.outcome == "fault"} == {}
    assert all(one.diff == "" for one in found.values())


def test_a_key_that_exploded_records_lack_is_no_fault_of_the_selector(
    web: Web, project: Path
) -> None:
    body = {"columns": ["id"], "rows": [[1], [None]]}
    endpoint = {"data_selector": "@", "paginator": "single_page"}
    found = proofs(web, project, lambda _: Answer(200, body), endpoint, EXPLODE)
    assert {one.code for one in found.values() if one.code} == {"key-missing"}


def unannounced(asked: Asked) -> Answer:
    """At most two records a page, and no word about more."""
    size = min(2, int(asked.param("size") or asked.param("limit") or 2))
    at = int(asked.param("offset", "0") or 0) or size * (int(asked.param("page", "1") or 1) - 1)
    return Answer(200, {"rows": ROWS[at : at + size]})


@pytest.mark.parametrize(
    "paginator",
    [
        {**NUMBERED, "page_size": 100, "page_size_param": "size", "stop_after_short_page": True},
        {
            **NUMBERED,
            "page_size": 100,
            "page_size_param": "size",
            "stop_when": "length(records) < paginator.limit",
        },
        {"type": "offset", "limit": 100, "total_path": None, "stop_after_short_page": True},
        {**NUMBERED, "stop_when": "length(records) < `100`"},
    ],
)
def test_a_size_that_the_api_caps_without_a_word_is_found(
    paginator: Json, web: Web, project: Path
) -> None:
    fault = proofs(web, project, unannounced, {"paginator": paginator})["paginator"]
    assert (fault.outcome, fault.code) == ("fault", "page-too-short")
    assert fault.diff


def from_zero(asked: Asked) -> Answer:
    at = 2 * int(asked.param("page", "0") or 0)
    return Answer(200, {"rows": ROWS[at : at + 2]})


def from_zero_in_body(asked: Asked) -> Answer:
    at = 2 * int((asked.json() or {}).get("page", 0))
    return Answer(200, {"rows": ROWS[at : at + 2]})


def from_zero_in_csv(asked: Asked) -> Answer:
    lines = CSV.splitlines()
    at = 1 + 2 * int(asked.param("page", "0") or 0)
    return Answer(200, "\n".join([lines[0], *lines[at : at + 2]]))


def of_two_pages(asked: Asked) -> Answer:
    at = 3 * int(asked.param("page", "0") or 0)
    return Answer(200, {"rows": ROWS[at : at + 3]})


@pytest.mark.parametrize(
    ("answer", "endpoint"),
    [
        (from_zero, {"paginator": NUMBERED}),
        (from_zero, {"paginator": {**NUMBERED, "page_size": 2, "page_size_param": "size"}}),
        (
            from_zero_in_body,
            {"method": "POST", "json": {}, "paginator": {**NUMBERED, "page_body_path": "page"}},
        ),
        (
            from_zero_in_csv,
            {"response_format": "csv", "data_selector": None, "paginator": NUMBERED},
        ),
        (of_two_pages, {"paginator": NUMBERED}),
    ],
)
def test_a_first_page_that_is_left_out_is_found(
    answer: Callable[[Asked], Answer], endpoint: Json, web: Web, project: Path
) -> None:
    fault = proofs(web, project, answer, endpoint)["paginator"]
    assert (fault.outcome, fault.code) == ("fault", "first-page-skipped")
    assert "+" in fault.diff
    assert "base_page: 0" in fault.diff


def from_one(asked: Asked, before: Answer) -> Answer:
    number = int(asked.param("page", "1") or 1)
    return before if number < 1 else Answer(200, {"rows": ROWS[2 * number - 2 : 2 * number]})


@pytest.mark.parametrize(
    "before",
    [
        Answer(200, {"rows": ROWS[:2]}),
        Answer(200, {"rows": ROWS[-2:]}),
        Answer(200, {"rows": []}),
        Answer(400, {"error": "page begins at 1"}),
        Answer(500, "oops"),
    ],
    ids=["the same", "the last", "empty", "refused", "broken"],
)
def test_an_api_that_counts_from_1_is_not_faulted(before: Answer, web: Web, project: Path) -> None:
    found = proofs(web, project, lambda asked: from_one(asked, before), {"paginator": NUMBERED})
    assert found["paginator"].outcome == "ok"


def test_an_api_that_returns_all_without_a_page_is_not_faulted(web: Web, project: Path) -> None:
    def answer(asked: Asked) -> Answer:
        number = asked.param("page")
        return from_one(asked, Answer(400)) if number else Answer(200, {"rows": ROWS})

    assert proofs(web, project, answer, {"paginator": NUMBERED})["paginator"].outcome == "ok"


MORE: dict[str, tuple[Answer, Json, Json]] = {
    "Atom": (
        Answer(200, f'<f><link rel="self" href="/rows"/><link rel="next" href="/2"/>{XML}</f>'),
        {"response_format": "xml", "data_selector": "f.row"},
        None,
    ),
    "one link": (
        Answer(200, f'<f><link rel="next" href="/2"/>{XML}</f>'),
        {"response_format": "xml", "data_selector": "f.row"},
        None,
    ),
    "OAI-PMH": (
        Answer(200, f'<r>{XML}<resumptionToken cursor="0">b</resumptionToken></r>'),
        {"response_format": "xml", "data_selector": "r.row"},
        None,
    ),
    "an attribute": (
        Answer(200, f'<r total="60">{XML}</r>'),
        {"response_format": "xml", "data_selector": "r.row"},
        None,
    ),
    "OpenSearch": (
        Answer(200, f'<r xmlns:o="x"><o:totalResults>60</o:totalResults>{XML}</r>'),
        {"response_format": "xml", "data_selector": "r.row"},
        None,
    ),
    "a flag in XML": (
        Answer(200, f"<r>{XML}<IsTruncated>true</IsTruncated></r>"),
        {"response_format": "xml", "data_selector": "r.row"},
        None,
    ),
    "XML and a header": (
        Answer(200, f"<r>{XML}</r>", {"X-Total-Pages": "7"}),
        {"response_format": "xml", "data_selector": "r.row"},
        None,
    ),
    "CSV and a total": (
        Answer(200, CSV, {"X-Total-Count": "60"}),
        {"response_format": "csv", "data_selector": None},
        None,
    ),
    "CSV and a link": (
        Answer(200, CSV, {"Link": '</rows?page=2>; rel="next"'}),
        {"response_format": "csv", "data_selector": None},
        None,
    ),
    "CSV and a range": (
        Answer(200, CSV, {"Content-Range": "0-5/60"}),
        {"response_format": "csv", "data_selector": None},
        None,
    ),
    "lines and a cursor": (
        Answer(200, "".join(f'{{"id": {row["id"]}}}\n' for row in ROWS), {"X-Next-Cursor": "b"}),
        {"response_format": "jsonl", "data_selector": None},
        None,
    ),
    "an envelope and a total": (
        Answer(200, {"columns": ["id"], "rows": [[1], [2]], "total": 60, "limit": 2}),
        {"data_selector": "@"},
        EXPLODE,
    ),
    "an envelope and a header": (
        Answer(200, {"columns": ["id"], "rows": [[1], [2]]}, {"X-Total-Count": "60"}),
        {"data_selector": "@"},
        EXPLODE,
    ),
}


@pytest.mark.parametrize(("answer", "endpoint", "steps"), MORE.values(), ids=MORE)
def test_every_sign_of_more_is_seen(
    answer: Answer, endpoint: Json, steps: Json, web: Web, project: Path
) -> None:
    whole = {"paginator": "single_page", **endpoint}
    found = proofs(web, project, lambda _: answer, whole, steps)
    assert (found["paginator"].outcome, found["paginator"].code) == ("fault", "no-next")
    assert found["paginator"].diff == ""
