"""Partition routers: lists as `partitions`, parents as references to their records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from framework.importers.airbyte.components.component_registry import (
    REGISTRY,
    component,
    handler_of,
    report_unknown,
)
from framework.importers.airbyte.components.request_options import Injection, injection
from framework.importers.airbyte.import_context import NO_SLICE, ImportContext, StreamSlice
from framework.importers.airbyte.jinja import tree
from framework.importers.airbyte.jinja.printer import dotted
from framework.importers.airbyte.jinja.template_parts import placeholder
from framework.importers.airbyte.jinja.tree import Term
from framework.importers.airbyte.manifest import Component
from framework.importers.source_files import free_name

Json = Any


@dataclass(frozen=True)
class ParentStream:
    """A parent as its child sees it: its resource's name, and what its own slices hold."""

    name: str
    slices: StreamSlice


def parent_fields(partitions: Iterable[Mapping[str, Json]]) -> Iterator[Mapping[str, Json]]:
    """Yield what has a `resource` and its `field`: partitions, and sources of unions."""
    for partition in partitions:
        for one in (partition, *partition.get("union", ())):
            if "resource" in one:
                yield one


class FindParent(Protocol):
    """Return the resource of a parent stream; with `changed` only its new records are wanted."""

    def __call__(self, stream: Component, *, changed: bool) -> ParentStream | None:
        """Return None if the parent cannot be read."""
        ...


@dataclass(frozen=True)
class StreamPartitions:
    """`partitions` of a resource, what `stream_slice` holds, and what options put into the request.
    `parent` is the resource, field and slice key that the request has to read from."""

    partitions: tuple[dict[str, Json], ...] = ()
    slices: StreamSlice = NO_SLICE
    injections: tuple[Injection, ...] = ()
    parent: tuple[str, list[str], str] | None = None

    @property
    def parents(self) -> tuple[str, ...]:
        """The resources whose records it reads."""
        bound = [self.parent[0]] if self.parent else []
        return (*bound, *(source["resource"] for source in parent_fields(self.partitions)))

    def without_parent(self) -> StreamPartitions:
        """Return a partition of the parent's values instead of the reference to its records."""
        assert self.parent is not None
        resource, path, key = self.parent
        name = free_name((resource,), {one["name"] for one in self.partitions})
        entry = {"name": name, "resource": resource, "field": dotted(path)}
        term = {key: tree.at("partition", name, through_context=True)}
        slices = StreamSlice(self.slices.request, {**self.slices.record, **term})
        return StreamPartitions((*self.partitions, entry), slices, self.injections)


def translate_partitions(
    context: ImportContext, retriever: Component, find: FindParent
) -> StreamPartitions:
    """Return the product of all routers of a retriever."""
    routers = list(retriever.parts("partition_router"))
    parents = [one for one in routers if one.type == "SubstreamPartitionRouter"]
    draft = _PartitionDraft(context, find, several_parents=len(parents) > 1)
    for router in routers:
        draft.add(router)
    slices = StreamSlice(draft.request, draft.record)
    return StreamPartitions(tuple(draft.partitions), slices, tuple(draft.injections), draft.parent)


@dataclass
class _PartitionDraft:
    """Partitions, and what their routers have added so far."""

    context: ImportContext
    find: FindParent
    several_parents: bool
    partitions: list[dict[str, Json]] = field(default_factory=list)
    request: dict[str, Term] = field(default_factory=dict)
    record: dict[str, Term] = field(default_factory=dict)
    injections: list[Injection] = field(default_factory=list)
    parent: tuple[str, list[str], str] | None = None

    def add(self, router: Component) -> None:
        """Add a router, whose type its fields may imply."""
        if "class_name" in router.data:
            self.context.missing(
                router.place,
                "the partitions are a Python class of its own; its declared fields are imported",
            )
        kind = router.type
        if not kind and "values" in router.data:
            kind = "ListPartitionRouter"
        elif kind not in REGISTRY["partition_router"] and "parent_stream_configs" in router.data:
            kind = "SubstreamPartitionRouter"
        fields = {key: value for key, value in router.data.items() if key != "class_name"}
        known = Component({**fields, "type": kind}, router.place)
        handler = handler_of(self.context, "partition_router", known)
        if handler:
            handler(self, known)

    def partition(self, key: str, option: Component, **fields: Json) -> None:
        """Add a partition, its value in the slice, and the option that sends it."""
        name = free_name((key,), {one["name"] for one in self.partitions})
        self.partitions.append({"name": name, **fields})
        self.slice(key, "partition", name)
        self.send(option, f"{{partition.{name}}}")

    def slice(self, key: str, root: str, *steps: str) -> None:
        """Add an entry of `stream_slice`."""
        self.request[key] = tree.at(root, *steps)
        self.record[key] = tree.at(root, *steps, through_context=True)

    def send(self, owner: Component, value: str) -> None:
        """Put a value where the owner's option says."""
        option = owner.part("request_option", "RequestOption")
        one = injection(self.context, option, value, "a partition's value") if option else None
        self.injections += [one] if one else []

    def parent_of(self, config: Component) -> ParentStream | None:
        """Return the parent stream of a configuration."""
        stream = config.part("stream", "DeclarativeStream")
        changed = bool(config.get("incremental_dependency", False))
        return self.find(stream, changed=changed) if stream is not None else None

    def source(self, config: Component) -> dict[str, Json] | None:
        """Return a parent's field as a source of values; None, with a remark, without a parent."""
        parent = self.parent_of(config)
        if parent is None:
            self.context.missing(config.place, "a parent that cannot be read")
            return None
        return {"resource": parent.name, "field": dotted(_parent_key(config))}

    def bind(self, config: Component) -> None:
        """Bind a parent's field, its own slice, and its extra fields."""
        parent = self.parent_of(config)
        if parent is None:
            self.context.missing(config.place, "a parent that cannot be read")
            return
        path, key = _parent_key(config), str(config.get("partition_field", "id"))
        if self.several_parents:
            self.partition(key, config, resource=parent.name, field=dotted(path))
            return
        self.request[key] = tree.at("resources", parent.name, *path)
        self.record[key] = tree.at("parent", *path, through_context=True)
        self.send(config, str(placeholder(self.request[key])))
        self.parent = (parent.name, path, key)
        for name, term in parent.slices.request.items():
            # ancestors can be named, a window of theirs cannot
            if not any(tree.reads_root(one, "incremental") for one in tree.walk(term)):
                self.request[f"parent_slice.{name}"] = term
                self.record[f"parent_slice.{name}"] = tree.through_context(term)
        for one in config.get("extra_fields", []):
            steps = [str(step) for step in (one if isinstance(one, list) else [one])]
            name = ".".join(["extra_fields", *steps])
            self.request[name] = tree.at("resources", parent.name, *steps)
            self.record[name] = tree.at("parent", *steps, through_context=True)
        if config.get("extra_fields"):
            self.request["extra_fields"] = tree.at("resources", parent.name)
            self.record["extra_fields"] = tree.at("parent", through_context=True)


@component("partition_router", "ListPartitionRouter")
def _list(draft: _PartitionDraft, router: Component) -> None:
    values = draft.context.value(router, "values")
    if values is None:
        return
    if isinstance(values, str) and not values.startswith("{"):
        values = [values]
    key = draft.context.value(router, "cursor_field", "partition")
    draft.partition(str(key or router.get("cursor_field")), router, values=values)


@component("partition_router", "SubstreamPartitionRouter")
def _substream(draft: _PartitionDraft, router: Component) -> None:
    configs = list(router.parts("parent_stream_configs", "ParentStreamConfig"))
    if len(configs) > 1:
        # Airbyte reads the parents one after the other
        sources = _sources(draft, [router])
        draft.partition(str(configs[0].get("partition_field", "id")), configs[0], union=sources)
    for config in configs if len(configs) == 1 else ():
        draft.bind(config)


@component("partition_router", "GroupingPartitionRouter")
def _grouping(draft: _PartitionDraft, router: Component) -> None:
    inner = router.part("underlying_partition_router")
    config = next(iter(inner.parts("parent_stream_configs")), None) if inner else None
    parent = draft.parent_of(config) if config else None
    if config is None or parent is None:
        draft.context.missing(router.place, "groups of values that are not a parent's records")
        return
    draft.partition(
        str(config.get("partition_field", "id")),
        config,
        resource=parent.name,
        field=dotted(_parent_key(config)),
        batch=router.get("group_size", 1),
    )


@component("partition_router", "CartesianProduct")
def _product(draft: _PartitionDraft, router: Component) -> None:
    for part in router.parts("stream_slicers"):
        draft.add(part)


@component("partition_router", "UnionPartitionRouter")
def _union(draft: _PartitionDraft, router: Component) -> None:
    """Values of lists and parents one after the other, each once."""
    parts = list(router.parts("partition_routers"))
    key = str(draft.context.value(router, "partition_field", "partition"))
    if all(one.type == "ListPartitionRouter" for one in parts):
        lists = [draft.context.term(one, "values", default=None) for one in parts]
        values = tree.concatenation([one for one in lists if one is not None])
        draft.partition(key, parts[0], values=placeholder(tree.call("unique", values)))
        return
    sources = _sources(draft, parts)
    if len(sources) > 1:
        draft.partition(key, router, union=sources)


def _sources(draft: _PartitionDraft, routers: Iterable[Component]) -> list[dict[str, Json]]:
    """Return the values of lists and parents as the sources of a union."""
    sources: list[dict[str, Json]] = []
    for router in routers:
        if router.type == "ListPartitionRouter":
            values = draft.context.value(router, "values")
            sources += [] if values is None else [{"values": values}]
        elif router.type == "SubstreamPartitionRouter":
            configs = router.parts("parent_stream_configs", "ParentStreamConfig")
            sources += [one for config in configs if (one := draft.source(config)) is not None]
        elif router.type == "UnionPartitionRouter":
            sources += _sources(draft, router.parts("partition_routers"))
        else:
            report_unknown(draft.context, "partition_router", router)
    return sources


def is_union(router: Component) -> bool:
    """Return whether several parents give no more than values of one name to the same request."""
    configs = list(router.parts("parent_stream_configs", "ParentStreamConfig"))
    alike = ("partition_field", "request_option")
    first = configs[0]
    return all(
        not one.get("extra_fields") and all(one.get(key) == first.get(key) for key in alike)
        for one in configs
    )


@component("partition_router", "SinglePartitionRouter")
def _single(_draft: _PartitionDraft, _router: Component) -> None:
    return


def _parent_key(config: Component) -> list[str]:
    """Return the keys of the parent's field: `a/b` or `a.b` is nested, `/` the whole record."""
    key = str(config.get("parent_key", "id"))
    return [one for one in key.split("/" if "/" in key else ".") if one]
