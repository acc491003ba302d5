"""Secrets of the environment and of settings files are known, and what is beside them is not."""

from __future__ import annotations

import pytest

from framework.runtime.redaction import Redactor
from framework.runtime.secret_sources import add_connector_file, add_environment


@pytest.mark.parametrize(
    ("name", "value", "hidden"),
    [
        ("DESTINATION__POSTGRES__CREDENTIALS", "postgresql://u:pass-1@h.example:x/db", ["pass-1"]),
        ("DESTINATION__POSTGRES__CREDENTIALS", "postgresql://u:pa@ss-1/x@h/db", ["ss-1"]),
        ("DESTINATION__POSTGRES__CREDENTIALS", "host=h password=pass-1 port=x", ["pass-1"]),
        ("DESTINATION__MSSQL__CREDENTIALS", "Server=h;Uid=u;Pwd={pass-1};", ["pass-1"]),
        ("DESTINATION__MOTHERDUCK__CREDENTIALS", "md:x?motherduck_token=tok-47", ["tok-47"]),
        ("DESTINATION__POSTGRES__CREDENTIALS__PASSWORD", "pass-1", ["pass-1"]),
        ("AWS_SECRET_ACCESS_KEY", "abc/def+123", ["abc/def+123", "abc%2Fdef%2B123"]),
        ("HTTPS_PROXY", "http://u:pass-1@proxy.example:3128", ["pass-1"]),
    ],
)
def test_a_secret_is_masked(name: str, value: str, hidden: list[str]) -> None:
    redactor = Redactor()
    add_environment(redactor, {name: value})
    for text in (value, *hidden):
        assert "***" in redactor.redact(f"of {text} in it")
        assert "pass-1" not in redactor.redact(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DESTINATION__POSTGRES__CREDENTIALS__HOST", "db.example.com"),
        ("DESTINATION__POSTGRES__CREDENTIALS__DATABASE", "analytics"),
        ("DESTINATION__DUCKDB__CREDENTIALS", "quack.duckdb"),
        ("DESTINATION__FILESYSTEM__BUCKET_URL", "s3://bucket/folder"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/home/me/key.json"),
        ("SOURCES__SHOP__TOKEN_URL", "https://login.example.com/token"),
        ("MAX_TOKENS", "100000"),
        ("PWD", "/home/me"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("API_TOKEN", "test"),
    ],
)
def test_what_is_no_secret_is_shown(name: str, value: str) -> None:
    redactor = Redactor()
    add_environment(redactor, {name: value})
    assert redactor.secrets() == ()


def test_secrets_that_are_written_in_a_file_are_known() -> None:
    redactor = Redactor()
    text = """
        token: tok-1 # of the shop
        api_key: 'key-1'
        auth: {client_secret: "sec-1", type: bearer}
        token_path: access.token
        url: https://u:pass-1@h.example/x
        password: "{secrets.password}"
    """
    add_connector_file(redactor, text)
    assert redactor.redact(text).count("***") == 4
    assert "access.token" in redactor.redact(text)


def test_an_expression_is_no_secret_whatever_its_key_is_called():
    redactor = Redactor()
    incremental = {"token": "response.nextSyncToken"}
    data = {"resources": [{"name": "events", "endpoint": {"incremental": incremental}}]}
    add_connector_file(redactor, "token: response.nextSyncToken\npassword: s3cret-word\n", data)
    assert redactor.redact("response.nextSyncToken s3cret-word") == "response.nextSyncToken ***"
