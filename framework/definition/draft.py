"""A document as the rules see it: merged resources, and every annotated value with its place.

Lenient: what has the wrong shape is left out, since the findings of the JSON Schema report it.
Nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from framework.definition.defaults import MergedResource, merge_resources
from framework.definition.graphql_block import expand_block
from framework.definition.references import bound_expressions, references
from framework.definition.schema.annotations import (
    AnnotatedValue,
    ContextRead,
    client_values,
    context_reads,
    expressions,
    plain_texts,
    resource_values,
)
from framework.definition.schema.record_schema import RecordSchema, load_schema

if TYPE_CHECKING:
    from pathlib import Path

    from framework.definition.finder import Location
    from framework.definition.yaml_reader import Document, Pointer

Json = Any


MAX_ANCESTORS = 50
"""The most resources above one another, parents of parents."""


@dataclass(frozen=True)
class Draft:
    """A document with its resources merged."""

    document: Document
    location: Location
    _schemas: dict[int, RecordSchema | None] = field(default_factory=dict, repr=False)
    too_deep: set[str] = field(default_factory=set, repr=False)
    """Names of resources with more than MAX_ANCESTORS above them, of those looked for so far."""
    _way: list[str] = field(default_factory=list, repr=False)
    _ancestors: dict[str, Mapping[str, int]] = field(default_factory=dict, repr=False)

    @cached_property
    def data(self) -> Mapping[str, Json]:
        """The document's mapping."""
        return self.document.data if isinstance(self.document.data, dict) else {}

    @cached_property
    def client(self) -> Mapping[str, Json]:
        """The client section, empty if there is none."""
        return self.section("client")

    @cached_property
    def resources(self) -> tuple[MergedResource, ...]:
        """The merged resources in file order, a `graphql` block written as a request."""
        merged = merge_resources(self.data)
        return tuple(expand_block(one, self.location) for one in merged)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The resources' names, without repetitions."""
        return tuple(dict.fromkeys(merged.name for merged in self.resources))

    def section(self, key: str) -> Mapping[str, Json]:
        """Return a mapping of the top level, empty if it is missing or not a mapping."""
        value = self.data.get(key)
        return value if isinstance(value, dict) else {}

    def resource_of(self, index: int | None) -> MergedResource | None:
        """Return the resource at a position of the file, None for the client section."""
        return self._by_index.get(index) if index is not None else None

    @cached_property
    def _by_index(self) -> dict[int, MergedResource]:
        return {merged.index: merged for merged in self.resources}

    def values(self, kind: str) -> Iterator[AnnotatedValue]:
        """Yield the values that the connector schema annotates with this `x-kind`."""
        return (one for one in self._values if one.kind == kind)

    @cached_property
    def _values(self) -> tuple[AnnotatedValue, ...]:
        values: dict[tuple[Pointer, bool], AnnotatedValue] = {}
        for one in client_values(self.client):
            values.setdefault((one.pointer, one.key), one)
        for merged in self.resources:
            for one in resource_values(merged):
                values.setdefault((one.pointer, one.key), one)
        return tuple(values.values())

    @cached_property
    def templates(self) -> tuple[AnnotatedValue, ...]:
        """Every text that may hold placeholders, each place of the document once."""
        return tuple(one for one in self._values if one.is_template)

    @cached_property
    def plain_texts(self) -> tuple[tuple[Pointer, str], ...]:
        """Every text that is read as it is written, with its place."""
        listed = self.data.get("resources")
        parts: list[tuple[Pointer, Pointer]] = [(("client",), ("client",))]
        parts.append((("resource_defaults",), ("resource_defaults",)))
        for index in range(len(listed) if isinstance(listed, list) else 0):
            parts.append((("resources", 0), ("resources", index)))
        texts: list[tuple[Pointer, str]] = []
        for place, pointer in parts:
            value: Json = self.data
            for step in pointer:
                value = value[step] if not isinstance(value, dict) else value.get(step)
            texts += plain_texts(value, place, pointer)
        return tuple(texts)

    @cached_property
    def expressions(self) -> tuple[AnnotatedValue, ...]:
        """Every expression, those over the context in placeholders left out."""
        places = [*expressions(client_values(self.client))]
        for merged in self.resources:
            places += expressions(resource_values(merged))
            places += bound_expressions(merged)
        return tuple(dict.fromkeys(places))

    @cached_property
    def reads(self) -> tuple[ContextRead, ...]:
        """Every part of the context that a placeholder or an expression reads."""
        values = (*self.templates, *self.expressions)
        return tuple(dict.fromkeys(read for one in values for read in context_reads(one)))

    def schema(self, merged: MergedResource) -> RecordSchema | None:
        """Return the JSON Schema of a resource's records with its place, or None."""
        if merged.index not in self._schemas:
            self._schemas[merged.index] = load_schema(merged, self.location)
        return self._schemas[merged.index]

    def adopt_schemas(self, earlier: Draft, is_unchanged: Callable[[Path], bool]) -> None:
        """Take over the schemas that an earlier draft has read from files that did not change.

        To read and judge them again takes half of the time of a validation.
        """
        before, now = earlier.document, self.document
        for index, schema in tuple(earlier._schemas.items()):
            if schema is None or schema.file is None or schema.usable is None:
                continue
            is_same = all(
                _value_at(before, place) == _value_at(now, place)
                for place in (schema.pointer, ("resources", index, "schema"))
            )
            if is_same and is_unchanged(schema.file):
                self._schemas[index] = schema

    def resource_named(self, name: str) -> MergedResource | None:
        """Return the first resource of this name, or None."""
        return next((one for one in self.resources if one.name == name), None)

    def parent_of(self, merged: MergedResource) -> MergedResource | None:
        """Return the first of the resource's independent parents, or None."""
        return next(iter(self.parents_of(merged)), None)

    def parents_of(self, merged: MergedResource) -> tuple[MergedResource, ...]:
        """Return the resources that this one reads from and that are not above each other.

        One that partitions take their values from is independent of the others, so it comes last.
        """
        listed = self._parents(merged, of_partitions=True)
        read = self._parents(merged, of_partitions=False)
        above = {name for one in read for name in self.above(one.name) if name != one.name}
        nearest = [one for one in read if one.name not in above] or read[:1]
        return (*nearest, *(one for one in listed if one not in nearest))

    def above(self, name: str) -> tuple[str, ...]:
        """Return the parents of a resource, their parents, and so on; cycles end."""
        return tuple(self.ways_to(name))

    def ways_to(self, name: str) -> Mapping[str, int]:
        """Return the resources above this one, each with the number of ways that lead to it."""
        if name not in self._ancestors and len(self._way) > MAX_ANCESTORS:
            self.too_deep.add(self._way[0])
            return {}
        if name not in self._ancestors:
            self._ancestors[name] = {}  # what a cycle finds when it comes back here
            self._way.append(name)
            ways: dict[str, int] = {}
            merged = self.resource_named(name)
            for parent in () if merged is None else self.parents_of(merged):
                if parent.name == name:
                    continue
                for above, count in {parent.name: 1, **self.ways_to(parent.name)}.items():
                    ways[above] = min(ways.get(above, 0) + count, 2)
            self._ancestors[name] = ways
            self._way.pop()
            if len(ways) > MAX_ANCESTORS:
                self.too_deep.add(name)
        return self._ancestors[name]

    def included(self, merged: MergedResource) -> Iterator[tuple[int, str | None, str]]:
        """Yield each of `include_from_parent`: its position, the parent and the field.

        With several parents an entry is PARENT.FIELD; None is the parent of any other.
        """
        written = merged.data.get("include_from_parent")
        parents = [one.name for one in self.parents_of(merged)]
        for position, text in enumerate(written if isinstance(written, list) else []):
            if not isinstance(text, str):
                continue
            if len(parents) < 2:
                yield position, next(iter(parents), None), text
                continue
            name, _, field = text.partition(".")
            yield position, name if name in parents and field else None, field or text

    def _parents(self, merged: MergedResource, *, of_partitions: bool) -> list[MergedResource]:
        names = dict.fromkeys(
            reference.parent
            for reference in references(merged)
            if (reference.partition is not None) == of_partitions
        )
        return [one for name in names for one in self.resources if one.name == name][:50]


def _value_at(document: Document, pointer: Pointer) -> Json:
    node = document.node(pointer)
    return None if node is None else node.value


def settings_used(draft: Draft) -> Iterator[tuple[Pointer, bool, str, str]]:
    """Yield each use of a config entry or a secret: place, is a key, section, name.

    A use of the whole section counts for all of its entries.
    """
    for one in draft.reads:
        if one.path[:1] in (("config",), ("secrets",)):
            section = one.path[0]
            for name in one.path[1:2] or tuple(draft.section(section)):
                yield one.pointer, one.key, section, name
