from pathlib import Path

import pytest

from framework.definition import finder as places
from framework.definition.finder import (
    bundled_root,
    cassette_path,
    discover_connectors,
    find_connector,
    own_connectors,
    schema_folder,
    shared_schema,
)
from framework.definition.validation import validate
from framework.errors import UsageError


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def connectors(folder, *names):
    (folder / "connectors").mkdir(parents=True)
    for name in names:
        (folder / "connectors" / f"{name}.yaml").touch()
    return folder / "connectors"


@pytest.fixture
def bundled(tmp_path, monkeypatch):
    root = tmp_path / "package"
    connectors(root, "scheduling", "weather")
    monkeypatch.setattr(places, "bundled_root", lambda: root)
    return root


def test_the_bundled_root_holds_connectors_and_schemas():
    assert (bundled_root() / "connectors").is_dir()
    assert (bundled_root() / "schemas" / "connector.schema.json").is_file()


def test_own_connectors_come_first_and_hide_bundled_ones_of_the_same_name(tmp_path, bundled):
    connectors(tmp_path, "weather", "crm")
    found = [(location.name, location.root == bundled) for location in discover_connectors()]
    assert found == [("crm", False), ("weather", False), ("scheduling", True)]


def test_without_own_connectors_the_bundled_ones_are_validated(tmp_path, bundled):
    assert [location.name for location in own_connectors()] == ["scheduling", "weather"]
    connectors(tmp_path, "crm")
    assert [location.name for location in own_connectors()] == ["crm"]


def test_another_folder_of_connectors(tmp_path, bundled):
    mine = connectors(tmp_path / "elsewhere", "crm")
    assert find_connector("crm", mine).path == mine / "crm.yaml"
    assert find_connector("crm", mine).root == tmp_path / "elsewhere"
    assert [location.name for location in own_connectors(mine)] == ["crm"]


def test_a_connectors_folder_that_is_missing_is_a_wrong_command_line(tmp_path):
    with pytest.raises(UsageError, match="no such folder"):
        discover_connectors(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="it is a file"):
        own_connectors(tmp_path / "file")


def test_of_two_near_names_the_one_of_the_same_length_is_suggested(tmp_path, bundled):
    connectors(tmp_path, "crm", "crm2")
    with pytest.raises(UsageError, match=r"did you mean crm2\?"):
        find_connector("crm3")


def test_a_name_is_looked_up_and_a_near_miss_suggested(tmp_path, bundled):
    assert find_connector("weather").root == bundled
    with pytest.raises(UsageError, match="did you mean scheduling"):
        find_connector("schedulling")
    with pytest.raises(UsageError, match="scheduling, weather"):
        find_connector("zzz")
    assert UsageError("").exit_code == 2


def test_a_file_outside_a_folder_named_connectors_has_its_own_folder_as_root(tmp_path):
    location = find_connector("some/shop.yaml")
    assert location.name == "shop"
    assert location.path == Path("some/shop.yaml")
    assert location.root == tmp_path / "some"
    assert location.display == "some/shop.yaml"


def test_a_file_in_a_folder_named_connectors_has_the_folder_above_as_root(tmp_path):
    location = find_connector("./connectors/shop.yaml")
    assert location.root == tmp_path
    assert cassette_path(location) == tmp_path / "cassettes" / "shop.yaml"
    assert schema_folder(location) == tmp_path / "schemas" / "shop"


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "shop.yaml", "./shop"])
def test_what_has_a_slash_or_ends_in_yaml_is_a_file(name):
    location = find_connector(name)
    assert location.path == Path(name)
    assert "/" not in location.name
    assert ".." not in location.name


@pytest.mark.parametrize("name", ["..", ".", "", "a\\b", "-", "a b", "schöne"])
def test_other_words_are_names_of_connectors_that_are_not_there(name, bundled):
    with pytest.raises(UsageError):
        find_connector(name)


def test_hidden_and_other_files_are_no_connectors_but_a_folder_named_like_one_is_found(
    tmp_path, bundled
):
    folder = connectors(tmp_path, "crm")
    for other in (".crm.yaml", "notes.txt", "crm.yaml~"):
        (folder / other).touch()
    (folder / "folder.yaml").mkdir()
    assert [location.name for location in own_connectors()] == ["crm", "folder"]


def test_a_shared_schema_is_a_copy_of_its_own():
    shared_schema("finding")["title"] = "changed"
    assert shared_schema("finding")["title"] == "Findings"


@pytest.mark.parametrize(
    ("file", "folder", "named"),
    [
        ("connectors/crm.yaml", ".", "schemas/crm/users.json"),
        ("drafts/crm.yaml", ".", "drafts/schemas/crm/users.json"),
        ("crm.yaml", ".", "schemas/crm/users.json"),
        ("./crm.yaml", "connectors", "../schemas/crm/users.json"),
        ("../crm.yaml", "connectors", "../schemas/crm/users.json"),
    ],
)
def test_a_missing_schema_is_named_as_seen_from_here(tmp_path, monkeypatch, file, folder, named):
    (tmp_path / "connectors").mkdir()
    (tmp_path / "drafts").mkdir()
    monkeypatch.chdir(tmp_path / folder)
    Path(file).write_text(
        "version: 1\nname: crm\nclient: {base_url: 'https://api.example.com'}\n"
        "resources: [{name: users, schema: users}]\n"
    )
    [found] = [
        one for one in validate(find_connector(file)).findings if one.code == "schema-missing"
    ]
    assert found.message.startswith(f"found no file {named};")
