"""`import openapi --prove`: the imported file is compared with what a mock of the API returns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from framework.cli.main import main
from framework.mock.mock_server import serve_mock
from tests.support.run_verbs import write_connector

pytestmark = pytest.mark.usefixtures("project")
ORDER = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "note": {"type": "string"}},
    "required": ["id"],
}
RIGHT = {
    "client": {"base_url": "https://api.example.com"},
    "resources": [
        {
            "name": "orders",
            "primary_key": "id",
            "write_disposition": "merge",
            "schema": ORDER,
            "endpoint": {
                "path": "/orders",
                "data_selector": "items",
                "paginator": {"type": "json_link", "next_url_path": "next"},
            },
        }
    ],
}


def description(list_name: str) -> str:
    """A file that describes the API, with its list under this name."""
    many = {"type": "array", "items": ORDER}
    fields = {list_name: many, "next": {"type": "string", "format": "uri"}}
    content = {"application/json": {"schema": {"type": "object", "properties": fields}}}
    operation = {"responses": {"200": {"description": "Orders.", "content": content}}}
    data = {
        "openapi": "3.0.0",
        "info": {"title": "Shop", "version": "1"},
        "servers": [{"url": "https://api.example.com"}],
        "paths": {"/orders": {"get": operation}},
    }
    Path("api.json").write_text(json.dumps(data), encoding="utf-8")
    return "api.json"


@pytest.fixture
def mock_url(tmp_path: Path) -> Any:
    """The address of a mock of the API."""
    folder = tmp_path / "mocked"
    folder.mkdir()
    with serve_mock(str(write_connector(folder, RIGHT, "api"))) as server:
        yield server.base_url


def imported(*options: str) -> int:
    return main(["import", "openapi", *options, "-o", "connectors/shop.yaml"])


def selector() -> str:
    written = yaml.safe_load(Path("connectors/shop.yaml").read_text(encoding="utf-8"))
    found: str = written["resources"][0]["endpoint"]["data_selector"]
    return found


def test_a_file_that_is_right_stays_as_it_is(
    mock_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imported(description("items"), "--prove", mock_url, "--format", "json") == 0
    proofs = json.loads(capsys.readouterr().out)["proofs"]
    assert {proof["outcome"] for proof in proofs} <= {"ok", "unknown"}
    assert selector() == "items"


def test_a_guess_that_the_api_refutes_is_corrected(mock_url: str) -> None:
    imported(description("records"), "--prove", mock_url)
    assert selector() == "items"


def test_neither_live_nor_an_address_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert imported(description("items"), "--prove", "yes") == 2
    assert "expected live or" in capsys.readouterr().err
    assert not Path("connectors").exists()


@pytest.fixture
def needy_url(tmp_path: Path) -> Any:
    """The address of a mock of an API that requires a value of config."""
    folder = tmp_path / "mocked"
    folder.mkdir()
    region = {"type": "string", "description": "The region."}
    body = {**RIGHT, "config": {"region": region}}
    body["resources"] = json.loads(json.dumps(RIGHT["resources"]))
    body["resources"][0]["endpoint"]["params"] = {"region": "{config.region}"}
    with serve_mock(str(write_connector(folder, body, "api"))) as server:
        yield server


def needy() -> str:
    """A file that describes the API, with a required parameter."""
    file = description("items")
    data = json.loads(Path(file).read_text(encoding="utf-8"))
    region = {"name": "region", "in": "query", "required": True, "schema": {"type": "string"}}
    data["paths"]["/orders"]["get"]["parameters"] = [region]
    Path(file).write_text(json.dumps(data), encoding="utf-8")
    return file


@pytest.mark.parametrize("given", [(), ("--set", "region=eu")])
def test_required_config_of_a_mock_is_a_stand_in_or_given(
    needy_url: Any, given: tuple[str, ...]
) -> None:
    assert imported(needy(), "--prove", needy_url.base_url, *given) == 0
    sent = {dict(request.query).get("region") for request, _ in needy_url.api.log.requests}
    assert (sent == {"eu"}) is bool(given)
    assert None not in sent


def test_config_without_a_proof_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert imported(needy(), "--set", "region=eu") == 2
    assert "found --set without --prove" in capsys.readouterr().err


def paged(**parameter: Any) -> str:
    """A file that describes pages by number, and a total, which nothing confirms."""
    file = description("items")
    data = json.loads(Path(file).read_text(encoding="utf-8"))
    operation = data["paths"]["/orders"]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    del schema["properties"]["next"]
    page = {"name": "page", "in": "query", "schema": {"type": "integer", **parameter}}
    operation["parameters"] = [page]
    Path(file).write_text(json.dumps(data), encoding="utf-8")
    return file


@pytest.fixture
def paged_url(tmp_path: Path) -> Any:
    """The address of a mock of an API that counts pages."""
    folder = tmp_path / "mocked"
    folder.mkdir()
    body = json.loads(json.dumps(RIGHT))
    body["resources"][0]["endpoint"]["paginator"] = {
        "type": "page_number", "base_page": 1, "page_param": "page", "total_path": None,
    }  # fmt: skip
    with serve_mock(str(write_connector(folder, body, "api")), page_size=10) as server:
        yield server.base_url


def test_a_check_that_is_proved_leaves_the_file_and_the_report(
    paged_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imported(paged(minimum=1), "--prove", paged_url, "--format", "json") == 0
    text = Path("connectors/shop.yaml").read_text(encoding="utf-8")
    assert "# proved: the second page contains other records" in text
    assert "to be checked" not in text
    assert json.loads(capsys.readouterr().out)["notes"] == []


def test_further_pages_do_not_settle_which_page_is_the_first(paged_url: str) -> None:
    imported(paged(), "--prove", paged_url)
    text = Path("connectors/shop.yaml").read_text(encoding="utf-8")
    assert [line.strip() for line in text.splitlines() if "to be checked" in line] == [
        "# to be checked: the description does not say that the first page is 1"
    ]
