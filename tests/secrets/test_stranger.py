"""What a connector file of a stranger cannot do, as docs/security.md says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from framework.cli.main import main
from framework.definition.finder import find_connector
from framework.definition.validation import validate
from tests.support.run_verbs import connector_of, load, tables, write_connector
from tests.support.servers.web import Answer, Web

API = "https://api.example.com"


def findings(folder: Path, body: dict[str, Any], file: str = "stranger") -> list[str]:
    path = write_connector(folder, {"name": "stranger", **body}, file)
    return [finding.code for finding in validate(find_connector(str(path))).findings]


def with_one(**more: Any) -> dict[str, Any]:
    resource = {"name": "things", "write_disposition": "replace", **more.pop("resource", {})}
    client = {"base_url": API, "paginator": "single_page", **more.pop("client", {})}
    return {"client": client, "resources": [resource], **more}


@pytest.mark.parametrize(
    "schema",
    ["../../secret", "/etc/passwd", "..", "a/b", "a\\b", "secret.json", "./x", "x\x00", "~/x"],
)
def test_a_schema_is_a_name_below_its_own_folder(project: Path, schema: str) -> None:
    (project / "secret.json").write_text("{}")
    assert findings(project, with_one(resource={"schema": schema})) == ["schema-name"]


@pytest.mark.parametrize("where", ["file://{folder}/a.json", "{url}/a.json", "a.json"])
def test_a_schema_reaches_no_other_file_and_no_host(project: Path, web: Web, where: str) -> None:
    (project / "a.json").write_text('{"type": "integer"}')
    web.on("/a.json", {"type": "integer"})
    web.on("/things", [{"a": 1}])
    reference = {"$ref": where.format(folder=project, url=web.url)}
    schema = {"type": "object", "properties": {"a": reference}}
    body = with_one(client={"base_url": web.url}, resource={"schema": schema})
    load(connector_of(project, body, "stranger"), project)
    assert web.paths() == ["/things"]
    with tables(project, "stranger") as found:
        assert found.columns("things") == {"a": "JSON"}


@pytest.mark.parametrize(
    "text",
    ["{env.HOME}", "{file.secrets}", "{secrets.other}", "{{__import__('os')}", "{sources.x}"],
)
def test_a_placeholder_reaches_only_what_the_file_declares(project: Path, text: str) -> None:
    assert findings(project, with_one(resource={"endpoint": {"headers": {"X-A": text}}}))


@pytest.mark.parametrize("name", ["../x", "a/b", "NAME", "x.y", "x__y", ""])
def test_a_name_is_no_path(project: Path, name: str) -> None:
    body = {**with_one(), "name": name}
    path = write_connector(project, body, "stranger")
    assert validate(find_connector(str(path))).connector is None


def test_a_file_has_the_secrets_of_its_own_name_only(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It cannot call itself like another connector, and what is set for that one is not found."""
    monkeypatch.setenv("SOURCES__SCHEDULING__API_KEY", "canary-of-another")
    monkeypatch.setenv("API_KEY", "canary-of-the-shell")
    auth = {"type": "bearer", "token": "{secrets.api_key}"}
    body = with_one(client={"auth": auth}, secrets={"api_key": {}})
    path = write_connector(project, {**body, "name": "scheduling"}, "stranger")
    assert validate(find_connector(str(path))).connector is None
    write_connector(project, {**body, "name": "stranger"}, "stranger")
    assert main(["run", "stranger"]) == 1
    said = capsys.readouterr().err
    assert "the secret `api_key` is missing" in said
    assert "canary" not in said


def test_a_value_by_a_bare_name_is_a_finding(project: Path) -> None:
    auth = {"type": "bearer", "token": "{secrets.t}"}
    body = with_one(client={"auth": auth}, secrets={"t": {"key": "aws_secret_access_key"}})
    assert findings(project, body) == ["bare-name"]


@pytest.mark.parametrize("base", ["http://api.example.com", "file:///etc", "ftp://x.example.com"])
def test_credentials_travel_encrypted_or_not_at_all(project: Path, base: str) -> None:
    auth = {"type": "bearer", "token": "{secrets.t}"}
    body = with_one(client={"base_url": base, "auth": auth}, secrets={"t": {}})
    path = write_connector(project, body, "stranger")
    outcome = validate(find_connector(str(path)))
    if outcome.connector is None:
        return
    report = load(outcome.connector, project, config={"t": "canary-t"})
    assert "refused" in (report.resources["things"].error or "")


def test_yaml_makes_no_objects(project: Path) -> None:
    path = project / "connectors" / "stranger.yaml"
    path.parent.mkdir()
    path.write_text("version: 1\nname: !!python/object/apply:os.system ['touch pwned']\n")
    assert "yaml-tag" in [finding.code for finding in validate(find_connector(str(path))).findings]
    assert not (project / "pwned").exists()


@pytest.mark.parametrize("verb", ["run", "check", "preview"])
def test_what_an_api_says_cannot_steer_the_terminal(
    project: Path, web: Web, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    evil = "\x1b]0;pwned\x07\x1b[2J\x9b31m [bold]x[/] \r gone"
    web.on("/things", Answer(400, {"message": evil}) if verb != "preview" else [{"id": evil}])
    write_connector(project, with_one(client={"base_url": web.url}), "stranger")
    argv = [verb, "stranger", *(["things"] if verb == "preview" else [])]
    assert main(argv) == (0 if verb == "preview" else 1)
    out, said = capsys.readouterr()
    assert "pwned" in out + said
    assert not [character for character in out + said if character in "\x1b\x07\x9b\r"]


def test_a_table_stays_in_its_dataset(project: Path, web: Web) -> None:
    web.on("/things", [{"id": 1}])
    name = 'main"; drop schema main; --'
    resource = {"table_name": name, "endpoint": {"path": "/things"}}
    body = with_one(client={"base_url": web.url}, resource=resource)
    path = write_connector(project, body, "stranger")
    outcome = validate(find_connector(str(path)))
    if outcome.connector is None:
        return
    report = load(connector_of(project, body, "stranger"), project)
    assert report.status == "ok"
    assert json.dumps(report.as_dict()).count('"dataset": "stranger_data"') == 1
