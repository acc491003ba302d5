"""The loop of an agent: import, validate, check, apply, preview, record, test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.agent_tools.conftest import TOKEN, shop_body
from tests.support.agent import Agent, ToolFailed, agent
from tests.support.run_verbs import Json, write_connector
from tests.support.servers.web import Web

KEYS = {"SOURCES__SHOP__TOKEN": TOKEN}


def description(url: str) -> str:
    """An OpenAPI description that tells where orders are wrongly, and not how pages go on."""
    order = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}
    body = {"type": "object", "properties": {"orders": {"type": "array", "items": order}}}
    answer = {"description": "", "content": {"application/json": {"schema": body}}}
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": "Shop", "version": "1"},
            "servers": [{"url": url}],
            "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
            "security": [{"key": []}],
            "paths": {"/orders": {"get": {"responses": {"200": answer}}}},
        }
    )


def fixes(found: Json, of: str) -> list[str]:
    return [one["fix"] for one in found[of] if one["fix"]]


def test_from_a_description_to_a_test(workplace: Path, shop_api: Web) -> None:
    host = f"127.0.0.1:{shop_api.port}"
    with agent(workplace, "--allow-write", "--allow-host", host, **KEYS) as one:
        made = one.call("import", kind="openapi", name="shop", text=description(shop_api.url))
        assert made["files"][0] == "connectors/shop.yaml"
        assert made["resources"] == ["orders"]
        secret = next(iter(yaml.safe_load(made["text"])["secrets"]))
        assert one.call("validate")["errors"] == 0
        config = {secret: TOKEN} if secret != "token" else {}
        applied = []
        while found := fixes(one.call("check", connector="shop", config=config), "proofs"):
            applied.append(found[0])
            written = one.call("apply", fix=found[0])
            assert written["errors"] == 0
            assert written["diff"].startswith("--- a/connectors/shop.yaml\n")
        assert applied
        proofs = one.call("check", connector="shop", config=config)["proofs"]
        assert ("data_selector", "ok") in [(proof["about"], proof["outcome"]) for proof in proofs]
        seen = one.call("preview", connector="shop", resource="orders", limit=2, config=config)
        assert [record["id"] for record in seen["records"]] == [1, 2]
        recorded = one.call("record", connector="shop", config=config)
        assert recorded["file"] == "cassettes/shop.yaml"
        assert one.call("update_test", connectors=["shop"])["failed"] == 0
        assert one.call("test")["tests"][0]["outcome"] == "ok"
        assert TOKEN not in one.everything


def test_a_finding_has_code_place_excerpt_and_a_fix(workplace: Path) -> None:
    write_connector(workplace, shop_body("https://api.example.com", primery_key="id"))
    with agent(workplace, "--allow-write") as one:
        found = one.call("validate", connector="shop")
        (problem,) = [each for each in found["findings"] if each["fix"]]
        assert problem["code"] == "unknown-key"
        assert problem["file"] == "connectors/shop.yaml"
        line = (workplace / problem["file"]).read_text("utf-8").splitlines()[problem["line"] - 1]
        assert problem["excerpt"].splitlines()[0] == line
        assert problem["excerpt"].splitlines()[1].index("^") == problem["column"] - 1
        assert "+" in problem["diff"]
        written = one.call("apply", fix=problem["fix"])
        assert problem["message"] not in [each["message"] for each in written["findings"]]
        assert one.call("read_file", file="shop")["revision"] == written["revision"]
        assert "changed" in one.error("apply", fix=problem["fix"])
        assert "fix" in one.error("apply", fix="fix-000000000000")


def test_a_text_is_judged_before_it_is_written(workplace: Path) -> None:
    write_connector(workplace, shop_body("https://api.example.com"))
    with agent(workplace, "--allow-write") as one:
        read = one.call("read_file", file="shop")
        text = read["text"].replace("/orders", "/orders/{order}")
        found = one.call("validate", connector="shop", text=text)
        assert [each["code"] for each in found["findings"]] == ["path-param-missing"]
        told = one.call("reference", topic="path-param-missing")
        assert told["topic"] == "path-param-missing"
        with pytest.raises(ToolFailed):  # without the revision
            one.call("write_connector", file="shop", text=text)
        written = one.call("write_connector", file="shop", text=text, revision=read["revision"])
        assert written["errors"] == 1
        assert (workplace / "connectors" / "shop.yaml").read_text("utf-8") == text
        again = one.error("write_connector", file="shop", text=text, revision=read["revision"])
        assert "read it again" in again


def test_recordings_and_mocks_need_no_account(project: Path) -> None:
    with agent(project) as one:
        seen = one.call("preview", connector="scheduling", resource="groups", source="recording")
        assert len(seen["records"]) == 2
        proofs = one.call("check", connector="scheduling", source="recording", resources=["groups"])
        assert proofs["faults"] == 0
        ran = one.call("mock", connector="scheduling", resources=["groups"], faults="429:0.2")
        assert (ran["status"], ran["resources"][0]["rows"]) == ("ok", 2)
        asked = one.call("check", connector="scheduling", source="mock", deep=False)
        assert {proof["outcome"] for proof in asked["proofs"]} == {"ok"}
        assert one.call("test", connectors=["scheduling"])["failed"] == 0
        shown = one.call("show", connector="scheduling", config={"scope": "user"})
        assert shown["config"]["client"]["auth"]["token"] == "***"


def test_a_mock_is_served_for_other_programs(project: Path) -> None:
    with agent(project) as one:
        started = one.call("mock_server", action="start", connector="scheduling")
        address = started["servers"]["scheduling"]
        assert address.startswith("http://127.0.0.1:")
        assert address in started["command"]
        assert one.call("mock_server", action="list")["servers"] == {"scheduling": address}
        assert one.call("mock_server", action="stop", connector="scheduling")["servers"] == {}
        assert "started" in one.error("mock_server", action="stop", connector="scheduling")


def test_tools_say_what_they_do(workplace: Path) -> None:
    with agent(workplace) as one:
        tools = one.tools()
        reading = {name for name, tool in tools.items() if tool.annotations.read_only_hint}
        writing = {name for name, tool in tools.items() if tool.annotations.destructive_hint}
        assert reading >= {"list_connectors", "read_file", "validate", "show", "reference"}
        assert reading >= {"preview", "check", "test", "mock"}
        assert writing == {"apply", "write_connector", "import", "record", "update_test"}
        asking = {name for name, tool in tools.items() if tool.annotations.open_world_hint}
        assert asking == {"preview", "check", "record"}
        for tool in tools.values():
            assert tool.description
            assert tool.output_schema


def everything_that_writes(one: Agent, fix: str) -> dict[str, dict[str, Json]]:
    return {
        "apply": {"fix": fix},
        "write_connector": {"file": "connectors/new.yaml", "text": "name: new\n"},
        "import": {"kind": "curl", "name": "new", "text": "curl https://api.example.com/orders"},
        "record": {"connector": "shop"},
        "update_test": {"connectors": ["shop"]},
    }


def test_nothing_is_written_without_leave(workplace: Path, shop_api: Web) -> None:
    write_connector(workplace, shop_body(shop_api.url))
    before = {path: path.read_bytes() for path in workplace.rglob("*") if path.is_file()}
    with agent(workplace, **KEYS) as one:
        (fix,) = fixes(one.call("check", connector="shop"), "proofs")
        calls = everything_that_writes(one, fix)
        assert calls.keys() == {
            name for name, tool in one.tools().items() if tool.annotations.destructive_hint
        }
        for tool, arguments in calls.items():
            assert "--allow-write" in one.error(tool, **arguments)
        for tool in ("validate", "list_connectors", "test"):
            one.result(tool)
        one.call("mock", connector="shop", resources=["orders"], invented=True)
    own = [path for path in workplace.rglob("*") if path.is_file()]
    assert {path: path.read_bytes() for path in own} == before


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("curl", "curl 'https://api.example.com/v1/orders?page=1' -H 'Accept: application/json'"),
        ("dlt", json.dumps(shop_body("https://api.example.com") | {"secrets": None})),
        (
            "postman",
            json.dumps(
                {
                    "info": {"name": "shop"},
                    "item": [{"name": "orders", "request": "https://api.example.com/orders"}],
                }
            ),
        ),
    ],
)
def test_other_descriptions_are_imported(workplace: Path, kind: str, text: str) -> None:
    if kind == "dlt":
        text = json.dumps({k: v for k, v in json.loads(text).items() if k != "secrets"})
    (workplace / "given.txt").write_text(text, "utf-8")
    with agent(workplace, "--allow-write") as one:
        made = one.call("import", kind=kind, name="shop", file="given.txt")
        assert made["resources"] == ["orders"]
        assert (workplace / "connectors" / "shop.yaml").read_text("utf-8") == made["text"]
        assert "replace" in one.error("import", kind=kind, name="shop", text=text)
        one.call("import", kind=kind, name="shop", text=text, replace=True)
        for wrong in ("../shop", "Shop", "a/b", ""):
            one.error("import", kind=kind, name=wrong, text=text)
        assert "text" in one.error("import", kind=kind, name="other")
