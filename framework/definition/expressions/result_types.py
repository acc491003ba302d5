"""Infer which JMESPath types an expression can return, to refuse one that can only return null.

Data may hold anything, so a field of it has every type. What is known: the types of literals, of
functions' results, of `!` and of comparisons. `!a.b` is the usual mistake: `!` binds closer than
`.`, so it reads the field `b` of a boolean, and is null for all data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jmespath import exceptions, lexer

from framework.definition.expressions.function import type_name
from framework.definition.expressions.function_registry import CONTEXT, FUNCTIONS

Json = Any
Node = Mapping[str, Json]
Types = frozenset[str]

NULL: Types = frozenset({"null"})
_JSON: Types = frozenset({"array", "boolean", "null", "number", "object", "string"})
COMPARATORS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
"""The comparisons of an order, by their names in a syntax tree."""
_COMPARABLE: Types = frozenset({"number", "string"})
_ROOTS: Mapping[str, Types] = {
    "config": frozenset({"object"}),
    "resources": frozenset({"object"}),
    "headers": frozenset({"object"}),
    "status": frozenset({"number"}),
    "records": frozenset({"array"}),
    "now": frozenset({"string"}),
}
"""Types of the roots of the context, as far as they are always the same."""

_TYPE_NAMES = {
    "array": "a list",
    "boolean": "true or false",
    "context": "an object",
    "expref": "an expression",
    "number": "a number",
    "object": "an object",
    "string": "text",
}

_RESULTS: Mapping[str, Types] = {
    name: frozenset(types.split())
    for types, names in (
        ("number", "abs add ceil divide floor length modulo multiply round subtract sum timestamp"),
        ("number null", "avg find_first find_last to_integer to_number"),
        ("boolean", "contains ends_with matches starts_with"),
        ("string", "base64_decode base64_encode hash hmac join lower pad_left pad_right"),
        ("string", "parse_time regex_replace replace snake_case to_string trim trim_left"),
        ("string", "trim_right type upper url_decode url_encode uuid"),
        ("string null", "query_param regex_search"),
        ("array", "items keys map range sort sort_by split to_array unique values zip"),
        ("object", "from_items group_by leaves merge"),
        ("array string", "reverse"),
    )
    for name in names.split()
}
"""The types of functions' results; a function that is not here can return any."""


class TypeConflict(ValueError):
    """A part of an expression that returns null, or fails, for all data."""


def check_result(tree: Node, *, over_context: bool = False) -> None:
    """Raise TypeConflict if a part of the expression can only return null, or only fail.

    `over_context` says that the expression works on the context, whose roots have known types.
    """
    _types(tree, frozenset({"context"}) if over_context else _JSON)


def _types(node: Node, data: Types) -> Types:
    """Return the types that a node can return if the data that it works on has one of `data`."""
    kind, children = node["type"], node.get("children", [])
    visit = _VISITORS.get(kind)
    if visit is not None:
        return visit(node, children, data)
    for child in children:
        if isinstance(child, dict):
            _types(child, data)
    return _JSON


def _field(node: Node, _children: Sequence[Node], data: Types) -> Types:
    if "context" in data:
        return _ROOTS.get(node["value"], _JSON)
    return _part_of(data, "object", f"the field `{node['value']}`")


def _part_of(data: Types, container: str, part: str) -> Types:
    """Return the types of a part of a container; raise TypeConflict if `data` is none."""
    if container not in data and "context" not in data:
        raise TypeConflict(f"{part} of {_name(data)} is always null")
    return _JSON


def _name(types: Types) -> str:
    return " or ".join(_TYPE_NAMES.get(one, one) for one in sorted(types))


def _same(_node: Node, _children: Sequence[Node], data: Types) -> Types:
    return data


def _literal(node: Node, _children: Sequence[Node], _data: Types) -> Types:
    return frozenset({type_name(node["value"])})


def _chain(_node: Node, children: Sequence[Node], data: Types) -> Types:
    _check_constant(*children[:2])
    for child in children:
        data = _types(child, data)
    return data


def _check_constant(container: Node, part: Node) -> None:
    """Raise TypeConflict for a key or an element that a literal does not have."""
    value = container["value"] if container["type"] == "literal" else None
    if part["type"] == "field" and isinstance(value, dict) and part["value"] not in value:
        raise TypeConflict(f"the object has no `{part['value']}`, so this is always null")
    if part["type"] != "index" or not isinstance(value, list):
        return
    if not -len(value) <= part["value"] < len(value):
        raise TypeConflict(f"the list has no element {part['value']}, so this is always null")


def _index(_node: Node, _children: Sequence[Node], data: Types) -> Types:
    return _part_of(data, "array", "an element")


def _slice(_node: Node, _children: Sequence[Node], data: Types) -> Types:
    if "string" not in data:
        _part_of(data, "array", "a slice")
    return data & {"string", "array"} | NULL


def _flatten(_node: Node, children: Sequence[Node], data: Types) -> Types:
    _part_of(_types(children[0], data), "array", "`[]`")
    return frozenset({"array", "null"})


def _projection(_node: Node, children: Sequence[Node], data: Types) -> Types:
    base, each = children
    found = _types(base, data)
    is_slice = base["type"] == "index_expression" and base["children"][-1]["type"] == "slice"
    text = frozenset({"string"}) & found if is_slice else frozenset()
    if not text:
        _part_of(found, "array", "`[*]`")
    _types(each, _JSON)
    return frozenset({"array", "null"}) | text


def _filter(_node: Node, children: Sequence[Node], data: Types) -> Types:
    base, each, condition = children
    _part_of(_types(base, data), "array", "a filter `[?...]`")
    _types(each, _JSON)
    _types(condition, _JSON)
    return frozenset({"array", "null"})


def _values(_node: Node, children: Sequence[Node], data: Types) -> Types:
    base, each = children
    _part_of(_types(base, data), "object", "`.*`")
    _types(each, _JSON)
    return frozenset({"array", "null"})


def _multi_select(node: Node, children: Sequence[Node], data: Types) -> Types:
    for child in children:
        _types(child["children"][0] if child["type"] == "key_val_pair" else child, data)
    kind = "array" if node["type"] == "multi_select_list" else "object"
    return frozenset({kind}) | (data & NULL)


def _or(_node: Node, children: Sequence[Node], data: Types) -> Types:
    left, right = (_types(child, data) for child in children)
    return left | right


def _boolean(_node: Node, children: Sequence[Node], data: Types) -> Types:
    for child in children:
        _types(child, data)
    return frozenset({"boolean"})


def _comparison(node: Node, children: Sequence[Node], data: Types) -> Types:
    left, right = (_types(child, data) for child in children)
    sign = COMPARATORS.get(node["value"])
    if sign is None:
        return frozenset({"boolean"})
    for side in (left, right):
        if not side & _COMPARABLE:
            raise TypeConflict(
                f"`{sign}` compares numbers, or texts; with {_name(side)} it is always null"
            )
    if len(left | right) == 2 and left | right == _COMPARABLE and not left & right:
        raise TypeConflict(f"`{sign}` compares {_name(left)} with {_name(right)}, which fails")
    return frozenset({"boolean", "null"})


def _call(node: Node, children: Sequence[Node], data: Types) -> Types:
    name = node["value"]
    function = FUNCTIONS[name]
    if name == CONTEXT:
        return frozenset({"context"})
    arguments = [_types(child, data) for child in children]
    for position, types in enumerate(arguments):
        accepted = function.types[min(position, len(function.types) - 1)]
        kinds = {"expref" if one == "expression" else one.partition("-")[0] for one in accepted}
        if accepted and not types & (kinds | {"context"}) and "any" not in kinds:
            raise TypeConflict(
                f"{name}() expects {' or '.join(sorted(kinds))} as argument {position + 1}, "
                f"which is always {_name(types)}"
            )
    if name == "if":
        return arguments[1] | arguments[2]
    return _RESULTS.get(name, _JSON)


def _reference(_node: Node, children: Sequence[Node], _data: Types) -> Types:
    _types(children[0], _JSON)
    return frozenset({"expref"})


_VISITORS = {
    "field": _field,
    "current": _same,
    "identity": _same,
    "literal": _literal,
    "subexpression": _chain,
    "pipe": _chain,
    "index_expression": _chain,
    "index": _index,
    "slice": _slice,
    "flatten": _flatten,
    "projection": _projection,
    "filter_projection": _filter,
    "value_projection": _values,
    "multi_select_list": _multi_select,
    "multi_select_dict": _multi_select,
    "or_expression": _or,
    "and_expression": _or,
    "not_expression": _boolean,
    "comparator": _comparison,
    "function_expression": _call,
    "expref": _reference,
}


def with_parentheses(text: str) -> str:
    """Return the text with each path after a `!` in parentheses: `!a.b` becomes `!(a.b)`.

    Text that the lexer cannot read, and `!a` and `!(a.b)`, stay as they are.
    """
    try:
        tokens = list(lexer.Lexer().tokenize(text))
    except exceptions.JMESPathError:
        return text
    pieces, written = "", 0
    for position, token in enumerate(tokens):
        if token["type"] == "not":
            start, steps, after = _path_after(tokens, position + 1)
            if steps > 1:
                begin, end = tokens[start]["start"], tokens[after]["start"]
                path = text[begin:end].rstrip()
                pieces += f"{text[written:begin]}({path})"
                written = begin + len(path)
    return pieces + text[written:]


_OPENING = {"lparen": "rparen", "lbracket": "rbracket", "filter": "rbracket", "lbrace": "rbrace"}


def _path_after(tokens: Sequence[Mapping[str, Json]], start: int) -> tuple[int, int, int]:
    """Return the first token, number of steps, and the token after the path at `start`."""
    position, steps = start, 0
    while tokens[position]["type"] != "eof":
        kind = tokens[position]["type"]
        if kind in _OPENING:
            steps += kind != "lparen" or position == start
            position = _after_closing(tokens, position)
        elif kind in ("dot", "flatten"):
            position += 1
            steps += 1
        elif kind in ("unquoted_identifier", "quoted_identifier", "star", "current", "literal"):
            if position > start and tokens[position - 1]["type"] != "dot":
                break
            position += 1
            steps += position == start + 1
        else:
            break
    return start, steps, position


def _after_closing(tokens: Sequence[Mapping[str, Json]], position: int) -> int:
    depth = 0
    while tokens[position]["type"] != "eof":
        kind = tokens[position]["type"]
        depth += (kind in _OPENING) - (kind in _OPENING.values())
        position += 1
        if not depth:
            break
    return position
