"""Values for a manifest's inputs, made up from their declaration."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from framework.definition.model import Connector
from framework.importers.airbyte.spec_inputs import UNDECLARED, read_inputs
from framework.importers.source_files import free_name

Json = Any

_MOMENT = datetime(2026, 11, 10, tzinfo=UTC)
"""The runs of the comparison are later, at times of their own."""
_USED = re.compile(r"config(?:\.get\(|\[)\s*'([^']+)'")
_TEXTS = (
    f"{_MOMENT:%Y-%m-%dT%H:%M:%SZ}",
    f"{_MOMENT:%Y-%m-%dT%H:%M:%S.000Z}",
    f"{_MOMENT:%Y-%m-%d}",
    f"{_MOMENT:%Y-%m-%d %H:%M:%S}",
    f"{_MOMENT:%d-%m-%Y}",
    "https://api.example.com",
    "api.example.com",
    "12",
    "abc",
)


def config_of(schema: Mapping[str, Json], address: str) -> dict[str, Json]:
    """One value for each input; of alternatives the first."""
    found: dict[str, Json] = {}
    for name, entry in (schema.get("properties") or {}).items():
        if isinstance(entry, dict):
            value = _value(name, entry, address, name in (schema.get("required") or []))
            if value is not None:
                found[name] = value
    return found


def _value(name: str, entry: Mapping[str, Json], address: str, required: bool) -> Json:
    for key in ("oneOf", "anyOf"):
        if entry.get(key):
            return config_of(entry[key][0], address)
    if isinstance(entry.get("properties"), dict):
        return config_of(entry, address)
    if "const" in entry:
        return entry["const"]
    date = entry.get("format") in ("date", "date-time") or re.search(r"start|since|from", name)
    if "default" in entry and not (date and entry.get("type") == "string"):
        return entry["default"]
    if entry.get("enum"):
        return entry["enum"][0]
    kind = entry.get("type")
    if not required and not date and kind != "array" and name != "password":
        return None
    if kind in ("integer", "number"):
        return max(1, int(entry.get("minimum", 1)))
    if kind == "boolean":
        return False
    if kind == "array":
        inner = entry.get("items") or {"type": "string"}
        return [_value(name, {**inner, "format": ""}, address, True)]
    if kind == "object":
        return {}
    return _text(name, entry, address)


def _text(name: str, entry: Mapping[str, Json], address: str) -> str | None:
    text = _any_text(name, entry, address)
    # an end at the start leaves nothing to read
    is_end = re.search(r"(^|_)(end|until|to)(_|$)", name)
    return text.replace("2026-11-10", "2026-11-25") if text and is_end else text


def _any_text(name: str, entry: Mapping[str, Json], address: str) -> str | None:
    pattern = entry.get("pattern")
    examples = [str(one) for one in entry.get("examples") or []]
    slash = "/" if examples and examples[0].endswith("/") else ""
    here = f"{address}/api.example.com{slash}"
    if re.search(r"url|endpoint|host", name) and re.search(pattern or "", here):
        return here
    wanted = {"date": _TEXTS[2], "date-time": _TEXTS[0]}.get(str(entry.get("format")))
    if not pattern:
        likely = wanted or (_like(examples[0]) if examples else None)
        if likely:
            return likely
        return _TEXTS[0] if re.search(r"date|since", name) else f"value{len(name)}"
    for candidate in (*filter(None, [wanted]), *_TEXTS, *examples):
        if re.search(pattern, candidate):
            return candidate
    return f"value{len(name)}"


def _like(example: str) -> str | None:
    """A moment of ours written as an example is."""
    for text in _TEXTS[:5]:
        if re.sub(r"\d", "9", example) == re.sub(r"\d", "9", text):
            return text
    return None


def given_of(
    connector: Connector, manifest: Json, specification: Mapping[str, Json], config: dict[str, Json]
) -> dict[str, Json]:
    """The same values under our names; secrets and config alike.

    An input that the manifest uses and does not declare is given to both: `config` gets it too.
    """
    found: dict[str, Json] = {}
    for path, one in read_inputs(specification).by_path.items():
        value: Json = config
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None and (one.name in connector.config or one.name in connector.secrets):
            found[one.name] = value
    for name, entry in {**connector.config, **connector.secrets}.items():
        if name not in found and entry.description == UNDECLARED:
            found[name] = config.setdefault(_name_in(manifest, name), _undeclared(name))
    return found


def _name_in(manifest: Json, name: str) -> str:
    """The manifest's own name of an input that is called `name` in the import."""
    used = _USED.findall(json.dumps(manifest).replace('\\"', "'"))
    plain = re.sub(r"_\d+$", "", name)
    return next((one for one in used if free_name((one,), set(), "input") == plain), name)


def _undeclared(name: str) -> str:
    return _TEXTS[2] if re.search(r"date|since|from", name) else f"value{len(name)}"
