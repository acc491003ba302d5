"""Every example in `--help` is a command that works."""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.cli.main import VERBS, main
from framework.mock.mock_server import serve_mock
from tests.support.processes import command
from tests.support.recordings import write_har
from tests.support.run_verbs import write_connector
from tests.support.servers.web import Web
from tests.support.simulator import Simulator, small_world

MANIFEST = """
version: 6.0.0
type: DeclarativeSource
check: {type: CheckStream, stream_names: [items]}
streams:
  - type: DeclarativeStream
    name: items
    retriever:
      type: SimpleRetriever
      requester: {type: HttpRequester, url_base: "https://api.example.com", path: /items}
      record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: []}}
    schema_loader: {type: InlineSchemaLoader, schema: {type: object, properties: {}}}
"""
ROOT = Path(__file__).parents[2]
GROUPS = {
    "state": ("show", "reset"),
    "import": ("airbyte", "dlt", "openapi", "har", "curl", "postman"),
    "fleet": ("validate", "plan"),
}
COLLECTION = {
    "info": {"name": "shop"},
    "item": [{"name": "orders", "request": "https://api.example.com/orders"}],
}
RECORDING = {
    "host": "https://api.example.com",
    "requests": [{"get": "/orders", "response": {"orders": [{"id": 1}]}}],
}
DESCRIPTION = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "paths": {
        "/orders": {
            "get": {
                "responses": {
                    "200": {
                        "description": "",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "properties": {"id": {"type": "integer"}},
                                        "required": ["id"],
                                    },
                                }
                            }
                        },
                    }
                }
            }
        }
    },
}
FLEET = "version: 1\njobs: [{connector: shop, accounts: [{alias: acme}]}]\n"
MORE = {"state reset": ("--yes",), "prove": ("--histories", "3")}
"""What a test adds to an example: an answer, or a smaller size."""
HELPS = [
    (verb, *rest)
    for verb in VERBS
    if verb not in ("login", "lsp", "mcp", "studio")
    for rest in ((), *((s,) for s in GROUPS.get(verb, ())))
]


@pytest.fixture
def place(project: Path, monkeypatch: pytest.MonkeyPatch, web: Web) -> Iterator[Path]:
    """Return a folder with the files of the examples, while their APIs are served."""
    body = {
        "client": {"base_url": web.url, "paginator": "single_page"},
        "resources": [{"name": "orders", "write_disposition": "replace"}],
    }
    web.on("/orders", [{"id": 1}])
    for name in ("mine", "shop"):
        write_connector(project, body, name)
    # a copy of the bundled connector, since recordings are written beside it
    shutil.copy(ROOT / "connectors" / "scheduling.yaml", project / "connectors")
    shutil.copytree(ROOT / "schemas", project / "schemas")
    (project / "cassettes").mkdir()
    for file in (ROOT / "cassettes").glob("scheduling*"):
        shutil.copy(file, project / "cassettes")
    (project / "elsewhere").mkdir()
    write_connector(project / "elsewhere", body, "mine")
    for name in ("manifest.yaml", "shop.yaml"):
        (project / name).write_text(MANIFEST, "utf-8")
    (project / "fleet.yaml").write_text(FLEET, "utf-8")
    (project / "config.json").write_text(json.dumps(body), "utf-8")
    (project / "collection.json").write_text(json.dumps(COLLECTION), "utf-8")
    (project / "commands.txt").write_text("curl https://api.example.com/orders", "utf-8")
    write_har(RECORDING, project / "recording.har")
    with Simulator(small_world(), ["simulated-token"]) as simulator:
        monkeypatch.setenv("SOURCES__SCHEDULING__API_KEY", "simulated-token")
        monkeypatch.setenv("SOURCES__SCHEDULING__BASE_URL", simulator.base_url)
        yield project


@pytest.mark.slow
@pytest.mark.parametrize("words", HELPS, ids=" ".join)
def test_the_examples_of_help_work(
    words: tuple[str, ...],
    place: Path,
    web: Web,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert main([*words, "--help"]) == 0
    examples = capsys.readouterr().out.partition("Examples:\n")[2].replace("\\\n", " ")
    whole = re.sub(r"\s*\n\s*(?!framework |\s|$)", " ", examples)
    lines = [line.strip() for line in whole.splitlines() if line.strip()]
    assert lines
    _prepare(words, place, web)
    for line in lines:
        assert line.startswith(f"framework {' '.join(words)}")
        if words[0] in ("new", "import"):
            for file in (place / "connectors").glob("*.yaml"):
                file.unlink()
        here = line.replace("https://api.shop.example.com/v2", web.url)
        argv = shlex.split(re.split(r" {3,}(?=\w)", here)[0])[1:]
        if ">" in argv:
            argv = argv[: argv.index(">")]
        if "postgres" in argv:
            continue  # it wants a server with a name and a password
        if argv == ["new", "shop"]:
            continue  # it asks on a terminal
        asks = "--probe" in argv or argv[:2] == ["import", "openapi"]
        if asks and any(word.startswith("https://") for word in argv):
            continue  # it asks the web
        if "<" in argv:
            file = (place / argv.pop()).read_bytes()
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(file)))
            argv.pop()
        if words[0] == "mock":
            _serve_and_interrupt(place, argv)
            continue
        more = MORE.get(" ".join(argv[:2]), MORE.get(argv[0], ()))
        if "--mock" in argv:
            with serve_mock("scheduling") as server:
                code = main([*argv[:-1], server.base_url])
        else:
            code = main([*argv, *more])
        assert code == 0, f"{line}: {capsys.readouterr().err}"


def _prepare(words: tuple[str, ...], place: Path, web: Web) -> None:
    """Do what a user has done before one of these commands."""
    match words:
        case ("state", *_):
            assert main(["run", "scheduling"]) == 0
        case ("test",):
            for name in ("mine", "shop"):
                (place / "connectors" / f"{name}.yaml").unlink()
        case ("import", "openapi"):
            text = json.dumps({**DESCRIPTION, "servers": [{"url": web.url}]})
            (place / "shop.yaml").write_text(text, "utf-8")
        case ("diff",):
            assert main(["record", "shop", "-q"]) == 0
            shutil.copytree(place / "connectors", place / "old")
            for git in ("init -q -b main", "add connectors cassettes", "commit -q -m first"):
                who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
                subprocess.run(["git", *who, *git.split()], check=True)


def _serve_and_interrupt(place: Path, argv: list[str]) -> None:
    with command(place, *argv, "--port", "0") as started:
        started.wait_for(" from ")
        started.signal(signal.SIGINT)
        code, _, rest = started.ended()
    assert code == 0, rest
