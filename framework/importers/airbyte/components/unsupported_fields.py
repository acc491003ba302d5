"""Fields of components that no translator reads, and the remark on each."""

from __future__ import annotations

from collections.abc import Iterator

from framework.importers.airbyte.components.component_registry import report_unknown
from framework.importers.airbyte.import_context import ImportContext
from framework.importers.airbyte.manifest import Component

_MISSING = {
    ("DeclarativeStream", "file_uploader"): "files that are fetched beside the records",
    ("AsyncRetriever", "download_target_requester"): "an extra request for a file's address",
}
_NOTES = {
    ("SimpleRetriever", "ignore_stream_slicer_parameters_on_paginated_requests"): (
        "Airbyte leaves the partition's parameters out of later pages; here they are sent"
    ),
    ("ParentStreamConfig", "lazy_read_pointer"): (
        "Airbyte reads the first page from the parent's record; here it is requested"
    ),
    ("CombinedExtractor", "skip_empty_records"): "empty records are not left out",
    ("AsyncRetriever", "abort_requester"): "an export that takes too long is not cancelled",
    ("AsyncRetriever", "delete_requester"): "an export is not deleted after it was read",
    ("AsyncJobStatusMap", "skipped"): "an export in a state that is skipped is waited for",
    ("HttpRequester", "connect_timeout_in_seconds"): "here `client.timeout` sets how long to wait",
    ("HttpRequester", "read_timeout_in_seconds"): "here `client.timeout` sets how long to wait",
}


def report_unsupported(context: ImportContext, stream: Component) -> None:
    """Report every field in a stream that has no counterpart and no translator."""
    for part in _components(stream):
        for key, value in part.data.items():
            field = (part.type, key)
            if not value or key in part.parameters:
                continue
            if field in _MISSING:
                context.missing(part.at(key), _MISSING[field])
            elif field in _NOTES:
                context.note(part.at(key), _NOTES[field])
        selector = part.part("record_selector", "RecordSelector")
        if selector is not None and selector.type != "RecordSelector":
            report_unknown(context, "record_selector", selector)
        normalization = part.part("schema_normalization")
        if normalization is not None:
            context.missing(normalization.place, "values are cast by a Python class of its own")


def _components(part: Component) -> Iterator[Component]:
    """Yield a component and all below it, except for the streams and schemas that it reads."""
    yield part
    for key in part.data:
        if key not in ("stream", "schema", "schema_loader", "$parameters"):
            for below in part.parts(key):
                if below.type or below.custom:
                    yield from _components(below)
