"""jsonschema's errors about a schema itself, in the words of someone writing YAML."""

from __future__ import annotations

import json
from typing import Any

from framework.spec.near import did_you_mean

Json = Any

_TYPES = ("string", "integer", "number", "boolean", "object", "array", "null")


def not_json_schema(error: Any) -> str:
    """What JSON Schema itself has against a schema; the place is told elsewhere."""
    key = next((step for step in reversed(error.path) if isinstance(step, str)), None)
    found = f"found {shown(error.instance)}"
    if key == "type":
        near = did_you_mean(str(error.instance), _TYPES) or f"; there are {', '.join(_TYPES)}"
        return f"{found}, which is no type of JSON Schema{near}"
    if key is None:
        return f"{found}, expected a JSON Schema: a mapping"
    return f"{found}, which JSON Schema does not take for {key}"


def shown(value: Json) -> str:
    """A value in a message: texts in quotes, lists and mappings by their kind."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    return json.dumps(value, ensure_ascii=False)
