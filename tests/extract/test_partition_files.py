"""Values of a partition from a file beside the connector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.errors import RecordError
from framework.extract.lists.partition_files import file_values
from tests.support.run_verbs import connector_of, load, values
from tests.support.servers.web import Asked, Web

Json = Any


def read(folder: Path, name: str, text: str, field: str = "id") -> list[Json]:
    (folder / name).write_text(text, encoding="utf-8")
    return list(file_values(folder, name, field, "orders: partition customer"))


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.csv", "id,name\n1,Ada\n2,Bo\n", ["1", "2"]),
        ("a.csv", '\ufeffname;id\n"Ada; Lovelace";1\nBo;\n;3\n', ["1", "3"]),
        ("a.tsv", "name\tid\nAda\t007\n", ["007"]),
        ("a.csv", "id\n", []),
        ("a.jsonl", '{"id": 1}\n\n{"id": "x", "n": 2}\n{"id": null}\n', [1, "x"]),
    ],
)
def test_each_row_has_a_value(tmp_path: Path, name: str, text: str, expected: Json) -> None:
    assert read(tmp_path, name, text) == expected


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "key,name\n1,Ada\n", "a.csv has no column id; its 2 columns are key and name"),
        ("a.csv", "", "a.csv has no column id"),
        ("a.jsonl", '{"id": 1}\n{"id"', "a.jsonl:2: found no JSON, expected an object"),
        ("a.jsonl", "[1]\n", "a.jsonl:1: found a list, expected an object with id"),
        ("a.jsonl", '{"key": 1}\n', "a.jsonl:1: found an object without id"),
    ],
)
def test_a_file_without_the_values_is_an_error(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    with pytest.raises(RecordError) as error:
        read(tmp_path, name, text)
    assert message in str(error.value)
    assert "Ada" not in str(error.value)


@pytest.mark.parametrize(
    "path",
    ["../secrets.csv", "/etc/passwd", "none.csv", "folder", "key.json", ".dlt/a.csv", ".a.csv"],
)
def test_other_files_are_not_read(tmp_path: Path, path: str) -> None:
    (tmp_path / "secrets.csv").write_text("id\n1\n", encoding="utf-8")
    root = tmp_path / "project"
    (root / "folder").mkdir(parents=True)
    with pytest.raises(RecordError, match=r"no other files|cannot read|that ends with|not hidden"):
        list(file_values(root, path, "id", "place"))


def test_a_link_to_a_file_elsewhere_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secrets.csv").write_text("id\n1\n", encoding="utf-8")
    root = tmp_path / "project"
    root.mkdir()
    (root / "a.csv").symlink_to(tmp_path / "secrets.csv")
    with pytest.raises(RecordError, match="no other files"):
        list(file_values(root, "a.csv", "id", "place"))


def test_a_list_is_requested_for_each_value_once(web: Web, project: Path) -> None:
    def orders(asked: Asked) -> Json:
        return [{"id": int(asked.parts["id"]) * 10}]

    web.on("/customers/{id}/orders", orders)
    (project / "customers.csv").write_text("name,id\nAda,1\nBo,2\nAda,1\n", encoding="utf-8")
    orders_ = {
        "name": "orders",
        "primary_key": "id",
        "write_disposition": "merge",
        "partitions": [{"name": "customer", "file": {"path": "{config.list}", "field": "id"}}],
        "endpoint": {"path": "/customers/{partition.customer}/orders", "paginator": "single_page"},
    }
    config = {"list": {"type": "string", "default": "customers.csv"}}
    body = {"config": config, "client": {"base_url": web.url}, "resources": [orders_]}
    connector = connector_of(project, body)
    assert load(connector, project).status == "ok"
    assert values(project, "orders") == [10, 20]
    assert sorted(web.paths()) == ["/customers/1/orders", "/customers/2/orders"]
    # a file that is not there fails its resource, by name
    error = load(connector, project, config={"list": "other.csv"}).resources["orders"].error
    assert error is not None
    assert "orders: partition customer: cannot read other.csv: No such file" in error
