"""Where a connector file reads the context: a place, and the part that is read there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.definition.expressions.context_roots import Path
from framework.definition.expressions.jmespath_expression import ExpressionError, compile_expression
from framework.definition.expressions.jsonpath import is_jsonpath
from framework.definition.expressions.placeholders import config_names

if TYPE_CHECKING:
    from framework.definition.written import Written
    from framework.definition.yaml_reader import Pointer


@dataclass(frozen=True)
class Reach:
    """`text`, a placeholder or an expression, reads `path` of the context.

    `area` says what the text is for where it is a placeholder, `key` that it stands in a key;
    for an expression `area` is what it works on.
    """

    pointer: Pointer
    path: Path
    text: str
    resource: int | None
    key: bool = False
    area: str = ""


def reach(written: Written) -> Iterator[Reach]:
    """What an expression reads of the context; nothing where it does not compile."""
    text = written.text
    if written.bound:
        for name in config_names(text):
            yield Reach(
                written.pointer, ("config", name), text, written.resource, area=written.subject
            )
    if is_jsonpath(text) or (written.bound and config_names(text)):
        return
    try:
        expression = compile_expression(text)
    except ExpressionError:
        return
    for path in expression.reads(over_context=written.subject in ("context", "choice", "wait")):
        yield Reach(written.pointer, path, text, written.resource, area=written.subject)
