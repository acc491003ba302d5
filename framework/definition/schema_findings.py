"""A document judged by schemas/connector.schema.json: every error as a finding, at once.

Knows the shape of a file (keys, types, allowed values), nothing of what they mean together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from framework.definition import wording
from framework.definition.json_schema import Draft202012Validator
from framework.definition.places import belongs, connector_schema, goes_with
from framework.text import did_you_mean

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Document, Pointer
    from framework.findings import Finding

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
