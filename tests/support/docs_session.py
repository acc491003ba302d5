"""A reader's terminal: one folder, one environment, commands in the order of a page.

`framework ...` runs in this process, everything else in a shell that finds `framework` and
`python3`. Two servers on loopback stand in for the APIs of the pages.
"""

from __future__ import annotations

import importlib.util
import io
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

from framework.cli.main import main
from framework.load.dlt_defaults import set_defaults
from tests.conftest import LEFTOVERS, reload_providers
from tests.support.docs_blocks import ROOT, Block, steps
from tests.support.simulator import Simulator, small_world

PORT = "48765"
"""The port of the tutorial's API on the page; a test uses any free port."""
TOKEN = "simulated-token"
FOLDER = "/path/to/project"
_SHELL = re.compile(r"[|<>;&$`*]|^\w+=")
_PROGRESS = re.compile(
    r"(extract|normalize|load|waiting .*|slowest: .*)|"
    r"\S+: (\w+, )?[\d,]+ pages?, [\d,]+ records?, .*"
)
"""Progress of a run on stderr without a terminal; pages do not show it."""
_SECONDS = (
    (re.compile(r"\d+\.\d s\b"), "0.0 s"),
    (re.compile(r"(\b(?:ok|skipped|failed)\b.*) +\d+\.\d$"), r"\1 0.0"),
    (re.compile(r'"seconds": [\d.]+'), '"seconds": 0.0'),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "2026-01-01T00:00:00.000000Z"),
    (re.compile(r'"id": "[0-9a-f]{32}"'), '"id": ""'),
    (re.compile(r"^[0-9a-f]{8} +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +(\w+) +\d+\.\d\b"), r"run \1 0.0"),
    (re.compile(r"^[0-9a-f]{8}: "), "run: "),
    (re.compile(r"\b[0-9a-f]{16}\b"), "unit"),
    (re.compile(r"^coordinator: pid .*"), "coordinator"),
    (re.compile(r" +"), " "),
)


class Session:
    """A terminal that writes the files and runs the commands of a page."""

    def __init__(self, folder: Path, ports: dict[str, str]) -> None:
        self.folder = folder
        self.ports = ports

    def write(self, block: Block) -> Path:
        """Write the block to its file and return the path."""
        path = self.folder / block.marks["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self._to_session(block.text), encoding="utf-8")
        return path

    def run(self, block: Block) -> Iterator[tuple[str, str, str]]:
        """Yield each command of a block with its output on the page and its actual output."""
        expected = int(block.marks.get("exit", 0))
        block_steps = steps(block)
        for number, step in enumerate(block_steps, 1):
            code, output = self._execute(self._to_session(step.command))
            last = number == len(block_steps)
            assert code == (expected if last else 0), (
                f"{block}: `{step.command}` ended with {code}:\n{output}"
            )
            yield step.command, step.page_output, self._to_page(output)

    def _execute(self, command: str) -> tuple[int, str]:
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            os.environ[name] = shlex.split(value)[0]
            return 0, ""
        if command.startswith("cd "):
            self.folder = (self.folder / command.removeprefix("cd ")).resolve()
            os.chdir(self.folder)
            reload_providers()
            return 0, ""
        framework, _, lines = command.partition(" | head -n ")
        framework = os.path.expandvars(framework)
        if framework.startswith("framework ") and not _SHELL.search(framework):
            code, output = _framework(framework)
            if lines:
                return 0, "".join(output.splitlines(keepends=True)[: int(lines)])
            return code, output
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=600,
        )
        return done.returncode, done.stdout

    def _to_session(self, text: str) -> str:
        return text.replace(f"127.0.0.1:{PORT}", f"127.0.0.1:{self.ports['library']}")

    def _to_page(self, text: str) -> str:
        text = text.replace(str(self.folder), FOLDER)
        text = text.replace(f"127.0.0.1:{self.ports['library']}", f"127.0.0.1:{PORT}")
        text = text.replace(f"http://127.0.0.1:{self.ports['api']}", "https://api.calendly.com")
        lines = [line.rstrip() for line in text.splitlines()]
        output = "\n".join(line for line in lines if not _PROGRESS.fullmatch(line)).rstrip()
        return f"{output}\n" if output else ""


def _framework(command: str) -> tuple[int, str]:
    output = io.StringIO()
    with redirect_stdout(output), redirect_stderr(output):
        code = main(shlex.split(command)[1:])
    return code, output.getvalue()


def same_output(on_page: str, actual: str) -> bool:
    """Return whether the outputs are equal except for times."""
    return timeless(on_page) == timeless(actual)


def timeless(text: str) -> str:
    """Return the text with every time and duration replaced by a constant."""
    for pattern, instead in _SECONDS:
        text = "\n".join(pattern.sub(instead, line) for line in text.splitlines())
    return text.strip("\n")


@contextmanager
def session() -> Iterator[Session]:
    """Return a terminal in an empty folder, with both servers running."""
    before, here = dict(os.environ), Path.cwd()
    with TemporaryDirectory(prefix="docs-") as folder, _library() as library, _api() as api:
        root = Path(folder).resolve()
        project = root / "project"
        project.mkdir()
        try:
            _environment(root, api)
            set_defaults()
            os.chdir(project)
            reload_providers()
            yield Session(project, {"library": library, "api": api})
        finally:
            os.chdir(here)
            os.environ.clear()
            os.environ.update(before)
            reload_providers()


def _environment(root: Path, api: str) -> None:
    for name in list(os.environ):
        if name.startswith(LEFTOVERS) or name.upper().endswith("_PROXY"):
            del os.environ[name]
    bin_ = root / "bin"
    bin_.mkdir()
    for name, words in {"framework": "-m framework", "python3": "", "python": ""}.items():
        shim = bin_ / name
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n', encoding="utf-8")
        shim.chmod(0o755)
    os.environ.update(
        PATH=f"{bin_}{os.pathsep}{os.environ['PATH']}",
        PYTHONPATH=str(ROOT),
        DLT_DATA_DIR=str(root / "dlt"),
        COLUMNS="80",
        NO_COLOR="1",
        TZ="UTC",
        SOURCES__SCHEDULING__BASE_URL=f"http://127.0.0.1:{api}",
    )


@contextmanager
def _library() -> Iterator[str]:
    spec = importlib.util.spec_from_file_location("demo_api", ROOT / "docs/demo_api.py")
    assert spec is not None
    assert spec.loader is not None
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    server = demo.serve(0)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield str(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def _api() -> Iterator[str]:
    with Simulator(small_world(), [TOKEN]) as simulator:
        yield simulator.base_url.rpartition(":")[2]
