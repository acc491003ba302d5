"""Secrets of a session: kept in memory or in the project's file, in no response."""

from __future__ import annotations

import base64
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.studio.test_project_files import SHOP
from tests.support.studio_client import StudioClient, running_studio

VALUE = "p/4f1c+8a66 e2"
OF_ENVIRONMENT = "env-77aa88bb99"


@pytest.fixture
def studio(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StudioClient]:
    (project / "connectors").mkdir()
    (project / "connectors" / "shop.yaml").write_text(SHOP, "utf-8")
    monkeypatch.setenv("SHOP_API_TOKEN", OF_ENVIRONMENT)
    with running_studio(project) as one:
        yield one


def test_a_secret_is_kept_in_memory_only(studio: StudioClient, project: Path) -> None:
    assert studio.post("secrets", connector="shop", name="token", value=VALUE).json() == {}
    assert studio.session.values("shop") == {"token": VALUE}
    assert VALUE not in repr(studio.session)
    assert not (project / ".dlt" / "secrets.toml").exists()
    assert studio.post("secrets", connector="shop", name="token", value="").json() == {}
    assert studio.session.values("shop") == {}


def test_a_secret_is_stored_if_that_is_wanted(studio: StudioClient, project: Path) -> None:
    (project / ".dlt").mkdir(exist_ok=True)
    file = project / ".dlt" / "secrets.toml"
    file.write_text("[other]\nkept = 1\n", "utf-8")
    body = {"connector": "shop", "name": "token", "value": VALUE, "store": True}
    assert studio.post("secrets", **body).json() == {}
    assert tomllib.loads(file.read_text("utf-8")) == {
        "other": {"kept": 1},
        "sources": {"shop": {"token": VALUE}},
    }
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_secret_is_not_stored_outside_of_the_folder(
    studio: StudioClient, project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    if (project / ".dlt").is_dir():
        (project / ".dlt").rename(project / ".other")
    (project / ".dlt").symlink_to(elsewhere)
    body = {"connector": "shop", "name": "token", "value": VALUE, "store": True}
    assert studio.post("secrets", **body).status_code == 400
    assert [*elsewhere.iterdir()] == []


@pytest.mark.parametrize(
    "spelling",
    [
        VALUE,
        quote(VALUE, safe=""),
        quote(quote(VALUE, safe=""), safe=""),
        base64.b64encode(VALUE.encode()).decode(),
        base64.b64encode(f"user:{VALUE}".encode()).decode(),
        VALUE.encode().hex(),
        OF_ENVIRONMENT,
    ],
)
def test_no_response_has_a_secret_in_any_spelling(studio: StudioClient, spelling: str) -> None:
    studio.post("secrets", connector="shop", name="token", value=VALUE)
    text = SHOP + f"# {spelling}\nunknown_{spelling!r}: {spelling!r}\n"
    responses = [
        studio.post("judge", name="shop", text=text),
        studio.post("format", name="shop", text=text),
        studio.post("hover", name="shop", text=text, offset=len(text) - 5),
        studio.post("complete", name="shop", text=text, offset=len(text) - 5),
        studio.post("rename", name="shop", text=text, offset=5, to=spelling),
        studio.post("judge", name=spelling, text=text),
        studio.post("jobs", kind=spelling, name="shop", text=text),
        studio.post("secrets", connector=spelling, name="token", value="x"),
        studio.post("copy", name="shop", to=spelling),
        studio.http.put("/api/file", json={"name": "shop", "text": text, "revision": "x"}),
        studio.get("file", name=spelling),
    ]
    core = base64.b64encode(VALUE.encode()[2:]).decode()[4:12]
    for response in responses:
        assert spelling not in response.text
        assert core not in response.text


def test_a_file_with_a_secret_in_it_is_not_opened(studio: StudioClient, project: Path) -> None:
    path = project / "connectors" / "leaky.yaml"
    text = SHOP.replace("{secrets.token}", "abc-literal-5a5a5a").replace("shop", "leaky")
    path.write_text(text, "utf-8")
    refused = studio.get("file", name="leaky")
    assert refused.status_code == 400
    assert "line 8" in refused.json()["error"]["message"]
    assert "abc-literal" not in refused.text
    assert "abc-literal" not in studio.get("project").text


@pytest.mark.parametrize("name", ["", "a b", "../x", None, 5])
def test_a_value_has_the_name_of_an_entry(studio: StudioClient, name: object) -> None:
    assert studio.post("secrets", connector="shop", name=name, value=VALUE).status_code == 400
    assert studio.post("secrets", connector="shop", name="token", value=[VALUE]).status_code == 400
    assert studio.post("secrets", connector="nothing", name="token", value="x").status_code == 404
