"""Fixtures of the fleet's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.postgres import address, execute


@pytest.fixture(params=["sqlite", "postgres"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    """Where a ledger of units may be: a file, and a schema of its own in PostgreSQL."""
    if request.param == "sqlite":
        yield tmp_path / "units.db"
        return
    yield from schema_of(request.getfixturevalue("postgres"))


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """The URL of a schema of its own in PostgreSQL."""
    yield from schema_of(postgres)


def schema_of(server: str) -> Iterator[str]:
    """Yield the URL of a new schema."""
    schema = f"ledger_{uuid4().hex[:8]}"
    execute(server, f"CREATE SCHEMA {schema}")
    yield address(server, options=f"-csearch_path%3D{schema}")
    execute(server, f"DROP SCHEMA {schema} CASCADE")
