"""A canary in every place of a secret, hunted in the output and files of every verb."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from framework.authoring.cassettes.cassette import find_leaks
from framework.cli.main import main
from tests.secrets.test_canary import framework
from tests.support.run_verbs import write_connector
from tests.support.servers.web import Answer, Asked, Web

SECRETS = {name: f"canary-{name}-ü51'&e2/+=" for name in ("param", "body", "form", "start")}
SECRETS |= {name: f"canary-{name}-51'&e2/+=" for name in ("token", "head")}
PASSWORD = "canary-p@ss-4711"
OF_PARENT = "canary-of-parent-1"
ALL = (*SECRETS.values(), PASSWORD)
KINDS = ("ok", "told", "away", "html")
"""How the API responds: as it should, with all that it was sent, by a redirect, with an error."""


def connector() -> dict[str, Any]:
    """A resource for each place of a secret and each kind of response."""
    incremental = {"cursor_path": "at", "start_param": "since", "initial_value": "{secrets.start}"}
    places: dict[str, Any] = {
        "param": {"params": {"q": "{secrets.param}"}},
        "head": {"headers": {"X-Tenant": "of {secrets.head} and more"}},
        "body": {"method": "POST", "json": {"q": {"deep": ["{secrets.body}"]}}},
        "form": {"method": "POST", "data": {"q": "{secrets.form}"}},
        "start": {"incremental": incremental},
        "parent": {"headers": {"X-Session-Token": "{resources.parents.token}"}},
    }
    paths = {f"{kind}_{place}": f"/{kind}/{place}" for kind in KINDS for place in places}
    endpoints: dict[str, Any] = {"parents": {"path": "/parents"}}
    for name, path in paths.items():
        endpoints[name] = {"path": path, **places[name.partition("_")[2]]}
        if name.endswith("parent"):
            endpoints[name]["path"] += "/{resources.parents.id}"
    return {
        "config": {"base_url": {"type": "string"}},
        "secrets": {name: {} for name in SECRETS},
        "client": {
            "base_url": "{config.base_url}",
            "auth": {"type": "bearer", "token": "{secrets.token}"},
            "retry": {"max_retries": 1, "backoff_factor": 0},
        },
        "resource_defaults": {"write_disposition": "replace"},
        "resources": [
            {"name": name, "endpoint": {"paginator": "single_page", **endpoint}}
            for name, endpoint in endpoints.items()
        ],
    }


def serve(web: Web) -> None:
    def words(asked: Asked) -> str:
        login = "http://canary-user:canary-p%40ss-4711@127.0.0.1/"
        return f"{dict(asked.headers)} {asked.query} {asked.body.decode()} {login}"

    for method in ("GET", "POST"):
        for path in ("{place}", "{place}/{id}"):
            web.on(f"/ok/{path}", [{"id": 1, "at": "2026"}], method=method)
            web.on(f"/told/{path}", lambda a: Answer(418, {"message": words(a)}), method=method)
            web.on(f"/html/{path}", lambda a: {"error": words(a)}, method=method)
            there = f"http://localhost:{web.port}/ok/there"
            web.on(f"/away/{path}", Answer(302, headers={"Location": there}), method=method)
    web.on("/parents", [{"id": 1, "token": OF_PARENT}])


def variables(web: Web) -> dict[str, str]:
    base_url = f"http://canary-user:canary-p%40ss-4711@127.0.0.1:{web.port}"
    secrets = {f"SOURCES__SHOP__{name.upper()}": value for name, value in SECRETS.items()}
    return {**secrets, "SOURCES__SHOP__BASE_URL": base_url}


def leaking_files(folder: Path) -> list[str]:
    """The files with a secret; a parent's field is data, and is where data is."""
    return [
        f"{path.relative_to(folder)}: {found}"
        for path in folder.rglob("*")
        if path.is_file() and (found := find_leaks(path.read_bytes().decode("latin-1"), ALL))
    ]


RECORDED = ",".join(f"ok_{place}" for place in ("param", "head", "body", "form"))
VERBS: tuple[tuple[str, ...], ...] = (
    ("run", "shop", "-v"),
    ("run", "shop", "--format", "json", "--log-format", "json"),
    ("check", "shop"),
    ("check", "shop", "--deep"),
    ("check", "shop", "--format", "json"),
    ("record", "shop", "--resources", f"{RECORDED},ok_parent"),
    ("record", "shop", "--resources", f"{RECORDED},told_form"),
    ("infer", "shop", "ok_param", "told_body", "html_form", "--write"),
    *(("preview", "shop", f"{kind}_head") for kind in KINDS),
    ("preview", "shop", "told_parent", "--format", "json"),
    ("preview", "shop", "told_start"),
    *(("preview", "shop", f"{kind}_head", "--raw") for kind in KINDS),
    ("show", "shop"),
    ("show", "shop", "--format", "json"),
    ("state", "show", "shop"),
    ("validate", "--dlt"),
    ("list",),
)


@pytest.mark.slow
@pytest.mark.parametrize("log", [{}, {"RUNTIME__LOG_LEVEL": "DEBUG"}], ids=["silent", "debug"])
@pytest.mark.parametrize("argv", VERBS, ids=" ".join)
def test_no_secret_is_in_what_a_process_leaves(
    web: Web, project: Path, argv: tuple[str, ...], log: dict[str, str]
) -> None:
    serve(web)
    write_connector(project, connector())
    code, said = framework(*argv, **variables(web), **log)
    assert code in (0, 1), said
    assert find_leaks(said, (*ALL, OF_PARENT)) == [], said
    assert leaking_files(project) == []


@pytest.mark.parametrize(
    "argv",
    [
        ("preview", "shop", "told_param", "--format", "json"),
        ("preview", "shop", "told_parent"),
        ("check", "shop", "--resources", "told_body,told_form,html_head", "--format", "json"),
        ("run", "shop", "--resources", "ok_start,told_head", "--format", "json"),
        ("show", "shop"),
    ],
    ids=" ".join,
)
def test_no_secret_is_in_what_a_command_says(
    web: Web,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    argv: tuple[str, ...],
) -> None:
    serve(web)
    write_connector(project, connector())
    for name, value in variables(web).items():
        monkeypatch.setenv(name, value)
    main(argv)
    out, said = capfd.readouterr()
    assert out + said
    assert find_leaks(out + said, (*ALL, OF_PARENT)) == [], out + said
    assert leaking_files(project) == []
    if "json" in argv and out:
        json.loads(out)


URLS = (
    "postgresql://loader:canary-pw@127.0.0.1:notaport/db",
    "postgresql://loader:canary-pw@127.0.0.1:1/db?sslmode=canary-pw",
    "postgresql://loader:canary-pw/x#y@127.0.0.1:1/db",
    "postgresql://loader:canary-pw@[::1/db",
    "postgresql://loader:canary%2dpw@127.0.0.1:99999/db",
    "postgresql:/loader:canary-pw@127.0.0.1:1/db",
    "loader:canary-pw@127.0.0.1/db",
    "host=127.0.0.1 port=1 user=loader password='canary-pw' dbname=x",
    '{"host": "127.0.0.1", "password": "canary-pw", "port": "x"}',
)


@pytest.mark.parametrize("where", ["environment", "secrets.toml"])
@pytest.mark.parametrize("url", URLS)
def test_credentials_that_do_not_parse_are_not_printed(
    web: Web,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    url: str,
    where: str,
) -> None:
    from tests.conftest import reload_providers

    web.on("/things", [{"id": 1}])
    things = {"name": "things", "write_disposition": "append"}
    write_connector(project, {"client": {"base_url": web.url}, "resources": [things]})
    if where == "environment":
        monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", url)
    else:
        (project / ".dlt").mkdir()
        text = f"[destination.postgres]\ncredentials = {json.dumps(url)}\n"
        (project / ".dlt" / "secrets.toml").write_text(text)
        reload_providers()
    assert main(["run", "shop", "--destination", "postgres"]) == 1
    said = "".join(capfd.readouterr())
    assert "error: " in said
    assert "canary" not in said


def test_a_secret_in_a_file_is_masked_where_its_line_is_quoted(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    client = {
        "base_url": "https://login:canary-pw@api.example.com",
        "auth": {"type": "jwt", "key": "canary-key-1", "algorithm": "HS256"},
        "headers": {"X-Api-Key": "canary-key-2"},
    }
    write_connector(project, {"client": client, "resources": [{"name": "things", "typ": 1}]})
    assert main(["validate"]) == 1
    assert main(["run", "shop"]) == 1
    broken = project / "connectors" / "broken.yaml"
    broken.write_text('version: 1\nclient: {auth: {token: "canary-key-3", x: [}\n')
    assert main(["validate", str(broken)]) == 1
    said = "".join(capfd.readouterr())
    assert "literal-secret" in said
    assert "canary" not in said


def test_a_secret_in_a_file_to_import_is_not_printed(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = {
        "client": {
            "base_url": "https://login:canary-pw@api.example.com",
            "auth": {"type": "bearer", "token": "canary-key-1"},
            "headers": {"X-Api-Key": "canary-key-2"},
            "paginator": {"type": "canary-key-1"},
        },
        "resources": [{"name": "Things", "endpoint": {"path": "/a?x=canary-key-2"}}],
    }
    (project / "config.json").write_text(json.dumps(config))
    main(["import", "dlt", "config.json", "-o", "connectors/shop.yaml"])
    said = "".join(capfd.readouterr())
    assert said
    assert "canary" not in said
