"""`framework mcp`: what is said before a client talks to it. Its tools: tests/agent_tools."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from framework.cli.main import main


@pytest.mark.parametrize("host", ["https://api.example.com", "*", "api.example.com/v1"])
def test_a_host_is_a_host(project: Path, capsys: pytest.CaptureFixture[str], host: str) -> None:
    assert main(["mcp", "--allow-host", host]) == 2
    assert "--allow-host" in capsys.readouterr().err


def test_connectors_are_below_the_project(
    project: Path, capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert main(["mcp", "--connectors", str(tmp_path_factory.mktemp("elsewhere"))]) == 2
    assert "--connectors" in capsys.readouterr().err


def test_the_extra_is_named(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [one for one in sys.modules if one.startswith("framework.agent_tools.mcp_server")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("mcp", "mcp.server"):
        monkeypatch.setitem(sys.modules, name, None)
    assert main(["mcp"]) == 2
    assert "[mcp]" in capsys.readouterr().err
