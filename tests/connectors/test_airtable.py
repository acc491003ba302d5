"""What is special about Airtable: copied ids, values as JSON, lists that the server forgets."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest

from framework.api import valid_connector
from framework.definition.finder import find_connector
from framework.definition.model import Connector
from framework.load.run_options import RunOptions
from framework.load.runner import run
from tests.connectors import airtable_api
from tests.connectors.airtable_api import COPY, FIRST, HIDDEN
from tests.connectors.vendor_server import NOW, VendorServer, vendor_server
from tests.support.servers.web import Answer, Asked

TASKS = "tblExample0000001"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[VendorServer]:
    """The API, with records that a test may change."""
    monkeypatch.setattr(airtable_api, "RECORDS", deepcopy(airtable_api.RECORDS))
    with vendor_server("airtable") as running:
        yield running


@pytest.fixture
def airtable() -> Connector:
    return valid_connector(find_connector("airtable"))


def load(connector: Connector, server: VendorServer, *resources: str, now: datetime = NOW) -> str:
    """Run some resources; return the run's status."""
    options = RunOptions(resources=resources, config=server.settings)
    return run(connector, options, server.environment(now), lambda _: None).status


def rows(query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect("airtable.duckdb", read_only=True) as database:
        return database.execute(query).fetchall()


@pytest.mark.usefixtures("project")
def test_a_copied_base_keeps_its_own_records_and_a_deleted_one_is_marked(
    airtable: Connector, server: VendorServer
) -> None:
    load(airtable, server, "records")
    assert not any(HIDDEN in path for path in server.web.paths())
    del airtable_api.RECORDS[FIRST, TASKS][0]
    load(airtable, server, "records", now=NOW + timedelta(days=1))
    found = rows(
        """SELECT _tables__bases_id, fields->>'Status', _deleted_at IS NOT NULL
        FROM airtable_data.records WHERE id = 'recExample0000001' ORDER BY 1"""
    )
    assert found == [(FIRST, "Open", True), (COPY, "Open", False)]
    assert rows("SELECT count(*) FROM airtable_data.records WHERE _deleted_at IS NULL") == [(104,)]


@pytest.mark.usefixtures("project")
def test_a_list_that_the_server_forgot_is_read_anew(
    airtable: Connector, server: VendorServer
) -> None:
    forgotten: list[Asked] = []

    def forget_once(asked: Asked) -> Any:
        if asked.param("offset") and not forgotten:
            forgotten.append(asked)
            return Answer(422, {"error": "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"})
        return airtable_api.records_page(asked)

    server.web.on("/v0/{base}/{table}", forget_once)
    server.web.on("/v0/meta/bases", {"bases": airtable_api.BASES})
    assert load(airtable, server, "records") == "ok"
    assert forgotten
    assert rows("SELECT count(*) FROM airtable_data.records") == [(105,)]


@pytest.mark.usefixtures("project")
def test_comments_are_requested_of_records_that_have_some(
    airtable: Connector, server: VendorServer
) -> None:
    load(airtable, server, "comments")
    asked = [path for path in server.web.paths() if path.endswith("/comments")]
    assert asked == [f"/v0/{FIRST}/{TASKS}/recExample0000001/comments"]


@pytest.mark.usefixtures("project")
def test_what_was_deleted_meanwhile_counts_as_empty(
    airtable: Connector, server: VendorServer
) -> None:
    gone = airtable_api.error(404, "NOT_FOUND")
    server.web.on(f"/v0/{COPY}/{TASKS}", gone)
    server.web.on(f"/v0/{FIRST}/{TASKS}/recExample0000001/comments", gone)
    assert load(airtable, server, "records", "comments") == "ok"
    assert rows("SELECT count(*) FROM airtable_data.records") == [(104,)]
