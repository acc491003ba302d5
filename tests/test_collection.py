"""Every test file is collected by the command that README and CI run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import COLLECTED

TESTS = Path(__file__).parent


def test_every_test_file_is_collected(pytestconfig: pytest.Config) -> None:
    if pytestconfig.args != pytestconfig.getini("testpaths"):
        pytest.skip("only a part of the tests was asked for")
    assert pytestconfig.stash[COLLECTED] == set(TESTS.rglob("test_*.py"))
