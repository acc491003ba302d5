"""All streams of a manifest translated once each, parents as they are met."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from framework.importers.airbyte.dynamic import expanded, templated
from framework.importers.airbyte.importing import Importing
from framework.importers.airbyte.inputs import free_name
from framework.importers.airbyte.manifest import Component
from framework.importers.airbyte.partitions import Parent
from framework.importers.airbyte.scope import at
from framework.importers.airbyte.streams import Resource, found_data, translate_stream
from framework.importers.airbyte.terms import constant
from framework.importers.import_report import Remarks

Json = Any

_SHAPES = (AttributeError, TypeError, ValueError, LookupError, AssertionError)


@dataclass
class Registry:
    """`resources` by name of ours, in the order of the file; `hidden` are read only for others."""

    importing: Importing
    folder: Path
    top: dict[str, Component] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    hidden: dict[str, str] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)
    _found: dict[str, Parent] = field(default_factory=dict)

    def add_all(self, manifest: Component) -> None:
        """Translate every stream of the manifest."""
        for stream in _streams(self.importing.remarks, manifest):
            written = str(stream.get("name", "")) or f"stream_{len(self.top) + 1}"
            if written in self.top:
                say = self.importing.remarks.missing
                if dict(self.top[written].data) == dict(stream.data):
                    say = self.importing.remarks.note
                say(stream.place, f"there is another stream {written}; this one is left out")
                continue
            self.top[written] = stream
            self.names[written] = self._free(written)
        for written in list(self.top):
            self._top(written)
        for dynamic in manifest.parts("dynamic_streams", "DynamicDeclarativeStream"):
            try:
                self._dynamic(dynamic)
            except _SHAPES as error:
                self.importing.remarks.missing(
                    dynamic.place, f"streams not written as the language says: {error}"
                )

    def _free(self, written: str) -> str:
        name = free_name((written,), {*self.names.values(), *self.resources}, "stream")
        if name != written:
            self.importing.remarks.note(
                f"streams {written}", f"the stream {written} is called {name} here"
            )
        return name

    def _top(self, written: str) -> Resource | None:
        name = self.names[written]
        if name in self.resources:
            return self.resources[name]
        if name in self._open:
            return None
        self._open.append(name)
        try:
            return self._translated(self.top[written], name)
        except _SHAPES as error:
            # a field of another shape than the language gives it, which the original refuses too
            self.importing.remarks.missing(
                self.top[written].place,
                f"the stream {written} is not written as its language says "
                f"({type(error).__name__})",
            )
            return None
        finally:
            self._open.remove(name)

    def _translated(self, stream: Component, name: str) -> Resource:
        """The resource of a stream, and one more for each further parent that it has."""
        remarks = self.importing.remarks
        before, remarks.resource = remarks.resource, name
        variants = list(_variants(stream))
        first = translate_stream(self.importing, variants[0], name, self.folder, self.find)
        self.resources[name] = first
        for variant in variants[1:]:
            found = translate_stream(self.importing, variant, name, self.folder, self.find)
            parent = found.parents[0] if found.parents else "other"
            more = free_name((f"{name}_{parent}",), {*self.names.values(), *self.resources})
            self.resources[more] = replace(found, name=more, table=name, schema=None)
        if len(variants) > 1:
            self.resources[name] = replace(first, schema=None)
            remarks.note(
                stream.place, f"read from {len(variants)} parents: a resource each, one table"
            )
        remarks.resource = before
        return self.resources[name]

    def find(self, stream: Component) -> Parent | None:
        """A parent that stands inside its child: the stream of that name, if it is the same."""
        if stream.type == "StateDelegatingStream":
            inner = stream.part("full_refresh_stream", "DeclarativeStream")
            stream = inner if inner is not None else stream
        key = json.dumps(dict(stream.data), sort_keys=True, default=str)
        found = self._found.get(key) or self._found_parent(stream)
        if found is not None:
            self._found[key] = found
        return found

    def _found_parent(self, stream: Component) -> Parent | None:
        written = str(stream.get("name", ""))
        muted = self.importing.inside(remarks=Remarks())
        if written in self.top:
            top = self._top(written)
            if top is None:
                return None
            alone = translate_stream(muted, stream, top.name, self.folder, self.find)
            if found_data(alone) == found_data(top):
                return Parent(top.name, top.slices)
        return self._hide(stream, written or "parent", muted)

    def _hide(self, stream: Component, written: str, muted: Importing) -> Parent:
        for name in self.hidden:
            known = self.resources[name]
            again = translate_stream(muted, stream, name, self.folder, self.find)
            if found_data(again) == found_data(known):
                return Parent(name, known.slices)
        other = f"{written}_read" if written in self.top else written
        name = free_name((other,), {*self.names.values(), *self.resources})
        remarks = self.importing.remarks
        before, remarks.resource = remarks.resource, name
        found = translate_stream(self.importing, stream, name, self.folder, self.find)
        remarks.resource = before
        self.hidden[name] = "read only for others"
        self.resources[name] = replace(found, schema=None)
        return Parent(name, found.slices)

    def _dynamic(self, dynamic: Component) -> None:
        resolver = dynamic.part("components_resolver")
        kind = resolver.type if resolver is not None else ""
        if kind == "ParametrizedComponentsResolver":
            for stream in expanded(self.importing, dynamic):
                written = str(stream.get("name", "")) or f"stream_{len(self.top) + 1}"
                self.top[written] = stream
                self.names[written] = self._free(written)
                self._top(written)
            return
        if resolver is None or kind not in ("HttpComponentsResolver", "ConfigComponentsResolver"):
            self.importing.remarks.missing(dynamic.place, f"streams made by a {kind or '?'}")
            return
        stream, name = templated(self.importing, dynamic)
        if kind == "HttpComponentsResolver":
            self._listed_by_api(dynamic, resolver, stream, name)
        else:
            self._listed_by_config(dynamic, resolver, stream, name)

    def _listed_by_api(
        self, dynamic: Component, resolver: Component, stream: Component, table: str | None
    ) -> None:
        """A hidden resource lists what there is; one resource reads each into its own table."""
        retriever = resolver.part("retriever")
        base = str(dynamic.get("name", "")) or "items"
        listing = Component(
            {"type": "DeclarativeStream", "name": f"{base}_list", "retriever": dict(retriever.data)}
            if retriever is not None
            else {},
            resolver.place,
            "DeclarativeStream",
        )
        parent = self.find(listing)
        if parent is None:
            return
        slices = parent.slices
        sent = {"components_values": at(f"resources.{parent.name}")}
        kept = {"components_values": at("context().parent")}
        above = self.importing.inside(slices=slices)
        sent["resolver_slice"] = above.sent(Component()).names["stream_slice"]
        kept["resolver_slice"] = above.kept(Component()).names["stream_slice"]
        self._into_tables(dynamic, stream, table, sent, kept, (parent.name,))

    def _listed_by_config(
        self, dynamic: Component, resolver: Component, stream: Component, table: str | None
    ) -> None:
        """The entries of an input are partitions, each with its own table."""
        lists = []
        for config in resolver.parts("stream_config", "StreamConfig"):
            pointer = tuple(str(key) for key in config.get("configs_pointer", []))
            if pointer:
                lists.append(self.importing.inputs.lookup("")(pointer)[0].text)
            if config.get("default_values"):
                lists.append(constant(config.get("default_values", [])).text)
        if not lists:
            self.importing.remarks.missing(resolver.place, "streams of no input")
            return
        values = lists[0] if len(lists) == 1 else f"[{', '.join(lists)}][]"
        sent = {"components_values": at("partition.entry")}
        kept = {"components_values": at("context().partition.entry")}
        found = self._into_tables(dynamic, stream, table, sent, kept, ())
        if found is not None:
            partition = {"name": "entry", "values": f"{{{values}}}"}
            more = [partition, *found.data.get("partitions", [])]
            self.resources[found.name] = replace(found, data={**found.data, "partitions": more})

    def _into_tables(
        self,
        dynamic: Component,
        stream: Component,
        table: str | None,
        sent: dict[str, Any],
        kept: dict[str, Any],
        parents: tuple[str, ...],
    ) -> Resource | None:
        name = self._free(str(dynamic.get("name", "")) or "items")
        inside = self.importing.inside(sent_names=sent, kept_names=kept)
        remarks = self.importing.remarks
        before, remarks.resource = remarks.resource, name
        found = translate_stream(inside, stream, name, self.folder, self.find)
        text = inside.text(table or "", inside.sent(stream), dynamic.at("name"))
        remarks.resource = before
        if not isinstance(text, str) or "{" not in text:
            text = None
        found = replace(found, table=text, schema=None, parents=(*found.parents, *parents))
        self.resources[name] = found
        return found


def _streams(remarks: Remarks, manifest: Component) -> Iterator[Component]:
    """The streams of the file; groups and choices of streams opened."""
    for stream in manifest.parts("streams", "DeclarativeStream"):
        if stream.type == "ConditionalStreams":
            remarks.note(
                stream.at("condition"),
                f"the original has these streams only where {stream.get('condition')}; choose by "
                "--resources",
            )
            yield from stream.parts("streams", "DeclarativeStream")
        elif stream.type == "StateDelegatingStream":
            yield _whole(remarks, stream)
        elif stream.type not in ("DeclarativeStream", "") and not stream.custom:
            remarks.missing(stream.place, f"the stream is a {stream.type}")
        elif stream.custom:
            remarks.missing(stream.place, "the stream is a Python class of its own")
        else:
            yield stream


def _whole(remarks: Remarks, stream: Component) -> Component:
    """Of a stream for the first time and one for later times, the one that reads everything."""
    inner = stream.part("full_refresh_stream", "DeclarativeStream") or stream
    remarks.note(
        stream.place,
        "the original reads changes from another address after its first run; here each run reads "
        "the whole list",
    )
    return Component({**inner.data, "name": stream.get("name", inner.get("name"))}, inner.place)


def _variants(stream: Component) -> Iterator[Component]:
    """The stream as it is, or once for each of several parents that are read one after another."""
    retriever = stream.part("retriever")
    routers = list(retriever.parts("partition_router")) if retriever is not None else []
    for index, router in enumerate(routers):
        configs = router.get("parent_stream_configs", [])
        if isinstance(configs, list) and len(configs) > 1:
            for config in configs:
                data = json.loads(json.dumps(dict(stream.data)))
                written = data["retriever"]["partition_router"]
                one = {**router.data, "parent_stream_configs": [config]}
                if isinstance(written, list):
                    written[index] = one
                else:
                    data["retriever"]["partition_router"] = one
                yield Component(data, stream.place, stream.default)
            return
    yield stream
