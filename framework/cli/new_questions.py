"""Ask for the options of `new` on a terminal, and check those that were given."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any

import click

from framework.authoring.scaffold.template import AUTHS, secrets_of
from framework.errors import UsageError


def is_terminal() -> bool:
    """Return whether somebody can be asked."""
    return sys.stdin.isatty()


def ask_auth() -> str:
    """Return the type of authentication."""
    return ask("Authentication", "bearer", AUTHS)


def check_url(url: str) -> str:
    """Return a base URL without a slash at its end. Raise UsageError if it is none."""
    if not url:
        raise UsageError("--base-url is missing, such as https://api.example.com/v1")
    if not re.match(r"https?://[^/\s]+", url):
        raise UsageError(f"--base-url is {url!r}, expected a URL such as https://example.com")
    return url.rstrip("/")


def ask_paths() -> list[str]:
    """Return the paths of the lists. Raise UsageError if there is none."""
    paths = ask("Paths of the lists to read, such as /users /orders", "").split()
    if not paths:
        raise UsageError("--path is missing, such as --path /users")
    return paths


def relative_path(url: str, path: str) -> str:
    """Return a path below the base URL, also if a whole URL was given."""
    path = path.removeprefix(url)
    if "://" in path.partition("?")[0]:
        raise UsageError(f"--path is {path!r}, expected a path below {url} such as /users")
    return path if path.startswith("/") else f"/{path}"


def ask_primary_keys(keys: tuple[str, ...], paths: tuple[str, ...]) -> tuple[str | None, ...]:
    """Return one primary key for each path, or one for all of them."""
    if len(keys) not in (0, 1, len(paths)):
        raise UsageError(
            f"found {len(keys)} --primary-key for {len(paths)} --path; give one for all, or one "
            "for each in the same order"
        )
    if not keys:
        keys = tuple(ask(f"Primary key of {path} (empty: none)", "") for path in paths)
    return tuple(key or None for key in keys)


def ask(question: str, default: str, choices: tuple[str, ...] = (), *, hidden: bool = False) -> str:
    """Return the answer given on a terminal, or the default if there is no terminal."""
    if not sys.stdin.isatty():
        return default
    try:
        answer: str = click.prompt(
            question,
            default=default,
            type=click.Choice(choices) if choices else None,
            err=True,
            show_default=bool(default),
            hide_input=hidden,
        )
    except click.Abort as error:
        if isinstance(error.__context__, EOFError):
            raise UsageError(
                f"the input ended at the question `{question}`; answer it, or give every option "
                "(framework new --help)"
            ) from None
        raise
    return answer.strip()


def ask_secrets(name: str, head: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets that nothing sets, as they are typed on a terminal."""
    if not is_terminal():
        return {}
    from framework.runtime.redacted_output import process_redactor
    from framework.runtime.settings import has_value

    asked = {}
    for secret in head.get("secrets", {}):
        if secret in known or has_value(name, secret):
            continue
        asked[secret] = ask(f"The secret {secret} (not shown, not written)", "", hidden=True)
        process_redactor().add(asked[secret])
        click.echo(f"to use the file, set {secret_variable(name, secret)}", err=True)
    return {secret: value for secret, value in asked.items() if value}


def auth_of_secrets(name: str) -> str:
    """Return the auth whose secrets are set, `none` if there are none."""
    from framework.runtime.settings import has_value

    for auth in AUTHS:
        secrets = secrets_of(auth)
        if secrets and all(has_value(name, secret) for secret in secrets):
            return auth
    return "none"


def secret_variable(name: str, secret: str) -> str:
    """Return the environment variable of a secret."""
    return f"SOURCES__{name}__{secret}".upper()
