"""Config and secrets: declared in the connector file, set by the user, found by dlt's providers.

Looked up as `sources.SECTION.entry`, then `sources.entry`; never by a bare name, unless the entry
names one itself. For a secret, the caller may give the one name to look it up by. Everything
missing or wrong is reported at once, before any request.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from framework.definition.auth_choice import NoSuchCase, secrets_used
from framework.definition.expressions.jmespath_expression import ExpressionError
from framework.definition.model import ConfigEntry, Connector, SecretEntry
from framework.errors import SettingsError, UsageError

Json = Any
STAND_IN = "replayed"
"""The value of every secret in a replay, which sends nothing."""
SECRET_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
"""A variable such as ACME_TOKEN, or a place in a settings file such as sources.acme.token."""


@dataclass(frozen=True)
class Settings:
    """Every declared entry with its value; `section` is where the values were looked up.

    A secret is None if it is optional, or if only an auth needs it that config does not choose.
    `secret_names` are names that secrets were looked up by instead.
    """

    section: str
    config: Mapping[str, Json]
    secrets: Mapping[str, str | None] = field(repr=False)
    secret_names: Mapping[str, str] = field(default_factory=dict)

    def variable(self, name: str) -> str:
        """Return the environment variable that sets an entry: `SOURCES__SCHEDULING__API_KEY`."""
        return variable_of(self.secret_names.get(name, f"sources.{self.section}.{name}"))


def variable_of(place: str) -> str:
    """Return the environment variable of a place in dlt's settings files, which is dotted."""
    return place.replace(".", "__").upper()


def resolve_settings(
    connector: Connector,
    given: Mapping[str, Json],
    *,
    section: str | None = None,
    replay: bool = False,
    secret_names: Mapping[str, str] | None = None,
) -> Settings:
    """Return the values of all entries.

    `given` holds values set for this run, by entry name; text is read as the declared type.
    `secret_names` are names under which dlt's providers have secrets, by entry, dotted for those
    in a section. A replay looks nothing up: other entries take their defaults, and secrets are
    placeholders. Raise SettingsError that names every entry that is missing or wrong, UsageError
    for unknown entries.
    """
    section, secret_names = section or connector.name, secret_names or {}
    unknown = [
        f"there is no config entry {name}" + _near(name, connector.config)
        for name in given
        if name not in connector.config and name not in connector.secrets
    ]
    unknown += [
        f"there is no secret {name}" + _near(name, connector.secrets)
        for name in secret_names
        if name not in connector.secrets
    ]
    problems = [*unknown]
    config: dict[str, Json] = {}
    wrong: set[str] = set()
    for name, entry in connector.config.items():
        found = given.get(name)
        if name not in given and not replay:
            found = _look_up(section, name, entry.key)
        if found is None:
            if entry.required:
                problems.append(_missing(section, entry))
                wrong.add(name)
            config[name] = entry.default
            continue
        config[name] = typed_value(entry, found)
        problem = value_problem(entry, config[name])
        if problem:
            problems.append(f"{name}: {problem}")
            wrong.add(name)
    secrets: dict[str, str | None] = {}
    for name, secret in _needed_secrets(connector, config, wrong, problems).items():
        value = given.get(name, STAND_IN if replay else None)
        place = secret_names.get(name) if value is None else None
        if place is not None:
            value = _look_up_place(place)
        elif value is None:
            value = _look_up(section, name, secret.key)
        text = "" if value is None else str(value).strip()
        if not text and place is not None:
            problems.append(_missing_at(place, section, secret, empty=value is not None))
        elif not text and not secret.optional:
            problems.append(_missing(section, secret, empty=value is not None))
        secrets[name] = text or None
    if problems:
        raise (UsageError if unknown else SettingsError)("\n".join(problems))
    return Settings(section, config, dict.fromkeys(connector.secrets) | secrets, secret_names)


def _needed_secrets(
    connector: Connector, config: Mapping[str, Json], wrong: set[str], problems: list[str]
) -> Mapping[str, SecretEntry]:
    """Return the secrets of this run, without those of auths that config does not choose.

    An auth that a `wrong` entry chooses adds no problem of its own.
    """
    try:
        every = secrets_used(connector.data, config)
    except NoSuchCase as error:
        if wrong.isdisjoint(re.findall(r"\bconfig\.(\w+)", error.by)):
            problems.append(str(error))
        return {}
    except ExpressionError as error:
        problems.append(f"auth: {error}")
        return {}
    return {name: entry for name, entry in connector.secrets.items() if name in every}


def has_value(section: str, name: str, key: str | None = None) -> bool:
    """Return whether one of dlt's providers has a value for an entry, `key` included."""
    return bool(str(_look_up(section, name, key) or "").strip())


def _look_up(section: str, name: str, key: str | None) -> Json:
    """Return the value of the first of dlt's providers that has it, or None."""
    from dlt.common.configuration.container import Container
    from dlt.common.configuration.specs import PluggableRunContext

    places: list[tuple[str, ...]] = [("sources", section), ("sources",)]
    for provider in Container()[PluggableRunContext].providers.providers:
        for sections in places if provider.supports_sections else []:
            value, _ = provider.get_value(name, str, None, *sections)
            if value is not None:
                return value
        if key is not None:
            value, _ = provider.get_value(key, str, None)
            if value is not None:
                return value
    return None


def _look_up_place(place: str) -> Json:
    """Return the value of the first of dlt's providers that has this name, or None."""
    from dlt.common.configuration.container import Container
    from dlt.common.configuration.specs import PluggableRunContext

    if not SECRET_NAME.fullmatch(place):
        return None
    *sections, key = place.split(".")
    for provider in Container()[PluggableRunContext].providers.providers:
        if provider.supports_sections or not sections:
            value, _ = provider.get_value(key, str, None, *sections)
            if value is not None:
                return value
    return None


def typed_value(entry: ConfigEntry, found: Json) -> Json:
    """Return a value in its declared type; in text, numbers, booleans and so on are JSON."""
    kind = entry.schema.get("type")
    kinds = {kind} if isinstance(kind, str) else set(kind or ())
    if not isinstance(found, str) or not kinds or "string" in kinds:
        return found
    try:
        return json.loads(found.lower() if kinds == {"boolean"} else found)
    except (ValueError, RecursionError):
        return found


def value_problem(entry: ConfigEntry, value: Json, *, quoted: bool = True) -> str | None:
    """Return why a value does not fit its entry, or None; it is shown only if `quoted`."""
    from framework.definition.expressions.limits import PatternError
    from framework.definition.schema.json_schema import misfit, misfit_of

    checked = {key: part for key, part in entry.schema.items() if key != "default"}
    try:
        error = misfit_of(checked, value)
    except PatternError as problem:
        return f"its declaration has a pattern that cannot be used: {problem}"
    return None if error is None else misfit(error, quoted=quoted)


def _missing(section: str, entry: ConfigEntry | SecretEntry, *, empty: bool = False) -> str:
    kind = "secret" if isinstance(entry, SecretEntry) else "config"
    file = ".dlt/secrets.toml" if kind == "secret" else ".dlt/config.toml"
    bare = f", or {entry.key}" if entry.key else ""
    return (
        f"the {kind} `{entry.name}` is {'empty' if empty else 'missing'}.{_about(entry)} Set the "
        f"environment variable {variable_of(f'sources.{section}.{entry.name}')}{bare}, or "
        f"`{entry.name}` under [sources.{section}] in {file}."
    )


def _missing_at(place: str, section: str, secret: SecretEntry, *, empty: bool) -> str:
    """Return what to do about a secret that has nothing under the name given for it."""
    what = f"the secret `{secret.name}` of {section}"
    if not SECRET_NAME.fullmatch(place):  # it may be the secret itself
        return (
            f"{what} has a name that is not valid: found other characters than letters, digits, _ "
            "and dots. Write the name of a variable such as ACME_TOKEN, or of an entry such as "
            "sources.acme.token."
        )
    sections, _, key = place.rpartition(".")
    under = f" under [{sections}]" if sections else ""
    return (
        f"{what} is {'empty' if empty else 'missing'}: it is looked up as {place}."
        f"{_about(secret)} Set the environment variable {variable_of(place)}, or "
        f"`{key}`{under} in .dlt/secrets.toml."
    )


def _about(entry: ConfigEntry | SecretEntry) -> str:
    return f" It is: {entry.description.strip().rstrip('.')}." if entry.description else ""


def _near(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(known) or 'none'}"
