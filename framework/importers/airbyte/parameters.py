"""`$parameters` handed down: each component below gets them, its own fields come first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = Any

KEY = "$parameters"

IMPLIED = {
    "CompositeErrorHandler.error_handlers": "DefaultErrorHandler",
    "CursorPagination.decoder": "JsonDecoder",
    "DatetimeBasedCursor.end_datetime": "MinMaxDatetime",
    "DatetimeBasedCursor.end_time_option": "RequestOption",
    "DatetimeBasedCursor.start_datetime": "MinMaxDatetime",
    "DatetimeBasedCursor.start_time_option": "RequestOption",
    "DeclarativeSource.check": "CheckStream",
    "DeclarativeSource.spec": "Spec",
    "DeclarativeSource.streams": "DeclarativeStream",
    "DeclarativeStream.retriever": "SimpleRetriever",
    "DeclarativeStream.schema_loader": "JsonFileSchemaLoader",
    "DynamicDeclarativeStream.stream_template": "DeclarativeStream",
    "HttpComponentsResolver.retriever": "SimpleRetriever",
    "HttpComponentsResolver.components_mapping": "ComponentMappingDefinition",
    "ConfigComponentsResolver.stream_config": "StreamConfig",
    "ConfigComponentsResolver.components_mapping": "ComponentMappingDefinition",
    "DefaultErrorHandler.response_filters": "HttpResponseFilter",
    "DefaultPaginator.decoder": "JsonDecoder",
    "DefaultPaginator.page_size_option": "RequestOption",
    "DpathExtractor.decoder": "JsonDecoder",
    "HttpRequester.error_handler": "DefaultErrorHandler",
    "ListPartitionRouter.request_option": "RequestOption",
    "ParentStreamConfig.request_option": "RequestOption",
    "ParentStreamConfig.stream": "DeclarativeStream",
    "RecordSelector.extractor": "DpathExtractor",
    "RecordSelector.record_filter": "RecordFilter",
    "SimpleRetriever.paginator": "NoPagination",
    "SimpleRetriever.record_selector": "RecordSelector",
    "SimpleRetriever.requester": "HttpRequester",
    "SubstreamPartitionRouter.parent_stream_configs": "ParentStreamConfig",
    "AddFields.fields": "AddedFieldDefinition",
    "DynamicSchemaLoader.retriever": "SimpleRetriever",
}
"""The type of a component that does not say it, by the place where it stands."""


def handed_down(manifest: Mapping[str, Json]) -> dict[str, Json]:
    """The manifest with types filled in and parameters written into every component."""
    return _component("", {"type": "DeclarativeSource", **manifest}, {})


def _component(
    place: str, written: Mapping[str, Json], inherited: Mapping[str, Json]
) -> dict[str, Json]:
    component = dict(written)
    if "type" not in component and "class_name" not in component and place in IMPLIED:
        component["type"] = IMPLIED[place]
    own = component.pop(KEY, None)
    parameters = {**inherited, **(own if isinstance(own, dict) else {})}
    kind = component.get("type")
    if kind == "object" or isinstance(kind, list | dict):
        # a JSON Schema, no component
        return component
    if kind is None and "class_name" not in component:
        return {
            key: _component(place, value, parameters)
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
        where = f"{kind}.{key}"
        if isinstance(value, dict):
            component[key] = _component(where, value, below)
        elif isinstance(value, list):
            component[key] = [
                _component(where, one, below) if isinstance(one, dict) else one for one in value
            ]
    if parameters:
        component[KEY] = parameters
    return component
