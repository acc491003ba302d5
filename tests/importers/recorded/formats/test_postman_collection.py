"""A Postman collection: folders, variables, auth that is inherited, saved responses."""

import json

import pytest

from framework.cli.main import main
from framework.importers.recorded.formats.postman_collection import read_postman

SAVED = {
    "name": "ok",
    "code": 200,
    "header": [{"key": "Content-Type", "value": "application/json"}],
    "body": '{"customers": [{"id": "c1"}, {"id": "c2"}], "total": 5}',
}
COLLECTION = {
    "info": {
        "name": "Shop",
        "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
    },
    "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{api_token}}"}]},
    "variable": [{"key": "version", "value": "v3"}, {"key": "root", "value": "{{baseUrl}}"}],
    "item": [
        {
            "name": "Customers",
            "item": [
                {
                    "request": {
                        "method": "GET",
                        "url": {
                            "raw": "{{root}}/{{version}}/customers?limit=2&offset=0&debug=1",
                            "query": [
                                {"key": "limit", "value": "2"},
                                {"key": "offset", "value": "0"},
                                {"key": "debug", "value": "1", "disabled": True},
                            ],
                        },
                    },
                    "response": [SAVED],
                },
                {"request": "{{root}}/{{version}}/customers/:customerId/orders"},
                {
                    "request": {
                        "method": "POST",
                        "url": "{{root}}/{{version}}/customers",
                        "body": {"mode": "raw", "raw": '{"name": "x"}'},
                    }
                },
                {
                    "request": {
                        "url": {
                            "raw": "{{root}}/{{version}}/customers/:id",
                            "variable": [{"key": "id", "value": "c1"}],
                        }
                    }
                },
            ],
        },
        {
            "request": {
                "method": "POST",
                "url": "{{root}}/files",
                "body": {"mode": "formdata", "formdata": [{"key": "file"}]},
            }
        },
        {
            "request": {
                "method": "POST",
                "url": "{{root}}/graphql",
                "body": {
                    "mode": "graphql",
                    "graphql": {
                        "query": "query Load($shop: ID, $after: String) { items(shop: $shop, "
                        "after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } }",
                        "variables": '{"shop": "{{shopId}}"}',
                    },
                },
            }
        },
    ],
}


@pytest.fixture
def imported(tmp_path, monkeypatch, capsys):
    """Return a function that imports a collection, and returns the file's text and the report."""
    monkeypatch.chdir(tmp_path)

    def do(collection):
        (tmp_path / "shop.json").write_text(json.dumps(collection))
        assert main(["import", "postman", "shop.json", "--force", "--format", "json"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert main(["validate", "shop", "--strict"]) == 0
        capsys.readouterr()
        return (tmp_path / "connectors" / "shop.yaml").read_text(), report

    return do


def test_requests_become_resources(imported):
    text, report = imported(COLLECTION)
    assert report["resources"] == ["customers", "orders", "items"]
    assert 'base_url: "{config.base_url}"' in text
    assert 'auth: {type: bearer, token: "{secrets.token}"}' in text
    assert "customer_id: {type: resolve, resource: customers, field: id}" in text
    assert 'variables: {shop: "{config.shop_id}"}' in text
    assert "debug" not in text


def test_what_changes_something_or_is_one_record_is_left_out(imported):
    reasons = " ".join(one["reason"] for one in imported(COLLECTION)[1]["notes"])
    assert "POST /v3/customers" in reasons
    assert "item[1] is left out: it sends a multipart form" in reasons


@pytest.mark.parametrize(
    ("auth", "written"),
    [
        ({"type": "basic", "basic": {"username": "a", "password": "b"}}, "type: http_basic"),
        (
            {"type": "apikey", "apikey": [{"key": "key", "value": "X-Key"}]},
            "type: api_key",
        ),
        (
            {
                "type": "apikey",
                "apikey": [
                    {"key": "key", "value": "token"},
                    {"key": "value", "value": "{{k}}"},
                    {"key": "in", "value": "query"},
                ],
            },
            "location: query",
        ),
        ({"type": "oauth2", "oauth2": []}, "type: bearer"),
        ({"type": "noauth"}, "base_url"),
        ({"type": "awsv4", "awsv4": []}, "the auth awsv4 is left out"),
        ({"type": "digest", "digest": []}, "write an auth of type http_digest"),
    ],
)
def test_auth_becomes_auth(imported, auth, written):
    text, _ = imported({**COLLECTION, "auth": auth})
    assert written in text


def test_the_wrapper_of_postmans_own_api_and_format_2_0_are_read(tmp_path):
    file = tmp_path / "x.json"
    auth = {"type": "bearer", "bearer": {"token": "t"}}
    file.write_text(json.dumps({"collection": {**COLLECTION, "auth": auth}}))
    found = read_postman(file)
    assert found.name == "Shop"
    assert ("Authorization", "Bearer t") in found.interactions[0].request_headers


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"requests": []}, "this is format 1"),
        ({"_type": "export", "resources": []}, "this is of Insomnia: export it as HAR"),
        ({"name": "b", "items": []}, "if this is of Bruno, export the collection for Postman"),
        ({"info": {}, "item": []}, "found no request over http or https"),
        (
            {"info": {}, "item": [{"request": {"url": "a.example.com", "body": {"mode": "file"}}}]},
            "over http or https: item[0] is left out: it sends a file",
        ),
    ],
)
def test_what_is_no_collection_says_what_to_do(tmp_path, monkeypatch, capsys, data, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.json").write_text(json.dumps(data))
    assert main(["import", "postman", "x.json"]) == 1
    assert message in capsys.readouterr().err


def test_a_body_that_cannot_be_sent_is_told(imported):
    body = {"mode": "raw", "raw": "<find/>"}
    request = {"method": "POST", "url": "https://a.example.com/orders/search", "body": body}
    text, _ = imported({"info": {}, "item": [{"request": request}]})
    assert "# to be checked: the body is neither an object of JSON nor a form" in text


OAUTH = {
    "type": "oauth2",
    "oauth2": [
        {"key": "grant_type", "value": "client_credentials"},
        {"key": "accessTokenUrl", "value": "https://auth.example.com/token"},
        {"key": "clientId", "value": "shop-client"},
        {"key": "clientSecret", "value": "s3cr3t-Of-The-Client-99"},
        {"key": "scope", "value": "read"},
    ],
}


def test_client_credentials_request_their_own_token(imported):
    text, _ = imported({**COLLECTION, "auth": OAUTH})
    assert "type: oauth2_client_credentials" in text
    assert 'access_token_url: "https://auth.example.com/token"' in text
    assert "secret_in: basic" in text
    assert "access_token_request_data: {scope: read}" in text
    assert "secrets.token" not in text
    assert "s3cr3t" not in text


def test_another_grant_sends_a_token_from_elsewhere_and_says_so(imported):
    auth = {"type": "oauth2", "oauth2": [{"key": "grant_type", "value": "authorization_code"}]}
    text, report = imported({**COLLECTION, "auth": auth})
    assert "type: bearer" in text
    assert "the grant authorization_code is not read" in str(report["notes"])


@pytest.mark.parametrize(
    ("graphql", "told"),
    [
        ({"query": "{ a { id } }", "variables": "{bad"}, "item[0]: the variables of the GraphQL"),
        ({"query": "{ a { id } }", "variables": "[1]"}, "item[0]: the variables of the GraphQL"),
        ({"query": "{bad"}, "the GraphQL query is not valid: line 1"),
        ({"query": "bad"}, "item[0]: the GraphQL query does not begin as one"),
    ],
)
def test_what_is_broken_in_a_graphql_body_is_told(tmp_path, monkeypatch, capsys, graphql, told):
    monkeypatch.chdir(tmp_path)
    body = {"mode": "graphql", "graphql": graphql}
    items = ["https://a.example.com/b", {"method": "POST", "url": "https://a.example.com/graphql"}]
    items[1]["body"] = body
    collection = {"info": {}, "item": [{"request": one} for one in items[::-1]]}
    (tmp_path / "shop.json").write_text(json.dumps(collection))
    assert main(["import", "postman", "shop.json"]) == 0
    (line,) = [one for one in capsys.readouterr().out.splitlines() if told in one]
    assert line.startswith("look: ")


@pytest.mark.parametrize("url", [{"raw": 5}, {"raw": "5"}, "5/items", {"raw": "https:///x"}])
def test_a_url_that_is_none_is_left_out(imported, url):
    items = [{"request": "https://a.example.com/b"}, {"request": {"url": url}}]
    text, report = imported({"info": {}, "item": items})
    assert 'base_url: "https://a.example.com"' in text
    assert "item[1] is left out: its URL" in str(report["notes"])
