"""`check --deep`: faults that only the live API shows, each with what would mend it."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framework.api import valid_connector
from framework.authoring.diagnose.diagnosis import diagnose
from framework.authoring.diagnose.heuristics import key_candidates
from framework.authoring.diagnose.proof import Proof
from framework.cli.main import main
from framework.definition.finder import find_connector
from framework.events import ignore_event
from framework.runtime.environment import Environment
from tests.support.run_verbs import connector_of
from tests.support.servers.web import Answer, Asked, Web

Json = Any
ROWS = [
    {"id": n, "group": n % 2, "updated_at": f"2026-01-0{n}T00:00:00Z", "note": "private-note"}
    for n in range(1, 7)
]


def paged(asked: Asked) -> Answer:
    """Two records a page, page numbers from 1."""
    page = int(asked.param("page", "1") or 1)
    rows = ROWS[2 * page - 2 : 2 * page]
    following = page + 1 if 2 * page < len(ROWS) else None
    return Answer(200, {"data": {"rows": rows}, "meta": {"next": following, "total": len(ROWS)}})


def proofs(
    web: Web, project: Path, answer: Callable[[Asked], Answer], **endpoint: Json
) -> dict[str, Proof]:
    return looked_at(project, rows_of(web, answer, **endpoint))


def rows_of(web: Web, answer: Callable[[Asked], Answer], **endpoint: Json) -> Json:
    """The body of a connector with one resource, `rows`, which has nothing from defaults."""
    web.on("/rows", answer)
    numbered = {"type": "page_number", "base_page": 1, "total_path": None}
    asked = {"path": "/rows", "data_selector": "data.rows", "paginator": numbered, **endpoint}
    key = asked.pop("primary_key", "id")
    resource = {
        "name": "rows",
        "primary_key": key,
        "write_disposition": "merge",
        "endpoint": {name: value for name, value in asked.items() if value is not None},
    }
    client = {"base_url": web.url, "retry": {"max_retries": 0}}
    return {"client": client, "resources": [resource]}


def looked_at(project: Path, body: Json) -> dict[str, Proof]:
    connector = connector_of(project, body)
    found = list(diagnose(connector, connector.resources, {}, None, Environment(), ignore_event))
    assert "private-note" not in str(found)
    return {f"{one.resource}.{one.about}": one for one in found}


def test_a_file_that_is_true_has_no_fault(web: Web, project: Path) -> None:
    cursor = {"cursor_path": "updated_at", "start_param": "since", "initial_value": "2026-01-01"}
    found = proofs(web, project, paged, incremental=cursor)
    assert {name: one.outcome for name, one in found.items()} == {
        "rows.data_selector": "ok",
        "rows.primary_key": "ok",
        "rows.cursor_path": "ok",
        "rows.paginator": "ok",
        "rows.incremental": "unknown",
    }
    assert "not tried, because" in found["rows.incremental"].message
    assert len(web.asked) == 3  # the third has no page number


def linked(asked: Asked) -> Answer:
    """Two records a page, with a link to the next one in a header."""
    page = int(asked.param("seite", "1") or 1)
    link = f'<http://{asked.headers["host"]}/rows?seite={page + 1}>; rel="next"'
    return Answer(200, ROWS[2 * page - 2 : 2 * page], {"Link": link} if page < 3 else {})


def cursored(asked: Asked) -> Answer:
    """Two records a page, cursors in the body; `start` never moves."""
    at = int(asked.param("after", "0") or 0)
    following = at + 2 if at + 2 < len(ROWS) else None
    return Answer(200, {"rows": ROWS[at : at + 2], "page": {"next": following, "next_start": 2}})


def heedless(_: Asked) -> Answer:
    """All records, whatever is asked for."""
    return Answer(200, {"rows": ROWS})


def strict(asked: Asked) -> Answer:
    """Refuses a parameter that it does not know."""
    if asked.param("order"):
        return Answer(400, {"error": "unknown parameter order"})
    return Answer(200, ROWS)


def written(body: bytes | str, **headers: str) -> Callable[[Asked], Answer]:
    return lambda _: Answer(200, body, headers)


def searched(asked: Asked) -> Answer:
    """Two records a page, whose number is in the body of a POST."""
    if asked.method != "POST":
        return Answer(405, {})
    page = asked.json().get("page", 1)
    hits = [{"score": 1, "doc": row} for row in ROWS[2 * page - 2 : 2 * page]]
    return Answer(200, {"hits": hits})


def graph(asked: Asked) -> Answer:
    """Two records a page, with a cursor in the variables of a query."""
    at = int(asked.json().get("variables", {}).get("after") or 0)
    following = at + 2 if at + 2 < len(ROWS) else None
    edges = [{"node": row} for row in ROWS[at : at + 2]]
    return Answer(200, {"data": {"rows": {"edges": edges, "pageInfo": {"endCursor": following}}}})


def capped(asked: Asked) -> Answer:
    """Never more than two records, from an offset on."""
    at = int(asked.param("offset", "0") or 0)
    return Answer(200, {"rows": ROWS[at : at + 2], "total": len(ROWS)})


def from_one(asked: Asked) -> Answer:
    """Pages from 1; another one is refused."""
    return paged(asked) if asked.param("page") != "0" else Answer(400, {"error": "no page 0"})


def addressed(asked: Asked) -> Answer:
    """The next page's address in the body, and no other cursor than a number."""
    at = int(asked.param("after", "0") or 0) if (asked.param("after") or "0").isdigit() else None
    if at is None:
        return Answer(400, {"error": "after is no number"})
    following = f"/rows?after={at + 2}" if at + 2 < len(ROWS) else None
    return Answer(200, {"rows": ROWS[at : at + 2], "next_url": following, "next": at + 2})


SINCE = {
    "cursor_path": "updated_at",
    "start_param": "since",
    "initial_value": "2026-01-01T00:00:00Z",
}
INCLUDING = {"initial_value": "2026-01-01", "on_cursor_value_missing": "include"}
NUMBERED = {"type": "page_number", "base_page": 1, "total_path": None}
CURSOR = {"type": "cursor", "cursor_param": "after"}
CSV = "id;updated_at\n" + "".join(f"{row['id']};{row['updated_at']}\n" for row in ROWS)
LINES = "".join(f'{{"id": {row["id"]}}}\n' for row in ROWS)
XML = "<rows>" + "".join(f"<row><id>{row['id']}</id></row>" for row in ROWS) + "</rows>"
ONE = {"paginator": "single_page", "data_selector": None}
LATIN = "id;größe\n1;2,5\n2;3,5\n".encode("cp1252")
LINE = "<line><sku>a</sku></line>"
ORDERS = (
    f"<orders><order><id>1</id>{LINE}</order><order><id>2</id>{LINE}{LINE}<tag>x</tag></order>"
    "<order><id>3</id><tag/><tag>y</tag></order></orders>"
)


def ordered(asked: Asked) -> Answer:
    """Two orders, and one on the second page."""
    first = "<order><id>1</id></order><order><id>2</id></order>"
    orders = {"1": first, "2": "<order><id>3</id></order>"}.get(asked.param("page", ""), "")
    return Answer(200, f"<orders>{orders}</orders>")


FAULTS: list[tuple[str, Callable[[Asked], Answer], Json, str]] = [
    ("selector-no-match", paged, {"data_selector": "data.items"}, "data_selector: data.rows"),
    ("selector-too-short", paged, {"data_selector": "data"}, "data_selector: data.rows"),
    ("key-repeated", paged, {"primary_key": "group"}, "primary_key: id"),
    ("key-missing", paged, {"primary_key": "uuid"}, "primary_key: id"),
    (
        "cursor-missing",
        paged,
        {"incremental": {**INCLUDING, "cursor_path": "changed", "start_param": "since"}},
        "cursor_path: updated_at",
    ),
    (
        "cursor-missing",
        paged,
        {"incremental": {"cursor_path": "changed", "start_param": "since"}},
        "cursor_path: updated_at",
    ),
    ("no-next", paged, {"paginator": "single_page"}, "cursor_path: meta.next"),
    ("no-next", linked, {"paginator": "single_page", "data_selector": "@"}, "header_link"),
    (
        "no-next",
        cursored,
        {"paginator": {**CURSOR, "cursor_path": "next"}, "data_selector": "rows"},
        "cursor_path: page.next",
    ),
    (
        "page-repeated",
        linked,
        {"paginator": NUMBERED, "data_selector": "@"},
        "page_param: seite",
    ),
    (
        "next-repeated",
        cursored,
        {
            "paginator": {
                "type": "cursor",
                "cursor_param": "after",
                "cursor_path": "page.next_start",
            },
            "data_selector": "rows",
        },
        "cursor_path: page.next",
    ),
    ("params-refused", strict, {**ONE, "params": {"order": "up", "x": "y"}}, "remove it"),
    ("format-differs", written(CSV), ONE, 'response_format: {type: csv, delimiter: ";"}'),
    ("format-differs", written(LINES), ONE, "response_format: jsonl"),
    ("format-differs", written(XML), {**ONE, "data_selector": "rows.row"}, "response_format: xml"),
    (
        "format-differs",
        written(gzip.compress(LINES.encode())),
        ONE,
        "response_format: {type: jsonl, compression: gzip}",
    ),
    ("format-differs", written(LINES), {**ONE, "response_format": "csv"}, "response_format: jsonl"),
    (
        "delimiter-differs",
        written(CSV.encode("utf-16")),
        {**ONE, "response_format": {"type": "csv", "encoding": "utf-16"}},
        'response_format: {type: csv, encoding: utf-16, delimiter: ";"}',
    ),
    (
        "delimiter-differs",
        written(LATIN),
        {**ONE, "response_format": {"type": "csv", "encoding": "cp1252"}},
        'response_format: {type: csv, encoding: cp1252, delimiter: ";"}',
    ),
    (
        "delimiter-differs",
        written(CSV.replace(";", ",")),
        {**ONE, "response_format": {"type": "csv", "delimiter": ";"}},
        "response_format: csv",
    ),
    (
        "format-differs",
        written(gzip.compress(CSV.encode())),
        {**ONE, "response_format": {"type": "csv", "encoding": "cp1252"}},
        'response_format: {type: csv, compression: gzip, encoding: cp1252, delimiter: ";"}',
    ),
    (
        "list-or-one",
        written(ORDERS),
        {**ONE, "data_selector": "orders.order", "response_format": "xml"},
        "response_format: {type: xml, lists: [line, tag]}",
    ),
    (
        "list-or-one",
        written(ORDERS),
        {
            **ONE,
            "data_selector": "orders.order",
            "response_format": {"type": "xml", "lists": ["order", "tag"]},
        },
        "response_format: {type: xml, lists: [order, tag, line]}",
    ),
    (
        "list-or-one",
        ordered,
        {"data_selector": "orders.order[]", "response_format": "xml"},
        "response_format: {type: xml, lists: [order]}",
    ),
    (
        "selector-too-short",
        lambda _: Answer(200, {"groups": [{"rows": ROWS[:2]}, {"rows": ROWS[2:]}]}),
        {**ONE, "data_selector": "groups"},
        'data_selector: "groups[].rows[]"',
    ),
    (
        "selector-too-short",
        lambda _: Answer(200, {"groups": [ROWS[:2], ROWS[2:]]}),
        {**ONE, "data_selector": "groups"},
        'data_selector: "groups[]"',
    ),
    (
        "selector-too-short",
        lambda _: Answer(200, {"rows": {f"row {row['id']}": row for row in ROWS}}),
        {**ONE, "data_selector": "rows"},
        "data_selector: values(rows)",
    ),
    (
        "key-missing",
        lambda _: Answer(200, {"notes": [{"text": "x"}], "deep": {"rows": ROWS}}),
        {**ONE, "data_selector": "notes"},
        "data_selector: deep.rows",
    ),
    (
        "key-missing",
        lambda _: Answer(200, {"data": {"rows": ["a", "b"]}}),
        {"paginator": "single_page"},
        "primary_key: value",
    ),
    (
        "selector-too-short",
        searched,
        {"method": "POST", "json": {"page": "{paginator.page}"}, "data_selector": "hits"},
        'data_selector: "hits[].doc"',
    ),
    (
        "page-repeated",
        searched,
        {"method": "POST", "json": {"size": 2}, "data_selector": "hits[].doc"},
        'json.page: "{paginator.page}"',
    ),
    (
        "page-repeated",
        graph,
        {
            "method": "POST",
            "json": {"query": "query ($after: Int) {{ rows(after: $after) {{ id }} }}"},
            "data_selector": "data.rows.edges[].node",
            "paginator": {"type": "cursor", "cursor_path": "data.rows.pageInfo.endCursor"},
        },
        'json.variables: {after: "{paginator.cursor}"}',
    ),
    (
        "page-too-short",
        capped,
        {
            "paginator": {"type": "offset", "limit": 100, "total_path": "total"},
            "data_selector": "rows",
        },
        "limit: 2",
    ),
    (
        "page-too-short",
        capped,
        {
            "paginator": {"type": "offset", "limit": 3, "total_path": "total"},
            "data_selector": "rows",
        },
        "limit: 2",
    ),
    ("params-refused", from_one, {"paginator": {**NUMBERED, "base_page": 0}}, "base_page: 1"),
    (
        "next-unreadable",
        paged,
        {"paginator": {**NUMBERED, "total_path": "meta.pages"}},
        "total_path: null",
    ),
    (
        "next-unreadable",
        addressed,
        {"paginator": {"type": "json_link", "next_url_path": "next"}, "data_selector": "rows"},
        "{type: cursor, cursor_path: next, cursor_param: after}",
    ),
    (
        "next-refused",
        addressed,
        {"paginator": {**CURSOR, "cursor_path": "next_url"}, "data_selector": "rows"},
        "{type: json_link, next_url_path: next_url}",
    ),
    (
        "method-refused",
        lambda asked: Answer(200 if asked.method == "POST" else 405, ROWS),
        ONE,
        "method: POST",
    ),
]
"""A fault's name, the API, the endpoint, what the remedy says; the diff takes the fault away."""


@pytest.mark.parametrize(("code", "answer", "endpoint", "remedy"), FAULTS)
def test_a_fault_has_its_name_and_its_diff_mends_it(
    code: str,
    answer: Callable[[Asked], Answer],
    endpoint: Json,
    remedy: str,
    web: Web,
    project: Path,
) -> None:
    found = {one.code: one for one in proofs(web, project, answer, **endpoint).values() if one.code}
    assert remedy in found[code].remedy
    assert "2026-01-0" not in found[code].message
    assert found[code].diff
    assert code not in {one.code for one in mended(project, found[code])}


@pytest.mark.parametrize(
    ("code", "answer", "endpoint", "remedy"),
    # an incremental is inherited whole: its one key has no place of its own
    [fault for fault in FAULTS if fault[0] != "cursor-missing"],
)
def test_a_diff_mends_what_a_resource_has_from_defaults_that_others_have_too(
    code: str,
    answer: Callable[[Asked], Answer],
    endpoint: Json,
    remedy: str,
    web: Web,
    project: Path,
) -> None:
    body = rows_of(web, answer, **endpoint)
    (rows,) = body["resources"]
    path = rows["endpoint"].pop("path")
    body["resource_defaults"] = {name: rows.pop(name) for name in list(rows) if name != "name"}
    rows["endpoint"] = {"path": path}
    body["resources"].append({"name": "others", "endpoint": {"path": "/others"}})
    web.on("/others", [])
    connector = connector_of(project, body)
    found = diagnose(connector, connector.resources[:1], {}, None, Environment(), ignore_event)
    (fault,) = (one for one in found if one.code == code)
    assert remedy in fault.remedy
    after = [one.code for one in mended(project, fault) if one.resource == "rows"]
    assert code not in after


def mended(project: Path, fault: Proof) -> list[Proof]:
    """What is proved after the fault's diff was applied to the file."""
    file = project / "connectors" / "shop.yaml"
    file.write_text(patched(file.read_text("utf-8"), fault.diff), "utf-8")
    connector = valid_connector(find_connector("shop"))
    return list(diagnose(connector, connector.resources, {}, None, Environment(), ignore_event))


def patched(text: str, diff: str) -> str:
    """The text with a diff applied, hunk by hunk."""
    hunks = re.split(r"^@@.*\n", diff, flags=re.MULTILINE)[1:]
    for lines in (hunk.splitlines(keepends=True) for hunk in hunks):
        before = "".join(line[1:] for line in lines if line[0] in " -")
        after = "".join(line[1:] for line in lines if line[0] in " +")
        assert text.count(before) == 1
        text = text.replace(before, after)
    return text


@pytest.mark.parametrize(
    ("code", "answer", "endpoint", "remedy"),
    [
        (
            "page-repeated",
            heedless,
            {"paginator": {**NUMBERED, "page_param": "p"}, "data_selector": "rows"},
            "ignores p",
        ),
        (
            "page-repeated",
            heedless,
            {"paginator": {**NUMBERED, "base_page": 0}, "data_selector": "rows"},
            "base_page: 1",
        ),
        (
            "incremental-ignored",
            heedless,
            {**ONE, "data_selector": "rows", "incremental": SINCE},
            "ignores since",
        ),
        (
            "selector-no-match",
            lambda _: Answer(200, {"data": None, "errors": [{"message": "unknown field"}]}),
            {**ONE, "data_selector": "data.rows"},
            "",
        ),
        (
            "selector-no-match",
            lambda _: Answer(200, {"status": "ok"}),
            {**ONE, "data_selector": "rows"},
            "",
        ),
        (
            "next-refused",
            lambda asked: Answer(400 if asked.param("after") else 200, {"rows": ROWS, "n": "x"}),
            {"paginator": {**CURSOR, "cursor_path": "n"}, "data_selector": "rows"},
            "correct what the paginator reads",
        ),
        ("auth-refused", lambda _: Answer(401, {}), ONE, ""),
        ("path-not-found", lambda _: Answer(404, {}), ONE, ""),
        ("params-refused", lambda _: Answer(422, {}), {**ONE, "params": {"a": 1}}, "a"),
        ("content-type-refused", lambda _: Answer(406, {}), {**ONE, "params": {"a": 1}}, "Accept"),
        ("content-type-refused", lambda _: Answer(415, {}), ONE, "Content-Type"),
        ("server-error", lambda _: Answer(501, {}), ONE, ""),
        ("no-answer", lambda _: Answer(drop=True), ONE, ""),
        ("format-differs", written("<html>log in</html>"), ONE, "credentials"),
    ],
)
def test_a_fault_that_only_its_documentation_mends_has_its_name(
    code: str,
    answer: Callable[[Asked], Answer],
    endpoint: Json,
    remedy: str,
    web: Web,
    project: Path,
) -> None:
    found = {one.code: one for one in proofs(web, project, answer, **endpoint).values() if one.code}
    assert found[code].outcome == "fault"
    assert remedy in found[code].remedy


def test_a_list_of_one_that_the_selector_itself_finds_is_no_fault(web: Web, project: Path) -> None:
    found = proofs(web, project, ordered, data_selector="orders.order", response_format="xml")
    assert {one.outcome for one in found.values()} == {"ok"}
    assert found["rows.data_selector"].message == "orders.order: 3 records on 2 pages"


def test_nothing_is_said_of_the_key_of_columns_that_are_none(web: Web, project: Path) -> None:
    found = proofs(web, project, written(CSV), **ONE, response_format="csv", primary_key="id")
    assert [one.code for one in found.values()] == ["delimiter-differs"]


@pytest.mark.parametrize("more", [None, "data.has_more"])
def test_an_error_that_comes_as_a_success_is_told_and_no_list_to_read(
    more: str | None, web: Web, project: Path
) -> None:
    body = {"data": None, "errors": [{"message": "no field titel"}]}
    cursor = {**CURSOR, "cursor_path": "data.next", **({"has_more_path": more} if more else {})}
    found = proofs(web, project, lambda _: Answer(200, body), paginator=cursor)
    assert any("says: no field titel" in one.message for one in found.values())
    assert all(one.remedy == one.diff == "" for one in found.values())


def test_what_a_step_does_not_take_is_told_once_and_of_no_key(web: Web, project: Path) -> None:
    web.on("/rows", lambda _: Answer(200, [{"Id": str(n), "Cost": f"{n},5"} for n in range(9)]))
    web.on("/rows/{id}/parts", lambda _: Answer(200, []))
    rows = {
        "name": "rows",
        "processing_steps": [{"rename_keys": "lower(@)"}, {"cast": {"cost": "number"}}],
        "endpoint": {"path": "/rows", "paginator": "single_page"},
    }
    path = "/rows/{resources.rows.id}/parts"
    body = {
        "client": {"base_url": web.url},
        "resource_defaults": {"write_disposition": "merge", "primary_key": "id"},
        "resources": [rows, {"name": "parts", "endpoint": {"path": path}}],
    }
    found = looked_at(project, body)
    faults = {name: one.message for name, one in found.items() if one.outcome == "fault"}
    assert faults == {
        "rows.records": "rows: processing_steps: cast: `cost` holds text that is not a valid number"
    }
    assert found["parts.request"].message == "not requested, because rows cannot be read"


def test_an_incremental_that_the_api_heeds_is_no_fault(web: Web, project: Path) -> None:
    def since(asked: Asked) -> Answer:
        return Answer(200, [row for row in ROWS if row["updated_at"] >= asked.param("since", "")])

    found = proofs(web, project, since, **ONE, incremental=SINCE)
    assert found["rows.incremental"].outcome == "ok"
    assert [asked.param("since") for asked in web.asked] == [
        "2026-01-01T00:00:00Z",
        "2026-01-06T00:00:00Z",
    ]


def test_a_child_is_asked_for_three_parents_and_a_wrong_binding_is_told(
    web: Web, project: Path
) -> None:
    web.on("/rows", lambda _: Answer(200, ROWS))
    web.on("/rows/{id}/parts", lambda asked: Answer(200, [{"id": f"p{asked.parts['id']}"}]))
    web.on("/rows/{id}/tags", lambda asked: tags(asked.parts["id"]))

    def tags(row: str) -> Answer:
        return Answer(200, [{"id": f"t{row}"}]) if row.isdigit() else Answer(404, {"message": "no"})

    def child(name: str, field: str) -> Json:
        return {
            "name": name,
            "primary_key": "id",
            "endpoint": {
                "path": f"/rows/{{resources.rows.{field}}}/{name}",
                "paginator": "single_page",
            },
        }

    rows = {"name": "rows", "endpoint": {"path": "/rows", "paginator": "single_page"}}
    body = {
        "client": {"base_url": web.url},
        "resource_defaults": {"write_disposition": "merge", "primary_key": "id"},
        "resources": [rows, child("parts", "id"), child("tags", "updated_at")],
    }
    found = looked_at(project, body)
    assert found["parts.parent"].outcome == "ok"
    assert len([one for one in web.asked if one.path.endswith("/parts")]) == 3
    fault = found["tags.parent"]
    assert (fault.outcome, fault.code) == ("fault", "binding-refused")
    assert "`updated_at` of rows: take id" in fault.remedy
    assert "+    path: /rows/{resources.rows.id}/tags" in fault.diff


def family(web: Web, **rows: Json) -> Json:
    """Rows, their parts, and the parts of those, read through each other."""
    single = {"paginator": "single_page"}
    return {
        "client": {"base_url": web.url, "retry": {"max_retries": 0}},
        "resource_defaults": {"write_disposition": "merge", "primary_key": "id"},
        "resources": [
            {"name": "rows", "endpoint": {"path": "/rows", **single, **rows}},
            {"name": "parts", "endpoint": {"path": "/rows/{resources.rows.id}/parts", **single}},
            {"name": "bits", "endpoint": {"path": "/parts/{resources.parts.id}/bits", **single}},
        ],
    }


BROKEN: list[tuple[str, Callable[[Asked], Answer], Json]] = [
    ("path-not-found", lambda _: Answer(404, {}), {}),
    ("format-differs", written(LINES), {}),
    (
        "page-repeated",
        lambda _: Answer(200, {"rows": ROWS, "next": "x"}),
        {"data_selector": "rows", "paginator": {**CURSOR, "cursor_path": "next"}},
    ),
    ("selector-no-match", paged, {"data_selector": "data.items"}),
]


@pytest.mark.parametrize(("code", "answer", "endpoint"), BROKEN)
def test_the_fault_of_a_parent_is_told_once_and_of_its_children_that_they_were_not_asked(
    code: str, answer: Callable[[Asked], Answer], endpoint: Json, web: Web, project: Path
) -> None:
    web.on("/rows", answer)
    connector = connector_of(project, family(web, **endpoint))
    found = list(diagnose(connector, connector.resources, {}, None, Environment(), ignore_event))
    assert [(one.resource, one.code) for one in found if one.outcome == "fault"] == [("rows", code)]
    for name, above in (("parts", "rows"), ("bits", "rows|parts")):
        (proof,) = (one for one in found if one.resource == name)
        assert proof.outcome == "unknown"
        assert re.match(f"not requested, because ({above}) ", proof.message)
    chosen = [connector.resource("bits")]
    alone = list(diagnose(connector, chosen, {}, None, Environment(), ignore_event))
    assert [(one.resource, one.outcome) for one in alone] == [
        ("rows", "fault"),
        ("bits", "unknown"),
    ]


def lines(web: Web, **parts: Json) -> Json:
    """Rows and their parts, which are numbered from 1 in each row."""

    def numbered(asked: Asked) -> Json:
        row = int(asked.parts["id"])
        return [{"number": n, "row_id": row, "ordered": row * n} for n in range(1, 2 + row)]

    web.on("/rows", lambda _: Answer(200, ROWS))
    web.on("/rows/{id}/parts", lambda asked: Answer(200, numbered(asked)))
    body = family(web)
    body["resources"] = body["resources"][:2]
    body["resources"][1] |= parts
    return body


@pytest.mark.parametrize(
    ("parts", "code", "remedy"),
    [
        ({"primary_key": "number"}, "key-repeated", "primary_key: [row_id, number]"),
        ({"primary_key": "id"}, "key-missing", "primary_key: [row_id, number]"),
        (
            {"primary_key": "number", "processing_steps": [{"filter": "number > `0`"}]},
            "key-repeated",
            "primary_key: [row_id, number]",
        ),
        (
            {"primary_key": "number", "endpoint": {"data_selector": "[].{number: number}"}},
            "key-repeated",
            "primary_key: [_rows_id, number] and include_from_parent: [id]",
        ),
        (
            {
                "primary_key": "number",
                "include_from_parent": ["note", "group"],
                "endpoint": {"data_selector": "[].{number: number}"},
            },
            "key-repeated",
            "primary_key: [_rows_id, number] and include_from_parent: [note, group, id]",
        ),
    ],
)
def test_a_key_that_repeats_between_parents_is_mended_with_the_parents_own(
    parts: Json, code: str, remedy: str, web: Web, project: Path
) -> None:
    body = lines(web)
    endpoint = {**body["resources"][1]["endpoint"], **parts.pop("endpoint", {})}
    body["resources"][1] |= {**parts, "endpoint": endpoint}
    fault = looked_at(project, body)["parts.primary_key"]
    assert (fault.code, fault.remedy) == (code, remedy)
    after = mended(project, fault)
    assert {one.about: one.outcome for one in after if one.resource == "parts"} == {
        "data_selector": "ok",
        "primary_key": "ok",
        "parent": "ok",
    }


def test_no_key_is_made_of_lists_that_are_all_the_same(web: Web, project: Path) -> None:
    body = lines(web, primary_key="number")
    web.on("/rows/{id}/parts", lambda _: Answer(200, [{"number": 1}, {"number": 2}]))
    fault = looked_at(project, body)["parts.primary_key"]
    assert (fault.code, fault.diff) == ("key-repeated", "")
    assert "uses `id` of rows" in fault.remedy


def test_a_list_that_several_parents_share_repeats_no_key(web: Web, project: Path) -> None:
    body = lines(web)
    web.on("/groups/{id}", lambda asked: Answer(200, {"id": asked.parts["id"]}))
    body["resources"][1]["endpoint"]["path"] = "/groups/{resources.rows.group}"
    found = looked_at(project, body)
    assert found["parts.primary_key"].outcome == "ok"
    assert (
        found["parts.parent"].message == "requested for 3 records of rows, by 2 different requests"
    )


def test_a_child_that_not_every_parent_has_is_ignored_where_it_is_not_found(
    web: Web, project: Path
) -> None:
    body = lines(web, primary_key=["row_id", "number"])
    web.on("/rows/2/parts", lambda _: Answer(404, {}))
    fault = looked_at(project, body)["parts.parent"]
    assert fault.code == "binding-refused"
    assert {one.outcome for one in mended(project, fault) if one.code} == set()


def test_a_child_without_records_tells_a_binding_that_parents_share(
    web: Web, project: Path
) -> None:
    body = lines(web)
    web.on("/groups/{id}", lambda _: Answer(200, []))
    body["resources"][1]["endpoint"]["path"] = "/groups/{resources.rows.group}"
    found = looked_at(project, body)["parts.data_selector"]
    assert (found.outcome, "take id" in found.remedy) == ("unknown", True)
    web.on("/names/{id}", lambda _: Answer(200, []))
    body["resources"][1]["endpoint"]["path"] = "/names/{resources.rows.name || 'none'}"
    assert looked_at(project, body)["parts.data_selector"].remedy == ""


@pytest.mark.parametrize(
    ("status", "export", "code"),
    [
        ({"state": "failed"}, {}, "job-failed"),
        ({"state": "running"}, {}, "job-not-ready"),
        ({"state": "done"}, {"download": {"url": "{response.file}"}}, "job-without-url"),
        ({"state": "done"}, {"status": "/jobs/{job.number}"}, "not-asked"),
    ],
)
def test_what_became_of_an_export_job_has_its_name(
    status: Json, export: Json, code: str, web: Web, project: Path
) -> None:
    web.on("/jobs/{id}", lambda _: Answer(200, status))
    asked = {
        "status": "/jobs/{job.id}",
        "ready": "state == 'done'",
        "failed": "state == 'failed'",
        "download": {"url": "{response.url}"},
        "every": "PT0.01S",
        "timeout": "PT0.01S",
        **export,
    }
    found = proofs(web, project, lambda _: Answer(200, {"id": 1}), **ONE, export=asked)
    assert {one.code for one in found.values()} == {code}


def test_an_empty_second_page_is_not_called_another(web: Web, project: Path) -> None:
    def short(asked: Asked) -> Answer:
        at = int(asked.param("offset", "0") or 0)
        return Answer(200, {"rows": ROWS[at : at + 2]})

    offset = {"type": "offset", "limit": 100, "total_path": None}
    found = proofs(web, project, short, paginator=offset, data_selector="rows")
    assert found["rows.paginator"].outcome == "unknown"


def test_a_binding_that_fails_is_told_of_the_child_and_not_of_what_hangs_on_it(
    web: Web, project: Path
) -> None:
    web.on("/rows", lambda _: Answer(200, [{"uuid": 1}]))
    found = looked_at(project, family(web))
    assert found["parts.parent"].code == "binding-null"
    assert found["bits.request"].message == "not requested, because parts cannot be read"


def test_a_child_that_its_when_leaves_out_is_not_called_one_without_parents(
    web: Web, project: Path
) -> None:
    web.on("/rows", lambda _: Answer(200, ROWS))
    body = family(web)
    body["resources"][1]["when"] = "id > `9`"
    found = looked_at(project, body)
    assert found["parts.request"].message == (
        "not requested, because when excludes every parent record"
    )
    assert (
        found["bits.request"].message
        == "not requested, because parts has no record to request it for"
    )


def test_the_command_shows_each_proof_and_fails_for_a_fault(
    web: Web, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    web.on("/rows", lambda _: Answer(200, {"results": ROWS, "size": 6}))
    options = ["--path", "/rows", "--auth", "none", "--primary-key", "id"]
    assert main(["new", "shop", "--base-url", web.url, *options, "--data-selector", "items"]) == 0
    capsys.readouterr()
    assert main(["check", "shop", "--deep"]) == 1
    assert "-> data_selector: results" in capsys.readouterr().out
    file = project / "connectors" / "shop.yaml"
    file.write_text(file.read_text("utf-8").replace("items", "results"), "utf-8")
    assert main(["check", "shop", "--deep"]) == 0
    assert "primary_key" in capsys.readouterr().out


def test_the_page_on_running_has_every_fault() -> None:
    root = Path(__file__).parents[2]
    page = (root / "docs" / "running.md").read_text("utf-8")
    told = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", page.split("## What check --deep reports")[1]))
    source = "".join(
        (root / "framework" / "authoring" / "diagnose" / f"{name}.py").read_text("utf-8")
        for name in (
            "response_checks",
            "record_checks",
            "paging_checks",
        )
    )
    assert set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', source)) <= told


@pytest.mark.parametrize(
    ("rows", "proposed"),
    [
        (3, []),
        (12, ["no"]),
    ],
)
def test_only_what_looks_like_an_id_is_proposed_as_a_key(rows: int, proposed: list[str]) -> None:
    records = [
        {"amount": n, "due": f"2026-01-{n:02}", "price": n / 4, "no": n, "text": "x" * n}
        for n in range(1, rows + 1)
    ]
    assert key_candidates(records) == proposed


def test_a_childs_id_is_not_proposed_from_few_records() -> None:
    records = [{"id": 1}, {"id": 2}, {"id": 3}]
    assert (key_candidates(records), key_candidates(records, of_child=True)) == (["id"], [])


def test_a_key_that_is_no_id_is_not_called_good_from_few_records(web: Web, project: Path) -> None:
    found = proofs(web, project, paged, primary_key="updated_at")["rows.primary_key"]
    assert found.outcome == "unknown"
    assert (
        found.message == "updated_at: does not look like an id, and 4 records are too few to tell"
    )


@pytest.mark.parametrize(("written", "shown"), [(";", '";"'), ("\t", '"\\t"'), ("|", '"|"')])
def test_csv_with_another_delimiter_is_a_fault(
    web: Web, project: Path, written: str, shown: str
) -> None:
    body = f"id{written}name\n1{written}a\n2{written}b\n".encode()
    found = proofs(
        web,
        project,
        lambda _: Answer(200, body, {"Content-Type": "text/csv"}),
        data_selector=None,
        paginator="single_page",
        response_format="csv",
    )["rows.response_format"]
    assert (found.code, found.remedy) == (
        "delimiter-differs",
        f"response_format: {{type: csv, delimiter: {shown}}}",
    )


def envelope(asked: Asked) -> Answer:
    """Rows below the names of their columns, in pages."""
    page = int(asked.param("page", "1") or 1)
    rows = [[row["id"], row["group"]] for row in ROWS[2 * page - 2 : 2 * page]]
    following = page + 1 if 2 * page < len(ROWS) else None
    return Answer(200, {"columns": ["id", "group"], "rows": rows, "next": following})


def test_records_that_steps_make_are_those_that_need_the_key(web: Web, project: Path) -> None:
    cursor = {"type": "cursor", "cursor_param": "page", "cursor_path": "next"}
    body = rows_of(web, envelope, data_selector="@", paginator=cursor)
    steps = [{"explode": "rows"}, {"map": "from_items(zip(columns, rows))"}]
    body["resources"][0]["processing_steps"] = steps
    found = looked_at(project, body)
    assert {one.outcome for one in found.values()} == {"ok"}


def gap(asked: Asked) -> Answer:
    """Three pages of two, of which the second is empty."""
    page = int(asked.param("page", "1") or 1)
    rows = [] if page == 2 else ROWS[2 * page - 2 : 2 * page]
    return Answer(200, {"data": {"rows": rows}, "next": page + 1 if page < 3 else None, "pages": 3})


@pytest.mark.parametrize(
    "paginator",
    [
        {"type": "page_number", "base_page": 1, "total_path": "pages"},
        {**NUMBERED, "total_path": "pages", "stop_after_empty_page": False},
        {"type": "cursor", "cursor_param": "page", "cursor_path": "next"},
    ],
)
def test_an_empty_second_page_is_no_fault(paginator: Json, web: Web, project: Path) -> None:
    found = proofs(web, project, gap, paginator=paginator)
    assert found["rows.paginator"].outcome == "unknown"
    assert "the second page is empty" in found["rows.paginator"].message
    assert "fault" not in {one.outcome for one in found.values()}


def capped(asked: Asked) -> Answer:
    """At most two records a page, whatever is asked for."""
    size = min(2, int(asked.param("per_page", "2") or 2))
    page = int(asked.param("page", "1") or 1)
    rows = ROWS[size * (page - 1) : size * page]
    return Answer(200, {"data": {"rows": rows}, "total": len(ROWS)})


def test_a_page_size_above_the_api_s_is_the_fault_and_not_the_paginator(
    web: Web, project: Path
) -> None:
    size = {"page_size": 100, "page_size_param": "per_page", "stop_after_short_page": True}
    found = proofs(web, project, capped, paginator={**NUMBERED, **size})
    fault = found["rows.paginator"]
    assert fault.code == "page-too-short"
    assert "page_size: 2" in fault.remedy
    assert "page_size: 2" in fault.diff
    assert "page-too-short" not in {one.code for one in mended(project, fault)}


def test_a_change_that_does_not_help_is_no_diff(web: Web, project: Path) -> None:
    """The response announces a next page that no parameter of a usual name reaches."""

    def odd(asked: Asked) -> Answer:
        at = int(asked.param("x-odd", "0") or 0)
        return Answer(200, {"rows": ROWS[at : at + 2], "next": at + 2})

    found = proofs(web, project, odd, paginator="single_page", data_selector="rows")
    fault = found["rows.paginator"]
    assert (fault.code, fault.diff) == ("no-next", "")
    assert "this was tried and did not help" in fault.remedy


def test_an_incremental_that_cannot_be_tried_says_why(web: Web, project: Path) -> None:
    def told(incremental: Json, **endpoint: Json) -> Proof:
        found = proofs(
            web,
            project,
            lambda _: Answer(200, ROWS),
            **{**ONE, **endpoint},
            incremental={"cursor_path": "updated_at", **incremental},
        )
        return found["rows.incremental"]

    start = {"initial_value": "2026-01-01T00:00:00Z"}
    unsent = told({})
    assert (unsent.outcome, unsent.code) == ("unknown", "")
    assert "each run reads the whole list" in unsent.message
    downwards = told({**start, "start_param": "s", "last_value_func": "min"})
    assert "last_value_func" in downwards.message
    sent = told(start, params={"since": "{incremental.start_value}"})
    assert (sent.outcome, sent.code) == ("fault", "incremental-ignored")
    assert "requested with since" in sent.message


def test_a_page_that_the_api_filters_after_it_counts_is_no_fault(web: Web, project: Path) -> None:
    def filtered(asked: Asked) -> Answer:
        at, limit = int(asked.param("offset") or 0), int(asked.param("limit") or 2)
        rows = [row for row in ROWS[at : at + limit] if row["id"] in (1, 6)]
        return Answer(200, {"data": {"rows": rows}, "total": len(ROWS)})

    found = proofs(web, project, filtered, paginator={"type": "offset", "limit": 2})
    assert found["rows.paginator"].outcome == "unknown"


def test_a_flag_that_says_last_becomes_a_stop_when(web: Web, project: Path) -> None:
    def spring(asked: Asked) -> Answer:
        page = int(asked.param("page", "1") or 1)
        rows = ROWS[2 * page - 2 : 2 * page]
        return Answer(200, {"content": rows, "last": 2 * page >= len(ROWS)})

    found = proofs(web, project, spring, paginator="single_page", data_selector="content")
    fault = found["rows.paginator"]
    assert "stop_when: response.last" in fault.diff
    assert "no-next" not in {one.code for one in mended(project, fault)}


def connection(asked: Asked) -> Answer:
    """Two records a page of a GraphQL connection, whose last page has a cursor too."""
    at = int(asked.json().get("variables", {}).get("after") or 0)
    info = {"hasNextPage": at + 2 < len(ROWS), "endCursor": str(at + 2)}
    return Answer(200, {"data": {"rows": {"nodes": ROWS[at : at + 2], "pageInfo": info}}})


def test_a_graphql_connection_gets_its_cursor(web: Web, project: Path) -> None:
    query = "query ($after: String) {{ rows(after: $after) {{ nodes pageInfo {{ endCursor }} }} }}"
    found = proofs(
        web,
        project,
        connection,
        method="POST",
        json={"query": query},
        paginator="single_page",
        data_selector="data.rows.nodes",
    )
    fault = found["rows.paginator"]
    assert fault.code == "no-next"
    assert "cursor_body_path: variables.after" in fault.diff
    assert "cursor_path: data.rows.pageInfo.endCursor" in fault.diff
    assert "has_more_path: data.rows.pageInfo.hasNextPage" in fault.diff
    assert "fault" not in {one.outcome for one in mended(project, fault)}


def test_a_graphql_flag_without_a_cursor_is_no_page_number(web: Web, project: Path) -> None:
    body = {"data": {"rows": {"nodes": ROWS[:2], "pageInfo": {"hasNextPage": True}}}}
    found = proofs(
        web,
        project,
        lambda _: Answer(200, body),
        method="POST",
        json={"query": "{{ rows {{ nodes pageInfo {{ hasNextPage }} }} }}"},
        paginator="single_page",
        data_selector="data.rows.nodes",
    )
    fault = found["rows.paginator"]
    assert fault.diff == ""
    assert "page_number" not in fault.remedy
    assert "cursor_path: data.rows.pageInfo.endCursor" in fault.remedy
    assert "the query needs this cursor and the variable $after" in fault.remedy


@pytest.mark.parametrize(
    "said",
    [
        {"links": [{"rel": "next", "href": "/rows?page=2"}]},
        {"totalPages": 3},
        {"numberMatched": 6},
        {"LastEvaluatedKey": {"id": "k"}},
        {"offset": "itr/rec"},
        {"@odata.nextLink": "/rows?$skip=2"},
        {"pageInfo": {"hasNextPage": True, "endCursor": "c"}},
        {"meta": {"next_token": "t"}},
    ],
)
def test_single_page_beside_a_sign_of_more_is_a_fault(said: Json, web: Web, project: Path) -> None:
    body = {"rows": ROWS[:2], **said}
    found = proofs(
        web, project, lambda _: Answer(200, body), paginator="single_page", data_selector="rows"
    )
    assert found["rows.paginator"].outcome == "fault"
    assert found["rows.paginator"].code == "no-next"
    assert found["rows.paginator"].diff == ""
