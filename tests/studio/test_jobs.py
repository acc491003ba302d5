"""The jobs `check`, `record`, `test` and `run`, and the endpoints `runs` and `schema`."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from framework.errors import (
    CassetteError,
    FrameworkError,
    Interrupted,
    RequestError,
    SettingsError,
    UsageError,
)
from framework.runtime.environment import StopSignal
from framework.workspace.host_guard import HostGuard
from tests.support.servers.raw import Raw
from tests.support.servers.web import Answer, Asked, Web
from tests.support.studio_jobs import Studio

pytestmark = pytest.mark.usefixtures("project")

Json = Any


def shop(url: str, **client: Json) -> dict[str, Json]:
    """A connector with a parent and a child; the key of the parent is not in its records."""
    return {
        "secrets": {"api_key": {"description": "The key."}},
        "client": {"base_url": url, "auth": {"type": "bearer", "token": "{secrets.api_key}"}},
        "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
        "resources": [
            {
                "name": "orders",
                "endpoint": {
                    "path": "/orders",
                    "data_selector": "orders",
                    "paginator": "single_page",
                },
            },
            {
                "name": "lines",
                "endpoint": {
                    "path": "/orders/{resources.orders.id}/lines",
                    "paginator": "single_page",
                },
            },
        ],
        **client,
    }


def serve(web: Web) -> None:
    web.on("/orders", {"orders": [{"id": n, "name": f"order {n}"} for n in range(1, 21)]})
    web.on("/orders/{id}/lines", lambda asked: [{"id": int(asked.parts["id"]) * 10}])


def opened(web: Web, tmp_path: Path, **more: Any) -> Studio:
    serve(web)
    return Studio.of(tmp_path, shop(web.url), values={"api_key": "k-123456"}, **more)


def test_a_check_gives_proofs_with_lines_and_a_fix(web: Web, tmp_path: Path) -> None:
    serve(web)
    body = shop(web.url)
    body["resources"][0]["endpoint"]["data_selector"] = "order"
    studio = Studio.of(tmp_path, body, values={"api_key": "k-123456"})
    text = studio.location.path.read_text()
    found = studio.job("check", source="live", resources=["orders"])
    fault = next(one for one in found["proofs"] if one["outcome"] == "fault")
    assert (fault["resource"], fault["code"]) == ("orders", "selector-no-match")
    assert "data_selector: order" in text.splitlines()[fault["line"] - 1]
    assert yaml.safe_load(fault["fix"]["text"])["resources"][0]["endpoint"]["data_selector"] == (
        "orders"
    )
    assert fault["diff"]
    assert studio.location.path.read_text() == text
    assert json.loads(json.dumps(found)) == found


def test_a_check_reads_the_recording(tmp_path: Path) -> None:
    studio = Studio.of_file(tmp_path, "scheduling")
    found = studio.job("check", source="cassette", resources=["event_types"])
    assert {one["resource"] for one in found["proofs"]} == {"event_types"}
    assert all(one["outcome"] != "fault" for one in found["proofs"])


def test_a_recording_is_made_tested_and_looked_into(web: Web, tmp_path: Path) -> None:
    studio = opened(web, tmp_path)
    with pytest.raises(CassetteError):
        studio.job("look", "0", resource="orders", source="cassette")
    made = studio.job("record", limit=5)
    assert made == {"path": "cassettes/shop.yaml", "requests": 6, "rows": 10}
    assert "k-123456" not in (tmp_path / made["path"]).read_text()
    assert not (tmp_path / "shop.duckdb").exists()
    first = studio.job("test", "2", update=False)
    assert not first["ok"]
    assert studio.job("test", "3", update=True)["ok"]
    assert studio.job("test", "4")["lines"] == ["shop: ok, 2 tables, 10 rows"]
    asked = len(web.asked)
    found = studio.job("look", "5", resource="lines", source="cassette")
    assert len(web.asked) == asked
    assert found["tables"][0]["row_count"] == 3


def test_a_run_loads_into_the_projects_file_and_its_ledger(web: Web, tmp_path: Path) -> None:
    studio = opened(web, tmp_path)
    assert studio.ask("runs")["runs"] == []
    found = studio.job("run", source="live")
    assert found["status"] == "ok"
    assert found["database"] == "shop.duckdb"
    assert found["tables"] == [
        {"name": "lines", "row_count": 20},
        {"name": "orders", "row_count": 20},
    ]
    assert any("orders: ok" in line for line in studio.lines)
    studio.job("run", "2", resources=["orders"])
    newest, oldest = studio.ask("runs")["runs"]
    assert oldest["id"] == found["id"]
    assert [one["name"] for one in newest["resources"]] == ["orders"]
    assert {one["name"]: one["rows"] for one in oldest["resources"]} == {"orders": 20, "lines": 20}
    assert oldest["rows"] == 40


def test_a_run_that_fails_is_a_report(web: Web, tmp_path: Path) -> None:
    studio = opened(web, tmp_path)
    web.on("/orders/{id}/lines", Answer(403, {"message": "no"}))
    found = studio.job("run")
    assert found["status"] == "failed"
    assert {one["name"]: one["status"] for one in found["resources"]} == {
        "orders": "ok",
        "lines": "failed",
    }
    (ran,) = studio.ask("runs")["runs"]
    assert ran["status"] == "failed"
    assert ran["resources"][1]["error"]


def test_a_run_without_its_secret_is_an_error(web: Web, tmp_path: Path) -> None:
    serve(web)
    studio = Studio.of(tmp_path, shop(web.url))
    with pytest.raises(SettingsError):
        studio.job("run")
    assert web.asked == []


@pytest.mark.parametrize(
    ("source", "file"), [("cassette", "scheduling_replay"), ("mock", "scheduling_mock")]
)
def test_replays_and_mocks_run_into_files_of_their_own(
    source: str, file: str, tmp_path: Path
) -> None:
    studio = Studio.of_file(tmp_path, "scheduling")
    found = studio.job("run", source=source, resources=["api_user", "groups"])
    assert found["status"] == "ok"
    assert found["database"] == f"{file}.duckdb"
    assert {one["name"] for one in found["tables"]} >= {"api_user", "groups"}
    assert not (tmp_path / "scheduling.duckdb").exists()


@pytest.mark.parametrize("kind", ["run", "record", "check"])
def test_a_hanging_server_does_not_hold_a_job(kind: str, tmp_path: Path) -> None:
    stop, arrived, over = StopSignal(), threading.Event(), threading.Event()

    def hang(*_: Any) -> None:
        arrived.set()
        over.wait()

    def end() -> None:
        arrived.wait()
        stop.set()

    with Raw(hang) as server:
        studio = Studio.of(tmp_path, shop(server.url), values={"api_key": "k-1234567"}, stop=stop)
        threading.Thread(target=end, daemon=True).start()
        with pytest.raises(Interrupted):
            studio.job(kind)
        over.set()


def test_requests_go_to_known_hosts_only(web: Web, tmp_path: Path) -> None:
    serve(web)
    guard = HostGuard(frozenset(), frozenset(), frozenset(), frozenset())
    studio = Studio.of(tmp_path, shop(web.url), values={"api_key": "k-1234567"}, guard=guard)
    found = studio.job("look", resource="orders")
    assert web.asked == []
    assert "is not a host" in found["warnings"][0]["message"]
    assert studio.job("run", "2")["status"] == "failed"
    with pytest.raises((CassetteError, RequestError)):
        studio.job("record", "3")
    assert web.asked == []


def test_a_proposed_schema_is_written_and_the_file_names_it(web: Web, tmp_path: Path) -> None:
    studio = opened(web, tmp_path)
    proposed = studio.job("look", resource="orders")["schema"]
    assert proposed["before"] == ""
    assert proposed["diff"].startswith("--- /dev/null")
    written = studio.ask("schema", resource="orders", text=proposed["after"])
    assert written["path"] == proposed["path"] == "schemas/shop/orders.json"
    assert (tmp_path / written["path"]).read_text() == proposed["after"]
    text = studio.location.path.read_text()
    (edit,) = written["edits"]
    changed = text[: edit["from"]] + edit["insert"] + text[edit["to"] :]
    assert yaml.safe_load(changed)["resources"][0]["schema"] == "orders"
    studio.location.path.write_text(changed)
    assert studio.ask("schema", resource="orders", text=proposed["after"])["edits"] == []
    again = studio.job("look", "2", resource="orders")["schema"]
    assert again["before"] == again["after"]
    assert again["diff"] == ""


def test_offsets_of_edits_count_what_browsers_count(web: Web, tmp_path: Path) -> None:
    studio = opened(web, tmp_path)
    text = "# 😀 shop\n" + studio.location.path.read_text()
    studio.location.path.write_text(text, encoding="utf-8")
    (edit,) = studio.ask("schema", resource="lines", text="{}")["edits"]
    units = text.encode("utf-16-le")
    changed = units[: edit["from"] * 2] + edit["insert"].encode("utf-16-le")
    changed += units[edit["to"] * 2 :]
    assert yaml.safe_load(changed.decode("utf-16-le"))["resources"][1]["schema"] == "lines"


@pytest.mark.parametrize(
    ("resource", "text"),
    [("orders", "{"), ("orders", "[]"), ("none", "{}"), ("../orders", "{}"), ("orders", "")],
)
def test_what_is_no_schema_is_not_written(
    resource: str, text: str, web: Web, tmp_path: Path
) -> None:
    studio = opened(web, tmp_path)
    with pytest.raises(UsageError):
        studio.ask("schema", resource=resource, text=text)
    assert not (tmp_path / "schemas").exists()


def test_a_schema_is_not_written_through_a_link_that_leads_out(web: Web, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "schemas").symlink_to(outside)
    serve(web)
    studio = Studio.of(folder, shop(web.url))
    with pytest.raises(FrameworkError):
        studio.ask("schema", resource="orders", text="{}")
    assert list(outside.iterdir()) == []


def echoed(asked: Asked) -> Json:
    return {"orders": [{"id": 1, "note": asked.headers["authorization"]}]}


def test_lines_and_errors_hold_no_secret(web: Web, tmp_path: Path) -> None:
    studio = opened(web, tmp_path)
    web.on("/orders", echoed)
    studio.job("run")
    assert all("k-123456" not in line for line in studio.lines)


def test_a_run_reads_resources_side_by_side_as_the_command_does(web: Web, tmp_path: Path) -> None:
    met = threading.Barrier(2, timeout=60)

    def meet(_: Asked) -> Json:
        met.wait()
        return [{"id": 1}]

    web.on("/one", meet)
    web.on("/two", meet)
    names = ("one", "two")
    resources = [{"name": name, "endpoint": {"path": f"/{name}"}} for name in names]
    studio = Studio.of(tmp_path, {"client": {"base_url": web.url}, "resources": resources})
    assert studio.job("run")["status"] == "ok"
