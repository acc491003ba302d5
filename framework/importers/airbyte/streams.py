"""A stream as a resource: the parts translated one by one and put together."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from framework.importers.airbyte.auth import translate_auth
from framework.importers.airbyte.cursors import Cursor, interval_terms, translate_cursor
from framework.importers.airbyte.decoding import items_path, nothings, translate_decoder
from framework.importers.airbyte.errors import Errors, translate_errors
from framework.importers.airbyte.exports import translate_export
from framework.importers.airbyte.importing import NO_SLICE, Importing, Slice
from framework.importers.airbyte.inputs import free_name
from framework.importers.airbyte.manifest import Component
from framework.importers.airbyte.options import put
from framework.importers.airbyte.paging import Paging, place_puts, token_of, told, translate_paging
from framework.importers.airbyte.partitions import FindParent, Partitioned, translate_partitions
from framework.importers.airbyte.records import translate_selector, translate_steps
from framework.importers.airbyte.requests import Request, translate_request
from framework.importers.airbyte.schemas import translate_schema
from framework.importers.airbyte.terms import constant
from framework.importers.airbyte.unsaid import say_unsaid

Json = Any


@dataclass(frozen=True)
class Resource:
    """A translated stream before what all have in common is taken out. `data` are the resource's
    keys without `endpoint`, `retry` the waits that its error handler asks for."""

    name: str
    request: Request
    auth: dict[str, Json] | None
    data: dict[str, Json]
    endpoint: dict[str, Json]
    retry: dict[str, Json] = field(default_factory=dict)
    schema: dict[str, Json] | None = None
    slices: Slice = NO_SLICE
    cursor: str = ""
    parents: tuple[str, ...] = ()
    table: str | None = None


def translate_stream(
    importing: Importing, stream: Component, name: str, folder: Path, find: FindParent
) -> Resource:
    """One stream under its name of ours. What has no counterpart becomes a remark."""
    retriever = stream.part("retriever", "SimpleRetriever") or Component({}, stream.at("retriever"))
    if retriever.custom:
        importing.remarks.missing(
            retriever.place, "the retriever is a Python class of its own; what it says is kept"
        )
    if retriever.type not in ("SimpleRetriever", "AsyncRetriever", "") and not retriever.custom:
        importing.remarks.missing(retriever.place, f"the retriever is a {retriever.type}")
    say_unsaid(importing, stream)
    partitioned = translate_partitions(importing, retriever, find)
    incremental = stream.part("incremental_sync", "DatetimeBasedCursor") or retriever.part(
        "incremental_sync", "DatetimeBasedCursor"
    )
    slices = partitioned.slices.having(
        interval_terms(incremental, ""), interval_terms(incremental, "context().")
    )
    paginator = retriever.part("paginator")
    exporting = retriever.type == "AsyncRetriever"
    inside = importing.inside(slices=slices, token=token_of(paginator))
    requester = retriever.part("creation_requester" if exporting else "requester", "HttpRequester")
    if requester is None:
        importing.remarks.missing(retriever.place, "a stream without a request")
    requester = requester or Component({}, retriever.at("requester"), "HttpRequester")
    request = translate_request(inside, requester)
    paging = translate_paging(inside, None if exporting else paginator)
    sent = json.dumps([request.path, request.base_url, request.endpoint])
    paging = told(inside, paginator, paging, sent)
    errors = translate_errors(inside, requester.part("error_handler", "DefaultErrorHandler"))
    authenticator = requester.part("authenticator")
    auth = translate_auth(inside, authenticator) if authenticator is not None else None
    endpoint = {**request.endpoint}
    _put_all(endpoint, partitioned, paging)
    cursor = translate_cursor(inside, incremental, json.dumps([request.path, endpoint]))
    for part, way, value in cursor.puts:
        put(endpoint, part, way, value)
    selecting = retriever.part("record_selector", "RecordSelector")
    if exporting and (extractor := retriever.data.get("download_extractor")):
        # the file of an export has an extractor of its own
        selecting = Component({"extractor": extractor}, retriever.place, "RecordSelector")
    selector = translate_selector(inside, selecting)
    _answers(inside, retriever, endpoint, paging, selector, exporting)
    if cursor.incremental is not None:
        endpoint["incremental"] = cursor.incremental
    if errors.actions:
        endpoint["response_actions"] = [dict(action) for action in errors.actions]
    steps = translate_steps(inside, stream, retriever)
    nothing = nothings(_decoder(retriever, exporting))
    if nothing:
        pairs = f"items(@)[*].[[0], if(contains({constant(nothing).text}, [1]), `null`, [1])]"
        steps = [{"map": f"from_items({pairs})"}, *steps]
    if cursor.filter:
        steps = [*steps, {"filter": cursor.filter}]
    if cursor.incremental is None and "context().incremental." in json.dumps(steps):
        inside.remarks.missing(stream.place, "a window's times in the records of a list without")
        steps = _without(steps, "context().incremental.")
    if "json" in endpoint and "data" in endpoint:
        inside.remarks.missing(requester.place, "a body that is JSON and a form at once")
        del endpoint["data"]
    if endpoint["paginator"] != "single_page" and "link" in endpoint["paginator"]["type"]:
        written = json.dumps([request.path, endpoint])
        if "{paginator." in written:
            inside.remarks.missing(requester.place, "the next page's address inside of a request")
    asked = json.dumps([request.path, request.base_url, endpoint, auth])
    if partitioned.parent and not re.search(rf"resources\.{partitioned.parent[0]}\b", asked):
        partitioned, steps = _unasked(inside, stream, partitioned, steps)
    data = _data(inside, stream, partitioned, cursor, steps)
    _named(inside, stream, data, json.dumps([request.path, request.base_url, endpoint, steps]))
    return Resource(
        name=name,
        request=request,
        auth=auth,
        data=data,
        endpoint=endpoint,
        retry=_retry(errors),
        schema=translate_schema(inside, stream, folder),
        slices=slices,
        cursor=str(cursor.incremental["cursor_path"]) if cursor.incremental else "",
        parents=_parents(partitioned),
    )


def _retry(errors: Errors) -> dict[str, Json]:
    return errors.retry


def _put_all(endpoint: dict[str, Json], partitioned: Partitioned, paging: Paging) -> None:
    for part, way, value in partitioned.puts:
        put(endpoint, part, way, value)
    place_puts(endpoint, paging)


def _answers(
    importing: Importing,
    retriever: Component,
    endpoint: dict[str, Json],
    paging: Paging,
    selector: str,
    exporting: bool,
) -> None:
    decoder = _decoder(retriever, exporting)
    endpoint["data_selector"] = selector
    if selector == "@" and (path := items_path(decoder)):
        endpoint["data_selector"] = path
    endpoint["paginator"] = paging.paginator
    response_format = translate_decoder(importing, decoder)
    if response_format is not None:
        endpoint["response_format"] = response_format
    if exporting:
        endpoint["export"] = translate_export(importing, retriever)


def _decoder(retriever: Component, exporting: bool) -> Component | None:
    """Where versions of the language have put the decoder."""
    if exporting:
        return retriever.part("download_decoder")
    selector = retriever.part("record_selector")
    extractor = selector.part("extractor") if selector else None
    requester = retriever.part("requester")
    for owner in (retriever, extractor, requester):
        found = owner.part("decoder") if owner else None
        if found is not None and found.type:
            return found
    return None


def _data(
    importing: Importing,
    stream: Component,
    partitioned: Partitioned,
    cursor: Cursor,
    steps: list[dict[str, Json]],
) -> dict[str, Json]:
    data: dict[str, Json] = {}
    keys = primary_key(importing, stream)
    if keys:
        data["primary_key"] = keys[0] if len(keys) == 1 else keys
    if partitioned.partitions:
        data["partitions"] = list(partitioned.partitions)
    if steps:
        data["processing_steps"] = steps
    del cursor
    return data


def _named(importing: Importing, stream: Component, data: dict[str, Json], uses: str) -> None:
    """A list of values that no request names repeats the same request: it is left out."""
    for one in list(data.get("partitions", [])):
        if f"partition.{one['name']}" not in uses and "resource" not in one:
            data["partitions"].remove(one)
            importing.remarks.note(
                stream.place,
                f"the original repeats each request for every {one['name']}; once here",
            )
    if not data.get("partitions", True):
        del data["partitions"]


def primary_key(importing: Importing, stream: Component) -> list[str]:
    """The key's fields as column names; a nested one's parts are joined as columns are."""
    written = stream.get("primary_key", [])
    found = importing.text(
        written if isinstance(written, list) else [written],
        importing.sent(stream),
        stream.at("primary_key"),
    )
    keys = ["__".join(map(str, one)) if isinstance(one, list) else str(one) for one in found]
    return [key.replace(".", "__") for key in keys if key and "{" not in key]


def _parents(partitioned: Partitioned) -> tuple[str, ...]:
    found = [partitioned.parent[0]] if partitioned.parent else []
    found += [str(one["resource"]) for one in partitioned.partitions if "resource" in one]
    return tuple(found)


def _unasked(
    importing: Importing,
    stream: Component,
    partitioned: Partitioned,
    steps: list[dict[str, Json]],
) -> tuple[Partitioned, list[dict[str, Json]]]:
    """A parent that no request names: the original repeats the same request for each of its
    records. Where its records are written with the parent's field, so they are here."""
    assert partitioned.parent is not None
    parent, path = partitioned.parent
    text = json.dumps(steps)
    own = json.dumps(f"context().parent.{path}" if path != "@" else "context().parent")[1:-1]
    partitions = partitioned.partitions
    if own in text:
        name = free_name((parent,), {one["name"] for one in partitions})
        partitions = (*partitions, {"name": name, "resource": parent, "field": path})
        steps = json.loads(text.replace(own, f"context().partition.{name}"))
    else:
        importing.remarks.note(
            stream.place, f"the original repeats its request for each record of {parent}; once here"
        )
    if "context().parent" in json.dumps(steps):
        importing.remarks.missing(stream.place, f"fields of {parent}, which no request names")
        steps = _without(steps, "context().parent")
    return replace(partitioned, parent=None, partitions=partitions), steps


def _without(steps: list[dict[str, Json]], text: str) -> list[dict[str, Json]]:
    """The steps but for those in which the text stands."""
    return [step for step in steps if text not in json.dumps(step)]


def found_data(resource: Resource) -> Mapping[str, Json]:
    """What tells two translations of one stream apart."""
    return {
        "path": resource.request.path,
        "base_url": resource.request.base_url,
        "endpoint": resource.endpoint,
        "partitions": resource.data.get("partitions"),
        "processing_steps": resource.data.get("processing_steps"),
    }
