"""Partition routers: lists as `partitions`, parents as bindings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from framework.importers.airbyte.importing import ABSENT, NO_SLICE, Importing, Slice
from framework.importers.airbyte.inputs import free_name
from framework.importers.airbyte.manifest import Component
from framework.importers.airbyte.options import field_path, part_of
from framework.importers.airbyte.terms import Term, dotted

Json = Any
Put = tuple[str, list[str], Json]


@dataclass(frozen=True)
class Parent:
    """A parent as its child sees it: its resource's name and what its own slices hold."""

    name: str
    slices: Slice


FindParent = Callable[[Component], Parent | None]


@dataclass(frozen=True)
class Partitioned:
    """`partitions` of the resource, what `stream_slice` holds, and values that options put into
    the request. `parent` is the resource that the request has to read from."""

    partitions: tuple[dict[str, Json], ...] = ()
    slices: Slice = NO_SLICE
    puts: tuple[Put, ...] = ()
    parent: tuple[str, str] | None = None
    many: tuple[Component, ...] = field(default=())


def translate_partitions(
    importing: Importing, retriever: Component, find: FindParent
) -> Partitioned:
    """All routers of a retriever; several are multiplied."""
    routers = list(retriever.parts("partition_router"))
    parents = [one for one in routers if one.type == "SubstreamPartitionRouter"]
    made = _Made(importing, find, len(parents))
    for router in routers:
        made.add(router)
    return made.partitioned()


@dataclass
class _Made:
    importing: Importing
    find: FindParent
    parents: int
    partitions: list[dict[str, Json]] = field(default_factory=list)
    sent: dict[str, Term] = field(default_factory=dict)
    kept: dict[str, Term] = field(default_factory=dict)
    puts: list[Put] = field(default_factory=list)
    parent: tuple[str, str] | None = None
    many: list[Component] = field(default_factory=list)

    def partitioned(self) -> Partitioned:
        return Partitioned(
            tuple(self.partitions),
            Slice(self.sent, self.kept),
            tuple(self.puts),
            self.parent,
            tuple(self.many),
        )

    def add(self, router: Component) -> None:
        kind = router.type
        if "class_name" in router.data:
            self.importing.remarks.missing(
                router.place, "the partitions are a Python class of its own; what it says is kept"
            )
        if kind == "ListPartitionRouter" or (not kind and "values" in router.data):
            self._list(router)
        elif kind == "SubstreamPartitionRouter" or "parent_stream_configs" in router.data:
            self._substream(router)
        elif kind == "GroupingPartitionRouter":
            self._grouped(router)
        elif kind == "CartesianProduct":
            for part in router.parts("stream_slicers"):
                self.add(part)
        elif kind == "UnionPartitionRouter":
            self._union(router)
        elif kind == "SinglePartitionRouter":
            return
        else:
            what = "a Python class of its own" if router.custom else f"a {kind or '?'}"
            self.importing.remarks.missing(router.place, f"the partitions are {what}")

    def _name(self, text: str) -> str:
        return free_name((text,), {one["name"] for one in self.partitions})

    def _list(self, router: Component) -> None:
        scope = self.importing.sent(router)
        written = router.get("values")
        values = self.importing.text(written, scope, router.at("values"))
        if values is ABSENT:
            return
        if isinstance(values, str) and not values.startswith("{"):
            values = [values]
        key = str(router.get("cursor_field", "partition"))
        key_text = self.importing.text(key, scope, router.at("cursor_field"))
        key = key if key_text is ABSENT else str(key_text)
        name = self._name(key)
        self.partitions.append({"name": name, "values": values})
        self._slice(key, f"partition.{name}")
        self._option(router, f"{{partition.{name}}}")

    def _union(self, router: Component) -> None:
        """Lists one after the other, each value once."""
        parts = list(router.parts("partition_routers"))
        lists = [
            self.importing.term(one.get("values"), self.importing.sent(one), one.at("values"))
            for one in parts
        ]
        if not all(one.type == "ListPartitionRouter" for one in parts) or None in lists:
            self.importing.remarks.missing(
                router.place, "partitions of several parents, each value once"
            )
            return
        key = str(router.get("partition_field", "partition"))
        name = self._name(key)
        values = ", ".join(one.text for one in lists if one is not None)
        self.partitions.append({"name": name, "values": f"{{unique([{values}][])}}"})
        self._slice(key, f"partition.{name}")
        for one in parts[:1]:
            self._option(one, f"{{partition.{name}}}")

    def _slice(self, key: str, text: str) -> None:
        self.sent[key] = Term(text)
        self.kept[key] = Term(f"context().{text}")

    def _option(self, component: Component, value: str) -> None:
        option = component.part("request_option", "RequestOption")
        if option is None:
            return
        part = part_of(option)
        path = field_path(self.importing, option)
        if not part or not path:
            self.importing.remarks.missing(option.place, "a partition's value as the path")
            return
        self.puts.append((part, [".".join(path)] if part == "params" else path, value))

    def _substream(self, router: Component) -> None:
        configs = list(router.parts("parent_stream_configs", "ParentStreamConfig"))
        if len(configs) > 1:
            # one after the other in the original: a resource each here
            self.many += configs[1:]
        for config in configs[:1]:
            self.from_parent(config)

    def from_parent(self, config: Component) -> None:
        """Bind a parent's field."""
        stream = config.part("stream", "DeclarativeStream")
        parent = self.find(stream) if stream is not None else None
        if parent is None:
            self.importing.remarks.missing(config.place, "a parent that cannot be read")
            return
        path = _parent_key(config)
        key = str(config.get("partition_field", "id"))
        if self.parents > 1:
            name = self._name(key)
            self.partitions.append({"name": name, "resource": parent.name, "field": path})
            self._slice(key, f"partition.{name}")
            self._option(config, f"{{partition.{name}}}")
        else:
            below = "" if path == "@" else f".{path}"
            base = f"resources.{parent.name}{below}"
            self.sent[key] = Term(base)
            self.kept[key] = Term(f"context().parent{below}")
            self._option(config, f"{{{base}}}")
            self.parent = (parent.name, path)
        self._above(parent)
        self._extra(config, parent)

    def _above(self, parent: Parent) -> None:
        """The parent's own slice: ancestors can be named, its partitions cannot."""
        for key, term in parent.slices.sent.items():
            if term.text.startswith("resources.") or "incremental." not in term.text:
                self.sent[f"parent_slice.{key}"] = term
                self.kept[f"parent_slice.{key}"] = Term(f"context().{term.text}")

    def _extra(self, config: Component, parent: Parent) -> None:
        for one in config.get("extra_fields", []):
            path = [str(key) for key in (one if isinstance(one, list) else [one])]
            text = dotted(list(path))
            name = ".".join(["extra_fields", *path])
            self.sent[name] = Term(f"resources.{parent.name}.{text}")
            self.kept[name] = Term(f"context().parent.{text}")
        if config.get("extra_fields"):
            self.sent["extra_fields"] = Term(f"resources.{parent.name}")
            self.kept["extra_fields"] = Term("context().parent")

    def _grouped(self, router: Component) -> None:
        inner = router.part("underlying_partition_router")
        size = router.get("group_size", 1)
        config = next(iter(inner.parts("parent_stream_configs")), None) if inner else None
        stream = config.part("stream", "DeclarativeStream") if config else None
        parent = self.find(stream) if stream is not None else None
        if inner is None or config is None or parent is None:
            self.importing.remarks.missing(router.place, "groups of what is no parent's records")
            return
        key = str(config.get("partition_field", "id"))
        name = self._name(key)
        path = _parent_key(config)
        self.partitions.append(
            {"name": name, "resource": parent.name, "field": path, "batch": size}
        )
        self._slice(key, f"partition.{name}")
        self._option(config, f"{{partition.{name}}}")


def _parent_key(config: Component) -> str:
    """The parent's field: `a/b` or `a.b` for a nested one, `/` for the whole record."""
    written = str(config.get("parent_key", "id"))
    separator = "/" if "/" in written else "."
    return dotted([key for key in written.split(separator) if key])
