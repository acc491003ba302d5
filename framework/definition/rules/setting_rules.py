"""The entries of config and secrets: declared, used, and fitting their own declaration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from framework.definition.annotations import TemplatePlace
from framework.definition.draft import Draft, settings_used
from framework.definition.json_schema import misfit, misfit_of, not_json_schema, schema_error
from framework.findings import Finding
from framework.text import did_you_mean, join_words

Json = Any

_OTHER = {"config": "secrets", "secrets": "config"}
_CODES = {"config": "undeclared-config", "secrets": "undeclared-secret"}
_NOT_SCHEMA = ("default", "description", "key")


def check_declared(draft: Draft) -> Iterator[Finding]:
    """Every {config.x} and {secrets.x} has an entry."""
    for pointer, key, kind, name in dict.fromkeys(settings_used(draft)):
        if name not in draft.section(kind):
            message = _undeclared(draft, kind, name)
            yield draft.document.finding(pointer, _CODES[kind], message, key=key)


def check_used(draft: Draft) -> Iterator[Finding]:
    """An entry that nothing refers to: often the place that should is misspelt or forgotten."""
    used = {(kind, name) for _, _, kind, name in settings_used(draft)}
    used |= {(kind, name) for text in _broken(draft) for kind, name in _mentioned(draft, text)}
    for kind, code, what in (
        ("config", "unused-config", "config entry"),
        ("secrets", "unused-secret", "secret"),
    ):
        for name in draft.section(kind):
            if (kind, name) not in used and not _misspelt(draft, used, kind, name):
                yield draft.document.finding(
                    (kind, name),
                    code,
                    f"nothing refers to the {what} {name}; write {{{kind}.{name}}} where it "
                    "belongs, or take it away",
                    severity="warning",
                    key=True,
                )


def check_config(draft: Draft) -> Iterator[Finding]:
    """Each config entry is a JSON Schema, and its default fits it."""
    for name, entry in draft.section("config").items():
        if not isinstance(entry, dict):
            continue
        schema = {key: value for key, value in entry.items() if key not in _NOT_SCHEMA}
        error = schema_error(schema)
        if error is not None:
            pointer = ("config", name, *error.path)
            yield draft.document.finding(pointer, "config-schema", not_json_schema(error))
            continue
        if "default" in entry:
            yield from _default(draft, name, schema, entry["default"])


def _default(draft: Draft, name: str, schema: Mapping[str, Json], value: Json) -> Iterator[Finding]:
    try:
        error = misfit_of(schema, value)
    except Exception:
        # a $ref to nowhere, a pattern that is none or looks for ever: nothing can be judged by it
        yield draft.document.finding(
            ("config", name),
            "config-schema",
            f"the declaration of {name} cannot be used; write its type, format, enum or limits",
            key=True,
        )
        return
    if error is not None:
        yield draft.document.finding(
            ("config", name, "default"),
            "config-default",
            f"the default of {name} does not fit its declaration: {misfit(error)}",
        )


def _undeclared(draft: Draft, kind: str, name: str) -> str:
    other = _OTHER[kind]
    found = f"there is no entry {name} in {kind}"
    if name in draft.section(other):
        return f"{found}, but there is one in {other}; write {{{other}.{name}}}"
    near = did_you_mean(name, draft.section(kind))
    if near:
        return found + near
    have = join_words(draft.section(kind))
    return f"{found}; declare it under {kind}{f', which has {have}' if have else ''}"


def _misspelt(draft: Draft, used: set[tuple[Any, str]], kind: str, name: str) -> bool:
    """Whether an undeclared placeholder is likely to mean this entry: one mistake, one finding."""
    for other_kind, other in used:
        if other_kind in _OTHER and other not in draft.section(other_kind):
            if other == name:
                return True
            if other_kind == kind and did_you_mean(other, [name]):
                return True
    return False


def _broken(draft: Draft) -> Iterator[TemplatePlace]:
    return (text for text in draft.texts() if "{" in text.text and not text.placeholders)


def _mentioned(draft: Draft, text: TemplatePlace) -> Iterator[tuple[Any, str]]:
    for kind in _OTHER:
        for name in draft.section(kind):
            if f"{kind}.{name}" in text.text:
                yield kind, str(name)
