"""The compiled connector as plain data: a RESTAPIConfig to read, with secrets masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from framework.definition.auth_choice import chosen_auth
from framework.definition.model import (
    Client,
    Connector,
    Incremental,
    Partition,
    Resource,
    ResponseFormat,
)
from framework.definition.plain_data import drop_empty, to_plain
from framework.definition.references import FROM
from framework.extract.compilation.compiler import (
    Filler,
    filled_auth,
    filled_endpoint,
    filled_tls,
    with_filled_limits,
)
from framework.runtime.context import run_context
from framework.runtime.redaction import MASK
from framework.runtime.settings import Settings

Json = Any


def masked(settings: Settings) -> Settings:
    """Return the settings with every secret replaced by a mask."""
    return Settings(settings.section, settings.config, dict.fromkeys(settings.secrets, MASK))


def render_config(connector: Connector, settings: Settings) -> dict[str, Json]:
    """Return `client` and `resources` after defaults, merging and config, with secrets masked."""
    filler = Filler(run_context(masked(settings), datetime.now(UTC)))
    connector = with_filled_limits(connector, filler)
    return {
        "client": _client(connector.client, filler),
        "resources": [_resource(resource, filler) for resource in connector.resources],
    }


def _client(client: Client, filler: Filler) -> Json:
    filled = replace(
        client,
        base_url=filler.final(client.base_url),
        headers=filler.literal_braces(client.headers),
        auth=_auth(client.auth, filler),
        paginator=filler.final(to_plain(client.paginator)),
        tls=None if client.tls is None else filled_tls(client.tls, filler),
        allowed_hosts=filler.final(list(client.allowed_hosts)),
    )
    return to_plain(filled)


def _resource(resource: Resource, filler: Filler) -> dict[str, Json]:
    data: dict[str, Json] = {"name": resource.name, **to_plain(resource.hints)}
    if resource.tables is not None:
        data["table_name"] = resource.tables
    if resource.when is not None:
        data["when"] = resource.when.text
    if resource.only_changed is not None:
        data["only_changed"] = resource.only_changed.text
    if resource.only_new:
        data["only_new"] = True
    if resource.partitions:
        data["partitions"] = [
            _partition(partition, resource, filler) for partition in resource.partitions
        ]
    if resource.deletes is not None:
        data["deletes"] = to_plain(resource.deletes)
        if resource.deletes.at_most is not None:
            data["deletes"]["at_most"] = f"{resource.deletes.at_most * 100:g}%"
    if resource.columns_from is not None:
        data["columns_from"] = to_plain(resource.columns_from)
    if resource.zone is not None:
        data["zone"] = filler.final(resource.zone)
    if resource.ignore_warnings:
        data["ignore_warnings"] = sorted(resource.ignore_warnings)
    if resource.included_columns:
        data["include_from_parent"] = _included(resource)
    if resource.steps:
        data["processing_steps"] = [
            {
                step.kind: step.text or to_plain(step.argument),
                **({} if step.on_error == "fail" else {"on_error": step.on_error}),
            }
            for step in resource.steps
        ]
    data["endpoint"] = _endpoint(resource, filler)
    return data


def _included(resource: Resource) -> list[str]:
    if not resource.other_parents:
        return list(resource.include_from_parent)
    lines = [(resource.parent, resource.include_from_parent)]
    lines += [(one.parent, one.include_from_parent) for one in resource.other_parents]
    return [f"{parent}.{name}" for parent, names in lines for name in names]


def _endpoint(resource: Resource, filler: Filler) -> dict[str, Json]:
    endpoint = filled_endpoint(resource.endpoint, filler)
    resolved = {
        binding.name: {
            "type": "resolve",
            "resource": binding.resource,
            "field": filler.expression(to_plain(binding.field)),
        }
        for binding in (*resource.bindings, *resource.ancestor_bindings)
        if not binding.name.startswith(("resources.", "partition.")) and binding.name != FROM
    }
    filled = replace(
        endpoint,
        params={**endpoint.params, **resolved},
        paginator=filler.final(to_plain(endpoint.paginator)),
        auth=_auth(endpoint.auth, filler),
    )
    data: dict[str, Json] = to_plain(filled)
    if endpoint.cost == 1:
        del data["cost"]
    data["response_format"] = render_response_format(endpoint.response_format)
    token = data.pop("sync_token", None)
    data["incremental"] = token or (endpoint.incremental and _incremental(endpoint.incremental))
    if endpoint.url is not None:
        data["path"] = {"url": data.pop("url")}
    if endpoint.source is not None:
        return {"from": endpoint.source, "data_selector": data["data_selector"]}
    return drop_empty(data)


def _auth(auth: Mapping[str, Json] | None, filler: Filler) -> Json:
    """Return the auth that config chooses, filled in."""
    choice = chosen_auth(auth, filler.context["config"])
    return None if choice is None else filled_auth(choice, filler)


def _partition(partition: Partition, resource: Resource, filler: Filler) -> dict[str, Json]:
    name = f"partition.{partition.name}"
    # further parents of a partition have lines of their own
    others = (binding for one in resource.other_parents for binding in one.bindings)
    bindings = (*resource.bindings, *resource.ancestor_bindings, *others)
    if partition.kind == "union":
        sources = {one.name: {"resource": one.resource, "field": one.text} for one in bindings}
        union = [
            (sources.get(one) if isinstance(one, str) else None)
            or {"values": filler.final(to_plain(one))}
            for one in partition.argument
        ]
        return {"name": partition.name, "union": union}
    return drop_empty(
        {
            "name": partition.name,
            partition.kind: filler.final(to_plain(partition.argument)),
            "field": next((one.text for one in bindings if one.name == name), None),
            "batch": partition.batch,
            "separator": partition.separator,
        }
    )


def _incremental(incremental: Incremental) -> dict[str, Json]:
    data = to_plain(incremental)
    del data["cursor_path"]  # one of the arguments, in the file's order
    return {**drop_empty(data.pop("arguments")), **data}


def render_response_format(form: ResponseFormat) -> dict[str, Json] | None:
    """Return a `response_format` without the keys that have their defaults; None for plain JSON."""
    if form == ResponseFormat():
        return None
    # not `to_plain`: a null quote says that nothing is quoted
    plain = vars(ResponseFormat())
    changed = {
        key: to_plain(value)
        for key, value in vars(form).items()
        if key != "kind" and value != plain[key]
    }
    return {"type": form.kind, **changed}
