"""The judged file as types: what `spec` hands to `build`.

Everything is after `resource_defaults` were merged in (dlt's rules) and shorthands were written
out; placeholders such as `{config.x}` still stand in strings. Nothing here knows dlt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from framework.definition.durations import Period
from framework.definition.expressions.jmespath_expression import Expression
from framework.definition.plain_data import INLINE, written_as

Json = Any
"""Plain JSON data: None, bool, int, float, str, list or dict of the same."""

Selector = Expression | str
"""A compiled JMESPath, or a JSONPath text starting with `$` that goes to dlt as it is."""

Watermark = Literal["cursor", "run_start"]
OnError = Literal["fail", "skip_record", "null"]
ActionName = Literal["ignore", "skip_resource", "retry", "rate_limited", "fail"]
WaitUnit = Literal["seconds", "milliseconds", "epoch", "date"]


@dataclass(frozen=True)
class ConfigEntry:
    """A value that the person running the connector may set.

    `schema` is the entry's JSON Schema (with `default` and `description` still in it);
    `required` is true where there is no default. `key` is the bare name to look up instead of
    `sources.NAME.entry`, or None.
    """

    name: str
    schema: Mapping[str, Json]
    required: bool
    default: Json
    description: str
    key: str | None = None


@dataclass(frozen=True)
class SecretEntry:
    """A secret value, always text. `key` as in ConfigEntry; an `optional` one may be missing."""

    name: str
    description: str
    key: str | None = None
    optional: bool = False


@dataclass(frozen=True)
class WaitRule:
    """How long to wait before a retry.

    `backoff` is the same each time. Else a response `header` says it, in the unit `header_as`
    (the first group of `pattern`, if there is one), or an `expression` over the response gives
    seconds.
    """

    backoff: timedelta | None = None
    header: str | None = field(default=None, metadata=written_as("wait_header"))
    header_as: WaitUnit = field(default="seconds", metadata=written_as("wait_as", beside="header"))
    pattern: str | None = field(default=None, metadata=written_as("wait_pattern"))
    expression: Expression | None = field(default=None, metadata=written_as("wait"))


@dataclass(frozen=True)
class Retry:
    """None means: dlt's own `[runtime] request_*` settings decide."""

    status_codes: tuple[int, ...] | None = None
    max_retries: int | None = None
    backoff_factor: float | None = None
    max_wait: timedelta = timedelta(minutes=5)
    wait: WaitRule = field(default=WaitRule(), metadata=INLINE)


@dataclass(frozen=True)
class ActionRetry:
    """How a response action retries; None means as in the client's `retry`."""

    max_retries: int | None = None
    backoff_factor: float | None = None
    max_wait: timedelta | None = None
    wait: WaitRule = field(default=WaitRule(), metadata=INLINE)


@dataclass(frozen=True)
class RateLimit:
    """`requests` per `per`, and the response headers that tell more. `requests` may be a
    placeholder string. `reset_as` says how the reset header is written."""

    requests: int | str | None = None
    per: timedelta = timedelta(minutes=1)
    limit_header: str | None = field(default=None, metadata=written_as("headers.limit"))
    remaining_header: str | None = field(default=None, metadata=written_as("headers.remaining"))
    reset_header: str | None = field(default=None, metadata=written_as("headers.reset"))
    reset_as: Literal["seconds", "epoch", "date"] = field(
        default="seconds", metadata=written_as("headers.reset_as", beside="reset_header")
    )


@dataclass(frozen=True)
class Client:
    """`auth` and `paginator` are plain mappings with a `type`, in dlt's words, or None."""

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: Mapping[str, Json] | None = None
    paginator: Mapping[str, Json] | None = None
    retry: Retry = Retry()
    rate_limit: RateLimit | None = None
    timeout: timedelta | None = None
    max_in_flight: int = 10
    allowed_hosts: tuple[str, ...] = ()
    max_response_size: int = 256_000_000
    max_response_time: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class ResponseAction:
    """One entry of `response_actions`: all conditions given must hold.

    `message` may hold placeholders over the answer; `retry` counts for the actions retry and
    rate_limited. `status_codes` are exact codes as text or classes such as `4xx`; empty means any.
    `headers` maps a header's name to the text its value must contain.
    """

    status_codes: tuple[str, ...] = field(default=(), metadata=written_as("status_code"))
    content: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, metadata=written_as("header"))
    body: Expression | None = None
    action: ActionName
    message: str | None = None
    retry: ActionRetry = field(default=ActionRetry(), metadata=INLINE)


@dataclass(frozen=True)
class Incremental:
    """dlt's incremental, whichever of its two places it was written in.

    `arguments` are the keys that dlt's own `Incremental` takes (cursor_path, initial_value,
    end_value, row_order, ...) as written, without `lag`; `lag` is a number in dlt's units or a
    duration; `start_param`/`end_param` the request parameters that carry the values.

    `step` is the length of the windows in which it is read, `granularity` what lies between the
    end of one and the start of the next; `lookahead` is how far past the run's start it reads.
    `cursor_formats` are the forms of times in records, `format` that in requests
    (`spec/timeforms.py`).
    """

    cursor_path: str
    arguments: Mapping[str, Json]
    start_param: str | None = None
    end_param: str | None = None
    lag: float | timedelta | None = None
    watermark: Watermark = "cursor"
    step: Period | None = None
    granularity: timedelta | None = None
    lookahead: Period | None = None
    cursor_formats: tuple[str, ...] = ()
    format: str | None = None

    @property
    def timed(self) -> bool:
        """Whether its values are times that are read and written, not compared as they are."""
        return bool(
            self.step or self.granularity or self.lookahead or self.cursor_formats or self.format
        )


@dataclass(frozen=True)
class Binding:
    """A value that a child takes from each of its parent's records.

    `name` is how requests refer to it: the parameter's name for `type: resolve` (it stands as
    `{name}` in the path), the whole text `resources.parent.EXPR` for a placeholder. `field` is
    text where a config entry completes the expression: `{config.x}` still stands in it.
    """

    name: str
    resource: str
    field: Selector
    text: str


@dataclass(frozen=True)
class Partition:
    """One of `partitions`: a value of the request that takes several.

    `kind` is values, range, dates or resource. `argument` is what stands under that key, in which
    placeholders may be. Of a resource, the values come by the binding `partition.NAME`, `batch` of
    them at once (None: one), in a text with `separator` between them where there is one.
    """

    name: str
    kind: Literal["values", "range", "dates", "resource"]
    argument: Json
    batch: int | None = None
    separator: str | None = None


@dataclass(frozen=True)
class Step:
    """One of `processing_steps`: `kind` is filter, map, yield_map, rename_keys (with
    `expression`), or set, remove, rename, cast, flatten, explode (with `argument`: a mapping, or
    a tuple of dotted names; expressions of `set` are compiled)."""

    kind: str
    expression: Expression | None = None
    argument: Json = None
    on_error: OnError = "fail"

    @property
    def text(self) -> str:
        """The step's expression as written, empty where it has none."""
        return self.expression.text if self.expression else ""


@dataclass(frozen=True)
class ResponseFormat:
    """How answers are written. `encoding` None: as the answer's header says, else UTF-8.

    Of csv: `delimiter`, `quote` (None: nothing is quoted), `header`: true where the first line
    has the names, or the names. Of xml: `lists`, the elements that are lists even where there is
    one of them. Of text: `record` says what is one.
    """

    kind: Literal["json", "jsonl", "csv", "xml", "text"] = field(
        default="json", metadata=written_as("type")
    )
    compression: Literal["none", "gzip", "zip"] = "none"
    encoding: str | None = None
    delimiter: str = ","
    quote: str | None = '"'
    header: Literal[True] | tuple[str, ...] = True
    lists: tuple[str, ...] = ()
    record: Literal["line", "body"] = "line"


@dataclass(frozen=True)
class JobRequest:
    """A request of an export job, beside the one that creates it. One of `url` and `path` is
    there; the parts may hold placeholders over `job` and `response`. `urls` may be several."""

    path: str | None = None
    method: str = "GET"
    params: Mapping[str, Json] = field(default_factory=dict)
    json: Json = None
    headers: Mapping[str, Json] = field(default_factory=dict)
    urls: tuple[str, ...] = field(default=(), metadata=written_as("url"))


@dataclass(frozen=True, kw_only=True)
class Export:
    """A job that the endpoint's own request creates: asked for `every` so long until `ready` or
    `failed` is true of its status, at most for `timeout`, then downloaded. Without a `status`
    the answer that created it is ready."""

    status: JobRequest | None = None
    ready: Expression | None = None
    failed: Expression | None = None
    message: Expression | None = None
    every: timedelta = timedelta(seconds=5)
    timeout: timedelta = timedelta(hours=1)
    download: JobRequest


@dataclass(frozen=True)
class Endpoint:
    """What is asked. `params` and `json` are after merging, nulls taken away, bindings and
    incremental parameters taken out; values may hold placeholders. `auth` is None where the
    client's holds, and of type `none` where the file takes it away with a null."""

    path: str
    method: str = "GET"
    params: Mapping[str, Json] = field(default_factory=dict)
    json: Json = None
    data: Json = None
    headers: Mapping[str, Json] = field(default_factory=dict)
    paginator: Mapping[str, Json] | None = None
    data_selector: Selector | None = None
    incremental: Incremental | None = None
    response_format: ResponseFormat = ResponseFormat()
    export: Export | None = None
    response_actions: tuple[ResponseAction, ...] = ()
    auth: Mapping[str, Json] | None = None


@dataclass(frozen=True)
class Resource:
    """One resource. `hints` are the keys that go to `dlt.resource` as they are (write_disposition,
    primary_key, merge_key, table_name, selected, parallelized, max_table_nesting, ...), in the
    file's own spelling. `columns` holds the hints of each column by name, whichever way the file
    spells them: read it in place of `hints["columns"]`.
    `schema` is the loaded JSON Schema of its records, or None. `parent` is the resource that
    `bindings` read from, or None for a root. `keeps` are the fields of the parent's record that
    the resource's expressions read through the context, None where they read all of it. `tables`
    is a `table_name` with placeholders: a table for each list.

    `above` are bindings on ancestors further up than the parent, and `keeps_above` the fields that
    expressions read of those. `only_changed` is the field of the parent's record that says whether
    to ask again."""

    name: str
    endpoint: Endpoint
    hints: Mapping[str, Json] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    schema: Mapping[str, Json] | None = None
    parent: str | None = None
    bindings: tuple[Binding, ...] = ()
    include_from_parent: tuple[str, ...] = ()
    when: Expression | None = None
    steps: tuple[Step, ...] = ()
    keeps: tuple[str, ...] | None = ()
    tables: str | None = None
    above: tuple[Binding, ...] = ()
    keeps_above: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    only_changed: Expression | None = None
    partitions: tuple[Partition, ...] = ()

    @property
    def selected(self) -> bool:
        """Whether a run with no `--resources` loads it."""
        return bool(self.hints.get("selected", True))

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The primary key's fields, empty where there is none."""
        return _names(self.hints.get("primary_key"))

    @property
    def write_disposition(self) -> str:
        """append, replace, merge or skip; dlt's default is append."""
        value = self.hints.get("write_disposition") or "append"
        return str(value["disposition"]) if isinstance(value, Mapping) else str(value)


@dataclass(frozen=True)
class Connector:
    """A connector file without errors. `resources` stand parents first, else in file order.

    `root` is the folder that holds `connectors/`, `schemas/` and `cassettes/`; `data` is the
    document as written.
    """

    name: str
    description: str
    path: Path
    root: Path
    client: Client
    resources: tuple[Resource, ...]
    config: Mapping[str, ConfigEntry] = field(default_factory=dict)
    secrets: Mapping[str, SecretEntry] = field(default_factory=dict)
    data: Mapping[str, Json] = field(default_factory=dict)

    def resource(self, name: str) -> Resource:
        """The resource of that name; KeyError where there is none."""
        for resource in self.resources:
            if resource.name == name:
                return resource
        raise KeyError(name)

    def ancestors(self, resource: Resource) -> Iterator[Resource]:
        """The resource's parent, the parent's parent, and so on."""
        while resource.parent is not None:
            resource = self.resource(resource.parent)
            yield resource


def _names(value: Json) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
