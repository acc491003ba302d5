"""The compiled file as plain data: a RESTAPIConfig to read, with secrets masked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from framework.definition.auth_choice import chosen_auth
from framework.definition.durations import format_period
from framework.definition.expressions.jmespath_expression import Expression
from framework.definition.model import (
    Client,
    Connector,
    Endpoint,
    Export,
    Incremental,
    JobRequest,
    Partition,
    Resource,
    ResponseAction,
    ResponseFormat,
    Retry,
    WaitRule,
)
from framework.extract.compiler import Filler, filled_auth, filled_endpoint
from framework.runtime.context import run_context
from framework.runtime.redaction import MASK
from framework.runtime.settings import Settings

Json = Any


def masked(settings: Settings) -> Settings:
    """The settings with every secret replaced by a mask."""
    return Settings(settings.section, settings.config, dict.fromkeys(settings.secrets, MASK))


def shown_config(connector: Connector, settings: Settings) -> dict[str, Json]:
    """`client` and `resources` after defaults, merging and config; secrets are masked."""
    filler = Filler(run_context(masked(settings), datetime.now(UTC)))
    return {
        "client": _client(connector.client, filler),
        "resources": [_resource(resource, filler) for resource in connector.resources],
    }


def _client(client: Client, filler: Filler) -> dict[str, Json]:
    limit = client.rate_limit
    return _without_nothing(
        {
            "base_url": filler.final(client.base_url),
            "headers": filler.final(dict(client.headers)),
            "auth": _auth(client.auth, filler),
            "paginator": filler.final(_plain(client.paginator)),
            "retry": _retry(client.retry),
            "rate_limit": limit
            and _without_nothing(
                {
                    "requests": filler.final(limit.requests),
                    "per": _seconds(limit.per),
                    "headers": _without_nothing(
                        {
                            "limit": limit.limit_header,
                            "remaining": limit.remaining_header,
                            "reset": limit.reset_header,
                            "reset_as": limit.reset_header and limit.reset_as,
                        }
                    ),
                }
            ),
            "timeout": client.timeout and _seconds(client.timeout),
            "max_in_flight": client.max_in_flight,
            "allowed_hosts": filler.final(list(client.allowed_hosts)),
            "max_response_size": client.max_response_size,
            "max_response_time": _seconds(client.max_response_time),
        }
    )


def _retry(retry: Retry) -> dict[str, Json]:
    return _without_nothing(
        {
            "status_codes": None if retry.status_codes is None else list(retry.status_codes),
            "max_retries": retry.max_retries,
            "backoff_factor": retry.backoff_factor,
            "max_wait": _seconds(retry.max_wait),
            **_wait(retry.wait),
        }
    )


def _wait(wait: WaitRule) -> dict[str, Json]:
    return {
        "backoff": wait.backoff and _seconds(wait.backoff),
        "wait_header": wait.header,
        "wait_as": wait.header and wait.header_as,
        "wait_pattern": wait.pattern,
        "wait": wait.expression and wait.expression.text,
    }


def _resource(resource: Resource, filler: Filler) -> dict[str, Json]:
    shown: dict[str, Json] = {"name": resource.name, **_plain(resource.hints)}
    if resource.tables is not None:
        shown["table_name"] = resource.tables
    if resource.when is not None:
        shown["when"] = resource.when.text
    if resource.only_changed is not None:
        shown["only_changed"] = resource.only_changed.text
    if resource.partitions:
        shown["partitions"] = [
            _partition(partition, resource, filler) for partition in resource.partitions
        ]
    if resource.include_from_parent:
        shown["include_from_parent"] = list(resource.include_from_parent)
    if resource.steps:
        shown["processing_steps"] = [
            {
                step.kind: step.text or _plain(step.argument),
                **({} if step.on_error == "fail" else {"on_error": step.on_error}),
            }
            for step in resource.steps
        ]
    shown["endpoint"] = _endpoint(resource, filler)
    return shown


def _endpoint(resource: Resource, filler: Filler) -> dict[str, Json]:
    endpoint: Endpoint = filled_endpoint(resource.endpoint, filler)
    params = dict(endpoint.params)
    for binding in resource.bindings:
        if not binding.name.startswith(("resources.", "partition.")):
            field = binding.field
            text = field.text if isinstance(field, Expression) else field
            params[binding.name] = {
                "type": "resolve",
                "resource": binding.resource,
                "field": filler.expression(text),
            }
    selector = endpoint.data_selector
    return _without_nothing(
        {
            "path": endpoint.path,
            "method": endpoint.method,
            "params": params,
            "json": endpoint.json,
            "data": endpoint.data,
            "headers": endpoint.headers,
            "paginator": filler.final(_plain(endpoint.paginator)),
            "data_selector": selector.text if isinstance(selector, Expression) else selector,
            "incremental": endpoint.incremental and _incremental(endpoint.incremental),
            "response_format": format_written(endpoint.response_format),
            "export": endpoint.export and _export(endpoint.export),
            "response_actions": [_action(action) for action in endpoint.response_actions],
            "auth": _auth(endpoint.auth, filler),
        }
    )


def _auth(auth: Mapping[str, Json] | None, filler: Filler) -> Json:
    """The auth that config chooses, filled in."""
    picked = chosen_auth(auth, filler.context["config"])
    return None if picked is None else filled_auth({"type": "bearer", **_plain(picked)}, filler)


def _partition(partition: Partition, resource: Resource, filler: Filler) -> dict[str, Json]:
    name = f"partition.{partition.name}"
    return _without_nothing(
        {
            "name": partition.name,
            partition.kind: filler.final(_plain(partition.argument)),
            "field": next((one.text for one in resource.bindings if one.name == name), None),
            "batch": partition.batch,
            "separator": partition.separator,
        }
    )


def _incremental(incremental: Incremental) -> dict[str, Json]:
    lag = incremental.lag
    return _without_nothing(
        {
            **incremental.arguments,
            "start_param": incremental.start_param,
            "end_param": incremental.end_param,
            "lag": _seconds(lag) if isinstance(lag, timedelta) else lag,
            "watermark": incremental.watermark,
            "step": incremental.step and format_period(incremental.step),
            "granularity": incremental.granularity and _seconds(incremental.granularity),
            "lookahead": incremental.lookahead and format_period(incremental.lookahead),
            "cursor_formats": list(incremental.cursor_formats),
            "format": incremental.format,
        }
    )


def format_written(form: ResponseFormat) -> dict[str, Json] | None:
    """A `response_format` as a file has it: what differs from the defaults, None for plain JSON."""
    plain = vars(ResponseFormat())
    changed = {key: _plain(v) for key, v in vars(form).items() if v != plain[key] and key != "kind"}
    return {"type": form.kind, **changed} if form != ResponseFormat() else None


def _export(export: Export) -> dict[str, Json]:
    def request(asked: JobRequest) -> dict[str, Json]:
        written = {**_plain(vars(asked)), "url": list(asked.urls), "urls": None}
        return _without_nothing(written)

    return _without_nothing(
        {
            "status": export.status and request(export.status),
            "ready": export.ready and export.ready.text,
            "failed": export.failed and export.failed.text,
            "message": export.message and export.message.text,
            "every": _seconds(export.every),
            "timeout": _seconds(export.timeout),
            "download": request(export.download),
        }
    )


def _action(action: ResponseAction) -> dict[str, Json]:
    retry = action.retry
    return _without_nothing(
        {
            "status_code": list(action.status_codes),
            "content": action.content,
            "header": dict(action.headers),
            "body": action.body and action.body.text,
            "action": action.action,
            "message": action.message,
            "max_retries": retry.max_retries,
            "backoff_factor": retry.backoff_factor,
            "max_wait": retry.max_wait and _seconds(retry.max_wait),
            **_wait(retry.wait),
        }
    )


def _seconds(duration: timedelta) -> str:
    return f"PT{duration.total_seconds():g}S"


def _plain(value: Json) -> Json:
    if isinstance(value, Expression):
        return value.text
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _without_nothing(mapping: Mapping[str, Json]) -> dict[str, Json]:
    """Without what says nothing: None and what is empty."""
    return {k: v for k, v in mapping.items() if v is not None and v != {} and v != []}
