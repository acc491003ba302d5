"""The reference for agents: what a code of a finding means, and what a part of the file may have.

Made of the texts of the checks and of the JSON Schema, which are in every installation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from framework.agent_tools.tool_answers import ReferenceAnswer
from framework.definition.check_texts import check_texts
from framework.definition.finder import shared_schema
from framework.errors import UsageError
from framework.text import nearest

Json = Any
_TOP = "connector"
"""The topic of the whole file."""
_MOST_NEAR = 20


def reference(topic: str) -> ReferenceAnswer:
    """Return what the reference says; without a topic, the topics that there are.

    A topic is the code of a finding, a definition (`paginator_cursor`), or a key (`data_selector`).
    """
    schema = shared_schema(_TOP)
    definitions: Mapping[str, Json] = schema.get("$defs", {})
    name = topic.strip().strip("`[]").replace("-", "_")
    code = topic.strip().strip("`[]").replace("_", "-")
    if not name:
        parts = (_TOP, *definitions)
        text = (
            "A topic is a part of the file (below), a key such as `data_selector`, or the code of "
            f"a finding, of which there are {len(check_texts())}."
        )
        return ReferenceAnswer("", text, parts)
    if code in check_texts():
        return ReferenceAnswer(code, check_texts()[code], ())
    if name == _TOP:
        return ReferenceAnswer(_TOP, "\n".join(_section(_TOP, schema)), tuple(definitions))
    if name in definitions:
        text = "\n".join(_section(name, definitions[name]))
        return ReferenceAnswer(name, text, _like(name, definitions))
    places = list(_places(name, schema))
    if places:
        lines = [f"`{name}` is a key of:", ""]
        for place, entry in places:
            lines += [f"- `{place}`: {_description(entry)}"]
        return ReferenceAnswer(name, "\n".join(lines), tuple(place for place, _ in places))
    known = [*definitions, *check_texts(), _TOP]
    near = nearest(name, known) or nearest(code, known)
    hint = f"did you mean {near}?" if near else "call it without a topic to see all"
    raise UsageError(f"the reference has no topic {topic[:60]!r}; {hint}")


def _section(name: str, schema: Mapping[str, Json]) -> Iterator[str]:
    yield f"## {name}"
    yield ""
    if schema.get("description"):
        yield str(schema["description"])
        yield ""
    required = schema.get("required") or ()
    for key, entry in (schema.get("properties") or {}).items():
        mark = " (required)" if key in required else ""
        yield f"- `{key}`{mark}: {_description(entry)}"
    for example in schema.get("examples") or ():
        yield f"- example: `{json.dumps(example, ensure_ascii=False)}`"
    targets = sorted(set(_references(schema)))
    if targets:
        yield ""
        yield f"See also: {', '.join(targets)}"


def _description(entry: Json) -> str:
    """Return what the schema says of a key in one line."""
    if not isinstance(entry, Mapping):
        return ""
    parts = [str(entry.get("description") or "")]
    if "$ref" in entry:
        parts.append(f"see {str(entry['$ref']).rpartition('/')[2]}")
    if isinstance(entry.get("type"), str):
        parts.append(f"type: {entry['type']}")
    if "enum" in entry:
        parts.append("one of " + ", ".join(json.dumps(one) for one in entry["enum"]))
    if "default" in entry:
        parts.append(f"default: {json.dumps(entry['default'])}")
    if entry.get("examples"):
        parts.append(f"example: `{json.dumps(entry['examples'][0], ensure_ascii=False)}`")
    return "; ".join(part for part in parts if part)


def _references(value: Json) -> Iterator[str]:
    """Yield the names of the definitions that a part of the schema refers to."""
    if isinstance(value, Mapping):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].rpartition("/")[2]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _places(key: str, schema: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    for name, part in ((_TOP, schema), *schema.get("$defs", {}).items()):
        entry = (part.get("properties") or {}).get(key)
        if entry is not None and entry is not True:
            yield name, entry


def _like(name: str, definitions: Mapping[str, Json]) -> tuple[str, ...]:
    stem = name.split("_")[0]
    near = [one for one in definitions if one != name and one.split("_")[0] == stem]
    return tuple(near[:_MOST_NEAR])
