import copy
import json
import random
from pathlib import Path

import pytest

from framework.definition.schema.schema_findings import check_format
from framework.definition.yaml_reader import parse_document

CASES = sorted((Path(__file__).parent / "cases" / "format").glob("*.yaml"))
SMALL = {
    "version": 1,
    "name": "shop",
    "client": {"base_url": "https://api.example.com"},
    "resources": ["orders"],
}


def findings_of(data):
    document, findings = parse_document(json.dumps(data), "file.yaml")
    assert not findings
    return check_format(document)


def with_resource(**keys):
    return {**SMALL, "resources": [{"name": "orders", **keys}]}


def with_endpoint(**keys):
    return with_resource(endpoint=keys)


def with_client(**keys):
    return {**SMALL, "client": {**SMALL["client"], **keys}}


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_every_fault_is_found_at_its_place(case):
    document, _ = parse_document(case.read_text(), case.name)
    found = [
        f"{finding.code} {finding.line}:{finding.column}" for finding in check_format(document)
    ]
    assert found == case.with_suffix(".findings").read_text().splitlines()


@pytest.mark.parametrize(
    "data",
    [
        SMALL,
        {**SMALL, "$schema": "../schemas/connector.schema.json", "description": "A shop."},
        {**SMALL, "resources": []},
        {**SMALL, "resource_defaults": None},
        {**SMALL, "config": {"a": {"type": ["string", "null"], "default": None}}},
        {**SMALL, "secrets": {"a": {}, "b_2": {"description": "x", "key": "API_KEY"}}},
        with_client(auth=None, paginator=None, headers=None),
        with_client(auth="bearer", paginator="single_page"),
        with_client(auth={"token": "{secrets.a}"}),
        with_client(auth={"type": None, "token": "{secrets.a}"}),
        with_client(auth={"type": "http_basic", "username": "{config.a}", "password": "x"}),
        with_client(auth={"type": "oauth2_client_credentials", "client_id": "a"}),
        with_client(rate_limit={"requests": "{config.per_minute}", "per": "PT0.5S"}),
        with_client(rate_limit={"headers": {"reset": "X-Reset", "reset_as": "epoch"}}),
        with_client(timeout=2.5, retry={"max_wait": "PT5M", "backoff_factor": 0.5}),
        with_client(allowed_hosts=["files.example.com", "localhost:8080"]),
        with_client(paginator={"type": "json_response", "next_url_path": None}),
        with_endpoint(),
        with_resource(endpoint="/orders/{id}"),
        with_endpoint(path="", method=None, headers={"A": 1, "B": None}, paginator=None),
        with_endpoint(params={"count": None, "{config.scope}": "x", "ids": [1, "a"]}),
        with_endpoint(params={"a": {"type": "resolve", "resource": "b", "field": "c"}}),
        with_endpoint(params={"a": {"type": "incremental", "cursor_path": "b", "lag": 5}}),
        with_endpoint(json={"deep": [{"a": None}]}, data=None),
        with_endpoint(data=[["a", "b"], ["a", "c"]]),
        with_endpoint(incremental={"cursor_path": "a", "watermark": "run_start", "lag": "P30D"}),
        with_endpoint(incremental=None, response_actions=None, data_selector=None),
        with_endpoint(response_actions=[{"status_code": [404, "5xx"], "action": "ignore"}]),
        with_endpoint(response_actions=[{"status_code": "404", "action": "retry"}]),
        with_endpoint(paginator={"type": "page_number", "page_param": None, "page_body_path": "a"}),
        with_endpoint(paginator={"type": "offset", "limit": "{config.page_size}"}),
        with_resource(schema={"type": "object"}, when="a", selected=None),
        with_resource(columns=[{"name": "a", "data_type": "text", "x-mine": 1}]),
        with_resource(columns={"a": {"nullable": False}}, primary_key=None, merge_key=["a", "b"]),
        with_resource(write_disposition={"disposition": "merge", "strategy": "scd2"}),
        with_resource(write_disposition={"disposition": "merge"}, schema_contract="freeze"),
        with_resource(nested_hints={"items": {"primary_key": "id"}}, max_table_nesting=0),
        with_resource(processing_steps=[{"remove": "a"}, {"set": {"a": 1, "b": "c"}}]),
    ],
    ids=lambda data: json.dumps(data)[60:],
)
def test_what_dlt_and_the_design_allow_is_allowed(data):
    assert findings_of(data) == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({**SMALL, "descripton": "x"}, "did you mean description?"),
        (with_client(auth={"type": "barer"}), "did you mean bearer?"),
        (with_client(paginator={"type": "page"}), "did you mean page_number?"),
        (with_resource(write_disposition="upsert"), "did you mean merge?"),
        (with_endpoint(method="post"), "did you mean POST?"),
        (with_resource(params={"a": 1}), "it belongs inside `endpoint`"),
        (with_endpoint(write_disposition="merge"), "it belongs one level up, beside `endpoint`"),
        (with_client(max_retries=3), "it belongs inside `retry`"),
        (with_client(paginator={"type": "auto", "limit": 5}), "it goes with `type: offset`"),
        (with_client(session="x"), "takes Python"),
        (with_client(base_url={"config.url": None}), 'quotes: "{config.url}"'),
        (with_resource(selected="on"), "write true"),
        (with_client(max_in_flight="5"), "remove the quotes"),
        (with_client(headers={"a": 1}), 'put quotes around it: "1"'),
        (with_resource(processing_steps={"filter": "a"}), "begin each item with `- `"),
        (with_resource(columns={"a": {"data_type": "datetime"}}), "did you mean timestamp?"),
        (with_endpoint(params={"q": {"a": [1]}}), """as text: '{{"a": [1]}}'"""),
        (with_endpoint(params={"q": [{"a": "it's"}]}), """as text: '{{"a": "it''s"}}'"""),
        (with_endpoint(params={"q": {"a": "{config.x}"}}), "(braces doubled)"),
        (with_endpoint(params={"q": {"config.x": None}}), 'needs quotes: "{config.x}"'),
        (with_endpoint(json=[1, 2]), "`data: '[1, 2]'`, with the header"),
        (with_endpoint(json=[{"a": 1}]), """`data: '[{{"a": 1}}]'`, with the header"""),
    ],
)
def test_a_message_says_what_to_do(data, words):
    assert any(words in finding.message for finding in findings_of(data))


def test_a_misspelt_key_that_must_be_there_is_one_mistake():
    data = {**SMALL, "nme": "shop"}
    del data["name"]
    assert [finding.code for finding in findings_of(data)] == ["unknown-key"]


@pytest.mark.parametrize("type_", ["paginator", "auth"])
def test_a_misspelt_type_is_one_mistake_whatever_stands_beside_it(type_):
    data = with_client(**{type_: {"type": "zzz", "a": 1, "b": {"c": []}}})
    assert [finding.code for finding in findings_of(data)] == ["not-one-of"]


def test_no_data_makes_checking_fail():
    chance = random.Random(20261123)
    odd = [
        None,
        True,
        0,
        -1.5,
        "",
        "x",
        "{config.a}",
        [],
        [None],
        {},
        {"type": 1},
        {"a": {"b": []}},
    ]
    full = with_client(
        auth={"type": "bearer", "token": "x"},
        paginator={"type": "offset", "limit": 5},
        retry={"status_codes": [429]},
        rate_limit={"requests": 5, "headers": {"reset": "x"}},
    )
    full["config"] = {"a": {"type": "string", "default": "x"}}
    full["resources"] = with_resource(
        endpoint={
            "params": {"a": {"type": "resolve", "resource": "b", "field": "c"}},
            "incremental": {"cursor_path": "x"},
            "response_actions": [{"status_code": 404, "action": "ignore"}],
        },
        columns={"a": {"data_type": "text"}},
        write_disposition={"disposition": "merge", "strategy": "scd2"},
        processing_steps=[{"filter": "a"}],
    )["resources"]
    for _ in range(300):
        data = copy.deepcopy(full)
        inside = data
        while True:
            keys = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
            key = chance.choice(keys)
            if isinstance(inside[key], dict | list) and inside[key] and chance.random() < 0.8:
                inside = inside[key]
                continue
            inside[key] = chance.choice(odd)
            break
        for finding in findings_of(data):
            assert finding.message
            assert "None" not in finding.message


def test_a_thousand_mistakes_are_enough():
    findings = findings_of({**SMALL, "resources": [5] * 5_000})
    assert 0 < len(findings) <= 1_000
