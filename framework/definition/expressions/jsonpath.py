"""Where JMESPath and dlt's JSONPath differ: what a text means in both, and how to respell it.

Text that starts with `$` is JSONPath and goes to dlt; anything else is JMESPath here.
"""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Mapping
from typing import Any

from framework.definition.expressions.jmespath_expression import (
    MAX_LENGTH,
    ExpressionError,
    syntax_tree,
)

Steps = tuple[str | int, ...]
"""Keys and positions, outer ones first."""

_SAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[\d+\])*", re.ASCII)
"""A path of plain names and positions, which both languages read alike."""
_SAME_FILTER = re.compile(
    rf"{_SAME.pattern}\[\?\s*(?:@\.)?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*\s*==\s*'[^'\\]*'\s*\]",
    re.ASCII,
)
"""A list filtered by a text, last: both languages give the same elements. Of an object dlt filters
the values, where a JMESPath fails its resource."""
_JMESPATH_ONLY = re.compile(r"\[\]|\|\||&&|\w\s*\(|[{]")
"""What no JSONPath has outside quotes: these are never parsed as one."""
_MEANINGS = {
    "|": "as a union of both sides",
    "?": "as a filter of its own rules, on the values of a mapping too",
    "*": "as a wildcard for the items of a list and the values of a mapping alike",
    ":": "as single values and not as a list",
    ",": "as fields of which the missing ones are left out",
}
"""How dlt reads a JSONPath with this sign."""
_CURSOR_KEY = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
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
    try:
        jsonpath_tree(text)
    except JsonPathError as error:
        return str(error)
    return None


class JsonPathError(ValueError):
    """A text is not a JSONPath that dlt reads."""


def jsonpath_tree(text: str) -> Any:
    """Return dlt's reading of a JSONPath. Raise JsonPathError if it does not parse."""
    if len(text) > MAX_LENGTH:
        raise JsonPathError(
            f"it is longer than {MAX_LENGTH:,} characters, the most that is supported"
        )
    from jsonpath_ng.ext import parser

    try:
        with warnings.catch_warnings():
            # newer versions deprecate operators that they still read
            warnings.simplefilter("ignore", DeprecationWarning)
            return parser.parse(text)
    except Exception as error:
        # jsonpath-ng raises bare Exception, and its lexer others
        reason = str(error).splitlines()[0] if str(error) else "it does not parse"
        raise JsonPathError(reason) from None


def jsonpath_steps(tree: Any) -> Steps | None:
    """Return the keys and positions of a JSONPath that is nothing else, or None."""
    from jsonpath_ng import Child, Fields, Index, Root, This

    if isinstance(tree, (Root, This)):
        return ()
    if isinstance(tree, Child):
        before, after = jsonpath_steps(tree.left), jsonpath_steps(tree.right)
        is_restart = isinstance(tree.right, Root)
        return None if before is None or after is None or is_restart else (*before, *after)
    if isinstance(tree, Fields) and len(tree.fields) == 1 and tree.fields[0] != "*":
        return (tree.fields[0],)
    if isinstance(tree, Index):
        return (tree.indices[0],) if len(tree.indices) == 1 else None
    return None


def jmespath_steps(node: Mapping[str, Any]) -> Steps | None:
    """Return the keys and positions of a JMESPath's tree that is nothing else, or None."""
    kind, children = node["type"], node.get("children", [])
    if kind in ("current", "identity"):
        return ()
    if kind in ("field", "index"):
        return (node["value"],)
    if kind in ("subexpression", "index_expression"):
        parts = [jmespath_steps(child) for child in children]
        if all(part is not None for part in parts):
            return tuple(step for part in parts for step in part or ())
    return None


def jmespath_of(steps: Steps) -> str:
    """Return the JMESPath of keys and positions."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f"{'.' if text else ''}{_key(step)}"
    return text or "@"


def cursor_path_of(text: str) -> str:
    """Return a JSONPath of dlt as a `cursor_path`. Raise JsonPathError if it does not parse."""
    steps = jsonpath_steps(jsonpath_tree(text))
    keys = [step for step in steps or () if isinstance(step, str)]
    if steps and len(keys) == len(steps) and not any('"' in key or "\\" in key for key in keys):
        return ".".join(key if _CURSOR_KEY.fullmatch(key) else f'"{key}"' for key in keys)
    return rooted(text) or text


def rooted(text: str) -> str | None:
    """Return a JSONPath that begins with `$` and means what `text` does, None if there is none."""
    if is_jsonpath(text):
        return text
    plain = text.strip()
    tree = jsonpath_tree(plain)
    for candidate in (f"${plain}", f"$.{plain}", f"$.({plain})"):
        try:
            found = jsonpath_tree(candidate)
        except JsonPathError:
            continue
        if _without_root(found) == tree:
            return candidate
    return None


def _without_root(tree: Any) -> Any:
    """Return a JSONPath without the `$` that it begins with."""
    from jsonpath_ng import Child, Root

    left = getattr(tree, "left", None)
    if isinstance(tree, Child) and isinstance(left, Root):
        return tree.right
    if left is None or not hasattr(tree, "right"):
        return tree
    copied = copy.copy(tree)
    copied.left = _without_root(left)
    return copied


def other_meaning(text: str) -> str | None:
    """Return how dlt reads a JMESPath that is also a JSONPath of another meaning, else None.

    Both languages agree on keys and positions, and on a filter of a list by a text.
    """
    if (
        _SAME.fullmatch(text)
        or _SAME_FILTER.fullmatch(text)
        or _JMESPATH_ONLY.search(_STRINGS.sub("''", text))
    ):
        return None
    try:
        expected = jmespath_steps(syntax_tree(text))
        tree = jsonpath_tree(text)
    except (ExpressionError, JsonPathError):
        return None
    if expected is not None and jsonpath_steps(tree) == expected:
        return None
    bare = _STRINGS.sub("''", text)
    for sign, meaning in _MEANINGS.items():
        if sign in bare:
            return meaning
    return "as a JSONPath of another meaning"


def respelling(text: str) -> tuple[str, str] | None:
    """Return why a text that dlt reads as JSONPath means something else here, and its respelling.

    Return None if it means the same, or is JMESPath only.
    """
    if len(text) > MAX_LENGTH:
        return None
    bare = _STRINGS.sub("''", text)
    try:
        tree = syntax_tree(text)
    except ExpressionError:
        better = _quoted(text)
        return (f"`{text}` is JSONPath and not valid JMESPath", better) if better else None
    if _has_literal(tree):
        return f"in JMESPath `{text}` is the text itself, not a field", _quoted(text) or text
    if _DOT_BRACKET.search(bare):
        return (
            f"in JMESPath `{text}` wraps the list in a list",
            re.sub(r"\.\[", "[", text).replace("[*]", "[]"),
        )
    if bare.lstrip().startswith("*"):
        return (
            f"in JMESPath `{text}` returns the values of a mapping, and null for a list",
            f"$.{text.strip()}" if not text.strip().startswith("*]") else text,
        )
    if bare.lstrip().startswith("[*]"):
        return (
            f"for a mapping `{text}` returns null in JMESPath, and its values in dlt",
            f"${text.strip()}",
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
