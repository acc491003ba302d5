"""What an import refuses, reports, and bears."""

import json
import time

import pytest
import yaml

from framework.cli.main import main
from framework.importers.api_guesses.declared_values import first_sentence
from framework.importers.api_guesses.list_catalog import Choice
from framework.importers.import_report import ManifestError
from framework.importers.openapi.openapi_import import (
    OpenApiOptions,
    import_openapi,
    list_openapi,
    name_from,
)


def answer(schema):
    return {"200": {"content": {"application/json": {"schema": schema}}}}


def records(*names):
    fields = {name: {"type": "string"} for name in ("id", *names)}
    return {"type": "array", "items": {"type": "object", "properties": fields}}


def written(folder, data):
    file = folder / "api.json"
    file.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return str(file)


def description(paths, **further):
    return {"openapi": "3.0.0", "info": {"title": "T"}, "paths": paths, **further}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "found a list; expected a description of an API"),
        ("", "is empty"),
        ("hello", "found text"),
        ("asyncapi: 2.0.0", "found a mapping with asyncapi"),
        ('{"openapi": "3.0.0"}', "found no `paths`"),
        ('{"openapi": "4.0.0", "paths": {}}', "found OpenAPI 4.0.0, expected"),
        ('{"swaggerVersion": "1.2", "apis": []}', "found Swagger 1.2, expected"),
        ('{"swagger": "1.2", "paths": {}}', "found Swagger 1.2, expected"),
        ('{"openapi": "3.0.0", "paths": {', "api.json:1:32: is not valid JSON"),
        ("a: [b\nc: }", "api.json:2:.* is not valid YAML"),
        ("<!-- x -->\n<!DOCTYPE html><html>", "is an HTML page"),
        ('{"a":' * 100_000, "is nested too deeply"),
        ("\x00", "is not valid YAML"),
    ],
)
def test_what_is_no_description_is_refused(tmp_path, text, message):
    with pytest.raises(ManifestError, match=message):
        import_openapi(written(tmp_path, text))


def test_a_file_that_is_missing_is_refused(tmp_path):
    with pytest.raises(ManifestError, match="cannot be read"):
        import_openapi(str(tmp_path / "none.yaml"))


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(ManifestError, match="Is a directory"):
        import_openapi(str(tmp_path))
    with pytest.raises(ManifestError, match="expected a file, or http"):
        import_openapi("ftp://example.com/api.json")


def test_an_address_is_named_without_its_parameters_and_credentials(api_of_files):
    address = api_of_files({}).replace("http://", "http://me:hidden@")
    with pytest.raises(ManifestError, match="the response is 404") as caught:
        import_openapi(f"{address}/api.json?token=hidden")
    assert "hidden" not in str(caught.value)


def test_a_reference_that_leads_nowhere_does_not_name_this_machine(tmp_path):
    schema = {"type": "array", "items": {"$ref": "other.yaml#/User"}}
    paths = {"/users": {"get": {"responses": answer(schema)}}}
    imported = import_openapi(written(tmp_path, description(paths)))
    (told,) = [one.reason for one in imported.notes if one.place == "$ref"]
    assert told.startswith(
        "the reference other.yaml#/User cannot be followed: other.yaml cannot be read: "
    )
    assert str(tmp_path) not in imported.text


def test_what_has_another_type_than_the_format_says_is_told(tmp_path):
    users = {"get": {"responses": answer(records("id")), "security": "key"}}
    paths = {"/users": users, "/a": ["x"], "/b": "text", "/c": {"get": ["x"]}, "/d": {"get": None}}
    paths["x-notes"] = "an extension"
    imported = import_openapi(written(tmp_path, description(paths, security="key")))
    told = {one.place: one.reason for one in imported.notes if "ignored" in one.reason}
    assert told == {
        "security": "found text, expected a list; it is ignored",
        "GET /users security": "found text, expected a list; it is ignored",
        "paths /a": "found a list, expected a mapping; it is ignored",
        "paths /b": "found text, expected a mapping; it is ignored",
        "GET /c": "found a list, expected a mapping; it is ignored",
    }


SIGV4 = {"x-amazon-apigateway-authtype": "awsSigv4"}


def client_of(folder, schemes, **further):
    """The client of a description with these security schemes."""
    paths = {"/users": {"get": {"responses": answer(records("id"))}}}
    security = [{name: []} for name in schemes]
    data = description(paths, components={"securitySchemes": schemes}, security=security, **further)
    return yaml.safe_load(import_openapi(written(folder, data)).text)["client"]


def test_what_needs_no_person_is_the_first_choice_of_oauth(tmp_path):
    person = {"authorizationCode": {"tokenUrl": "https://a.example.com/person"}}
    client = {"clientCredentials": {"tokenUrl": "https://a.example.com/client"}}
    schemes = {
        "login": {"type": "oauth2", "flows": person},
        "service": {"type": "oauth2", "flows": {**person, **client}},
    }
    cases = client_of(tmp_path, schemes)["auth"]["cases"]
    assert [(name, one["type"]) for name, one in cases.items()] == [
        ("service", "oauth2_client_credentials"),
        ("login", "oauth2_refresh_token"),
    ]


@pytest.mark.parametrize(
    ("scheme", "auth"),
    [
        ({"type": "http", "scheme": "Digest"}, {"type": "http_digest"}),
        ({"type": "http", "scheme": "OAuth"}, {"type": "oauth1", "token": "{secrets.token}"}),
        (
            {"type": "apiKey", "name": "Authorization", "in": "header", **SIGV4},
            {"type": "aws_sigv4", "region": "eu-west-1", "service": "execute-api"},
        ),
    ],
    ids=lambda one: one["type"],
)
def test_signing_auths_of_a_description(tmp_path, scheme, auth):
    servers = [{"url": "https://a1b2.execute-api.eu-west-1.amazonaws.com/prod"}]
    made = client_of(tmp_path, {"one": scheme}, servers=servers)["auth"]
    assert made.items() >= auth.items()


def test_the_region_of_a_gateway_without_an_address_is_config(tmp_path):
    scheme = {"type": "apiKey", "name": "Authorization", "in": "header", **SIGV4}
    assert client_of(tmp_path, {"one": scheme})["auth"]["region"] == "{config.region}"


def test_a_certificate_of_the_client_is_to_be_written(tmp_path):
    paths = {"/users": {"get": {"responses": answer(records("id"))}}}
    schemes = {"certificate": {"type": "mutualTLS"}}
    security = [{"certificate": []}]
    data = description(paths, components={"securitySchemes": schemes}, security=security)
    assert "write `tls` in the client" in import_openapi(written(tmp_path, data)).text


def test_a_token_address_without_a_host_is_the_apis(tmp_path):
    person = {"authorizationCode": {"tokenUrl": "https://a.example.com/person"}}
    scheme = {
        "type": "oauth2",
        "flows": {**person, "clientCredentials": {"tokenUrl": "/oauth/token"}},
    }
    servers = [{"url": "https://api.example.com/v2"}]
    auth = client_of(tmp_path, {"oauth": scheme}, servers=servers)["auth"]
    assert auth["type"] == "oauth2_client_credentials"
    assert auth["access_token_url"] == "https://api.example.com/oauth/token"


@pytest.mark.parametrize(
    ("description_has", "base_url"),
    [
        ({"servers": [{"url": "http://127.0.0.1:8000/v1"}]}, "http://127.0.0.1:8000/v1"),
        ({"servers": [{"url": "http://localhost:4010"}]}, "http://localhost:4010"),
        ({"servers": [{"url": "http://[::1]:8000"}]}, "http://[::1]:8000"),
        ({"servers": [{"url": "http://api.example.com/v1"}]}, "https://api.example.com/v1"),
        ({"servers": [{"url": "http://[api.example.com"}]}, "https://[api.example.com"),
        (
            {"swagger": "2.0", "host": "localhost:8000", "schemes": ["http"]},
            "http://localhost:8000",
        ),
        (
            {"swagger": "2.0", "host": "localhost:8000", "schemes": ["http", "https"]},
            "https://localhost:8000",
        ),
        (
            {"swagger": "2.0", "host": "api.example.com", "schemes": ["http"]},
            "https://api.example.com",
        ),
    ],
)
def test_plain_http_stays_on_this_machine_only(tmp_path, description_has, base_url):
    paths = {"/users": {"get": {"responses": answer(records("id"))}}}
    text = import_openapi(written(tmp_path, description(paths, **description_has))).text
    assert yaml.safe_load(text)["client"]["base_url"] == base_url


def test_a_description_without_servers_is_of_the_host_it_came_from(api_of_files):
    paths = {"/users": {"get": {"responses": answer(records("id"))}}}
    address = api_of_files({"/docs/openapi.json": description(paths)})
    text = import_openapi(f"{address}/docs/openapi.json").text
    assert yaml.safe_load(text)["client"]["base_url"] == address
    assert "# to be checked: the description names no server" in text


def test_odd_values_are_borne(tmp_path):
    odd = {
        "operationId": 5,
        "tags": "x",
        "parameters": [None, 5, {"name": 5, "in": "query"}, {"name": "a", "in": "query"}],
        "security": [None, {"a": None}],
        "responses": answer({"type": ["array", 5, None], "items": {"properties": [], "enum": 5}}),
    }
    paths = {"/users": {"get": odd}, "/none": None, "/list": [], "/a{": {"get": {"responses": 1}}}
    data = description(paths, components=[], security=5, servers={"a": 1})
    assert import_openapi(written(tmp_path, data)).resources == ("users",)


def test_without_lists_there_is_a_connector_without_resources_and_a_remark(tmp_path):
    imported = import_openapi(written(tmp_path, description({"/pdf": {"post": {}}})))
    assert imported.resources == ()
    assert [one.place for one in imported.missing] == ["paths"]


def test_remote_references_are_refused_and_reported(tmp_path):
    schema = {"$ref": "http://127.0.0.1:9/schema.json"}
    paths = {"/users": {"get": {"responses": answer({"type": "array", "items": schema})}}}
    imported = import_openapi(written(tmp_path, description(paths)))
    assert "add --allow-remote" in " ".join(one.reason for one in imported.notes)


def test_remote_references_are_followed_if_they_are_allowed(tmp_path, api_of_files):
    address = api_of_files({"/schemas.json": {"User": {"properties": {"id": {"type": "string"}}}}})
    schema = {"$ref": f"{address}/schemas.json#/User"}
    paths = {"/users": {"get": {"responses": answer({"type": "array", "items": schema})}}}
    source = written(tmp_path, description(paths))
    imported = import_openapi(source, options=OpenApiOptions(allow_remote=True))
    assert list(imported.schemas["users"]["properties"]) == ["id"]


def test_a_description_of_the_web_cannot_name_files(tmp_path, api_of_files):
    secret = tmp_path / "secret.json"
    secret.write_text('{"type": "object", "properties": {"id": {"type": "string"}}}')
    schema = {"type": "array", "items": {"$ref": secret.as_uri()}}
    paths = {"/users": {"get": {"operationId": "listUsers", "responses": answer(schema)}}}
    address = api_of_files({"/openapi.json": description(paths)})
    imported = import_openapi(f"{address}/openapi.json", "web", OpenApiOptions(allow_remote=True))
    assert imported.schemas == {}
    assert "must not refer to a file" in " ".join(one.reason for one in imported.notes)


def test_paths_tags_and_exclusions_choose(tmp_path):
    paths = {
        path: {"get": {"tags": [tag], "responses": answer(records(tag))}}
        for path, tag in (("/users", "a"), ("/users/{id}/cars", "b"), ("/groups", "b"))
    }
    source = written(tmp_path, description(paths))

    def chosen(**choice):
        return import_openapi(source, "x", OpenApiOptions(Choice(**choice))).resources

    assert chosen() == ("users", "cars", "groups")
    assert chosen(paths=("/users",)) == ("users", "cars")
    assert chosen(paths=("/g*",)) == ("groups",)
    assert chosen(tags=("B",)) == ("cars", "groups")
    assert chosen(exclude=("/users/*",)) == ("users", "groups")


@pytest.mark.parametrize("choice", [{"paths": ("/user",)}, {"tags": ("c",)}, {"exclude": ("/*",)}])
def test_a_choice_of_nothing_leaves_the_file_of_an_earlier_import(
    choice, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    paths = {"/users": {"get": {"tags": ["a"], "responses": answer(records())}}}
    source = written(tmp_path, description(paths))
    assert main(["import", "openapi", source, "-o", "connectors/shop.yaml"]) == 0
    before = (tmp_path / "connectors" / "shop.yaml").read_text()
    options = [f"--{key}={value}" for key, values in choice.items() for value in values]
    assert main(["import", "openapi", source, "-o", "connectors/shop.yaml", "--force", *options])
    assert "found no operation" in capsys.readouterr().err
    assert (tmp_path / "connectors" / "shop.yaml").read_text() == before
    with pytest.raises(ManifestError, match="found no operation"):
        list_openapi(source, OpenApiOptions(Choice(**choice)))


@pytest.mark.parametrize("sign", ["pageable", "numberOfElements"])
def test_a_page_of_spring_is_known_by_any_of_its_fields(sign, tmp_path):
    page = {"content": records(), "number": {"type": "integer"}, sign: {"type": "object"}}
    operation = {
        "parameters": [{"name": "page", "in": "query", "schema": {"type": "integer"}}],
        "responses": answer({"type": "object", "properties": page}),
    }
    imported = import_openapi(written(tmp_path, description({"/users": {"get": operation}})), "x")
    assert "base_page: 0" in imported.text
    assert "first page" not in imported.text


def test_the_list_tells_why_an_operation_is_left_out(tmp_path):
    paths = {
        "/users": {"get": {"responses": answer(records())}},
        "/me": {"get": {"responses": answer({"type": "object", "properties": {}})}},
    }
    rows = {row.path: row for row in list_openapi(written(tmp_path, description(paths)))}
    assert (rows["/users"].resource, rows["/users"].selector) == ("users", "$")
    assert (rows["/me"].resource, rows["/me"].reason) == (None, "not a list")


def test_a_large_description_with_circles_takes_seconds(tmp_path):
    schemas = {
        f"S{number}": {
            "properties": {
                "id": {"type": "string"},
                **{
                    f"f{field}": {
                        "description": "x" * 60,
                        "anyOf": [
                            {"type": "string"},
                            {"$ref": f"#/components/schemas/S{(number * 7 + field * 13) % 1000}"},
                        ],
                    }
                    for field in range(40)
                },
            }
        }
        for number in range(1000)
    }
    paths = {
        f"/r{number}s": {
            "get": {
                "responses": answer(
                    {"type": "array", "items": {"$ref": f"#/components/schemas/S{number}"}}
                )
            }
        }
        for number in range(200)
    }
    source = written(tmp_path, description(paths, components={"schemas": schemas}))
    started = time.process_time()
    assert len(import_openapi(source).resources) == 200
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("shop.yaml", "shop"),
        ("https://api.example.com/v1/openapi.json", "example"),
        ("https://docs.example.com/Shop-API.yaml", "shop_api"),
    ],
)
def test_the_name_comes_from_the_file_or_the_host(source, name):
    assert name_from(source) == name


def test_variables_of_a_token_address_are_those_of_the_server(tmp_path):
    flow = {"tokenUrl": "https://{{account}}.example.com/{realm}/token", "scopes": {}}
    scheme = {"type": "oauth2", "flows": {"clientCredentials": flow}}
    data = description(
        {"/users": {"get": {"responses": answer(records("name"))}}},
        servers=[{"url": "https://{account}.example.com", "variables": {"account": {}}}],
        components={"securitySchemes": {"login": scheme}},
        security=[{"login": []}],
    )
    text = import_openapi(written(tmp_path, data)).text
    assert 'access_token_url: "https://{config.account}.example.com/{config.realm}/token"' in text
    assert text.count("account: {type: string") == 1
    assert "realm: {type: string" in text


@pytest.mark.parametrize(
    ("prose", "sentence"),
    [
        ("Where to start (e.g. 1609459200). Optional.", "Where to start (e.g. 1609459200)."),
        ("The id, i.e. the key", "The id, i.e. the key"),
        ("Is it `on`?\n\nElse off.", "Is it on?"),
        ("", ""),
    ],
)
def test_a_description_is_its_first_sentence(prose, sentence):
    assert first_sentence(prose) == sentence
