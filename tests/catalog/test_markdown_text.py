"""No text becomes markup, HTML, a link or another cell."""

from __future__ import annotations

import pytest

from framework.catalog.markdown_text import code, fenced, one_line, prose, table
from tests.catalog.markdown_pages import tables, tokens

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a | b",
    "a \\| b",
    "a \\",
    "`a | b`",
    "``a` | b``",
    "`<b>`",
    "` `",
    "`",
    "*a* _b_ __c__ **d** ~~e~~ $f$",
    "[a](javascript:alert(1))",
    "![a](https://example.com/a.png)",
    "[a]: https://example.com",
    "# a",
    "- a",
    "+ a",
    "1. a",
    "2) a",
    "> a",
    "===",
    "---",
    "::: a",
    "```\na\n```",
    "a\n\n# b",
    "a\r\n| c | d |",
    "<!-- what `framework prove` found: begin -->",
    "&lt;b&gt; &amp; &#60;",
    "a\x1b[31m\u202eb\x00",
    "snake_case and SOURCES__SHOP__TOKEN and _x_",
)
PLAIN = {"paragraph_open", "paragraph_close", "inline", "text", "code_inline", "text_special"}


@pytest.mark.parametrize("text", HOSTILE)
def test_prose_is_one_paragraph_of_text(text: str) -> None:
    page = prose(text)
    assert "\n" not in page
    assert {token.type for token in tokens(page)} <= PLAIN
    shown = "".join(token.content for token in tokens(page) if token.type != "inline")
    assert shown.replace("`", "").split() == [
        "".join(mark if mark.isprintable() else "\ufffd" for mark in word)
        for word in text.replace("`", "").split()
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_code_is_shown_as_it_is(text: str) -> None:
    listed = [token for token in tokens(code(text)) if token.type == "code_inline"]
    assert len(listed) == 1
    assert listed[0].content.strip() == one_line(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_table_keeps_its_cells(text: str) -> None:
    lines = table(("a", "b", "c"), [(prose(text), code(text), "end")])
    (found,) = tables("\n".join(lines))
    assert [len(row) for row in found] == [3, 3]
    assert found[1][2] == "end"
    assert not {token.type for token in tokens("\n".join(lines))} & {"html_inline", "link_open"}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_block_of_code_ends_at_its_end(text: str) -> None:
    page = "\n".join([*fenced("sh", [text, "last"]), "after"])
    listed = tokens(page)
    assert [token.type for token in listed][:2] == ["fence", "paragraph_open"]
    assert listed[0].content.endswith("last\n")


def test_code_in_descriptions_stays_code_and_words_stay_readable() -> None:
    assert prose("Use `a_b`, or snake_case & SOURCES__X__Y.") == (
        "Use `a_b`, or snake_case &amp; SOURCES__X__Y."
    )
    assert prose("an odd ` one") == "an odd \\` one"
    assert code("") == ""
    assert table(("a",), []) == []
