"""Free-form values of pages that Arrow reads itself."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from framework.definition.schema.record_schema import RecordNode, table_of
from framework.definition.values.json_text import may_be_past_64_bits
from framework.extract.page import RawList
from framework.load.arrow.free_form import FreeFormText
from framework.load.arrow.tables import Misfit, json_text
from tests.support.generated_records import FREE, drawn

SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "data": {},
        "price": {"type": ["string", "number", "null"], "format": "decimal"},
        "place": {
            "type": ["object", "null"],
            "properties": {"more": {}, "city": {"type": "string"}},
        },
        "lines": {"type": "array", "items": {"type": "object", "properties": {"x": {}}}},
    },
}


def rewritten(body: bytes, path: tuple[str, ...] = ("items",)) -> Any:
    text = FreeFormText.of(RecordNode.of(table_of(SCHEMA)))
    assert text is not None
    made: Any = orjson.loads(text.rewrite(RawList(body, path)).body)
    for name in path:
        made = made[name]
    return made


def written(value: Any) -> Any:
    return None if value is None else json_text(value)


@pytest.mark.parametrize("form", [orjson.dumps, lambda body: json.dumps(body, indent=2).encode()])
def test_free_form_values_become_the_text_that_dlt_writes(form: Any) -> None:
    # long numbers are left to records
    values = [one for one in drawn(FREE, 70) if not may_be_past_64_bits(orjson.dumps(one))]
    values = values[: len(values) // 2 * 2]
    records = [
        {
            "data": one,
            "lines": [{"x": one, "n": 1}, None, {"n": 2}, {"x": two}],
            "id": number,
            "price": [None, 1, 12.50, "0.1", -3e2][number % 5],
            "place": None if number % 3 == 0 else {"city": '"{[', "more": two},
        }
        for number, (one, two) in enumerate(zip(values[::2], values[1::2], strict=True))
    ]
    expected = [
        {
            "data": written(one["data"]),
            "lines": [item and {**item, **({"x": written(item["x"])} if "x" in item else {})}
                      for item in one["lines"]],
            "id": one["id"],
            "price": None if one["price"] is None else json.dumps(one["price"]),
            "place": one["place"] and {**one["place"], "more": written(one["place"]["more"])},
        }
        for one in records
    ]  # fmt: skip
    assert rewritten(form({"items": records, "data": {"not": "a record's"}})) == expected
    assert rewritten(form({"a": {"items": records}}), ("a", "items")) == expected


@pytest.mark.parametrize(
    "item",
    [
        '{"place": "none"}',
        '{"lines": {"x": 1}}',
        '{"lines": [1]}',
        '{"data": {"a": 1, "a": 2}}',
        '{"data": "\\ud800"}',
        '{"data": {"a": [9223372036854775808]}}',
        '{"data": -100000000000000000000}',
        '{"price": {}}',
        '{"price": true}',
        '{"price": "\\u0031"}',
        f'{{"data": {"[" * 101}1{"]" * 101}}}',
        "7",
    ],
)
def test_what_only_records_can_tell_is_a_misfit(item: str) -> None:
    with pytest.raises(Misfit):
        rewritten(f'{{"items": [{item}]}}'.encode())


def test_a_table_without_free_form_values_has_none() -> None:
    plain = {"type": "object", "properties": {"id": {"type": "integer"}}}
    assert FreeFormText.of(RecordNode.of(table_of(plain))) is None
