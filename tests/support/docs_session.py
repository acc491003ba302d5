"""A reader's terminal: one folder, one environment, commands run in their order.

`framework ...` runs in this process, everything else in a shell where `framework` and `python3`
are found. Two servers on loopback stand for the APIs that the pages speak of.
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
"""The tutorial's API listens there for a reader; in a test wherever there is room."""
TOKEN = "simulated-token"
FOLDER = "/path/to/project"
_SHELL = re.compile(r"[|<>;&$`*]|^\w+=")
_PROGRESS = re.compile(
    r"(extract|normalize|load|waiting .*|slowest: .*)|"
    r"\S+: (\w+, )?[\d,]+ pages?, [\d,]+ records?, .*"
)
"""What a run says on stderr where that is no terminal."""
_SECONDS = (
    (re.compile(r"\d+\.\d s\b"), "0.0 s"),
    (re.compile(r"(\b(?:ok|skipped|failed)\b.*) +\d+\.\d$"), r"\1 0.0"),
    (re.compile(r'"seconds": [\d.]+'), '"seconds": 0.0'),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "2026-01-01T00:00:00.000000Z"),
    (re.compile(r" +"), " "),
)


class Session:
    """`run` a block and get what its commands wrote; files are written on the way."""

    def __init__(self, folder: Path, ports: dict[str, str]) -> None:
        self.folder = folder
        self.ports = ports

    def write(self, block: Block) -> Path:
        """The file that a block is, written."""
        path = self.folder / block.marks["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self._there(block.text), encoding="utf-8")
        return path

    def run(self, block: Block) -> Iterator[tuple[str, str, str]]:
        """Each command of a block with what the page shows and what it wrote."""
        wanted = int(block.marks.get("exit", 0))
        found = steps(block)
        for number, step in enumerate(found, 1):
            code, output = self._execute(self._there(step.command))
            last = number == len(found)
            assert code == (wanted if last else 0), (
                f"{block}: `{step.command}` ended with {code}:\n{output}"
            )
            yield step.command, step.shown, self._here(output)

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

    def _there(self, text: str) -> str:
        return text.replace(f"127.0.0.1:{PORT}", f"127.0.0.1:{self.ports['library']}")

    def _here(self, text: str) -> str:
        text = text.replace(str(self.folder), FOLDER)
        text = text.replace(f"127.0.0.1:{self.ports['library']}", f"127.0.0.1:{PORT}")
        text = text.replace(f"http://127.0.0.1:{self.ports['api']}", "https://api.calendly.com")
        lines = [line.rstrip() for line in text.splitlines()]
        kept = "\n".join(one for one in lines if not _PROGRESS.fullmatch(one)).rstrip()
        return f"{kept}\n" if kept else ""


def _framework(command: str) -> tuple[int, str]:
    written = io.StringIO()
    with redirect_stdout(written), redirect_stderr(written):
        code = main(shlex.split(command)[1:])
    return code, written.getvalue()


def same(shown: str, written: str) -> bool:
    """Whether the page shows what was written, times aside."""
    return timeless(shown) == timeless(written)


def timeless(text: str) -> str:
    for pattern, instead in _SECONDS:
        text = "\n".join(pattern.sub(instead, line) for line in text.splitlines())
    return text.strip("\n")


@contextmanager
def session() -> Iterator[Session]:
    """A terminal in an empty folder, with both servers running."""
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
