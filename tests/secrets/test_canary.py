"""A canary in every secret, hunted wherever a run leaves a trace."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from framework.authoring.cassettes.cassette import find_leaks
from framework.cli.main import main
from framework.load.dlt_defaults import DEFAULTS
from tests.support.run_verbs import connector_of, load, write_connector
from tests.support.servers.raw import Raw, head
from tests.support.servers.tls import Authority
from tests.support.servers.web import Answer, Asked, Web
from tests.support.slow_params import quick_first

ROOT = Path(__file__).parents[2]
NAMES = (
    *("bearer", "in_header", "in_query", "in_cookie", "user", "password", "client_id"),
    *("client_secret", "in_param", "in_text", "in_body", "in_form"),
    *("refresh", "login", "signing", "jwt", "assertion", "in_key", "login_user", "login_password"),
    *("chosen", "not_chosen", "passphrase", "digest", "aws_id", "aws_key", "aws_token"),
    *("client_pem", "oauth1_key", "oauth1_secret", "oauth1_token", "oauth1_token_secret"),
)
MADE_OF = (
    *("signing", "jwt", "assertion", "passphrase", "private_key", "not_chosen", "digest"),
    *("aws_key", "client_pem", "oauth1_secret", "oauth1_token_secret"),
)
"""Secrets that never travel: signatures are made with them, or another is chosen."""
SECRETS = {name: f"canary-{number}9c51e2-{name}/+=" for number, name in enumerate(NAMES)}
SECRETS["private_key"] = (
    generate_private_key(65537, 2048)
    .private_bytes(
        Encoding.PEM,
        PrivateFormat.PKCS8,
        BestAvailableEncryption(SECRETS["passphrase"].encode()),
    )
    .decode()
)
SECRETS["client_pem"] = "\n".join(Authority().certificate())
ISSUED = {name: f"canary-issued-{name}-4711" for name in ("token", "session", "next-refresh")}
ALL = (*SECRETS.values(), *ISSUED.values())


def key(location: str, secret: str) -> dict[str, str]:
    name = {"header": "X-Key", "query": "api_key", "cookie": "sid", "body": "key"}[location]
    held = f"{{secrets.{secret}}}"
    return {"type": "api_key", "location": location, "name": name, "api_key": held}


def connector(web: Web) -> dict[str, Any]:
    """One resource for each way in which a secret travels, and some whose API gives it back."""
    auths = {
        "bearer": {"type": "bearer", "token": "{secrets.bearer}"},
        "header": key("header", "in_header"),
        "query": key("query", "in_query"),
        "cookie": key("cookie", "in_cookie"),
        "basic": {
            "type": "http_basic",
            "username": "{secrets.user}",
            "password": "{secrets.password}",
        },
        "digest": {"type": "http_digest", "username": "ann", "password": "{secrets.digest}"},
        "oauth": {
            "type": "oauth2_client_credentials",
            "access_token_url": f"{web.url}/token",
            "client_id": "{secrets.client_id}",
            "client_secret": "{secrets.client_secret}",
        },
        "refresh": {
            "type": "oauth2_refresh_token",
            "access_token_url": f"{web.url}/refresh",
            "client_id": "{secrets.client_id}",
            "client_secret": "{secrets.client_secret}",
            "refresh_token": "{secrets.refresh}",
            "rotates": True,
        },
        "login": {
            "type": "login",
            "request": {"path": "/session", "json": {"password": "{secrets.login}"}},
            "token_path": "session",
            "send": {"type": "api_key", "location": "cookie", "name": "session"},
        },
        "jwt": {"type": "jwt", "key": "{secrets.jwt}", "algorithm": "HS256"},
        "signed": {
            "type": "jwt",
            "key": "{secrets.private_key}",
            "private_key_passphrase": "{secrets.passphrase}",
            "algorithm": "RS256",
        },
        "assertion": {
            "type": "oauth2_jwt",
            "access_token_url": f"{web.url}/token",
            "private_key": "{secrets.assertion}",
            "algorithm": "HS256",
            "client_id": "{secrets.client_id}",
        },
        "posted": key("body", "in_key"),
        "double": {
            "type": "login",
            "request": {
                "path": "/session",
                "auth": {
                    "type": "http_basic",
                    "username": "{secrets.login_user}",
                    "password": "{secrets.login_password}",
                },
            },
            "token_path": "session",
            "send": {"type": "bearer"},
        },
        "one_of": {
            "type": "one_of",
            "by": "config.how",
            "cases": {
                "token": {"type": "bearer", "token": "{secrets.chosen}"},
                "key": key("header", "not_chosen"),
            },
        },
        "hmac": {
            "type": "hmac",
            "key": "{secrets.signing}",
            "message": "{method}{path}",
            "name": "X-Signature",
        },
        "aws": {
            "type": "aws_sigv4",
            "access_key_id": "{secrets.aws_id}",
            "secret_access_key": "{secrets.aws_key}",
            "session_token": "{secrets.aws_token}",
            "region": "eu-west-1",
            "service": "execute-api",
        },
        "oauth1": {
            "type": "oauth1",
            "consumer_key": "{secrets.oauth1_key}",
            "consumer_secret": "{secrets.oauth1_secret}",
            "token": "{secrets.oauth1_token}",
            "token_secret": "{secrets.oauth1_token_secret}",
        },
    }
    endpoints = {f"by_{name}": {"path": f"/ok/{name}", "auth": auths[name]} for name in auths}
    endpoints["by_posted"].update(method="POST", json={})
    endpoints["by_param"] = {
        "path": "/ok/param",
        "params": {"who": "{secrets.in_param}"},
        "headers": {"X-Tenant": "of {secrets.in_text}"},
    }
    endpoints["by_json"] = {
        "path": "/ok/json",
        "method": "POST",
        "json": {"key": "{secrets.in_body}"},
    }
    endpoints["by_form"] = {
        "path": "/ok/form",
        "method": "POST",
        "data": {"key": "{secrets.in_form}"},
    }
    for name in list(endpoints):
        path = endpoints[name]["path"].replace("/ok/", "/told/")
        endpoints[name.replace("by_", "told_")] = {**endpoints[name], "path": path}
    endpoints["led_away"] = {**endpoints["by_bearer"], "path": "/away"}
    endpoints["led_on"] = {**endpoints["by_query"], "path": "/on", "paginator": "json_link"}
    return {
        "config": {"how": {"type": "string", "enum": ["token", "key"], "default": "token"}},
        "secrets": {name: {} for name in SECRETS},
        "client": {
            "base_url": web.url,
            "retry": {"max_retries": 1, "backoff_factor": 0},
            "tls": {"cert": "{secrets.client_pem}"},
        },
        "resource_defaults": {"write_disposition": "replace"},
        "resources": [
            {"name": name, "endpoint": {"paginator": "single_page", **endpoint}}
            for name, endpoint in endpoints.items()
        ],
    }


def disguised(words: str) -> list[str]:
    """The words as a gateway may write them into an error: a part of each, as errors are cut."""
    found = [secret for secret in ALL if secret in words]
    told = f"was: {found[0] if found else words}"
    packed = base64.b64encode(told.encode()).decode()
    escaped = json.dumps(json.dumps({"sent": told})).replace("/", "\\/")
    return [packed, packed.replace("+", "-").replace("/", "_"), told.encode().hex(), escaped]


def serve(web: Web, seen: list[str]) -> None:
    """An API that takes all, and under /told repeats what it was sent; `seen` are command lines."""

    def look(asked: Asked) -> list[dict[str, int]]:
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(file.read_bytes().decode(errors="replace"))
            except OSError:
                continue
        return [{"id": 1}]

    def repeat(asked: Asked) -> Answer:
        words = f"{dict(asked.headers)} {asked.query} {asked.body.decode()}"
        details = [{"detail": part} for part in (words * 3, *disguised(words))]
        return Answer(418, {"message": words, "errors": details})

    web.on("/ok/{how}", look)
    web.on("/told/{how}", repeat)
    token = {"access_token": ISSUED["token"], "expires_in": 3600}
    web.on("/token", token, method="POST")
    web.on("/refresh", {**token, "refresh_token": ISSUED["next-refresh"]}, method="POST")
    web.on("/session", {"session": ISSUED["session"]}, method="POST")
    there = f"http://localhost:{web.port}/ok/there"
    bearer = SECRETS["bearer"].replace("/+=", "%2F%2B%3D")
    web.on("/away", Answer(302, headers={"Location": f"{there}?token={bearer}"}))
    web.on(
        "/on",
        lambda asked: {"items": [{"id": 1}], "next": f"{there}?api_key={asked.param('api_key')}"},
    )


def framework(*argv: str, **environment: str) -> tuple[int, str]:
    """The command in a process of its own; its exit code, and what it wrote."""
    left_out = {*DEFAULTS, "PYTHONPATH"}
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    secrets = {f"SOURCES__SHOP__{name.upper()}": value for name, value in SECRETS.items()}
    done = subprocess.run(
        [sys.executable, "-m", "framework", *argv],
        env={**kept, **secrets, **environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


def _keeps_token(path: Path) -> bool:
    return "next-refresh" in path.read_bytes().decode("latin-1") and (
        path.stat().st_mode & 0o777 == 0o600
    )


def files_with_a_secret(folder: Path) -> list[str]:
    """Every file below the folder in which a secret stands, in any form; the one that keeps the
    next refresh token is meant to."""
    return [
        f"{path.relative_to(folder)}: {found}"
        for path in folder.rglob("*")
        if path.is_file()
        and not _keeps_token(path)
        and (found := find_leaks(path.read_bytes().decode("latin-1"), ALL))
    ]


@pytest.fixture
def seen(web: Web, project: Path) -> list[str]:
    seen: list[str] = []
    serve(web, seen)
    write_connector(project, connector(web))
    return seen


WAYS = (
    *("bearer", "header", "query", "cookie", "basic", "oauth", "refresh", "login", "jwt", "hmac"),
    *("signed", "assertion", "posted", "double", "one_of", "aws", "oauth1"),
    *("param", "json", "form"),
)
GOOD = ",".join(f"by_{way}" for way in WAYS)


def _types(body: Any) -> set[str]:
    if isinstance(body, list):
        return set().union(*map(_types, body))
    if not isinstance(body, dict):
        return set()
    own = {body["type"]} if isinstance(body.get("type"), str) else set()
    return own.union(*map(_types, body.values()))


def test_every_type_of_auth_has_its_canary(web: Web) -> None:
    format_ = json.loads((ROOT / "schemas" / "connector.schema.json").read_text(encoding="utf-8"))
    known = {
        part["properties"]["type"]["const"]
        for name, part in format_["$defs"].items()
        if name.startswith("auth_") and "const" in part.get("properties", {}).get("type", {})
    }
    assert len(known) > 8
    assert known <= _types(connector(web)["resources"])


@pytest.mark.parametrize(
    ("argv", "code", "environment"),
    quick_first(
        (("run", "shop", "-v"), 1, {"RUNTIME__LOG_LEVEL": "DEBUG"}),
        (("run", "shop", "--format", "json", "--log-format", "json"), 1, {}),
        (("run", "shop", "--resources", GOOD), 0, {"RUNTIME__LOG_FORMAT": "JSON"}),
        (("record", "shop", "--resources", GOOD), 0, {}),
        (("check", "shop"), 1, {}),
        (("check", "shop", "--deep"), 1, {}),
        (("preview", "shop", "by_query"), 0, {}),
        (("preview", "shop", "told_query"), 1, {}),
        (("preview", "shop", "by_query", "--raw"), 0, {}),
        (("preview", "shop", "told_query", "--raw"), 1, {}),
        (("show", "shop"), 0, {}),
        (("state", "show", "shop"), 0, {}),
    ),
    ids=lambda value: "_".join(value) if isinstance(value, tuple) else None,
)
def test_no_secret_is_in_any_output_file_or_command_line(
    web: Web, project: Path, seen: list[str], argv: Any, code: int, environment: Any
) -> None:
    ended, said = framework(*argv, **environment)
    assert ended == code, said
    assert find_leaks(said, ALL) == [], said
    assert files_with_a_secret(project) == []
    assert find_leaks("\n".join(seen), ALL) == []
    if argv[0] in ("run", "record", "check"):
        sent = str([(one.query, one.headers, one.body) for one in web.asked])
        travelling = [value for name, value in SECRETS.items() if name not in MADE_OF]
        assert [value for value in travelling if not find_leaks(sent, [value])] == []


def test_no_secret_of_a_destination_is_in_what_a_run_says(project: Path, web: Web) -> None:
    web.on("/things", [{"id": 1}])
    things = {"name": "things", "write_disposition": "append"}
    write_connector(project, {"client": {"base_url": web.url}, "resources": [things]})
    url = f"postgresql://loader:{SECRETS['password'][:-3]}@127.0.0.1:1/db?connect_timeout=1"
    argv = ("run", "shop", "--destination", "postgres", "-v")
    ended, said = framework(*argv, DESTINATION__POSTGRES__CREDENTIALS=url)
    assert ended == 1, said
    assert SECRETS["password"][:-3] not in said
    assert [file for file in project.rglob("*") if _holds(file, SECRETS["password"][:-3])] == []


def _holds(file: Path, text: str) -> bool:
    return file.is_file() and text.encode() in file.read_bytes()


def test_a_bug_of_ours_shows_places_and_no_values(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError(SECRETS["bearer"]) from KeyError(SECRETS["password"])

    monkeypatch.setattr("framework.load.runner.run", broken)
    assert main(["run", "scheduling", "--replay"]) == 3
    said = capsys.readouterr().err
    assert "ValueError" in said
    assert find_leaks(said, ALL) == []


def test_a_server_that_repeats_a_secret_in_its_status_line_is_masked(project: Path) -> None:
    secret = "canary-in-a-status-line"

    def play(peer: Any) -> None:
        peer.send(head("Content-Length: 0", status=f"503 not with {secret} {'x' * 400}"))

    with Raw(play) as raw:
        body = {
            "secrets": {"token": {}},
            "client": {
                "base_url": raw.url,
                "auth": {"type": "bearer", "token": "{secrets.token}"},
                "retry": {"max_retries": 1, "backoff_factor": 0},
            },
            "resources": [{"name": "things", "write_disposition": "replace"}],
        }
        events: list[Any] = []
        report = load(
            connector_of(project, body), project, config={"token": secret}, on_event=events.append
        )
    assert "503 not with ***" in (report.resources["things"].error or "")
    assert secret not in str(report.as_dict())
    assert secret not in str(events)


def test_half_a_secret_is_not_left_by_shortening(project: Path, web: Web) -> None:
    """A long text is masked before it is cut: what was cut in two is not found any more."""
    secret = "canary-" + "s" * 60
    for before in range(230, 300, 10):
        web.on(f"/things{before}", Answer(400, {"message": "x" * before + secret}))
    body = {
        "secrets": {"token": {}},
        "client": {"base_url": web.url, "auth": {"type": "bearer", "token": "{secrets.token}"}},
        "resources": [
            {"name": f"things{before}", "write_disposition": "replace"}
            for before in range(230, 300, 10)
        ],
    }
    report = load(connector_of(project, body), project, config={"token": secret})
    assert "canary" not in str(report.as_dict())
