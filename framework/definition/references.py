"""What a resource reads from its parents: by parameters, placeholders, expressions, partitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from framework.definition.defaults import MergedResource
from framework.definition.schema.annotations import (
    AnnotatedValue,
    context_reads,
    partitions,
    resource_templates,
)

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Json = Any


FROM = "from"
"""The name of the binding that holds the records of `endpoint.from`."""


@dataclass(frozen=True)
class Reference:
    """A child reads a field of its parent.

    `param` names the parameter of a `type: resolve`, `partition` is the position of a partition
    that takes its values from the parent, `text` is the placeholder or the partition's name.
    `expression` is empty if an expression over the context reads the parent.
    """

    pointer: Pointer
    parent: str
    expression: str
    param: str | None = None
    text: str = ""
    partition: int | None = None


def is_resolve(entry: Json) -> bool:
    """Return whether a parameter takes its value from the parent."""
    return isinstance(entry, dict) and entry.get("type") == "resolve"


def references(merged: MergedResource) -> tuple[Reference, ...]:
    """Return what a resource reads from its parents: resolves, partitions, then placeholders."""
    if "references" not in merged.found:
        merged.found["references"] = tuple(_references(merged))
    cached: tuple[Reference, ...] = merged.found["references"]
    return cached


def _references(merged: MergedResource) -> Iterator[Reference]:
    for name, entry in merged.params.items():
        if is_resolve(entry) and isinstance(parent := entry.get("resource"), str):
            place = merged.place("endpoint", "params", name)
            yield Reference(place, parent, str(entry.get("field")), name)
    source = merged.endpoint.get("from")
    if isinstance(source, str):
        selector = merged.endpoint.get("data_selector")
        yield Reference(
            merged.place("endpoint", "from"),
            source,
            # a list that is missing is an empty one
            f"({selector}) || `[]`" if isinstance(selector, str) else "",
            text=FROM,
        )
    for position, partition in partitions(merged):
        parent, field = partition.get("resource"), partition.get("field")
        if isinstance(parent, str):
            place = merged.place("partitions", position)
            expression, name = field if isinstance(field, str) else "", str(partition.get("name"))
            yield Reference(place, parent, expression, text=name, partition=position)
        for number, source in sources_of_union(partition):
            yield Reference(
                merged.place("partitions", position, "union", number),
                source["resource"],
                str(source.get("field", "")),
                text=f"{partition.get('name')}.{number}",
                partition=position,
            )
    for text in resource_templates(merged):
        if text.context not in ("path", "request"):
            continue
        for one in context_reads(text):
            if one.path[:1] == ("resources",) and len(one.path) > 1:
                yield Reference(text.pointer, one.path[1], "", text=one.text)
        for part in text.placeholders:
            if part.kind == "resources":
                yield Reference(text.pointer, part.name, part.expression or "", text=part.text)


def sources_of_union(partition: Mapping[str, Json]) -> Iterator[tuple[int, Mapping[str, Json]]]:
    """Yield the sources of a partition's `union` that are resources, with their positions."""
    union = partition.get("union")
    for number, source in enumerate(union if isinstance(union, list) else []):
        if isinstance(source, dict) and isinstance(source.get("resource"), str):
            yield number, source


def bound_expressions(merged: MergedResource) -> Iterator[AnnotatedValue]:
    """Yield the expressions of `{resources.PARENT.EXPRESSION}` placeholders."""
    schema = {"x-jsonpath": True, "x-config-allowed": True}
    for one in references(merged):
        if one.param is None and one.partition is None and one.text != FROM and one.expression:
            yield AnnotatedValue(
                one.pointer, "expression", "parent", one.expression, schema, False, merged.index
            )
