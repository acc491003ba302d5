"""The score of the import of descriptions, on a small folder of them."""

import json

import yaml

from benchmarks.openapi import judge, main, plain_path, plain_selector

RECORDS = {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string"}}}}


def operation(schema):
    return {"get": {"responses": {"200": {"content": {"application/json": {"schema": schema}}}}}}


def folder_of(tmp_path, labels):
    paths = {
        "/users": operation({"type": "object", "properties": {"data": RECORDS}}),
        "/users/{user_id}/cars": operation(RECORDS),
    }
    for part in ("labelled", "plain"):
        (tmp_path / part).mkdir()
    text = yaml.safe_dump({"openapi": "3.0.0", "paths": paths})
    (tmp_path / "labelled" / "shop.yaml").write_text(text)
    (tmp_path / "plain" / "shop.json").write_text(json.dumps(yaml.safe_load(text)))
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    return tmp_path


LISTS = [
    {"path": "/users", "method": "get", "entity": "users", "records": "$.data"},
    {"path": "/users/{user_id}/cars", "method": "get", "entity": "cars", "records": None},
]
for one in LISTS:
    one.update(meta=None, no_pagination="all at once")
RELATION = {
    "source_entity": "cars",
    "target_entity": "users",
    "foreign_key": "user_id",
    "target_key": "id",
}
LABELS = {"shop": {"lists": LISTS, "relations": [{"x": [RELATION]}]}}


def test_what_is_right_counts_as_right(tmp_path, capsys):
    folder = folder_of(tmp_path, LABELS)
    assert main([str(folder)]) == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert "lists 2/2" in line
    assert "parents 1/1" in line


def test_what_is_wrong_is_named(tmp_path):
    labels = {"lists": [{**LISTS[0], "records": "$.other"}], "relations": []}
    folder = folder_of(tmp_path, LABELS)
    score = judge("shop", folder / "labelled" / "shop.yaml", labels, tmp_path)
    assert score.part("selectors") == 0
    assert any("expected $.other" in line for line in score.wrong)


def test_a_folder_that_is_absent_is_skipped(tmp_path, capsys):
    assert main([str(tmp_path / "none")]) == 0
    assert "is absent" in capsys.readouterr().err


def test_paths_and_selectors_are_compared_without_their_notation():
    assert plain_path("/a/{x}/b") == plain_path("a/{config.x}/b") == "/a/{}/b"
    assert plain_selector("$.list[*].item") == plain_selector("list[].item") == "list.item"
