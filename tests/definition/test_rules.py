"""Every code of a finding: documented, shown by an example, and found where the mistake is."""

import copy
import json
import re
from pathlib import Path

import pytest

from framework.definition.check_texts import CHECK_TEXTS
from framework.definition.finder import Location
from framework.definition.rules.rule import RULES
from framework.definition.schema.connector_schema import keys_at, schemas_at
from framework.definition.schema.json_schema import format_checker
from framework.definition.validation import validate_document
from framework.definition.values.value_casts import SCHEMA_EPOCHS
from framework.definition.yaml_reader import parse_document
from tests.support.checks_page import (
    FILE,
    PAGE,
    Case,
    cases,
    output_of,
    page,
    texts,
    validate_case,
)
from tests.support.slow_params import quick_first
from tests.support.validating import GUESSES, codes, judge_data, judge_text

ROOT = Path(__file__).parents[2]
SPEC = ROOT / "framework" / "definition"
CASES = {case.code: case for case in cases()}
_CODE = re.compile(r'"([a-z]+(?:-[a-z]+)+)"')


@pytest.mark.parametrize("code", CASES)
def test_one_mistake_is_one_finding_at_its_place(code):
    case: Case = CASES[code]
    (finding,) = validate_case(case).findings
    assert finding.code == code
    assert finding.severity == case.severity
    assert f"{finding.line}:{finding.column}" == case.at
    assert finding.path == FILE


@pytest.mark.parametrize("code", CASES)
def test_the_page_shows_the_exact_output(code):
    case: Case = CASES[code]
    shown = output_of(case)
    text = PAGE.read_text(encoding="utf-8")
    section = text.split(f"\n## {code}\n")[1].split("\n## ")[0]
    assert f"```text\n{shown}\n```" in section
    if case.example:
        assert f"```yaml\n{case.example.rstrip()}\n```" in section


def test_the_page_is_fresh():
    assert PAGE.read_text(encoding="utf-8") == page()


def test_the_texts_of_the_codes_are_fresh():
    assert CHECK_TEXTS.read_text(encoding="utf-8") == texts()


def test_every_code_in_the_source_is_documented_and_no_other():
    assert source_codes() == set(CASES)


def test_every_rule_is_registered_with_codes_and_severity_of_its_cases():
    severities: dict[str, set[str]] = {}
    for one in RULES:
        assert one.codes
        assert one.check.__doc__
        for code in one.codes:
            severities.setdefault(code, set()).add(one.severity)
    assert set(severities) <= set(CASES)
    assert {code for code in severities if CASES[code].severity not in severities[code]} == set()
    modules = {path.stem for path in (SPEC / "rules").glob("*_rules.py")}
    assert {one.check.__module__.rsplit(".", 1)[1] for one in RULES} == modules


def test_every_case_is_a_rule_of_a_rules_module_or_a_code_of_the_reader_or_the_schema():
    elsewhere = source_codes(
        *(
            SPEC / name
            for name in ("yaml_reader.py", "schema/schema_findings.py", "schema/record_schema.py")
        )
    )
    assert set(CASES) == elsewhere | {code for one in RULES for code in one.codes}


def source_codes(*files: Path) -> set[str]:
    """Every kebab-case text in the source of `definition`, and every code of the JSON Schema."""
    found: set[str] = set()
    for file in files or SPEC.rglob("*.py"):
        found |= set(_CODE.findall(file.read_text(encoding="utf-8")))
    schema = (SPEC.parents[1] / "schemas" / "connector.schema.json").read_text(encoding="utf-8")
    found |= set(re.findall(r'"x-code": "([a-z-]+)"', schema))
    return {code for code in found - NOT_CODES if not code.startswith("x-")}


NOT_CODES = {
    # formats and strategies of JSON Schema and dlt
    *format_checker().checkers,
    *SCHEMA_EPOCHS,
    "delete-insert",
    "insert-only",
}

CLIENT = {"base_url": "https://api.example.com", "paginator": "single_page"}
LIST = {"name": "users", "write_disposition": "replace"}


def judged(resource: dict | None = None, /, client: dict | None = None, **around):
    config = {"client": client or CLIENT, "resources": [resource or LIST]}
    return judge_data({**config, **around})


def endpoint(**keys):
    return judged({**LIST, "endpoint": keys})


@pytest.mark.parametrize(
    ("selector", "better"),
    [
        ("next-token", '"next-token"'),
        ("meta.next-token", 'meta."next-token"'),
        ("@odata.nextLink", '"@odata".nextLink'),
        ("'a-b'", '"a-b"'),
        ("data.'a-b'", 'data."a-b"'),
        ("['@odata.nextLink']", '"@odata.nextLink"'),
        ("['value']", "value"),
        ("data['items']", "data.items"),
        ("data.['items']", "data.items"),
        ("data.[*].x", "data[].x"),
        ("data.[0].x", "data[0].x"),
        ("a[*].b[*]", "a[].b[]"),
        ("*", "$.*"),
        ("*.x", "$.*.x"),
        ("[*]", "$[*]"),
        ("[*].x", "$[*].x"),
    ],
)
def test_what_means_something_else_in_dlt_is_respelled(selector, better):
    found = endpoint(data_selector=selector)
    assert codes(found) == {"jsonpath-spelling"}
    assert f"write {better}" in found.findings[0].message


@pytest.mark.parametrize(
    "selector",
    [
        "data",
        "data.items",
        "data.items[0].more",
        "$",
        "$.data",
        "$.data[*]",
        "$['next-token']",
        "$..id",
        '"next-token"',
        "@",
        "split(uri, '/')[-1]",
        "a || 'none'",
        "(data[*] || data.*)[*].[rows[*] || rows.*][][]",
    ],
)
def test_what_means_the_same_is_left_alone(selector):
    assert codes(endpoint(data_selector=selector)) == set()


@pytest.mark.parametrize(
    ("selector", "as_dlt", "pure"),
    [
        ("results[*]", "$.results[*]", "results[]"),
        ("data[*].x", "$.data[*].x", "data[].x"),
        ("data.*", "$.data.*", "not_null(data.*)"),
        ("a | b", "$.a | b", "not_null(a | b)"),
        ("[a, b]", "$[a, b]", "not_null([a, b])"),
        ("items[?kind == 'a-b'].id", None, "not_null(items[?kind == 'a-b'].id)"),
        ("data[0:2]", "$.data[0:2]", "not_null(data[0:2])"),
        ('"*"', '$."*"', 'not_null("*")'),
    ],
)
def test_what_dlt_reads_otherwise_is_told(selector, as_dlt, pure):
    found = endpoint(data_selector=selector)
    assert codes(found) == {"jsonpath-meaning"}
    assert found.connector is not None
    message = found.findings[0].message
    assert f"or {pure} for JMESPath alone" in message
    assert as_dlt is None or f"write {as_dlt} to read it as dlt does" in message
    assert codes(endpoint(data_selector=pure)) == set()


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ('"@timestamp"', set()),
        ('meta."Last Change"', set()),
        ("changed-at", set()),
        ('"open', {"cursor-path"}),
        ("Last Change", {"cursor-path"}),
        ("max(dates)", {"cursor-path"}),
    ],
)
def test_a_cursor_is_a_field_under_any_name(path, found):
    incremental = {"cursor_path": path, "start_param": "since", "initial_value": 1}
    assert codes(endpoint(incremental=incremental)) == found


def test_the_unit_of_a_bound_is_judged_where_config_holds_it_and_once():
    cursor = {"cursor_path": "at", "format": "epoch_milliseconds"}
    bounds = {"initial_value": "{config.since}", "end_value": "{config.until}"}
    found = judged(
        {**LIST, "endpoint": {"incremental": {**cursor, **bounds, "start_param": "from"}}},
        config={
            "since": {"type": "integer", "default": 1735689600},
            "until": {"type": "integer", "default": 1767225600000},
        },
    )
    (finding,) = [one for one in found.findings if one.code == "time-in-other-unit"]
    assert "write 1735689600000" in finding.message


def test_spelling_is_judged_wherever_dlt_reads_jsonpath_too():
    paginator = {"type": "cursor", "cursor_path": "next-token", "has_more_path": "'more'"}
    found = judged(client={**CLIENT, "paginator": paginator})
    assert [finding.code for finding in found.findings] == ["jsonpath-spelling"] * 2
    child = {
        "name": "guests",
        "write_disposition": "replace",
        "endpoint": "a/{resources.users.user-id}/b",
    }
    config = {"client": CLIENT, "resources": [LIST, child]}
    assert codes(judge_data(config)) == {"jsonpath-spelling"}


def test_config_may_stand_inside_an_expression_and_as_a_parameter():
    scope = {"type": "string", "enum": ["team", "user"], "default": "team"}
    field = "{resources.users.{team: team_uri, user: uri}.{config.scope}}"
    child = {**LIST, "name": "b", "endpoint": {"path": "x", "params": {"{config.scope}": field}}}
    config = {"client": CLIENT, "resources": [LIST, child]}
    found = judge_data(config, config={"scope": scope})
    assert codes(found) == set()
    (binding,) = found.connector.resource("b").bindings
    assert binding.field == "{team: team_uri, user: uri}.{config.scope}"
    undeclared = judge_data(config, config={"scpe": scope})
    assert codes(undeclared) == {"undeclared-config"}
    scope["enum"] = ["team", "a b"]
    assert codes(judge_data(config, config={"scope": scope})) == {"bad-expression"}


def test_text_is_only_text_where_dlt_reads_no_expression():
    steps = [{"set": {"kind": "'guest'"}}, {"filter": "a[*].b[*]"}]
    assert codes(judged({**LIST, "processing_steps": steps})) == set()


@pytest.mark.parametrize(
    "url",
    ["http://localhost:8080", "http://127.0.0.1/x", "http://[::1]:80", "https://a.example.com"],
)
def test_loopback_may_be_plain_http(url):
    assert codes(judged(client={**CLIENT, "base_url": url})) == set()


def test_plain_http_is_an_error_where_secrets_travel():
    client = {**CLIENT, "base_url": "http://a.example.com"}
    assert codes(judged(client=client), "warning") == {"plain-http"}
    client["auth"] = {"token": "{secrets.t}"}
    assert codes(judged(client=client, secrets={"t": {}}), "error") == {"plain-http"}


def test_plain_http_is_found_in_a_default():
    config = {"url": {"type": "string", "default": "http://a.example.com"}}
    found = judged(client={**CLIENT, "base_url": "{config.url}"}, config=config)
    assert codes(found) == {"plain-http"}


@pytest.mark.parametrize(
    "client",
    [
        {"auth": {"type": "api_key", "api_key": "abc"}},
        {"auth": {"type": "http_basic", "username": "ada", "password": "abc"}},
        {"headers": {"Authorization": "Bearer abc"}},
        {"headers": {"X-Api-Key": "abc"}},
        {"base_url": "https://ada:abc@api.example.com"},
        {"tls": {"cert": "client.pem", "key": "abc"}},
        {"tls": {"cert": "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----"}},
    ],
    ids=str,
)
def test_a_literal_secret_is_found(client):
    assert codes(judged(client={**CLIENT, **client})) == {"literal-secret"}


def test_a_private_key_is_a_secret_and_needs_its_certificate():
    key = {"key": {"type": "string", "default": "/run/key.pem"}}
    tls = {"cert": "/run/client.pem", "key": "{config.key}"}
    assert codes(judged(client={**CLIENT, "tls": tls}, config=key)) == {"secret-from-config"}
    tls = {"key": "{secrets.t}", "ca": "ca.pem"}
    assert codes(judged(client={**CLIENT, "tls": tls}, secrets={"t": {}})) == {"missing-key"}


def test_a_signature_of_oauth1_needs_the_key_of_its_method():
    auth = {"type": "oauth1", "consumer_key": "a", "private_key": "{secrets.t}"}
    client = {**CLIENT, "auth": auth}
    assert codes(judged(client=client, secrets={"t": {}})) == {"auth-without-secret"}
    auth["signature_method"] = "RSA-SHA1"
    assert codes(judged(client=client, secrets={"t": {}})) == set()
    auth["token"] = "{secrets.t}"
    assert codes(judged(client=client, secrets={"t": {}})) == {"missing-key"}


def test_a_certificate_of_the_client_takes_the_place_of_its_secret():
    auth = {
        "type": "oauth2_client_credentials",
        "client_id": "{secrets.t}",
        "access_token_url": "https://auth.example.com/token",
    }
    client = {**CLIENT, "auth": auth}
    assert codes(judged(client=client, secrets={"t": {}})) == {"auth-without-secret"}
    client["tls"] = {"cert": "{secrets.t}"}
    assert codes(judged(client=client, secrets={"t": {}})) == set()


@pytest.mark.parametrize(
    "client",
    [
        {"auth": {"type": "http_basic", "username": "{secrets.t}", "password": "x"}},
        {"headers": {"Authorization": "Token {secrets.t}"}},
        {"headers": {"Accept": "application/json", "X-Page-Token-Style": "short"}, "auth": None},
        {"tls": {"cert": "/run/client.pem", "key": "{secrets.t}", "ca": "/run/ca.pem"}},
    ],
    ids=str,
)
def test_what_is_no_literal_secret_is_left_alone(client):
    found = judged(client={**CLIENT, **client}, secrets={"t": {}})
    assert codes(found) <= {"unused-secret"}


@pytest.mark.parametrize("auth", ["bearer", "api_key", "http_basic", {}, {"type": "http_basic"}])
def test_an_auth_needs_its_secret(auth):
    assert codes(judged(client={**CLIENT, "auth": auth})) == {"auth-without-secret"}


@pytest.mark.parametrize(
    "endpoint",
    [
        {"incremental": {"start_param": "since"}},
        {"params": {"since": "{incremental.start_value}"}},
        {"params": {"since": "{format_time(incremental.last_value, '%Y-%m-%d')}"}},
        {"path": "/orders/{incremental.start_value}"},
        {"method": "POST", "json": {"filter": {"from": "{incremental.initial_value}"}}},
    ],
)
def test_a_cursor_counts_as_sent_wherever_the_request_holds_it(endpoint):
    incremental = {"cursor_path": "at", "initial_value": "2026-01-01"}
    whole = {**endpoint, "incremental": {**incremental, **endpoint.get("incremental", {})}}
    resource = {"name": "orders", "primary_key": "id", "write_disposition": "merge"}
    config = {"client": CLIENT, "resources": [{**resource, "endpoint": whole}]}
    assert "cursor-not-sent" not in codes(judge_data(config))
    whole["incremental"]["step"] = "P1D"
    assert "window-not-sent" not in codes(judge_data(config))  # the start may name the window
    whole["incremental"]["end_param"] = "until"
    assert "window-not-sent" not in codes(judge_data(config))


def test_a_child_may_be_keyed_by_what_it_includes_of_its_parent():
    lines = {
        "name": "lines",
        "primary_key": ["_orders_id", "number"],
        "include_from_parent": ["id"],
        "endpoint": "/orders/{resources.orders.id}/lines",
        "schema": {"type": "object", "properties": {"number": {"type": "integer"}}},
    }
    defaults = {"write_disposition": "merge"}
    orders = {"name": "orders", "primary_key": "id", "endpoint": "/orders"}
    config = {"client": CLIENT, "resource_defaults": defaults, "resources": [orders, lines]}
    assert codes(judge_data(config)) == set()
    lines["primary_key"] = ["order_id"]
    (finding,) = judge_data(config).findings
    assert finding.code == "key-not-in-schema"
    assert "include_from_parent: [FIELD], as _orders_FIELD" in finding.message


def test_a_child_of_a_list_read_from_a_cursor_does_not_repeat():
    parent = {
        "name": "events",
        "endpoint": {"incremental": {"cursor_path": "at", "start_param": "since"}},
    }
    child = {"name": "guests", "endpoint": "events/{resources.events.id}/guests"}
    config = {"client": CLIENT, "resources": [child, parent]}
    assert codes(judge_data(config)) == set()


def test_repeating_lists_are_one_finding():
    config = {"client": {"base_url": "https://a.example.com"}, "resources": ["a", "b", "c"]}
    found = judge_data(config)
    assert sorted(f.code for f in found.findings) == ["append-repeats", "paginator-guessed"]
    assert "a, b and c" in found.findings[0].message


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"write_disposition": "merge", "merge_key": "id"}, set()),
        ({"write_disposition": {"disposition": "merge", "strategy": "scd2"}}, set()),
        ({"write_disposition": "merge", "columns": {"id": {"primary_key": True}}}, set()),
        (
            {
                "write_disposition": {"disposition": "merge", "strategy": "upsert"},
                "merge_key": "id",
            },
            {"merge-without-key"},
        ),
        ({"write_disposition": "merge", "primary_key": []}, {"merge-without-key"}),
    ],
    ids=str,
)
def test_a_merge_needs_something_to_match_by(resource, expected):
    assert codes(judged({"name": "users", **resource})) == expected


def test_one_mistake_in_the_defaults_is_one_finding_there():
    config = {
        "client": CLIENT,
        "resource_defaults": {
            "write_disposition": "merge",
            "endpoint": {"params": {"n": "{config.absent}"}, "data_selector": "next-token"},
        },
        "resources": ["a", "b", "c"],
    }
    found = judge_data(config)
    assert sorted(f.code for f in found.findings) == [
        "jsonpath-spelling",
        "merge-without-key",
        "undeclared-config",
    ]
    lines = json.dumps({"version": 1, "name": "example", **config}, indent=1).splitlines()
    for finding in found.findings:
        place = lines[finding.line - 1]
        assert any(word in place for word in ("merge", "config.absent", "next-token"))


def test_a_misspelt_key_is_one_finding():
    for resource in (
        {"name": "a", "write_dispositon": "replace"},
        {"name": "a", "write_disposition": "merge", "primarykey": "id"},
        {"name": "a", "write_disposition": "replace", "endpoint": {"paginatr": "single_page"}},
    ):
        client = {"base_url": "https://a.example.com"}
        client |= {} if "endpoint" in resource else {"paginator": "single_page"}
        found = judged(resource, client=client)
        assert codes(found) == {"unknown-key"}


def test_a_cycle_of_three_is_one_finding():
    def child(name, parent):
        return {**LIST, "name": name, "endpoint": f"x/{{resources.{parent}.id}}/y"}

    resources = [child("a", "b"), child("b", "c"), child("c", "a"), child("d", "a")]
    found = judge_data({"client": CLIENT, "resources": resources})
    assert [f.code for f in found.findings] == ["parent-cycle"]
    assert "a from b from c from a" in found.findings[0].message


def test_children_collide_with_the_lists_of_others():
    items = {"type": "array", "items": {"type": "object", "properties": {"x": {}}}}
    schema = {"type": "object", "properties": {"guestList": items}}
    resources = [
        {**LIST, "schema": schema},
        {**LIST, "name": "other", "table_name": "users__guest_list"},
    ]
    found = judge_data({"client": CLIENT, "resources": resources})
    assert codes(found) == {"table-collision"}


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("id", set()),
        ("address.street", set()),
        ("tags[0]", set()),
        ("split(uri, '/')", set()),
        ("uri", {"parent-field-not-in-schema"}),
        ("adress.street", {"parent-field-not-in-schema"}),
    ],
)
def test_what_a_child_reads_is_in_its_parents_schema(field, expected):
    address = {"type": "object", "properties": {"street": {"type": "string"}}}
    tags = {"type": "array", "items": {"type": "string"}}
    properties = {"id": {"type": "string"}, "address": address, "tags": tags}
    parent = {**LIST, "schema": {"type": "object", "properties": properties}}
    child = {**LIST, "name": "b", "endpoint": f"x/{{resources.users.{field}}}/y"}
    found = judge_data({"client": CLIENT, "resources": [parent, child]})
    assert codes(found) == expected


def test_a_default_that_reads_from_one_resource_is_taken_away_there():
    defaults = {"endpoint": {"params": {"user": "{resources.users.id}"}}}
    child = {**LIST, "name": "b"}
    config = {"client": CLIENT, "resource_defaults": defaults, "resources": [LIST, child]}
    found = judge_data(config)
    assert codes(found) == {"parent-cycle"}
    assert "null" in found.findings[0].message
    config["resources"] = [{**LIST, "endpoint": {"params": {"user": None}}}, child]
    assert codes(judge_data(config)) == set()


def test_one_table_name_written_twice_is_meant():
    resources = [{**LIST, "table_name": "people"}, {**LIST, "name": "b", "table_name": "people"}]
    assert codes(judge_data({"client": CLIENT, "resources": resources})) == set()


DURATIONS = {
    "client.timeout": 0,
    "client.max_response_time": 0,
    "client.rate_limit.per": 0,
    "client.rate_limits.0.per": 0,
    "client.auth.expires_in": 0,
    "client.retry.max_wait": 1,
    "client.retry.backoff": 1,
    "endpoint.incremental.lag": 1,
    "endpoint.incremental.step": 0,
    "endpoint.incremental.granularity": 0,
    "endpoint.incremental.lookahead": 0,
    "endpoint.incremental.full_read_every": 0,
    "endpoint.export.every": 0,
    "endpoint.export.timeout": 0,
    "endpoint.response_actions.0.max_wait": 1,
    "endpoint.response_actions.0.backoff": 1,
    "endpoint.timeout": 0,
    "endpoint.retry.max_wait": 1,
    "endpoint.retry.backoff": 1,
    "endpoint.rate_limit.per": 0,
    "partitions.0.dates.step": 0,
    "partitions.0.dates.granularity": 0,
}
"""Every duration of a connector file, and whether it may be zero."""
DURATIONS_EVERYWHERE = {
    "client": {
        **CLIENT,
        "auth": {"type": "jwt", "key": "{secrets.k}"},
        "rate_limit": {"requests": 5},
        "rate_limits": [{"name": "some", "requests": 5}],
        "retry": {},
    },
    "partitions": [{"name": "day", "dates": {"start": "2026-01-01", "step": "P1D"}}],
    "endpoint": {
        "params": {"day": "{partition.day}"},
        "incremental": {"cursor_path": "at", "initial_value": "2026-01-01", "end_param": "until"},
        "export": {
            "status": "/{job.id}",
            "ready": "done",
            "download": {"url": "{response.url}"},
        },
        "response_actions": [{"status_code": 503, "action": "retry"}],
        "rate_limit": {"requests": 5},
        "retry": {},
    },
}


@pytest.mark.parametrize("place", DURATIONS)
def test_a_duration_of_zero_is_refused_wherever_time_has_to_pass(place):
    steps = tuple(int(step) if step.isdigit() else step for step in place.split("."))
    for value, expected in (("PT0S", not DURATIONS[place]), ("P9999999D", True)):
        data = with_value(DURATIONS_EVERYWHERE, steps, value)
        client = data.pop("client")
        found = judged({**LIST, **data}, client=client, secrets={"k": {}})
        assert ("bad-duration" in codes(found)) is expected, found.findings


def test_every_duration_of_the_schema_is_tried():
    def durations(value, place=()):
        notes = [one.get("x-kind") for one in schemas_at(place)]
        if {"duration", "period"} & set(notes):
            yield place
        for key in keys_at(place):
            yield from durations(value, (*place, key))
        if any("items" in part for part in schemas_at(place)):
            yield from durations(value, (*place, 0))

    everywhere = {*durations(None, ("client",)), *durations(None, ("resources", 0))}
    tried = {
        tuple(0 if step.isdigit() else step for step in place.split(".")) for place in DURATIONS
    }
    known = {place if place[0] == "client" else ("resources", 0, *place) for place in tried}
    # an auth of a login or of a case, and an incremental in a parameter, are the same definitions
    rest = {place for place in everywhere - known if not {"auth", "paginator"} & set(place)}
    assert rest == set()
    assert known <= everywhere


WRONG = [
    None,
    True,
    0,
    7,
    -1.5,
    "",
    "text",
    "{",
    "{config.x}",
    "$[",
    "a b",
    [],
    [[]],
    {},
    {"x": []},
]
FULL = {
    "version": 1,
    "name": "example",
    "config": {"x": {"type": "string", "default": "a"}},
    "secrets": {"s": {"description": "d"}},
    "client": {
        "base_url": "https://api.example.com",
        "headers": {"A": "b"},
        "auth": {"type": "api_key", "api_key": "{secrets.s}"},
        "paginator": {"type": "offset", "limit": 5, "total_path": "t"},
        "retry": {"status_codes": [429]},
        "rate_limit": {"requests": 5, "headers": {"reset": "X"}},
        "allowed_hosts": ["a.example.com"],
    },
    "resource_defaults": {"primary_key": "id", "endpoint": {"params": {"n": "{config.x}"}}},
    "resources": [
        {
            "name": "a",
            "schema": {"type": "object", "properties": {"id": {"type": "string"}}},
            "write_disposition": {"disposition": "merge", "strategy": "upsert"},
            "columns": [{"name": "id", "data_type": "text"}],
            "endpoint": {
                "incremental": {"cursor_path": "id", "start_param": "s", "initial_value": "x"},
                "response_actions": [{"status_code": 404, "action": "ignore", "body": "a"}],
            },
        },
        {
            "name": "b",
            "when": "a",
            "table_name": "c",
            "include_from_parent": ["id"],
            "processing_steps": [{"set": {"a": "b"}}],
            "endpoint": {
                "path": "a/{p}/{resources.a.id}",
                "params": {"p": {"type": "resolve", "resource": "a", "field": "id"}},
                "json": {"x": ["{resources.a.id}"]},
                "data_selector": "a",
            },
        },
        {
            "name": "graph",
            "write_disposition": "replace",
            "endpoint": {
                "path": "/graphql",
                "graphql": {
                    "query": "query A($x: Int) { a(x: $x) { b } }",
                    "operation": "A",
                    "variables": {"x": "{config.x}"},
                    "partial_data": "keep",
                },
                "paginator": "single_page",
            },
        },
    ],
}


def places(value, at=()):
    yield at
    if isinstance(value, dict | list):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*at, step))


def with_value(value, at, wrong):
    if not at:
        return wrong
    copy = dict(value) if isinstance(value, dict) else list(value)
    inside = value[at[0]] if isinstance(value, list) or at[0] in value else None
    copy[at[0]] = with_value(inside, at[1:], wrong)
    return copy


@pytest.mark.slow
@pytest.mark.parametrize("at", list(places(FULL))[1:], ids=lambda at: ".".join(map(str, at)))
def test_no_shape_of_input_ends_in_an_exception(at):
    for wrong in WRONG:
        found = judge_text(json.dumps(with_value(FULL, at, wrong)))
        assert found.connector is None or codes(found, "error") == set()


def test_the_whole_example_of_shapes_is_clean_but_for_one():
    assert codes(judge_text(json.dumps(FULL))) - GUESSES == set()


def test_a_field_that_the_request_names_makes_no_list_begin_anew():
    parent = {**LIST, "name": "orders", "primary_key": "id", "write_disposition": "merge"}
    cursor = {"cursor_path": "at", "start_param": "since", "initial_value": 1}
    child = {
        "name": "events",
        "write_disposition": "append",
        "endpoint": {"path": "{resources.orders.id}/events", "incremental": cursor},
        "processing_steps": [{"set": {"of": "context().parent.id"}}],
    }
    assert codes(judge_data({"client": CLIENT, "resources": [parent, child]})) == set()
    child["processing_steps"] = [{"set": {"of": "context().parent.name"}}]
    assert codes(judge_data({"client": CLIENT, "resources": [parent, child]})) == {"append-rereads"}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"endpoint": {"paginator": {"typ": "json_link", "next_url_path": "next"}}}, "typ"),
        (
            {"endpoint": {"params": {"id": {"tpe": "resolve", "resource": "a", "field": "b"}}}},
            "tpe",
        ),
        ({"endpoint": {"params": {"at": {"typ": "incremental", "cursor_path": "a"}}}}, "typ"),
        ({"endpoint": {"response_format": {"typx": "csv"}}}, "typx"),
        ({"write_disposition": {"dispositon": "merge", "strategy": "scd2"}}, "dispositon"),
    ],
)
def test_a_misspelt_type_is_one_error_at_its_key(change, word):
    errors = [one for one in judged({**LIST, **change}).findings if one.severity == "error"]
    assert [(one.code, f"`{word}`" in one.message) for one in errors] == [("unknown-key", True)]
    assert "did you mean" in errors[0].message


@pytest.mark.parametrize(
    "change",
    [
        {"primary_key": "{config.key}"},
        {"primary_key": ["id", "{resources.users.id}"]},
        {"columns": {"at": {"data_type": "text", "description": "{config.key}"}, "x": {}}},
        {"endpoint": {"incremental": {"cursor_path": "{resources.nope.id}", "start_param": "a"}}},
        {"endpoint": {"incremental": {"cursor_path": "at", "start_param": "{config.key}"}}},
        {"endpoint": {"response_actions": [{"content": "{parent.id}", "action": "ignore"}]}},
    ],
)
def test_a_placeholder_in_plain_text_is_told(change):
    found = codes(judged({**LIST, **change}))
    assert ("placeholder-not-here" in found) == ("columns" not in change)


MODELS = sorted((ROOT / "tests/cases").glob("*/connector.yaml"))
MODELS.append(ROOT / "connectors" / "scheduling.yaml")


@pytest.mark.parametrize("file", quick_first(*MODELS, quick=6), ids=lambda one: one.parent.name)
def test_no_key_of_a_right_file_may_be_misspelt(file):
    """Each key that the format knows, without its last letter: an error names it."""
    document, _ = parse_document(file.read_text(encoding="utf-8"), "x.yaml")
    root = file.parent.parent if file.parent.name == "connectors" else file.parent
    location = Location(document.data["name"], file, root, "x.yaml")
    for place, pointer in known_keys(document.data):
        key = pointer[-1]
        wrong = f"{key[:-1]}" if len(key) > 3 else f"{key}{key[-1]}"
        if wrong in keys_at(place):
            continue
        data = copy.deepcopy(document.data)
        holder = data
        for step in pointer[:-1]:
            holder = holder[step]
        renamed = {wrong if name == key else name: value for name, value in holder.items()}
        holder.clear()
        holder.update(renamed)
        broken, findings = parse_document(json.dumps(data), "x.yaml")
        found = [*findings, *validate_document(broken, location).findings]
        assert any(one.severity == "error" and f"`{wrong}`" in one.message for one in found), (
            pointer
        )


def known_keys(value, place=(), pointer=()):
    """Yield place and pointer of every key that the connector schema names."""
    if isinstance(value, dict):
        known = keys_at(place)
        for key, inner in value.items():
            if key in known:
                yield place, (*pointer, key)
            yield from known_keys(inner, (*place, key if key in known else "*"), (*pointer, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from known_keys(inner, (*place, 0), (*pointer, position))


@pytest.mark.parametrize("path", ["%Y-%Y", "a b", "a%", "#"])
def test_a_cursor_path_is_one_that_dlt_reads_too(path):
    incremental = {"cursor_path": path, "initial_value": "2026-01-01", "start_param": "since"}
    assert "cursor-path" in codes(judged({**LIST, "endpoint": {"incremental": incremental}}))


@pytest.mark.parametrize(
    ("resource", "incremental", "is_told"),
    [
        ({"primary_key": []}, {}, True),
        ({}, {"primary_key": []}, True),
        ({"primary_key": []}, {"range_start": "open"}, False),
        ({"primary_key": []}, {"primary_key": "id"}, False),
        ({"primary_key": [], "write_disposition": "replace"}, {}, False),
        ({}, {}, False),
    ],
)
def test_an_empty_key_does_not_append_records_again(resource, incremental, is_told):
    incremental = {"cursor_path": "at", "start_param": "since", **incremental}
    endpoint = {"incremental": incremental, "paginator": "single_page"}
    items = {"name": "items", "write_disposition": "append", **resource, "endpoint": endpoint}
    client = {"base_url": "https://api.example.com"}
    judged = judge_data({"client": client, "resources": [items]})
    assert ("append-overlaps" in codes(judged)) is is_told
