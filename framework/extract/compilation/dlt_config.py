"""A compiled connector as a RESTAPIConfig for dlt's own `rest_api_source`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from framework.definition.expressions.placeholders import placeholders, texts_of
from framework.definition.model import Resource
from framework.errors import SettingsError
from framework.extract.compilation.compiler import CompiledConnector
from framework.extract.compilation.dlt_source import resource_hints
from framework.extract.compilation.plan import Plan
from framework.extract.incremental.policy import lag_in_dlts_units
from framework.extract.page import Shape, shape_function
from framework.extract.paging.selectors import to_dlt
from framework.extract.records.time_casts import time_casts
from framework.extract.records.transforms import Transforms
from framework.runtime.context import Context, without_secrets
from framework.runtime.templates import expand

Json = Any


def rest_api_config(compiled: CompiledConnector) -> dict[str, Any]:
    """Return the RESTAPIConfig, with live objects in it.

    The session and the response hook in it do what dlt has no key for, such as waits and actions.
    `when` is left out: dlt requests every child. Raise SettingsError if dlt would load other rows.
    """
    client = compiled.client
    for plan in compiled.plans.values():
        _refuse(plan, compiled)
    return {
        "client": {
            "base_url": client.base_url,
            "headers": client.headers,
            "auth": client.auth,
            "paginator": client.paginator,
            "session": client.session,
        },
        "resources": [_for_dlt(plan) for plan in compiled.plans.values()],
    }


def _refuse(plan: Plan, compiled: CompiledConnector) -> None:
    """Raise SettingsError if dlt alone would read or load other rows than the framework."""
    resource = plan.resource
    feature = None
    if resource.endpoint.export is not None:
        feature = "an export job"
    elif resource.tables is not None:
        feature = "a table for each list"
    elif plan.paginator is not None and plan.paginator.rewrites:
        feature = "paging values in its request"
    elif resource.only_new:
        feature = "lists that are read once (only_new)"
    elif resource.partitions:
        feature = "partitions"
    elif resource.columns_from is not None:
        feature = "columns that another resource declares"
    elif resource.other_parents:
        feature = "several parents"
    elif plan.ancestor_bindings:
        feature = "values of resources above its parent"
    elif resource.parent_fields != () or _has_expressions(plan):
        feature = "expressions that are evaluated for each request or parent"
    elif resource.endpoint.source is not None:
        feature = "a list of another resource's records in place of a request"
    elif resource.endpoint.url is not None:
        feature = "a whole URL in place of a path"
    elif resource.endpoint.sync_token is not None:
        feature = "a sync token"
    elif resource.endpoint.incremental is not None and resource.endpoint.incremental.timed:
        feature = "an incremental with windows or times in forms of its own"
    elif resource.endpoint.incremental is not None and not _has_one_list(plan, compiled):
        feature = "a watermark for each record of its parent"
    if feature is not None:
        raise SettingsError(
            f"{resource.name} has {feature}, which dlt's own rest_api_source does not support: use "
            "framework.source instead of framework.rest_api_config"
        )


def _has_expressions(plan: Plan) -> bool:
    """Return whether a template of the request is not one of dlt's own placeholders."""
    endpoint = plan.endpoint
    parts = (endpoint.path, endpoint.params, endpoint.json, endpoint.data, endpoint.headers)
    return any(
        part.kind == "expression"
        for text in parts
        for template in texts_of(text)
        for part in placeholders(template)
    )


def _has_one_list(plan: Plan, compiled: CompiledConnector) -> bool:
    parent = plan.resource.parent
    if parent is None:
        return True
    above = compiled.plans[parent]
    paginator = above.paginator or compiled.client.paginator
    return above.resource.parent is None and getattr(paginator, "is_single_page", False)


def _taken_out(params: dict[str, Any], value: str) -> str | None:
    """Remove the parameter that is a value of the incremental, and return its name, or None.

    dlt writes a null in a placeholder as `None`, and leaves out a `start_param` without a value.
    """
    placeholder = f"{{incremental.{value}}}"
    name = next((name for name, one in params.items() if one == placeholder), None)
    if name is not None:
        del params[name]
    return name


def _for_dlt(plan: Plan) -> dict[str, Any]:
    resource, endpoint = plan.resource, plan.endpoint
    params: dict[str, Any] = {
        name: expand(value, {}, "query") if isinstance(value, bool) else value
        for name, value in endpoint.params.items()
    }
    for binding in plan.bindings:
        if not binding.name.startswith("resources."):
            field = binding.selector
            params[binding.name] = {
                "type": "resolve",
                "resource": binding.binding.resource,
                "field": to_dlt(field),
            }
    request: dict[str, Any] = {
        "path": endpoint.path,
        "method": endpoint.method,
        "params": params,
        "json": endpoint.json,
        "data": endpoint.data,
        "headers": dict(endpoint.headers) or None,
        "paginator": plan.paginator,
        "data_selector": plan.selector,
        "auth": plan.auth,
        "response_actions": [plan.requests],
    }
    incremental = endpoint.incremental
    if incremental is not None:
        request["incremental"] = {
            **incremental.arguments,
            "start_param": incremental.start_param or _taken_out(params, "start_value"),
            "end_param": incremental.end_param or _taken_out(params, "end_value"),
            "lag": lag_in_dlts_units(incremental, incremental.arguments.get("initial_value")),
        }
    config: dict[str, Any] = {
        "name": resource.name,
        **resource_hints(resource),
        "selected": resource.selected,
        "endpoint": {key: value for key, value in request.items() if value is not None},
    }
    if "nested_hints" in config:
        # dlt.resource takes tuples for deeper lists; a RESTAPIConfig takes texts only,
        # so for those dlt infers from the values
        config["nested_hints"] = {
            path: hints for path, hints in config["nested_hints"].items() if isinstance(path, str)
        }
    if resource.include_from_parent:
        config["include_from_parent"] = list(resource.include_from_parent)
    steps = _steps_for_dlt(resource, without_secrets(plan.context))
    if steps:
        config["processing_steps"] = steps
    return config


def _steps_for_dlt(resource: Resource, context: Context) -> list[dict[str, Any]]:
    """Return the file's steps and its schema's conversions, as dlt's functions of one record."""

    def functions(kind: str, run: Shape, *, each_one: bool = True) -> dict[str, Any]:
        if kind == "filter":
            return {"filter": lambda record: bool(run([record]))}
        if each_one:  # a page stays a list: children's loops go through it
            return {"map": lambda record: run([record])[0]}
        return {"yield_map": lambda record: run([record])}

    steps = []
    for step in resource.steps:
        run = partial(Transforms(replace(resource, steps=(step,))), context=context)
        # the others yield several records for one, or none if they fail
        each_one = step.kind not in ("yield_map", "explode") and step.on_error == "fail"
        steps.append(functions(step.kind, run, each_one=each_one))
    if not resource.steps and time_casts(resource) is not None:
        steps.append(functions("map", partial(Transforms(resource), context=context)))
    if resource.schema is not None:
        steps.append(functions("schema", shape_function(resource)))
    return steps
