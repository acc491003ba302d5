"""Where the cursor is, in texts that may not parse."""

from __future__ import annotations

import pytest

from framework.language_server.cursor_place import cursor_at

PLACES = {
    "an empty file": ("|", (), True, ""),
    "a key": ("client:\n  auth:\n    ty|", ("client", "auth"), True, "ty"),
    "a blank line": ("client:\n\n  |\nresources: []", ("client",), True, ""),
    "a value": ("client:\n  base_url: htt|", ("client", "base_url"), False, "htt"),
    "an open quote": ('a:\n  b: "{secrets.|\nc: 1', ("a", "b"), False, "{secrets."),
    "an item's key": ("r:\n- name: a\n- na|", ("r", 1), True, "na"),
    "a key beside it": ("r:\n  - name: a\n    end|", ("r", 0), True, "end"),
    "a key in it": ("r:\n  - n: a\n    e:\n      p: 1\n      q|", ("r", 0, "e"), True, "q"),
    "a list of texts": ("k:\n  - a\n  - |", ("k", 1), True, ""),
    "brackets": ("k: [a, b|", ("k", 1), False, "b"),
    "braces": ("a:\n  b: {type: x, to|", ("a", "b"), True, "to"),
    "nested braces": ("b: {p: {q: 1}, r: {s: |", ("b", "r", "s"), False, ""),
    "a second line in braces": ("b: {p: 1,\n    q|", ("b",), True, "q"),
    "a quoted key": ('"a b":\n  c: |', ("a b", "c"), False, ""),
    "a block of text": ("a:\n  b: >-\n    c: d\n    {con|", ("a", "b"), False, "{con"),
    "an anchor": ("a: &x\n  b: |", ("a", "b"), False, ""),
    "broken above": ("a: [\nb:\n  c: |", ("b", "c"), False, ""),
    "Windows lines": ("a:\r\n  b:\r\n    c|", ("a", "b"), True, "c"),
}


@pytest.mark.parametrize("name", PLACES)
def test_the_cursor_is_found(name: str) -> None:
    text, pointer, is_key, typed = PLACES[name]
    offset = text.index("|")
    found = cursor_at(text[:offset] + text[offset + 1 :], offset)
    assert found is not None
    assert (found.pointer, found.is_key, found.text) == (pointer, is_key, typed)
    assert text[found.start : offset] == typed


@pytest.mark.parametrize("text", ["# a|", "a: 1 # b|", "a:\n  # b: |"])
def test_a_comment_is_no_place(text: str) -> None:
    offset = text.index("|")
    assert cursor_at(text.replace("|", ""), offset) is None
