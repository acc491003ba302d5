"""Render the keys of our files, with type and meaning, from their JSON Schemas.

They are docs/reference.md and a part of docs/scale.md.
`python -m framework.authoring.scaffold.reference_page` writes them; `--check` compares them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from framework.definition.finder import bundled_root, shared_schema
from framework.definition.schema.schema_findings import either, type_words

Schema = Mapping[str, Any]

PAGE = Path("docs/reference.md")
FLEET_PAGE = Path("docs/scale.md")
_BEGIN = "<!-- Written by `python -m framework.authoring.scaffold.reference_page`: begin -->"
_END = "<!-- Written by `python -m framework.authoring.scaffold.reference_page`: end -->"
_TOP = "A connector file"
_INTRODUCTION = """\
# The connector file

<!-- Written by `python -m framework.authoring.scaffold.reference_page`
from schemas/connector.schema.json. -->

A connector is one YAML file: dlt's `RESTAPIConfig`, key for key, with additions around and inside
it. Below is every key. Text in addresses, headers, auth, paths, parameters, bodies and initial
values may contain placeholders: `{config.x}`, `{secrets.x}`, `{resources.parent.field}` and
`{incremental.start_value}`. Text that starts with a placeholder needs quotes.

## Completion and checks in the editor

Editors with a YAML language server (VS Code with the YAML extension, Neovim, JetBrains, ...)
complete keys, show these descriptions and mark mistakes while you type, if the file starts with the
line below. It contains the path of the schema, relative to the connector file. `framework lsp`
does more: see [editors.md](editors.md).

```yaml
# yaml-language-server: $schema=../schemas/connector.schema.json
version: 1
name: pokemon
description: Names and addresses of all Pokemon.
client:
  base_url: https://pokeapi.co/api/v2
resources:
  - name: pokemon
    primary_key: name
    write_disposition: merge
    endpoint:
      path: /pokemon
      params: {limit: 1000}
      data_selector: results
      paginator: {type: json_link, next_url_path: next}
```

JSON files are YAML: there, a key `"$schema"` at the top does the same.
"""


def render_reference(schema: Schema) -> str:
    """Return the whole page."""
    parts = [_INTRODUCTION, _section(schema, _TOP, schema)]
    for name in _sections(schema):
        parts.append(_section(schema, name, schema["$defs"][name]))
    return "\n".join(parts)


def render_fleet_reference(schema: Schema) -> str:
    """Return the keys of a fleet file, for a section of a page."""
    parts = [_keys(schema, schema)]
    for name in _sections(schema):
        parts.append(_section(schema, name, schema["$defs"][name], level=3))
    return "\n".join(parts)


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or compare them with `--check`; return 1 if one is out of date."""
    stale = 0
    for page, text in _pages():
        file = bundled_root() / page
        if "--check" not in arguments:
            file.write_text(text, encoding="utf-8")
        elif not file.is_file() or file.read_text(encoding="utf-8") != text:
            stale = 1
            print(
                f"{page} is out of date; run python -m framework.authoring.scaffold.reference_page",
                file=sys.stderr,
            )
    return stale


def _pages() -> Iterator[tuple[Path, str]]:
    """Yield each page with the text that it should have."""
    yield PAGE, render_reference(shared_schema("connector"))
    before, _, rest = (bundled_root() / FLEET_PAGE).read_text(encoding="utf-8").partition(_BEGIN)
    after = rest.partition(_END)[2]
    keys = render_fleet_reference(shared_schema("fleet"))
    yield FLEET_PAGE, f"{before}{_BEGIN}\n\n{keys}\n{_END}{after}"


def _sections(schema: Schema) -> list[str]:
    """Return the definitions that get a section, in the order of their first use."""
    names: list[str] = []

    def walk(part: Any) -> None:
        if isinstance(part, Mapping):
            name = _definition(part)
            if name and name not in names:
                if _has_section(schema["$defs"][name]):
                    names.append(name)
                walk(schema["$defs"][name])
            for key, inner in part.items():
                if key not in ("$defs", "examples", "default", "enum"):
                    walk(inner)
        elif isinstance(part, list):
            for inner in part:
                walk(inner)

    walk(schema)
    return names


def _definition(part: Schema) -> str | None:
    reference = part.get("$ref")
    return reference.rsplit("/", 1)[1] if isinstance(reference, str) else None


def _has_section(schema: Schema) -> bool:
    return bool(_properties(schema)) or bool(list(_variants(schema)))


def _properties(schema: Schema) -> Mapping[str, Schema]:
    properties: Mapping[str, Schema] = schema.get("properties", {})
    return properties


def _variants(schema: Schema) -> Iterator[str]:
    """Yield the definitions that `if`/`then` on a type choose from."""
    for part in schema.get("allOf", ()):
        name = _definition(part.get("then", {}))
        if name:
            yield name


def _section(schema: Schema, name: str, part: Schema, *, level: int = 2) -> str:
    title = name if name == _TOP else f"`{name}`"
    lines = [f"{'#' * level} {title}", "", str(part.get("description", "")), ""]
    expected = part.get("x-expected")
    if expected:
        lines += [f"Expected: {expected}.", ""]
    variants = list(_variants(part))
    if variants:
        lines += [f"- {_link(variant)}" for variant in variants]
        lines.append("")
    keys = _keys(schema, part)
    return "\n".join((*lines, keys) if keys else lines)


def _keys(schema: Schema, part: Schema) -> str:
    """Return the table of a mapping's keys, empty if it has none."""
    rows = [_row(schema, key, value, part) for key, value in _properties(part).items()]
    lines = ["| key | type | default | meaning |", "|---|---|---|---|", *rows, ""]
    return "\n".join(lines) if rows else ""


def _row(schema: Schema, key: str, value: Schema, owner: Schema) -> str:
    required = key in owner.get("required", ())
    label = f"`{key}`" + (" (required)" if required else "")
    default = _code(value["default"]) if "default" in value else ""
    definition = schema["$defs"].get(_definition(value) or "", {})
    meaning = str(value.get("description") or definition.get("description") or "")
    examples = value.get("examples") or []
    if examples:
        meaning += f" For example {either(_code(one) for one in examples)}."
    if value.get("x-kind") == "secret":
        meaning += " A secret."
    return f"| {label} | {_cell(_kind(schema, value))} | {_cell(default)} | {_cell(meaning)} |"


def _code(value: object) -> str:
    """Return a value as Markdown code; a text that holds backticks needs two around it."""
    text = _plain(value)
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _kind(schema: Schema, value: Schema) -> str:
    """Return what may be written, in words; definitions with a section become links."""
    name = _definition(value)
    if name:
        definition = schema["$defs"][name]
        return _link(name) if _has_section(definition) else _kind(schema, definition)
    if "const" in value:
        return _code(value["const"])
    if "enum" in value:
        return either(_code(one) for one in value["enum"] if one is not None)
    if "x-expected" in value:
        return str(value["x-expected"])
    types = value.get("type")
    if types is None:
        return "anything"
    listed = [types] if isinstance(types, str) else list(types)
    return either(
        _one_kind(schema, value, one) for one in listed if one != "null" or len(listed) == 1
    )


def _one_kind(schema: Schema, value: Schema, one: str) -> str:
    items, values = value.get("items"), value.get("additionalProperties")
    if one == "array" and isinstance(items, Mapping) and (items.get("type") or "$ref" in items):
        return f"a list, each {_kind(schema, items)}"
    if one == "object" and isinstance(values, Mapping) and values:
        return f"a mapping, each value {_kind(schema, values)}"
    return type_words(one)


def _link(name: str) -> str:
    return f"[{name}](#{name})"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
