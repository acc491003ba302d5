"""The entries of config and secrets: declared, used, and valid by their own declaration."""

from __future__ import annotations

from collections.abc import Iterator

from framework.definition.draft import Draft, settings_used
from framework.definition.rules.rule import Breach, Key, rule
from framework.definition.schema.json_schema import misfit, misfit_of, not_json_schema, schema_error
from framework.text import did_you_mean, join_words

_OTHER = {"config": "secrets", "secrets": "config"}
_NOT_SCHEMA = ("default", "description", "key")


@rule("undeclared-config")
def check_declared_config(draft: Draft) -> Iterator[Breach]:
    """Every `{config.x}` has an entry."""
    return _undeclared(draft, "config")


@rule("undeclared-secret")
def check_declared_secrets(draft: Draft) -> Iterator[Breach]:
    """Every `{secrets.x}` has an entry."""
    return _undeclared(draft, "secrets")


@rule("unused-config", severity="warning")
def check_used_config(draft: Draft) -> Iterator[Breach]:
    """Every config entry is referred to: if not, a placeholder is often misspelt or forgotten."""
    return _unused(draft, "config", "config entry")


@rule("unused-secret", severity="warning")
def check_used_secrets(draft: Draft) -> Iterator[Breach]:
    """Every secret is referred to."""
    return _unused(draft, "secrets", "secret")


@rule("config-schema", "config-default")
def check_config(draft: Draft) -> Iterator[Breach]:
    """Each config entry is a JSON Schema, and its default is valid by it."""
    for name, entry in draft.section("config").items():
        if not isinstance(entry, dict):
            continue
        schema = {key: value for key, value in entry.items() if key not in _NOT_SCHEMA}
        error = schema_error(schema)
        if error is not None:
            yield "config-schema", ("config", name, *error.path), not_json_schema(error)
            continue
        try:
            mismatch = misfit_of(schema, entry["default"]) if "default" in entry else None
        except Exception:
            # a $ref to nowhere, or a pattern that is not valid or takes too long
            yield (
                "config-schema",
                Key(("config", name)),
                f"the declaration of {name} cannot be used; write its type, format, enum or limits",
            )
            continue
        if mismatch is not None:
            message = f"the default of {name} does not fit its declaration: {misfit(mismatch)}"
            yield "config-default", ("config", name, "default"), message


def _undeclared(draft: Draft, section: str) -> Iterator[Breach]:
    other, entries = _OTHER[section], draft.section(section)
    for pointer, is_key, used_section, name in dict.fromkeys(settings_used(draft)):
        if used_section != section or name in entries:
            continue
        message = f"there is no entry {name} in {section}"
        if name in draft.section(other):
            message += f", but there is one in {other}; write {{{other}.{name}}}"
        else:
            has = f", which has {join_words(entries)}" if entries else ""
            message += did_you_mean(name, entries) or f"; declare it under {section}{has}"
        yield Key(pointer) if is_key else pointer, message


def _unused(draft: Draft, section: str, what: str) -> Iterator[Breach]:
    used = {(kind, name) for _, _, kind, name in settings_used(draft)}
    broken = [text.value for text in draft.templates if "{" in text.value and not text.placeholders]
    for name in draft.section(section):
        if (section, name) in used or any(f"{section}.{name}" in text for text in broken):
            continue
        if not _is_misspelt(draft, used, section, name):
            yield (
                Key((section, name)),
                f"nothing refers to the {what} {name}; write {{{section}.{name}}} where it "
                "belongs, or remove it",
            )


def _is_misspelt(draft: Draft, used: set[tuple[str, str]], section: str, name: str) -> bool:
    """Return whether an undeclared name probably means this entry: one mistake, one finding."""
    undeclared = {(kind, other) for kind, other in used if other not in draft.section(kind)}
    return any(
        other == name or (kind == section and did_you_mean(other, [name]))
        for kind, other in undeclared
    )
