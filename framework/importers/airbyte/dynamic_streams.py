"""Streams that Airbyte makes from a list: of the file, of an input, or of the API."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from framework.importers.airbyte.components.component_registry import component, handler_of
from framework.importers.airbyte.jinja import tree
from framework.importers.airbyte.jinja.scope import Lookup, Scope, known, variable
from framework.importers.airbyte.jinja.template_parts import placeholder
from framework.importers.airbyte.jinja.tree import Term
from framework.importers.airbyte.manifest import Component
from framework.importers.airbyte.manifest_normalizer import pass_down
from framework.importers.airbyte.stream_catalog import SHAPE_ERRORS, StreamCatalog
from framework.importers.airbyte.streams import StreamResource, translate_stream

Json = Any


def add_dynamic_streams(catalog: StreamCatalog, manifest: Component) -> None:
    """Translate the `dynamic_streams` of a manifest."""
    for dynamic in manifest.parts("dynamic_streams", "DynamicDeclarativeStream"):
        resolver = dynamic.part("components_resolver") or Component({}, dynamic.place)
        placed = Component(resolver.data, dynamic.place)
        handler = handler_of(catalog.context, "components_resolver", placed)
        try:
            if handler:
                handler(catalog, dynamic, resolver)
        except SHAPE_ERRORS as error:
            catalog.context.missing(dynamic.place, f"dynamic streams are malformed: {error}")


@component("components_resolver", "ParametrizedComponentsResolver")
def _from_parameters(catalog: StreamCatalog, dynamic: Component, resolver: Component) -> None:
    """One stream for each entry of a list in the file."""
    context = catalog.context
    parameters = resolver.part("stream_parameters")
    entries = parameters.get("list_of_parameters_for_stream", []) if parameters else []
    for entry in entries:
        scope = Scope({"components_values": known(entry), "stream_parameters": known(entry)})
        template = _template(dynamic)
        for change in resolver.parts("components_mapping"):
            value = change.get("value")
            if isinstance(value, str):
                value = context.translate(value, scope, change.at("value"))
            test = context.condition(change, "condition", scope, default=True)
            if test is None or (test.fixed and not test.constant):
                continue
            _set(template, change.names("field_path"), value)
        catalog.add(_stream(dynamic, template))


@component("components_resolver", "HttpComponentsResolver")
def _from_api(catalog: StreamCatalog, dynamic: Component, resolver: Component) -> None:
    """A hidden resource reads the list; one resource reads each entry into its own table."""
    stream, table = _stream_template(catalog, dynamic, resolver)
    retriever = resolver.part("retriever")
    name = str(dynamic.get("name", "")) or "items"
    listing: dict[str, Json] = {}
    if retriever is not None:
        listing = {"name": f"{name}_list", "retriever": dict(retriever.data)}
    parent = catalog.find(Component(listing, resolver.place, "DeclarativeStream"), changed=True)
    if parent is None:
        return
    above = catalog.context.inside(slices=parent.slices)
    request = {
        "components_values": variable("resources", parent.name),
        "resolver_slice": above.request_scope(Component()).names["stream_slice"],
    }
    record = {
        "components_values": variable("parent", through_context=True),
        "resolver_slice": above.record_scope(Component()).names["stream_slice"],
    }
    resource = _into_tables(catalog, dynamic, stream, table, request, record)
    catalog.resources[resource.name] = replace(resource, parents=(*resource.parents, parent.name))


@component("components_resolver", "ConfigComponentsResolver")
def _from_config(catalog: StreamCatalog, dynamic: Component, resolver: Component) -> None:
    """The entries of an input are partitions, each with its own table."""
    stream, table = _stream_template(catalog, dynamic, resolver)
    lists: list[Term] = []
    for config in resolver.parts("stream_config", "StreamConfig"):
        pointer = tuple(config.names("configs_pointer"))
        if pointer:
            lists.append(catalog.context.inputs.lookup()(pointer)[0])
        if config.get("default_values"):
            lists.append(tree.constant(config.get("default_values", [])))
    if not lists:
        catalog.context.missing(resolver.place, "streams of no input")
        return
    values = lists[0] if len(lists) == 1 else tree.concatenation(lists)
    request = {"components_values": variable("partition", "entry")}
    record = {"components_values": variable("partition", "entry", through_context=True)}
    resource = _into_tables(catalog, dynamic, stream, table, request, record)
    partition = {"name": "entry", "values": placeholder(values)}
    partitions = [partition, *resource.data.get("partitions", [])]
    catalog.resources[resource.name] = replace(
        resource, data={**resource.data, "partitions": partitions}
    )


def _into_tables(
    catalog: StreamCatalog,
    dynamic: Component,
    stream: Component,
    table: Json,
    request: Mapping[str, Lookup],
    record: Mapping[str, Lookup],
) -> StreamResource:
    """Add one resource for all streams, whose table is named by a template."""
    name = catalog.new_name(str(dynamic.get("name", "")) or "items")
    inside = catalog.context.inside(request_names=request, record_names=record)
    with catalog.reporting_for(name):
        resource = translate_stream(inside, stream, name, catalog.folder, catalog.find)
        text = inside.translate(table or "", inside.request_scope(stream), dynamic.at("name"))
    text = text if isinstance(text, str) and "{" in text else None
    resource = replace(resource, table=text, schema=None)
    catalog.resources[name] = resource
    return resource


def _stream_template(
    catalog: StreamCatalog, dynamic: Component, resolver: Component
) -> tuple[Component, Json]:
    """Return the stream that stands for all, with the mapping's templates in it, and the template
    of its name."""
    template = _template(dynamic)
    name: Json = None
    for change in resolver.parts("components_mapping"):
        value = change.get("value")
        if isinstance(value, str):
            value = re.sub(r"\bstream_(slice|partition|interval)\b", "resolver_slice", value)
        if change.get("condition"):
            catalog.context.missing(
                change.at("condition"), "a part of a stream that only some streams have"
            )
        path = change.names("field_path")
        if path == ["name"]:
            name = value
        _set(template, path, value)
    return _stream(dynamic, template), name


def _template(dynamic: Component) -> dict[str, Json]:
    template = dynamic.data.get("stream_template")
    return copy.deepcopy(template) if isinstance(template, dict) else {}


def _stream(dynamic: Component, template: dict[str, Json]) -> Component:
    stream = pass_down({"streams": [template]})["streams"][0]
    return Component(stream, dynamic.at("stream_template"), "DeclarativeStream")


# -- values at paths of a template


def _set(node: Json, path: list[str], value: Json) -> None:
    """Set a value at a path with `*`."""
    if not path:
        return
    key, rest = path[0], path[1:]
    for place in _places(node, key):
        if not rest:
            node[place] = value
            continue
        _set(node.setdefault(place, {}) if isinstance(node, dict) else node[place], rest, value)


def _places(node: Json, key: str) -> Iterator[Json]:
    if isinstance(node, dict):
        yield from list(node) if key == "*" else [key]
    elif isinstance(node, list):
        wanted = range(len(node)) if key == "*" else [int(key)] if key.isdigit() else []
        yield from (index for index in wanted if index < len(node))
