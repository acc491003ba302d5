"""Several accounts of one connector in one dataset, each with a pipeline of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dlt.pipeline.pipeline import Pipeline

from framework.load import runner
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


def test_readers_have_a_copy_of_the_schema_which_a_commit_does_not_change(
    web: Web, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = connector_of(project, things(web))
    web.on("/things", [{"id": 1}])
    load(connector, project)
    opened, live = runner.open_sink, Pipeline.default_schema.fget
    schemas: list[Any] = []
    copies: list[bool] = []

    def remember(pipeline: Any) -> Any:
        schemas.append(live(pipeline))
        return schemas[-1]

    def look(resource: Any, target: Any, schema: Any, *rest: Any, **named: Any) -> Any:
        copies.append("things" in schema.tables and all(one is not schema for one in schemas))
        return opened(resource, target, schema, *rest, **named)

    monkeypatch.setattr(Pipeline, "default_schema", property(remember))
    monkeypatch.setattr(runner, "open_sink", look)
    load(connector, project)
    assert copies == [True]
    assert schemas
