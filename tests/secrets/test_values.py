"""Records that do not fit: no message quotes a value of theirs but a key that looks like an id."""

from __future__ import annotations

import itertools
import logging
from pathlib import Path
from typing import Any

import pytest

from framework.cli.main import main
from framework.load.dlt_errors import without_values
from framework.runtime.redaction import redact_key
from tests.support.run_verbs import write_connector
from tests.support.servers.web import Web
from tests.support.slow_params import quick_first

PERSON = "Ada Lindqvist"
ADDRESS = "ada.lindqvist@example.com"
SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "mail": {"type": "string"},
        "n": {"type": "integer"},
        "at": {"type": "string", "format": "date-time"},
        "price": {"type": "string", "format": "decimal"},
        "who": {"type": "object", "properties": {"n": {"type": "integer"}}},
        "list": {"type": "array", "items": {"type": "integer"}},
    },
}
COLUMNS = {
    "n": {"data_type": "bigint"},
    "at": {"data_type": "timestamp"},
    "price": {"data_type": "decimal", "precision": 5, "scale": 2},
    "name": {"data_type": "bool"},
    "flag": {"data_type": "text", "nullable": False},
}
FREEZE = {"tables": "evolve", "columns": "evolve", "data_type": "freeze"}
RECORDS = {
    "texts": {"n": PERSON, "at": PERSON, "price": PERSON, "who": {"n": PERSON}, "list": [PERSON]},
    "addresses": {"n": ADDRESS, "at": ADDRESS, "price": ADDRESS, "name": ADDRESS},
    "objects": {"n": {PERSON: PERSON}, "at": [PERSON], "list": PERSON, "who": PERSON},
    "no date": {"at": f"2026-13-45 {PERSON}", "price": f"12,5 {PERSON}"},
    "far away": {"price": 1.0e300, "n": 2**62, "name": PERSON, "flag": None},
}
"""What is wrong in a record, by field."""
RESOURCES: dict[str, dict[str, Any]] = {
    "evolves": {"schema": SCHEMA},
    "frozen": {"schema": SCHEMA, "schema_contract": "freeze"},
    "discards": {"schema": SCHEMA, "schema_contract": "discard_value"},
    "hinted": {"columns": COLUMNS},
    "hinted_and_frozen": {"columns": COLUMNS, "schema_contract": FREEZE},
    "keyed_by_person": {"schema": SCHEMA, "primary_key": "who", "schema_contract": "freeze"},
    "keyed_by_address": {"schema": SCHEMA, "primary_key": "mail", "schema_contract": "freeze"},
    "keyed_by_name": {"primary_key": ["mail", "n"]},
    "cast": {"processing_steps": [{"cast": {"n": "integer", "price": "number"}}]},
    "stepped": {"processing_steps": [{"set": {"x": "split(n, `1`)"}}]},
    "told": {"processing_steps": [{"filter": "to_number(n) > abs(n)", "on_error": "skip_record"}]},
    "renamed": {"processing_steps": [{"rename_keys": "if(@ == 'n', '', 'x')"}]},
    "since": {
        "endpoint": {
            "incremental": {"cursor_path": "at", "initial_value": 5, "start_param": "since"}
        }
    },
    "in_windows": {
        "endpoint": {
            "incremental": {
                "cursor_path": "at",
                "initial_value": "2026-01-01T00:00:00Z",
                "start_param": "since",
                "step": "P1Y",
            }
        }
    },
}


@pytest.mark.parametrize(
    ("wrong", "kind"),
    quick_first(*itertools.product(RECORDS, RESOURCES), quick=14),
    ids=lambda value: value,
)
def test_no_message_quotes_what_stands_in_a_record(
    web: Web, project: Path, capsys: pytest.CaptureFixture[str], caplog: Any, wrong: str, kind: str
) -> None:
    web.on("/things", [{"id": 1, "mail": ADDRESS, **RECORDS[wrong]}])
    resource = {"primary_key": "id", "write_disposition": "merge", **RESOURCES[kind]}
    endpoint = {"path": "/things", "paginator": "single_page", **resource.pop("endpoint", {})}
    things = {"name": "things", **resource, "endpoint": endpoint}
    write_connector(project, {"client": {"base_url": web.url}, "resources": [things]})
    with caplog.at_level(logging.INFO):
        code = main(["run", "shop", "--format", "json"])
    out, said = capsys.readouterr()
    assert code in (0, 1)
    for text in (PERSON, "Lindqvist", ADDRESS):
        assert text not in out + said + caplog.text


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        (17, "17"),
        ("evt_1a2b", "evt_1a2b"),
        ("https://api.example.com/users/1X", "https://api.example.com/users/1X"),
        (PERSON, "(a text)"),
        (ADDRESS, "(a text)"),
        ("ada", "(a text)"),
        ({"name": PERSON}, "(an object)"),
        ([PERSON], "(a list)"),
    ],
)
def test_a_key_is_shown_where_it_looks_like_an_id(key: Any, shown: str) -> None:
    assert redact_key(key) == shown


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "Conversion Error: Could not convert string 'Ada' to INT64 in column \"n\"",
            "Conversion Error: Could not convert string *** to INT64 in column \"n\"",
        ),
        (
            'duplicate key value violates unique constraint "k"\nDETAIL: Key (mail)=(a@b.c) exists',
            'duplicate key value violates unique constraint "k"',
        ),
        ('invalid syntax for type bigint: "Ada"', "invalid syntax for type bigint: ***"),
        ("INT64 with value 4711 is out of range", "INT64 with value *** is out of range"),
        ("Could not convert 'Ada' with type str", "Could not convert *** with type str"),
        ('null value in column "n"', 'null value in column "n"'),
    ],
)  # fmt: skip
def test_what_a_database_says_of_a_row_is_told_without_the_row(said: str, told: str) -> None:
    assert without_values(said) == told
