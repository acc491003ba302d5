"""What a project's redactor knows before a request is sent."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest

from framework.runtime.redaction import Redactor
from framework.workspace.project_folder import ProjectFolder
from framework.workspace.project_secrets import add_project_secrets, add_text_secrets
from tests.support.run_verbs import write_connector

SHOP = {
    "config": {"region": {"type": "string", "default": "eu"}},
    "secrets": {"pin": {}},
    "client": {"base_url": "https://api.example.com", "auth": {"type": "bearer", "token": "x"}},
    "resources": [],
}


@pytest.fixture
def redactor(project: Path) -> Redactor:
    write_connector(project, SHOP)
    (project / ".dlt").mkdir()
    (project / ".dlt" / "secrets.toml").write_text(
        "[sources.shop]\nanything = 'from-the-file'\n[destination.x]\npassword = 'of-a-database'\n",
        "utf-8",
    )
    environment = {
        "SOURCES__SHOP__PIN": "four+words here",
        "SOURCES__SHOP__REGION": "north-east-1",
        "SOURCES__OTHER__UNDECLARED": "not-declared-yet",
        "GITHUB_TOKEN": "of/another=tool",
        "EDITOR": "an-editor-of-mine",
    }
    redactor = Redactor()
    add_project_secrets(redactor, ProjectFolder.of(project), environment)
    return redactor


@pytest.mark.parametrize(
    "secret",
    ["from-the-file", "of-a-database", "four+words here", "not-declared-yet", "of/another=tool"],
)
def test_secrets_are_masked_in_their_spellings(redactor: Redactor, secret: str) -> None:
    for form in (secret, b64encode(secret.encode()).decode(), quote(secret, safe="")):
        assert form not in redactor.redact(f"a {form} b")


@pytest.mark.parametrize("text", ["north-east-1", "an-editor-of-mine", "https://api.example.com"])
def test_other_values_stay(redactor: Redactor, text: str) -> None:
    assert redactor.redact(text) == text


def test_a_secret_that_is_written_in_a_file_is_masked() -> None:
    redactor = Redactor()
    add_text_secrets(redactor, "client: {auth: {type: bearer, token: written-here-1}}\n")
    add_text_secrets(redactor, "auth: {token: 'not closed-2\n  api_key: written-here-3\n")
    assert redactor.redact("written-here-1 written-here-3") == "*** ***"
