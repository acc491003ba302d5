"""The documentation site, built by `python -m sphinx -n -W docs FOLDER` from the pages beside it.

The pages are plain Markdown: what only the site needs, such as its menu, stands here.
"""

from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

MENU = {
    "Start": "tutorial tour",
    "Guides": "paging incremental recipes auth kills",
    "Run": "running scale reliability",
    "Test and CI": "ci mock prove",
    "Tools": "studio editors agents importing",
    "Reference": "reference expressions checks commands",
    "Connectors": "connectors/index",
    "Background": "comparison performance architecture security",
}

project = html_title = "rest-connector-framework"
project_copyright = "the authors, Apache 2.0"
extensions = ["myst_parser"]
myst_heading_anchors = 4
suppress_warnings = ["misc.highlighting_failure"]  # examples contain mistakes on purpose

html_theme = "furo"
html_copy_source = html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
# diagrams are drawn in the browser; the library is a file of the site, so no network is needed
html_js_files = [("diagrams.js", {"defer": "defer"})]


def add_menu(app: Sphinx, docname: str, source: list[str]) -> None:
    """Append the menu to the start page, which stays readable without it."""
    if docname == app.config.root_doc:
        for caption, pages in MENU.items():
            entries = "\n".join(pages.split() + (_connectors() if caption == "Connectors" else []))
            source[0] += f"\n```{{toctree}}\n:caption: {caption}\n:hidden:\n\n{entries}\n```\n"


def _connectors() -> list[str]:
    pages = sorted((Path(__file__).parent / "connectors").glob("*.md"))
    return [f"connectors/{page.stem}" for page in pages if page.stem != "index"]


def setup(app: Sphinx) -> None:
    """Connect the menu, and name the languages that need no colours."""
    app.connect("source-read", add_menu)
    for language in ("csv", "mermaid"):
        app.add_lexer(language, TextLexer)
