"""A document as the checks see it: merged resources, and every text with its placeholders.

Lenient: what has the wrong shape is left out, since the JSON Schema's findings say so. Nothing is
judged here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from framework.definition.annotations import (
    ContextRead,
    ExpressionPlace,
    TemplatePlace,
    client_expressions,
    client_texts,
    context_reads,
    resource_expressions,
    resource_texts,
    text_reaches,
)
from framework.definition.defaults import MergedResource, merge_resources
from framework.definition.record_schema import RecordSchema, load_schema
from framework.definition.references import bound_expressions, references

if TYPE_CHECKING:
    from framework.definition.finder import Location
    from framework.definition.yaml_reader import Document, Pointer

Json = Any


@dataclass(frozen=True)
class Draft:
    """A document with its resources merged."""

    document: Document
    location: Location
    _loaded: dict[int, RecordSchema | None] = field(default_factory=dict, repr=False)
    _above: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @cached_property
    def data(self) -> Mapping[str, Json]:
        """The document's mapping."""
        return self.document.data if isinstance(self.document.data, dict) else {}

    @cached_property
    def client(self) -> Mapping[str, Json]:
        """The client section, empty where there is none."""
        return self.section("client")

    @cached_property
    def resources(self) -> tuple[MergedResource, ...]:
        """The merged resources in file order."""
        return merge_resources(self.data)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The resources' names, without repetitions."""
        return tuple(dict.fromkeys(merged.name for merged in self.resources))

    def section(self, key: str) -> Mapping[str, Json]:
        """A mapping of the top level, empty where it is missing or no mapping."""
        value = self.data.get(key)
        return value if isinstance(value, dict) else {}

    def texts(self) -> tuple[TemplatePlace, ...]:
        """Every text that may hold placeholders, each place of the document once."""
        return self._texts

    @cached_property
    def _texts(self) -> tuple[TemplatePlace, ...]:
        found: dict[tuple[Pointer, bool], TemplatePlace] = {}
        for text in client_texts(self.client):
            found.setdefault((text.pointer, text.key), text)
        for merged in self.resources:
            for text in resource_texts(merged):
                found.setdefault((text.pointer, text.key), text)
        return tuple(found.values())

    def expressions(self) -> tuple[ExpressionPlace, ...]:
        """Every expression, those in placeholders left out, each place of the document once."""
        return self._expressions

    @cached_property
    def _expressions(self) -> tuple[ExpressionPlace, ...]:
        found = [*client_expressions(self.client)]
        for merged in self.resources:
            found += resource_expressions(merged)
            found += bound_expressions(merged)
        return tuple(dict.fromkeys(found))

    def reaches(self) -> tuple[ContextRead, ...]:
        """Every part of the context that is read, by placeholders and by expressions."""
        return self._reaches

    @cached_property
    def _reaches(self) -> tuple[ContextRead, ...]:
        found = [one for text in self.texts() for one in text_reaches(text)]
        for written in self.expressions():
            found += context_reads(written)
        return tuple(dict.fromkeys(found))

    def schema(self, merged: MergedResource) -> RecordSchema | None:
        """The JSON Schema of a resource's records with its place; None where none is named."""
        if merged.index not in self._loaded:
            self._loaded[merged.index] = load_schema(merged, self.location)
        return self._loaded[merged.index]

    def parent_of(self, merged: MergedResource) -> MergedResource | None:
        """The resource that this one reads from, where it exists: of several that are named, the
        one that has the others above it, else the first."""
        named = [one.name for one in self._named(merged)]
        nearest = next(
            (name for name in named if {*named} <= {name, *self.above(name)}),
            named[0] if named else None,
        )
        return next((one for one in self.resources if one.name == nearest), None)

    def above(self, name: str) -> tuple[str, ...]:
        """The parent of a resource, the parent's parent, and so on; a circle is left."""
        if name not in self._above:
            self._above[name] = ()  # whoever comes here again goes round in a circle
            merged = next((one for one in self.resources if one.name == name), None)
            parent = None if merged is None else self.parent_of(merged)
            if parent is not None and parent.name != name:
                self._above[name] = (parent.name, *self.above(parent.name))
        return self._above[name]

    def _named(self, merged: MergedResource) -> list[MergedResource]:
        names = dict.fromkeys(reference.parent for reference in references(merged))
        return [one for name in names for one in self.resources if one.name == name][:50]


def settings_used(draft: Draft) -> Iterator[tuple[Pointer, bool, str, str]]:
    """Every entry of config and secrets that is named, in placeholders and in expressions: the
    place, whether it is a key, and the section and entry. The whole section names all of it."""
    for one in draft.reaches():
        if one.path[:1] in (("config",), ("secrets",)):
            section = one.path[0]
            names = one.path[1:2] or tuple(draft.section(section))
            for name in names:
                yield one.pointer, one.key, section, name
