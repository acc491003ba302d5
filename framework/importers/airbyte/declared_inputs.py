"""The entries of `config` and `secrets` that a finished file uses."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from framework.definition.schema.json_schema import Draft202012Validator, SchemaError, misfit_of
from framework.importers.airbyte.spec_inputs import SpecInput, SpecInputs
from framework.importers.import_report import UNTRANSLATED, UNUSED, Remarks

Json = Any
Entry = dict[str, Json]

MAX_DESCRIPTION = 300
_ENTRY_NAME = re.compile(r"\b(config|secrets)\.([a-z][a-z0-9_]*)")
_SECRET_NAME = re.compile(r"(token|secret|password|api_?key|private_?key)", re.IGNORECASE)
_LINK = re.compile(r"<[^>]*href=[\"']([^\"']*)[\"'][^>]*>(.*?)</a>", re.DOTALL)
_SECRET_FIELDS = (
    "token", "api_key", "password", "client_secret", "access_token", "refresh_token", "key",
)  # fmt: skip
_KEYWORDS = (
    "type", "format", "enum", "const", "pattern", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems",
)  # fmt: skip
_FIRST = ("type", "format", "enum", "pattern")
_SAMPLES = {
    "date": ("2024-01-31",),
    "date-time": ("2024-01-31T10:20:30Z", "2024-01-31T10:20:30.000Z", "2024-01-31T10:20:30+00:00"),
}

# -- which inputs are secrets


def secret_inputs(inputs: SpecInputs, body: Mapping[str, Json]) -> set[str]:
    """Return inputs that Airbyte does not call secret and that are sent as one."""
    names = {
        one.name
        for one in inputs.by_path.values()
        if not one.declared and _SECRET_NAME.search(one.name)
    }
    return names.union(*map(_sent_as_secret, _auths(body)))


def _auths(body: Mapping[str, Json]) -> list[Json]:
    return [body["client"].get("auth"), *(one["endpoint"].get("auth") for one in body["resources"])]


def _sent_as_secret(auth: Json) -> set[str]:
    if isinstance(auth, list):
        return set().union(*map(_sent_as_secret, auth))
    names: set[str] = set()
    for key, value in auth.items() if isinstance(auth, dict) else ():
        if key in _SECRET_FIELDS and isinstance(value, str) and "secrets." not in value:
            names |= {name for root, name in _ENTRY_NAME.findall(value) if root == "config"}
        else:
            names |= _sent_as_secret(value)
    return names


def with_secrets(data: Json, names: set[str]) -> Json:
    """Return the data with these entries of `config` as secrets."""
    if not names:
        return data
    text = json.dumps(data)
    for name in names:
        text = re.sub(rf"\bconfig\.{name}\b", f"secrets.{name}", text)
    return json.loads(text)


# -- entries


@dataclass(frozen=True)
class InputDeclarations:
    """Declares the inputs that a file uses. `complete` is false if the manifest has no `spec`;
    `original` is the text of its templates."""

    inputs: SpecInputs
    secret: set[str]
    complete: bool
    original: str
    remarks: Remarks

    def entries(self, body: Mapping[str, Json]) -> tuple[Entry, Entry]:
        """Return `config` and `secrets`; an unused input is left out with a note."""
        used = {name for _, name in _ENTRY_NAME.findall(json.dumps(body))}
        # without the entry that selects an authenticator Airbyte fails too
        selectors = " ".join(str(one.get("by")) for one in _auths(body) if isinstance(one, dict))
        selecting = {name for _, name in _ENTRY_NAME.findall(selectors)}
        config: Entry = {}
        secrets: Entry = {}
        for one in self.inputs.by_path.values():
            if one.name not in used:
                pattern = rf"config\b[^{{}}]*\b{re.escape(one.path[-1])}\b"
                named = re.search(pattern, self.original)
                self._note(one, UNTRANSLATED if named else UNUSED)
                continue
            self._note_origin(one)
            if one.secret or one.name in self.secret:
                secrets[one.name] = self._secret(one)
            else:
                config[one.name] = self._config(one, selecting=one.name in selecting)
        return config, secrets

    def _note(self, one: SpecInput, reason: str, root: str = "spec") -> None:
        self.remarks.note(f"{root} {'.'.join(one.path)}", reason)

    def _note_origin(self, one: SpecInput) -> None:
        if one.declared and one.name != "_".join(one.path):
            self._note(one, f"the input {'.'.join(one.path)} is called {one.name} here")
        if not one.declared:
            place = "the spec does not declare it" if self.complete else "the file has no spec"
            self._note(one, f"the manifest uses this input and {place}", "config")

    def _secret(self, one: SpecInput) -> Entry:
        entry: Entry = {"description": _description(one) or f"The input {'.'.join(one.path)}."}
        optional = not one.required and (one.declared or self.complete)
        return {**entry, "optional": True} if optional else entry

    def _config(self, one: SpecInput, *, selecting: bool) -> Entry:
        schema = one.schema
        entry = {
            word: schema[word]
            for word in _KEYWORDS
            if word in schema and _is_usable(word, schema[word])
        }
        self._drop_refused_format(one, entry)
        if "const" in entry and not one.required:
            entry["enum"] = [entry.pop("const")]
        entry.setdefault("type", _type_of(entry) if one.declared else "string")
        for word in ("items", "properties", "additionalProperties"):
            if isinstance(schema.get(word), dict) and entry["type"] in ("array", "object"):
                entry[word] = schema[word]
        default = schema.get("default")
        known = one.declared or self.complete or selecting
        optional = not (one.required or selecting) and default is None and known
        if optional and "null" not in entry["type"]:
            types = entry["type"] if isinstance(entry["type"], list) else [entry["type"]]
            entry["type"] = [*types, "null"]
            if "enum" in entry:
                entry["enum"] = [*entry["enum"], None]
        if "default" in schema or optional:
            entry["default"] = default
        entry = self._fitting(one, entry)
        if description := _description(one):
            entry["description"] = description
        return {key: entry[key] for key in (*_FIRST, *entry) if key in entry}

    def _drop_refused_format(self, one: SpecInput, entry: Entry) -> None:
        """Drop a format that the input's own pattern refuses: Airbyte checks the pattern."""
        samples = _SAMPLES.get(str(entry.get("format")))
        pattern = entry.get("pattern")
        if samples and pattern and not any(re.search(pattern, sample) for sample in samples):
            self._note(
                one, f"its pattern refuses every {entry.pop('format')}: the format is left out"
            )

    def _fitting(self, one: SpecInput, entry: Entry) -> Entry:
        """Return the declaration without the keyword that its own default does not fit."""
        try:
            Draft202012Validator.check_schema({k: v for k, v in entry.items() if k != "default"})
        except SchemaError:
            self._note(one, "its declaration is not a valid JSON Schema")
            entry = {key: entry[key] for key in ("type", "default") if key in entry}
            entry["type"] = entry["type"] if isinstance(entry.get("type"), str | list) else "string"
        if "default" not in entry or _fits(entry):
            return entry
        kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
        for word in ("format", "pattern", "enum", "type"):
            trial = {key: value for key, value in entry.items() if key != word}
            if word == "type":
                trial["type"] = kinds.get(type(entry["default"]), "string")
            if word in entry and _fits(trial):
                self._note(one, f"its default does not fit its {word}, which is left out")
                return trial
        return {key: value for key, value in entry.items() if key != "default"}


def _description(one: SpecInput) -> str:
    text = _LINK.sub(
        r"\2 (\1)", str(one.schema.get("description") or one.schema.get("title") or "")
    )
    text = " ".join(re.sub(r"<[^>]+>", " ", text).split())
    return text if len(text) <= MAX_DESCRIPTION else f"{text[: MAX_DESCRIPTION - 3].rstrip()}..."


def _type_of(entry: Mapping[str, Json]) -> str:
    values = entry.get("enum") or [entry.get("const", "")]
    if all(isinstance(value, bool) for value in values):
        return "boolean"
    return "integer" if all(isinstance(value, int) for value in values) else "string"


def _is_usable(word: str, value: Json) -> bool:
    """Return whether a keyword of the declaration is valid as it is."""
    if word == "pattern":
        try:
            re.compile(value)
        except (re.error, TypeError):
            return False
    expected = {"enum": list, "format": str, "pattern": str}.get(word)
    return value is not None if expected is None else isinstance(value, expected) and bool(value)


def _fits(entry: Mapping[str, Json]) -> bool:
    schema = {key: value for key, value in entry.items() if key != "default"}
    try:
        return misfit_of(schema, entry["default"]) is None
    except Exception:
        return False
