"""A file judged: findings at their places, and the connector that comes out of a clean one."""

from datetime import timedelta

import pytest

from framework.definition.expressions.jmespath_expression import compile_expression
from framework.definition.finder import find_connector
from framework.definition.validation import validate
from tests.support.validating import codes, judge_data, judge_text

WHOLE = """
version: 1
name: example
description: Everything there is.
config:
  start_date: {type: string, format: date-time, default: "2020-01-01T00:00:00Z"}
  region: {type: string, description: Where., key: REGION}
secrets:
  token: {description: A token.}
client:
  base_url: "https://{config.region}.example.com"
  headers: {Accept: application/json}
  auth: {token: "{secrets.token}"}
  paginator: header_link
  retry: {status_codes: [429, 503], max_retries: 3, backoff_factor: 2, max_wait: PT2M}
  rate_limit:
    {requests: 100, per: PT10S, per_day: 5000, headers: {reset: X-Reset, reset_as: epoch}}
  timeout: 30
  max_in_flight: 5
  allowed_hosts: [files.example.com]
resource_defaults:
  primary_key: id
  write_disposition: merge
  endpoint:
    data_selector: data.items
    params: {count: 100, sort: name}
resources:
  - name: guests
    selected: false
    when: "guest_count > `0`"
    include_from_parent: [title]
    endpoint:
      path: /events/{event}/guests
      params:
        event: {type: resolve, resource: events, field: "split(uri, '/')[-1]"}
        host: "{resources.events.host}"
        count: null
      response_actions:
        - {status_code: [404, 4xx], action: ignore}
        - {status_code: 403, header: {X-Why: plan}, body: "code == 'plan'", action: skip_resource}
    processing_steps:
      - {filter: active}
      - {set: {kind: "'guest'"}}
      - {remove: [secret]}
  - name: events
    schema:
      type: object
      properties: {id: {type: string}, at: {type: string}, title: {}, host: {}}
    endpoint:
      method: POST
      path: /{config.region}/{version}/events
      params: {version: 2}
      json: {since: "{incremental.start_value}"}
      paginator: {type: json_link, next_url_path: "next"}
      incremental:
        cursor_path: at
        initial_value: "{config.start_date}"
        end_value: null
        watermark: run_start
        lag: P30D
  - {name: me, endpoint: "users/{me}", write_disposition: replace}
"""


@pytest.fixture(scope="module")
def connector():
    judged = judge_text(WHOLE.replace('"users/{me}"', "users/me"))
    assert [finding.code for finding in judged.findings] == ["bare-name"]
    return judged.connector


def test_parents_stand_before_their_children(connector):
    assert [resource.name for resource in connector.resources] == ["events", "guests", "me"]


def test_the_client_is_written_out(connector):
    client = connector.client
    assert client.auth == {"type": "bearer", "token": "{secrets.token}"}
    assert client.paginator == {"type": "header_link"}
    assert client.retry.max_wait == timedelta(minutes=2)
    assert client.retry.status_codes == (429, 503)
    assert client.rate_limit.per == timedelta(seconds=10)
    assert (client.rate_limit.reset_header, client.rate_limit.reset_as) == ("X-Reset", "epoch")
    assert (client.rate_limit.per_day, client.rate_limit.scope) == (5000, "credential")
    assert client.timeout == timedelta(seconds=30)
    assert client.allowed_hosts == ("files.example.com",)


def test_config_and_secrets_are_entries(connector):
    start, region = connector.config["start_date"], connector.config["region"]
    assert (start.required, start.default) == (False, "2020-01-01T00:00:00Z")
    assert (region.required, region.key, region.description) == (True, "REGION", "Where.")
    assert "key" not in region.schema
    assert connector.secrets["token"].description == "A token."


def test_a_child_has_its_bindings_and_no_parameters_for_them(connector):
    guests = connector.resource("guests")
    assert guests.parent == "events"
    assert [(b.name, b.resource, b.text) for b in guests.bindings] == [
        ("event", "events", "split(uri, '/')[-1]"),
        ("resources.events.host", "events", "host"),
    ]
    assert guests.endpoint.params == {"sort": "name", "host": "{resources.events.host}"}
    assert guests.when == compile_expression("guest_count > `0`")
    assert guests.include_from_parent == ("title",)
    assert not guests.selected


def test_actions_and_steps_are_written_out(connector):
    first, second = connector.resource("guests").endpoint.response_actions
    assert (first.action, first.status_codes) == ("ignore", ("404", "4xx"))
    assert second.headers == {"X-Why": "plan"}
    assert second.body == compile_expression("code == 'plan'")
    steps = connector.resource("guests").steps
    assert [(step.kind, step.argument) for step in steps] == [
        ("filter", None),
        ("set", {"kind": compile_expression("'guest'")}),
        ("remove", ("secret",)),
    ]
    assert steps[0].expression == compile_expression("active")


def test_an_endpoint_is_merged_and_its_path_bound(connector):
    endpoint = connector.resource("events").endpoint
    assert endpoint.path == "/{config.region}/2/events"
    assert endpoint.method == "POST"
    assert endpoint.params == {"count": 100, "sort": "name"}
    assert endpoint.data_selector == compile_expression("data.items")
    assert endpoint.paginator == {"type": "json_link", "next_url_path": "next"}


def test_an_incremental_keeps_what_dlt_takes_apart_from_ours(connector):
    incremental = connector.resource("events").endpoint.incremental
    assert incremental.lag == timedelta(days=30)
    assert incremental.watermark == "run_start"
    assert incremental.arguments == {
        "cursor_path": "at",
        "initial_value": "{config.start_date}",
        "end_value": None,
    }


def test_hints_are_what_goes_to_dlt(connector):
    assert connector.resource("guests").hints == {
        "primary_key": "id",
        "write_disposition": "merge",
        "selected": False,
    }
    assert connector.resource("events").schema["type"] == "object"


def test_an_incremental_in_a_parameter_is_one_that_names_it():
    judged = judge_data(
        {
            "client": {"base_url": "https://api.example.com", "paginator": "single_page"},
            "resources": [
                {
                    "name": "events",
                    "endpoint": {
                        "params": {
                            "since": {"type": "incremental", "cursor_path": "at", "lag": 60},
                            "n": 1,
                        }
                    },
                }
            ],
        }
    )
    endpoint = judged.connector.resources[0].endpoint
    assert endpoint.incremental.start_param == "since"
    assert endpoint.incremental.arguments == {"cursor_path": "at"}
    assert endpoint.incremental.lag == 60
    assert endpoint.params == {"n": 1}


def test_jsonpath_stays_text_and_auth_can_be_taken_away():
    judged = judge_data(
        {
            "client": {
                "base_url": "https://api.example.com",
                "paginator": {"type": "json_response"},
                "auth": {"token": "{secrets.t}"},
            },
            "resources": [
                {"name": "a", "endpoint": {"data_selector": "$.a[*]", "auth": None}},
                {"name": "b", "endpoint": {"paginator": "single_page"}},
            ],
        },
        secrets={"t": {}},
    )
    first, second = judged.connector.resources
    assert first.endpoint.data_selector == "$.a[*]"
    assert first.endpoint.auth == {"type": "none"}
    assert second.endpoint.auth is None
    assert judged.connector.client.paginator == {"type": "json_link"}


def test_a_file_with_errors_has_no_connector_and_all_findings_by_place():
    judged = judge_text(
        """
version: 1
name: example
client: {base_url: "https://api.example.com", timout: 5, paginator: single_page}
resources:
  - {name: users, write_disposition: merge, endpoint: {params: {x: "{config.y}"}}}
  - {name: users, write_disposition: replace}
"""
    )
    assert judged.connector is None
    assert [(f.line, f.code) for f in judged.findings] == [
        (4, "unknown-key"),
        (6, "merge-without-key"),
        (6, "undeclared-config"),
        (7, "duplicate-resource"),
    ]


RESOURCES = """
resources:
  - {name: users, write_disposition: replace, endpoint: {params: {x: "{config.region}"}}}
"""


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("resources:", "resource:", {"unknown-key"}),
        ('"{config.region}"', "{config.region}", {"missing-key"}),
        ("users,", "{config.region},", {"wrong-type"}),
        ('"{config.region}"', "y", {"unused-config", "unused-secret"}),
    ],
)
def test_what_cannot_be_read_uses_nothing_and_makes_no_entry_unused(old, new, found):
    text = """
version: 1
name: example
client: {base_url: "https://api.example.com", paginator: single_page}
config: {region: {type: string, default: x}}
secrets: {key: {}}
"""
    assert RESOURCES.count(old) == 1
    assert codes(judge_text(text + RESOURCES.replace(old, new))) == found


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("date", 'for a date write `{time: FORMAT}` such as {time: "%d.%m.%Y"}'),
        ("time", "for a time write `columns: {day: {data_type: time}}` beside processing_steps"),
        ("datetime", "for a point in time write `{time: FORMAT}` such as {time: iso}"),
        ("decimal", 'for a decimal write `{decimal: "1,234.56"}`, an example of its form'),
        ("int", "did you mean integer?"),
    ],
)
def test_a_cast_to_what_is_no_type_of_it_says_what_makes_one(wanted, told):
    users = {"name": "users", "processing_steps": [{"cast": {"day": wanted}}]}
    judged = judge_data({"client": {"base_url": "https://a.example.com"}, "resources": [users]})
    [finding] = [one for one in judged.findings if one.code == "not-one-of"]
    assert told in finding.message


def test_warnings_leave_the_connector():
    judged = judge_data({"client": {"base_url": "https://a.example.com"}, "resources": ["users"]})
    assert codes(judged) == {"append-repeats", "paginator-guessed"}
    assert judged.connector is not None


def test_the_input_is_not_changed(connector):
    judged = judge_text(WHOLE.replace('"users/{me}"', "users/me"))
    assert judged.connector.data == connector.data
    assert judged.connector.data["resources"][0]["endpoint"]["params"]["count"] is None


def test_schemas_come_from_the_folder_of_the_connector(tmp_path):
    (tmp_path / "connectors").mkdir()
    (tmp_path / "schemas" / "example").mkdir(parents=True)
    (tmp_path / "schemas" / "example" / "users.json").write_text(
        '{"type": "object", "properties": {"id": {"type": "integer"}}}'
    )
    file = tmp_path / "connectors" / "example.yaml"
    file.write_text(
        "version: 1\nname: example\n"
        "client: {base_url: 'https://api.example.com', paginator: single_page}\n"
        "resources: [{name: users, write_disposition: replace, schema: users}]\n"
    )
    judged = validate(find_connector(str(file)))
    assert judged.findings == ()
    assert judged.connector.resources[0].schema["properties"] == {"id": {"type": "integer"}}


@pytest.mark.parametrize("name", ["../other/users", "..", "/etc/passwd", "users.json", ""])
def test_a_schema_name_that_leads_elsewhere_is_refused(name, tmp_path):
    (tmp_path / "schemas" / "other").mkdir(parents=True)
    (tmp_path / "schemas" / "other" / "users.json").write_text("{}")
    judged = judge_data(
        {
            "client": {"base_url": "https://api.example.com", "paginator": "single_page"},
            "resources": [{"name": "users", "write_disposition": "replace", "schema": name}],
        },
        tmp_path,
    )
    assert judged.connector is None
    assert len(judged.findings) == 1


def test_a_missing_file_is_a_finding(tmp_path):
    judged = validate(find_connector(str(tmp_path / "absent.yaml")))
    assert codes(judged) == {"unreadable-file"}
    assert judged.connector is None


def test_no_dlt_and_no_requests_are_imported():
    import subprocess
    import sys

    script = (
        "import sys; import framework.definition.validation;"
        "print([name for name in ('dlt', 'requests', 'pendulum', 'jsonpath_ng', 'duckdb')"
        " if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert found.stdout.strip() == "[]", found.stderr
