"""Secrets are found in a text in whatever form they travelled."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus

import pytest

from framework.authoring.cassettes.cassette import find_leaks
from framework.runtime.settings import STAND_IN

SECRET = 'pa+ss/w"ör d=42?'


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        f"before{SECRET}after",
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote(SECRET),
        quote_plus(SECRET),
        quote(quote(SECRET, safe=""), safe=""),
        json.dumps({"echo": SECRET}),
        json.dumps({"echo": SECRET}, ensure_ascii=False),
        SECRET.encode().hex(),
        b64encode(SECRET.encode()).decode(),
        b64encode(f"user:{SECRET}".encode()).decode(),
        b64encode(f"a:{SECRET}".encode()).decode(),
        b64encode(f"ab:{SECRET}:more".encode()).decode(),
        urlsafe_b64encode(f"me:{SECRET}".encode()).decode(),
        quote(b64encode(f"me:{SECRET}".encode()).decode(), safe=""),
    ],
)
def test_a_secret_is_found_in_every_form(written: str) -> None:
    assert find_leaks(f"some {written} text", [SECRET])


def test_nothing_is_found_where_nothing_is() -> None:
    assert find_leaks("some text, some more", [SECRET, "another-one", "", "  "]) == []


def test_a_short_secret_counts_as_a_word_only() -> None:
    assert find_leaks('{"pin": "1234"}', ["1234"])
    assert find_leaks("id 712345", ["1234"]) == []


def test_the_stand_in_of_secrets_is_no_secret() -> None:
    assert find_leaks(f"key={STAND_IN}", [STAND_IN]) == []


def test_what_is_found_is_described_without_being_said() -> None:
    (line,) = find_leaks(SECRET, ["first-secret", SECRET])[:1]
    assert SECRET not in line
    assert "secret 2" in line
