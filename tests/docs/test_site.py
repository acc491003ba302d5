"""The documentation site builds without a warning, and reads well in a browser."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.docs_blocks import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("chromium")]
CHROMIUM = shutil.which("chromium")
WIDTHS = (400, 1280)
DIAGRAM = """# example

```mermaid
erDiagram
    BOOKS ||--o{ LOANS : "book_id"
    BOOKS {
        string id PK
    }
```
"""
ANSWERS = {
    "how to start": "tutorial.html",
    "how to page": "paging.html",
    "how to test in CI": "ci.html",
    "what a finding means": "checks.html",
    "what happens when a run is killed": "kills.html",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site of a copy of the pages that has a page with a diagram, too."""
    for package in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(package)
    clone = tmp_path_factory.mktemp("clone")
    for path in ROOT.iterdir():
        if path.name != "docs" and not path.name.startswith("."):
            (clone / path.name).symlink_to(path)
    shutil.copytree(ROOT / "docs", clone / "docs")
    (clone / "docs/connectors/a_diagram.md").write_text(DIAGRAM, encoding="utf-8")
    built = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-n", "-W", "--keep-going", "-q", "docs", str(built)],
        cwd=clone,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return built


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with api.sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    opened.set_default_timeout(120_000)  # a busy machine is slow, not wrong
    yield opened
    opened.close()


def pages_of(site: Path) -> list[Path]:
    return [*site.glob("*.html"), *(site / "connectors").glob("*.html")]


@pytest.mark.parametrize("question", ANSWERS)
def test_the_start_page_leads_to(question: str, site: Path) -> None:
    start = (site / "index.html").read_text(encoding="utf-8")
    article = start.partition("<article")[2].partition("</article>")[0]
    assert f'href="{ANSWERS[question]}"' in article


def test_every_page_is_in_the_menu(site: Path) -> None:
    start = (site / "index.html").read_text(encoding="utf-8")
    menu = start.partition('class="sidebar-tree"')[2].partition("</aside>")[0]
    linked = set(re.findall(r'href="([\w/]+\.html)"', menu))
    written = {
        str(path.relative_to(ROOT / "docs").with_suffix(".html"))
        for folder in ("docs", "docs/connectors")
        for path in (ROOT / folder).glob("*.md")
    }
    assert linked >= written - {"index.html"}


def test_files_beside_the_pages_can_be_downloaded(site: Path) -> None:
    names = {path.name for path in (site / "_downloads").rglob("*") if path.is_file()}
    assert {"demo_api.py", "scheduling.yaml", "run-report.schema.json"} <= names


def test_no_page_asks_the_network_or_scrolls_sideways(site: Path, page: Page) -> None:
    wrong: list[str] = []
    page.on("request", lambda one: one.url.startswith("file:") or wrong.append(one.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    for path in pages_of(site):
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(path.as_uri())
            wide = page.evaluate("document.documentElement.scrollWidth")
            wrong += [f"{path.name}: {wide} of {width}"] if wide > width else []
    assert wrong == []


def test_the_search_finds_a_page_without_a_server(site: Path, page: Page) -> None:
    page.goto((site / "index.html").as_uri())
    page.fill("input[name=q]", "watermark")
    page.press("input[name=q]", "Enter")
    page.wait_for_selector("#search-results a[href*='incremental.html']")


def test_diagrams_are_drawn(site: Path, page: Page) -> None:
    page.goto((site / "connectors/a_diagram.html").as_uri())
    page.wait_for_selector(".diagram svg")
    assert "BOOKS" in page.locator(".diagram").inner_text()


def test_the_menu_opens_on_a_narrow_page(site: Path, page: Page) -> None:
    page.set_viewport_size({"width": 400, "height": 900})
    page.goto((site / "index.html").as_uri())
    link = page.get_by_role("link", name="Tutorial", exact=True)
    page.locator("label[for=__navigation]:visible").first.click()
    link.click()
    page.wait_for_url("**/tutorial.html")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in(scheme: str, site: Path, page: Page) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto((site / "reference.html").as_uri())
    brightness = (
        "what => getComputedStyle(document.body)[what].match(/[0-9]+/g).slice(0, 3)"
        ".reduce((sum, one) => sum + Number(one), 0)"
    )
    text, paper = (page.evaluate(brightness, what) for what in ("color", "backgroundColor"))
    assert abs(text - paper) > 400
    assert (paper < 200) == (scheme == "dark")
