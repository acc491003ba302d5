"""Old spellings of the manifest's own language in today's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = Any

_TYPES = {
    "ListStreamSlicer": "ListPartitionRouter",
    "SubstreamSlicer": "SubstreamPartitionRouter",
    "DatetimeStreamSlicer": "DatetimeBasedCursor",
    "CartesianProductStreamSlicer": "CartesianProduct",
    "SingleSlice": "SinglePartitionRouter",
    "LimitPaginator": "DefaultPaginator",
    "CursorPaginationStrategy": "CursorPagination",
    "JsonSchema": "JsonFileSchemaLoader",
    "JsonFileSchemaLoader": "JsonFileSchemaLoader",
    "InterpolatedRequestOptionsProvider": "InterpolatedRequestOptionsProvider",
}
_KEYS = {
    "$options": "$parameters",
    "pass_by": "inject_into",
    "field_pointer": "field_path",
    "limit_option": "page_size_option",
    "stream_slice_field": "partition_field",
    "slice_values": "values",
    "stream_slice_field_start": "partition_field_start",
    "stream_slice_field_end": "partition_field_end",
    "backoff_strategy": "backoff_strategies",
}
_OURS = "airbyte_cdk.sources.declarative."
_NOT_COMPONENTS = ("schema", "schemas", "connection_specification", "metadata")


def renewed(node: Json) -> Json:
    """The same data in today's words, at every depth outside schemas."""
    if isinstance(node, list):
        return [renewed(one) for one in node]
    if not isinstance(node, dict):
        return node
    fresh: dict[str, Json] = {}
    for key, value in node.items():
        name = _KEYS.get(str(key), str(key))
        fresh[name] = value if key in _NOT_COMPONENTS else renewed(value)
    return _component(fresh)


def _component(fresh: dict[str, Json]) -> dict[str, Json]:
    class_name = fresh.get("class_name")
    if isinstance(class_name, str) and class_name.startswith(_OURS):
        # in the first versions every component was named by its Python class
        fresh = {key: value for key, value in fresh.items() if key != "class_name"}
        fresh["type"] = class_name.rpartition(".")[2]
    kind = fresh.get("type")
    if isinstance(kind, str) and kind in _TYPES:
        fresh["type"] = _TYPES[kind]
    strategy = fresh.get("pagination_strategy")
    if fresh.get("page_size") and isinstance(strategy, dict) and not strategy.get("page_size"):
        # the paginator itself once said how large a page is
        fresh["pagination_strategy"] = {**strategy, "page_size": fresh["page_size"]}
    if fresh.get("type") in ("BackoffStrategy",):
        fresh["type"] = "ExponentialBackoffStrategy"
    options = fresh.pop("request_options_provider", None)
    if isinstance(options, Mapping):
        for key in ("request_parameters", "request_headers", "request_body_data"):
            if options.get(key) and not fresh.get(key):
                fresh[key] = options[key]
        if options.get("request_body_json") and not fresh.get("request_body_json"):
            fresh["request_body_json"] = options["request_body_json"]
    if "stream_slicer" in fresh:
        _slicer(fresh)
    return fresh


def _slicer(fresh: dict[str, Json]) -> None:
    """`stream_slicer` was the cursor and the partitions in one."""
    slicer = fresh.pop("stream_slicer")
    if not isinstance(slicer, dict):
        return
    parts = slicer.get("stream_slicers") if slicer.get("type") == "CartesianProduct" else [slicer]
    inherited = slicer.get("$parameters")
    routers = []
    for part in parts or []:
        if not isinstance(part, dict):
            continue
        if inherited and part is not slicer:
            part = {**part, "$parameters": {**inherited, **(part.get("$parameters") or {})}}
        if part.get("type") == "DatetimeBasedCursor":
            fresh.setdefault("incremental_sync", part)
        elif part.get("type") != "SinglePartitionRouter":
            routers.append(part)
    if routers and "partition_router" not in fresh:
        fresh["partition_router"] = routers if len(routers) > 1 else routers[0]
