"""The connectors of a project as the page lists, reads, writes and copies them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.definition.finder import find_connector
from framework.definition.validation import validate
from tests.support.studio_client import StudioClient, running_studio

SHOP = """\
version: 1
name: shop
description: Orders.
secrets:
  token: {description: A token.}
client:
  base_url: https://api.shop.example.com
  auth: {type: bearer, token: "{secrets.token}"}
resources:
  - {name: orders, primary_key: id, endpoint: {path: /orders, paginator: single_page}}
"""


@pytest.fixture
def folder(project: Path) -> Path:
    (project / "connectors").mkdir(exist_ok=True)
    (project / "connectors" / "shop.yaml").write_text(SHOP, "utf-8")
    return project


@pytest.fixture
def studio(folder: Path) -> Iterator[StudioClient]:
    with running_studio(folder) as one:
        yield one


def test_connectors_are_listed_with_errors_and_resources(
    studio: StudioClient, folder: Path
) -> None:
    (folder / "connectors" / "broken.yaml").write_text("version: 1\nname: broken\n", "utf-8")
    (folder / "connectors" / "no.yaml").write_text("{", "utf-8")
    found = {one["name"]: one for one in studio.get("project").json()["connectors"]}
    assert found["shop"]["path"] == "connectors/shop.yaml"
    assert found["shop"]["errors"] == 0
    assert found["shop"]["resources"] == [{"name": "orders", "selected": True}]
    assert (found["shop"]["bundled"], found["scheduling"]["bundled"]) == (False, True)
    assert (found["shop"]["cassette"], found["scheduling"]["cassette"]) == (False, True)
    assert found["broken"]["errors"] > 0
    assert found["no"]["errors"] > 0
    assert str(folder) not in studio.get("project").text
    (folder / "connectors" / "broken.yaml").write_text(SHOP.replace("shop", "broken"), "utf-8")
    found = {one["name"]: one for one in studio.get("project").json()["connectors"]}
    assert found["broken"]["errors"] == 0


def test_a_file_is_saved_once_for_each_revision(studio: StudioClient, folder: Path) -> None:
    read = studio.get("file", name="shop").json()
    assert read["text"] == SHOP
    body = {"name": "shop", "text": SHOP + "# mine\n", "revision": read["revision"]}
    saved = studio.http.put("/api/file", json=body)
    assert saved.status_code == 200
    assert (folder / "connectors" / "shop.yaml").read_text("utf-8") == SHOP + "# mine\n"
    assert studio.http.put("/api/file", json=body).status_code == 409
    body["revision"] = saved.json()["revision"]
    (folder / "connectors" / "shop.yaml").write_text(SHOP + "# theirs\n", "utf-8")
    assert studio.http.put("/api/file", json=body).status_code == 409
    assert (folder / "connectors" / "shop.yaml").read_text("utf-8") == SHOP + "# theirs\n"


def test_line_ends_of_a_file_stay(studio: StudioClient, folder: Path) -> None:
    path = folder / "connectors" / "shop.yaml"
    path.write_bytes(SHOP.replace("\n", "\r\n").encode())
    read = studio.get("file", name="shop").json()
    body = {"name": "shop", "text": SHOP + "# mine\n", "revision": read["revision"]}
    assert studio.http.put("/api/file", json=body).status_code == 200
    assert path.read_bytes() == (SHOP + "# mine\n").replace("\n", "\r\n").encode()


def test_what_comes_with_the_framework_is_copied_and_not_changed(
    studio: StudioClient, folder: Path
) -> None:
    read = studio.get("file", name="scheduling").json()
    assert read["bundled"]
    body = {"name": "scheduling", "text": SHOP, "revision": read["revision"]}
    refused = studio.http.put("/api/file", json=body)
    assert (refused.status_code, bool(refused.json()["error"]["remedy"])) == (400, True)
    assert studio.post("copy", name="scheduling", to="mine").json() == {"name": "mine"}
    result = validate(find_connector("mine", folder / "connectors"))
    assert result.connector is not None
    assert result.connector.name == "mine"
    job = studio.job(kind="test", name="mine", text=studio.get("file", name="mine").json()["text"])
    assert (job["state"], job["result"]["ok"]) == ("done", True), job
    assert studio.post("copy", name="scheduling", to="mine").status_code == 409


@pytest.mark.parametrize(
    "to", ["", "../x", "a/b", "A", "x" * 70, "a__b", ".x", "con.yaml", None, 1]
)
def test_a_copy_has_the_name_of_a_connector(studio: StudioClient, folder: Path, to: object) -> None:
    assert studio.post("copy", name="shop", to=to).status_code == 400
    assert sorted(path.name for path in (folder / "connectors").iterdir()) == ["shop.yaml"]


@pytest.mark.parametrize(
    "name",
    [
        "../outside.yaml",
        "connectors/../../outside.yaml",
        "/etc/passwd",
        ".dlt/secrets.toml",
        "connectors/link.yaml",
        "link",
        "connectors\\shop.yaml",
        "bundled:../../x",
        "x\x00.yaml",
    ],
)
def test_names_do_not_lead_out_of_the_folder(studio: StudioClient, folder: Path, name: str) -> None:
    outside = folder.parent / "outside.yaml"
    outside.write_text("private: text\n", "utf-8")
    link = folder / "connectors" / "link.yaml"
    link.symlink_to(outside)
    for response in (
        studio.get("file", name=name),
        studio.http.put("/api/file", json={"name": name, "text": "x", "revision": ""}),
        studio.post("judge", name=name, text="x: 1"),
        studio.post("copy", name=name, to="copied"),
        studio.post("jobs", kind="look", name=name, text="x: 1", resource="x"),
        studio.post("secrets", connector=name, name="token", value="t-12345678"),
    ):
        assert response.status_code in (400, 404), response.text
        assert "private" not in response.text
    assert outside.read_text("utf-8") == "private: text\n"
    assert not (folder / "connectors" / "copied.yaml").exists()


def test_a_link_inside_of_the_folder_is_followed(studio: StudioClient, folder: Path) -> None:
    (folder / "other.yaml").write_text(SHOP.replace("shop", "linked"), "utf-8")
    (folder / "connectors" / "linked.yaml").symlink_to(folder / "other.yaml")
    assert studio.get("file", name="linked").json()["text"] == SHOP.replace("shop", "linked")
