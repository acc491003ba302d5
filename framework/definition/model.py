"""The types of a valid connector file.

`resource_defaults` are merged in, shorthands are expanded and expressions compiled. Strings still
hold placeholders such as `{config.x}`. What goes to dlt as keyword arguments stays a mapping.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from framework.definition.expressions.jmespath_expression import Expression
from framework.definition.expressions.placeholders import texts_of
from framework.definition.plain_data import INLINE, written_as
from framework.definition.values.durations import Period

Json = Any
"""Plain JSON data: None, bool, int, float, str, list or dict of the same."""

Selector = Expression | str
"""A compiled JMESPath, or a JSONPath text starting with `$` that goes to dlt as it is."""

AUTO: Literal["auto"] = "auto"
"""What the file has for a number that runs find themselves."""
MOST_BY_AUTO = 32
"""The largest number of concurrent requests of `max_in_flight: auto`."""

Watermark = Literal["cursor", "run_start"]
OnError = Literal["fail", "skip_record", "null"]
ActionName = Literal[
    "ignore",
    "skip_resource",
    "retry",
    "rate_limited",
    "restart",
    "shrink_page",
    "shrink_window",
    "fail",
]
SHRINKING = ("shrink_page", "shrink_window")
"""The actions that ask for less, at once."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TIMEOUT = "timeout"
"""What stands in the place of a status if no response came in time."""
WaitUnit = Literal["seconds", "milliseconds", "epoch", "date"]
PartitionKind = Literal["values", "range", "dates", "file", "query", "resource", "union"]
PARTITION_KINDS: tuple[PartitionKind, ...] = get_args(PartitionKind)


@dataclass(frozen=True)
class ConfigEntry:
    """A value that the user may set.

    `schema` is the entry's JSON Schema, with its `default` and `description`. An entry without a
    default is `required`. `key` is a bare name to look up instead of `sources.NAME.entry`.
    """

    name: str
    schema: Mapping[str, Json]
    required: bool
    default: Json = None
    description: str = ""
    key: str | None = None


@dataclass(frozen=True)
class SecretEntry:
    """A secret, always text. `key` as in ConfigEntry; an `optional` one may be missing."""

    name: str
    description: str = ""
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
    """When and how often to retry; None leaves it to dlt's `[runtime] request_*` settings."""

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
class EndpointRetry:
    """What an endpoint has of `retry`; None means as in the client's."""

    status_codes: tuple[int, ...] | None = None
    retry: ActionRetry = field(default=ActionRetry(), metadata=INLINE)


@dataclass(frozen=True)
class RateLimit:
    """`requests` per `per`, `per_day` in 24 hours, and the headers with the API's own numbers.

    `requests` and `per_day` may be placeholders. `scope` is who shares the limit when several
    accounts are read at once. `reset_as` is the unit of the reset header.
    """

    requests: int | str | None = None
    per: timedelta = timedelta(minutes=1)
    per_day: int | str | None = None
    scope: Literal["credential", "api"] = "credential"
    limit_header: str | None = field(default=None, metadata=written_as("headers.limit"))
    remaining_header: str | None = field(default=None, metadata=written_as("headers.remaining"))
    reset_header: str | None = field(default=None, metadata=written_as("headers.reset"))
    reset_as: WaitUnit = field(
        default="seconds", metadata=written_as("headers.reset_as", beside="reset_header")
    )


@dataclass(frozen=True, kw_only=True)
class NamedLimit:
    """One of `rate_limits`: a limit of its own for the requests that it matches.

    `path` is a pattern below the base URL in which `*` is any text, slashes too. Without `methods`
    it matches all.
    """

    name: str
    path: str = "*"
    methods: tuple[str, ...] = ()
    max_in_flight: int | None = None
    limit: RateLimit = field(default=RateLimit(), metadata=INLINE)

    def matches(self, method: str, path: str) -> bool:
        """Return whether a request counts for it; slashes around paths do not matter."""
        if self.methods and method not in self.methods:
            return False
        return self._pattern.match(f"/{path.strip('/')}") is not None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        text = self.path.rstrip("/")
        parts = (text if text.startswith(("/", "*")) else f"/{text}").split("*")
        return re.compile(".*".join(map(re.escape, parts)) + r"\Z", re.DOTALL)


@dataclass(frozen=True)
class ClientTls:
    """The certificate and the key that the client shows, and an authority that it trusts.

    Each is a text in PEM format or the path of a file with one. They may be placeholders.
    """

    cert: str | None = None
    key: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
    ca: str | None = None


@dataclass(frozen=True)
class Client:
    """The client section. `auth` and `paginator` are mappings with a `type`, or None.

    Their values are placeholders until config is known, so they are typed where they are built:
    `http.auth.authenticators` and `extract.pagination`.
    """

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: Mapping[str, Json] | None = None
    paginator: Mapping[str, Json] | None = None
    retry: Retry = Retry()
    rate_limit: RateLimit | None = None
    tls: ClientTls | None = None
    rate_limits: tuple[NamedLimit, ...] = ()
    timeout: timedelta | None = None
    max_in_flight: int | Literal["auto"] = 10
    allowed_hosts: tuple[str, ...] = ()
    max_response_size: int = 256_000_000
    max_response_time: timedelta = timedelta(minutes=10)

    @property
    def most_in_flight(self) -> int:
        """The largest number of concurrent requests."""
        return MOST_BY_AUTO if self.max_in_flight == AUTO else self.max_in_flight


@dataclass(frozen=True, kw_only=True)
class ResponseAction:
    """One entry of `response_actions`: all its conditions must hold.

    `status_codes` are codes as text, classes such as `4xx`, or `timeout`; empty means any.
    `headers` maps a header to a text in its value. `message` may hold placeholders over the
    response. `retry` is for the actions retry and rate_limited.
    """

    status_codes: tuple[str, ...] = field(default=(), metadata=written_as("status_code"))
    content: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, metadata=written_as("header"))
    body: Expression | None = None
    action: ActionName
    message: str | None = None
    retry: ActionRetry = field(default=ActionRetry(), metadata=INLINE)


@dataclass(frozen=True)
class RestartAfter:
    """When a list begins anew at the last record's cursor: after a number of records, or a page."""

    records: int | None = None
    when: Expression | None = None


@dataclass(frozen=True)
class Incremental:
    """An incremental, from either of its two places in the file.

    `arguments` are keyword arguments of dlt's `Incremental`, as written, without `lag`: a number in
    dlt's units or a duration. `start_param` and `end_param` are the request's parameters.

    `step` is the length of a window, `granularity` the gap between two windows, and `lookahead` how
    far it reads past the run's start. With `align`, a day, a month, or the weekday that weeks begin
    with, windows are whole ones. `cap_at_run_start` keeps a watermark by the cursor from
    moving past the run's start. `cursor_formats` are the time formats of records, `format`
    that of requests. `keep_all` keeps records outside the range that was requested.
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
    align: str | None = None
    keep_all: bool = False
    cap_at_run_start: bool = False
    full_read_every: timedelta | None = None
    restart_after: RestartAfter | None = None

    @property
    def timed(self) -> bool:
        """Return whether its values are parsed as times, not compared as they are."""
        return bool(
            self.step or self.granularity or self.lookahead or self.cursor_formats or self.format
        )


@dataclass(frozen=True)
class SyncToken:
    """An incremental by a token of the API: the expression for the next one, and its parameter."""

    token: Expression
    param: str | None = field(default=None, metadata=written_as("token_param"))


@dataclass(frozen=True)
class Binding:
    """A value that a child resource reads from each record of its parent.

    `name` is the parameter of a `type: resolve`, or the whole text `resources.parent.EXPR` of a
    placeholder. `field` is text if it holds `{config.x}`, and is compiled later.
    """

    name: str
    resource: str
    field: Selector
    text: str


@dataclass(frozen=True)
class ParentLine:
    """A further parent of a resource, above which stand none of the others.

    The fields are those of `Resource`, for this parent and the resources above it.
    """

    parent: str
    bindings: tuple[Binding, ...] = ()
    ancestor_bindings: tuple[Binding, ...] = ()
    parent_fields: tuple[str, ...] | None = ()
    ancestor_fields: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    include_from_parent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Partition:
    """One of `partitions`: a request's value that has one list for each of several values.

    `kind` is a key of `extract.partitions.PARTITION_BUILDERS`, `resource` or `union`, and
    `argument` what the file has under it, with placeholders. Values of a resource come by the
    binding `partition.NAME`, `batch` at once (None: one), joined by `separator` if there is one. Of
    a union, a source that is a resource is the name of its binding, `partition.NAME.POSITION`.
    """

    name: str
    kind: PartitionKind
    argument: Json
    batch: int | None = None
    separator: str | None = None


@dataclass(frozen=True)
class Step:
    """One of `processing_steps`.

    filter, map, yield_map and rename_keys have an `expression`. set, remove, rename, cast, flatten
    and explode have an `argument`: a mapping, or a tuple of dotted names. That of null_values is a
    tuple of texts.
    """

    kind: str
    expression: Expression | None = None
    argument: Json = None
    on_error: OnError = "fail"

    @property
    def text(self) -> str:
        """Return the step's expression as written, empty if it has none."""
        return self.expression.text if self.expression else ""


@dataclass(frozen=True)
class ResponseFormat:
    """How responses are encoded. Without an `encoding` the response's header decides, else UTF-8.

    csv has a `delimiter`, a `quote` (None: nothing is quoted) and a `header`: true if the first
    line has the names, else the names. Lines and rows that are skipped are no records: those above
    the names, directly below them, at the end, and those that begin with `comment`. With
    `loose_quotes`, quotes in quoted values are not doubled. xml has `lists`, the elements
    that are always lists. xlsx has a `sheet`, None for the first one, and header and skipped rows
    as csv. text has a `record`. json and jsonl may read numbers that JSON does not have as null.
    """

    kind: Literal["json", "jsonl", "csv", "xml", "xlsx", "text"] = field(
        default="json", metadata=written_as("type")
    )
    compression: Literal["none", "gzip", "zip"] = "none"
    encoding: str | None = None
    delimiter: str = ","
    quote: str | None = '"'
    header: Literal[True] | tuple[str, ...] = True
    skip_lines: int = 0
    skip_after_header: int = 0
    skip_footer: int = 0
    comment: str | None = None
    loose_quotes: bool = False
    nan_as_null: bool = False
    sheet: str | None = None
    lists: tuple[str, ...] = ()
    record: Literal["line", "body"] = "line"


@dataclass(frozen=True)
class JobRequest:
    """A request of an export job after the one that creates it, by `path` or by `urls`.

    Its parts may hold placeholders over `job` and `response`.
    """

    path: str | None = None
    method: str = "GET"
    params: Mapping[str, Json] = field(default_factory=dict)
    json: Json = None
    headers: Mapping[str, Json] = field(default_factory=dict)
    urls: tuple[str, ...] = field(default=(), metadata=written_as("url"))


@dataclass(frozen=True, kw_only=True)
class Export:
    """An export job, which the endpoint's own request creates.

    Its `status` is polled at the interval `every` until `ready` or `failed` holds, at most for
    `timeout`; then it is downloaded. Without a `status` the first response is ready.
    """

    status: JobRequest | None = None
    ready: Expression | None = None
    failed: Expression | None = None
    message: Expression | None = None
    every: timedelta = timedelta(seconds=5)
    timeout: timedelta = timedelta(hours=1)
    download: JobRequest


@dataclass(frozen=True)
class Endpoint:
    """A resource's request; its values may hold placeholders.

    `params` are merged, without nulls, bindings and incremental parameters. `auth` is None to use
    the client's, and of type `none` if the file removes it with a null. A `url` is requested as it
    is, in place of the path. With a `source`, the parent, nothing is requested: the records are
    what `data_selector` finds in the parent's records. With `conditional`, the API is asked only
    for what has changed since it sent a list. Each request counts as `cost`
    requests for its rate limit.
    """

    path: str
    method: str = "GET"
    params: Mapping[str, Json] = field(default_factory=dict)
    json: Json = None
    data: Json = None
    headers: Mapping[str, Json] = field(default_factory=dict)
    paginator: Mapping[str, Json] | None = None
    data_selector: Selector | None = None
    source: str | None = field(default=None, metadata=written_as("from"))
    conditional: bool = False
    incremental: Incremental | None = None
    sync_token: SyncToken | None = None
    response_format: ResponseFormat = ResponseFormat()
    export: Export | None = None
    response_actions: tuple[ResponseAction, ...] = ()
    auth: Mapping[str, Json] | None = None
    url: str | None = None
    retry: EndpointRetry | None = None
    rate_limit: RateLimit | None = None
    cost: int = 1
    timeout: timedelta | None = None
    max_in_flight: int | None = None

    @property
    def shrinks_pages(self) -> bool:
        """Whether an action requests fewer records at once."""
        return any(one.action == "shrink_page" for one in self.response_actions)

    @property
    def shrinks_windows(self) -> bool:
        """Whether an action reads a window in two halves."""
        return any(one.action == "shrink_window" for one in self.response_actions)

    def params_with(self, value: str) -> tuple[str, ...]:
        """Return the query parameters that carry a value of the incremental, `start_value`."""
        incremental, name = self.incremental, value.removesuffix("_value")
        declared = getattr(incremental, f"{name}_param", None) if incremental is not None else None
        placeholder = f"incremental.{value}"
        return (
            *([declared] if declared else ()),
            *(
                param
                for param, written in self.params.items()
                if any(placeholder in text for text in texts_of(written))
            ),
        )


DELETED_AT = "_deleted_at"
"""The column that says when a run found that the API no longer has the record."""


@dataclass(frozen=True)
class Deletes:
    """What happens to rows whose records the API no longer has.

    `at_most` is the greatest share of a table's rows, 0 to 1; None is all but the last row.
    """

    action: Literal["mark", "remove"]
    at_most: float | None = None


@dataclass(frozen=True)
class ColumnsFrom:
    """`columns_from`: the resource whose records declare columns, one each.

    `name` and `type` are the paths of the column's name and of the API's word for its type. `types`
    has dlt's data type by that word, None for one to infer.
    """

    resource: str
    types: Mapping[str, str | None]
    name: str = "name"
    type: str = "type"


@dataclass(frozen=True)
class Resource:
    """One resource; `schema` is the JSON Schema of its records.

    `hints` are keyword arguments of `dlt.resource`, as written. `columns` are the hints of each
    column by name, in place of `hints["columns"]`, which has two spellings. `tables` is a
    `table_name` with placeholders: a table for each list.

    `bindings` read from the `parent`, `ancestor_bindings` from further up. `parent_fields` and
    `ancestor_fields` are what expressions read of those through the context; None means all.
    `only_changed` is the parent's field that tells whether a list has changed. `only_new` reads
    each list once.

    A resource with several independent parents has one list for each combination of their records.
    `parent` is the first of them; to it, those of `other_parents` are ancestors too.

    `zone` is the name of the zone of times that name none. `ignore_warnings` are codes.
    """

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
    parent_fields: tuple[str, ...] | None = ()
    tables: str | None = None
    ancestor_bindings: tuple[Binding, ...] = ()
    ancestor_fields: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    only_changed: Expression | None = None
    only_new: bool = False
    partitions: tuple[Partition, ...] = ()
    other_parents: tuple[ParentLine, ...] = ()
    deletes: Deletes | None = None
    zone: str | None = None
    columns_from: ColumnsFrom | None = None
    ignore_warnings: frozenset[str] = frozenset()

    @property
    def parents(self) -> tuple[str, ...]:
        """Return the independent parents, empty for a root."""
        others = (one.parent for one in self.other_parents)
        return () if self.parent is None else (self.parent, *others)

    @property
    def included_columns(self) -> tuple[str, ...]:
        """Return the columns that `include_from_parent` adds."""
        own = tuple(f"_{self.parent}_{name}" for name in self.include_from_parent)
        others = (
            (one.parent, name) for one in self.other_parents for name in one.include_from_parent
        )
        return (*own, *(f"_{parent}_{name}" for parent, name in others))

    def knows_lists(self, parent: Resource | None) -> bool:
        """Return whether its rows say which list they are of.

        They hold all that a request takes, or the key of the parent's record that has the list.
        """
        bound = {binding.text for binding in self.bindings}
        if self.endpoint.source is not None:
            bound = set(parent.primary_key) if parent is not None else set()
        is_plain = len(self.parents) == 1 and not self.ancestor_bindings
        return is_plain and bool(bound) and bound <= set(self.include_from_parent)

    @property
    def selected(self) -> bool:
        """Return whether a run without `--resources` loads it."""
        return bool(self.hints.get("selected", True))

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Return the primary key's fields, empty if there is none."""
        return _names(self.hints.get("primary_key"))

    @property
    def write_disposition(self) -> str:
        """Return append, replace, merge or skip; dlt's default is append."""
        value = self.hints.get("write_disposition") or "append"
        return str(value["disposition"]) if isinstance(value, Mapping) else str(value)

    @property
    def merge_strategy(self) -> str | None:
        """Return the strategy of `write_disposition`, None for dlt's default."""
        value = self.hints.get("write_disposition")
        return value.get("strategy") if isinstance(value, Mapping) else None

    @property
    def retires_absent_rows(self) -> bool:
        """Return whether a load retires all rows that it does not have; not those of other keys."""
        return self.merge_strategy == "scd2" and not _names(self.hints.get("merge_key"))


@dataclass(frozen=True)
class Connector:
    """A valid connector file: `resources` are parents first, else in file order.

    `root` is the folder of `connectors/`, `schemas/` and `cassettes/`; `data` is the document as
    written.
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
    category: str = ""
    caveat: str = ""

    def resource(self, name: str) -> Resource:
        """Return the resource of this name. Raise KeyError if there is none."""
        for resource in self.resources:
            if resource.name == name:
                return resource
        raise KeyError(name)

    @property
    def resources_as_written(self) -> list[Resource]:
        """The resources in file order."""
        written = self.data.get("resources") or []
        names = [one if isinstance(one, str) else one.get("name") for one in written]
        return sorted(self.resources, key=lambda one: names.index(one.name))

    @property
    def rate_limits(self) -> tuple[RateLimit, ...]:
        """The client's rate limit, the named ones, and those of endpoints."""
        client = self.client
        own = (one.endpoint.rate_limit for one in self.resources)
        found = (client.rate_limit, *(one.limit for one in client.rate_limits), *own)
        return tuple(one for one in found if one is not None)

    def ancestors(self, resource: Resource) -> Iterator[Resource]:
        """Yield the resource's parents and those above each, each once, nearer ones first."""
        seen: set[str] = set()
        waiting = [*reversed(resource.parents)]
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                nearest = self.resource(name)
                yield nearest
                waiting += reversed(nearest.parents)

    def is_ranged(self, resource: Resource) -> bool:
        """Return whether a range limits what the resource reads: it or one above has a cursor."""
        line = (resource, *self.ancestors(resource))
        return any(one.endpoint.incremental is not None for one in line)

    def level(self, resource: Resource) -> int:
        """Return the number of generations above the resource: 0 if it has no parent."""
        above = (self.level(self.resource(name)) for name in resource.parents)
        return 1 + max(above, default=-1)


def _names(value: Json) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
