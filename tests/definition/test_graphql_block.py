"""GraphQL blocks: the request that they stand for, and findings at the query's own lines."""

import json

import pytest
import yaml

from tests.support.validating import codes, judge_text

HEAD = """\
version: 1
name: example
client: {base_url: "https://api.example.com"}
resources:
  - name: orders
    primary_key: id
    write_disposition: merge
    endpoint:
      path: /graphql
      graphql:
"""
QUERY = """\
query ($first: Int, $after: String) {
  orders(first: $first, after: $after) {
    nodes { id }
    pageInfo { hasNextPage endCursor }
  }
}
"""


def indented(text, spaces=10):
    return "".join(f"{' ' * spaces}{line}\n" for line in text.splitlines())


def judged(query, rest="", root=None):
    text = f"{HEAD}        query: {query}{rest}"
    return judge_text(text) if root is None else judge_text(text, root)


def block(query=QUERY, rest=""):
    return judged(f"|\n{indented(query)}", rest)


def request(found):
    assert found.connector is not None, found.findings
    return found.connector.resources[0].endpoint


def test_a_block_is_a_post_with_a_paginator_and_a_selector():
    endpoint = request(block(rest="        variables: {first: 50, after: null}\n"))
    assert (endpoint.method, endpoint.data_selector.text) == ("POST", "data.orders.nodes")
    assert endpoint.json["query"].replace("{{", "{").replace("}}", "}") == QUERY
    assert endpoint.json["variables"] == {"first": 50}
    assert endpoint.paginator == {
        "type": "cursor",
        "cursor_path": "data.orders.pageInfo.endCursor",
        "has_more_path": "data.orders.pageInfo.hasNextPage",
        "cursor_body_path": "variables.after",
    }
    (action,) = endpoint.response_actions
    assert (action.body.text, action.action) == ("errors", "fail")


def test_what_the_endpoint_has_itself_stays():
    own = "      data_selector: data\n      paginator: single_page\n"
    own += "      response_actions: [{status_code: 404, action: ignore}]\n"
    endpoint = request(block(rest=own))
    assert endpoint.data_selector.text == "data"
    assert endpoint.paginator == {"type": "single_page"}
    assert [one.action for one in endpoint.response_actions] == ["ignore", "fail"]


def test_a_cursor_that_the_file_writes_itself_is_not_sent_twice():
    endpoint = request(block(rest='        variables: {after: "{paginator.cursor}"}\n'))
    assert "cursor_body_path" not in endpoint.paginator


def test_partial_data_is_no_failure_if_it_is_kept():
    endpoint = request(block(rest="        partial_data: keep\n"))
    assert endpoint.response_actions[0].body.text == "errors && type(data.orders) == 'null'"
    assert endpoint.data_selector.text == "data.orders.nodes[]"


def test_a_path_that_ends_in_a_placeholder_is_still_a_list():
    text = HEAD.replace("path: /graphql", 'path: "/{config.version}"')
    text = text.replace("resources:", "config: {version: {type: string, default: v1}}\nresources:")
    found = judge_text(f"{text}        query: |\n{indented(QUERY)}")
    assert request(found).data_selector.text == "data.orders.nodes"


BROKEN = "{\n  orders {\n    id(\n  }\n}\n"
ONE_LINE = "{ orders { id( } }"


@pytest.mark.parametrize(
    ("query", "at"),
    [
        (f"|\n{indented(BROKEN)}", (15, 13)),
        (f"|-  # as it is\n{indented(BROKEN, 13)}", (15, 16)),
        (f"&q |+\n\n{indented(BROKEN)}", (16, 13)),
        (f"|2\n{indented(BROKEN)}", (15, 13)),
        (f"'{ONE_LINE}'\n", (11, 32)),
        (f'"{ONE_LINE}"\n', (11, 32)),
        (f">\n{indented(BROKEN)}", (11, 16)),
        (json.dumps(BROKEN) + "\n", (11, 16)),
    ],
    ids=["block", "comment", "anchor", "indent", "single", "double", "folded", "escaped"],
)
def test_a_mistake_is_found_at_its_line_and_column(query, at):
    text = f"{HEAD}        query: {query}"
    assert yaml.safe_load(text)
    (finding,) = [one for one in judge_text(text).findings if one.code == "graphql-query"]
    assert (finding.line, finding.column) == at
    assert ("line 4 of the query" in finding.message) == (at == (11, 16))


def test_a_mistake_in_a_file_is_found_in_the_file(tmp_path):
    folder = tmp_path / "queries" / "example"
    folder.mkdir(parents=True)
    (folder / "broken.graphql").write_text("\n" + BROKEN, encoding="utf-8")
    (finding,) = judged("broken\n", root=tmp_path).findings
    assert (finding.path, finding.line, finding.column) == (
        str(folder / "broken.graphql"),
        5,
        3,
    )


def test_a_query_file_is_inside_the_folder(tmp_path):
    private = tmp_path / "private.graphql"
    private.write_text("{ secret }", encoding="utf-8")
    root = tmp_path / "root"
    folder = root / "queries" / "example"
    folder.mkdir(parents=True)
    (folder / "linked.graphql").symlink_to(private)
    assert codes(judged("linked\n", root=root)) == {"query-missing"}
    assert codes(judged("../../private\n", root=root)) == {"query-missing"}
    (folder / "bytes.graphql").write_bytes(b"\xff{ a }")
    assert codes(judged("bytes\n", root=root)) == {"query-missing"}


@pytest.mark.parametrize(
    ("rest", "found"),
    [
        ("      method: GET\n", {"graphql-request"}),
        ("      method: POST\n", set()),
        ("      json: {a: 1}\n", {"graphql-request"}),
        ("      data: a=1\n", {"graphql-request"}),
        ("        variables: {frst: 1}\n", {"graphql-variable"}),
        ("        operation: Orders\n", {"graphql-query"}),
        ("        partial_data: ignore\n", {"not-one-of"}),
        ("        querry: x\n", {"unknown-key"}),
        ('        variables: {first: "{config.nope}"}\n', {"undeclared-config"}),
        ('        variables: {first: "{resources.nope.id}"}\n', {"unknown-parent"}),
    ],
)
def test_what_does_not_go_with_the_block_is_told(rest, found):
    assert codes(block(rest=rest)) == found


def test_a_request_of_the_defaults_is_replaced():
    defaults = "resource_defaults: {endpoint: {method: GET, json: {a: 1}}}\nresources:"
    text = HEAD.replace("resources:", defaults)
    found = judge_text(f"{text}        query: |\n{indented(QUERY)}")
    assert "a" not in request(found).json


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("pageInfo { hasNextPage endCursor }", ""), "`pageInfo { hasNextPage endCursor }`"),
        (("endCursor", ""), "`pageInfo { hasNextPage endCursor }` to its fields"),
        (("hasNextPage", ""), "`pageInfo { hasNextPage endCursor }` to its fields"),
        (("after: $after", ""), "`after: $VARIABLE` to its arguments"),
        (("nodes { id }", "totalCount"), "asks for no records of orders"),
    ],
)
def test_a_list_that_would_be_cut_is_an_error(change, words):
    query = QUERY.replace(*change)
    if "$after)" not in query:
        query = query.replace(", $after: String", "")
    (finding,) = block(query).findings
    assert (finding.code, finding.severity) == ("graphql-connection", "error")
    assert (finding.line, finding.column) == (13, 13)
    assert words in finding.message


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("{ a { b } c { d } }", "asks for a and c"),
        ("{ a(first: 1) { nodes { b } } c(first: 1) { nodes { b } } }", "several lists, a and c"),
    ],
)
def test_which_list_is_meant_is_not_guessed(query, words):
    findings = block(query).findings
    (finding,) = [one for one in findings if one.code == "graphql-connection"]
    assert words in finding.message


def test_a_required_variable_has_a_value():
    query = QUERY.replace("$first: Int", "$first: Int!")
    (finding,) = block(query).findings
    assert (finding.code, finding.line, finding.column) == ("graphql-variable", 12, 18)
    query = QUERY.replace("$after: String", "$after: String!")
    (finding,) = block(query).findings
    assert "declare it as `String`" in finding.message


@pytest.mark.parametrize("kind", ["mutation", "subscription"])
def test_only_a_query_reads(kind):
    found = block(f"{kind} {{ a {{ id }} }}", "      paginator: single_page\n")
    assert codes(found) == {"graphql-query"}


def test_a_mutation_may_create_an_export_job():
    rest = '      paginator: single_page\n      export: {download: {url: "{response.url}"}}\n'
    assert codes(block("mutation { start { id } }", rest)) == set()


def test_a_placeholder_in_a_query_is_told_where_it_goes():
    (finding,) = block(QUERY.replace("first: $first", "first: {config.size}")).findings
    assert "write the value in `variables`" in finding.message


def test_a_null_is_no_block():
    text = HEAD.replace("graphql:\n", "graphql: null\n      paginator: single_page\n")
    assert request(judge_text(text)).method == "GET"
