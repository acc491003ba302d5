"""Every expression of a file: it parses, and means here what it means in dlt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, product
from typing import TYPE_CHECKING, Any

from framework.definition.annotations import ExpressionPlace, cursors
from framework.definition.draft import Draft
from framework.definition.expressions.function_registry import FUNCTIONS
from framework.definition.expressions.jmespath_expression import (
    ExpressionError,
    calls,
    compile_expression,
    syntax_tree,
)
from framework.definition.expressions.jsonpath import is_jsonpath, jsonpath_problem, respelling
from framework.definition.expressions.placeholders import config_names, with_config
from framework.findings import Finding

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Json = Any

_KEY = r"(?:[^\s.\[\]()'\"`*$@?|,&]+|\"[^\"\\]+\")"
_DOTTED = re.compile(rf"{_KEY}(?:\.{_KEY})*")


def check_expressions(draft: Draft) -> Iterator[Finding]:
    """Expressions that do not parse, call what is not there, or mean something else in dlt."""
    for written in dict.fromkeys(draft.expressions()):
        problems = (_problem(one) for one in _completed(draft, written))
        problem = next((problem for problem in problems if problem), None)
        if problem:
            yield draft.document.finding(written.pointer, *problem)


def check_cursor_paths(draft: Draft) -> Iterator[Finding]:
    """An incremental's cursor_path is keys joined by dots: dlt looks it up itself."""
    seen: set[Pointer] = set()
    for merged in draft.resources:
        for cursor in cursors(merged):
            pointer = (*cursor.pointer, "cursor_path")
            path = cursor.written.get("cursor_path")
            if not isinstance(path, str) or pointer in seen:
                continue
            seen.add(pointer)
            fine = jsonpath_problem(path) is None if is_jsonpath(path) else _DOTTED.fullmatch(path)
            if not fine:
                yield draft.document.finding(
                    pointer,
                    "cursor-path",
                    f"found {path or 'nothing'}, expected a field of the record as keys joined by "
                    "dots, such as updated_at or meta.changed, in double quotes where a key is no "
                    "plain name; no expression",
                )


def _completed(draft: Draft, written: ExpressionPlace) -> Iterator[ExpressionPlace]:
    """The expression with its `{config.x}` replaced: by each value that the entry allows, by its
    default, or by any name."""
    names = config_names(written.text) if written.bound else ()
    choices: list[list[Json]] = []
    for name in names:
        entry = draft.section("config").get(name)
        entry = entry if isinstance(entry, dict) else {}
        allowed = entry.get("enum")
        choices.append(allowed if isinstance(allowed, list) else [entry.get("default", "x")])
    for values in islice(product(*choices), 20):
        text = with_config(written.text, dict(zip(names, values, strict=True)))
        yield replace(written, text=text, bound=False)


def _problem(written: ExpressionPlace) -> tuple[str, str] | None:
    text = written.text
    if is_jsonpath(text):
        if not written.both:
            return (
                "jsonpath-not-here",
                f"found the JSONPath {text}, expected a JMESPath: no dlt reads it here; "
                "write it without `$`",
            )
        reason = jsonpath_problem(text)
        if reason:
            return "bad-jsonpath", f"found {text}, which starts with $ and is no JSONPath: {reason}"
        return None
    if written.both and (other := respelling(text)):
        reason, better = other
        dollar = "" if better.startswith("$") else f"; for JSONPath start with `$`: {_dollar(text)}"
        return "jsonpath-spelling", f"{reason}; write {better}{dollar}"
    try:
        compile_expression(text)
    except ExpressionError as error:
        return _code(text), f"found {text or 'nothing'}: {error.reason}"
    return None


def _code(text: str) -> str:
    try:
        unknown = [name for name, _ in calls(syntax_tree(text)) if name not in FUNCTIONS]
    except ExpressionError:
        return "bad-expression"
    return "unknown-function" if unknown else "function-arguments"


def _dollar(text: str) -> str:
    return f"${text}" if text.startswith("[") else f"$.{text}"
