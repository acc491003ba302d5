"""`framework mock`, and runs against it."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from framework.cli.main import main
from framework.mock.mock_server import serve_mock
from tests.support.processes import command
from tests.support.run_verbs import NOW, Tables, write_connector

pytestmark = pytest.mark.usefixtures("project")
BODY = {
    "secrets": {"token": {"description": "A token."}},
    "client": {
        "base_url": "https://api.example.com/v2",
        "auth": {"type": "bearer", "token": "{secrets.token}"},
    },
    "resources": [
        {
            "name": "orders",
            "primary_key": "id",
            "write_disposition": "merge",
            "endpoint": {
                "path": "/orders",
                "data_selector": "items",
                "paginator": {"type": "json_link", "next_url_path": "next"},
            },
        },
        {
            "name": "lines",
            "primary_key": "id",
            "write_disposition": "merge",
            "endpoint": {
                "path": "/orders/{resources.orders.id}/lines",
                "data_selector": "items",
                "paginator": {"type": "offset", "limit": 2, "total_path": None},
            },
        },
    ],
}


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a connector whose base URL is written in the file."""
    write_connector(Path(), BODY)
    monkeypatch.delenv("SOURCES__SHOP__TOKEN", raising=False)
    return Path.cwd()


def test_a_run_is_sent_to_the_mock_without_the_secrets_of_the_file(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__TOKEN", "a-real-secret")
    with serve_mock("shop", rows=5, page_size=2, now=NOW) as server:
        assert main(["run", "shop", "--mock", server.base_url, "--format", "json"]) == 0
        seen = server.api.log.requests
    report = json.loads(capsys.readouterr().out)
    assert {one["name"]: one["rows"] for one in report["resources"]} == {"orders": 5, "lines": 25}
    assert report["dataset"] == "shop_mock_data"
    with Tables(folder / "shop_mock.duckdb", "shop_mock_data") as tables:
        assert tables.names() == {"orders", "lines"}
    assert {request.origin for request, _ in seen} == {"https://api.example.com"}
    assert {request.path for request, _ in seen} >= {"/v2/orders", "/v2/orders/1/lines"}
    assert not any("a-real-secret" in request.text for request, _ in seen)


def test_a_mock_can_be_asked_directly(folder: Path) -> None:
    with serve_mock("shop", rows=3, page_size=2, now=NOW) as server:
        headers = {"Authorization": "Bearer any"}
        url = f"{server.base_url}/v2/orders"
        found = []
        while url:
            with urlopen(Request(url, headers=headers)) as response:
                page = json.load(response)
            found += [one["id"] for one in page["items"]]
            url = page["next"]
        assert found == [1, 2, 3]


def test_check_and_preview_ask_the_mock(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serve_mock("shop", rows=3, now=NOW) as server:
        assert main(["check", "shop", "--mock", server.base_url]) == 0
        assert main(["check", "shop", "--deep", "--mock", server.base_url]) == 0
        capsys.readouterr()
        arguments = ["preview", "shop", "orders", "--mock", server.base_url, "--format", "json"]
        assert main(arguments) == 0
    assert [one["id"] for one in json.loads(capsys.readouterr().out)] == [1, 2, 3]


@pytest.mark.parametrize("address", ["https://127.0.0.1:1", "http://api.example.com", "nonsense"])
def test_a_mock_elsewhere_is_refused(
    folder: Path, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "shop", "--mock", address]) == 2
    assert "expected an address on this machine" in capsys.readouterr().err


@pytest.mark.parametrize(
    "verb", [("run", "shop"), ("check", "shop"), ("preview", "shop", "orders")]
)
def test_an_address_without_a_mock_fails_before_a_request(
    folder: Path,
    verb: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("framework.mock.mock_run.LiveAdapter", None)
    with socket.socket() as bound:  # nobody listens at a port that is bound alone
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        assert main([*verb, "--mock", f"http://127.0.0.1:{port}"]) == 1
    message = capsys.readouterr().err
    assert f"no mock listens at http://127.0.0.1:{port}" in message
    assert f"framework mock shop --port {port}" in message


def test_a_replay_is_not_sent_to_a_mock(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "shop", "--mock", "http://127.0.0.1:1", "--replay"]) == 2
    assert "exclude each other" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--fault", "429"], "expected a status"),
        (["--rate", "many"], "expected a rate"),
        (["--latency", "soon"], "expected a duration"),
        (["--page-size", "0"], "0 is not in the range"),
        (["--rows", "-1"], "-1 is not in the range"),
        (["--set", "what=1"], "there is no config entry what"),
    ],
)
def test_a_wrong_option_is_named(
    folder: Path, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mock", "shop", *options]) == 2
    assert words in capsys.readouterr().err


def test_a_port_in_use_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["mock", "shop", "--port", str(port)]) == 2
    assert f"the port {port} cannot be used" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_mock_cleanly(folder: Path, number: int) -> None:
    with command(folder, "mock", "shop", "--rows", "2") as started:
        started.wait_for("shop from its schemas")
        address = _first_line(started.out)
        with urlopen(Request(f"{address}/v2/orders", headers={"Authorization": "Bearer x"})) as got:
            assert len(json.load(got)["items"]) == 2
        started.wait_for("GET /v2/orders 200")
        started.signal(number)
        code, out, rest = started.ended()
    assert code == 0
    assert out == f"{address}\nframework run shop --mock {address}\n"
    assert rest == "served 1 request\n"


def _first_line(path: Path) -> str:
    """The first line of a file, once it is whole."""
    while "\n" not in (text := path.read_text(encoding="utf-8")):
        pass
    return text.splitlines()[0]
