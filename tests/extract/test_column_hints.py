"""What a schema declares of lists holds on dlt's own path, wherever the list lies."""

from __future__ import annotations

import dlt
import pytest
from dlt.sources.rest_api import rest_api_source

import framework
from tests.support.open_resource import connector_file, one_list, pipeline

NUMBERS = {"type": "array", "items": {"type": "number"}}
HOLES = {"type": "array", "items": {"type": "object", "properties": {"sizes": NUMBERS}}}
SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "place": {"type": "object", "properties": {"Size Marks": NUMBERS}},
        "parts": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "weight": {"type": "number"},
                    "made": {"type": "object", "properties": {"holes": HOLES}},
                },
            },
        },
    },
}
ITEM = {
    "id": 1,
    "place": {"Size Marks": [1]},
    "parts": [{"weight": 1, "made": {"holes": [{"sizes": [1]}]}}],
}
TABLES = {
    "items__place__size_marks": "items",
    "items__parts": "items",
    "items__parts__made__holes": "items__parts",
    "items__parts__made__holes__sizes": "items__parts__made__holes",
}


@pytest.fixture
def shop(tmp_path, web):
    def written(**resource):
        web.on("/items", [ITEM])
        body = one_list(web.url)
        body["resources"][0].update(schema=SCHEMA, **resource)
        return str(connector_file(tmp_path, body))

    return written


def loaded(folder, source):
    flow = pipeline(folder, destination=dlt.destinations.duckdb(str(folder / "shop.duckdb")))
    flow.run(source)
    tables = flow.default_schema.data_tables()
    return {table["name"]: table for table in tables if table["name"] != "items"}


def type_of(table, column="value"):
    return table["columns"][column]["data_type"]


def test_lists_inside_objects_have_their_declared_types_and_their_holders_table(tmp_path, shop):
    tables = loaded(tmp_path, framework.source(shop()))
    assert {name: table["parent"] for name, table in tables.items()} == TABLES
    assert type_of(tables["items__place__size_marks"]) == "double"
    assert type_of(tables["items__parts__made__holes__sizes"]) == "double"
    assert type_of(tables["items__parts"], "weight") == "double"


def test_dlts_own_loop_makes_the_same_tables(tmp_path, shop):
    tables = loaded(tmp_path, rest_api_source(framework.rest_api_config(shop())))
    assert {name: table["parent"] for name, table in tables.items()} == TABLES
    assert type_of(tables["items__parts"], "weight") == "double"


def test_the_files_own_nested_hints_are_added_to_what_the_schema_says(tmp_path, shop):
    hints = {"parts": {"columns": {"weight": {"data_type": "text"}, "no": {"data_type": "bigint"}}}}
    tables = loaded(tmp_path, framework.source(shop(nested_hints=hints)))
    assert type_of(tables["items__parts"], "weight") == "text"
    assert type_of(tables["items__parts"], "no") == "bigint"
    assert type_of(tables["items__parts__made__holes__sizes"]) == "double"


def test_a_list_whose_parents_name_may_be_shortened_goes_by_its_values(tmp_path, shop):
    long = "items_" + "x" * 60
    tables = loaded(tmp_path, framework.source(shop(table_name=long)))
    assert tables[f"{long}__place__size_marks"]["parent"] == long
    assert type_of(tables[f"{long}__place__size_marks"]) == "bigint"
    assert type_of(tables[f"{long}__parts"], "weight") == "double"
