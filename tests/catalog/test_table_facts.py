"""Tables and columns of a connector: declared, inferred, nested, and what each is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.catalog.table_facts import TableFacts, column_source, connector_tables
from tests.support.mocks import API
from tests.support.run_verbs import connector_of

SCHEMA = {
    "type": "object",
    "description": "An order.",
    "properties": {
        "id": {"type": "integer", "description": "Its number."},
        "when": {"type": "string", "format": "date-time"},
        "buyer": {"type": "object", "properties": {"name": {"type": "string"}}},
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "sku": {"type": "string"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                },
            },
        },
    },
}


def tables(folder: Path, *resources: dict[str, Any], expected: Any = None) -> list[TableFacts]:
    paged = {"paginator": "single_page"}
    body = {
        "client": {"base_url": API, **paged},
        "resources": [
            {"primary_key": "id", "write_disposition": "merge", **one} for one in resources
        ],
    }
    return connector_tables(connector_of(folder, body), expected or {})


def test_declared_columns_and_nested_tables(tmp_path: Path) -> None:
    found = tables(
        tmp_path, {"name": "orders", "schema": SCHEMA, "columns": {"id": {"data_type": "text"}}}
    )
    assert [(one.name, one.parent, one.place) for one in found] == [
        ("orders", None, ""),
        ("orders__lines", "orders", "lines"),
        ("orders__lines__tags", "orders__lines", "lines[].tags"),
    ]
    assert [(one.name, one.data_type, one.about, one.source) for one in found[0].columns] == [
        ("id", "text", "Its number.", "`id`"),
        ("when", "timestamp", "", "`when`"),
        ("buyer__name", "text", "", "`buyer.name`"),
    ]
    assert [one.source for table in found[1:] for one in table.columns] == [
        "`lines[].sku`",
        "`lines[].tags[]`",
    ]
    assert found[0].key == ("id",)


def test_lists_below_the_deepest_table_have_none(tmp_path: Path) -> None:
    found = tables(tmp_path, {"name": "orders", "schema": SCHEMA, "max_table_nesting": 1})
    assert [one.name for one in found] == ["orders", "orders__lines"]


def test_without_a_schema_the_columns_are_those_of_the_recording(tmp_path: Path) -> None:
    expected = {
        name: {"rows": 2, "columns": columns, "first_rows": [{"id": 1}]}
        for name, columns in {
            "orders": {"buyer__name": "text", "id": "bigint"},
            "orders__lines": {"sku": "text"},
            "orders__lines__tags": {"value": "text"},
            "other": {"id": "bigint"},
        }.items()
    }
    found = tables(tmp_path, {"name": "orders"}, expected=expected)
    assert [(one.name, one.parent, one.place, one.row_count) for one in found] == [
        ("orders", None, "", 2),
        ("orders__lines", "orders", "lines", 2),
        ("orders__lines__tags", "orders__lines", "lines[].tags", 2),
    ]
    assert [one.source for one in found[0].columns] == ["`buyer.name`", "`id`"]
    assert not tables(tmp_path, {"name": "orders"})[0].columns


def test_what_the_file_adds_is_a_column(tmp_path: Path) -> None:
    child = {
        "name": "lines",
        "schema": {"type": "object", "properties": {"id": {"type": "integer"}}},
        "include_from_parent": ["id"],
        "deletes": "mark",
        "endpoint": {
            "path": "/orders/{order}/lines",
            "params": {"order": {"type": "resolve", "resource": "orders", "field": "id"}},
        },
    }
    expected = {"lines": {"rows": 1, "columns": {"_orders_id": "bigint"}, "first_rows": []}}
    found = tables(tmp_path, {"name": "orders"}, child, expected=expected)[1]
    assert [(one.name, one.data_type, one.source) for one in found.columns] == [
        ("id", "bigint", "`id`"),
        ("_orders_id", "bigint", "`id` of the record of `orders`"),
        ("_deleted_at", "timestamp", "the run"),
    ]


def test_resources_of_one_table_are_one_table(tmp_path: Path) -> None:
    found = tables(
        tmp_path, {"name": "open", "table_name": "all"}, {"name": "closed", "table_name": "all"}
    )
    assert [(one.name, [part.name for part in one.resources]) for one in found] == [
        ("all", ["open", "closed"])
    ]


@pytest.mark.parametrize(
    ("steps", "path", "expected"),
    [
        ([], "a.b", "`a.b`"),
        ([{"rename": {"old": "new"}}], "new.b", "`old.b`"),
        ([{"set": {"a": "upper(b)"}}], "a", "set: `upper(b)`"),
        ([{"set": {"a": 1}}], "a", "set: `1`"),
        ([{"set": {"a": "b"}}, {"rename": {"a": "c"}}], "c", "set: `b`"),
        ([{"cast": {"a": "bigint"}}, {"rename": {"a": "c"}}], "c", "`a`; cast: `bigint`"),
        ([{"explode": "lines"}], "lines.sku", "`lines.sku`; one row for each item of `lines`"),
        ([{"map": "{id: id, a: b | c}"}], "a", "map: `{id: id, a: b | c}`"),
        ([{"map": "{id: id}"}, {"rename": {"x": "id"}}], "id", "map: `{id: id}`"),
        ([{"filter": "a"}, {"remove": "b"}, {"null_values": ["-"]}], "c", "`c`"),
    ],
)
def test_steps_are_followed_back_to_the_response(
    tmp_path: Path, steps: list[Any], path: str, expected: str
) -> None:
    resource = tables(tmp_path, {"name": "orders", "processing_steps": steps})[0].resource
    assert column_source(resource, tuple(path.split("."))) == expected
