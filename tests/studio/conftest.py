"""Fixtures of the studio's page: Debian's Chromium, and a studio of its own for each test."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
PATIENCE = 120_000
"""Milliseconds that a state of the page may take: a busy machine is slow, not wrong."""
_URL = re.compile(r"http://127\.0\.0\.1:\d+/\?\S+")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a module.

    Not for the session: Playwright's loop runs while it is open, and other tests have their own.
    """
    api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@contextmanager
def started_studio(folder: Path, *arguments: str) -> Iterator[str]:
    """Start `framework studio` in a folder, and yield the address that it prints."""
    root = Path(__file__).parents[2]
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "PYTHONUNBUFFERED": "1",
        "DLT_DATA_DIR": str(folder / "dlt"),
        "NO_COLOR": "1",
    }
    command = [
        sys.executable,
        "-m",
        "framework",
        "studio",
        "--no-browser",
        "--port",
        "0",
        *arguments,
    ]
    with (folder / "studio.log").open("w+") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if match := _URL.search(line):
                    yield match[0]
                    break
            else:
                log.seek(0)
                pytest.fail(f"the studio printed no address: {log.read()}")
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


@pytest.fixture
def open_page(browser: Browser, project: Path) -> Iterator[Callable[..., Page]]:
    """A function that opens the page of a studio of the test's project folder.

    The page must not report an error: neither of its script nor of the Content-Security-Policy.
    """
    troubles: list[str] = []
    with ExitStack() as stack:

        def open_one(
            *arguments: str, folder: Path = project, width: int = 1280, dark: bool = False
        ) -> Page:
            url = stack.enter_context(started_studio(folder, *arguments))
            scheme = "dark" if dark else "light"
            context = browser.new_context(
                viewport={"width": width, "height": 800}, color_scheme=scheme
            )
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(PATIENCE)
            page.on("pageerror", lambda error: troubles.append(str(error)))
            page.on("console", lambda said: _note(troubles, said.type, said.text))
            page.goto(url)
            return page

        yield open_one
    assert troubles == []


def _note(troubles: list[str], kind: str, text: str) -> None:
    # a refused request is told by Chromium as an error, too: those are the page's own business
    if kind in ("error", "warning") and "Failed to load resource" not in text:
        troubles.append(text)
