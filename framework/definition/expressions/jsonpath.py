"""Where JMESPath and dlt's JSONPath differ: what a text means in both, and how to respell it.

Text that starts with `$` is JSONPath and goes to dlt; anything else is JMESPath here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from framework.definition.expressions.jmespath_expression import ExpressionError, syntax_tree

_SIMPLE = re.compile(r"\$(?:\.[A-Za-z_][A-Za-z0-9_-]*|\[(?:\d+|\*)\]|\.\*)*", re.ASCII)
_BARE = re.compile(r"[\w@-]+(?:\.[\w@-]+|\[\d+\]|\[\*\])*")
_QUOTED_KEY = re.compile(r"\.?\[\s*(['\"])([^'\"\]]*)\1\s*\]")
_DOT_QUOTED = re.compile(r"\.'([^']*)'")
_DOT_BRACKET = re.compile(r"\.\[\s*(?:\*|-?\d+|\?)")
_STRINGS = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`(?:[^`\\]|\\.)*`")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_NO_PATH = re.compile(r"[({|]")
_KEY_OF_PATH = re.compile(r"\"([^\"\\]+)\"|([^\".]+)")


def is_jsonpath(text: str) -> bool:
    """Return whether the text is JSONPath, which goes to dlt unchanged."""
    return text.lstrip().startswith("$")


def path_keys(path: str) -> tuple[str, ...]:
    """Return the keys of a `cursor_path`; a key that is not a plain name has double quotes."""
    return tuple(match[1] or match[2] for match in _KEY_OF_PATH.finditer(path))


def jsonpath_problem(text: str) -> str | None:
    """Return why a JSONPath is not valid, or None.

    jsonpath-ng takes longer to import than a file to validate, so simple paths do without it.
    """
    if _SIMPLE.fullmatch(text):
        return None
    from jsonpath_ng.ext import parser

    try:
        parser.parse(text)
    except Exception as error:
        # jsonpath-ng raises bare Exception, and its lexer others
        return str(error).splitlines()[0] if str(error) else "it does not parse"
    return None


def respelling(text: str) -> tuple[str, str] | None:
    """Return why a text that dlt reads as JSONPath means something else here, and its respelling.

    Return None if it means the same, or is JMESPath only.
    """
    bare = _STRINGS.sub("''", text)
    try:
        tree = syntax_tree(text)
    except ExpressionError:
        better = _quoted(text)
        return (f"`{text}` is JSONPath and not valid JMESPath", better) if better else None
    if _has_literal(tree):
        return f"in JMESPath `{text}` is the text itself, not a field", _quoted(text) or text
    if _DOT_BRACKET.search(bare):
        return f"in JMESPath `{text}` wraps the list in a list", re.sub(r"\.\[", "[", text)
    if bare.lstrip().startswith("*"):
        return (
            f"in JMESPath `{text}` returns the values of a mapping, and null for a list",
            f"$.{text.strip()}" if not text.strip().startswith("*]") else text,
        )
    if bare.lstrip().startswith("[*]"):
        rest = text.strip()[3:]
        return (
            f"for a mapping `{text}` returns null in JMESPath, and the mapping itself in dlt",
            f"[]{rest}" if rest else "@",
        )
    if bare.count("[*]") > 1 and not _NO_PATH.search(bare):
        return (
            f"`{text}` returns lists of lists in JMESPath, and one flat list in dlt",
            _outside_strings(text, "[*]", "[]"),
        )
    return None


def _has_literal(node: Mapping[str, Any]) -> bool:
    """Return whether an expression, or a step of it, is quoted text where a field is meant."""
    children = node.get("children", [])
    if node["type"] == "literal":
        return isinstance(node.get("value"), str)
    if node["type"] == "multi_select_list":
        return all(child.get("type") == "literal" for child in children)
    if node["type"] == "subexpression":
        return any(map(_has_literal, children))
    return False


def _quoted(text: str) -> str | None:
    """Return a JSONPath with its quoted keys in JMESPath's double quotes.

    Return None if it holds more than keys and positions, or needs no change.
    """
    steps = _QUOTED_KEY.sub(lambda match: "\x00" + match[2] + "\x00", text.strip())
    steps = _DOT_QUOTED.sub(lambda match: "\x00" + match[1] + "\x00", steps)
    steps = re.sub(r"^'([^']*)'", lambda match: "\x00" + match[1] + "\x00", steps)
    written = ""
    for position, piece in enumerate(steps.split("\x00")):
        if position % 2:
            written += f"{'.' if written else ''}{_key(piece)}"
            continue
        piece = re.sub(r"\.\[", "[", piece).strip()
        if not piece:
            continue
        plain = piece.strip(".")
        if plain and not _BARE.fullmatch(plain) and not re.fullmatch(r"(?:\[(?:\d+|\*)\])+", plain):
            return None
        for part in filter(None, plain.split(".")):
            name, bracket, rest = part.partition("[")
            if name:
                written += f"{'.' if written else ''}{_key(name)}"
            written += bracket + rest
    try:
        syntax_tree(written)
    except ExpressionError:
        return None
    return written if written != text.strip() else None


def _key(name: str) -> str:
    return name if _NAME.fullmatch(name) else f'"{name}"'


def _outside_strings(text: str, old: str, new: str) -> str:
    pieces: list[str] = []
    position = 0
    for match in _STRINGS.finditer(text):
        pieces += [text[position : match.start()].replace(old, new), match[0]]
        position = match.end()
    return "".join([*pieces, text[position:].replace(old, new)])
