"""Check a document against the JSON Schema of its kind and return every error as a finding.

Knows the shape of a file (keys, types, allowed values), not what they mean together.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from framework.definition.schema.connector_schema import CONNECTOR
from framework.definition.schema.file_schema import FileSchema, Schema
from framework.definition.schema.json_schema import Draft202012Validator
from framework.text import count_noun, did_you_mean, join_words, shorten

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Document, Pointer
    from framework.findings import Finding

Json = Any

_COMMON_KEYS = {"name", "type", "description"}
"""Keys with a meaning of their own at many places: naming another place does not help."""
_PYTHON_KEYS = {"session", "convert", "transform", "hooks", "validator"}
_NEW_VALUE = {"properties", "patternProperties", "additionalProperties", "items", "propertyNames"}
"""Keywords below which a schema applies to another value."""
_ONE_PER_VALUE = {"wrong-type", "not-one-of", "wrong-value", "wrong-name"}
_MAX_JSON = 100
"""Characters of JSON that a message proposes."""
_MAX_ERRORS = 1_000
"""More errors than this in one file help nobody."""


@dataclass(frozen=True)
class _Mistake:
    """A finding before its line is known; `key` says that it is about the key, not the value."""

    pointer: Pointer
    code: str
    message: str
    key: bool = False


def check_format(document: Document, form: FileSchema = CONNECTOR) -> list[Finding]:
    """Return what in the document does not fit the schema of its kind, sorted by place."""
    seen: set[tuple[Pointer, bool, str]] = set()
    findings: list[Finding] = []
    for error in islice(_validator(form).iter_errors(document.data), _MAX_ERRORS):
        for mistake in _mistakes(error, form):
            what = f"{mistake.code} {mistake.message}"
            if mistake.code in _ONE_PER_VALUE:
                what = "value"
            if (mistake.pointer, mistake.key, what) in seen:
                continue
            seen.add((mistake.pointer, mistake.key, what))
            findings.append(
                document.finding(mistake.pointer, mistake.code, mistake.message, key=mistake.key)
            )
    return sorted(findings)


@cache
def _validator(form: FileSchema) -> Draft202012Validator:
    return Draft202012Validator(form.whole)


def _mistakes(error: Any, form: FileSchema) -> Iterator[_Mistake]:
    pointer: Pointer = tuple(error.absolute_path)
    keyword = error.validator
    hidden = _annotation(error, "x-hidden", form)
    if hidden:
        yield _Mistake(pointer, _annotation(error, "x-code", form) or "wrong-value", hidden)
    elif keyword == "additionalProperties":
        yield from _unknown_keys(error, pointer, form)
    elif keyword == "required":
        yield from _missing_keys(error, pointer)
    elif keyword == "type":
        yield _wrong_type(error, pointer, form)
    elif keyword in ("enum", "const"):
        yield _not_one_of(error, pointer)
    elif keyword == "not":
        yield _exclusive_keys(error, pointer)
    elif keyword == "anyOf":
        keys = either(f"`{part['required'][0]}`" for part in error.validator_value)
        what = error.schema.get("x-none", "condition")
        message = f"found no {what}, expected at least one of {keys}"
        yield _Mistake(pointer, "missing-key", message, key=True)
    elif keyword == "dependentRequired":
        for key, needed in error.validator_value.items():
            if key in error.instance:
                message = f"`{key}` needs {_both(needed)} too"
                yield _Mistake((*pointer, key), "missing-key", message, key=True)
    elif "propertyNames" in error.absolute_schema_path:
        yield _wrong_value(error, (*pointer, error.instance), form, key=True)
    else:
        yield _wrong_value(error, pointer, form)


def _unknown_keys(error: Any, pointer: Pointer, form: FileSchema) -> Iterator[_Mistake]:
    allowed = error.schema.get("properties", {})
    prefixes = [prefix.lstrip("^") for prefix in error.schema.get("patternProperties", ())]
    for key in error.instance:
        if key in allowed or any(key.startswith(prefix) for prefix in prefixes):
            continue
        missing = [name for name in allowed if name not in error.instance]
        message = f"the key `{shorten(key)}` is not known here"
        elsewhere = error.schema.get("x-elsewhere", {}).get(key)
        advice = f"; {elsewhere}" if elsewhere else _advice(key, pointer, missing, allowed, form)
        yield _Mistake((*pointer, key), "unknown-key", message + advice, key=True)


def _advice(
    key: str, pointer: Pointer, missing: list[str], allowed: Mapping[str, Any], form: FileSchema
) -> str:
    if key in _PYTHON_KEYS and form is CONNECTOR:
        return "; in dlt it takes Python code, which a connector file cannot contain"
    near = did_you_mean(key, missing)
    place = _variant_with(key, pointer, form) or _place_with(key, pointer, form)
    if place and not (near and _is_almost(key, near)):
        return f"; {place}"
    if near:
        return near
    if not allowed or set(allowed) == {"type"}:
        return "; there are no other keys here"
    return f"; expected {either(missing or allowed)}"


def _variant_with(key: str, pointer: Pointer, form: FileSchema) -> str | None:
    """Return which variant of the mapping at `pointer` has the key, or None."""
    for schema in form.at(pointer):
        if key not in schema.get("properties", {}):
            continue
        for chooser in ("type", "strategy"):
            part = schema["properties"].get(chooser, {})
            variant = part.get("const") or next(iter(part.get("enum", ())), None)
            if variant is not None:
                return f"it goes with `{chooser}: {variant}`"
    return None


def _place_with(key: str, pointer: Pointer, form: FileSchema) -> str | None:
    """Return where near `pointer` the key is allowed: one level down, or up to three up."""
    if key in _COMMON_KEYS:
        return None
    above = [
        (step, pointer[:position])
        for position, step in reversed(list(enumerate(pointer)))
        if isinstance(step, str)
    ]
    for step, place in above[:1]:
        if key in form.keys_at(place):
            return f"it belongs one level up, beside `{step}`"
    for inner in sorted(form.keys_at(pointer)):
        if key in form.keys_at((*pointer, inner)):
            return f"it belongs inside `{inner}`"
    for step, place in above[1:3]:
        if key in form.keys_at(place):
            return f"it belongs further up, beside `{step}`"
    return None


def _is_almost(key: str, near: str) -> bool:
    """Return whether a suggestion differs from the key by a plural or by case only."""
    word = near.removeprefix("; did you mean ").removesuffix("?")
    return word.rstrip("s") == key.rstrip("s") or word.lower() == key.lower()


def _missing_keys(error: Any, pointer: Pointer) -> Iterator[_Mistake]:
    allowed = error.schema.get("properties", {})
    unknown = [key for key in error.instance if key not in allowed]
    is_open = "additionalProperties" not in error.schema
    for key in error.validator_value:
        if key in error.instance:
            continue
        misspelt = next((other for other in unknown if did_you_mean(other, [key])), None)
        if misspelt is not None:
            if is_open:  # a closed schema reports it as an unknown key
                message = f"the key `{shorten(misspelt)}` is not known here; did you mean {key}?"
                yield _Mistake((*pointer, misspelt), "unknown-key", message, key=True)
            continue
        schema = allowed.get(key, {})
        options = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
        expected = f": {_either_value(options)}" if options else ""
        message = f"the key `{key}` is missing{expected}{_as_json(error)}"
        yield _Mistake(pointer, "missing-key", message, key=True)


def _wrong_type(error: Any, pointer: Pointer, form: FileSchema) -> _Mistake:
    expected = _annotation(error, "x-expected", form)
    types = error.validator_value
    message = f"found {_describe(error.instance)}, expected {expected or type_words(types)}"
    takes_config = isinstance(error.instance, dict) and "config entry" in str(expected)
    has_remedy = expected is None or takes_config or isinstance(error.instance, str)
    remedy = _remedy(error.instance, types) if has_remedy else ""
    return _Mistake(pointer, "wrong-type", message + (_as_json(error) or remedy))


def _as_json(error: Any) -> str:
    """Return how to send a mapping or list as JSON where the file takes none, or nothing."""
    advice = error.schema.get("x-as-json")
    if advice is None or not isinstance(error.instance, dict | list):
        return ""
    if _unquoted_placeholder(error.instance):
        return _remedy(error.instance, ())
    text = json.dumps(error.instance, ensure_ascii=False)
    if len(text) > _MAX_JSON or "{" in "".join(_texts_in(error.instance)):
        example = """'{{"key": "value"}}' (braces doubled)"""
    else:
        written = text.replace("{", "{{").replace("}", "}}").replace("'", "''")
        example = f"'{written}'"
    return f"; {advice.replace('TEXT', example)}"


def _texts_in(value: Json) -> list[str]:
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (key, *_texts_in(item))]
    if isinstance(value, list):
        return [text for item in value for text in _texts_in(item)]
    return [value] if isinstance(value, str) else []


def _not_one_of(error: Any, pointer: Pointer) -> _Mistake:
    value = error.instance
    allowed = error.validator_value if error.validator == "enum" else [error.validator_value]
    hints = error.schema.get("x-hint", {})
    if isinstance(value, str) and value in hints:
        return _Mistake(pointer, "missing-key", hints[value])
    message = f"found {_describe(value)}, expected {_either_value(allowed)}"
    words = [word for word in allowed if isinstance(word, str)]
    if isinstance(value, str) and not words:
        return _Mistake(pointer, "not-one-of", message + _remedy(value, ["integer"]))
    if not isinstance(value, str):
        return _Mistake(pointer, "not-one-of", message + _remedy(value, ()))
    near = did_you_mean(value, words) or did_you_mean(value.lower(), words)
    instead = error.schema.get("x-instead", {}).get(value.lower())
    same = next((word for word in words if word.lower() == value.lower()), instead)
    elsewhere = error.schema.get("x-elsewhere", {}).get(value.lower())
    if elsewhere:
        near = f"; {elsewhere.replace('FIELD', str(error.absolute_path[-1]))}"
    elif same:
        near = f"; did you mean {same}?"
    return _Mistake(pointer, "not-one-of", message + near)


def _exclusive_keys(error: Any, pointer: Pointer) -> _Mistake:
    keys = error.validator_value["required"]
    message = f"{_both(keys)} cannot be used together; remove one of them"
    return _Mistake((*pointer, keys[-1]), "exclusive-keys", message, key=True)


_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
}
_SIZES = {"minLength", "minItems", "maxItems", "minProperties", "maxProperties"}


def _wrong_value(error: Any, pointer: Pointer, form: FileSchema, *, key: bool = False) -> _Mistake:
    value, limit = error.instance, error.validator_value
    code = _annotation(error, "x-code", form) or "wrong-value"
    expected = _annotation(error, "x-expected", form)
    if error.validator in _SIZES:
        return _Mistake(
            pointer, code, _wrong_size(error), key=not pointer or isinstance(pointer[-1], str)
        )
    if error.validator == "pattern":
        expected = expected or "text of another form"
    elif error.validator in _LIMITS:
        expected = _LIMITS[error.validator].format(limit)
    else:
        expected = expected or f"what fits {error.validator}: {shorten(str(limit))}"
    message = f"found {_describe(value)}, expected {expected}"
    if isinstance(value, str) and not key:
        message += _remedy(value, _types(error, form))
    return _Mistake(pointer, code, message, key)


def _wrong_size(error: Any) -> str:
    limit = error.validator_value
    if error.validator == "minLength":
        return "found an empty text, expected some text"
    thing = "item" if error.validator.endswith("Items") else "key"
    bound = "at least" if error.validator.startswith("min") else "at most"
    found = count_noun(len(error.instance), thing) if error.instance else f"no {thing}"
    message = f"found {found}, expected {bound} {limit}"
    if error.validator == "maxProperties":
        message += "; begin another `- ` for each"
    return message


def _types(error: Any, form: FileSchema) -> list[str]:
    parts = _schemas(error, form)
    types: str | list[str] = next((part["type"] for part in parts if "type" in part), [])
    return [types] if isinstance(types, str) else list(types)


def _annotation(error: Any, name: str, form: FileSchema) -> str | None:
    """Return the nearest annotation among the schemas that apply to the same value."""
    return next((str(schema[name]) for schema in _schemas(error, form) if name in schema), None)


def _schemas(error: Any, form: FileSchema) -> list[Schema]:
    """Return the schemas on the way to an error that apply to its value, the innermost first.

    jsonschema leaves `if` out of an error's path.
    """
    node: Any = form.whole
    chain: list[Schema] = [node]
    named = False
    for step in list(error.absolute_schema_path)[:-1]:
        if step in _NEW_VALUE and not named:
            chain = []
            named = step in ("properties", "patternProperties")
        else:
            named = False
        node = node[step]
        if isinstance(node, Mapping) and not named:
            chain.append(node)
    return chain[::-1]


_TYPE_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_PLACEHOLDER = re.compile(r"(?:(?:config|secrets|resources|incremental)\.\S+|alias)\Z")
_YES = {"yes", "on", "y", "true"}
_NO = {"no", "off", "n", "false"}


def either(words: Iterable[str]) -> str:
    """Return `a`, `a or b`, `a, b or c`."""
    return join_words(words, None, last="or")


def _both(keys: Iterable[str]) -> str:
    return join_words((f"`{key}`" for key in keys), None)


def type_words(types: str | Iterable[str]) -> str:
    """Return JSON Schema types as `a list, a mapping or text`; null is left out beside others."""
    names = [types] if isinstance(types, str) else list(types)
    return either(_TYPE_WORDS[name] for name in names if name != "null" or len(names) == 1)


def _either_value(allowed: Iterable[Json]) -> str:
    """Return values as `append, replace or merge`; null is left out beside others."""
    values = list(allowed)
    return either(_scalar(value) for value in values if value is not None or len(values) == 1)


def _scalar(value: Json) -> str:
    """Return a scalar as it is written in YAML."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _describe(value: Json) -> str:
    """Return `text 'abc'`, `the number 5`, `an empty list`: a value in a message."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return _scalar(value)
    if isinstance(value, str):
        return f"text '{shorten(value)}'"
    if isinstance(value, int | float):
        return f"the number {shorten(str(value))}"
    kind = "list" if isinstance(value, list) else "mapping"
    return f"a {kind}" if value else f"an empty {kind}"


def _remedy(value: Json, expected: str | Iterable[str]) -> str:
    """Return how to fix a value of the wrong type, to end a message, or nothing."""
    types = {expected} if isinstance(expected, str) else set(expected)
    placeholder = _unquoted_placeholder(value)
    if placeholder:
        return f'; text that starts with {{ needs quotes: "{{{placeholder}}}"'
    if isinstance(value, str):
        return _text_remedy(value, types)
    if isinstance(value, bool | int | float) and "string" in types:
        return f'; put quotes around it: "{_scalar(value)}"'
    if value is None:
        return "; write a value after the colon, or remove the key"
    if types - {"null"} == {"array"}:
        if isinstance(value, dict):
            return "; begin each item with `- `"
        return f"; write [{_scalar(value)}]"
    if isinstance(value, list) and len(value) == 1 and "object" in types:
        return "; remove the `- ` or the [ ]"
    return ""


def _text_remedy(value: str, types: set[str]) -> str:
    if "boolean" in types and value.lower() in _YES | _NO:
        return f"; write {'true' if value.lower() in _YES else 'false'}"
    if types & {"integer", "number"} and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return "; remove the quotes"
    if "array" in types and "object" not in types:
        return f"; write [{shorten(value)}]"
    return ""


def _unquoted_placeholder(value: Json) -> str | None:
    """Return the placeholder written without quotes: YAML for a mapping whose key has no value."""
    if isinstance(value, Mapping) and len(value) == 1:
        key, inner = next(iter(value.items()))
        if inner is None and isinstance(key, str) and _PLACEHOLDER.match(key):
            return key
    return None
