"""Secrets are masked in every form in which a server may send them back."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from framework.authoring.cassettes.cassette import find_leaks
from framework.runtime.redaction import Redactor

SECRET = 'kü/+ "9\\x~='


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote_plus(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote(quote(SECRET, safe=""), safe=""),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        json.dumps(SECRET).replace("/", "\\/"),
        SECRET.encode().hex(),
        *(base64.b64encode(b"x" * n + SECRET.encode() + b"yz").decode() for n in range(3)),
        *(base64.urlsafe_b64encode(b"x" * n + SECRET.encode()).decode() for n in range(3)),
        quote(base64.b64encode(SECRET.encode()).decode(), safe=""),
    ],
)
def test_a_secret_is_masked_in_every_form(form):
    redactor = Redactor()
    redactor.add(SECRET)
    text = f"before {form} after"
    assert redactor.found_in(text)
    masked = redactor.redact(text)
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert "***" in masked
    assert find_leaks(masked, [SECRET]) == []


def test_a_short_secret_is_not_found_in_anything():
    redactor = Redactor()
    redactor.add("abcd")
    text = "616263646566 YmNk"
    assert redactor.redact(text) == text
    assert redactor.redact("abcd YWJjZA==") == "*** ***"
