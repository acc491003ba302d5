"""Compile a valid connector and its settings: a client, and a plan for each resource.

Sends no request, and does not know pipelines and destinations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from dlt.common.configuration import resolve_configuration
from dlt.common.configuration.specs import RuntimeConfiguration
from dlt.sources.helpers.rest_client.auth import AuthConfigBase
from dlt.sources.helpers.rest_client.client import RESTClient

from framework import __version__
from framework.definition.auth_choice import chosen_auth, secrets_used
from framework.definition.expressions.jmespath_expression import (
    ExpressionError,
    compile_expression,
)
from framework.definition.expressions.literal_braces import literal_template
from framework.definition.expressions.placeholders import Placeholder, with_config
from framework.definition.model import (
    AUTO,
    Binding,
    ClientTls,
    Connector,
    Endpoint,
    Export,
    JobRequest,
    ParentLine,
    RateLimit,
    Resource,
    Selector,
)
from framework.definition.paginator_keys import PAGING
from framework.definition.schema.annotations import annotated_values
from framework.definition.schema.record_schema import table_of
from framework.definition.values.datetimes import UnknownZone, time_zone
from framework.definition.values.naming import normalize_path
from framework.definition.values.value_casts import Cast, TimeCast
from framework.errors import BindingError
from framework.events import EventHandler
from framework.extract.compilation.plan import Plan, PlannedBinding
from framework.extract.compilation.request_adapter import build_adapter
from framework.extract.paging.pagination import build_paginator, paginator_config, paging_values
from framework.extract.paging.selectors import finder, to_dlt
from framework.extract.records.decimal_keys import decimal_keys
from framework.extract.rest_client import ListClient
from framework.http.auth.authenticators import AuthContext, build_auth
from framework.http.client_tls import tls_context
from framework.http.formats.decoders import build_decoder
from framework.http.limits.in_flight import HostLevels
from framework.http.request_context import RequestContext
from framework.http.response_actions import ResponseActions
from framework.http.session import AllowedHosts, Session, origin, refuse_plain_http
from framework.runtime.context import Context, run_context, without_secrets
from framework.runtime.environment import Environment
from framework.runtime.redacted_output import redact_logs
from framework.runtime.redaction import MASK, Redactor
from framework.runtime.settings import Settings
from framework.runtime.templates import (
    TemplateTarget,
    evaluated,
    fill,
    made_of_secrets,
    text_of,
)

Json = Any


@dataclass(frozen=True)
class CompiledConnector:
    """A connector ready to run: one plan for each resource, parents first, over one session.

    `auth_context` is what its auths need of the run.
    """

    connector: Connector
    settings: Settings
    redactor: Redactor
    client: RESTClient
    plans: Mapping[str, Plan]
    auth_context: AuthContext
    levels: HostLevels | None = None
    """How many requests at once each host bears, if the file says `max_in_flight: auto`."""


class Filler:
    """Fills config, secrets and the clock into the parts of a file.

    Values made of secrets are added to the redactor; without a redactor they are masked.
    """

    def __init__(self, context: Context, redactor: Redactor | None = None) -> None:
        self.context = context
        self._redactor = redactor

    def constant(self, placeholder: Placeholder) -> Json:
        """Return the value of a constant placeholder."""
        if self._redactor is None and made_of_secrets(placeholder):
            return MASK
        if placeholder.kind == "expression":
            return evaluated(placeholder.text, self.context, self._redactor)
        return self.context[placeholder.kind][placeholder.name]

    def final(self, value: Json, place: TemplateTarget = "text") -> Json:
        """Return the value with all placeholders replaced."""
        return fill(value, self.constant, place=place, final=True)

    def literal_braces(self, texts: Mapping[str, str]) -> dict[str, Json]:
        """Return texts with their placeholders replaced; other braces in them are plain."""
        return {key: self.final(literal_template(text)) for key, text in texts.items()}

    def expression(self, text: str) -> str:
        """Return an expression with the config inside it filled in."""
        return with_config(text, self.context["config"])

    def path(self, text: str) -> Json:
        """Return an expression over a response's body, compiled for dlt."""
        return to_dlt(selector_of(text), without_secrets(self.context))

    def template(self, value: Json, place: TemplateTarget) -> Json:
        """Return the value with the placeholders of a parent and a cursor only."""
        return fill(value, self.constant, place=place, final=False)


def compile_connector(
    connector: Connector, settings: Settings, environment: Environment, on_event: EventHandler
) -> CompiledConnector:
    """Return all that a run of the connector needs, built once."""
    redactor = environment.redactor
    redact_logs(redactor)
    filler = Filler(run_context(settings, environment.now), redactor)
    for value in filter(None, settings.secrets.values()):
        redactor.add(value)
    client = connector.client
    base_url = str(filler.final(client.base_url))
    redactor.add_url(base_url)
    redactor.add_logins(settings.config)
    if connector.secrets:
        refuse_plain_http(base_url)
    runtime = resolve_configuration(RuntimeConfiguration())
    filled = with_filled_limits(connector, filler)
    levels = HostLevels(client.most_in_flight) if client.max_in_flight == AUTO else None
    adapter = build_adapter(
        replace(filled, client=replace(filled.client, base_url=base_url)),
        settings,
        without_secrets(filler.context),
        runtime,
        environment,
        on_event,
        levels,
    )
    timeout = client.timeout.total_seconds() if client.timeout else float(runtime.request_timeout)

    tls = None
    # a mock has no TLS, and a replay no certificate
    if client.tls is not None and origin(base_url)[0] == "https" and not environment.replay:
        tls = tls_context(filled_tls(client.tls, filler))

    def session_for(url: str) -> Session:
        allowed = AllowedHosts.of(url, filler.final(list(client.allowed_hosts)))
        agent = f"rest-connector-framework/{__version__}"
        return Session(adapter, allowed, redactor, timeout, on_event, agent, tls)

    def auth_of(config: Mapping[str, Json] | None) -> AuthConfigBase | None:
        chosen = chosen_auth(config, settings.config)
        if chosen is None:
            return None if config is None else build_auth({"type": "none"}, auth_context)
        chosen_context = replace(auth_context, remedy=_credentials(settings, chosen))
        filled = filled_auth(chosen, filler)
        redactor.add_logins(filled)
        return build_auth(filled, chosen_context)

    auth_context = AuthContext(
        base_url,
        session_for,
        redactor,
        filler.context,
        on_event,
        None if environment.replay else settings.section,
        "",
    )
    rest_client = ListClient(
        base_url=base_url,
        headers=_header_texts(filler.literal_braces(client.headers)),
        auth=auth_of(client.auth),
        paginator=build_paginator(paginator_config(client.paginator, filler.final), filler.path),
        session=session_for(base_url),
        config=runtime,
    )
    plan = partial(_plan, connector=connector, settings=settings, filler=filler, redactor=redactor)
    plans = {
        resource.name: _plan_or_problem(
            resource, partial(plan, auth=auth_of(resource.endpoint.auth))
        )
        for resource in connector.resources
    }
    return CompiledConnector(
        connector, settings, redactor, rest_client, plans, auth_context, levels
    )


def filled_limit(limit: RateLimit | None, filler: Filler) -> RateLimit | None:
    """Return the rate limit with config filled in."""
    if limit is None:
        return None
    requests, per_day = filler.final(limit.requests), filler.final(limit.per_day)
    return replace(limit, requests=requests, per_day=per_day)


def filled_tls(tls: ClientTls, filler: Filler) -> ClientTls:
    """Return the TLS settings with config and secrets filled in."""
    return ClientTls(**{key: filler.final(value) for key, value in vars(tls).items()})


def with_filled_limits(connector: Connector, filler: Filler) -> Connector:
    """Return the connector with config filled in to all of its rate limits."""
    client = connector.client
    named = tuple(
        replace(one, limit=filled_limit(one.limit, filler) or one.limit)
        for one in client.rate_limits
    )
    client = replace(client, rate_limit=filled_limit(client.rate_limit, filler), rate_limits=named)
    resources = tuple(
        one
        if one.endpoint.rate_limit is None
        else replace(
            one,
            endpoint=replace(
                one.endpoint, rate_limit=filled_limit(one.endpoint.rate_limit, filler)
            ),
        )
        for one in connector.resources
    )
    return replace(connector, client=client, resources=resources)


def selector_of(text: str) -> Selector:
    """Return a compiled JMESPath; a JSONPath, which starts with `$`, stays text."""
    return text if text.startswith("$") else compile_expression(text)


def _plan_or_problem(resource: Resource, plan: Callable[[Resource], Plan]) -> Plan:
    """Return the plan; if a value cannot be filled in, one that fails when it is read."""
    try:
        return plan(resource)
    except (BindingError, ExpressionError) as error:
        problem = BindingError(f"{resource.name}: {error}")
        bare = replace(resource, endpoint=Endpoint(""), partitions=(), bindings=())
        bare = replace(bare, ancestor_bindings=())
        return replace(plan(bare), problem=problem)


def _plan(
    resource: Resource,
    connector: Connector,
    settings: Settings,
    filler: Filler,
    redactor: Redactor,
    auth: AuthConfigBase | None,
) -> Plan:
    written = resource.endpoint.paginator or connector.client.paginator
    paginator = paginator_config(written, filler.final)
    endpoint = filled_endpoint(resource.endpoint, filler)
    redactor.add_logins(endpoint.url or endpoint.path)
    params = {**(paginator.size_params if paginator else {}), **endpoint.params}
    endpoint = replace(endpoint, params=params)
    paging = paging_values(
        endpoint.path, endpoint.url, params, endpoint.json, endpoint.data, endpoint.headers
    )
    if endpoint.export is not None:
        download = endpoint.export.download
        paging = paging_values(download.params, download.json, download.headers) & PAGING
    bindings = tuple(_binding(binding, filler) for binding in resource.bindings)
    partitions = tuple(
        replace(partition, argument=filler.final(partition.argument))
        for partition in resource.partitions
    )

    actions = ResponseActions(
        resource.name,
        endpoint.response_actions,
        redactor,
        _remedies(connector, settings, resource.name),
        without_secrets(filler.context),
        many=bool(bindings or partitions),
    )
    is_bare_url = endpoint.url is not None and (endpoint.auth or {}).get("type") == "none"
    decimals = decimal_keys(resource)
    columns = csv_columns(resource)
    most = connector.client.max_response_size
    decode = build_decoder(endpoint.response_format, most, decimals, columns)
    exports = endpoint.export is not None
    level = connector.level(resource)
    timeout = None if endpoint.timeout is None else endpoint.timeout.total_seconds()
    context = RequestContext(resource.name, actions, level=level, timeout=timeout)
    plan = Plan(
        _in_zone(replace(resource, partitions=partitions), _filled_zone(resource, filler)),
        endpoint,
        bindings,
        None if endpoint.data_selector is None else to_dlt(endpoint.data_selector),
        build_paginator(paginator, filler.path, paging),
        paginator is not None and paginator.rules.ahead,
        auth,
        actions,
        replace(context, decode=decode, any_host=exports or is_bare_url, decimals=decimals),
        filler.context,
        context if exports else None,
        _other_tables(resource, connector),
        tuple(_binding(binding, filler) for binding in resource.ancestor_bindings),
    )
    others = (_line_plan(plan, one, filler) for one in resource.other_parents)
    return replace(plan, others=tuple(others))


def _in_zone(resource: Resource, zone: str | None) -> Resource:
    """Return the resource with its zone, which is also that of casts that name none."""
    if zone is None:
        return resource
    steps = tuple(
        step if step.kind != "cast" else replace(step, argument=_casts_in(step.argument, zone))
        for step in resource.steps
    )
    return replace(resource, steps=steps, zone=zone)


def _casts_in(casts: Mapping[str, Cast], zone: str) -> dict[str, Cast]:
    return {
        path: one.in_zone(zone) if isinstance(one, TimeCast) else one for path, one in casts.items()
    }


def _line_plan(plan: Plan, line: ParentLine, filler: Filler) -> Plan:
    """Return the plan of a resource as if this were its only parent."""
    return replace(
        plan,
        resource=replace(plan.resource, **vars(line), other_parents=()),
        bindings=tuple(_binding(binding, filler) for binding in line.bindings),
        ancestor_bindings=tuple(_binding(binding, filler) for binding in line.ancestor_bindings),
    )


def csv_columns(resource: Resource) -> tuple[str, ...]:
    """Return the columns of a CSV that the resource names; empty if steps give other names."""
    if resource.endpoint.response_format.kind != "csv":
        return ()
    selector, incremental = resource.endpoint.data_selector, resource.endpoint.incremental
    is_whole = selector is None or str(getattr(selector, "text", selector)) in ("@", "$", "[]")
    if not is_whole or {step.kind for step in resource.steps} - {"filter", "cast", "remove"}:
        return ()
    names = list(resource.primary_key)
    if incremental is not None:
        names.append(str(getattr(incremental.cursor_path, "text", incremental.cursor_path)))
    if resource.schema is not None:
        names += [column.path[0] for column in table_of(resource.schema).columns]
    return tuple(dict.fromkeys(name for name in names if not name.startswith("_")))


def _other_tables(resource: Resource, connector: Connector) -> frozenset[str]:
    """Return the tables of the other resources, as far as the file names them."""
    others = (one for one in connector.resources if one is not resource and not one.tables)
    return frozenset(normalize_path(str(one.hints.get("table_name") or one.name)) for one in others)


def filled_endpoint(endpoint: Endpoint, filler: Filler) -> Endpoint:
    """Return the endpoint with config and secrets filled in; templates for the rest stay."""
    incremental = endpoint.incremental
    if incremental is not None:
        arguments = filler.final(dict(incremental.arguments))
        incremental = replace(incremental, arguments=arguments)
    return replace(
        endpoint,
        path=filler.template(endpoint.path, "path"),
        url=None if endpoint.url is None else filler.template(endpoint.url, "text"),
        params=filler.template(dict(endpoint.params), "query"),
        json=filler.template(endpoint.json, "json"),
        data=filler.template(endpoint.data, "text"),
        headers=_header_texts(filler.template(dict(endpoint.headers), "text")),
        incremental=incremental,
        export=_filled_export(endpoint.export, filler),
    )


def _filled_zone(resource: Resource, filler: Filler) -> str | None:
    """Return the name of a zone with config filled in; raise BindingError if it is not known."""
    if resource.zone is None:
        return None
    name = str(filler.final(resource.zone))
    try:
        time_zone(name)
    except UnknownZone as error:
        raise BindingError(f"{resource.name}: zone: {error}") from None
    return name


def _filled_export(export: Export | None, filler: Filler) -> Export | None:
    if export is None:
        return None

    def filled(request: JobRequest) -> JobRequest:
        return replace(
            request,
            path=None if request.path is None else filler.template(request.path, "path"),
            urls=tuple(filler.template(url, "json") for url in request.urls),
            params=filler.template(dict(request.params), "query"),
            json=filler.template(request.json, "json"),
            headers=_header_texts(filler.template(dict(request.headers), "text")),
        )

    status = export.status
    return replace(
        export, download=filled(export.download), status=None if status is None else filled(status)
    )


def filled_auth(config: Mapping[str, Json], filler: Filler) -> dict[str, Json]:
    """Return an auth with config and secrets filled in, but not its expressions and signed text."""
    unfilled = {
        one.pointer
        for one in annotated_values(config, ("client", "auth"))
        if one.kind == "expression" or one.context == "signature"
    }

    def fill(part: Json, *pointer: str) -> Json:
        if pointer in unfilled:
            return part
        if isinstance(part, Mapping):
            return {key: fill(value, *pointer, key) for key, value in part.items()}
        return filler.final(part)

    filled: dict[str, Json] = fill(config)
    return filled


def _credentials(settings: Settings, auth: Mapping[str, Json]) -> str:
    """Return what to check if the API refuses the credentials."""
    names = sorted(secrets_used(auth, settings.config))
    variables = " and ".join(map(settings.variable, names))
    return f"Check {variables}." if variables else "Check the auth of the file."


def _header_texts(headers: Mapping[str, Json]) -> dict[str, Json]:
    """Return headers as texts; a null removes a header."""
    return {name: None if value is None else text_of(value) for name, value in headers.items()}


def _binding(binding: Binding, filler: Filler) -> PlannedBinding:
    """Return the binding under the name that the filled templates use."""
    if binding.name.startswith("resources."):
        name = filler.template("{" + binding.name + "}", "text")[1:-1]
        field = name.split(".", 2)[2]
    else:
        name, field = binding.name, filler.expression(binding.text)
    selector = selector_of(field)
    return PlannedBinding(replace(binding, name=name, field=selector), selector, finder(selector))


def _remedies(connector: Connector, settings: Settings, resource: str) -> dict[int, str]:
    variables = " and ".join(map(settings.variable, connector.secrets))
    credentials = (
        f"The credentials are not accepted: check {variables}."
        if variables
        else "The API requires credentials: add `auth` to the client."
    )
    refused = "The credentials may not read this."
    if variables:
        refused = f"The credentials may not read this, or are wrong: check {variables}."
    skip = f"Or leave it out: --resources without {resource}."
    return {
        401: credentials,
        403: f"{refused} {skip}",
        404: "Check base_url and the endpoint's path.",
        429: "The rate limit was still reached after all retries: run again later, or lower "
        "client.max_in_flight.",
    }
