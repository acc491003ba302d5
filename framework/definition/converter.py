"""A draft without errors, turned into the `Connector` that a source is built from.

Shorthands are written out and expressions compiled. Only called once every check is silent, so
the shapes are taken as given.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from framework.definition.annotations import (
    client_expressions,
    context_reads,
    cursors,
    resource_expressions,
    resource_texts,
    text_reaches,
)
from framework.definition.defaults import MergedResource, bind_path, columns_by_name
from framework.definition.durations import Period, parse_duration, parse_period
from framework.definition.expressions.jmespath_expression import Expression, compile_expression
from framework.definition.expressions.jsonpath import is_jsonpath
from framework.definition.expressions.placeholders import config_names, placeholders
from framework.definition.model import (
    ActionRetry,
    Binding,
    Client,
    ConfigEntry,
    Connector,
    Endpoint,
    Export,
    Incremental,
    JobRequest,
    OnError,
    Partition,
    RateLimit,
    Resource,
    ResponseAction,
    ResponseFormat,
    Retry,
    SecretEntry,
    Selector,
    Step,
    WaitRule,
)
from framework.definition.paginator_keys import total_path
from framework.definition.references import references

if TYPE_CHECKING:
    from framework.definition.draft import Draft

Json = Any


def parse_export(written: Json) -> Export | None:
    """An export job with its defaults; None where there is none."""
    if not written:
        return None
    status, plain = written.get("status"), Export(JobRequest())
    every, timeout = written.get("every"), written.get("timeout")

    def compiled(key: str) -> Expression | None:
        return None if written.get(key) is None else compile_expression(written[key])

    return Export(
        _job_request(written["download"]),
        None if status is None else _job_request(status),
        compiled("ready"),
        compiled("failed"),
        compiled("message"),
        plain.every if every is None else parse_duration(every),
        plain.timeout if timeout is None else parse_duration(timeout),
    )


def _job_request(written: Json) -> JobRequest:
    """A request of an export job; a text alone is its path, or its URL."""
    if isinstance(written, str):
        written = {"url" if "://" in written or written.startswith("{") else "path": written}
    urls = written.get("url") or ()
    return JobRequest(
        written.get("path"),
        (urls,) if isinstance(urls, str) else tuple(urls),
        str(written.get("method") or "GET").upper(),
        {k: v for k, v in (written.get("params") or {}).items() if v is not None},
        written.get("json"),
        written.get("headers") or {},
    )


def parse_response_format(written: Json) -> ResponseFormat:
    """A format with its defaults; a text alone is its type."""
    given = {"type": written} if isinstance(written, str) else dict(written or {})
    given["kind"] = given.pop("type", "json")
    for key in ("header", "lists"):
        if isinstance(given.get(key), list):
            given[key] = tuple(given[key])
    return ResponseFormat(**given)


_NOT_HINTS = (
    *("name", "endpoint", "schema", "when", "processing_steps", "include_from_parent"),
    *("only_changed", "partitions"),
)
PARTITION_KINDS: tuple[Literal["values", "range", "dates", "resource"], ...] = (
    *("values", "range", "dates", "resource"),
)
_NOT_ARGUMENTS = (
    *("type", "start_param", "end_param", "lag", "watermark", "convert", "transform"),
    *("step", "granularity", "lookahead", "cursor_formats", "format"),
)
_DLT_STEPS = ("filter", "map", "yield_map")
_RENAMED_PAGINATORS = {"json_response": "json_link"}


def parse_connector(draft: Draft) -> Connector:
    """The connector of a draft that has no errors; resources parents first, else in file order."""
    return Connector(
        name=str(draft.data["name"]),
        description=str(draft.data.get("description") or ""),
        path=draft.location.path,
        root=draft.location.root,
        client=parse_client(draft.client),
        resources=tuple(_resource(draft, merged) for merged in _parents_first(draft)),
        config={name: _config(name, entry) for name, entry in draft.section("config").items()},
        secrets={name: _secret(name, entry) for name, entry in draft.section("secrets").items()},
        data=draft.data,
    )


def parse_client(written: Mapping[str, Json]) -> Client:
    """The client section; what it leaves out has the model's defaults."""
    defaults = Client("")
    timeout, whole = written.get("timeout"), written.get("max_response_time")
    return Client(
        base_url=written["base_url"],
        headers=written.get("headers") or {},
        auth=parse_auth(written.get("auth")),
        paginator=parse_paginator(written.get("paginator")),
        retry=_retry(written.get("retry") or {}),
        rate_limit=_rate_limit(written.get("rate_limit")),
        timeout=None if timeout is None else parse_duration(timeout),
        max_in_flight=written.get("max_in_flight") or defaults.max_in_flight,
        allowed_hosts=tuple(written.get("allowed_hosts") or ()),
        max_response_size=written.get("max_response_size") or defaults.max_response_size,
        max_response_time=defaults.max_response_time if whole is None else parse_duration(whole),
    )


def parse_auth(written: Json) -> Mapping[str, Json] | None:
    """`bearer` and mappings without a type written out; None stays None."""
    if written is None:
        return None
    if isinstance(written, str):
        return {"type": written}
    return {"type": "bearer", **written}


def parse_paginator(written: Json) -> Mapping[str, Json] | None:
    """`single_page` and mappings without a type written out, old names renewed; None stays None."""
    if written is None:
        return None
    paginator = {"type": written} if isinstance(written, str) else {"type": "auto", **written}
    kind = paginator["type"]
    if kind in ("page_number", "offset") and total_path(paginator) is None:
        paginator["total_path"] = None
    return {**paginator, "type": _RENAMED_PAGINATORS.get(kind, kind)}


def parse_selector(text: str) -> Selector:
    """A compiled JMESPath; JSONPath stays text."""
    return text if is_jsonpath(text) else compile_expression(text)


def _parents_first(draft: Draft) -> list[MergedResource]:
    by_name = {merged.name: merged for merged in draft.resources}
    placed: dict[str, MergedResource] = {}

    def place(merged: MergedResource) -> None:
        if merged.name in placed:
            return
        for reference in references(merged):
            place(by_name[reference.parent])
        placed[merged.name] = merged

    for merged in draft.resources:
        place(merged)
    return list(placed.values())


def _resource(draft: Draft, merged: MergedResource) -> Resource:
    data = merged.data
    parent = draft.parent_of(merged)
    name = None if parent is None else parent.name
    schema = draft.schema(merged)
    tables = data.get("table_name")
    if tables is not None and not placeholders(tables):
        tables = None
    bindings = _bindings(merged)
    keeps = _keeps(draft, merged, name)
    return Resource(
        name=merged.name,
        endpoint=_endpoint(merged),
        hints={
            key: value
            for key, value in data.items()
            if key not in _NOT_HINTS and not (key == "table_name" and tables)
        },
        columns=columns_by_name(data.get("columns")),
        tables=tables,
        schema=schema.usable if schema else None,
        parent=name,
        keeps=keeps.pop(name or "", ()),
        bindings=tuple(binding for binding in bindings if binding.resource == name),
        above=tuple(binding for binding in bindings if binding.resource != name),
        keeps_above=keeps,
        include_from_parent=tuple(data.get("include_from_parent") or ()),
        when=_expression(data.get("when")),
        only_changed=_expression(data.get("only_changed")),
        partitions=tuple(_partition(written) for written in data.get("partitions") or ()),
        steps=tuple(
            step for written in data.get("processing_steps") or () for step in _steps(written)
        ),
    )


def _expression(written: str | None) -> Expression | None:
    return None if written is None else compile_expression(written)


def _partition(written: Mapping[str, Json]) -> Partition:
    kind = next(kind for kind in PARTITION_KINDS if written.get(kind) is not None)
    return Partition(
        written["name"], kind, written[kind], written.get("batch"), written.get("separator")
    )


def _keeps(
    draft: Draft, merged: MergedResource, parent: str | None
) -> dict[str, tuple[str, ...] | None]:
    """The fields that expressions read of the parent's record while the child is read, and of
    those of its ancestors, by resource; None where they read all of it."""
    found = [one for text in resource_texts(merged) for one in text_reaches(text)]
    found += [
        one
        for written in (*resource_expressions(merged), *client_expressions(draft.client))
        if written.subject != "parent"
        for one in context_reads(written)
    ]
    names: dict[str, dict[str, None] | None] = {}
    above = () if parent is None else (parent, *draft.above(parent))
    for one in found:
        root, *rest = one.path or ("",)
        read: tuple[str, ...] = ()
        if root == "parent":
            read = above[:1]
        elif root == "resources" and rest:
            read = tuple(name for name in above if name == rest[0])
            rest = rest[1:]
        elif root in ("", "resources"):
            read, rest = above, []
        for name in read:
            known = names.setdefault(name, {})
            if not rest:
                names[name] = None
            elif known is not None:
                known[rest[0]] = None
    return {name: None if read is None else tuple(read) for name, read in names.items()}


def _bindings(merged: MergedResource) -> tuple[Binding, ...]:
    found: dict[str, Binding] = {}
    for reference in references(merged):
        name, text = reference.param or reference.text, reference.expression
        if reference.partition is not None:
            name = f"partition.{reference.text}"
        if not text:
            continue
        # what a config entry completes cannot be compiled before its value is known
        selector = text if config_names(text) else parse_selector(text)
        found.setdefault(name, Binding(name, reference.parent, selector, text))
    return tuple(found.values())


def _endpoint(merged: MergedResource) -> Endpoint:
    written = merged.endpoint
    path, bound = bind_path(merged.path, merged.params)
    selector = written.get("data_selector")
    auth = parse_auth(written.get("auth"))
    if "auth" in written and auth is None:
        auth = {"type": "none"}
    return Endpoint(
        path=path,
        method=str(written.get("method") or "GET").upper(),
        params={
            name: value
            for name, value in merged.params.items()
            if value is not None and not isinstance(value, dict) and name not in bound
        },
        json=written.get("json"),
        data=written.get("data"),
        headers=written.get("headers") or {},
        paginator=parse_paginator(written.get("paginator")),
        data_selector=None if selector is None else parse_selector(selector),
        response_actions=tuple(_action(entry) for entry in written.get("response_actions") or ()),
        incremental=_incremental(merged),
        response_format=parse_response_format(written.get("response_format")),
        export=parse_export(written.get("export")),
        auth=auth,
    )


def _incremental(merged: MergedResource) -> Incremental | None:
    for cursor in cursors(merged):
        written = cursor.written
        lag = written.get("lag")
        return Incremental(
            cursor_path=written["cursor_path"],
            arguments={key: value for key, value in written.items() if key not in _NOT_ARGUMENTS},
            start_param=cursor.param or written.get("start_param"),
            end_param=written.get("end_param"),
            lag=parse_duration(lag) if isinstance(lag, str) else lag,
            watermark=written.get("watermark") or "cursor",
            step=_period(written.get("step")),
            granularity=_duration(written.get("granularity")),
            lookahead=_period(written.get("lookahead")),
            cursor_formats=tuple(written.get("cursor_formats") or ()),
            format=written.get("format"),
        )
    return None


def _period(written: str | None) -> Period | None:
    return None if written is None else parse_period(written)


def _duration(written: Json) -> timedelta | None:
    return None if written is None else parse_duration(written)


def _action(written: Mapping[str, Json]) -> ResponseAction:
    codes = written.get("status_code")
    codes = [] if codes is None else codes if isinstance(codes, list) else [codes]
    body = written.get("body")
    return ResponseAction(
        action=written["action"],
        status_codes=tuple(str(code).lower() for code in codes),
        content=written.get("content"),
        headers=written.get("header") or {},
        body=None if body is None else compile_expression(body),
        message=written.get("message"),
        retry=_action_retry(written),
    )


def _steps(written: Mapping[str, Json]) -> list[Step]:
    """The steps of one entry: dlt's own in dlt's order, then the others as written."""
    on_error: OnError = written.get("on_error", "fail") or "null"
    kinds = [kind for kind in _DLT_STEPS if written.get(kind) is not None]
    kinds += [kind for kind in written if kind not in (*_DLT_STEPS, "on_error")]
    return [_step(kind, written[kind], on_error) for kind in kinds]


def _step(kind: str, value: Json, on_error: OnError) -> Step:
    if kind in (*_DLT_STEPS, "rename_keys"):
        return Step(kind, compile_expression(value), None, on_error)
    if kind in ("remove", "flatten", "explode"):
        value = (value,) if isinstance(value, str) else tuple(value)
    elif kind == "set":
        value = {
            path: compile_expression(item) if isinstance(item, str) else item
            for path, item in value.items()
        }
    return Step(kind, None, value, on_error)


def _retry(written: Mapping[str, Json]) -> Retry:
    codes = written.get("status_codes")
    wait = written.get("max_wait")
    return Retry(
        status_codes=None if codes is None else tuple(codes),
        max_retries=written.get("max_retries"),
        backoff_factor=written.get("backoff_factor"),
        max_wait=Retry().max_wait if wait is None else parse_duration(wait),
        wait=_wait(written),
    )


def _action_retry(written: Mapping[str, Json]) -> ActionRetry:
    return ActionRetry(
        max_retries=written.get("max_retries"),
        backoff_factor=written.get("backoff_factor"),
        max_wait=_duration(written.get("max_wait")),
        wait=_wait(written),
    )


def _wait(written: Mapping[str, Json]) -> WaitRule:
    wait = written.get("wait")
    return WaitRule(
        header=written.get("wait_header"),
        header_as=written.get("wait_as") or "seconds",
        pattern=written.get("wait_pattern"),
        expression=None if wait is None else compile_expression(wait),
        backoff=_duration(written.get("backoff")),
    )


def _rate_limit(written: Json) -> RateLimit | None:
    if not written:
        return None
    headers = written.get("headers") or {}
    defaults = RateLimit()
    return RateLimit(
        requests=written.get("requests"),
        per=parse_duration(written["per"]) if "per" in written else defaults.per,
        limit_header=headers.get("limit"),
        remaining_header=headers.get("remaining"),
        reset_header=headers.get("reset"),
        reset_as=headers.get("reset_as") or defaults.reset_as,
    )


def _config(name: str, entry: Json) -> ConfigEntry:
    schema = entry if isinstance(entry, dict) else {}
    return ConfigEntry(
        name=name,
        schema={key: value for key, value in schema.items() if key != "key"},
        required="default" not in schema,
        default=schema.get("default"),
        description=str(schema.get("description") or ""),
        key=schema.get("key"),
    )


def _secret(name: str, entry: Json) -> SecretEntry:
    written = entry if isinstance(entry, dict) else {}
    description, key = str(written.get("description") or ""), written.get("key")
    return SecretEntry(name, description, key, bool(written.get("optional")))
