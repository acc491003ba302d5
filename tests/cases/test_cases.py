"""Each folder beside this file: its connector, run against its API, gives what it must."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.case import (
    Case,
    as_set,
    cases,
    compare_requests,
    loaded_columns,
    loaded_rows,
    ran,
)
from tests.servers.web import Web


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.folder.name)
def test_the_connector_gives_what_is_expected(
    case: Case, web: Web, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    routes = case.serve(web)
    connector, codes = case.connector(web, project)
    assert sorted(codes) == sorted(case.findings)
    name = connector.name
    for expected in (case.told(one, web) for one in case.runs):
        secrets = expected.get("secrets")
        for secret in connector.secrets:
            variable = f"SOURCES__{name}__{secret}".upper()
            value = f"secret-{secret}" if secrets is None else secrets.get(secret)
            if value is None:
                monkeypatch.delenv(variable, raising=False)
            else:
                monkeypatch.setenv(variable, value)
        done = ran(connector, expected, web, project)
        errors = done.errors()
        assert errors.keys() == (expected.get("error") or {}).keys(), errors
        for part, texts in (expected.get("error") or {}).items():
            for text in [texts] if isinstance(texts, str) else texts:
                assert text in errors[part]
        assert done.report.status == expected.get("status", "ok")
        assert routes.unexpected == []
        if "requests" in expected:
            compare_requests(expected["requests"], done.asked)
        assert sorted(done.warnings) == sorted(expected.get("warnings") or [])
        if "waits" in expected:
            assert done.waits == expected["waits"]
        found = loaded_rows(project, name)
        if "tables" in expected:
            assert {table: as_set(rows) for table, rows in found.items()} == {
                table: as_set(rows) for table, rows in expected["tables"].items()
            }
        if "rows" in expected:
            assert {table: len(rows) for table, rows in found.items()} == expected["rows"]
        for table, columns in (expected.get("columns") or {}).items():
            types = loaded_columns(project, name, table)
            assert {column: types.get(column) for column in columns} == columns
