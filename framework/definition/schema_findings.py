"""A document judged by schemas/connector.schema.json: every error as a finding, at once.

Knows the shape of a file (keys, types, allowed values), nothing of what they mean together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from framework.definition import schema_findings as wording
from framework.definition.finder import shared_schema
from framework.definition.json_schema import Draft202012Validator
from framework.text import did_you_mean

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Document, Pointer
    from framework.findings import Finding

Json = Any


Schema = Mapping[str, Any]


@cache
def connector_schema() -> Schema:
    """schemas/connector.schema.json with every `$ref` replaced by what it refers to.

    The validator looks up each reference at each value; without them it takes two thirds of the
    time. Definitions are shared, so this is not to be changed.
    """
    schema = shared_schema("connector")
    made: dict[str, Schema] = {}

    def definition(name: str) -> Schema:
        if name not in made:
            made[name] = inlined(schema["$defs"][name])
        return made[name]

    def inlined(part: Any) -> Any:
        if isinstance(part, list):
            return [inlined(inner) for inner in part]
        if not isinstance(part, dict):
            return part
        own = {key: inlined(inner) for key, inner in part.items() if key not in ("$ref", "$defs")}
        reference = part.get("$ref")
        return {**definition(reference.rsplit("/", 1)[1]), **own} if reference else own

    whole: Schema = inlined(schema)
    return whole


def keys_at(pointer: Pointer) -> frozenset[str]:
    """The keys that a mapping at `pointer` may have in any of its variants."""
    return frozenset(key for schema in _schemas_at(pointer) for key in schema.get("properties", {}))


_EVERYWHERE = {"name", "type", "description"}
"""Keys with a meaning of their own at many places: where else they may stand helps nobody."""


def belongs(key: str, pointer: Pointer) -> str | None:
    """Where a key that is not allowed at `pointer` is: one level down, or up to three up."""
    if key in _EVERYWHERE:
        return None
    outer = _above(pointer)
    for step, place in outer[:1]:
        if key in keys_at(place):
            return f"it belongs one level up, beside `{step}`"
    for inner in sorted(keys_at(pointer)):
        if key in keys_at((*pointer, inner)):
            return f"it belongs inside `{inner}`"
    for step, place in outer[1:3]:
        if key in keys_at(place):
            return f"it belongs further up, beside `{step}`"
    return None


def _above(pointer: Pointer) -> list[tuple[str, Pointer]]:
    """The keys that lead to a place, the nearest first, each with the mapping it stands in."""
    return [
        (step, pointer[:position])
        for position, step in reversed(list(enumerate(pointer)))
        if isinstance(step, str)
    ]


def goes_with(key: str, pointer: Pointer) -> str | None:
    """Where another variant of the mapping at `pointer` has the key: which one it is."""
    for schema in _schemas_at(pointer):
        if key not in schema.get("properties", {}):
            continue
        for chooser in ("type", "strategy"):
            part = schema["properties"].get(chooser, {})
            variant = part.get("const") or next(iter(part.get("enum", ())), None)
            if variant is not None:
                return f"it goes with `{chooser}: {variant}`"
    return None


@cache
def _schemas_at(pointer: Pointer) -> tuple[Schema, ...]:
    current = tuple(_variants(connector_schema()))
    for step in pointer:
        current = tuple(
            variant
            for schema in current
            for inner in _inside(schema, step)
            for variant in _variants(inner)
        )
    return current


def _inside(schema: Schema, step: str | int) -> Iterator[Schema]:
    if isinstance(step, int):
        below = schema.get("items")
    else:
        below = schema.get("properties", {}).get(step, schema.get("additionalProperties"))
    if isinstance(below, Mapping):
        yield below


def _variants(schema: Schema) -> Iterator[Schema]:
    """A schema with everything that applies to the same value."""
    if "properties" in schema or "items" in schema or "additionalProperties" in schema:
        yield schema
    for key in ("then", "else"):
        if key in schema:
            yield from _variants(schema[key])
    for part in schema.get("allOf", ()):
        yield from _variants(part)


_PYTHON_ONLY = {"session", "convert", "transform", "hooks", "validator"}
_PLACES = {"properties", "patternProperties", "additionalProperties", "items", "propertyNames"}
_ONE_AT_A_PLACE = {"wrong-type", "not-one-of", "wrong-value", "wrong-name"}
_MOST = 1_000
"""Errors that are told of one file: who has more reads no list of them."""


@dataclass(frozen=True)
class _Mistake:
    """A finding before it has its line: what is wrong at a pointer (or with its key)."""

    pointer: Pointer
    code: str
    message: str
    key: bool = False


def check_format(document: Document) -> list[Finding]:
    """What in the document does not fit the connector format, sorted by place."""
    seen: set[tuple[Pointer, bool, str]] = set()
    findings: list[Finding] = []
    for error in islice(_validator().iter_errors(document.data), _MOST):
        for mistake in _mistakes(error):
            what = f"{mistake.code} {mistake.message}"
            if mistake.code in _ONE_AT_A_PLACE:
                what = "value"
            if (mistake.pointer, mistake.key, what) in seen:
                continue
            seen.add((mistake.pointer, mistake.key, what))
            findings.append(
                document.finding(mistake.pointer, mistake.code, mistake.message, key=mistake.key)
            )
    return sorted(findings)


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(connector_schema())


def _mistakes(error: Any) -> Iterator[_Mistake]:
    pointer: Pointer = tuple(error.absolute_path)
    keyword = error.validator
    if keyword == "additionalProperties":
        yield from _unknown_keys(error, pointer)
    elif keyword == "required":
        yield from _missing_keys(error, pointer)
    elif keyword == "type":
        yield _wrong_type(error, pointer)
    elif keyword in ("enum", "const"):
        yield _not_one_of(error, pointer)
    elif keyword == "not":
        yield _exclusive(error, pointer)
    elif keyword == "anyOf":
        keys = wording.alternatives(f"`{part['required'][0]}`" for part in error.validator_value)
        none = error.schema.get("x-none", "condition")
        message = f"found no {none}, expected at least one of {keys}"
        yield _Mistake(pointer, "missing-key", message, key=True)
    elif keyword == "dependentRequired":
        for key, needed in error.validator_value.items():
            if key in error.instance:
                message = f"`{key}` needs {wording.together(f'`{name}`' for name in needed)} too"
                yield _Mistake((*pointer, key), "missing-key", message, key=True)
    elif _is_key(error):
        yield _wrong_value(error, (*pointer, error.instance), key=True)
    else:
        yield _wrong_value(error, pointer)


def _unknown_keys(error: Any, pointer: Pointer) -> Iterator[_Mistake]:
    allowed = error.schema.get("properties", {})
    prefixes = [prefix.lstrip("^") for prefix in error.schema.get("patternProperties", ())]
    for key in error.instance:
        if key in allowed or any(key.startswith(prefix) for prefix in prefixes):
            continue
        missing = [name for name in allowed if name not in error.instance]
        message = f"the key `{wording.shortened(key)}` is not known here"
        elsewhere = error.schema.get("x-elsewhere", {}).get(key)
        advice = f"; {elsewhere}" if elsewhere else _advice(key, pointer, missing, allowed)
        yield _Mistake((*pointer, key), "unknown-key", message + advice, key=True)


def _advice(key: str, pointer: Pointer, missing: list[str], allowed: Mapping[str, Any]) -> str:
    if key in _PYTHON_ONLY:
        return "; in dlt it takes Python, which a connector file does not hold"
    near = did_you_mean(key, missing)
    place = goes_with(key, pointer) or belongs(key, pointer)
    if place and not (near and _almost(key, near)):
        return f"; {place}"
    if near:
        return near
    if not allowed or set(allowed) == {"type"}:
        return "; there are no other keys here"
    return f"; expected {wording.alternatives(missing or allowed)}"


def _almost(key: str, near: str) -> bool:
    """Whether two words differ by so little that one is the other misspelt."""
    word = near.removeprefix("; did you mean ").removesuffix("?")
    return word.rstrip("s") == key.rstrip("s") or word.lower() == key.lower()


def _missing_keys(error: Any, pointer: Pointer) -> Iterator[_Mistake]:
    allowed = error.schema.get("properties", {})
    unknown = [key for key in error.instance if key not in allowed]
    for key in error.validator_value:
        if key in error.instance or any(did_you_mean(other, [key]) for other in unknown):
            continue  # there, or there misspelt: the unknown key's finding says so
        schema = allowed.get(key, {})
        options = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
        expected = f": {wording.values(options)}" if options else ""
        message = f"the key `{key}` is missing{expected}"
        yield _Mistake(pointer, "missing-key", message, key=True)


def _wrong_type(error: Any, pointer: Pointer) -> _Mistake:
    expected = _annotation(error, "x-expected")
    types = error.validator_value
    message = f"found {wording.found(error.instance)}, expected {expected or wording.types(types)}"
    takes_config = isinstance(error.instance, dict) and "config entry" in str(expected)
    helped = expected is None or takes_config or isinstance(error.instance, str)
    remedy = wording.remedy(error.instance, types) if helped else ""
    return _Mistake(pointer, "wrong-type", message + remedy)


def _not_one_of(error: Any, pointer: Pointer) -> _Mistake:
    value = error.instance
    allowed = error.validator_value if error.validator == "enum" else [error.validator_value]
    hints = error.schema.get("x-hint", {})
    if isinstance(value, str) and value in hints:
        return _Mistake(pointer, "missing-key", hints[value])
    message = f"found {wording.found(value)}, expected {wording.values(allowed)}"
    words = [word for word in allowed if isinstance(word, str)]
    if isinstance(value, str) and not words:
        return _Mistake(pointer, "not-one-of", message + wording.remedy(value, ["integer"]))
    if not isinstance(value, str):
        return _Mistake(pointer, "not-one-of", message + wording.remedy(value, ()))
    near = did_you_mean(value, words) or did_you_mean(value.lower(), words)
    instead = error.schema.get("x-instead", {}).get(value.lower())
    same = next((word for word in words if word.lower() == value.lower()), instead)
    elsewhere = error.schema.get("x-elsewhere", {}).get(value.lower())
    if elsewhere:
        near = f"; {elsewhere.replace('FIELD', str(error.absolute_path[-1]))}"
    elif same:
        near = f"; did you mean {same}?"
    return _Mistake(pointer, "not-one-of", message + near)


def _exclusive(error: Any, pointer: Pointer) -> _Mistake:
    keys = error.validator_value["required"]
    both = wording.together(f"`{key}`" for key in keys)
    message = f"{both} do not go together; take one of them away"
    return _Mistake((*pointer, keys[-1]), "exclusive-keys", message, key=True)


def _wrong_value(error: Any, pointer: Pointer, *, key: bool = False) -> _Mistake:
    value, limit = error.instance, error.validator_value
    code = _annotation(error, "x-code") or "wrong-value"
    expected = _annotation(error, "x-expected")
    if error.validator == "pattern":
        expected = expected or "a text of another form"
    elif error.validator in _LIMITS:
        expected = _LIMITS[error.validator].format(limit)
    elif error.validator in _SIZES:
        return _Mistake(
            pointer, code, _size(error), key=not pointer or isinstance(pointer[-1], str)
        )
    else:
        expected = expected or f"what fits {error.validator}: {wording.shortened(str(limit))}"
    message = f"found {wording.found(value)}, expected {expected}"
    if isinstance(value, str) and not key:
        message += wording.remedy(value, _types(error))
    return _Mistake(pointer, code, message, key)


_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
}
_SIZES = {"minLength", "minItems", "maxItems", "minProperties", "maxProperties"}


def _size(error: Any) -> str:
    limit = error.validator_value
    if error.validator == "minLength":
        return "found an empty text, expected some text"
    thing = "item" if error.validator.endswith("Items") else "key"
    bound = "at least" if error.validator.startswith("min") else "at most"
    found = f"found {len(error.instance)} {thing}s" if error.instance else f"found no {thing}"
    message = f"{found}, expected {bound} {limit}"
    if error.validator == "maxProperties":
        message += "; begin another `- ` for each"
    return message


def _types(error: Any) -> list[str]:
    for schema in _schemas(error):
        if "type" in schema:
            types = schema["type"]
            return [types] if isinstance(types, str) else list(types)
    return []


def _is_key(error: Any) -> bool:
    return "propertyNames" in error.absolute_schema_path


def _annotation(error: Any, name: str) -> str | None:
    """The nearest annotation among the schemas that apply to the same value."""
    return next((str(schema[name]) for schema in _schemas(error) if name in schema), None)


def _schemas(error: Any) -> list[Mapping[str, Any]]:
    """The schemas that led to an error and apply to the same value, the innermost first.

    The path of an error leaves `if` out.
    """
    node: Any = connector_schema()
    chain: list[Mapping[str, Any]] = [node]
    named = False
    for step in list(error.absolute_schema_path)[:-1]:
        if step in _PLACES and not named:
            chain = []
            named = step in ("properties", "patternProperties")
        else:
            named = False
        node = node[step]
        if isinstance(node, Mapping) and not named:
            chain.append(node)
    return chain[::-1]


_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_LONGEST = 60
_PLACEHOLDER = re.compile(r"(?:config|secrets|resources|incremental)\.\S+\Z")
_BOOLEANS = {"yes", "no", "on", "off", "y", "n", "true", "false"}


def found(value: Json) -> str:
    """The value as a message names it: text 'abc', the number 5, a list, nothing (null)."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"text '{shortened(value)}'"
    if isinstance(value, int | float):
        return f"the number {shortened(str(value))}"
    kind = "list" if isinstance(value, list) else "mapping"
    return f"a {kind}" if value else f"an empty {kind}"


def shortened(text: str) -> str:
    """One line of at most 60 characters."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def types(names: str | Iterable[str]) -> str:
    """JSON Schema types as `a list, a mapping or text`; null is left out beside others."""
    listed = [names] if isinstance(names, str) else list(names)
    return alternatives(_TYPES[name] for name in listed if name != "null" or len(listed) == 1)


def values(allowed: Iterable[Json]) -> str:
    """Allowed values as `append, replace or merge`; null is left out beside others."""
    every = list(allowed)
    return alternatives(plain(value) for value in every if value is not None or len(every) == 1)


def plain(value: Json) -> str:
    """A scalar as it is written in YAML."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def alternatives(words: Iterable[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    *first, last = list(words)
    return f"{', '.join(first)} or {last}" if first else last


def together(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = list(words)
    return f"{', '.join(first)} and {last}" if first else last


def remedy(value: Json, expected: str | Iterable[str]) -> str:
    """What to do about a value of the wrong type, as the end of a message, or nothing."""
    wanted = {expected} if isinstance(expected, str) else set(expected)
    placeholder = _unquoted_placeholder(value)
    if placeholder:
        return f'; a text that starts with {{ needs quotes: "{{{placeholder}}}"'
    if isinstance(value, str):
        return _text_remedy(value, wanted)
    if isinstance(value, bool | int | float) and wanted & {"string"}:
        return f'; put quotes around it: "{plain(value)}"'
    if value is None:
        return "; write a value after the colon, or take the key away"
    if wanted - {"null"} == {"array"}:
        if isinstance(value, dict):
            return "; begin each item with `- `"
        return f"; write [{plain(value)}]"
    if isinstance(value, list) and len(value) == 1 and "object" in wanted:
        return "; take away the `- ` or the [ ]"
    return ""


def _text_remedy(value: str, wanted: set[str]) -> str:
    if "boolean" in wanted and value.lower() in _BOOLEANS:
        return f"; write {'true' if value.lower() in ('yes', 'on', 'y', 'true') else 'false'}"
    if wanted & {"integer", "number"} and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return "; take away the quotes"
    if "array" in wanted and "object" not in wanted:
        return f"; write [{shortened(value)}]"
    return ""


def _unquoted_placeholder(value: Json) -> str | None:
    """`{config.x}` without quotes is YAML for a mapping whose key has no value."""
    if isinstance(value, Mapping) and len(value) == 1:
        key, inner = next(iter(value.items()))
        if inner is None and isinstance(key, str) and _PLACEHOLDER.match(key):
            return key
    return None
