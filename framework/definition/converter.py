"""Convert a draft without errors to a `Connector`: expand shorthands, compile expressions.

The rules have found no error, so nothing is checked here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.definition.auth_choice import ONE_OF
from framework.definition.defaults import MergedResource, bind_path, columns_by_name
from framework.definition.expressions.jmespath_expression import Expression, compile_expression
from framework.definition.expressions.jsonpath import is_jsonpath
from framework.definition.expressions.placeholders import config_names, escape, placeholders
from framework.definition.model import (
    PARTITION_KINDS,
    Binding,
    Client,
    ColumnsFrom,
    ConfigEntry,
    Connector,
    Deletes,
    Endpoint,
    Export,
    Incremental,
    JobRequest,
    NamedLimit,
    OnError,
    ParentLine,
    Partition,
    Resource,
    ResponseAction,
    ResponseFormat,
    SecretEntry,
    Selector,
    Step,
    SyncToken,
)
from framework.definition.paginator_keys import paginator_types, total_path
from framework.definition.plain_data import from_plain
from framework.definition.references import references, sources_of_union
from framework.definition.schema.annotations import (
    client_values,
    context_reads,
    cursors,
    expressions,
    resource_templates,
    resource_values,
    token_of,
)
from framework.definition.values.durations import parse_duration
from framework.definition.values.value_casts import parse_cast

if TYPE_CHECKING:
    from framework.definition.draft import Draft

Json = Any


def parse_export(written: Json) -> Export | None:
    """Return an export job with its defaults, None for none."""
    if not written:
        return None
    jobs = {key: _job_request(written[key]) for key in ("status", "download") if written.get(key)}
    return from_plain(Export, {**written, **jobs})


def _job_request(written: Json) -> JobRequest:
    """Return a request of an export job; a text alone is its path, or its URL."""
    if isinstance(written, str):
        written = {"url" if "://" in written or written.startswith("{") else "path": written}
    params = written.get("params") or {}
    changed = {
        "method": str(written.get("method") or "GET").upper(),
        "params": {key: value for key, value in params.items() if value is not None},
    }
    return from_plain(JobRequest, {**written, **changed})


def parse_response_format(written: Json) -> ResponseFormat:
    """Return a response format with its defaults; a text alone is its type."""
    data = {"type": written} if isinstance(written, str) else dict(written or {})
    if isinstance(data.get("header"), list):
        data["header"] = tuple(data["header"])
    return from_plain(ResponseFormat, data)


_NOT_HINTS = (
    *("name", "endpoint", "schema", "when", "processing_steps", "include_from_parent"),
    *("only_changed", "only_new", "partitions", "deletes", "zone", "columns_from"),
    "ignore_warnings",
)
_NOT_ARGUMENTS = (
    *("type", "start_param", "end_param", "lag", "watermark", "convert", "transform"),
    *("step", "granularity", "align", "lookahead", "cursor_formats", "format"),
    *("keep_all", "cap_at_run_start", "full_read_every", "restart_after"),
)
TABLE_HINTS = ("write_disposition", "primary_key", "merge_key")
_DLT_STEPS = ("filter", "map", "yield_map")
_RENAMED_PAGINATORS = {"json_response": "json_link"}


def parse_connector(draft: Draft) -> Connector:
    """Return the connector of a draft without errors; its resources are parents first."""
    return Connector(
        name=str(draft.data["name"]),
        description=str(draft.data.get("description") or ""),
        path=draft.location.path,
        root=draft.location.root,
        client=parse_client(draft.client),
        resources=_with_table_hints([_resource(draft, one) for one in _parents_first(draft)]),
        config={name: _config(name, entry) for name, entry in draft.section("config").items()},
        secrets={name: _secret(name, entry) for name, entry in draft.section("secrets").items()},
        data=draft.data,
        category=str(draft.data.get("category") or ""),
        caveat=str(draft.data.get("caveat") or ""),
    )


def parse_client(written: Mapping[str, Json]) -> Client:
    """Return the client section; keys that are not there have the model's defaults."""
    changed = {
        "auth": parse_auth(written.get("auth")),
        "paginator": parse_paginator(written.get("paginator")),
        "rate_limit": written.get("rate_limit") or None,
        "rate_limits": [_named_limit(one) for one in written.get("rate_limits") or ()],
    }
    return from_plain(Client, {**written, **changed})


def _named_limit(written: Mapping[str, Json]) -> NamedLimit:
    methods = [method.upper() for method in written.get("methods") or ()]
    return from_plain(NamedLimit, {**written, "methods": methods})


def parse_auth(written: Json) -> Mapping[str, Json] | None:
    """Return an auth, and each case of a `one_of`, as a mapping with its type; None for none."""
    if written is None:
        return None
    auth: dict[str, Json] = {"type": "bearer"}
    auth.update({"type": written} if isinstance(written, str) else written)
    if auth["type"] == ONE_OF:
        auth["cases"] = {name: parse_auth(case) for name, case in auth["cases"].items()}
    return auth


def parse_paginator(written: Json) -> Mapping[str, Json] | None:
    """Return a paginator as a mapping with its current type; None for none."""
    if written is None:
        return None
    paginator = {"type": written} if isinstance(written, str) else {"type": "auto", **written}
    kind = paginator["type"]
    if paginator_types()[kind].ends and total_path(paginator) is None:
        paginator["total_path"] = None
    return {**paginator, "type": _RENAMED_PAGINATORS.get(kind, kind)}


def parse_selector(text: str) -> Selector:
    """Return a compiled JMESPath; a JSONPath stays text."""
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


def _with_table_hints(resources: list[Resource]) -> tuple[Resource, ...]:
    """Return the resources; those that share a table have the hints of the last one, as in dlt."""
    last = {one.hints["table_name"]: one for one in resources if one.hints.get("table_name")}
    result = []
    for one in resources:
        owner = last.get(one.hints.get("table_name"), one)
        if owner is not one:
            own = {key: value for key, value in one.hints.items() if key not in TABLE_HINTS}
            of_table = {key: owner.hints[key] for key in TABLE_HINTS if key in owner.hints}
            one = replace(one, hints={**own, **of_table})
        result.append(one)
    return tuple(result)


def _resource(draft: Draft, merged: MergedResource) -> Resource:
    data = merged.data
    first, *others = _lines(draft, merged) or [None]
    schema = draft.schema(merged)
    tables = data.get("table_name")
    if tables is not None and not placeholders(tables):
        tables = None
    line = first or ParentLine("")
    steps = tuple(step for one in data.get("processing_steps") or () for step in _steps(one))
    crossed = [one for one in others if one is not None]
    return Resource(
        name=merged.name,
        endpoint=_endpoint(merged),
        hints={
            key: value
            for key, value in data.items()
            if key not in _NOT_HINTS and not (key == "table_name" and tables)
        },
        columns={
            **({} if schema is not None else columns_by_name(_cast_columns(steps))),
            **columns_by_name(data.get("columns")),
        },
        tables=tables,
        schema=schema.usable if schema else None,
        parent=None if first is None else first.parent,
        parent_fields=line.parent_fields,
        bindings=line.bindings,
        ancestor_bindings=(
            *line.ancestor_bindings,
            *(
                binding
                for one in crossed
                for binding in (*one.bindings, *one.ancestor_bindings)
                if not binding.name.startswith("partition.")
            ),
        ),
        ancestor_fields={
            name: fields
            for one in (line, *crossed)
            for name, fields in (*_own_fields(one, line), *one.ancestor_fields.items())
        },
        include_from_parent=line.include_from_parent,
        other_parents=tuple(crossed),
        when=_expression(data.get("when")),
        only_changed=_expression(data.get("only_changed")),
        only_new=bool(data.get("only_new")),
        partitions=tuple(
            _partition(written, draft.location.root) for written in data.get("partitions") or ()
        ),
        deletes=_deletes(data.get("deletes")),
        zone=data.get("zone"),
        columns_from=_columns_from(data.get("columns_from")),
        ignore_warnings=frozenset(data.get("ignore_warnings") or ()),
        steps=steps,
    )


def _lines(draft: Draft, merged: MergedResource) -> list[ParentLine | None]:
    """Return what a resource reads from each of its independent parents."""
    parents = [one.name for one in draft.parents_of(merged)]
    bindings, lines = _bindings(merged), list[ParentLine | None]()
    listed = {one.parent for one in references(merged) if one.partition is not None}
    for parent in parents:
        # what partitions read is all that this line is for
        above = () if len(parents) > 1 and parent in listed else draft.above(parent)
        own = (binding for binding in bindings if binding.resource == parent)
        fields = _context_fields(draft, merged, parent, above)
        lines.append(
            ParentLine(
                parent,
                tuple(own),
                tuple(
                    binding
                    for binding in bindings
                    if binding.resource in above and binding.resource not in parents
                ),
                fields.pop(parent, ()),
                fields,
                tuple(field for _, name, field in draft.included(merged) if name == parent),
            )
        )
    return lines


def _own_fields(one: ParentLine, first: ParentLine) -> Iterator[tuple[str, tuple[str, ...] | None]]:
    """Yield the fields of a further parent, which is an ancestor to the first."""
    if one is not first and one.parent_fields != ():
        yield one.parent, one.parent_fields


def _expression(written: str | None) -> Expression | None:
    return None if written is None else compile_expression(written)


def _partition(written: Mapping[str, Json], root: Path) -> Partition:
    kind = next(kind for kind in PARTITION_KINDS if written.get(kind) is not None)
    argument = written[kind]
    if kind == "file":
        argument = {**argument, "root": escape(str(root))}
    if kind == "union":
        bound = {number for number, _ in sources_of_union(written)}
        argument = [
            f"partition.{written['name']}.{number}" if number in bound else source["values"]
            for number, source in enumerate(argument)
        ]
    return from_plain(Partition, {**written, "kind": kind, "argument": argument})


def _columns_from(written: Json) -> ColumnsFrom | None:
    return None if written is None else from_plain(ColumnsFrom, written)


def _deletes(written: Json) -> Deletes | None:
    """Return what to do with rows that are gone, None for nothing; a text alone is the action."""
    data = written if isinstance(written, Mapping) else {"action": written}
    if data["action"] in (None, "ignore"):
        return None
    share = data.get("at_most")
    return Deletes(data["action"], None if share is None else float(share.rstrip("%")) / 100)


def _context_fields(
    draft: Draft, merged: MergedResource, parent: str, ancestors: tuple[str, ...]
) -> dict[str, tuple[str, ...] | None]:
    """Return the fields that expressions read of an ancestor's record, by resource; None is all."""
    values = expressions((*resource_values(merged), *client_values(draft.client)))
    outside_parent = (one for one in values if one.context != "parent")
    reads = [
        read
        for one in (*resource_templates(merged), *outside_parent)
        for read in context_reads(one)
    ]
    names: dict[str, dict[str, None] | None] = {}
    above = (parent, *ancestors)
    for one in reads:
        root, *rest = one.path or ("",)
        resources: tuple[str, ...] = ()
        if root == "parent":
            resources = above[:1]
        elif root == "resources" and rest:
            resources = tuple(name for name in above if name == rest[0])
            rest = rest[1:]
        elif root in ("", "resources"):
            resources, rest = above, []
        for name in resources:
            fields = names.setdefault(name, {})
            if not rest:
                names[name] = None
            elif fields is not None:
                fields[rest[0]] = None
    return {name: None if fields is None else tuple(fields) for name, fields in names.items()}


def _bindings(merged: MergedResource) -> tuple[Binding, ...]:
    bindings: dict[str, Binding] = {}
    for reference in references(merged):
        name, text = reference.param or reference.text, reference.expression
        if reference.partition is not None:
            name = f"partition.{reference.text}"
        if not text:
            continue
        # an expression that config completes is compiled once its value is known
        selector = text if config_names(text) else parse_selector(text)
        bindings.setdefault(name, Binding(name, reference.parent, selector, text))
    return tuple(bindings.values())


def _endpoint(merged: MergedResource) -> Endpoint:
    written = merged.endpoint
    path, bound = bind_path(merged.path, merged.params)
    selector = written.get("data_selector")
    auth = parse_auth(written.get("auth"))
    if "auth" in written and auth is None:
        auth = {"type": "none"}
    changed = {
        "path": path,
        "url": merged.url,
        "method": str(written.get("method") or "GET").upper(),
        "params": {
            name: value
            for name, value in merged.params.items()
            if value is not None and not isinstance(value, dict) and name not in bound
        },
        "paginator": parse_paginator(written.get("paginator")),
        "data_selector": None if selector is None else parse_selector(selector),
        "response_actions": _actions(written.get("response_actions") or (), merged),
        "incremental": _incremental(merged),
        "sync_token": _sync_token(merged),
        "response_format": parse_response_format(written.get("response_format")),
        "export": parse_export(written.get("export")),
        "auth": auth,
        "retry": written.get("retry") or None,
        "rate_limit": written.get("rate_limit") or None,
    }
    return from_plain(Endpoint, {**written, **changed})


def _incremental(merged: MergedResource) -> Incremental | None:
    for cursor in cursors(merged):
        written, lag = cursor.written, cursor.written.get("lag")
        changed = {
            "arguments": {key: item for key, item in written.items() if key not in _NOT_ARGUMENTS},
            "start_param": cursor.param or written.get("start_param"),
            "lag": parse_duration(lag) if isinstance(lag, str) else lag,
        }
        return from_plain(Incremental, {**written, **changed})
    return None


def _sync_token(merged: MergedResource) -> SyncToken | None:
    written = token_of(merged)
    return None if written is None else from_plain(SyncToken, written)


def _actions(written: Sequence[Json], merged: MergedResource) -> list[ResponseAction]:
    """Return the actions of the file; a token that is gone restarts its list, if none says else."""
    actions = [parse_action(entry) for entry in written]
    if token_of(merged) is not None:
        actions.append(ResponseAction(status_codes=("410",), action="restart"))
    return actions


def parse_action(written: Mapping[str, Json]) -> ResponseAction:
    """Return an entry of `response_actions`; one status counts as a list of it."""
    codes = written.get("status_code")
    codes = [] if codes is None else codes if isinstance(codes, list) else [codes]
    texts = [str(code).lower() for code in codes]
    return from_plain(ResponseAction, {**written, "status_code": texts})


def _steps(written: Mapping[str, Json]) -> list[Step]:
    """Return the steps of one entry: dlt's own in dlt's order, then the others as written."""
    on_error: OnError = written.get("on_error", "fail") or "null"
    kinds = [kind for kind in _DLT_STEPS if written.get(kind) is not None]
    kinds += [kind for kind in written if kind not in (*_DLT_STEPS, "on_error")]
    return [_step(kind, written[kind], on_error) for kind in kinds]


def _step(kind: str, value: Json, on_error: OnError) -> Step:
    if kind in (*_DLT_STEPS, "rename_keys"):
        return Step(kind, compile_expression(value), None, on_error)
    if kind in ("remove", "flatten", "explode"):
        value = (value,) if isinstance(value, str) else tuple(value)
    elif kind == "null_values":
        value = tuple(value)
    elif kind == "cast":
        value = {path: parse_cast(item) for path, item in value.items()}
    elif kind == "set":
        value = {
            path: compile_expression(item) if isinstance(item, str) else item
            for path, item in value.items()
        }
    return Step(kind, None, value, on_error)


def _cast_columns(steps: Iterable[Step]) -> dict[str, Json]:
    """Return the hint of each column whose type a cast tells, by its name after all steps."""
    types: dict[str, str] = {}
    for step in steps:
        if step.kind == "cast":
            for path, cast in step.argument.items():
                if not isinstance(cast, str):
                    types[path] = cast.data_type
        elif step.kind == "rename":
            for old, new in step.argument.items():
                if old in types:
                    types[new] = types.pop(old)
        elif step.kind in ("remove", "set", "explode"):
            for path in step.argument:
                types.pop(path, None)
        elif step.kind not in ("filter", "null_values"):
            types.clear()
    return {path: {"data_type": kind} for path, kind in types.items() if "." not in path}


def _config(name: str, entry: Json) -> ConfigEntry:
    schema = entry if isinstance(entry, dict) else {}
    changed = {
        "name": name,
        "schema": {key: value for key, value in schema.items() if key != "key"},
        "required": "default" not in schema,
    }
    return from_plain(ConfigEntry, {**schema, **changed})


def _secret(name: str, entry: Json) -> SecretEntry:
    return from_plain(SecretEntry, {**(entry if isinstance(entry, dict) else {}), "name": name})
