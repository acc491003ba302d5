"""Several accounts of one connector in one dataset, each with a pipeline of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.loaded_tables import left_in
from tests.support.run_verbs import connector_of, load, statuses
from tests.support.servers.web import Web

Json = Any


def things(web: Web, **resource: Json) -> dict[str, Json]:
    endpoint = {"path": "/things", "paginator": "single_page"}
    own = {"primary_key": "id", "write_disposition": "merge", **resource}
    return {
        "client": {"base_url": web.url, "retry": {"max_retries": 0}},
        "resources": [{"name": "things", "endpoint": endpoint, **own}],
    }


@pytest.mark.parametrize("disposition", ["merge", "append"])
def test_a_second_account_continues_the_types_of_the_first(
    web: Web, project: Path, disposition: str
) -> None:
    connector = connector_of(project, things(web, write_disposition=disposition))
    web.on("/things", [{"id": 1, "price": 10, "parts": [{"size": 1}]}])
    load(connector, project, alias="north", dataset="shop_data")
    web.on("/things", [{"id": 2, "price": 10.5, "parts": [{"size": "large"}]}])
    load(connector, project, alias="south", dataset="shop_data")
    assert left_in(project).trees["things"] == [
        '{"id": "1", "price": "10", "things__parts": [[0, {"size": "1"}]]}',
        '{"id": "2", "price__v_double": "10.5", "things__parts": [[0, {"size__v_text": "large"}]]}',
    ]


def test_a_second_accounts_records_meet_the_contract_of_the_tables(web: Web, project: Path) -> None:
    frozen = {"schema_contract": {"columns": "freeze"}}
    connector = connector_of(project, things(web, **frozen))
    web.on("/things", [{"id": 1, "price": 10}])
    assert statuses(load(connector, project, alias="north", dataset="shop_data")) == {
        "things": "ok"
    }
    web.on("/things", [{"id": 2, "size": 1}])
    assert statuses(load(connector, project, alias="south", dataset="shop_data")) == {
        "things": "failed"
    }
