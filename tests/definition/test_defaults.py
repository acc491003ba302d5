"""resource_defaults merged into resources by dlt's rules, and where each part was written."""

import pytest

from framework.definition.defaults import bind_path, ends_in_placeholder, merge_resources


def merged(resource, **defaults):
    (found,) = merge_resources({"resource_defaults": defaults, "resources": [resource]})
    return found


def test_a_name_alone_is_a_resource_with_its_name_as_path():
    found = merged("users")
    assert (found.name, found.path) == ("users", "users")
    assert found.place("endpoint", "path") == ("resources", 0)


def test_an_endpoint_as_text_is_its_path():
    found = merged({"name": "users", "endpoint": "people"})
    assert found.path == "people"
    assert found.place("endpoint", "path") == ("resources", 0, "endpoint")


def test_params_and_json_merge_one_level():
    found = merged(
        {"name": "a", "endpoint": {"params": {"x": 2, "deep": {"b": 1}}, "json": {"y": 1}}},
        endpoint={"params": {"x": 1, "count": 100, "deep": {"a": 1}}, "json": {"z": 1}},
    )
    assert found.params == {"x": 2, "count": 100, "deep": {"b": 1}}
    assert found.endpoint["json"] == {"y": 1, "z": 1}
    assert found.place("endpoint", "params", "count") == (
        "resource_defaults",
        "endpoint",
        "params",
        "count",
    )
    assert found.place("endpoint", "params", "x") == ("resources", 0, "endpoint", "params", "x")
    assert found.from_defaults("endpoint", "json", "z")


def test_everything_else_is_replaced_whole():
    found = merged(
        {"name": "a", "write_disposition": "append", "endpoint": {"paginator": {"type": "auto"}}},
        write_disposition="merge",
        primary_key="id",
        endpoint={"paginator": {"type": "cursor", "cursor_param": "c"}, "headers": {"A": "b"}},
    )
    assert found.endpoint["paginator"] == {"type": "auto"}
    assert found.endpoint["headers"] == {"A": "b"}
    assert found.data["write_disposition"] == "append"
    assert found.place("primary_key") == ("resource_defaults", "primary_key")
    assert found.place("write_disposition") == ("resources", 0, "write_disposition")
    assert found.place("endpoint", "headers", "A") == (
        "resource_defaults",
        "endpoint",
        "headers",
        "A",
    )


def test_columns_merge_hint_by_hint():
    found = merged(
        {"name": "a", "columns": [{"name": "id", "nullable": False}]},
        columns={"id": {"data_type": "text"}, "at": {"data_type": "timestamp"}},
    )
    assert found.data["columns"] == {
        "id": {"data_type": "text", "name": "id", "nullable": False},
        "at": {"data_type": "timestamp"},
    }
    assert found.place("columns", "id", "data_type")[0] == "resource_defaults"
    assert found.place("columns", "id", "nullable") == ("resources", 0, "columns", 0, "nullable")


@pytest.mark.parametrize(
    ("path", "single"),
    [
        ("users", False),
        ("users/{id}", True),
        ("users/{id}/", True),
        ("users/{id}.json", True),
        ("users/{resources.a.id}", True),
        ("users/{resources.a.split(uri, '/')[-1]}", True),
        ("users/{id}/events", False),
        ("users/{id", False),
        ("users/{{id}}", False),
    ],
)
def test_a_path_that_ends_in_a_placeholder_is_a_single_thing(path, single):
    assert ends_in_placeholder(path) is single


def test_a_single_thing_has_the_whole_body_and_one_page():
    found = merged({"name": "a", "endpoint": {"path": "a/{id}", "paginator": None}})
    assert found.endpoint["data_selector"] == "$"
    assert found.endpoint["paginator"] == {"type": "single_page"}


def test_what_is_said_of_a_single_thing_stays():
    found = merged(
        {"name": "a", "endpoint": {"path": "a/{id}", "data_selector": "item"}},
        endpoint={"paginator": "header_link"},
    )
    assert found.endpoint["data_selector"] == "item"
    assert found.endpoint["paginator"] == "header_link"


def test_parameters_named_in_the_path_are_written_into_it():
    params = {"org": "acme/x", "n": 5, "on": True, "id": {"type": "resolve"}, "none": None, "q": 1}
    path, bound = bind_path("{org}/{n}/{on}/{id}/{none}/{resources.a.b}/{{q}}", params)
    assert path == "acme/x/5/true/{id}/{none}/{resources.a.b}/{{q}}"
    assert bound == {"org", "n", "on"}


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"resources": None},
        {"resources": {}},
        {"resources": [None, 1, [], {}, {"name": 5}]},
        {"resources": ["a"], "resource_defaults": "x"},
        {"resources": [{"name": "a", "endpoint": 5}], "resource_defaults": {"endpoint": [1]}},
        {"resources": [{"name": "a", "endpoint": {"params": [], "json": 5, "path": 5}}]},
        {"resources": [{"name": "a", "columns": [1, {}]}], "resource_defaults": {"columns": "x"}},
    ],
    ids=str,
)
def test_wrong_shapes_are_left_out(data):
    for found in merge_resources(data):
        assert found.path
        assert isinstance(found.params, dict)


def test_the_input_is_not_changed():
    data = {
        "resource_defaults": {"endpoint": {"params": {"org": "x", "n": 1}}},
        "resources": [{"name": "a", "endpoint": {"path": "{org}/a", "params": {"n": 2}}}],
    }
    before = str(data)
    merge_resources(data)
    assert str(data) == before


VARIANTS = [
    {"resources": ["a", "b"]},
    {
        "resource_defaults": {
            "primary_key": "id",
            "endpoint": {"params": {"n": 1, "m": 2}, "headers": {"A": "b"}, "json": {"k": 1}},
        },
        "resources": [
            "a",
            {"name": "b", "endpoint": "other"},
            {"name": "c", "endpoint": {"params": {"n": None, "x": 1}, "headers": {}, "json": {}}},
            {"name": "d", "primary_key": ["x", "y"], "endpoint": {"path": "d/{n}/z"}},
        ],
    },
    {
        "resource_defaults": {"columns": {"id": {"data_type": "text"}}},
        "resources": [
            {"name": "a", "columns": {"id": {"nullable": False}, "b": {"data_type": "bool"}}},
            {"name": "b", "columns": [{"name": "c", "data_type": "text"}]},
        ],
    },
]


@pytest.mark.parametrize("config", VARIANTS, ids=["names", "endpoints", "columns"])
def test_merging_gives_what_dlt_merges(config):
    import copy

    from dlt.sources.rest_api.config_setup import _make_endpoint_resource

    ours = merge_resources(copy.deepcopy(config))
    for mine, written in zip(ours, config["resources"], strict=True):
        theirs = _make_endpoint_resource(
            copy.deepcopy(written), copy.deepcopy(config.get("resource_defaults", {}))
        )
        if isinstance(theirs.get("columns"), dict):
            for name, hints in theirs["columns"].items():
                assert {**mine.data["columns"][name], "name": name} == {**hints, "name": name}
            theirs = {**theirs, "columns": mine.data["columns"]}
        assert mine.data == theirs
