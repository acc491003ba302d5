"""The entries of `config` and `secrets` that a finished file uses."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from framework.definition.json_schema import Draft202012Validator, SchemaError, misfit_of
from framework.importers.airbyte.inputs import Input, Inputs
from framework.importers.import_report import UNTOLD, UNUSED, Remarks

Json = Any

_USED = re.compile(r"\b(config|secrets)\.([a-z][a-z0-9_]*)")
_SECRET = re.compile(r"(token|secret|password|api_?key|private_?key)", re.IGNORECASE)
_SENT = ("token", "api_key", "password", "client_secret", "access_token", "refresh_token", "key")
_WORDS = (
    "type", "format", "enum", "const", "pattern", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems",
)  # fmt: skip


def promoted(inputs: Inputs, body: Mapping[str, Json]) -> set[str]:
    """Inputs that the original does not call secret and that go out as one."""
    names: set[str] = set()
    auths = [body["client"].get("auth")]
    auths += [one["endpoint"].get("auth") for one in body["resources"]]
    for auth in auths:
        names |= _sent_as_secret(auth)
    for one in inputs.by_path.values():
        if not one.declared and _SECRET.search(one.name):
            names.add(one.name)
    return names


def _sent_as_secret(auth: Json) -> set[str]:
    if isinstance(auth, list):
        return {name for one in auth for name in _sent_as_secret(one)}
    if not isinstance(auth, dict):
        return set()
    found: set[str] = set()
    for key, value in auth.items():
        if key in _SENT and isinstance(value, str) and "secrets." not in value:
            found |= {name for kind, name in _USED.findall(value) if kind == "config"}
        else:
            found |= _sent_as_secret(value)
    return found


def with_secrets(data: Json, names: set[str]) -> Json:
    """The data with those entries of config as secrets."""
    if not names:
        return data
    text = json.dumps(data)
    for name in names:
        text = re.sub(rf"\bconfig\.{name}\b", f"secrets.{name}", text)
    return json.loads(text)


def declared(
    inputs: Inputs,
    body: Mapping[str, Json],
    secret: set[str],
    complete: bool,
    remarks: Remarks,
    original: str,
) -> tuple[dict[str, Json], dict[str, Json]]:
    """`config` and `secrets`; inputs that nothing uses are left out with a note.

    `complete` is false where the original's own list of inputs is not at hand; `original` is the
    text of its templates.
    """
    used = {name for _, name in _USED.findall(json.dumps(body))}
    choosing = _choosing(body["client"].get("auth"), body["resources"])
    config: dict[str, Json] = {}
    secrets: dict[str, Json] = {}
    for one in inputs.by_path.values():
        shown = ".".join(one.path)
        if one.name not in used:
            named = re.search(rf"config\b[^{{}}]*\b{re.escape(one.path[-1])}\b", original)
            remarks.note(f"spec {shown}", UNTOLD if named else UNUSED)
            continue
        if one.declared and one.name != "_".join(one.path):
            remarks.note(f"spec {shown}", f"the input {shown} is called {one.name} here")
        if not one.declared:
            remarks.note(
                f"config {shown}",
                "the original uses this input and "
                + ("does not declare it" if complete else "its list of inputs is not in the file"),
            )
        if one.secret or one.name in secret:
            secrets[one.name] = _secret(one, complete)
        else:
            config[one.name] = _entry(
                one, complete or one.name in choosing, remarks, one.name in choosing
            )
    return config, secrets


def _secret(one: Input, complete: bool) -> dict[str, Json]:
    entry: dict[str, Json] = {
        "description": _description(one) or f"The input {'.'.join(one.path)}."
    }
    if not one.required and (one.declared or complete):
        entry["optional"] = True
    return entry


def _description(one: Input) -> str:
    text = str(one.schema.get("description") or one.schema.get("title") or "")
    text = re.sub(r"<[^>]*href=[\"']([^\"']*)[\"'][^>]*>(.*?)</a>", r"\2 (\1)", text, flags=re.S)
    text = " ".join(re.sub(r"<[^>]+>", " ", text).split())
    return text if len(text) <= 300 else f"{text[:297].rstrip()}..."


def _choosing(auth: Json, resources: list[dict[str, Json]]) -> set[str]:
    """The entries that choose one of several auths: without them the original fails too."""
    auths = [auth, *(one["endpoint"].get("auth") for one in resources)]
    chosen = [str(one.get("by")) for one in auths if isinstance(one, dict) and "by" in one]
    return {name for text in chosen for _, name in _USED.findall(text)}


def _entry(one: Input, complete: bool, remarks: Remarks, must: bool) -> dict[str, Json]:
    schema = one.schema
    entry: dict[str, Json] = {
        word: schema[word] for word in _WORDS if word in schema and _sound(word, schema[word])
    }
    _agree(one, entry, remarks)
    if "const" in entry and not one.required:
        entry["enum"] = [entry.pop("const")]
    entry.setdefault("type", _type_of(entry) if one.declared else "string")
    for word in ("items", "properties", "additionalProperties"):
        if isinstance(schema.get(word), dict) and entry["type"] in ("array", "object"):
            entry[word] = schema[word]
    default = schema.get("default")
    optional = not (one.required or must) and default is None and (one.declared or complete)
    if optional and "null" not in entry["type"]:
        types = entry["type"] if isinstance(entry["type"], list) else [entry["type"]]
        entry = {**entry, "type": [*types, "null"]}
        if "enum" in entry:
            entry["enum"] = [*entry["enum"], None]
    if "default" in schema or optional:
        entry["default"] = default
    entry = _fitting(one, entry, remarks)
    description = _description(one)
    if description:
        entry["description"] = description
    order = ("type", "format", "enum", "pattern")
    return {
        **{key: entry[key] for key in order if key in entry},
        **{key: value for key, value in entry.items() if key not in order},
    }


_WRITTEN = {
    "date": ("2024-01-31",),
    "date-time": ("2024-01-31T10:20:30Z", "2024-01-31T10:20:30.000Z", "2024-01-31T10:20:30+00:00"),
}


def _agree(one: Input, entry: dict[str, Json], remarks: Remarks) -> None:
    """A format that its own pattern refuses: the pattern is what the original checks."""
    samples = _WRITTEN.get(str(entry.get("format")))
    pattern = entry.get("pattern")
    if samples and pattern and not any(re.search(pattern, sample) for sample in samples):
        remarks.note(
            f"spec {'.'.join(one.path)}",
            f"its pattern refuses every {entry['format']}: the format is left out",
        )
        del entry["format"]


def _type_of(entry: Mapping[str, Json]) -> str:
    values = entry.get("enum") or [entry.get("const", "")]
    if all(isinstance(value, bool) for value in values):
        return "boolean"
    if all(isinstance(value, int) for value in values):
        return "integer"
    return "string"


def _sound(word: str, value: Json) -> bool:
    """Whether a word of the declaration can be used as it is."""
    if word == "pattern":
        try:
            re.compile(value)
        except (re.error, TypeError):
            return False
        return bool(value)
    if word == "enum":
        return isinstance(value, list) and bool(value)
    if word == "format":
        return isinstance(value, str) and bool(value)
    return value is not None


def _fitting(one: Input, entry: dict[str, Json], remarks: Remarks) -> dict[str, Json]:
    """The declaration without what its own default does not fit."""
    try:
        Draft202012Validator.check_schema({k: v for k, v in entry.items() if k != "default"})
    except SchemaError:
        remarks.note(f"spec {'.'.join(one.path)}", "its declaration is no JSON Schema")
        entry = {key: entry[key] for key in ("type", "default") if key in entry}
        entry["type"] = entry["type"] if isinstance(entry.get("type"), str | list) else "string"
    if "default" not in entry:
        return entry
    for word in (None, "format", "pattern", "enum", "type"):
        if word is not None and word not in entry:
            continue
        trial = dict(entry)
        if word == "type":
            kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
            trial["type"] = kinds.get(type(entry["default"]), "string")
        elif word is not None:
            del trial[word]
        if _fits(trial):
            if word is not None:
                remarks.note(
                    f"spec {'.'.join(one.path)}",
                    f"its default does not fit its {word}, which is left out",
                )
            return trial
    return {key: value for key, value in entry.items() if key != "default"}


def _fits(entry: Mapping[str, Json]) -> bool:
    schema = {key: value for key, value in entry.items() if key != "default"}
    try:
        return misfit_of(schema, entry["default"]) is None
    except Exception:
        return False
