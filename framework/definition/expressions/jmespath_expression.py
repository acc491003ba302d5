"""JMESPath expressions, compiled once: what a connector file writes in, answers on data out.

Does not know where in the file an expression stands, nor dlt's JSONPath.
"""

from __future__ import annotations

import difflib
import re
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import jmespath
from jmespath import exceptions, visitor

from framework.definition.expressions.context_roots import Path, paths_read
from framework.definition.expressions.function import FunctionError
from framework.definition.expressions.function_registry import CONTEXT, FUNCTIONS, Registry
from framework.definition.expressions.limits import (
    MAX_RESULT_SIZE,
    PatternError,
    compile_pattern,
    growth,
)
from framework.definition.expressions.text_functions import PATTERNED
from framework.definition.expressions.value_functions import truthy
from framework.errors import FrameworkError

Json = Any

_NAMES = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*", re.ASCII)
_FAILURES = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
    *(RecursionError, MemoryError),
)


class _Interpreter(visitor.TreeInterpreter):  # type: ignore[misc]
    """jmespath's, with a context, an `if` that looks at one of its branches only, and slices of
    texts."""

    def __init__(self, context: Mapping[str, Json] | None = None) -> None:
        super().__init__(jmespath.Options(custom_functions=Registry(context)))

    def visit_function_expression(self, node: Mapping[str, Json], value: Json) -> Json:
        children = node["children"]
        if node["value"] == "if" and len(children) == 3:
            condition, then, otherwise = children
            return self.visit(then if truthy(self.visit(condition, value)) else otherwise, value)
        return super().visit_function_expression(node, value)

    def visit_slice(self, node: Mapping[str, Json], value: Json) -> Json:
        return value[slice(*node["children"])] if isinstance(value, (str, list)) else None

    def visit_projection(self, node: Mapping[str, Json], value: Json) -> Json:
        """A slice of a text is a text, as in JMESPath Community, and no list to go on with."""
        left, right = node["children"]
        if left["type"] != "index_expression" or left["children"][-1]["type"] != "slice":
            return super().visit_projection(node, value)
        base = self.visit(left, value)
        if isinstance(base, str):
            return self.visit(right, base)
        return super().visit_projection(node, value)


_INTERPRETER = _Interpreter()


_PARSING = threading.Lock()
"""Held while warnings are turned off: which are shown is one setting for all threads."""


class ExpressionError(FrameworkError):
    """An expression that does not compile, or fails on data. `offset` counts characters from 0;
    `reason` is the message without the expression."""

    def __init__(self, text: str, reason: str, offset: int = 0) -> None:
        self.text = text
        self.reason = reason
        self.offset = offset
        super().__init__(f"expression `{text}`: {reason}")


@dataclass(frozen=True)
class Expression:
    """A compiled JMESPath. Equal, hashed, copied and pickled by its text."""

    text: str
    _names: tuple[str, ...] = field(default=(), compare=False, repr=False)
    _tree: Mapping[str, Json] = field(default_factory=dict, compare=False, repr=False)
    contextual: bool = field(default=False, compare=False, repr=False)
    growth: int = field(default=1, compare=False, repr=False)

    def search(self, data: Json, context: Mapping[str, Json] | None = None) -> Json:
        """The answer on `data`, null where nothing is found; ExpressionError where it fails.

        `context` is what `context()` gives; it is asked for only if the expression is
        `contextual`.
        """
        if self._names:
            for name in self._names:
                if not isinstance(data, dict):
                    return None
                data = data.get(name)
            return data
        try:
            interpreter = _Interpreter(context) if self.contextual else _INTERPRETER
            return interpreter.visit(self._tree, data)
        except exceptions.JMESPathTypeError as error:
            # jmespath's own text quotes the data, which may be personal
            wanted = " or ".join(error.expected_types)
            reason = f"{error.function_name}() wants {wanted}, found {error.actual_type}"
            raise ExpressionError(self.text, reason) from None
        except FunctionError as error:
            raise ExpressionError(self.text, str(error)) from None
        except _FAILURES as error:
            reason = f"fails on this data ({type(error).__name__})"
            raise ExpressionError(self.text, reason) from None

    @property
    def names(self) -> tuple[str, ...]:
        """The keys of the plain dotted path that it amounts to, empty for anything else."""
        return self._names

    def reads(self, *, over_context: bool = False) -> tuple[Path, ...]:
        """The parts of the context that it reads; `over_context` where it works on the context."""
        if self._names:
            return (self._names,) if over_context else ()
        return tuple(paths_read(self._tree, over_context=over_context))

    def __deepcopy__(self, _memo: object) -> Expression:
        return self

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return compile_expression, (self.text,)


@lru_cache(maxsize=4096)
def compile_expression(text: str) -> Expression:
    """A JMESPath that parses, calls known functions and gives each as many arguments as it takes.

    Raises ExpressionError, whose `offset` says where.
    """
    if _NAMES.fullmatch(text):
        return Expression(text, tuple(text.split(".")))
    if not text.strip():
        raise ExpressionError(text, "is empty; write a JMESPath such as `data.items`")
    tree = _parse(text)
    for name, arguments in calls(tree):
        function = FUNCTIONS.get(name)
        if function is None:
            near = difflib.get_close_matches(name, FUNCTIONS, 1)
            hint = f"; did you mean {near[0]}()?" if near else ""
            raise ExpressionError(text, f"there is no function {name}(){hint}", _call(text, name))
        if wrong := function.arity_error(arguments):
            raise ExpressionError(text, wrong, _call(text, name))
    for name, pattern in _patterns(tree):
        try:
            compile_pattern(pattern)
        except PatternError as error:
            reason = f"{name}(): the pattern is not right: {error}"
            raise ExpressionError(text, reason, _call(text, name)) from None
    try:
        grown = growth(tree)
    except RecursionError:
        raise ExpressionError(text, "is nested too deeply") from None
    if grown > MAX_RESULT_SIZE:
        raise ExpressionError(text, f"can grow to more than {MAX_RESULT_SIZE:,} times its data")
    contextual = any(name == CONTEXT for name, _ in calls(tree))
    return Expression(text, _dotted(tree), tree, contextual, grown)


def _dotted(node: Mapping[str, Json]) -> tuple[str, ...]:
    """The plain dotted path that an expression amounts to, empty for anything else.

    `{a: x.y, b: z}.a`, which chooses by name, amounts to `x.y`.
    """
    kind, children = node["type"], node.get("children", [])
    if kind == "field":
        return (node["value"],)
    if kind != "subexpression" or len(children) != 2:
        return ()
    left, right = children
    if left["type"] == "multi_select_dict" and right["type"] == "field":
        chosen = [pair for pair in left["children"] if pair["value"] == right["value"]]
        return _dotted(chosen[-1]["children"][0]) if chosen else ()
    before, after = _dotted(left), _dotted(right)
    return (*before, *after) if before and after else ()


def syntax_tree(text: str) -> Mapping[str, Json]:
    """jmespath's syntax tree of an expression; ExpressionError where it does not parse."""
    return _parse(text)


def calls(node: Mapping[str, Json]) -> Iterator[tuple[str, int]]:
    """The name and number of arguments of every function call in a syntax tree."""
    for name, arguments in _called(node):
        yield name, len(arguments)


def _patterns(node: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """The regular expressions that are written out, with the function that each is given to."""
    for name, arguments in _called(node):
        if name in PATTERNED and len(arguments) > 1 and arguments[1].get("type") == "literal":
            pattern = arguments[1]["value"]
            if isinstance(pattern, str):
                yield name, pattern


def _called(node: Mapping[str, Json]) -> Iterator[tuple[str, Sequence[Mapping[str, Json]]]]:
    stack: list[Json] = [node]
    while stack:
        current = stack.pop()
        if not isinstance(current, dict):
            continue
        children = current.get("children", [])
        if current.get("type") == "function_expression":
            yield current["value"], children
        stack.extend(children)


def _parse(text: str) -> Mapping[str, Json]:
    try:
        with _PARSING, warnings.catch_warnings():
            # `word` in backticks without quotes is old syntax that jmespath still takes
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            parsed: Mapping[str, Json] = jmespath.compile(text).parsed
            return parsed
    except exceptions.IncompleteExpressionError:
        raise ExpressionError(text, "ends too early", len(text)) from None
    except exceptions.LexerError as error:
        raise ExpressionError(text, _unread(error), error.lex_position) from None
    except exceptions.ParseError as error:
        reason = f"`{error.token_value}` is not expected at character {error.lex_position + 1}"
        raise ExpressionError(text, reason, error.lex_position) from None
    except RecursionError:
        raise ExpressionError(text, "is nested too deeply") from None
    except _FAILURES:
        # jmespath looks ahead past the end of some broken expressions
        raise ExpressionError(text, "is no JMESPath", 0) from None


def _unread(error: Any) -> str:
    value = str(error.lexer_value)
    if value[:1] in "'\"`":
        return f"the quote {value[0]} at character {error.lex_position + 1} is never closed"
    return f"`{value[:20]}` cannot be read at character {error.lex_position + 1}"


def _call(text: str, name: str) -> int:
    match = re.search(rf"\b{re.escape(name)}\s*\(", text)
    return match.start() if match else 0
