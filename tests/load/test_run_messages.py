"""What a run says of what did not come, once for each cause, and what it counts."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from framework.load.report import Report
from tests.support.run_verbs import codes, connector_of, later, load, tables, values
from tests.support.servers.web import Answer, Asked, Web
from tests.support.shop import Shop


def list_of(web: Web, **resource: Any) -> dict[str, Any]:
    """A connector with one resource, `things`."""
    endpoint = {"path": "/things", "paginator": "single_page", **resource.pop("endpoint", {})}
    things = {"name": "things", "write_disposition": "append", "endpoint": endpoint, **resource}
    return {"client": {"base_url": web.url}, "resources": [things]}


def test_records_for_which_nothing_is_asked_are_counted(web: Web, project: Path) -> None:
    shop = Shop(web)
    body = shop.connector(lines={"when": "id > `1`"}, notes={"when": "id > `1000`"})
    report = load(connector_of(project, body), project)
    assert report.resources["lines"].not_asked == {"when": 1}
    assert report.resources["notes"].not_asked == {"when": 4}


def test_parents_that_did_not_change_are_counted(web: Web, project: Path) -> None:
    shop = Shop(web)
    orders = {"endpoint": {"incremental": None}}
    body = shop.connector(orders=orders, lines={"only_changed": "at"}, notes=None)
    connector = connector_of(project, body)
    assert load(connector, project).resources["lines"].not_asked == {}
    shop.orders[0]["at"] = "2026-11-20T10:00:00Z"
    report = load(connector, project, now=later())
    assert report.resources["lines"].not_asked == {"only_changed": 2}


def test_a_misspelt_selector_is_one_error_and_no_place_where_data_would_be(
    web: Web, project: Path
) -> None:
    web.on("/things", {"items": [{"id": 1}], "total": 1})
    paginator = {"type": "offset", "limit": 10, "total_path": "total"}
    endpoint = {"data_selector": "itms", "paginator": paginator}
    connector = connector_of(project, list_of(web, endpoint=endpoint))
    report = load(connector, project)
    assert codes(report) == []
    assert "data_selector `itms` finds nothing" in (report.resources["things"].error or "")
    assert (report.where, report.query) == (None, None)


def test_where_older_rows_are_is_said_as_such(web: Web, project: Path) -> None:
    web.on("/things", [{"id": 1}])
    connector = connector_of(project, list_of(web))
    first = load(connector, project)
    assert first.where is not None
    web.on("/things", [])
    assert load(connector, project).where == f"{first.where}, unchanged: this run loaded no rows"


SCHEMA = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "temp": {"type": "integer"}},
}


def message_of(report: Report, code: str) -> str:
    """The one warning of that code."""
    [message] = [w.message for w in report.resources["things"].warnings if w.code == code]
    return message


@pytest.mark.parametrize("schema", [None, SCHEMA], ids=["dlt's path", "columnar"])
def test_a_field_that_became_several_columns_is_told(web: Web, project: Path, schema: Any) -> None:
    web.on(
        "/things", [{"id": 1, "temp": 20, "at": [{"v": 1}, {"v": "x"}]}, {"id": 2, "temp": 20.5}]
    )
    if schema is not None:
        web.on("/things", [{"id": 1, "temp": 20}, {"id": 2, "temp": "warm"}])
    more = {} if schema is None else {"schema": schema}
    report = load(connector_of(project, list_of(web, **more)), project)
    assert codes(report) == [("things", "variant-columns")]
    message = message_of(report, "variant-columns")
    if schema is None:
        assert "2 fields" in message
        assert "`temp` also in temp__v_double; `at__v` also in at__v__v_text" in message
    else:
        assert "`temp` also in temp__v_text" in message
    assert "warm" not in message


def test_a_list_that_came_as_one_object_too_is_told(web: Web, project: Path) -> None:
    alone, several = "<line><sku>a</sku></line>", "<line><sku>b</sku></line>" * 2
    things = f"<t><id>1</id>{alone}</t><t><id>2</id>{several}</t>"
    web.on("/things", lambda _: Answer(200, f"<ts>{things}</ts>"))
    endpoint = {"data_selector": "ts.t", "response_format": "xml"}
    report = load(connector_of(project, list_of(web, endpoint=endpoint)), project)
    assert codes(report) == [("things", "variant-columns")]
    message = message_of(report, "variant-columns")
    assert "`line` also in line__sku" in message
    assert "`lists`" in message
    endpoint["response_format"] = {"type": "xml", "lists": ["line"]}
    mended = connector_of(project, list_of(web, endpoint=endpoint))
    assert codes(load(mended, project, refresh=True)) == []


def test_a_declared_type_that_holds_all_is_one_column_and_no_warning(
    web: Web, project: Path
) -> None:
    web.on("/things", [{"id": 1, "temp": 20}, {"id": 2, "temp": 20.5}])
    columns = {"temp": {"data_type": "double"}}
    assert codes(load(connector_of(project, list_of(web, columns=columns)), project)) == []


@pytest.mark.parametrize("schema", [None, SCHEMA], ids=["dlt's path", "columnar"])
def test_keys_that_meet_in_one_column_are_told(web: Web, project: Path, schema: Any) -> None:
    one, other = {"id": 1, "a b": 1, "a_b": 2}, {"id": 2, "a b": 3}
    lines = [{"x": {"y": 1}, "x__y": 2}]
    web.on("/things", [one, other, {**one, "id": 3, "lines": lines}])
    more = {} if schema is None else {"schema": schema}
    report = load(connector_of(project, list_of(web, **more)), project)
    message = message_of(report, "keys-meet")
    assert "`a b` in a_b_c8687a08, beside `a_b` (3 times)" in message
    assert "`x.y` in y_a1fce436, beside `x__y` (1 time)" in message
    with tables(project) as found:
        rows = found.rows("things")
        assert [(row["a_b"], row["a_b_c8687a08"]) for row in rows] == [(2, 1), (None, 3), (2, 1)]
        assert [(r["x__y"], r["x__y_a1fce436"]) for r in found.rows("things__lines")] == [(2, 1)]


def test_keys_inside_of_json_columns_do_not_meet(web: Web, project: Path) -> None:
    web.on("/things", [{"id": 1, "free": {"a b": 1, "a_b": 2}}])
    for more in ({"columns": {"free": {"data_type": "json"}}}, {"max_table_nesting": 0}):
        report = load(connector_of(project, list_of(web, **more)), project, refresh=True)
        assert codes(report) == []


def test_a_list_too_deep_for_a_table_is_an_error_that_says_what_to_do(
    web: Web, project: Path
) -> None:
    deep: Any = ["ada@example.com"]
    for _ in range(50):
        deep = [deep]
    web.on("/things", [{"id": 1, "deep": deep}])
    report = load(connector_of(project, list_of(web)), project)
    error = str(report.resources["things"].error)
    assert error.startswith("things: `deep` has a list")
    assert "max_table_nesting" in error
    assert "ada" not in error
    report = load(connector_of(project, list_of(web, max_table_nesting=3)), project)
    assert (report.status, codes(report)) == ("ok", [])


def test_keys_that_an_answer_repeats_are_told_without_what_is_no_name(
    web: Web, project: Path
) -> None:
    text = '[{"id": 1, "n": 1, "n": 2, "by": {"ada@example.com": 1, "ada@example.com": 2}}]'
    web.on("/things", Answer(200, text.encode(), {"Content-Type": "application/json"}))
    message = message_of(load(connector_of(project, list_of(web)), project), "json-key-repeated")
    assert "`n` (in 1)" in message
    assert "`…` (in 1)" in message
    assert "ada" not in message


TWICE = b'{"id": 3, "n": 1, "n": 2}'
"""A record with a key twice, in the third of three answers."""


@pytest.mark.parametrize("twice", [True, False])
@pytest.mark.parametrize(
    ("form", "schema"),
    [
        ("json", None),
        ("json", "declared"),
        ("jsonl", None),
        ("packed", None),
        ("past 64 bits", None),
    ],
)
@pytest.mark.slow
def test_keys_are_looked_for_in_every_answer(
    web: Web, project: Path, form: str, schema: str | None, twice: bool
) -> None:
    texts = [b'{"id": 1, "n": 1, "t": "a\\"b\\u0022"}', b'{"id": 2, "n": 1}', TWICE]
    if not twice:
        texts[2] = b'{"id": 3, "n": 2}'
    if form == "past 64 bits":
        texts = [text[:-1] + b', "big": 123456789012345678901234567890}' for text in texts]
    around = b"%s\n" if form in ("jsonl", "packed") else b"[%s]"

    def page(asked: Asked) -> Answer:
        number = int(asked.param("page") or 1)
        body = around % texts[number - 1] if number <= 3 else around % b""
        if form == "packed":
            body = gzip.compress(body)
        return Answer(200, body, {"Content-Type": "application/octet-stream"})

    web.on("/things", page)
    formats: Any = {"jsonl": {"type": "jsonl"}, "packed": {"type": "jsonl", "compression": "gzip"}}
    endpoint: Any = {"paginator": {"type": "page_number", "base_page": 1, "total_path": None}}
    if form in formats:
        endpoint["response_format"] = formats[form]
    more: Any = {"endpoint": endpoint}
    if schema:
        fields = {"id": "integer", "n": "integer", "t": "string"}
        properties = {name: {"type": kind} for name, kind in fields.items()}
        more["schema"] = {"type": "object", "properties": properties}
    report = load(connector_of(project, list_of(web, **more)), project)
    assert report.status == "ok", report.resources["things"].error
    assert values(project, "things", "n") == [1, 1, 2]
    found = [code for _, code in codes(report) if code == "json-key-repeated"]
    assert found == (["json-key-repeated"] if twice else [])


def cursored(web: Web, **cursor: Any) -> dict[str, Any]:
    """A connector whose resource has an incremental that its request carries."""
    incremental = {"cursor_path": "at", "start_param": "since", **cursor}
    more = {"primary_key": "id", "write_disposition": "merge"}
    return list_of(web, endpoint={"incremental": incremental}, **more)


@pytest.mark.parametrize("more", [{}, {"format": "epoch_seconds", "cursor_formats": ["iso"]}])
def test_a_list_in_another_order_than_declared_is_told(
    web: Web, project: Path, more: dict[str, Any]
) -> None:
    days = (20, 21, 15, 14, 16)
    web.on("/things", [{"id": n, "at": f"2026-11-{n}T00:00:00Z"} for n in days])
    cursor = {"initial_value": "2026-11-01T00:00:00Z", "row_order": "asc", **more}
    report = load(connector_of(project, cursored(web, **cursor)), project)
    assert codes(report) == [("things", "cursor-out-of-order")]
    message = message_of(report, "cursor-out-of-order")
    assert "2 times, at first from 2026-11-21T00:00:00Z to 2026-11-15T00:00:00Z" in message


@pytest.mark.parametrize(
    ("initial", "values", "older"),
    [
        ("2026-11-10T00:00:00Z", ["2026-11-01T00:00:00Z", "2026-11-12T00:00:00Z"], 1),
        # the same moment, written in another way
        ("2026-11-10T00:00:00Z", ["2026-11-10T00:00:00.000Z", "2026-11-12T00:00:00Z"], 0),
        # a day says nothing of the hour
        ("2026-11-10T15:00:00Z", ["2026-11-10", "2026-11-12"], 0),
        ("2026-11-10", ["2026-11-09T23:30:00Z", "2026-11-12T00:00:00Z"], 0),
        (10, [9, 11, 3], 2),
    ],
)
def test_records_older_than_asked_for_are_told(
    web: Web, project: Path, initial: Any, values: list[Any], older: int
) -> None:
    web.on("/things", [{"id": n, "at": value} for n, value in enumerate(values)])
    report = load(connector_of(project, cursored(web, initial_value=initial)), project)
    found = [w.message for w in report.resources["things"].warnings]
    assert len(found) == bool(older)
    if older:
        assert found[0].startswith(f"{older} of {len(values)} records are older than asked for")
        assert str(initial) in found[0]


def test_an_older_record_of_a_list_in_windows_is_told(web: Web, project: Path) -> None:
    web.on("/things", [{"id": 1, "at": "2026-11-02T00:00:00Z"}])
    cursor = {"initial_value": "2026-11-02T00:00:00Z", "step": "P10D", "end_param": "until"}
    report = load(connector_of(project, cursored(web, **cursor)), project)
    assert ("things", "cursor-not-honoured") in codes(report)
    assert "2 of 3 records" in message_of(report, "cursor-not-honoured")


def test_warnings_that_differ_by_the_request_alone_are_counted_after_some(
    web: Web, project: Path
) -> None:
    shop = Shop(web)
    shop.orders[:] = [{"id": n, "at": "2026-11-02T10:00:00Z"} for n in range(1, 31)]
    web.on("/orders/{id}/lines", {"errors": ["no rights"], "items": [{"id": 1}]})
    body = shop.connector(notes=None)
    part = load(connector_of(project, body), project).resources["lines"]
    codes_ = [warned.code for warned in part.warnings if warned.code != "keys-repeated"]
    assert codes_ == ["errors-beside-records"] * 10
    assert part.more == {"errors-beside-records": 20}
    assert part.as_dict()["warnings"][-1]["message"] == "20 more of this kind"


def typed(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"id": {"type": "integer"}, **properties}}


@pytest.mark.parametrize(
    ("declared", "missing"),
    [
        ({"columns": {"nmae": {"data_type": "text"}}}, ["`nmae`"]),
        ({"columns": {"note": {"data_type": "text"}, "max_speed": {"data_type": "bigint"}}}, []),
        ({"columns": {"deep__x": {"data_type": "text"}}}, []),
        ({"columns": {"gone": {"data_type": "bool", "hard_delete": True}}}, []),
        ({"schema": typed(note={"type": "string"}, deep={"type": "object"})}, []),
        ({"schema": typed(opt={"type": ["string", "null"]})}, []),
        ({"schema": typed(nmae={"type": "string"}, maxSpeed={"type": "integer"})}, ["`nmae`"]),
        (
            {"schema": typed(dep={"type": "object", "properties": {"x": {"type": "string"}}})},
            ["`dep`"],
        ),
        (
            {"schema": typed(), "columns": {"nmae": {"data_type": "text"}}},
            ["`nmae`"],
        ),
    ],
)
def test_a_declared_field_that_no_record_has_is_told(
    web: Web, project: Path, declared: Any, missing: list[str]
) -> None:
    row = {"note": None, "maxSpeed": None, "deep": {"x": None}}
    web.on("/things", [{"id": number, **row} for number in range(100)])
    body = list_of(web, endpoint={"data_selector": "@"}, **declared)
    report = load(connector_of(project, body), project)
    said = [
        one.message for one in report.resources["things"].warnings if one.code == "field-missing"
    ]
    assert [name in text for name in missing for text in said] == [True] * len(missing)
    assert len(said) == len(missing)


def test_a_small_list_may_lack_a_declared_field(web: Web, project: Path) -> None:
    web.on("/things", [{"id": number} for number in range(99)])
    body = list_of(web, endpoint={"data_selector": "@"}, schema=typed(name={"type": "string"}))
    assert codes(load(connector_of(project, body), project)) == []


def test_fields_that_are_null_in_every_record_are_noted_once(web: Web, project: Path) -> None:
    row = {"gone": None, "none": [], "deep": {"x": None}, "part": {"a": None, "b": 1}}
    web.on("/things", [{"id": 1, "late": None, **row}, {"id": 2, "late": "x", **row}])
    connector = connector_of(project, list_of(web, endpoint={"data_selector": "@"}))
    (note,) = load(connector, project).notes
    assert "without a column: gone, none, deep, part__a. To have them" in note
    assert load(connector, project).notes == []
