"""`new --from`: a copy of a connector under a name of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.authoring.scaffold import connector_copy
from framework.authoring.scaffold.connector_copy import renamed_connector
from framework.cli.main import main
from framework.definition.finder import bundled_root, find_connector
from framework.definition.validation import validate

pytestmark = pytest.mark.usefixtures("project")
SHOP = """\
# Orders: sources.shop.token, schemas/shop/orders.json, framework run shop
version: 1
name: "shop"   # shop
category: Sales
caveat: Not tried.
description: Orders of a shop.
config: {region: {type: string, description: Where.}}
secrets: {token: {description: A token.}, old: {description: Old., optional: true, key: OLD_TOKEN}}
client:
  base_url: "https://{config.region}.shop.example.com/shop"
  auth: {type: bearer, token: "{secrets.token}"}
  headers: {X-Old: "{secrets.old}"}
resources:
  - name: orders
    schema: orders
    primary_key: id
    endpoint:
      path: /orders
      paginator: single_page
      response_actions: [{status_code: 401, action: fail, message: Set SOURCES__SHOP__TOKEN.}]
"""
SCHEMA = '{"type": "object", "properties": {"id": {"type": "integer"}}}\n'


@pytest.fixture
def shop(project: Path) -> Path:
    for name, text in (
        ("connectors/shop.yaml", SHOP),
        ("schemas/shop/orders.json", SCHEMA),
        ("schemas/shop/.hidden", "x"),
        ("queries/shop/orders.graphql", "{ orders { id } }\n"),
    ):
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return project


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_bundled_connector_is_copied_and_valid(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "meetings", "--from", "scheduling"]) == 0
    output = capsys.readouterr()
    assert "written: connectors/meetings.yaml, schemas/meetings/ (13 files)\n" in output.out
    assert "set:  SOURCES__MEETINGS__API_KEY   A personal access token" in output.out
    assert "framework run meetings" in output.out
    assert "--recording does" in output.err
    result = validate(find_connector("meetings"))
    original = validate(find_connector("scheduling"))
    assert result.connector is not None
    assert original.connector is not None
    assert result.connector.name == "meetings"
    assert result.connector.category == original.connector.category
    assert result.connector.caveat == original.connector.caveat
    assert [one.schema for one in result.connector.resources] == [
        one.schema for one in original.connector.resources
    ]
    assert not (project / "cassettes").exists()
    assert (project / "schemas" / "connector.schema.json").exists()


def test_a_bundled_connector_can_be_replaced_by_a_copy_of_its_name(project: Path) -> None:
    assert main(["new", "scheduling", "--from", "scheduling"]) == 0
    copied = (project / "connectors" / "scheduling.yaml").read_bytes()
    assert copied == (bundled_root() / "connectors" / "scheduling.yaml").read_bytes()


def test_with_its_recording_a_copy_is_tested_offline(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "meetings", "--from", "scheduling", "--recording"]) == 0
    assert "framework test meetings" in capsys.readouterr().out
    assert main(["test", "meetings"]) == 0


def test_the_name_is_changed_where_a_file_names_itself(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(shop)
    assert main(["new", "crm", "--from", "./connectors/shop.yaml"]) == 0
    assert files(shop) - before == {
        "connectors/crm.yaml",
        "schemas/crm/orders.json",
        "schemas/connector.schema.json",
        "queries/crm/orders.graphql",
    }
    text = (shop / "connectors" / "crm.yaml").read_text("utf-8")
    assert text == (
        "# yaml-language-server: $schema=../schemas/connector.schema.json\n"
        + SHOP.replace("sources.shop", "sources.crm")
        .replace("schemas/shop", "schemas/crm")
        .replace("run shop", "run crm")
        .replace('"shop"', '"crm"')
        .replace("SOURCES__SHOP", "SOURCES__CRM")
    )
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("set:")] == [
        "set:  SOURCES__CRM__TOKEN   A token.",
        "set:  OLD_TOKEN (optional)   Old.",
        "set:  SOURCES__CRM__REGION   Where.",
    ]


def test_another_folder_of_connectors_has_its_own_first_line(shop: Path) -> None:
    assert main(["new", "crm", "--from", "connectors/shop.yaml", "--connectors", "mine"]) == 0
    assert (shop / "mine" / "schemas" / "crm" / "orders.json").exists()
    first = (shop / "mine" / "crm.yaml").read_text("utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=schemas/connector.schema.json"
    assert (shop / "mine" / "schemas" / "connector.schema.json").exists()


@pytest.mark.parametrize(
    ("file", "text"), [("connectors/crm.yaml", "x"), ("schemas/crm/orders.json", "{}")]
)
def test_nothing_is_overwritten(
    shop: Path, file: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / file).parent.mkdir(exist_ok=True)
    (shop / file).write_text(text)
    before = files(shop)
    assert main(["new", "crm", "--from", "shop"]) == 1
    assert f"{file} already exists" in capsys.readouterr().err
    assert files(shop) == before
    assert (shop / file).read_text() == text


def test_a_copy_that_was_killed_is_made_again(shop: Path) -> None:
    (shop / "schemas" / "crm").mkdir()
    (shop / "schemas" / "crm" / "orders.json").write_text(SCHEMA, "utf-8")
    assert main(["new", "crm", "--from", "shop"]) == 0


def test_nothing_is_left_of_a_copy_that_fails(shop: Path) -> None:
    before = set(shop.rglob("*"))
    copy = connector_copy.copy_connector(find_connector("shop"), "crm", Path("connectors"))

    def write(path: Path, text: str) -> None:
        if path.suffix == ".yaml":
            raise OSError("disk full")
        connector_copy.write_text(path, text)

    with pytest.raises(OSError, match="disk full"):
        connector_copy.write_copy(copy, Path("connectors"), write)
    assert set(shop.rglob("*")) == before


def test_a_file_with_errors_is_not_copied(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "connectors" / "shop.yaml").write_text(SHOP.replace("schema: orders", "schema: x"))
    before = files(shop)
    assert main(["new", "crm", "--from", "shop"]) == 1
    assert "connectors/shop.yaml cannot be copied: the copy has 1 error" in capsys.readouterr().err
    assert files(shop) == before


def test_a_link_that_leads_elsewhere_is_not_followed(
    shop: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    private = tmp_path_factory.mktemp("elsewhere") / "private.json"
    private.write_text("private")
    (shop / "schemas" / "shop" / "more.json").symlink_to(private)
    assert main(["new", "crm", "--from", "shop"]) == 0
    assert not (shop / "schemas" / "crm" / "more.json").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--from", "scheduling", "--base-url", "x", "--auth", "none"], "--base-url and --auth"),
        (["--from", "scheduling", "--header", "X-API-Key"], "--header beside --from"),
        (["--from", "scheduling", "--no-probe"], "--probe beside --from"),
        (["--recording"], "--recording without --from"),
        (["--from", "schedulin"], "did you mean scheduling?"),
    ],
)
def test_options_that_contradict_it_are_refused(
    project: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "crm", *options]) == 2
    assert message in capsys.readouterr().err
    assert not (project / "connectors").exists()


def test_a_recording_that_is_not_there_is_not_copied(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "crm", "--from", "shop", "--recording"]) == 1
    assert "shop has no recording" in capsys.readouterr().err
    assert not (shop / "connectors" / "crm.yaml").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: shop\n", "name: crm\n"),
        ("name:  'shop'  # shop\n", "name:  'crm'  # shop\n"),
        ('{"version": 1, "name": "shop"}', '{"version": 1, "name": "crm"}'),
        ("resources: [{name: shop}]\nname: shop\n", "resources: [{name: shop}]\nname: crm\n"),
        ("name: other\n", "name: other\n"),
        ("# äöü\nname: shop\r\n", "# äöü\nname: crm\r\n"),
        ("# framework run shop_eu, framework run ./shop.yaml\n", None),
    ],
)
def test_a_name_is_found_where_it_is_written(text: str, expected: str | None) -> None:
    assert renamed_connector(text, "shop", "crm") == (text if expected is None else expected)
