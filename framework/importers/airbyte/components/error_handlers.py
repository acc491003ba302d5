"""Error handlers as `response_actions` and `client.retry`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from framework.importers.airbyte.components.component_registry import (
    component,
    handler_of,
    translate,
)
from framework.importers.airbyte.import_context import ImportContext
from framework.importers.airbyte.jinja.printer import to_jmespath
from framework.importers.airbyte.jinja.tree import input_name
from framework.importers.airbyte.manifest import Component
from framework.importers.airbyte.time_notation import seconds_duration

Json = Any
Action = dict[str, Json]

_RENEWAL = "REFRESH_TOKEN_THEN_RETRY"

TRANSIENT = (429, 500, 502, 503, 504)
"""Statuses that are retried unless an action says otherwise."""

_ACTIONS = {
    "IGNORE": "ignore",
    "FAIL": "fail",
    "RETRY": "retry",
    "RATE_LIMITED": "rate_limited",
    "SUCCESS": "ignore",
    "RESET_PAGINATION": "restart",
    "REDUCE_PAGE_SIZE": "shrink_page",
    "SPLIT_REQUEST_WINDOW": "shrink_window",
}


@dataclass(frozen=True)
class ErrorHandling:
    """`retry` is for `client.retry`, or for an action if resources differ in it.

    `renew_on` are the conditions by which a token has expired, beside a 401.
    """

    actions: tuple[Action, ...] = ()
    renew_on: tuple[Json, ...] = ()
    retry: dict[str, Json] = field(default_factory=dict)


def translate_error_handler(context: ImportContext, part: Component | None) -> ErrorHandling:
    """Return what a requester does with responses."""
    if part is None:
        return ErrorHandling()
    handler = handler_of(context, "error_handler", part)
    if handler is None and part.custom:
        return ErrorHandling()
    handlers = handler(part) if handler else [part]
    actions: list[Action] = []
    renew_on: list[Json] = []
    retry: dict[str, Json] = {}
    for one in handlers:
        # of several handlers the first one's waits hold in Airbyte too
        waits = _retry(context, one)
        retry = retry or waits
        for response_filter in one.parts("response_filters", "HttpResponseFilter"):
            if str(response_filter.get("action", "")).upper() == _RENEWAL:
                renew_on += _conditions(context, response_filter)
            else:
                actions += translate(context, "response_filter", response_filter, [])
    expired = [one for one in renew_on if one != {"status_code": 401}]
    return ErrorHandling(_each_once(actions), _each_once(expired), retry)


def _each_once(listed: list[Json]) -> tuple[Json, ...]:
    return tuple(one for place, one in enumerate(listed) if one not in listed[:place])


@component("error_handler", "DefaultErrorHandler", "")
def _single_handler(part: Component) -> list[Component]:
    return [part]


@component("error_handler", "CompositeErrorHandler")
def _several_handlers(part: Component) -> list[Component]:
    return list(part.parts("error_handlers", "DefaultErrorHandler"))


def retry_action(retry: dict[str, Json]) -> Action:
    """Return retries of one resource alone, as an action on what is retried anyway."""
    return {"status_code": ["429", "5xx"], "action": "retry", **retry}


# -- response filters


@component("response_filter", "HttpResponseFilter")
def _response_filter(context: ImportContext, part: Component) -> list[Action]:
    """Return one action for each condition of a filter: in Airbyte one of them is enough."""
    codes = _codes(part)
    name = str(part.get("action", "")).upper()
    if not name and (part.get("error_message") or codes):
        # without an action Airbyte retries what is temporary, and fails on the rest
        temporary = any(code in (408, 429) or code >= 500 for code in codes)
        if temporary and not part.get("error_message"):
            return []
        name = "FAIL"
    action = _ACTIONS.get(name)
    if action is None:
        context.missing(part.place, f"the action {name or '?'} on a response")
        return []
    if name == "SUCCESS":
        context.note(
            part.place, "SUCCESS: here such a response counts as empty, not as one with records"
        )
    rest: Action = {"action": action}
    message = _message(context, part)
    if message and action in ("fail", "ignore"):
        rest["message"] = message
    at_once = [code for code in codes if action == "fail" and code in TRANSIENT]
    actions: list[Action] = []
    if at_once:
        # `fail` comes after the retries, and Airbyte fails at once
        once = {**rest, "action": "retry", "max_retries": 0}
        actions.append({"status_code": at_once[0] if len(at_once) == 1 else at_once, **once})
    conditions = _conditions(context, part, without=at_once)
    return [*actions, *({**condition, **rest} for condition in conditions)]


def _conditions(
    context: ImportContext, part: Component, without: Sequence[int] = ()
) -> list[dict[str, Json]]:
    """Return the conditions of a filter, one of which is enough; `without` some statuses."""
    conditions: list[dict[str, Json]] = []
    codes = [code for code in _codes(part) if code not in without]
    if codes:
        conditions.append({"status_code": codes[0] if len(codes) == 1 else codes})
    if part.get("error_message_contains"):
        conditions.append({"content": str(part.get("error_message_contains"))})
    if part.get("predicate", "") not in ("", None):
        test = context.condition(part, "predicate", context.body_scope(part))
        if test is not None and not test.fixed:
            conditions.append({"body": to_jmespath(test)})
        elif test is not None and test.constant:
            context.missing(part.at("predicate"), "an action on every response")
    return conditions


def _message(context: ImportContext, part: Component) -> str | None:
    text = part.get("error_message")
    if not text:
        return None
    scope = context.message_scope(part)
    message = context.translate(" ".join(str(text).split()), scope, part.at("error_message"))
    return str(message) if message else None


def _codes(part: Component) -> list[int]:
    codes = part.get("http_codes", [])
    return [int(code) for code in codes if str(code).strip().isdigit()]


# -- retries and waits


def _retry(context: ImportContext, handler: Component) -> dict[str, Json]:
    """Return `max_retries` and the waits of a handler, in the words of `retry`."""
    retry: dict[str, Json] = {}
    if handler.data.get("max_retries") is not None:
        count = number_of(context, handler, "max_retries")
        retry["max_retries"] = int(count) if count is not None else None
    parts = handler.parts("backoff_strategies")
    strategies = [translate(context, "backoff_strategy", one, {}) for one in parts]
    for waits in _one_header(context, handler, strategies):
        for key, value in waits.items():
            retry.setdefault(key, value)
    return {key: value for key, value in retry.items() if value is not None}


def _one_header(
    context: ImportContext, handler: Component, strategies: list[dict[str, Json]]
) -> list[dict[str, Json]]:
    """Keep the first of several headers that hold a wait; `Retry-After` is read anyway."""
    headers = [one for one in strategies if "wait_header" in one]
    if len(headers) < 2:
        return strategies
    first, *others = [one for one in headers if not _is_read_anyway(one)] or headers[:1]
    for other in others:
        context.note(
            handler.at("backoff_strategies"),
            f"the header {first['wait_header']} holds the wait, and not the "
            f"{other['wait_header']} after it",
        )
    return [one for one in strategies if "wait_header" not in one or one is first]


def _is_read_anyway(waits: dict[str, Json]) -> bool:
    plain = not {*waits} - {"wait_header", "max_wait"}
    return plain and str(waits["wait_header"]).lower() == "retry-after"


@component("backoff_strategy", "ConstantBackoffStrategy")
def _constant_backoff(context: ImportContext, part: Component) -> dict[str, Json]:
    seconds = number_of(context, part, "backoff_time_in_seconds")
    return {} if seconds is None else {"backoff": seconds_duration(seconds)}


@component("backoff_strategy", "ExponentialBackoffStrategy")
def _exponential_backoff(context: ImportContext, part: Component) -> dict[str, Json]:
    return {"backoff_factor": number_of(context, part, "factor", 5)}


@component(
    "backoff_strategy",
    "WaitTimeFromHeader",
    "WaitTimeFromHeaderBackoffStrategy",
    "WaitUntilTimeFromHeader",
    "WaitUntilTimeFromHeaderBackoffStrategy",
)
def _wait_from_header(context: ImportContext, part: Component) -> dict[str, Json]:
    name = context.value(part, "header", "")
    if not name:
        return {}
    waits: dict[str, Json] = {"wait_header": name}
    if part.type.startswith("WaitUntil"):
        waits["wait_as"] = "epoch"
    if part.get("regex"):
        pattern = str(part.get("regex"))
        waits["wait_pattern"] = pattern if "(" in pattern else f"({pattern})"
    if part.get("min_wait"):
        context.note(part.at("min_wait"), "the shortest wait is left out")
    return {**waits, **_longest_wait(context, part)}


@component("backoff_strategy", "WaitTimeFromResponse")
def _wait_from_response(context: ImportContext, part: Component) -> dict[str, Json]:
    wait = context.term(part, "wait_time_in_seconds", context.message_scope(part))
    return {} if wait is None else {"wait": to_jmespath(wait), **_longest_wait(context, part)}


def _longest_wait(context: ImportContext, part: Component) -> dict[str, Json]:
    seconds = number_of(context, part, "max_waiting_time_in_seconds")
    return {} if seconds is None else {"max_wait": seconds_duration(seconds)}


def number_of(
    context: ImportContext, part: Component, key: str, default: float | None = None
) -> float | None:
    """Return a number of a field; one from an input is the input's default, with a note."""
    template = context.template(part, key)
    if template is None:
        return default
    name = input_name(template.alone) if template.alone else None
    value = template.rendered
    if name is not None:
        text = str(context.inputs.default_of(name))
        value = int(text) if text.lstrip("-").isdigit() else None
        context.note(part.at(key), f"from the input {name}; here its default, {value}")
    elif not template.constant:
        context.missing(part.at(key), f"a number from {value}")
        value = None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return default
    return int(number) if number == int(number) else number
