"""Merges that DuckDB reads from the load package's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from framework.load.report import Report
from tests.support.run_verbs import connector_of, load
from tests.support.servers.web import Web

SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "part": {"type": "string"},
        "name": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}


def run(web: Web, folder: Path, items: list[dict[str, Any]], **changes: Any) -> Report:
    """One load of these items as `things`."""
    web.on("/things", {"items": items})
    resource = {
        "name": "things",
        "primary_key": ["id", "part"],
        "write_disposition": "merge",
        "endpoint": {"path": "/things", "paginator": "single_page", "data_selector": "items"},
    }
    body = {"client": {"base_url": web.url}, "resources": [{**resource, **changes}]}
    report = load(connector_of(folder, body), folder)
    assert report.status == "ok", report.as_dict()
    return report


def thing(number: int, name: str, *tags: str) -> dict[str, Any]:
    """A record with a key of two columns."""
    return {"id": number, "part": "a", "name": name, "tags": list(tags)}


def held(folder: Path) -> list[tuple[Any, ...]]:
    """Each row with its tags."""
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as connection:
        return connection.execute(
            "select id, name, list(value order by value) from shop_data.things t "
            "left join shop_data.things__tags g on g._dlt_parent_id = t._dlt_id "
            "group by all order by id, name"
        ).fetchall()


def datasets(folder: Path) -> set[str]:
    """The schemas in the file."""
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as connection:
        found = connection.execute("select schema_name from duckdb_schemas()").fetchall()
    return {name for (name,) in found}


@pytest.mark.parametrize("schema", [SCHEMA, None], ids=["columnar", "dlt's own path"])
def test_what_comes_again_is_replaced_with_its_children_and_nothing_is_staged(
    web: Web, project: Path, schema: Any
) -> None:
    changes = {} if schema is None else {"schema": schema}
    run(web, project, [thing(1, "one", "x", "y"), thing(2, "two", "z")], **changes)
    run(web, project, [thing(2, "two again", "w"), thing(3, "three", "v")], **changes)
    assert held(project) == [
        (1, "one", ["x", "y"]),
        (2, "two again", ["w"]),
        (3, "three", ["v"]),
    ]
    assert "shop_data_staging" not in datasets(project)


def test_a_record_that_comes_twice_in_one_load_is_there_once_with_its_children(
    web: Web, project: Path
) -> None:
    twice = [thing(1, "first", "x"), thing(2, "two", "z"), thing(1, "second", "y")]
    run(web, project, twice, schema=SCHEMA)
    assert held(project) == [(1, "second", ["y"]), (2, "two", ["z"])]
    run(web, project, [*twice, *twice], schema=SCHEMA)
    assert held(project) == [(1, "second", ["y"]), (2, "two", ["z"])]


def test_a_folder_may_have_any_name(web: Web, project: Path) -> None:
    folder = project / "it's; a folder"
    folder.mkdir()
    for _ in range(2):
        run(web, folder, [thing(1, "one", "x")], schema=SCHEMA)
    assert held(folder) == [(1, "one", ["x"])]


@pytest.mark.parametrize("more", [{}, {"schema": SCHEMA}], ids=["guessed", "declared"])
def test_other_merges_go_the_way_of_dlt(web: Web, project: Path, more: dict[str, Any]) -> None:
    scd2 = {"disposition": "merge", "strategy": "scd2"}
    for name in ("one", "other"):
        run(web, project, [thing(1, name, "x")], write_disposition=scd2, **more)
    assert [row[1:] for row in held(project)] == [("one", ["x"]), ("other", ["x"])]
    assert "shop_data_staging" in datasets(project)
