"""The pages are true: every file validates, every command runs and prints what the page shows."""

import json
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
import yaml

from framework.definition.finder import find_connector, shared_schema
from framework.definition.validation import validate
from framework.fleet.jobs.fleet_file import read_fleet
from tests.support.docs_blocks import PAGES, blocks
from tests.support.docs_pages import differences, is_runnable
from tests.support.docs_session import session

ALL = [block for page in PAGES for block in blocks(page)]
LANGUAGES = {"sh", "console", "yaml", "json", "toml", "python", "text", "dockerfile", "sql", "csv"}
INSTRUCTIONS = {"FROM", "RUN", "COPY", "USER", "WORKDIR", "ENTRYPOINT", "CMD"}
AROUND = {
    "version": 1,
    "client": {"base_url": "https://api.example.com"},
    "resources": [
        {"name": "things", "write_disposition": "replace", "endpoint": {"paginator": "single_page"}}
    ],
}


def of(*languages, marked=None):
    return [
        block
        for block in ALL
        if block.language in languages and (marked is None or marked in block.marks)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if any(map(is_runnable, blocks(page)))])
def test_commands_print_what_the_page_shows(page):
    stale = [f"{block}: {command}\n{actual}" for block, command, _, actual in differences(page)]
    assert stale == []


def is_fleet(block):
    return "jobs" in yaml.safe_load(block.text)


@pytest.mark.parametrize("block", [one for one in of("yaml") if is_fleet(one)], ids=str)
def test_fleet_files_have_no_findings(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for other in of("csv", "yaml", marked="file"):
        if other.page == block.page and "bad" not in other.marks:
            file = Path(other.marks["file"])
            file.parent.mkdir(exist_ok=True)
            file.write_text(other.text, encoding="utf-8")
    Path("fleet.yaml").write_text(block.text, encoding="utf-8")
    assert read_fleet(Path("fleet.yaml")).findings == ()


@pytest.mark.parametrize("block", [one for one in of("yaml") if not is_fleet(one)], ids=str)
def test_connector_files_have_no_findings(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = yaml.safe_load(block.text)
    if "fragment" in block.marks:
        data = {"name": "fragment", **AROUND, **data}
        text = yaml.safe_dump(data)
    else:
        text = block.text
    file = Path("connectors") / f"{data['name']}.yaml"
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    for schema in of("json", marked="file"):
        Path(schema.marks["file"]).parent.mkdir(parents=True, exist_ok=True)
        Path(schema.marks["file"]).write_text(schema.text, encoding="utf-8")
    findings = validate(find_connector(str(file))).findings
    assert bool(findings) == ("bad" in block.marks), findings


@pytest.mark.parametrize("block", of("json", "toml"), ids=str)
def test_data_parses(block):
    (json.loads if block.language == "json" else tomllib.loads)(block.text)


@pytest.mark.parametrize("block", of("sh", "console", marked="not run"), ids=str)
def test_commands_that_are_not_run_parse(block):
    if shutil.which("bash") is None:
        pytest.skip("no bash")
    subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)


@pytest.mark.parametrize("block", of("python"), ids=str)
def test_python_compiles(block):
    compile(block.text, str(block), "exec")


@pytest.mark.parametrize("block", of("dockerfile"), ids=str)
def test_a_dockerfile_has_instructions_only(block):
    words = [line.split(" ", 1) for line in block.text.splitlines()]
    assert {word for word, _ in words} <= INSTRUCTIONS
    for word, rest in words:
        if word in ("ENTRYPOINT", "CMD"):
            assert json.loads(rest)


@pytest.mark.parametrize("block", of("text", marked="crontab"), ids=str)
def test_a_crontab_has_five_fields_and_a_command(block):
    for line in block.text.splitlines():
        *when, command = line.split(" ", 5)
        assert len(when) == 5
        assert shlex.split(command)


@pytest.mark.parametrize("block", of("json", marked="response"), ids=str)
def test_the_demo_api_returns_what_the_tutorial_shows(block):
    with session() as terminal:
        request = Request(f"http://127.0.0.1:{terminal.ports['library']}{block.marks['response']}")
        request.add_header("Authorization", "Bearer demo-token")
        with urlopen(request) as response:
            assert json.load(response) == json.loads(block.text)


def test_the_schema_line_of_the_tutorial_names_an_existing_schema():
    with session() as terminal:
        for block in blocks("docs/tutorial.md"):
            if "file" in block.marks:
                file = terminal.write(block)
                break
            if is_runnable(block):
                list(terminal.run(block))
        first = file.read_text(encoding="utf-8").splitlines()[0]
        named = first.removeprefix("# yaml-language-server: $schema=")
        schema = json.loads((file.parent / named).read_text(encoding="utf-8"))
    assert schema == shared_schema("connector")


def test_every_block_has_a_language_that_is_tested():
    assert {block.language for block in ALL} <= LANGUAGES


def test_the_two_commands_of_the_readme_are_one_line_each():
    commands = {mark: block for block in ALL for mark in ("run", "tests") if mark in block.marks}
    assert commands.keys() == {"run", "tests"}
    for block in commands.values():
        assert block.text.count("\n") == 1
        subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)
    assert commands["run"].text.endswith("-m framework run scheduling --replay\n")
