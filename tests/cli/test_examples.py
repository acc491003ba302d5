"""Every example in `--help` is a command that works."""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.cli.main import VERBS, main
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
    "import": ("airbyte", "dlt", "har", "curl", "postman"),
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
FLEET = "version: 1\njobs: [{connector: shop, accounts: [{alias: acme}]}]\n"
HELPS = [(verb, *rest) for verb in VERBS for rest in ((), *((s,) for s in GROUPS.get(verb, ())))]


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
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert main([*words, "--help"]) == 0
    examples = capsys.readouterr().out.partition("Examples:\n")[2].replace("\\\n", " ")
    commands = [line.strip() for line in examples.splitlines() if line.strip()]
    assert commands
    if words[0] == "state":
        assert main(["run", "scheduling"]) == 0
    if words[0] == "test":
        for name in ("mine", "shop"):
            (place / "connectors" / f"{name}.yaml").unlink()
    for command in commands:
        assert command.startswith(f"framework {' '.join(words)}")
        if words[0] in ("new", "import"):
            for file in (place / "connectors").glob("*.yaml"):
                file.unlink()
        argv = shlex.split(re.split(r" {3,}(?=\w)", command)[0])[1:]
        if "postgres" in argv:
            continue  # it wants a server with a name and a password
        if argv == ["new", "shop"]:
            continue  # it asks on a terminal
        if argv[:2] == ["import", "openapi"]:
            continue  # it asks the web
        if "<" in argv:
            file = (place / argv.pop()).read_bytes()
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(file)))
            argv.pop()
        code = main([*argv, "--yes"] if argv[:2] == ["state", "reset"] else argv)
        assert code == 0, f"{command}: {capsys.readouterr().err}"
