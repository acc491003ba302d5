"""Links and paths in the pages exist; words that do not belong in the pages are absent."""

import re

import pytest

from tests.support.docs_blocks import ROOT, read

PAGES = sorted(
    str(path.relative_to(ROOT))
    for folder in (ROOT, ROOT / "docs", ROOT / "docs/connectors")
    for path in folder.glob("*.md")
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"`((?:framework|tests|docs)/[\w./-]+|connectors/scheduling\.yaml)`")
FORBIDDEN = {
    "an address of a package registry": re.compile(r"pypi\.org|pythonhosted|test\.pypi|PyPI"),
    "a path of one machine": re.compile(r"(?<![\w.])/(work|tmp|root|Users)/|/home/(?!loader\b)"),
    "an emoji": re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]"),
    "an advertisement": re.compile(
        r"\b(seamless\w*|blazing\w*|effortless\w*|powerful|revolution\w*|cutting-edge|"
        r"world-class|next-generation|game-chang\w*|supercharge\w*|delightful)\b",
        re.IGNORECASE,
    ),
    "an address of a person": re.compile(
        r"[\w.+-]+@(?!example\.(?:com\b|co?…)|v\d|localhost\b)\w+\.[^\W\d]\w*"
    ),
}


def anchors(page):
    """Return the anchors that GitHub gives the page's headings."""
    counts = {}
    for heading in HEADING.findall(FENCED.sub("", read(page))):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        count = counts.setdefault(slug, 0)
        counts[slug] += 1
        if count:
            counts[f"{slug}-{count}"] = 1
    return set(counts)


@pytest.mark.parametrize("page", PAGES)
def test_links_have_a_target(page):
    text = FENCED.sub("", read(page))
    broken = []
    for target in LINK.findall(text):
        if target.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        if not file.exists():
            broken.append(target)
        elif anchor and file.suffix == ".md":
            linked_page = str(file.resolve().relative_to(ROOT))
            broken += [target] if anchor not in anchors(linked_page) else []
    assert broken == []


@pytest.mark.parametrize("page", PAGES)
def test_files_that_a_page_names_exist(page):
    paths = PATH.findall(FENCED.sub("", read(page)))
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("what", FORBIDDEN)
def test_pages_do_not_contain(what, page):
    assert FORBIDDEN[what].findall(read(page)) == []
