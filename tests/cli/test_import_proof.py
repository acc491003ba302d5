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
