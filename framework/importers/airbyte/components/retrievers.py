"""Retrievers: the parts that an endpoint is made of, and asynchronous ones as `export`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from framework.importers.airbyte.components.component_registry import (
    REGISTRY,
    component,
    report_unknown,
)
from framework.importers.airbyte.components.requesters import StreamRequest, translate_requester
from framework.importers.airbyte.import_context import ImportContext
from framework.importers.airbyte.jinja.printer import dotted, to_jmespath
from framework.importers.airbyte.jinja.scope import Keys, Lookup, variable
from framework.importers.airbyte.jinja.tree import (
    Term,
    Untranslatable,
    apply,
    at,
    compare,
    constant,
)
from framework.importers.airbyte.manifest import Component

Json = Any


@dataclass(frozen=True)
class RetrieverParts:
    """The parts of a retriever that an endpoint is made of."""

    requester: Component | None
    paginator: Component | None
    selector: Component | None
    decoder: Component | None
    exports: bool = False


def retriever_parts(context: ImportContext, retriever: Component) -> RetrieverParts:
    """Return the parts of a retriever. One of an unknown type is read by its declared fields."""
    handler = REGISTRY["retriever"].get(retriever.type)
    if handler is None or retriever.custom:
        report_unknown(context, "retriever", retriever, "; its declared fields are imported")
    parts: RetrieverParts = (handler or _simple)(retriever)
    return parts


@component("retriever", "SimpleRetriever", "")
def _simple(retriever: Component) -> RetrieverParts:
    selector = retriever.part("record_selector", "RecordSelector")
    requester = retriever.part("requester", "HttpRequester")
    # versions of the language have put the decoder in different places
    owners = (retriever, selector and selector.part("extractor"), requester)
    decoders = [owner.part("decoder") for owner in owners if owner]
    decoder = next((one for one in decoders if one is not None and one.type), None)
    return RetrieverParts(requester, retriever.part("paginator"), selector, decoder)


@component("retriever", "AsyncRetriever")
def _asynchronous(retriever: Component) -> RetrieverParts:
    selector = retriever.part("record_selector", "RecordSelector")
    extractor = retriever.data.get("download_extractor")
    if extractor:
        # the downloaded file has an extractor of its own
        selector = Component({"extractor": extractor}, retriever.place, "RecordSelector")
    requester = retriever.part("creation_requester", "HttpRequester")
    decoder = retriever.part("download_decoder")
    return RetrieverParts(requester, None, selector, decoder, exports=True)


def translate_export(context: ImportContext, retriever: Component) -> dict[str, Json]:
    """Return the `export` of an AsyncRetriever; its creation request is the endpoint's own."""
    target = _keys(retriever, "download_target_extractor")
    names = {
        "creation_response": _body("job"),
        "create_job_response": _body("job"),
        "polling_response": _body("response"),
        "download_target": variable("response", *target),
    }
    inside = context.inside(request_names={**context.request_names, **names})
    export: dict[str, Json] = {}
    polling = retriever.part("polling_requester", "HttpRequester")
    if polling is not None:
        request = translate_requester(inside, polling)
        export["status"] = {**_address(request), **request.endpoint}
    status = _keys(retriever, "status_extractor")
    mapping = retriever.part("status_mapping")
    for key, states in (("ready", ("completed",)), ("failed", ("failed", "timeout"))):
        values = [one for state in states if mapping for one in mapping.get(state, [])]
        if values:
            export[key] = _is_among(status, values)
    timeout = retriever.get("polling_job_timeout")
    if isinstance(timeout, int):
        export["timeout"] = f"PT{timeout}M"
    download = retriever.part("download_requester", "HttpRequester")
    export["download"] = {"url": f"{{response.{dotted(target)}}}"}
    if download is not None:
        request = translate_requester(inside, download)
        address = {key: url.rstrip("/") for key, url in _address(request).items()}
        export["download"] = {**request.endpoint, **address}
    paginator = retriever.part("download_paginator")
    if paginator is not None and paginator.type == "DefaultPaginator":
        context.missing(paginator.place, "pages of a download")
    return export


def _address(request: StreamRequest) -> dict[str, str]:
    """Return a URL, or a path below the client's base URL."""
    if request.base_url and "://" not in request.path:
        return {"url": f"{request.base_url.rstrip('/')}/{request.path.lstrip('/')}"}
    return {"url" if request.path.startswith("{response.") else "path": request.path}


def _body(root: str) -> Lookup:
    """Return a response of a job: its body, which Airbyte's templates see with the headers and the
    request beside its fields."""
    fields = variable(root)

    def lookup(keys: Keys) -> tuple[Term, int]:
        if keys[:1] in (("headers",), ("request",)):
            raise Untranslatable(f"the {keys[0]} of a job's response")
        return fields(keys)

    return lookup


def _keys(retriever: Component, key: str) -> list[str]:
    extractor = retriever.part(key, "DpathExtractor")
    return extractor.names("field_path") if extractor is not None else []


def _is_among(path: list[str], values: list[Json]) -> str:
    status = at("", *path)
    if len(values) == 1:
        return to_jmespath(compare(status, "==", constant(values[0])))
    return to_jmespath(apply("contains", constant(values), status))
