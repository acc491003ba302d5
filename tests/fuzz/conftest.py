"""Every test here: dlt's folders and settings are in the test's own folder, and nobody waits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.open_resource import forwarded


@pytest.fixture(autouse=True)
def _in_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a test writes is outside its own folder."""
    forwarded(monkeypatch)
