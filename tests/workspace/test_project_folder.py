"""A project's folder: what is read through it, and what is not."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from framework.definition import finder
from framework.errors import UsageError
from framework.workspace.project_folder import FileChanged, PathRefused, ProjectFolder, revision_of

FILE = "version: 1\nname: shop\n"


@pytest.fixture
def folder(tmp_path: Path) -> ProjectFolder:
    root = tmp_path / "project"
    (root / "connectors").mkdir(parents=True)
    (root / "connectors" / "shop.yaml").write_text(FILE, "utf-8")
    (root / ".dlt").mkdir()
    (root / ".dlt" / "secrets.toml").write_text("token = 'tkn-1234567'", "utf-8")
    (tmp_path / "outside.yaml").write_text("outside", "utf-8")
    return ProjectFolder.of(root)


OUTSIDE = [
    "",
    "..",
    "../outside.yaml",
    "connectors/../../outside.yaml",
    "connectors/../connectors/shop.yaml",
    "..\\outside.yaml",
    "connectors\\shop.yaml",
    "/etc/passwd",
    "//server/share/x.yaml",
    "\\\\server\\share\\x.yaml",
    "C:/Windows/win.ini",
    "C:connectors/shop.yaml",
    "connectors/shop.yaml:stream",
    "connectors/shop.yaml::$DATA",
    "file:///etc/passwd",
    "~/x.yaml",
    "~root/x.yaml",
    "connectors/nul",
    "CON.yaml",
    "connectors/shop.yaml.",
    "connectors/shop.yaml ",
    "SECRET~1.TOM",
    "connectors/shop.yaml\x00.txt",
    "connectors/shop\n.yaml",
    "x" * 2_000,
]
HIDDEN = [
    ".dlt/secrets.toml",
    "./.dlt/secrets.toml",
    ".DLT/secrets.toml",
    ".dlt",
    ".git/config",
    ".env",
    "connectors/.shop.yaml.1.tmp",
    "a/.hidden/b.yaml",
    "secrets.toml",
    "SECRETS.TOML",
    "config/secrets.toml",
    "connectors/secrets.toml",
    "certificates/client.pem",
    "client.KEY",
    "id_ed25519",
    "google_service_account.json",
    "production.env",
]


@pytest.mark.parametrize("name", [*OUTSIDE, *HIDDEN], ids=lambda name: ascii(name)[:40])
def test_a_name_does_not_lead_out(folder: ProjectFolder, name: str) -> None:
    for open_by_name in (folder.resolve, folder.read_text, lambda one: folder.write(one, "x")):
        with pytest.raises(PathRefused):
            open_by_name(name)


@pytest.mark.parametrize(
    "name", ["../outside.yaml", "..\\outside.yaml", "/etc/x.yaml", ".a/b.yaml"]
)
def test_a_connector_is_not_read_from_elsewhere(folder: ProjectFolder, name: str) -> None:
    with pytest.raises(PathRefused):
        folder.read(name)


@pytest.mark.parametrize(
    "name", ["schemas/vault/secrets.json", "connectors/passwords.yaml", "a.yaml"]
)
def test_names_of_the_frameworks_files_are_free(folder: ProjectFolder, name: str) -> None:
    assert folder.write(name, "x").text == "x"
    assert folder.read_text(name) == "x"


def test_links_are_followed_within_the_folder_only(folder: ProjectFolder) -> None:
    inside = folder.connectors
    (inside / "linked.yaml").symlink_to("shop.yaml")
    (inside / "out.yaml").symlink_to(folder.root.parent / "outside.yaml")
    (inside / "hidden.yaml").symlink_to(folder.root / ".dlt" / "secrets.toml")
    (inside / "circle.yaml").symlink_to("circle.yaml")
    (folder.root / "up").symlink_to(folder.root.parent)
    assert folder.read("connectors/linked.yaml").text == FILE
    for name in ("connectors/out.yaml", "connectors/hidden.yaml", "up/outside.yaml", "up/new.yaml"):
        with pytest.raises(PathRefused):
            folder.read_text(name)
        with pytest.raises(PathRefused):
            folder.write(name, "x")
    with pytest.raises(UsageError):
        folder.read_text("connectors/circle.yaml")
    names = [one.name for one in folder.locations()]
    assert "linked" in names
    assert not {"out", "hidden", "circle"} & set(names)
    with pytest.raises(UsageError):
        folder.read("out")
    assert (folder.root.parent / "outside.yaml").read_text() == "outside"


def test_a_link_stays_one_when_it_is_written(folder: ProjectFolder) -> None:
    link = folder.connectors / "linked.yaml"
    link.symlink_to("shop.yaml")
    folder.write("connectors/linked.yaml", "name: other\n")
    assert link.is_symlink()
    assert folder.read("connectors/shop.yaml").text == "name: other\n"


def test_a_written_file_keeps_its_mode_and_leaves_nothing_behind(folder: ProjectFolder) -> None:
    path = folder.connectors / "shop.yaml"
    path.chmod(0o640)
    folder.write("connectors/shop.yaml", "name: new\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [one.name for one in folder.connectors.iterdir()] == ["shop.yaml"]


def test_a_revision_keeps_a_change_of_somebody_else(folder: ProjectFolder) -> None:
    read = folder.read("shop")
    assert read.revision == revision_of(FILE)
    folder.write("connectors/shop.yaml", "name: theirs\n")
    with pytest.raises(FileChanged):
        folder.write("connectors/shop.yaml", "name: ours\n", read.revision)
    with pytest.raises(FileChanged):
        folder.write("connectors/shop.yaml", "name: ours\n", "")
    with pytest.raises(FileChanged):
        folder.write("connectors/gone.yaml", "name: ours\n", read.revision)
    now = folder.read("shop").revision
    assert folder.write("connectors/shop.yaml", "name: ours\n", now).text == "name: ours\n"
    assert folder.write("connectors/new.yaml", "name: new\n", "").location.name == "new"


def test_bundled_connectors_are_read_by_name(folder: ProjectFolder) -> None:
    read = folder.read("scheduling")
    assert read.is_bundled
    assert read.location.display == "bundled:connectors/scheduling.yaml"
    assert folder.read(read.location.display).text == read.text
    assert not folder.read("shop").is_bundled
    with pytest.raises(UsageError):
        folder.read("bundled:../../etc/passwd.yaml")


def test_files_of_the_installed_package_are_not_written(
    folder: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = folder.root / "packages" / "framework"
    (package / "connectors").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "connectors" / "ours.yaml").write_text(FILE, "utf-8")
    monkeypatch.setattr("framework.workspace.project_folder.bundled_root", lambda: package)
    monkeypatch.setattr(finder, "bundled_root", lambda: package)
    assert folder.read("ours").is_bundled
    with pytest.raises(PathRefused):
        folder.write("packages/framework/connectors/ours.yaml", "x")


def test_the_folder_of_connectors_is_below_the_project(tmp_path: Path) -> None:
    (tmp_path / "project" / "apis").mkdir(parents=True)
    folder = ProjectFolder.of(tmp_path / "project", tmp_path / "project" / "apis")
    folder.write("apis/shop.yaml", FILE)
    assert folder.read("shop").location.display == "apis/shop.yaml"
    for wrong in (tmp_path, tmp_path / "project" / "none"):
        with pytest.raises(UsageError):
            ProjectFolder.of(tmp_path / "project", wrong)


def test_what_is_no_text_is_refused(folder: ProjectFolder) -> None:
    (folder.root / "data.bin").write_bytes(b"\xff\xfe\x00")
    os.mkfifo(folder.root / "pipe")
    for name in ("data.bin", "missing.yaml", "connectors"):
        with pytest.raises(Exception, match=name):
            folder.read_text(name)
    assert folder.read_text("pipe") == ""
