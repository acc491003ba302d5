"""Asynchronous retrievers as `export`: create a job, ask for its state, download."""

from __future__ import annotations

from typing import Any

from framework.importers.airbyte.importing import Importing
from framework.importers.airbyte.manifest import Component
from framework.importers.airbyte.requests import Request, translate_request
from framework.importers.airbyte.scope import Lookup, at
from framework.importers.airbyte.terms import constant, dotted

Json = Any


def translate_export(importing: Importing, retriever: Component) -> dict[str, Json]:
    """The `export` of an AsyncRetriever; its creation request is the endpoint's own."""
    job = _job_names()
    inside = importing.inside(sent_names={**importing.sent_names, **job})
    found: dict[str, Json] = {}
    polling = retriever.part("polling_requester", "HttpRequester")
    if polling is not None:
        found["status"] = _asked(translate_request(inside, polling))
    status = _path(retriever, "status_extractor")
    mapping = retriever.part("status_mapping")
    for key, name in (("ready", "completed"), ("failed", "failed")):
        values = list(mapping.get(name, [])) if mapping else []
        if name == "failed" and mapping:
            values += list(mapping.get("timeout", []))
        if values:
            found[key] = _among(status, values)
    timeout = retriever.get("polling_job_timeout")
    if isinstance(timeout, int):
        found["timeout"] = f"PT{timeout}M"
    found["download"] = _download(inside, retriever)
    if retriever.get("download_paginator") and retriever.part("download_paginator"):
        part = retriever.part("download_paginator")
        if part is not None and part.type == "DefaultPaginator":
            importing.remarks.missing(part.place, "pages of a download")
    return found


def _job_names() -> dict[str, Lookup]:
    return {
        "creation_response": at("job"),
        "polling_response": at("response"),
        "download_target": at("download_target"),
        "create_job_response": at("job"),
    }


def _asked(request: Request) -> dict[str, Json]:
    path = request.path
    where = {"path": path}
    if request.base_url and "://" not in path:
        where = {"url": f"{request.base_url.rstrip('/')}/{path.lstrip('/')}"}
    return {**where, **request.endpoint}


def _download(importing: Importing, retriever: Component) -> dict[str, Json]:
    requester = retriever.part("download_requester", "HttpRequester")
    target = _path(retriever, "download_target_extractor")
    if requester is None:
        return {"url": f"{{response.{target}}}"}
    request = translate_request(importing, requester)
    asked = _asked(request)
    url = str(asked.get("url") or asked.get("path") or "")
    key = "url" if "url" in asked or "download_target" in url else "path"
    asked.pop("path", None)
    asked[key] = url.rstrip("/").replace("{download_target}", f"{{response.{target}}}")
    return asked


def _path(retriever: Component, key: str) -> str:
    extractor = retriever.part(key, "DpathExtractor")
    keys = extractor.get("field_path", []) if extractor is not None else []
    return dotted([str(one) for one in keys])


def _among(path: str, values: list[Json]) -> str:
    if len(values) == 1:
        return f"{path} == {constant(values[0]).text}"
    return f"contains({constant(values).text}, {path})"
