"""One unit on its own: what its machine refuses is said in words, and is no bug."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from framework.cli.main import main
from tests.support.calendars import calendars


def test_a_temporary_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with calendars(1, monkeypatch):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
        assert main(["fleet", "run-unit", "fleet.yaml", "--index", "0"]) == 1
    error = capsys.readouterr().err
    assert f"cannot write the connector file into the temporary folder {tmp_path}/gone" in error
    assert "set TMPDIR to another folder" in error
    assert "bug" not in error
