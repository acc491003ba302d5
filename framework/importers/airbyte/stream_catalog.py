"""All streams of a manifest, translated once each; parents when a child needs them."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from framework.importers.airbyte.components.component_registry import component, translate
from framework.importers.airbyte.components.partition_routers import ParentStream, is_union
from framework.importers.airbyte.import_context import ImportContext
from framework.importers.airbyte.manifest import Component
from framework.importers.airbyte.streams import StreamResource, translate_stream
from framework.importers.import_report import Remarks
from framework.importers.source_files import free_name

Json = Any

SHAPE_ERRORS = (AttributeError, TypeError, ValueError, LookupError, AssertionError)
"""Raised for a field of another shape than the language's, which Airbyte refuses too."""


@dataclass
class StreamCatalog:
    """`resources` by name, in the order of the file; `hidden` ones are only read by others."""

    context: ImportContext
    folder: Path
    streams: dict[str, Component] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    resources: dict[str, StreamResource] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)
    _parents: dict[str, ParentStream] = field(default_factory=dict)
    _several: set[str] = field(default_factory=set)
    _copies: dict[str, str] = field(default_factory=dict)

    def add_all(self, manifest: Component) -> None:
        """Translate every stream of the manifest."""
        for stream in _streams(self.context, manifest):
            title = self._title(stream)
            if title in self.streams:
                same = dict(self.streams[title].data) == dict(stream.data)
                report = self.context.note if same else self.context.missing
                report(stream.place, f"there is another stream {title}; this one is left out")
                continue
            self.streams[title] = stream
            self.names[title] = self.new_name(title)
        for title in list(self.streams):
            self._resource(title)

    def add(self, stream: Component) -> None:
        """Translate a stream that replaces one of the same name."""
        title = self._title(stream)
        self.streams[title] = stream
        self.names[title] = self.new_name(title)
        self._resource(title)

    def _title(self, stream: Component) -> str:
        return str(stream.get("name", "")) or f"stream_{len(self.streams) + 1}"

    def new_name(self, title: str) -> str:
        """Return a free resource name for a stream, with a note if it is not the stream's own."""
        name = free_name((title,), {*self.names.values(), *self.resources}, "stream")
        if name != title:
            self.context.note(f"streams {title}", f"the stream {title} is called {name} here")
        return name

    @contextmanager
    def reporting_for(self, name: str) -> Iterator[None]:
        """Assign remarks to a resource while the block runs."""
        remarks = self.context.remarks
        before, remarks.resource = remarks.resource, name
        try:
            yield
        finally:
            remarks.resource = before

    def _resource(self, title: str) -> StreamResource | None:
        """Return the resource of a stream; None if the stream is its own ancestor, or malformed."""
        name = self.names[title]
        if name in self.resources or name in self._open:
            return self.resources.get(name)
        stream = self.streams[title]
        self._open.append(name)
        with self.reporting_for(name):
            try:
                return self._translated(stream, name)
            except SHAPE_ERRORS as error:
                kind = type(error).__name__
                self.context.missing(stream.place, f"the stream {title} is malformed ({kind})")
                return None
            finally:
                self._open.remove(name)

    def _translated(self, stream: Component, name: str) -> StreamResource:
        """Return the resource of a stream, and add one for each further parent."""
        first, *others = [
            translate_stream(self.context, one, name, self.folder, self.find)
            for one in _by_parent(stream)
        ]
        self.resources[name] = replace(first, table=name, schema=None) if others else first
        for resource in others:
            parent = resource.parents[0] if resource.parents else "other"
            more = free_name((f"{name}_{parent}",), {*self.names.values(), *self.resources})
            self.resources[more] = replace(resource, name=more, table=name, schema=None)
        if others:
            self._several.add(name)
            count = len(others) + 1
            self.context.note(
                stream.place, f"read from {count} parents: a resource for each, in one table"
            )
        return self.resources[name]

    # -- parents, which stand inside their children

    def find(self, stream: Component, *, changed: bool) -> ParentStream | None:
        """Return a parent: the stream of that name if it is the same, or a hidden resource.

        Without `changed` the child is read for all records of the parent in each run, so an
        incremental parent gets a hidden copy: without a table it moves no watermark.
        """
        if stream.type == "StateDelegatingStream":
            stream = stream.part("full_refresh_stream", "DeclarativeStream") or stream
        key = json.dumps(dict(stream.data), sort_keys=True, default=str)
        parent = self._parents.get(key) or self._find(stream)
        if parent is not None and parent.name in self._several:
            reason = f"children of the records that other resources load into {parent.name}"
            self.context.missing(stream.place, reason)
        if parent is not None:
            self._parents[key] = parent
            known = self.resources[parent.name]
            if known.cursor and not changed and parent.name not in self.hidden:
                return self._whole(parent)
        return parent

    def _whole(self, parent: ParentStream) -> ParentStream:
        """Return a hidden copy of an incremental resource."""
        if parent.name not in self._copies:
            name = free_name((f"all_{parent.name}",), {*self.names.values(), *self.resources})
            copied = replace(self.resources[parent.name], name=name, schema=None)
            self._copies[parent.name] = name
            self.hidden.append(name)
            self.resources[name] = copied
            self.context.note(
                self.streams_place(parent.name),
                f"Airbyte reads children for all of its records, not for new ones only: {name} is "
                "read for them from the start in each run",
            )
        return replace(parent, name=self._copies[parent.name])

    def streams_place(self, name: str) -> str:
        """Return the place of a resource's stream in the manifest."""
        title = next((title for title, one in self.names.items() if one == name), None)
        return name if title is None else self.streams[title].place

    def _find(self, stream: Component) -> ParentStream | None:
        title = str(stream.get("name", ""))
        candidates = list(self.hidden)
        if title in self.streams:
            resource = self._resource(title)
            if resource is None:
                return None
            candidates.insert(0, resource.name)
        muted = self.context.inside(remarks=Remarks())
        for name in candidates:
            known = self.resources[name]
            again = translate_stream(muted, stream, name, self.folder, self.find)
            if again.reads_the_same(known):
                return ParentStream(name, known.slices)
        other = f"{title}_read" if title in self.streams else title or "parent"
        name = free_name((other,), {*self.names.values(), *self.resources})
        with self.reporting_for(name):
            resource = translate_stream(self.context, stream, name, self.folder, self.find)
        self.hidden.append(name)
        self.resources[name] = replace(resource, schema=None)
        return ParentStream(name, resource.slices)


# -- the streams of a file


def _streams(context: ImportContext, manifest: Component) -> Iterator[Component]:
    for part in manifest.parts("streams", "DeclarativeStream"):
        yield from translate(context, "stream", part, ())


@component("stream", "DeclarativeStream", "")
def _plain(_context: ImportContext, stream: Component) -> Iterator[Component]:
    yield stream


@component("stream", "ConditionalStreams")
def _conditional(context: ImportContext, part: Component) -> Iterator[Component]:
    context.note(
        part.at("condition"),
        f"Airbyte has these streams only if {part.get('condition')}; choose by --resources",
    )
    yield from part.parts("streams", "DeclarativeStream")


@component("stream", "StateDelegatingStream")
def _delegating(context: ImportContext, part: Component) -> Iterator[Component]:
    """Of a stream for the first run and one for later runs, use the one that reads everything."""
    inner = part.part("full_refresh_stream", "DeclarativeStream") or part
    context.note(
        part.place,
        "Airbyte reads changes from another address after its first run; here each run reads the "
        "whole list",
    )
    yield Component({**inner.data, "name": part.get("name", inner.get("name"))}, inner.place)


def _by_parent(stream: Component) -> Iterator[Component]:
    """Yield a stream, or a copy of it for each of several parents that are read in turn."""
    retriever = stream.part("retriever")
    routers = list(retriever.parts("partition_router")) if retriever is not None else []
    for index, router in enumerate(routers):
        configs = router.get("parent_stream_configs", [])
        if isinstance(configs, list) and len(configs) > 1:
            text = json.dumps(dict(stream.data), default=str)
            reads_more = "parent_slice" in text or "parent_record" in text
            if len(routers) == 1 and not reads_more and is_union(router):
                break
            for config in configs:
                data = copy.deepcopy(dict(stream.data))
                own = data["retriever"]["partition_router"]
                one = {**router.data, "parent_stream_configs": [config]}
                if isinstance(own, list):
                    own[index] = one
                else:
                    data["retriever"]["partition_router"] = one
                yield Component(data, stream.place, stream.default)
            return
    yield stream
