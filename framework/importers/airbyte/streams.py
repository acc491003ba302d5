"""A stream as a resource: its components translated one by one and put together."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from framework.importers.airbyte.components.component_registry import translate
from framework.importers.airbyte.components.datetime_cursors import (
    StreamCursor,
    in_windows,
    interval_terms,
    translate_cursor,
)
from framework.importers.airbyte.components.error_handlers import translate_error_handler
from framework.importers.airbyte.components.large_requests import (
    translate_limits_of_paging,
    without_unusable,
)
from framework.importers.airbyte.components.paginators import (
    Pagination,
    join_base_url,
    keep_one_page,
    token_of,
)
from framework.importers.airbyte.components.partition_routers import (
    FindParent,
    StreamPartitions,
    parent_fields,
    translate_partitions,
)
from framework.importers.airbyte.components.record_selectors import Steps, translate_selector
from framework.importers.airbyte.components.request_options import Injection, inject
from framework.importers.airbyte.components.requesters import StreamRequest, translate_requester
from framework.importers.airbyte.components.response_decoders import (
    items_path,
    null_texts,
    translate_decoder,
)
from framework.importers.airbyte.components.retrievers import (
    RetrieverParts,
    retriever_parts,
    translate_export,
)
from framework.importers.airbyte.components.schema_loaders import translate_schema
from framework.importers.airbyte.components.transformations import translate_steps
from framework.importers.airbyte.components.unsupported_fields import report_unsupported
from framework.importers.airbyte.import_context import NO_SLICE, ImportContext, StreamSlice
from framework.importers.airbyte.jinja import tree
from framework.importers.airbyte.jinja.printer import literal
from framework.importers.airbyte.manifest import Component

Json = Any

RENEWED = ("login", "oauth2_client_credentials", "oauth2_refresh_token", "oauth2_jwt")
"""Auths whose tokens are renewed."""


@dataclass(frozen=True)
class StreamResource:
    """A translated stream. `data` are the resource's keys without `endpoint`, `retry` the waits
    that its error handler declares."""

    name: str
    request: StreamRequest
    auth: dict[str, Json] | None
    data: dict[str, Json]
    endpoint: dict[str, Json]
    retry: dict[str, Json] = field(default_factory=dict)
    schema: dict[str, Json] | None = None
    slices: StreamSlice = NO_SLICE
    cursor: str = ""
    parents: tuple[str, ...] = ()
    table: str | None = None

    def reads_the_same(self, other: StreamResource) -> bool:
        """Return whether two translations of one stream read the same records."""
        return (
            (self.request.path, self.request.base_url, self.endpoint)
            == (other.request.path, other.request.base_url, other.endpoint)
        ) and all(
            self.data.get(key) == other.data.get(key) for key in ("partitions", "processing_steps")
        )


def translate_stream(
    context: ImportContext, stream: Component, name: str, folder: Path, find: FindParent
) -> StreamResource:
    """Return one stream as a resource. What has no counterpart becomes a remark."""
    retriever = stream.part("retriever", "SimpleRetriever") or Component({}, stream.at("retriever"))
    parts = retriever_parts(context, retriever)
    report_unsupported(context, stream)
    partitions = translate_partitions(context, retriever, find)
    incremental = next(
        (
            one
            for owner in (stream, retriever)
            if (one := owner.part("incremental_sync", "DatetimeBasedCursor"))
        ),
        None,
    )
    slices = partitions.slices.having(
        interval_terms(incremental, through_context=False),
        interval_terms(incremental, through_context=True),
    )
    paginator = retriever.part("paginator")
    inside = context.inside(slices=slices, token=token_of(paginator))
    if parts.requester is None:
        context.missing(retriever.place, "a stream without a request")
    requester = parts.requester or Component({}, retriever.at("requester"), "HttpRequester")
    request = translate_requester(inside, requester)
    address = [request.path, request.base_url]
    shrinks = bool(retriever.get("page_size_reduction"))
    pagination = translate(inside, "paginator", parts.paginator, Pagination(), shrinks)
    pagination = keep_one_page(
        inside, paginator, pagination, json.dumps([*address, request.endpoint])
    )
    pagination = join_base_url(pagination, request.base_url, request.path)
    errors = translate_error_handler(inside, requester.part("error_handler", "DefaultErrorHandler"))
    auth = translate(inside, "authenticator", requester.part("authenticator"))
    if errors.renew_on and auth and auth["type"] in RENEWED:
        auth = {**auth, "renew_on": list(errors.renew_on)}
    endpoint = {**request.endpoint}
    if auth and auth.get("location") == "body" and _in_form(requester):
        # a form of its own: the auth would make it JSON
        inject(endpoint, [Injection("data", [auth["name"]], auth["api_key"])])
        auth = None
    inject(endpoint, (*partitions.injections, *pagination.injections))
    if incremental is not None and incremental.get("clamping"):
        incremental = in_windows(incremental)
    cursor = translate_cursor(inside, incremental, json.dumps([request.path, endpoint]))
    inject(endpoint, cursor.injections)
    _add_response(inside, parts, endpoint)
    endpoint["paginator"] = pagination.paginator
    if parts.exports:
        endpoint["export"] = translate_export(inside, retriever)
    if cursor.incremental is not None:
        endpoint["incremental"] = cursor.incremental
    translate_limits_of_paging(inside, retriever, endpoint)
    actions = without_unusable(inside, requester.at("error_handler"), errors.actions, endpoint)
    if actions:
        endpoint["response_actions"] = actions
    requested = json.dumps([*address, endpoint, auth])
    draft = _Records(inside, stream, retriever, partitions)
    steps = draft.steps(requested, cursor, null_texts(parts.decoder))
    _report_conflicts(inside, requester, request, endpoint)
    partitions = draft.partitions
    data: dict[str, Json] = {}
    keys = _without_clock(inside, stream, _primary_key(inside, stream), steps)
    if keys:
        data["primary_key"] = keys[0] if len(keys) == 1 else keys
    listed = _named_partitions(inside, stream, partitions, json.dumps([*address, endpoint, steps]))
    if listed:
        data["partitions"] = listed
    if steps:
        data["processing_steps"] = steps
    return StreamResource(
        name=name,
        request=request,
        auth=auth,
        data=data,
        endpoint=endpoint,
        retry=errors.retry,
        schema=translate_schema(inside, stream, folder),
        slices=slices,
        cursor=str(cursor.incremental["cursor_path"]) if cursor.incremental else "",
        parents=partitions.parents,
    )


def _in_form(requester: Component) -> bool:
    """Return whether a key goes into a form."""
    authenticator = requester.part("authenticator")
    option = authenticator.part("inject_into") if authenticator else None
    return option is not None and option.get("inject_into") == "body_data"


def _add_response(context: ImportContext, parts: RetrieverParts, endpoint: dict[str, Json]) -> None:
    selector = translate_selector(context, parts.selector)
    if selector == "@":
        selector = items_path(parts.decoder) or selector
    endpoint["data_selector"] = selector
    response_format = translate_decoder(context, parts.decoder)
    if response_format is not None:
        endpoint["response_format"] = response_format


def _report_conflicts(
    context: ImportContext, requester: Component, request: StreamRequest, endpoint: dict[str, Json]
) -> None:
    if "json" in endpoint and "data" in endpoint:
        context.missing(requester.place, "a body that is JSON and a form at once")
        del endpoint["data"]
    paginator = endpoint["paginator"]
    linked = isinstance(paginator, dict) and "link" in paginator["type"]
    if linked and "{paginator." in json.dumps([request.path, endpoint]):
        context.missing(requester.place, "the next page's address inside of a request")


@dataclass
class _Records:
    """What happens to a stream's records, and the partitions that this leaves."""

    context: ImportContext
    stream: Component
    retriever: Component
    partitions: StreamPartitions

    def steps(self, requested: str, cursor: StreamCursor, nulls: list[str]) -> Steps:
        """Return the processing steps. `requested` is the text of all that is requested."""
        context, parent = self.context, self.partitions.parent
        unnamed = parent is not None and not re.search(rf"resources\.{parent[0]}\b", requested)
        own = self.partitions
        if parent is not None and unnamed:
            own = own.without_parent()
            record = own.slices.record[parent[2]]
            context = context.inside(slices=context.slices.having({}, {parent[2]: record}))
        steps = translate_steps(context, self.stream, self.retriever)
        if nulls:
            pairs = f"items(@)[*].[[0], if(contains({literal(nulls)}, [1]), `null`, [1])]"
            steps = [{"map": f"from_items({pairs})"}, *steps]
        if cursor.filter:
            steps.append({"filter": cursor.filter})
        if cursor.incremental is None:
            steps = self._without(
                steps, "context().incremental.", "a window's times in records of a list without one"
            )
        if parent is not None and unnamed:
            steps = self._once(steps, own, parent[0])
        return steps

    def _once(self, steps: Steps, own: StreamPartitions, parent: str) -> Steps:
        """A parent that no request names: Airbyte repeats the request for each of its records.

        Records that hold the parent's field are read once for each; others are read once.
        """
        used = f"context().partition.{own.partitions[-1]['name']}" in json.dumps(steps)
        self.partitions = own if used else replace(self.partitions, parent=None)
        if not used:
            reason = f"Airbyte repeats its request for each record of {parent}; once here"
            self.context.note(self.stream.place, reason)
        return self._without(
            steps, "context().parent", f"fields of {parent}, which no request names"
        )

    def _without(self, steps: Steps, path: str, reason: str) -> Steps:
        """Leave out the steps that name a path."""
        remaining = [step for step in steps if path not in json.dumps(step)]
        if len(remaining) < len(steps):
            self.context.missing(self.stream.place, reason)
        return remaining


def _named_partitions(
    context: ImportContext, stream: Component, partitions: StreamPartitions, named: str
) -> list[dict[str, Json]]:
    """Leave out a list of values that nothing names: it repeats the same request."""
    listed = []
    for one in partitions.partitions:
        if f"partition.{one['name']}" in named or any(parent_fields([one])):
            listed.append(one)
        else:
            reason = f"Airbyte repeats each request for every {one['name']}; once here"
            context.note(stream.place, reason)
    return listed


def _without_clock(
    context: ImportContext, stream: Component, keys: list[str], steps: Steps
) -> list[str]:
    """Return no key if it has a field that Airbyte makes anew for each record, by the clock or at
    random: no two records are the same there."""
    made = {
        name.replace(".", "__"): str(value)
        for step in steps
        for name, value in (step.get("set") or {}).items()
    }
    values = [made.get(key, "") for key in keys]
    timed = ["uuid()" in one or "context().now" in one for one in values]
    plain = f"format_time(context().now, '{tree.PYTHON_TIME.constant}')"
    by_record = [one == plain or "format_time(" not in one for one in values]
    if not any(map(all, zip(timed, by_record, strict=True))) and not all([*timed, bool(keys)]):
        return keys
    listed = ", ".join(key for key, is_timed in zip(keys, timed, strict=True) if is_timed)
    context.note(
        stream.at("primary_key"),
        f"its primary key has {listed}, which is new for each record in Airbyte: no two records "
        "are the same, so there is no key here",
    )
    return []


def _primary_key(context: ImportContext, stream: Component) -> list[str]:
    """Return the key's fields as column names, in which nested keys are joined by `__`."""
    fields = stream.get("primary_key", [])
    scope = context.request_scope(stream)
    fields = fields if isinstance(fields, list) else [fields]
    names = context.translate(fields, scope, stream.at("primary_key"))
    keys = ["__".join(map(str, one)) if isinstance(one, list) else str(one) for one in names]
    return [key.replace(".", "__") for key in keys if key and "{" not in key]
