"""The secrets that a process can reach besides the connector's own: environment and settings files.

Recognized by the name of an entry, or by a login in its text. What a file of a stranger makes a
library print, a destination's URL with a mistake in it for example, is then masked.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from framework.runtime.redaction import Redactor, is_credential_name

Json = Any

_NAMED = re.compile(
    r"(SECRET|PASSWORD|PASSWD|PASSPHRASE|_PWD|TOKEN|(API|ACCESS|SECRET|ACCOUNT|PRIVATE)_?KEY)$"
)
"""The end of the name, in upper case, of a variable or an entry that holds a secret."""
_LOGIN = re.compile(r"[\w+.-]*:?/{0,3}(?P<user>[^:@]*):(?P<password>.+)@")
"""A login, also in a URL that does not parse: its password may hold `/`, `@` and `#`."""
_ASSIGNED = re.compile(
    r"""(?P<name>\w+)\s*=\s*(?:'(?P<quoted>(?:[^'\\]|\\.)*)'|\{(?P<braced>[^}]*)\}|(?P<bare>[^\s;&'"]+))"""
)
_WRITTEN = re.compile(
    r"""(?<![\w-])(?P<name>[A-Za-z][\w-]*)["']?[ \t]*:[ \t]*
    (?:(?P<mark>["'])(?P<quoted>[^\n]*?)(?P=mark)|(?P<bare>[^\s,}\]"'{\[\#][^,}\]\n]*))""",
    re.VERBOSE,
)
"""An entry of a YAML file, which may not parse."""
_URL = re.compile(r"\w+://[^\s\"'<>]+")
_DELIMITERS = re.compile(r"[/@:?#&\s]")
_OPAQUE = re.compile(r"[^\s/\\.:@]{16,}")
"""A text that is a credential as a whole: no path, no name of a file and no URL."""


def add_environment(redactor: Redactor, environment: Mapping[str, str]) -> None:
    """Add the secrets of environment variables, and the logins in their URLs (a proxy's)."""
    for name, text in environment.items():
        _add_entry(redactor, name, text)


def add_settings_files(redactor: Redactor) -> None:
    """Add the secrets in dlt's settings files: those of destinations, mostly."""
    from dlt.common.configuration.container import Container
    from dlt.common.configuration.specs import PluggableRunContext

    for provider in Container()[PluggableRunContext].providers.providers:
        if hasattr(provider, "to_toml"):
            _add_entry(redactor, "", tomllib.loads(provider.to_toml()))


def add_connector_settings(
    redactor: Redactor, names: Collection[str], environment: Mapping[str, str], folder: Path
) -> None:
    """Add what sets the secrets `names` in the environment and in the folder's secrets.toml.

    It reads without dlt, for a process that runs no connector. A file that is not valid is skipped.
    """
    ends = tuple(f"__{name.upper()}" for name in names)
    for variable, text in environment.items():
        if variable.startswith("SOURCES__") and variable.endswith(ends):
            redactor.add_foreign(text)
    try:
        written = tomllib.loads((folder / ".dlt" / "secrets.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return
    _add_entry(redactor, "", written)
    for text in _texts_in(written.get("sources")):
        redactor.add_foreign(text)


def _texts_in(value: Json) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _texts_in(item)
    elif isinstance(value, str):
        yield value


def add_connector_file(redactor: Redactor, text: str, data: Json = None) -> None:
    """Add the secrets that are written in a connector file; `data` is None if it does not parse.

    They are a mistake that `validate` reports, with the line that they are in. An expression is
    none, whatever its key is called: `token: response.nextSyncToken`.
    """
    from framework.definition.schema.annotations import annotated_values

    values = list(annotated_values(data, ())) if isinstance(data, dict) else []
    expressions = [one.value for one in values if one.kind == "expression"]
    for found in _WRITTEN.finditer(text):
        bare = (found["bare"] or "").partition(" #")[0].strip()
        if (found["quoted"] or bare) not in expressions:
            redactor.add_literal(found["name"], found["quoted"] or bare)
    for found in _URL.finditer(text):
        redactor.add_url(found[0])
    for one in values:
        if one.kind == "secret" and isinstance(one.value, str) and "{" not in one.value:
            redactor.add_foreign(one.value)


def _add_entry(redactor: Redactor, name: str, value: Json) -> None:
    """Add the secrets of an entry, of a mapping at any depth."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            _add_entry(redactor, f"{name}__{key}", item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _add_entry(redactor, name, item)
    elif isinstance(value, (str, int)) and not isinstance(value, bool):
        for secret in _secrets_in(name.upper(), str(value)):
            redactor.add_foreign(secret)


def _secrets_in(name: str, text: str) -> Iterator[str]:
    if name.endswith(("CREDENTIALS", "CONNECTION_STRING")):
        yield from credentials_in(text)
    elif _NAMED.search(name) and not _is_path(text):
        yield text
    elif "://" in text and "@" in text:
        yield from _login_in(text)


def _is_path(text: str) -> bool:
    try:
        return text.startswith(("/", "~", "./")) or ("/" in text and Path(text).exists())
    except (OSError, ValueError):
        return False


def credentials_in(text: str) -> Iterator[str]:
    """Yield the secrets in a destination's credentials: a URL, `key=value` pairs, or JSON.

    None of them needs to be valid: libraries quote what they cannot parse.
    """
    if text.lstrip().startswith("{"):
        try:
            yield from _named_in(json.loads(text))
        except ValueError:
            yield text
        return
    logins = list(_login_in(text))
    assigned = [
        found["quoted"] or found["braced"] or found["bare"] or ""
        for found in _ASSIGNED.finditer(text)
        if is_credential_name(found["name"]) or _NAMED.search(found["name"].upper())
    ]
    if logins or assigned:
        yield text
        yield from logins
        yield from assigned
        yield from map(unquote, assigned)
    elif _OPAQUE.fullmatch(text):
        yield text


def _named_in(value: Json, name: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _named_in(item, str(key))
    elif isinstance(value, str) and (is_credential_name(name) or _NAMED.search(name.upper())):
        yield value


def _login_in(text: str) -> Iterator[str]:
    """Yield the password of a URL, and its parts: an unescaped delimiter cuts it for a parser."""
    found = _LOGIN.match(text.split("?")[0]) or _LOGIN.match(text)
    if found is None:
        return
    password = found["password"]
    # a second @ belongs to the password, or to the rest of the URL
    for candidate in {password, password.partition("@")[0]}:
        yield candidate
        yield unquote(candidate)
        yield f"{found['user']}:{candidate}"
    for part in _DELIMITERS.split(password):
        yield part
        yield unquote(part)
