"""What a resource reads from its parents: by parameters, placeholders, expressions and
partitions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from framework.definition.annotations import (
    ExpressionPlace,
    is_resolve,
    partitions,
    resource_texts,
    text_reaches,
)
from framework.definition.defaults import MergedResource

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Json = Any


@dataclass(frozen=True)
class Reference:
    """A child reads a field of its parent: by `type: resolve` or by `{resources.parent.EXPR}`.

    `param` is the parameter of a resolve; `text` the placeholder's text. Where an expression
    over the context reads a parent, `expression` is empty: nothing is bound by name. `partition`
    is the position of the partition whose values are taken from there.
    """

    pointer: Pointer
    parent: str
    expression: str
    param: str | None = None
    text: str = ""
    partition: int | None = None


def references(merged: MergedResource) -> tuple[Reference, ...]:
    """What a resource reads from its parents, resolves first, in the order of the file."""
    if "references" not in merged.found:
        merged.found["references"] = tuple(_references(merged))
    read: tuple[Reference, ...] = merged.found["references"]
    return read


def _references(merged: MergedResource) -> list[Reference]:
    found = [
        Reference(merged.place("endpoint", "params", name), parent, str(entry.get("field")), name)
        for name, entry in merged.params.items()
        if is_resolve(entry) and isinstance(parent := entry.get("resource"), str)
    ]
    for position, partition in partitions(merged):
        parent, field = partition.get("resource"), partition.get("field")
        if isinstance(parent, str):
            place = merged.place("partitions", position)
            expression = field if isinstance(field, str) else ""
            found.append(
                Reference(
                    place, parent, expression, text=str(partition.get("name")), partition=position
                )
            )
    for text in resource_texts(merged):
        if text.area not in ("path", "request"):
            continue
        for one in text_reaches(text):
            if one.path[:1] == ("resources",) and len(one.path) > 1:
                found.append(Reference(text.pointer, one.path[1], "", None, one.text))
        for placeholder in text.placeholders:
            if placeholder.kind == "resources":
                found.append(
                    Reference(
                        text.pointer,
                        placeholder.name,
                        placeholder.expression or "",
                        None,
                        placeholder.text,
                    )
                )
    return found


def bound_expressions(merged: MergedResource) -> Iterator[ExpressionPlace]:
    """The expressions that bind a value of the parent's record."""
    for reference in references(merged):
        pointer = reference.pointer
        if reference.partition is not None:
            if reference.expression:
                yield ExpressionPlace(
                    (*pointer, "field"), reference.expression, "parent", merged.index
                )
        elif reference.param is not None:
            if isinstance(merged.params[reference.param].get("field"), str):
                place = (*pointer, "field")
                yield ExpressionPlace(
                    place, reference.expression, "parent", merged.index, both=True, bound=True
                )
        elif reference.expression:
            yield ExpressionPlace(
                pointer, reference.expression, "parent", merged.index, both=True, bound=True
            )
