"""Compile JMESPath expressions of a connector file, and search data with them.

Does not know where in the file an expression stands, nor dlt's JSONPath.
"""

from __future__ import annotations

import contextlib
import re
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import jmespath
from jmespath import exceptions, visitor

from framework.definition.expressions.context_roots import Path, paths_read
from framework.definition.expressions.direct_evaluation import (
    Evaluate,
    Undecided,
    direct_evaluation,
)
from framework.definition.expressions.function import FunctionError
from framework.definition.expressions.function_registry import CONTEXT, FUNCTIONS, Registry
from framework.definition.expressions.limits import (
    MAX_RESULT_SIZE,
    PatternError,
    compile_pattern,
    growth,
)
from framework.definition.expressions.result_types import (
    COMPARATORS,
    TypeConflict,
    check_result,
    with_parentheses,
)
from framework.definition.expressions.text_functions import PATTERNED
from framework.definition.expressions.value_functions import truthy
from framework.errors import FrameworkError
from framework.text import json_type, nearest, shorten

Json = Any

_NAMES = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*", re.ASCII)
_FAILURES = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
    *(RecursionError, MemoryError),
)


class _Interpreter(visitor.TreeInterpreter):  # type: ignore[misc]
    """jmespath's interpreter with a context, a lazy `if`, and slices of text."""

    def __init__(self, context: Mapping[str, Json] | None = None) -> None:
        super().__init__(jmespath.Options(custom_functions=Registry(context)))

    def visit_function_expression(self, node: Mapping[str, Json], value: Json) -> Json:
        children = node["children"]
        if node["value"] == "if" and len(children) == 3:
            condition, then, otherwise = children
            return self.visit(then if truthy(self.visit(condition, value)) else otherwise, value)
        return super().visit_function_expression(node, value)

    def visit_comparator(self, node: Mapping[str, Json], value: Json) -> Json:
        try:
            return super().visit_comparator(node, value)
        except TypeError:
            raise FunctionError(self._comparison_error(node, value)) from None

    def _comparison_error(self, node: Mapping[str, Json], value: Json) -> str:
        """Return which types could not be compared, without their values."""
        sides = []
        for side, place in zip(node["children"], ("left", "right"), strict=True):
            name = ".".join(_dotted(side)) or f"the {place} side"
            sides.append(f"{name} is {json_type(self.visit(side, value))}")
        sign = COMPARATORS[node["value"]]
        return (
            f"`{sign}` cannot compare them: {' and '.join(sides)}; convert them to one type, "
            "for example with to_number()"
        )

    def visit_slice(self, node: Mapping[str, Json], value: Json) -> Json:
        return value[slice(*node["children"])] if isinstance(value, (str, list)) else None

    def visit_projection(self, node: Mapping[str, Json], value: Json) -> Json:
        """Return a slice of text as text, as JMESPath Community does, not as a projection."""
        left, right = node["children"]
        if left["type"] != "index_expression" or left["children"][-1]["type"] != "slice":
            return super().visit_projection(node, value)
        base = self.visit(left, value)
        if isinstance(base, str):
            return self.visit(right, base)
        return super().visit_projection(node, value)


MAX_LENGTH = 10_000
"""The longest expression, in characters."""

_INTERPRETER = _Interpreter()


_PARSING = threading.Lock()
"""Held while warnings are off: the filter is shared by all threads."""


class ExpressionError(FrameworkError):
    """An expression does not compile, or fails on data.

    `offset` is a position in the text, from 0; `reason` is the message without the expression.
    """

    def __init__(self, text: str, reason: str, offset: int = 0) -> None:
        self.text = text
        self.reason = reason
        self.offset = offset
        super().__init__(f"expression `{text}`: {reason}")


class AlwaysNullError(ExpressionError):
    """An expression, or a part of it, is null or fails for all data."""


@dataclass(frozen=True)
class Expression:
    """A compiled JMESPath; equality, hash, copy and pickle use its text."""

    text: str
    _names: tuple[str, ...] = field(default=(), compare=False, repr=False)
    _tree: Mapping[str, Json] = field(default_factory=dict, compare=False, repr=False)
    contextual: bool = field(default=False, compare=False, repr=False)
    growth: int = field(default=1, compare=False, repr=False)
    _direct: Evaluate | None = field(default=None, compare=False, repr=False)

    def search(self, data: Json, context: Mapping[str, Json] | None = None) -> Json:
        """Return the result on `data`, None if nothing matches. Raise ExpressionError if it fails.

        `context` is the result of `context()`, which only a `contextual` expression calls.
        """
        if self._names:
            for name in self._names:
                if not isinstance(data, dict):
                    return None
                data = data.get(name)
            return data
        try:
            if self._direct is not None:
                with contextlib.suppress(Undecided):
                    return self._direct(data)
            interpreter = _Interpreter(context) if self.contextual else _INTERPRETER
            return interpreter.visit(self._tree, data)
        except exceptions.JMESPathTypeError as error:
            # jmespath's own message quotes the data, which may be personal
            types = " or ".join(error.expected_types)
            reason = f"{error.function_name}() expects {types}, found {error.actual_type}"
            raise ExpressionError(self.text, reason) from None
        except FunctionError as error:
            raise ExpressionError(self.text, str(error)) from None
        except _FAILURES as error:
            reason = f"fails on this data ({type(error).__name__})"
            raise ExpressionError(self.text, reason) from None

    @property
    def names(self) -> tuple[str, ...]:
        """The keys of the equivalent dotted path, empty if there is none."""
        return self._names

    def reads(self, *, over_context: bool = False) -> tuple[Path, ...]:
        """Return the parts of the context that it reads, or works on with `over_context`."""
        if self._names:
            return (self._names,) if over_context else ()
        return tuple(paths_read(self._tree, over_context=over_context))

    @property
    def tree(self) -> Mapping[str, Json]:
        """The syntax tree."""
        return self._tree or syntax_tree(self.text)

    def without_filters(self) -> Expression:
        """Return the expression that also gives what the filters leave out."""
        return self if self._names else replace(self, _tree=_unfiltered(self._tree), _direct=None)

    def __deepcopy__(self, _memo: object) -> Expression:
        return self

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return compile_expression, (self.text,)


def compile_expression(text: str) -> Expression:
    """Compile a JMESPath.

    Raise ExpressionError if it does not parse, calls an unknown function, passes a wrong number of
    arguments, holds a pattern that is not valid, or could grow beyond MAX_RESULT_SIZE, and
    AlwaysNullError if it can only be null.
    """
    made = _compiled(text)
    if isinstance(made, ExpressionError):
        raise made.with_traceback(None)
    return made


@lru_cache(maxsize=4096)
def _compiled(text: str) -> Expression | ExpressionError:
    """Return the compiled expression or its error, which every rule would look for again."""
    try:
        return _compile(text)
    except ExpressionError as error:
        return error


def _compile(text: str) -> Expression:
    if len(text) <= MAX_LENGTH and _NAMES.fullmatch(text):
        return Expression(text, tuple(text.split(".")))
    if not text.strip():
        raise ExpressionError(text, "is empty; write a JMESPath such as `data.items`")
    tree = _parse(text)
    for name, arguments in calls(tree):
        function = FUNCTIONS.get(name)
        if function is None:
            near = nearest(name, FUNCTIONS)
            hint = f"; did you mean {near}()?" if near else ""
            raise ExpressionError(text, f"there is no function {name}(){hint}", _offset(text, name))
        if wrong := function.arity_error(arguments):
            raise ExpressionError(text, wrong, _offset(text, name))
    for name, pattern in _patterns(tree):
        try:
            compile_pattern(pattern)
        except PatternError as error:
            reason = f"{name}(): the pattern is not valid: {error}"
            raise ExpressionError(text, reason, _offset(text, name)) from None
    try:
        factor = growth(tree)
    except RecursionError:
        raise ExpressionError(text, "is nested too deeply") from None
    if factor > MAX_RESULT_SIZE:
        raise ExpressionError(text, f"can grow to more than {MAX_RESULT_SIZE:,} times its data")
    check_types(text, tree)
    contextual = any(name == CONTEXT for name, _ in calls(tree))
    return Expression(text, _dotted(tree), tree, contextual, factor, direct_evaluation(tree))


def _dotted(node: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the keys of the equivalent dotted path, empty if there is none.

    `{a: x.y, b: z}.a`, which chooses by name, is equivalent to `x.y`.
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


def _unfiltered(node: Mapping[str, Json]) -> Mapping[str, Json]:
    children = [_unfiltered(one) if isinstance(one, dict) else one for one in node["children"]]
    if node["type"] == "filter_projection":
        return {"type": "projection", "children": children[:2]}
    return {**node, "children": children}


def syntax_tree(text: str) -> Mapping[str, Json]:
    """Return jmespath's syntax tree. Raise ExpressionError if the text does not parse."""
    return _parse(text)


def value_of(node: Mapping[str, Json], data: Json, context: Mapping[str, Json]) -> Json:
    """Return what a node of a syntax tree gives, None if it fails."""
    try:
        return _Interpreter(context).visit(node, data)
    except (exceptions.JMESPathError, FunctionError, *_FAILURES):
        return None


def check_types(text: str, tree: Mapping[str, Json], *, over_context: bool = False) -> None:
    """Raise AlwaysNullError if the expression, or a part of it, is null or fails for all data.

    `tree` is that of `text`; `over_context` says that it works on the context.
    """
    try:
        check_result(tree, over_context=over_context)
    except TypeConflict as conflict:
        advice, better = "", with_parentheses(text)
        with contextlib.suppress(ExpressionError, TypeConflict):
            if better != text:
                check_result(_parse(better), over_context=over_context)
                advice = f", since `!` binds closer than `.` and `[`; write {shorten(better)}"
        raise AlwaysNullError(text, f"{conflict}{advice}") from None


def calls(node: Mapping[str, Json]) -> Iterator[tuple[str, int]]:
    """Yield the name and argument count of every function call in a syntax tree."""
    for name, arguments in _called(node):
        yield name, len(arguments)


def _patterns(node: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Yield each literal regular expression with the function that it is an argument of."""
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
    made = _parsed(text)
    if isinstance(made, ExpressionError):
        raise made.with_traceback(None)
    return made


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Mapping[str, Json] | ExpressionError:
    try:
        return _parse_once(text)
    except ExpressionError as error:
        return error


def _parse_once(text: str) -> Mapping[str, Json]:
    if len(text) > MAX_LENGTH:
        reason = f"is longer than {MAX_LENGTH:,} characters, the most that is supported"
        raise ExpressionError(shorten(text), reason)
    try:
        with _PARSING, warnings.catch_warnings():
            # jmespath still accepts `word` in backticks without quotes, and warns
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            parsed: Mapping[str, Json] = jmespath.compile(text).parsed
            return parsed
    except exceptions.IncompleteExpressionError:
        raise ExpressionError(text, "ends too early", len(text)) from None
    except exceptions.LexerError as error:
        raise ExpressionError(text, _lexer_reason(error), error.lex_position) from None
    except exceptions.ParseError as error:
        reason = f"`{error.token_value}` is not expected at character {error.lex_position + 1}"
        raise ExpressionError(text, reason, error.lex_position) from None
    except RecursionError:
        raise ExpressionError(text, "is nested too deeply") from None
    except _FAILURES:
        # jmespath reads past the end of some broken expressions
        raise ExpressionError(text, "is not valid JMESPath", 0) from None


def _lexer_reason(error: Any) -> str:
    value = str(error.lexer_value)
    if value[:1] in "'\"`":
        return f"the quote {value[0]} at character {error.lex_position + 1} is never closed"
    return f"`{value[:20]}` cannot be read at character {error.lex_position + 1}"


def _offset(text: str, name: str) -> int:
    match = re.search(rf"\b{re.escape(name)}\s*\(", text)
    return match.start() if match else 0
