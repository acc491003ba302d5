"""Normalize a manifest: follow references, renew old spellings, pass `$parameters` down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from framework.importers.import_report import ManifestError

Json = Any

PARAMETERS = "$parameters"
MAX_NODES = 3_000_000
_OLD_REFERENCE = re.compile(r"\s*\*ref\((.*)\)\s*", re.DOTALL)

# -- references: `$ref: "#/a/b"`, a text `#/a/b`, and the old `*ref(a.b)`


def resolve_references(manifest: Mapping[str, Json]) -> dict[str, Json]:
    """Replace every reference by its target; what stands beside a `$ref` wins over it.

    Raise ManifestError for a reference without a target, or to itself.
    """
    result: dict[str, Json] = _ReferenceResolver(manifest).value(manifest, "")
    return result


class _ReferenceResolver:
    """Resolves each target once and shares it: nothing changes it later."""

    def __init__(self, manifest: Mapping[str, Json]) -> None:
        self._manifest = manifest
        self._resolved: dict[str, Json] = {}
        self._open: list[str] = []
        self._count = 0

    def value(self, node: Json, place: str) -> Json:
        self._count += 1
        if self._count > MAX_NODES:
            raise ManifestError("is too large once its references are followed")
        if isinstance(node, dict):
            return self._mapping(node, place)
        if isinstance(node, list):
            return [self.value(one, f"{place}[{index}]") for index, one in enumerate(node)]
        path = _path_of(node)
        return node if path is None else self._target(path, str(node), place)

    def _mapping(self, node: Mapping[str, Json], place: str) -> Json:
        prefix = f"{place}." if place else ""
        own = {str(k): self.value(v, f"{prefix}{k}") for k, v in node.items() if k != "$ref"}
        if node.get("$ref") is None:
            return own
        target = self.value(node["$ref"], f"{prefix}$ref")
        return {**target, **own} if isinstance(target, dict) else target

    def _target(self, path: str, text: str, place: str) -> Json:
        if path in self._resolved:
            return self._resolved[path]
        if path in self._open:
            circle = " -> ".join([*self._open[self._open.index(path) :], path])
            raise ManifestError(f"{place}: the reference {text} leads back to itself: {circle}")
        try:
            node = _find(path, self._manifest)
        except (KeyError, IndexError, TypeError, ValueError):
            raise ManifestError(f"{place}: the reference {text} leads nowhere") from None
        self._open.append(path)
        self._resolved[path] = self.value(node, path.replace("/", "."))
        self._open.pop()
        return self._resolved[path]


def _path_of(node: Json) -> str | None:
    if not isinstance(node, str):
        return None
    if node.startswith("#/"):
        return node[2:]
    old = _OLD_REFERENCE.fullmatch(node)
    if old is None:
        return None
    return re.sub(r"\.|\[(\d+)\]", lambda match: f"/{match[1] or ''}", old[1].strip())


def _find(path: str, node: Json) -> Json:
    """Return the node at a path. A key that itself holds a slash is tried first, as in Airbyte."""
    while path:
        if isinstance(node, dict) and path in node:
            return node[path]
        head, _, path = path.partition("/")
        node = node[int(head)] if isinstance(node, list) else node[head]
    return node


# -- old spellings

_NEW_TYPES = {
    "ListStreamSlicer": "ListPartitionRouter",
    "SubstreamSlicer": "SubstreamPartitionRouter",
    "DatetimeStreamSlicer": "DatetimeBasedCursor",
    "CartesianProductStreamSlicer": "CartesianProduct",
    "SingleSlice": "SinglePartitionRouter",
    "LimitPaginator": "DefaultPaginator",
    "CursorPaginationStrategy": "CursorPagination",
    "JsonSchema": "JsonFileSchemaLoader",
    "BackoffStrategy": "ExponentialBackoffStrategy",
}
_NEW_KEYS = {
    "$options": PARAMETERS,
    "pass_by": "inject_into",
    "field_pointer": "field_path",
    "limit_option": "page_size_option",
    "stream_slice_field": "partition_field",
    "slice_values": "values",
    "stream_slice_field_start": "partition_field_start",
    "stream_slice_field_end": "partition_field_end",
    "backoff_strategy": "backoff_strategies",
}
_AIRBYTE_CLASS = "airbyte_cdk.sources.declarative."
_NOT_COMPONENTS = ("schema", "schemas", "connection_specification", "metadata")
_REQUEST_OPTIONS = (
    "request_parameters",
    "request_headers",
    "request_body_data",
    "request_body_json",
)


def renew(node: Json) -> Json:
    """Return the data in today's words, at every depth outside schemas."""
    if isinstance(node, list):
        return [renew(one) for one in node]
    if not isinstance(node, dict):
        return node
    fresh: dict[str, Json] = {}
    for key, value in node.items():
        name = _NEW_KEYS.get(str(key), str(key))
        fresh[name] = value if key in _NOT_COMPONENTS else renew(value)
    _renew_type(fresh)
    strategy = fresh.get("pagination_strategy")
    if fresh.get("page_size") and isinstance(strategy, dict) and not strategy.get("page_size"):
        # the page size once belonged to the paginator itself
        fresh["pagination_strategy"] = {**strategy, "page_size": fresh["page_size"]}
    options = fresh.pop("request_options_provider", None)
    for key in _REQUEST_OPTIONS if isinstance(options, dict) else ():
        if options.get(key) and not fresh.get(key):
            fresh[key] = options[key]
    if "stream_slicer" in fresh:
        _split_slicer(fresh)
    return fresh


def _renew_type(fresh: dict[str, Json]) -> None:
    name = fresh.get("class_name")
    if isinstance(name, str) and name.startswith(_AIRBYTE_CLASS):
        # in the first versions every component was named by its Python class
        del fresh["class_name"]
        fresh["type"] = name.rpartition(".")[2]
    kind = fresh.get("type")
    if isinstance(kind, str) and kind in _NEW_TYPES:
        fresh["type"] = _NEW_TYPES[kind]


def _split_slicer(fresh: dict[str, Json]) -> None:
    """Replace a `stream_slicer`, which was the cursor and the partitions in one."""
    slicer = fresh.pop("stream_slicer")
    if not isinstance(slicer, dict):
        return
    parts = slicer.get("stream_slicers") if slicer.get("type") == "CartesianProduct" else [slicer]
    inherited = slicer.get(PARAMETERS)
    routers = []
    for part in parts or []:
        if not isinstance(part, dict):
            continue
        if inherited and part is not slicer:
            part = {**part, PARAMETERS: {**inherited, **(part.get(PARAMETERS) or {})}}
        if part.get("type") == "DatetimeBasedCursor":
            fresh.setdefault("incremental_sync", part)
        elif part.get("type") != "SinglePartitionRouter":
            routers.append(part)
    if routers and "partition_router" not in fresh:
        fresh["partition_router"] = routers if len(routers) > 1 else routers[0]


# -- parameters

_IMPLIED_TYPES = {
    "CompositeErrorHandler": {"error_handlers": "DefaultErrorHandler"},
    "CursorPagination": {"decoder": "JsonDecoder"},
    "DatetimeBasedCursor": {
        "end_datetime": "MinMaxDatetime", "end_time_option": "RequestOption",
        "start_datetime": "MinMaxDatetime", "start_time_option": "RequestOption",
    },
    "DeclarativeSource": {"check": "CheckStream", "spec": "Spec", "streams": "DeclarativeStream"},
    "DeclarativeStream": {"retriever": "SimpleRetriever", "schema_loader": "JsonFileSchemaLoader"},
    "DynamicDeclarativeStream": {"stream_template": "DeclarativeStream"},
    "HttpComponentsResolver": {
        "retriever": "SimpleRetriever", "components_mapping": "ComponentMappingDefinition",
    },
    "ConfigComponentsResolver": {
        "stream_config": "StreamConfig", "components_mapping": "ComponentMappingDefinition",
    },
    "DefaultErrorHandler": {"response_filters": "HttpResponseFilter"},
    "DefaultPaginator": {"decoder": "JsonDecoder", "page_size_option": "RequestOption"},
    "DpathExtractor": {"decoder": "JsonDecoder"},
    "HttpRequester": {"error_handler": "DefaultErrorHandler"},
    "ListPartitionRouter": {"request_option": "RequestOption"},
    "ParentStreamConfig": {"request_option": "RequestOption", "stream": "DeclarativeStream"},
    "RecordSelector": {"extractor": "DpathExtractor", "record_filter": "RecordFilter"},
    "SimpleRetriever": {
        "paginator": "NoPagination", "record_selector": "RecordSelector",
        "requester": "HttpRequester",
    },
    "SubstreamPartitionRouter": {"parent_stream_configs": "ParentStreamConfig"},
    "AddFields": {"fields": "AddedFieldDefinition"},
    "DynamicSchemaLoader": {"retriever": "SimpleRetriever"},
}  # fmt: skip
"""The type of a component without one, by the type that it stands in and its field."""


def pass_down(manifest: Mapping[str, Json]) -> dict[str, Json]:
    """Fill in implied types, and write `$parameters` into every component below them."""
    return _with_parameters(None, {"type": "DeclarativeSource", **manifest}, {})


def _with_parameters(
    implied: str | None, data: Mapping[str, Json], inherited: Mapping[str, Json]
) -> dict[str, Json]:
    component = dict(data)
    custom = "class_name" in component
    if implied and "type" not in component and not custom:
        component["type"] = implied
    own = component.pop(PARAMETERS, None)
    parameters = {**inherited, **(own if isinstance(own, dict) else {})}
    kind = component.get("type")
    if kind == "object" or isinstance(kind, list | dict):
        # a JSON Schema, not a component
        return component
    if kind is None and not custom:
        return {
            key: _with_parameters(None, value, parameters)
            if isinstance(value, dict) and value.get("type")
            else value
            for key, value in component.items()
        }
    for key, value in parameters.items():
        component[key] = component.get(key) or value
    for key, value in list(component.items()):
        if key in ("schema", "connection_specification") and isinstance(value, dict):
            continue
        below = {name: one for name, one in parameters.items() if name != key}
        if key == "stream_template" and isinstance(value, dict):
            # its parameters change before they are passed down
            component[key] = {**value, PARAMETERS: {**below, **value.get(PARAMETERS, {})}}
            continue
        inner = _IMPLIED_TYPES.get(str(kind), {}).get(key)
        if isinstance(value, dict):
            component[key] = _with_parameters(inner, value, below)
        elif isinstance(value, list):
            component[key] = [
                _with_parameters(inner, one, below) if isinstance(one, dict) else one
                for one in value
            ]
    if parameters:
        component[PARAMETERS] = parameters
    return component
