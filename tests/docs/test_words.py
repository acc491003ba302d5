"""Links that lead somewhere, and words that have no place in the pages."""

import re

import pytest

from tests.support.docs_blocks import ROOT, read

PAGES = sorted(
    str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"`((?:framework|tests|docs)/[\w./-]+|connectors/scheduling\.yaml)`")
NOT_HERE = {
    "an address of a package registry": re.compile(r"pypi\.org|pythonhosted|test\.pypi|PyPI"),
    "a path of one machine": re.compile(r"(?<![\w.])/(work|tmp|root|Users)/|/home/(?!loader\b)"),
    "an emoji": re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]"),
    "an advertisement": re.compile(
        r"\b(seamless\w*|blazing\w*|effortless\w*|powerful|revolution\w*|cutting-edge|"
        r"world-class|next-generation|game-chang\w*|supercharge\w*|delightful)\b",
        re.IGNORECASE,
    ),
    "an address of a person": re.compile(r"[\w.+-]+@(?!example\.com\b|v\d|localhost\b)\w+\.\w+"),
}


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    found = {}
    for heading in HEADING.findall(FENCED.sub("", read(page))):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        count = found.setdefault(slug, 0)
        found[slug] += 1
        if count:
            found[f"{slug}-{count}"] = 1
    return set(found)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = FENCED.sub("", read(page))
    broken = []
    for target in LINK.findall(text):
        if target.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        there = (ROOT / page).parent / path if path else ROOT / page
        if not there.exists():
            broken.append(target)
        elif anchor and there.suffix == ".md":
            page_there = str(there.resolve().relative_to(ROOT))
            broken += [target] if anchor not in anchors(page_there) else []
    assert broken == []


@pytest.mark.parametrize("page", PAGES)
def test_files_that_a_page_names_are_there(page):
    named = PATH.findall(FENCED.sub("", read(page)))
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("what", NOT_HERE)
def test_pages_name_no(what, page):
    assert NOT_HERE[what].findall(read(page)) == []
