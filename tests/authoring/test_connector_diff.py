"""Two versions of a connector on one recording: what differs, and what git has of a version."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result

from framework.authoring.compare import table_comparison
from framework.cli.main import cli
from framework.definition.finder import shared_schema
from framework.errors import FrameworkError
from tests.support.servers.graph import Shop
from tests.support.servers.web import Asked, Web

Json = Any
ROWS = [
    {"id": n, "name": f"Lamp {n}", "price": n * 10, "tags": [{"word": "a"}, {"word": f"b{n}"}]}
    for n in range(1, 7)
]


def body(web: Web, **endpoint: Json) -> dict[str, Json]:
    cursor = {"type": "page_number", "base_page": 1, "total_path": None}
    own = {"path": "/items", "params": {"size": 2}, "data_selector": "items", "paginator": cursor}
    return {
        "version": 1,
        "name": "shop",
        "client": {"base_url": web.url},
        "resources": [
            {
                "name": "items",
                "primary_key": "id",
                "write_disposition": "merge",
                "endpoint": {**own, **endpoint},
            },
        ],
    }


def write(data: Json, path: str = "connectors/shop.yaml") -> None:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")


def framework(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, catch_exceptions=False, standalone_mode=False)


def difference(*arguments: str) -> Json:
    done = framework("diff", *arguments, "--format", "json")
    found = json.loads(done.stdout)
    jsonschema.validate(found, shared_schema("connector-diff"))
    assert done.return_value == int(not found["equal"])
    return found


@pytest.fixture
def recorded(web: Web, project: Path) -> Json:
    """The connector, recorded with pages of two; its file is the first commit."""

    def items(asked: Asked) -> Json:
        page, size = (int(asked.param(name, "1") or 1) for name in ("page", "size"))
        return {"items": ROWS[(page - 1) * size : page * size]}

    web.on("/items", items)
    data = body(web)
    write(data)
    assert framework("record", "shop", "-q").return_value == 0
    git("init", "-q")
    git("add", "connectors", "cassettes")
    git("commit", "-q", "-m", "first")
    return data


def git(*arguments: str) -> None:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    subprocess.run(["git", *who, *arguments], check=True, capture_output=True)


def test_a_version_equals_itself(recorded: Json) -> None:
    found = difference("shop", "--rev", "HEAD")
    assert found["equal"]
    assert found["old"] == "HEAD:connectors/shop.yaml"
    assert found["new"] == "connectors/shop.yaml"
    assert found["cassette"] == "cassettes/shop.yaml"


@pytest.mark.parametrize(
    "arguments",
    [
        ("HEAD:connectors/shop.yaml", "connectors/shop.yaml"),
        ("HEAD:./connectors/shop.yaml", "shop"),
        ("./connectors/shop.yaml", "--rev", "HEAD"),
    ],
)
def test_a_version_is_named_as_git_names_it(recorded: Json, arguments: tuple[str, ...]) -> None:
    recorded["resources"][0]["processing_steps"] = [{"remove": ["price"]}]
    write(recorded)
    (table,) = difference(*arguments)["tables"]
    assert table["columns"] == {"price": ["bigint", None]}


def test_two_revisions_are_compared_with_their_own_files(web: Web, recorded: Json) -> None:
    schema = {"type": "object", "properties": {"id": {"type": "integer"}, "x": {"type": "string"}}}
    recorded["resources"][0]["schema"] = "items"
    write(recorded)
    Path("schemas/shop").mkdir(parents=True)
    Path("schemas/shop/items.json").write_text(json.dumps(schema), encoding="utf-8")
    git("add", "connectors", "schemas")
    git("commit", "-q", "-m", "second")
    Path("schemas/shop/items.json").unlink()
    found = difference("HEAD~1:connectors/shop.yaml", "HEAD:connectors/shop.yaml")
    assert found["cassette"] == "HEAD:cassettes/shop.yaml"
    (table,) = found["tables"]
    assert table["columns"]["x"] == [None, "text"]


def test_changed_rows_are_found_by_their_key(recorded: Json) -> None:
    steps = [
        {"filter": "id != `2`"},
        {
            "set": {
                "name": "if(id == `3`, 'Other', name)",
                "price": "if(id < `5`, add(price, `1`), price)",
            }
        },
    ]
    recorded["resources"][0]["processing_steps"] = steps
    write(recorded)
    items, tags = difference("shop", "--rev", "HEAD")["tables"]
    assert (items["rows"], items["by_key"]) == ([6, 5], True)
    assert (items["added"], items["removed"], items["changed"]) == (0, 1, 3)
    assert items["changed_columns"] == {"name": 1, "price": 3}
    assert items["examples"]["removed"] == [{"row": {"id": "2"}, "values": {}}]
    assert items["examples"]["changed"][0] == {
        "row": {"id": "1"},
        "values": {"price": ["10", "11"]},
    }
    assert (tags["name"], tags["by_key"], tags["removed"]) == ("items__tags", False, 2)


def test_types_and_keys_that_differ_are_told(recorded: Json) -> None:
    items = recorded["resources"][0]
    items["processing_steps"] = [{"cast": {"price": "text"}}]
    items["primary_key"] = ["id", "name"]
    write(recorded)
    (table,) = difference("shop", "--rev", "HEAD")["tables"]
    assert table["columns"] == {"price": ["bigint", "text"]}
    assert table["keys"] == [["id"], ["id", "name"]]
    assert (table["added"], table["removed"]) == (0, 0)


def test_another_page_size_is_read_as_the_recorded_one(recorded: Json) -> None:
    recorded["resources"][0]["endpoint"]["params"] = {"size": 3}
    write(recorded)
    found = difference("shop", "--rev", "HEAD")
    assert (found["tables"], found["resources"]) == ([], [])
    new = [one for one in found["requests"] if one["counts"][0] == 0]
    assert [one["read_as"].rpartition("?")[2] for one in new] == [
        f"page={page}&size=2" for page in (1, 2, 3, 4)
    ]


def test_a_request_that_is_read_as_another_ones_leaves_its_responses(
    web: Web, project: Path
) -> None:
    web.on("/items", lambda asked: {"items": ROWS[: int(asked.param("size", "6") or 6)]})
    data = body(web, params={"size": 6}, paginator="single_page")
    write(data)
    assert framework("record", "shop", "-q").return_value == 0
    write(data, "old/shop.yaml")
    (items,) = data["resources"]
    other = {**items, "name": "few", "endpoint": {**items["endpoint"], "params": {"size": 2}}}
    data["resources"] = [other, items]
    write(data)
    assert framework("diff", "./old/shop.yaml", "shop").return_value == 1
    found = difference("./old/shop.yaml", "shop")
    assert [(one["name"], one["outcomes"]) for one in found["resources"]] == [("few", [None, "ok"])]
    assert [one["name"] for one in found["tables"]] == ["few", "few__tags"]


def test_a_request_that_is_like_none_fails_its_resource(recorded: Json) -> None:
    recorded["resources"][0]["endpoint"]["path"] = "/others"
    write(recorded)
    found = difference("shop", "--rev", "HEAD")
    (resource,) = found["resources"]
    assert resource["outcomes"] == ["ok", "failed"]
    assert "is not in the cassette" in resource["errors"][1]
    assert [table["rows"] for table in found["tables"]] == [[6, None], [12, None]]


def test_an_error_of_several_lines_is_told_in_sentences(recorded: Json) -> None:
    recorded["resources"][0]["endpoint"]["data_selector"] = "nope"
    write(recorded)
    text = framework("diff", "shop", "--rev", "HEAD").stdout
    assert "its keys are items. Correct data_selector" in text


def test_a_failure_of_both_versions_is_told_once(recorded: Json) -> None:
    recorded["resources"][0]["primary_key"] = "nope"
    write(recorded)
    git("commit", "-q", "-a", "-m", "broken")
    text = framework("diff", "shop", "--rev", "HEAD").stdout
    assert text.count("failed in both: items: a record has null or nothing in `nope`") == 1


def test_resources_of_one_version_are_told(recorded: Json) -> None:
    recorded["resources"][0]["name"] = "things"
    write(recorded)
    found = difference("shop", "--rev", "HEAD")
    assert [(one["name"], one["outcomes"]) for one in found["resources"]] == [
        ("items", ["ok", None]),
        ("things", [None, "ok"]),
    ]
    assert found["requests"] == []


def test_graphql_requests_of_one_path_are_told_apart_by_their_bodies(
    web: Web, project: Path
) -> None:
    Shop(5).serve(web)
    query = """query ($first: Int, $after: String) { shop { orders(first: $first, after: $after) {
      nodes { id title } pageInfo { hasNextPage endCursor } } } }"""
    data = body(web)
    block = {"query": query, "variables": {"first": 2}}
    data["resources"][0]["endpoint"] = {"path": "/graphql", "graphql": block}
    write(data)
    assert framework("record", "shop", "-q").return_value == 0
    write(data, "old/shop.yaml")
    block["query"] = query.replace("id title", "id title changed")
    write(data)
    found = difference("./old/shop.yaml", "shop")
    assert (found["tables"], found["resources"]) == ([], [])
    assert len(found["requests"]) == 6


def test_text_and_markdown_say_the_same(recorded: Json) -> None:
    recorded["resources"][0]["processing_steps"] = [
        {"filter": "id != `2`"},
        {"set": {"name": "if(id == `3`, 'a|b ``` c', name)"}},
    ]
    write(recorded)
    text = framework("diff", "shop", "--rev", "HEAD").stdout.splitlines()
    assert text[:2] == ["--- HEAD:connectors/shop.yaml", "+++ connectors/shop.yaml"]
    assert "  - 1 row removed" in text
    assert "  ~   id=3: name text 3 → a|b ``` c" in text
    markdown = framework("diff", "shop", "--rev", "HEAD", "--format", "markdown").stdout
    assert "| `items` | 6 → 5 |  | 1 | 1 |  |  |" in markdown
    assert markdown.count("```") % 2 == 0
    assert markdown.count("<details>") == markdown.count("</details>") == 2


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("shop",), 2, "expected OLD and NEW"),
        (("shop", "shop", "--rev", "HEAD"), 2, "expected OLD and NEW"),
        (("nope", "shop"), 2, "there is no connector nope"),
        (("HEAD", "shop"), 2, "For a git revision: framework diff NAME --rev REVISION"),
        (("shop", "--rev", "nope"), 1, "git knows no revision nope"),
        (("shop", "--rev=--help"), 1, "git knows no revision --help"),
        (("HEAD:connectors/other.yaml", "shop"), 1, "has no file connectors/other.yaml"),
        (("HEAD:nope.yaml", "shop"), 1, "has no file nope.yaml"),
    ],
)
def test_what_cannot_be_compared_is_told(
    recorded: Json, arguments: tuple[str, ...], code: int, words: str
) -> None:
    with pytest.raises(FrameworkError) as refused:
        framework("diff", *arguments)
    assert refused.value.exit_code == code
    assert words in str(refused.value)


def test_a_link_in_a_revision_is_not_followed(recorded: Json) -> None:
    Path("connectors/linked.yaml").symlink_to("shop.yaml")
    git("add", "connectors")
    git("commit", "-q", "-m", "link")
    with pytest.raises(FrameworkError, match=r"has no file connectors/linked\.yaml"):
        framework("diff", "HEAD:connectors/linked.yaml", "shop")


def test_rows_are_not_compared_by_a_key_that_is_not_unique(recorded: Json) -> None:
    items = recorded["resources"][0]
    items |= {"write_disposition": "append", "primary_key": "name"}
    items["processing_steps"] = [{"set": {"name": "'same'"}}]
    write(recorded, "old/shop.yaml")
    items["processing_steps"] = [{"set": {"name": "'same'", "price": "if(id < `3`, `0`, price)"}}]
    write(recorded)
    found = difference("./old/shop.yaml", "shop")
    table = next(one for one in found["tables"] if one["name"] == "items")
    assert (table["by_key"], table["added"], table["removed"]) == (False, 2, 2)
    assert len(table["examples"]["added"]) <= table_comparison.EXAMPLES
