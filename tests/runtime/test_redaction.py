"""Secrets are masked in every form in which a server may send them back."""

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

import pytest

from framework.authoring.cassettes.cassette import find_leaks
from framework.runtime import redaction
from framework.runtime.redaction import Redactor, redact_url

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
        json.dumps(json.dumps(SECRET)),
        html.escape(SECRET),
        html.escape(SECRET, quote=False),
        repr(SECRET),
        ascii(SECRET),
        repr(SECRET.encode()),
        str([SECRET, "'"]),
        SECRET.encode().decode("latin-1"),
        quote(SECRET, safe="", encoding="latin-1"),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        base64.b64encode(f"user:{SECRET}".encode("latin-1")).decode(),
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


@pytest.mark.parametrize("value", ["", "abc", "x", "12345", "2026", "true", "Postgres", "    "])
def test_what_also_stands_elsewhere_is_not_masked(value):
    redactor = Redactor()
    redactor.add(value)
    text = f"postgres since 2026: 12345 rows, true, abc, {value}"
    assert redactor.redact(text) == text


def test_a_secret_of_several_lines_is_masked_line_by_line():
    redactor = Redactor()
    redactor.add("-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n")
    assert redactor.redact("| kqhkiG9w0BAQEF\n-----END KEY-----") == "| ***\n-----END KEY-----"


def test_data_stays_valid_where_a_secret_is_a_number_or_a_key():
    redactor = Redactor()
    redactor.add("471147114711")
    data = {"id": 471147114711, "471147114711": ["x471147114711"], "n": 1, "b": True, "z": None}
    assert redactor.redact_data(data) == {
        "id": "***",
        "***": ["x***"],
        "n": 1,
        "b": True,
        "z": None,
    }


def test_the_longest_of_several_secrets_is_masked():
    redactor = Redactor()
    for secret in ("canary", "canary-and-more", "more-of-it"):
        redactor.add(secret)
    assert redactor.redact("canary-and-more canary canary-and-more-of-it") == "*** *** ***-of-it"


@pytest.mark.parametrize(
    ("name", "value", "text", "masked"),
    [
        ("Authorization", "Bearer tok-4711", "of tok-4711", "of ***"),
        ("Authorization", "Basic dXNlcjpwYXNzLTQ3MTE=", "pass-4711", "***"),
        ("authorization", 'Token token="tok-4711", x=1', "tok-4711", "***"),
        ("X-Shop-Key", "tok-4711", "tok-4711", "***"),
        ("Cookie", "lang=english; sid=tok-47110", "english tok-47110", "english ***"),
        ("", {"a": [{"client_secret": "tok-4711"}]}, "tok-4711", "***"),
        ("", [("password", "tok-4711")], "tok-4711", "***"),
        ("page_token", "tok-4711", "tok-4711", "tok-4711"),
        ("nextToken", "tok-4711", "tok-4711", "tok-4711"),
        ("author", "Ada Lovelace", "Ada Lovelace", "Ada Lovelace"),
        ("key", "PROJ-4711", "PROJ-4711", "PROJ-4711"),
        ("token", 12, "12 rows", "12 rows"),
    ],
)
def test_what_is_sent_as_a_credential_is_masked(name, value, text, masked):
    redactor = Redactor()
    redactor.add_sent(name, value)
    assert redactor.redact(text) == masked
    assert not redactor.found_in(text)  # it may go where a record leads


def test_signatures_of_requests_are_forgotten_when_there_are_many(monkeypatch):
    monkeypatch.setattr("framework.runtime.redaction.MOST_SENT", 3)
    redactor = Redactor()
    redactor.add("signature-of-the-file")
    signatures = ["signature-of-the-file", *(f"signature/{number}=" for number in range(5))]
    for signature in signatures:
        redactor.add_signature(signature)
    kept = ["signature-of-the-file", *signatures[-3:]]
    assert [one for one in signatures if redactor.found_in(f"sent {one} here")] == kept
    assert [one for one in signatures if redactor.redact(one) == "***"] == kept
    assert redactor.secrets(guarded=True) == tuple(kept)


def test_credentials_of_records_are_forgotten_when_there_are_many(monkeypatch):
    monkeypatch.setattr("framework.runtime.redaction.MOST_SENT", 3)
    redactor = Redactor()
    redactor.add("declared-secret")
    for number in range(10):
        redactor.add_sent("token", f"token-{number}")
    assert len(redactor.secrets()) == 4
    assert redactor.redact("token-0 token-9 declared-secret") == "token-0 *** ***"


@pytest.mark.parametrize(
    "url",
    [
        "https://api.test/a/b.c~d?count=100&page_token=x%2Fy",
        "http://127.0.0.1:8099/a%20b?empty=&x",
        "https://api.test/s3cret-key/a?x=s3cret-key",
        "https://api.test/a?api_key=1&mail=me%40example.com",
        "https://api.test/a?",
        "https://api.test?a=1",
        "https://user:word@api.test/a",
        "https://api.test/me@example.com/a",
        "https://api.test/a?x=1#part",
        "https://api.test/a?x=1&#part",
        f"https://api.test/{'a' * 2000}?x=1",
    ],
)
def test_a_plain_url_is_redacted_as_a_parsed_one(monkeypatch, url):
    redactor = Redactor()
    redactor.add("s3cret-key")
    found = redact_url(url, redactor)
    monkeypatch.setattr(redaction, "_PLAIN_URL", re.compile("never"))
    assert found == redact_url(url, redactor)
