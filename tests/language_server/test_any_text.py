"""Whatever is typed: no answer fails, and every mention is where it says."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest
from pygls.workspace import PositionCodec

from framework.language_server.completions import completions
from framework.language_server.hovers import hover
from framework.language_server.mentions import mentions
from framework.language_server.open_file import OpenFile, opened
from framework.language_server.quick_fixes import quick_fixes
from framework.language_server.recorded_responses import read_responses
from framework.language_server.renames import RenameRefused, rename
from framework.language_server.symbols import symbols
from tests.language_server.conftest import SHOP

PIECES = (
    *("", "{", "}", '"', "'", "[", "]", ": ", "- ", "\n", "\t", "|", "&a ", "*a", "#", "\r\n"),
    *("{resources.", "context().", "\u2028", "😀", "null", "[]", "{}", "- x", "{config.", "\\"),
)
NEW_NAMES = ("other", "Bad Name", 'a"b', "{x}", "")


@pytest.mark.parametrize("seed", range(6))
def test_no_answer_fails_on_a_text_that_is_being_typed(seed: int, shop: Path) -> None:
    chance = random.Random(seed)
    for _ in range(40):
        text = SHOP
        file = opened(shop, text, 1, PositionCodec())
        for _ in range(chance.choice((1, 1, 3))):
            at, gone = chance.randrange(len(text)), chance.choice((0, 0, 1, 5, 40))
            text = text[:at] + chance.choice(PIECES) + text[at + gone :]
        answer_everything(file.changed(text, 2), chance)


def answer_everything(file: OpenFile, chance: random.Random) -> None:
    recording = read_responses(file.location)
    assert all(one.code for one in file.findings)
    list(symbols(file))
    if chance.random() < 0.2:
        list(quick_fixes(file, list(file.findings)))
    found = mentions(file)
    for one in found:
        assert not one.is_exact or file.text[one.start : one.end] == one.name
    for _ in range(10):
        offset = chance.randrange(len(file.text) + 1)
        position = file.positions.position(offset)
        inside_a_break = file.text[offset - 1 : offset + 1] == "\r\n"
        assert file.positions.offset(position) == offset or inside_a_break
        completions(file, offset, recording)
        hover(file, offset, recording)
    if found:
        with suppress(RenameRefused):
            rename(file, chance.choice(found), chance.choice(NEW_NAMES))
