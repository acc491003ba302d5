"""The documentation site, built by `python -m sphinx -n -W docs FOLDER` from the pages beside it.

The pages are plain Markdown: what only the site needs, such as its menu, stands here.
"""

import re
from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

HERE = Path(__file__).parent
CONNECTORS = sorted(page.stem for page in (HERE / "connectors").glob("*.md"))
MENU = {
    "Start": ["Start page <self>", "Tutorial <tutorial>", "Tour of the commands <tour>"],
    "Guides": ["paging", "incremental", "recipes", "auth", "kills"],
    "Run": ["running", "scale", "reliability"],
    "Test and CI": ["Checks on each commit <ci>", "mock", "Prove <prove>"],
    "Tools": ["studio", "Editors <editors>", "Agents <agents>", "Import <importing>"],
    "Reference": ["reference", "expressions", "checks", "commands"],
    "Connectors": [
        "catalog",
        *(f"connectors/{one}" for one in sorted(CONNECTORS, key="index".__ne__)),
    ],
    "Background": ["comparison", "performance", "architecture", "security"],
}
NAMED_BY_FILE = re.compile(r"\[[\w/]+\.md\](?=\([\w/]+\.md[)#])")

project = html_title = "rest-connector-framework"
project_copyright = "the authors, Apache 2.0"
extensions = ["myst_parser"]
exclude_patterns = ["_static"]
myst_heading_anchors = 4
smartquotes = False  # an option such as --refresh is copied as it stands
suppress_warnings = ["misc.highlighting_failure"]  # examples contain mistakes on purpose

html_theme = "furo"
html_copy_source = html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
# diagrams are drawn in the browser; the library is a file of the site, so no network is needed
html_js_files = [("diagrams.js", {"defer": "defer"})]


def prepare(app: Sphinx, docname: str, source: list[str]) -> None:
    """Give links that show a file's name the page's title, and the start page its menu."""
    source[0] = NAMED_BY_FILE.sub("[]", source[0])
    if docname == app.config.root_doc:
        for caption, pages in MENU.items():
            entries = "\n".join(pages)
            source[0] += f"\n```{{toctree}}\n:caption: {caption}\n:hidden:\n\n{entries}\n```\n"


def setup(app: Sphinx) -> None:
    """Connect the preparation, and name the languages that have no colours."""
    app.connect("source-read", prepare)
    for language in ("csv", "mermaid"):
        app.add_lexer(language, TextLexer)
