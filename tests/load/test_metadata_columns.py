"""Columns that an API's metadata declares: in runs, in other pipelines, and in recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlt
import duckdb
import pytest

from framework import rest_api_config, source
from framework.authoring.cassettes.cassette import cassette_path
from framework.authoring.cassettes.recorder import record
from framework.authoring.cassettes.snapshot import test_connector as replay_test
from framework.cli.main import main
from framework.errors import SettingsError
from framework.events import ignore_event
from framework.runtime.environment import Environment, StopSignal
from tests.support.run_verbs import NOW, codes, connector_of, load, loaded
from tests.support.servers.web import Answer, Web

Json = Any
FIELDS = [
    {"name": "id", "type": "id"},
    {"name": "bornAt", "type": "datetime"},
    {"name": "debt", "type": "number"},
    {"name": "note", "type": "string"},
]
PEOPLE = [{"id": 1, "debt": 3, "note": "Greta Garbo"}, {"id": 2, "debt": "4.5", "note": 7}]
TYPES = {"bornat": "TIMESTAMP WITH TIME ZONE", "debt": "DOUBLE", "note": "VARCHAR"}


def body(web: Web, **people: Json) -> Json:
    types = {"id": "bigint", "datetime": "timestamp", "number": "double", "string": "text"}
    return {
        "client": {"base_url": web.url, "paginator": "single_page"},
        "resource_defaults": {
            "primary_key": "id",
            "write_disposition": "merge",
            "endpoint": {"data_selector": "items"},
        },
        "resources": [
            {"name": "fields", "primary_key": "name", "selected": False},
            {"name": "people", "columns_from": {"resource": "fields", "types": types}, **people},
        ],
    }


def serve(web: Web, fields: Json = FIELDS, people: Json = PEOPLE) -> None:
    web.on("/fields", lambda _: {"items": fields})
    web.on("/people", lambda _: {"items": people})


def types_of(file: Path, dataset: str) -> dict[str, str]:
    with duckdb.connect(str(file), read_only=True) as connection:
        rows = connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_name = 'people' AND table_schema = ?",
            [dataset],
        ).fetchall()
    return {name.replace("_", ""): data_type for name, data_type in rows}


def test_columns_have_their_types_before_any_value(web: Web, project: Path) -> None:
    serve(web)
    report = load(connector_of(project, body(web)), project)
    assert (loaded(report), codes(report)) == ({"people": 2}, [])
    assert report.resources["people"].requests == 2
    assert types_of(project / "shop.duckdb", "shop_data").items() >= TYPES.items()


def test_metadata_may_have_parents_that_have_parents(web: Web, project: Path) -> None:
    serve(web)
    web.on("/spaces", lambda _: {"items": [{"id": 1}]})
    web.on("/spaces/{space}/forms", lambda _: {"items": [{"id": 7}]})
    web.on("/forms/{form}/fields", lambda _: {"items": FIELDS})
    whole = body(web)
    whole["resources"] = [
        {"name": "spaces", "selected": False},
        {"name": "forms", "selected": False, "endpoint": "/spaces/{resources.spaces.id}/forms"},
        {**whole["resources"][0], "endpoint": "/forms/{resources.forms.id}/fields"},
        whole["resources"][1],
    ]
    report = load(connector_of(project, whole), project)
    assert (loaded(report), codes(report)) == ({"people": 2}, [])
    assert types_of(project / "shop.duckdb", "shop_data").items() >= TYPES.items()


def test_metadata_with_a_table_of_its_own_is_read_for_it_too(web: Web, project: Path) -> None:
    serve(web)
    report = load(connector_of(project, body(web)), project, "fields", "people")
    assert loaded(report) == {"fields": 4, "people": 2}
    assert [part.requests for part in report.resources.values()] == [2, 1]


def test_metadata_may_be_of_values_in_the_destination(web: Web, project: Path) -> None:
    web.on("/fields/{object}", lambda _: {"items": FIELDS})
    web.on("/people", lambda _: {"items": PEOPLE})
    whole = body(web)
    whole["resources"][0] |= {
        "partitions": [{"name": "object", "query": "SELECT 'people'"}],
        "endpoint": {"path": "/fields/{partition.object}"},
    }
    assert loaded(load(connector_of(project, whole), project)) == {"people": 2}
    assert types_of(project / "shop.duckdb", "shop_data").items() >= TYPES.items()


def test_the_files_own_columns_and_schema_win(web: Web, project: Path) -> None:
    serve(web, people=[{"id": 1, "debt": 3, "note": "7"}])
    schema = {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "note": {"type": "number"}},
    }
    own = {"columns": {"debt": {"data_type": "text"}}, "schema": schema}
    load(connector_of(project, body(web, **own)), project)
    expected = {"bornat": "TIMESTAMP WITH TIME ZONE", "debt": "VARCHAR", "note": "DOUBLE"}
    assert types_of(project / "shop.duckdb", "shop_data").items() >= expected.items()


def test_a_record_without_a_name_fails_the_resource_that_it_describes(
    web: Web, project: Path
) -> None:
    serve(web, fields=[{"name": "id", "type": "id"}, {"label": "Greta"}])
    report = load(connector_of(project, body(web)), project)
    error = str(report.resources["people"].error)
    assert error.startswith("people: cannot read its columns from fields: found null at `name`")
    assert "Greta" not in error
    assert [one.path for one in web.asked] == ["/fields"]


def test_a_resource_is_skipped_with_the_metadata_of_its_columns(web: Web, project: Path) -> None:
    serve(web)
    web.on("/fields", Answer(403, {"items": []}))
    text = body(web)
    text["resource_defaults"]["endpoint"]["response_actions"] = [
        {"status_code": 403, "action": "skip_resource", "message": "the plan has no fields"}
    ]
    report = load(connector_of(project, text), project)
    assert report.resources["people"].status == "skipped"
    assert "the plan has no fields" in str(report.resources["people"])
    assert [one.path for one in web.asked] == ["/fields"]


def test_a_source_declares_them_in_a_pipeline_of_the_users_own(
    web: Web, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(web)
    connector_of(project, body(web))
    monkeypatch.chdir(project)
    file = project / "own.duckdb"
    pipeline = dlt.pipeline("own", destination=dlt.destinations.duckdb(str(file)), dataset_name="d")
    pipeline.run(source("shop"))
    assert types_of(file, "d").items() >= TYPES.items()
    with pytest.raises(SettingsError, match="columns that another resource declares"):
        rest_api_config("shop")


def test_names_and_types_stay_in_a_recording(
    web: Web, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(web)
    monkeypatch.chdir(project)
    connector = connector_of(project, body(web))
    environment = Environment(now=NOW, waits=False)
    given: Any = {"resources": None, "config": {}, "alias": None, "limit": None}
    record(connector, **given, environment=environment, on_event=ignore_event)
    text = cassette_path(connector).read_text()
    assert "Greta" not in text
    assert all(word in text for word in ("bornAt", "datetime", "number"))
    asked = len(web.asked)
    assert replay_test(connector, update=True, stop=StopSignal()).problems == ()
    expected = cassette_path(connector).with_suffix(".expected.yaml").read_text()
    assert "born_at: timestamp" in expected
    assert len(web.asked) == asked


def test_commands_that_load_nothing(
    web: Web, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(web)
    monkeypatch.chdir(project)
    connector_of(project, body(web))
    for words in (["show", "shop"], ["preview", "shop", "people"], ["check", "shop"]):
        assert main(words) == 0
    assert main(["check", "shop", "--deep"]) == 0
    assert "columns_from:" in capsys.readouterr().out
