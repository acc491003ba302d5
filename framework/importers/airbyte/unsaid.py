"""Words of the manifest's language that no other translator reads, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterator

from framework.importers.airbyte.importing import Importing
from framework.importers.airbyte.manifest import Component

_MISSING = {
    ("DeclarativeStream", "file_uploader"): "files that are fetched beside the records",
    ("SimpleRetriever", "pagination_reset"): "paging that begins anew",
    ("SimpleRetriever", "page_size_reduction"): "pages that get smaller after an error",
    ("SimpleRetriever", "request_window_splitting"): "windows that get smaller after an error",
    (
        "AsyncRetriever",
        "download_target_requester",
    ): "an extra request for a file's address",
}
_OTHERWISE = {
    ("SimpleRetriever", "ignore_stream_slicer_parameters_on_paginated_requests"): (
        "the original leaves the partition's parameters out of later pages; here they are sent"
    ),
    ("ParentStreamConfig", "lazy_read_pointer"): (
        "the original takes the first page out of the parent's record; here it is asked for"
    ),
    ("CombinedExtractor", "skip_empty_records"): "empty records are not left out",
    ("AsyncRetriever", "abort_requester"): "an export that takes too long is not called off",
    ("AsyncRetriever", "delete_requester"): "an export is not deleted when it was read",
    ("AsyncJobStatusMap", "skipped"): "an export in a state that is skipped is waited for",
    ("HttpRequester", "connect_timeout_in_seconds"): "here `client.timeout` says how long to wait",
    ("HttpRequester", "read_timeout_in_seconds"): "here `client.timeout` says how long to wait",
}


def say_unsaid(importing: Importing, stream: Component) -> None:
    """Remarks for all in a stream that has no counterpart and is read by nobody."""
    for component in _components(stream):
        for key in component.data:
            word = (component.type, key)
            if not component.data[key] or key in component.parameters:
                continue
            if word in _MISSING:
                importing.remarks.missing(component.at(key), _MISSING[word])
            elif word in _OTHERWISE:
                importing.remarks.note(component.at(key), _OTHERWISE[word])
        selector = component.part("record_selector", "RecordSelector")
        if selector is not None and selector.type != "RecordSelector":
            importing.remarks.missing(
                selector.place, f"the records are chosen by a {selector.type}"
            )
        normal = component.part("schema_normalization")
        if normal is not None:
            importing.remarks.missing(normal.place, "values are cast by a Python class of its own")


def _components(component: Component) -> Iterator[Component]:
    """A component and all below it, but for the streams and schemas that it reads from."""
    yield component
    for key in component.data:
        if key in ("stream", "schema", "schema_loader", "$parameters"):
            continue
        for part in component.parts(key):
            if part.type or part.custom:
                yield from _components(part)
