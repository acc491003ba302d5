"""The command line itself: exit codes, help, closed pipes, bugs."""

from __future__ import annotations

import errno
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from framework.cli import main as command
from framework.cli.main import VERBS, main
from framework.errors import FrameworkError
from tests.support.slow_params import quick_first

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.usefixtures("project")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["valdate"], "did you mean validate?"),
        (["frobnicate"], "expected one of list, validate"),
        (["run"], "Missing argument 'NAME'"),
        (["run", "scheduling", "--limt", "3"], "--limit"),
        (["run", "scheduling", "--limit", "0"], "x>=1"),
        (["run", "scheduling", "--set", "scope"], "is not key=value"),
        (["run", "scheduling", "--format", "yaml"], "'text', 'json'"),
        (["run", "schedulin"], "did you mean scheduling?"),
        (["show", "schedulin"], "did you mean scheduling?"),
        (["run", "scheduling", "--resources", "group"], "did you mean groups?"),
        (
            ["run", "scheduling", "--resources", "group,event_typs,groups"],
            "no resources 'group', 'event_typs'; did you mean groups and event_types?",
        ),
        (["run", "scheduling", "--resources", ","], "names no resource"),
        (["run", "scheduling", "--destination", "duckdbb"], "no such destination"),
        (["run", "scheduling", "--dataset", "scheduling"], "catalog after the file"),
        (["check", "scheduling", "--resources", "nothing_like_it"], "it has: api_user"),
        (["preview", "scheduling", "event_typs"], "did you mean event_types?"),
        (["list", "--connectors", "nowhere"], "no such folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_is_exit_code_2_and_one_hint(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    out, said = capsys.readouterr()
    assert out == ""
    assert message in said
    assert "Traceback" not in said


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_every_verb_has_examples_of_that_verb(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb, "--help"]) == 0
    shown = capsys.readouterr().out
    examples = shown.partition("Examples:\n")[2].splitlines()
    assert examples
    assert any(line.strip().startswith(f"framework {verb}") for line in examples)


def test_help_names_every_verb_and_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {verb} " in shown for verb in VERBS)
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.count("\n") == 1


def test_a_bug_is_exit_code_3_with_places_and_no_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from framework.cli import show

    def broken(*_: object) -> None:
        raise ValueError("token canary-4711 is in this text")

    monkeypatch.setattr(show, "_render", broken)
    assert main(["show", "scheduling"]) == 3
    out, said = capsys.readouterr()
    assert out == ""
    assert "ValueError" in said
    assert "test_main.py" in said
    assert "open an issue" in said
    assert "canary-4711" not in said


def test_messages_cannot_control_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise FrameworkError("the API said \x1b[2J\x07\nand more")

    monkeypatch.setattr(command.cli, "main", refuse)
    assert main([]) == 1
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert len(said.splitlines()) == 2


def test_a_file_with_errors_is_exit_code_1_with_each_place(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "version: 1\nname: bad\nclient: {bse_url: x}\nresources: []\n"
    (project / "bad.yaml").write_text(text)
    for verb in (["run", "bad.yaml"], ["show", "bad.yaml"], ["check", "bad.yaml"]):
        assert main(verb) == 1
        out, said = capsys.readouterr()
        assert out == ""
        assert "bad.yaml:3:10:" in said
        assert "did you mean base_url" in said


def _framework(*argv: str, **options: object) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.update(options.pop("env", {}))  # type: ignore[call-overload]
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-m", "framework", *argv], env=environment, **options
    )


def test_output_into_a_closed_pipe_ends_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with _framework("list", stdout=writer, stderr=subprocess.PIPE) as process:
        os.close(writer)
        _, said = process.communicate(timeout=60)
    assert said == b""
    assert process.returncode == 141


def test_output_onto_a_full_disk_is_one_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    assert main(["list"]) == 1
    said = capsys.readouterr().err
    assert said == "error: the output cannot be written: No space left on device\n"


@pytest.mark.parametrize("file", quick_first("secrets.toml", "config.toml"))
@pytest.mark.parametrize(
    ("text", "reason"),
    quick_first(
        (b"[sources.scheduling]\napi_key = canary-4711\n", "is not valid TOML in line 2"),
        (b"api_key = 'canary-4711\xff'\n", "cannot be read"),
    ),
)
def test_invalid_toml_settings_are_one_message_without_values(
    file: str, text: bytes, reason: str, project: Path
) -> None:
    (project / ".dlt").mkdir()
    (project / ".dlt" / file).write_bytes(text)
    for verb in ("check", "run"):
        with _framework(verb, "scheduling", stderr=subprocess.PIPE) as process:
            _, said = process.communicate(timeout=60)
        assert process.returncode == 1
        assert f"{file} {reason}".encode() in said
        assert b"canary" not in said


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "ulimit -n"),
        (OSError(errno.EFBIG, "File too large"), "ulimit -f"),
        (OSError(errno.ENOSPC, "No space left on device", "a.yaml"), "(a.yaml); free some space"),
        (OSError(errno.EROFS, "Read-only file system", "b"), "can be written to"),
        (MemoryError(), "no memory is left"),
        (RuntimeError("can't start new thread"), "no more threads"),
    ],
    ids=repr,
)
def test_a_machine_without_room_is_one_message(
    error: Exception,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ValueError("what the machine said first") from error

    monkeypatch.setattr("framework.definition.finder.discover_connectors", refuse)
    assert main(["list"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: this machine refuses it: ")
    assert message in said
    assert said.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["-n 8", "-f 1"])
def test_a_real_limit_of_the_machine_is_one_message(limit: str, project: Path) -> None:
    command = f'ulimit {limit}; exec "$0" -m framework run scheduling --replay -q'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", command, sys.executable],
        env=environment,
        cwd=project,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1, done.stderr
    assert "a bug of the framework" not in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize("argument", ["list", "--help"])
def test_closed_standard_streams_keep_the_exit_code(argument: str) -> None:
    command = f'"$0" -m framework {argument} <&- >&- 2>&-'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run(["sh", "-c", command, sys.executable], env=environment).returncode == 0


def _read(terminal: int) -> bytes:
    """Return everything written to a terminal before its other side is closed."""
    read = b""
    while True:
        try:
            piece = os.read(terminal, 10_000)
        except OSError:  # what Linux says where the other side is closed
            piece = b""
        if not piece:
            return read
        read += piece


@pytest.mark.parametrize("without", [False, True], ids=["colours", "NO_COLOR"])
def test_colours_are_for_terminals_without_no_color(project: Path, without: bool) -> None:
    (project / "bad.yaml").write_text("version: 1\n")
    ours, theirs = pty.openpty()
    env = {"NO_COLOR": "1"} if without else {}
    with _framework("validate", "bad.yaml", stdout=theirs, env=env) as process:
        os.close(theirs)
        shown = _read(ours)
        os.close(ours)
    assert process.returncode == 1
    assert b"missing-key" in shown
    assert (b"\x1b[" in shown) != without


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_a_stream_cannot_hold_is_written_as_an_escape(project: Path, encoding: str) -> None:
    name = "naïve ☃ 😀"
    file = project / "connectors" / "shop.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"version: 1\nname: shop\ndescription: '{name}'\n'{name}': 1\n", "utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)}
    shown = {}
    for form in ("text", "json"):
        with _framework(
            "validate", "shop", "--format", form, stdout=subprocess.PIPE, env=environment
        ) as process:
            shown[form] = process.communicate()[0]
        assert process.returncode == 1
    # click writes UTF-8 to an ASCII stream
    assert (r"\u2603" if encoding != "ascii" else "☃").encode() in shown["text"]
    assert any(name in finding["message"] for finding in json.loads(shown["json"].decode(encoding)))


def test_an_input_that_ends_at_a_question_is_not_an_interruption(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    assert main(["new", "shop"]) == 2
    assert "the input ended at the question" in capsys.readouterr().err
