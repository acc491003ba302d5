"""Wording shared by messages."""

from __future__ import annotations

import pytest

from framework.text import sentences


@pytest.mark.parametrize(
    ("texts", "line"),
    [
        (["a body (31 bytes)\nCheck base_url"], "a body (31 bytes). Check base_url"),
        (["run again later.", "Allow it"], "run again later. Allow it"),
        (["it is cut…", "Next\n\n  last."], "it is cut… Next. last."),
        (["choose one:\n  a"], "choose one: a"),
        ([""], ""),
    ],
)
def test_texts_on_one_line_are_sentences(texts: list[str], line: str) -> None:
    assert sentences(*texts) == line
