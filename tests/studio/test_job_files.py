"""Jobs with the files around them: links, odd files, hosts, stops, messages."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from framework.errors import FrameworkError
from framework.runtime.redaction import Redactor
from framework.studio.connector_starts import start_connector
from framework.studio.job_runner import JobRunner, copied
from framework.studio.project_files import ProjectFiles
from framework.studio.studio_session import StudioSession
from framework.workspace.project_folder import ProjectFolder
from tests.support.run_verbs import write_connector
from tests.support.servers.raw import Peer, Raw
from tests.support.servers.web import Web

Json = Any
TOKEN = "k-1234567890"


@pytest.fixture
def session(web: Web, project: Path) -> StudioSession:
    """A session with the connector `shop`, whose key is set."""
    web.on("/orders", {"orders": [{"id": 1}]})
    write_connector(project, body(web.url))
    session = StudioSession.of(ProjectFolder.of(project), Redactor())
    session.set_value({"connector": "shop", "name": "api_key", "value": TOKEN})
    return session


def body(url: str) -> dict[str, Json]:
    """The connector file."""
    return {
        "secrets": {"api_key": {"description": "The key."}},
        "client": {"base_url": url, "auth": {"type": "bearer", "token": "{secrets.api_key}"}},
        "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
        "resources": [
            {
                "name": "orders",
                "endpoint": {
                    "path": "/orders",
                    "data_selector": "orders",
                    "paginator": "single_page",
                },
            }
        ],
    }


def ended(jobs: JobRunner, started: dict[str, Json]) -> dict[str, Json]:
    """Return a job when it has ended."""
    assert jobs._job(started["job"]).ended.wait(60)
    return jobs.told(started["job"])


def begun(session: StudioSession, **request: Json) -> dict[str, Json]:
    """Begin a connector; return the job when it has ended."""
    jobs = JobRunner(session)
    return ended(jobs, start_connector(request, session, ProjectFiles(session), jobs))


def spec(reference: str) -> str:
    """A description whose records are what a reference leads to."""
    schema = {"type": "array", "items": {"$ref": f"{reference}#/components/schemas/X"}}
    content = {"application/json": {"schema": schema}}
    operation = {"operationId": "l", "responses": {"200": {"description": "", "content": content}}}
    head = {"openapi": "3.0.0", "info": {"title": "x", "version": "1"}}
    servers = [{"url": "https://api.example.com"}]
    return json.dumps({**head, "servers": servers, "paths": {"/a": {"get": operation}}})


@pytest.mark.parametrize("spelling", ["{}", "file://{}"])
def test_a_description_reads_no_file_of_the_machine(
    session: StudioSession, tmp_path_factory: pytest.TempPathFactory, spelling: str
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "parts.yaml"
    schema = {"type": "object", "properties": {"outside_field": {"type": "string"}}}
    outside.write_text(json.dumps({"components": {"schemas": {"X": schema}}}))
    found = begun(session, kind="openapi", name="made", text=spec(spelling.format(outside)))
    assert found["state"] == "done"
    root = session.folder.root
    written = [*root.glob("connectors/made*"), *root.glob("schemas/made/*")]
    assert written
    assert all("outside_field" not in one.read_text() for one in written)


@pytest.fixture
def odd_files(session: StudioSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Schemas beside a connector, with what is no schema of the project."""
    folder = session.folder.root / "schemas" / "shop"
    folder.mkdir(parents=True)
    outside = tmp_path_factory.mktemp("outside") / "outside.json"
    outside.write_text("{}")
    (folder / "orders.json").write_text("{}")
    (folder / ".hidden").write_bytes(b"\xff")
    (folder / "elsewhere.json").symlink_to(outside)
    (folder / "nowhere.json").symlink_to(outside.with_name("missing"))
    os.mkfifo(folder / "pipe.json")
    return folder


@pytest.mark.usefixtures("odd_files")
def test_a_job_sees_the_projects_files_only(session: StudioSession, tmp_path: Path) -> None:
    location = session.location("shop")
    copy = copied(location, "name: shop\n", tmp_path / "copy", session.folder)
    assert [one.name for one in (copy.root / "schemas" / "shop").iterdir()] == ["orders.json"]


@pytest.mark.usefixtures("odd_files")
def test_a_copy_has_the_projects_files_only(session: StudioSession) -> None:
    ProjectFiles(session).copy({"name": "shop", "to": "mine"})
    written = session.folder.root / "schemas" / "mine"
    assert [one.name for one in written.iterdir()] == ["orders.json"]


def test_a_folder_that_is_a_link_is_not_walked(session: StudioSession, tmp_path: Path) -> None:
    (session.folder.root / "schemas").mkdir()
    (session.folder.root / "schemas" / "shop").symlink_to("/")
    copy = copied(session.location("shop"), "", tmp_path / "copy", session.folder)
    assert not (copy.root / "schemas").exists()


def test_a_copy_that_cannot_be_made_leaves_nothing(session: StudioSession, odd_files: Path) -> None:
    (odd_files / "orders.json").write_bytes(b"\xff\xfe")
    with pytest.raises(FrameworkError, match="UTF-8"):
        ProjectFiles(session).copy({"name": "shop", "to": "mine"})
    assert not (session.folder.connectors / "mine.yaml").exists()


@pytest.mark.parametrize("kind", ["record", "test", "run"])
def test_a_recording_is_not_written_elsewhere(
    session: StudioSession, tmp_path_factory: pytest.TempPathFactory, kind: str
) -> None:
    target = tmp_path_factory.mktemp("outside") / "target"
    folder = session.folder.root / "cassettes"
    folder.mkdir()
    (folder / "shop.yaml").symlink_to(target)
    jobs = JobRunner(session)
    found = ended(jobs, jobs.start(kind, {"name": "shop", "update": True}))
    assert found["state"] == "failed"
    assert "link" in found["error"]["message"]
    assert not target.exists()


@pytest.mark.parametrize("kind", ["look", "check"])
def test_an_unsaved_host_gets_nothing_and_saving_is_the_remedy(
    session: StudioSession, web: Web, kind: str
) -> None:
    text = session.read("shop").text
    with Web() as elsewhere:
        elsewhere.on("/orders", {"orders": []})
        other = text.replace(web.url, elsewhere.url)
        jobs = JobRunner(session)
        asked = {"name": "shop", "text": other, "resource": "orders"}
        found = json.dumps(ended(jobs, jobs.start(kind, asked)))
        assert elsewhere.asked == []
    assert "save" in found
    assert "--allow-host" not in found


def test_a_new_connector_has_no_values_of_an_older_one(session: StudioSession, web: Web) -> None:
    (session.folder.connectors / "shop.yaml").unlink()
    ProjectFiles(session).create("shop", f"name: shop\nclient: {{base_url: '{web.url}'}}\n")
    assert session.values("shop") == {}


@pytest.mark.parametrize("kind", ["url", "openapi"])
def test_a_start_that_hangs_is_stopped(session: StudioSession, kind: str) -> None:
    asked, over = threading.Event(), threading.Event()

    def hang(_: Peer) -> None:
        asked.set()
        over.wait(60)

    with Raw(hang) as server:
        jobs = JobRunner(session)
        request = {"kind": kind, "name": "made", "url": f"{server.url}/orders"}
        started = start_connector(request, session, ProjectFiles(session), jobs)
        assert asked.wait(60)
        folder = jobs._job(started["job"]).folder
        jobs.close()
        assert jobs.told(started["job"])["state"] == "stopped"
        assert jobs.stopped == 1
        assert folder is not None
        assert not folder.exists()
        over.set()


def test_messages_do_not_name_the_folder_of_this_machine(session: StudioSession) -> None:
    (session.folder.root / "schemas").write_text("a file")
    found = begun(session, kind="bundled", name="mine", **{"from": "scheduling"})
    assert found["state"] == "failed"
    assert str(session.folder.root) not in json.dumps(found)
