"""Shell completion: in the shells themselves, as one types, and what is asked of the files."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from framework.cli.main import main
from tests.support.run_verbs import write_connector

ROOT = Path(__file__).parents[2]
LONGEST = 20
"""Seconds until a shell has failed; they answer as soon as they can."""
BODY = """
config: {page_size: {type: integer, default: 100}, region: {type: string, default: eu}}
client: {base_url: "https://api.example.com", paginator: single_page}
resource_defaults: {write_disposition: replace}
resources:
  - {name: orders}
  - {name: order_lines}
  - {name: users}
"""
OWN_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Fish wants a terminal that is its own."""
SETUP = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(framework completion bash)"'),
    "zsh": (
        ["zsh", "-f", "-i"],
        'autoload -Uz compinit; compinit -u -D; eval "$(framework completion zsh)"',
    ),
    "fish": (["fish", "--no-config", "-i"], "framework completion fish | source"),
}


@pytest.fixture(autouse=True)
def shop(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_connector(project, BODY)
    # pty's child would have the variable too
    monkeypatch.delenv("_FRAMEWORK_COMPLETE", raising=False)


@pytest.fixture
def environment(project: Path) -> dict[str, str]:
    """An environment in which `framework` is this one."""
    folder = project / "bin"
    folder.mkdir()
    program = folder / "framework"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m framework "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(project),
        "XDG_CONFIG_HOME": str(project),
        "XDG_DATA_HOME": str(project),
        "TERM": "dumb",
    }


class Typing:
    """A shell in a terminal of its own."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self.screen = ""

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def wait_for(self, text: str) -> None:
        """Read until the text is on the screen, after what was waited for before."""
        end = time.monotonic() + LONGEST
        while text not in self.screen:
            ready, _, _ = select.select([self._terminal], [], [], end - time.monotonic())
            assert ready, f"no {text!r} after {LONGEST} s in {self.screen!r}"
            self.screen += os.read(self._terminal, 4096).decode(errors="replace")
        self.screen = self.screen.partition(text)[2]


@contextmanager
def shell(name: str, environment: dict[str, str]) -> Iterator[Typing]:
    """Start a shell, with the completion set up as the help says."""
    command, setup = SETUP[name]
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed, so its completion is NOT tested here")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", OWN_TERMINAL, *command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
    )
    os.close(theirs)
    typing = Typing(ours)
    try:
        # the quotes keep the echo of the line from being taken for its output
        typing.type(f"{setup}; echo REA''DY\r")
        typing.wait_for("READY")
        yield typing
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@pytest.mark.parametrize("name", SETUP)
def test_names_are_completed_as_one_types(name: str, environment: dict[str, str]) -> None:
    with shell(name, environment) as typing:
        for typed, completed in (
            ("framework compl", "etion"),
            ("framework preview sche", "duling"),
            ("framework preview shop us", "ers"),
            ("framework run shop --resources orders,us", "ers"),
            ("framework run shop --set reg", "ion="),
        ):
            typing.type(f"{typed}\t")
            typing.wait_for(typed.split()[-1].rpartition(",")[2] + completed)
            typing.type(
                "\x15"
            )  # removes the line; an interrupt would also remove what is typed next


@pytest.mark.parametrize("name", SETUP)
def test_the_script_is_what_its_shell_can_read(
    name: str, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", name]) == 0
    script = capsys.readouterr().out
    assert "_FRAMEWORK_COMPLETE" in script
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed, so its script is NOT parsed here")
    done = subprocess.run([name, "-n"], input=script, env=environment, text=True, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("framework preview shop ", ["orders", "order_lines", "users"]),
        ("framework preview scheduling event_", ["event_types", "event_invitees"]),
        ("framework infer shop orders u", ["users"]),
        ("framework state show shop ord", ["orders", "order_lines"]),
        ("framework run shop --resources orders,", ["orders,order_lines", "orders,users"]),
        ("framework run shop --set ", ["page_size=", "region="]),
        ("framework run shop --set region=eu --set p", ["page_size="]),
        ("framework run --connectors connectors shop --resources us", ["users"]),
        ("framework test sche", ["scheduling"]),
        ("framework diff shop sched", ["scheduling"]),
        ("framework validate --format sa", ["sarif"]),
        ("framework run ./connectors/shop.yaml --resources us", ["users"]),
        ("framework run nothing --resources ", []),
        ("framework run broken --resources ", []),
        ("framework run --connectors nowhere ", []),
    ],
)
def test_what_is_completed(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: str,
    found: list[str],
) -> None:
    (project / "connectors" / "broken.yaml").write_text("a: [", encoding="utf-8")
    monkeypatch.setenv("_FRAMEWORK_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    last = len(words.split()) - (not words.endswith(" "))
    monkeypatch.setenv("COMP_CWORD", str(last))
    assert main([]) == 0
    out, said = capsys.readouterr()
    assert [line.partition(",")[2] for line in out.split()] == found
    assert said == ""


def test_a_path_is_left_to_the_shell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_FRAMEWORK_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "framework run ./conn")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert main([]) == 0
    assert capsys.readouterr().out == "file,./conn\n"


def test_a_name_that_a_shell_could_read_otherwise_is_not_offered(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = project / "connectors" / "shop.yaml"
    file.write_text(file.read_text().replace("name: users", 'name: "us`id`"'), encoding="utf-8")
    monkeypatch.setenv("_FRAMEWORK_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "framework preview shop us")
    monkeypatch.setenv("COMP_CWORD", "3")
    assert main([]) == 0
    assert capsys.readouterr().out.strip() == ""


def test_completion_imports_neither_dlt_nor_what_runs_it(environment: dict[str, str]) -> None:
    program = (
        "import sys; from framework.cli.main import main; main([]); "
        "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    for words, at in (("framework run shop --resources ", "4"), ("framework ", "1")):
        asked = {"_FRAMEWORK_COMPLETE": "zsh_complete", "COMP_WORDS": words, "COMP_CWORD": at}
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**environment, **asked},
        )
        assert done.stdout
        heavy = {"dlt", "requests", "duckdb", "pyarrow", "vcr"}
        assert not heavy & set(done.stderr.split())
