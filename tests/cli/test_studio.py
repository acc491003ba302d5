"""`framework studio`: an address on stdout, Ctrl-C, a missing extra."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from framework.cli.main import main
from tests.studio.conftest import started_studio


@pytest.mark.slow
def test_the_address_opens_the_page_and_the_token_the_project(project: Path) -> None:
    (project / "connectors").mkdir()
    with started_studio(project, "scheduling") as address:
        base, _, query = address.partition("/?token=")
        token, _, name = query.partition("&name=")
        assert name == "scheduling"
        assert httpx.get(address, trust_env=False).status_code == 200
        headers = {"Authorization": f"Bearer {token}"}
        told = httpx.get(f"{base}/api/project", headers=headers, trust_env=False).json()
        assert "scheduling" in [one["name"] for one in told["connectors"]]
    assert (project / "studio.log").read_text("utf-8").splitlines() == ["Ctrl-C ends it"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it(project: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-u", "-m", "framework", "studio", "--no-browser"]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        base = process.stdout.readline().partition("?")[0]
        assert httpx.get(base, trust_env=False).status_code == 200
        process.send_signal(number)
        assert process.wait(60) == (0 if number == signal.SIGINT else -signal.SIGTERM)


def test_an_unknown_connector_is_a_usage_error(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["studio", "nothing", "--no-browser"]) == 2
    assert "nothing" in capsys.readouterr().err


def test_a_folder_elsewhere_is_a_usage_error(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert main(["studio", "--no-browser", "--connectors", str(elsewhere)]) == 2


def test_a_missing_extra_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [*sys.modules]:
        if name.startswith(("framework.studio.", "starlette", "uvicorn")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["studio", "--no-browser"]) == 2
    assert '"rest-connector-framework[studio]"' in capsys.readouterr().err
