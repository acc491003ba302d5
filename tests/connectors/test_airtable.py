"""What is special about Airtable: bases, tables and records that go while all of them are read."""

from __future__ import annotations

from pathlib import Path

from framework.api import valid_connector
from framework.definition.finder import find_connector
from tests.connectors.airtable_api import COPY, FIRST, error
from tests.connectors.vendor_server import vendor_server
from tests.support.run_verbs import load, loaded


def test_what_was_deleted_meanwhile_counts_as_empty(project: Path) -> None:
    gone = error(404, "NOT_FOUND")
    with vendor_server("airtable") as server:
        server.web.on(f"/v0/{COPY}/tblExample0000001", gone)
        server.web.on(f"/v0/{FIRST}/tblExample0000001/recExample0000001/comments", gone)
        report = load(
            valid_connector(find_connector("airtable")),
            project,
            "records",
            "comments",
            environment=server.environment(),
            config=server.settings,
        )
    assert report.status == "ok"
    assert loaded(report) == {"records": 104, "comments": 0}
