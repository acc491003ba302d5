"""Every test here: dlt's folders and settings are in the test's own folder."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _in_project(project: Path) -> None:
    """Nothing that a test writes is outside its own folder."""
