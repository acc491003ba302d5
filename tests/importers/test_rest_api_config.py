"""dlt's own configurations in our words."""

import copy
import json
import os
import random
from pathlib import Path

import pytest

from framework.cli.main import main
from framework.definition.finder import find_connector
from framework.definition.validation import validate
from framework.definition.yaml_reader import parse_document
from framework.importers.import_report import ManifestError
from framework.importers.rest_api_config import import_restapi

SMALL = Path(__file__).parent / "configs"
SHARED = Path(os.environ.get("CONNECTOR_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
CORPUS = SHARED / "restapi-configs"
BUILT = (
    [
        CORPUS / entry["file"]
        for entry in json.loads((CORPUS / "index.json").read_text(encoding="utf-8"))
        if entry["builds_in_dlt"] == "ok"
    ]
    if (CORPUS / "index.json").is_file()
    else [pytest.param(None, marks=pytest.mark.skip("the corpus is not here"))]
)


def errors(found, folder):
    file = folder / "connectors" / f"{found.name}.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(found.text, encoding="utf-8")
    return {
        one.code for one in validate(find_connector(str(file))).findings if one.severity == "error"
    }


def test_a_config_becomes_this_connector(tmp_path):
    found = import_restapi(SMALL / "blog.json")
    assert found.text == (SMALL / "blog.txt").read_text(encoding="utf-8")
    assert "written-out" not in found.text
    assert errors(found, tmp_path) == set()
    assert {one.kind for one in found.remarks} == {"note"}


@pytest.mark.parametrize("file", BUILT, ids=lambda file: file.stem[:20] if file else "none")
def test_every_config_of_the_corpus_that_dlt_builds_is_imported(file, tmp_path):
    found = import_restapi(file)
    assert found.missing == ()
    assert errors(found, tmp_path) <= {"incremental-on-child"}


def test_the_command_writes_the_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["import", "dlt", str(SMALL / "blog.json")]) == 0
    assert "written: connectors/blog.yaml, 3 resources" in capsys.readouterr().out
    assert main(["validate", "blog"]) == 0


@pytest.mark.parametrize("text", ["{}", "[]", "nothing", '{"client": {}}'])
def test_what_is_no_config_is_refused(tmp_path, text):
    file = tmp_path / "odd.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError, match="expected a dlt RESTAPIConfig"):
        import_restapi(file)


def config(*resources, **client):
    return {"client": {"base_url": "https://api.example.com", **client}, "resources": [*resources]}


def imported(tmp_path, written):
    file = tmp_path / "shop.json"
    file.write_text(json.dumps(written), encoding="utf-8")
    return import_restapi(file)


def data_of(found):
    return parse_document(found.text, "shop.yaml")[0].data


def endpoint_of(tmp_path, **keys):
    written = config({"name": "posts", "endpoint": {"path": "posts", **keys}})
    return data_of(imported(tmp_path, written))["resources"][0]["endpoint"]


LOOK_ALIKES = {
    "resource": "Tasks",
    "field": "created-at",
    "cursor_path": "a-b",
    "total_path": "a.[0]",
    "data_selector": "['x']",
    "next_url_path": "$.a",
    "path": "{{x}}",
    "name": "Posts",
    "type": "resolve-me",
}


@pytest.mark.parametrize("part", ["params", "json", "data", "headers"])
def test_keys_of_a_request_that_look_like_words_of_dlt_are_not_changed(tmp_path, part):
    assert endpoint_of(tmp_path, **{part: LOOK_ALIKES})[part] == LOOK_ALIKES


def test_nested_look_alikes_are_not_changed(tmp_path):
    body = {"query": [{"paginator": {"cursor_path": "['n n']", "page_param": None}}]}
    assert endpoint_of(tmp_path, json=body)["json"] == body


def test_an_empty_path_of_a_paginator_stays_empty(tmp_path):
    paginator = {"type": "page_number", "total_path": ""}
    assert endpoint_of(tmp_path, paginator=paginator)["paginator"] == paginator


@pytest.mark.parametrize(
    ("written", "here"),
    [
        ("['n n']", '"n n"'),
        ("$.meta.changed", "meta.changed"),
        ("a[0].b", "$.a[0].b"),
        ("changed-at", "changed-at"),
    ],
)
def test_cursor_paths_are_translated(tmp_path, written, here):
    incremental = {"cursor_path": written, "initial_value": 1}
    endpoint = endpoint_of(
        tmp_path, incremental=incremental, params={"since": "{incremental.start_value}"}
    )
    assert endpoint["incremental"]["cursor_path"] == here
    old = {"since": {"type": "incremental", **incremental}}
    moved = endpoint_of(tmp_path, params=old)
    assert moved["params"] == {"since": "{incremental.start_value}"}
    assert moved["incremental"]["cursor_path"] == here


def test_bounds_are_sent_as_values_of_parameters(tmp_path):
    incremental = {"cursor_path": "at", "start_param": "from", "end_param": "to"}
    endpoint = endpoint_of(tmp_path, params={"size": 5}, incremental=incremental)
    assert endpoint["incremental"] == {"cursor_path": "at"}
    assert endpoint["params"] == {
        "size": 5,
        "from": "{incremental.start_value}",
        "to": "{incremental.end_value}",
    }


@pytest.mark.parametrize(
    ("written", "here"),
    [
        ("data", "data"),
        ("$", "@"),
        ("$.data['a b'][0]", 'data."a b"[0]'),
        ("data[*]", "$.data[*]"),
        ("data.*", "$.data.*"),
        ("a|b", "$.a|b"),
        ("[*]", "$[*]"),
        ("a, b", "$.a, b"),
    ],
)
def test_selectors_mean_what_dlt_reads(tmp_path, written, here):
    assert endpoint_of(tmp_path, data_selector=written)["data_selector"] == here


def test_names_are_told_apart_and_keep_their_paths_and_tables(tmp_path):
    long = "L" + "o" * 70
    child = {"path": "{resources.a__b.x['y z']}/{{x}}", "params": {"resource": "a__b"}}
    names = ("Users", "users__x", "users_x", "a__b", f"{long}1", f"{long}2")
    found = imported(tmp_path, config(*names, {"name": "c", "endpoint": child}))
    assert found.missing == ()
    resources = data_of(found)["resources"]
    assert resources[0] == {"name": "users", "endpoint": {"path": "Users"}}
    assert resources[1] == {
        "name": "users_x_2",
        "endpoint": {"path": "users__x"},
        "table_name": "users__x",
    }
    assert resources[2] == "users_x"
    assert resources[3] == {"name": "a_b", "endpoint": {"path": "a__b"}, "table_name": "a__b"}
    assert [one["table_name"] for one in resources[4:6]] == [f"{long}1", f"{long}2"]
    assert resources[4]["name"] != resources[5]["name"]
    assert resources[6]["endpoint"] == {
        "path": '{resources.a_b.x."y z"}/{{x}}',
        "params": {"resource": "a__b"},
    }


def test_two_resources_that_dlt_loads_into_one_table_are_not_made_two(tmp_path):
    found = imported(tmp_path, config("Posts", "posts"))
    assert [
        one["name"] if isinstance(one, dict) else one for one in data_of(found)["resources"]
    ] == [
        "posts_2",
        "posts",
    ]


@pytest.mark.parametrize(
    ("resource", "place"),
    [
        ("<<py: other()>>", "resources[1]"),
        ({"endpoint": "x"}, "resources[1]"),
        ({"name": None}, "resources[1]"),
        (5, "resources[1]"),
        (
            {"name": "b", "endpoint": {"paginator": "<<py: P()>>"}},
            "resources[1].endpoint.paginator",
        ),
        ({"name": "b", "columns": "<<py: Model>>"}, "resources[1].columns"),
        (
            {"name": "b", "processing_steps": [{"filter": "<<py: lambda one: one>>"}]},
            "resources[1].processing_steps[0].filter",
        ),
        (
            {"name": "b", "endpoint": {"response_actions": ["<<py: f>>"]}},
            "resources[1].endpoint.response_actions[0]",
        ),
        (
            {
                "name": "b",
                "endpoint": {"incremental": {"cursor_path": "a", "convert": "<<py: f>>"}},
            },
            "resources[1].endpoint.incremental.convert",
        ),
        ({"name": "b", "primary_key": "<<py: KEY>>"}, "resources[1].primary_key"),
        ({"name": "b", "endpoint": "x/{resources.a.id!r}"}, "resources[1].endpoint"),
        ("a", "resources[1]"),
    ],
)
def test_what_cannot_be_said_is_missing_and_the_rest_is_imported(tmp_path, resource, place):
    found = imported(tmp_path, config("a", resource))
    assert {one.place for one in found.missing} == {place}
    assert "<<py" not in found.text
    assert found.resources[0] == "a"


@pytest.mark.parametrize("resources", [5, None, "posts", {"posts": {}}])
def test_resources_that_are_no_list_are_refused(tmp_path, resources):
    with pytest.raises(ManifestError, match="resources is not a list"):
        imported(
            tmp_path, {"client": {"base_url": "https://x.example.com"}, "resources": resources}
        )


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": "\\ud800"}', "client: !!binary aGk=\n"])
def test_values_that_json_does_not_have_are_refused(tmp_path, text):
    file = tmp_path / "odd.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError, match="cannot be read"):
        import_restapi(file)


def test_secrets_and_config_are_told_apart(tmp_path):
    found = imported(
        tmp_path,
        config(
            {"name": "a", "endpoint": {"params": {"x": "<<py: s['a']>>", "y": "<<py: e['a']>>"}}},
            auth="bearer",
            headers={"Authorization": "Token <<py: token>>", "X": "{config.x}"},
        ),
    )
    data = data_of(found)
    assert found.missing == ()
    assert data["client"]["auth"] == {"type": "bearer", "token": "{secrets.token}"}
    assert data["client"]["headers"] == {
        "Authorization": "Token {secrets.authorization}",
        "X": "{{config.x}}",
    }
    assert data["resources"][0]["endpoint"]["params"] == {"x": "{config.a}", "y": "{config.a_2}"}


@pytest.mark.parametrize(
    ("written", "here"),
    [
        ('{"a": {"b": "{x}"}}', '{"a": {"b": "{x}"}}'),
        ("{{x}}", "{{x}}"),
        ("{config.x}", "{{config.x}}"),
        ("{{config.x}}", "{{{{config.x}}}}"),
        ('{"a": "{now}"}', '{"a": "{{now}}"}'),
        ('{"a": "<<py: s>>"}', '{"a": "{config.s}"}'),
        ("{<<py: s>>}", "{{{config.s}}}"),
    ],
)
def test_headers_of_the_client_are_sent_as_dlt_sends_them(tmp_path, written, here):
    found = imported(tmp_path, config("a", headers={"X-A": written}))
    assert found.missing == ()
    assert data_of(found)["client"]["headers"] == {"X-A": here}


def mutated(chance, value):
    """The config with one to three values removed, replaced, repeated or broken."""
    value = copy.deepcopy(value)
    for _ in range(chance.randint(1, 3)):
        places = [path for path in paths(value) if path]
        if not places:
            break  # nothing is left to change
        *above, last = chance.choice(places)
        part = value
        for step in above:
            part = part[step]
        kind = chance.random()
        if kind < 0.3:
            del part[last]
        elif kind < 0.7 or not isinstance(part[last], str):
            part[last] = copy.deepcopy(chance.choice(ODD))
        else:
            position = chance.randint(0, len(part[last]))
            odd = chance.choice(
                ["{", "}", "{{", "[", "*", "|", "'", '"', ".", "$", "__", "<<py: z>>"]
            )
            part[last] = part[last][:position] + odd + part[last][position:]
        if isinstance(part, dict) and kind > 0.9:
            part[chance.choice(["name", "type", "params", "field", "", "{x}"])] = chance.choice(ODD)
    return value


ODD = [
    *(None, True, 0, -1, 1.5, "", " ", "x", "{", "{}", "{{x}}", "{config.x}", "$", "$.", "["),
    *("<<py: f>>", "['a b']", "a|b", "*", "é", "\0", "a\nb", "x" * 5000, "Posts", "a__b", "null"),
    *([], {}, [[]], [None], {"type": "resolve"}, {"type": "incremental"}, {"type": ["x"]}),
    *({"type": "resolve", "resource": 5, "field": None}, {"": ""}, [1, "a", {"b": 2}]),
    *("{resources.posts.id!r}", "{resources.posts.a[*]}", "{resources..x}", "{resources.posts}"),
]


def paths(value, path=()):
    yield path
    below = value.items() if isinstance(value, dict) else ()
    for key, item in enumerate(value) if isinstance(value, list) else below:
        yield from paths(item, (*path, key))


def check_mutations(tmp_path, seed, count):
    chance = random.Random(seed)
    files = [SMALL / "blog.json", *(file for file in BUILT if isinstance(file, Path))]
    configs = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    complete = 0
    for _ in range(count):
        try:
            found = imported(tmp_path, mutated(chance, chance.choice(configs)))
        except ManifestError:
            continue
        if not found.missing:
            complete += 1
            assert errors(found, tmp_path) == set(), found.text
    assert complete > count / 20


def test_a_mutated_config_is_refused_or_imported_and_valid(tmp_path):
    check_mutations(tmp_path, 1, 60)


@pytest.mark.slow
def test_many_mutated_configs(tmp_path):
    check_mutations(tmp_path, 2, 1500)
