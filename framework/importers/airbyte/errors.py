"""Error handlers as `response_actions` and `client.retry`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from framework.importers.airbyte.durations import seconds_duration
from framework.importers.airbyte.importing import ABSENT, Importing
from framework.importers.airbyte.manifest import Component

Json = Any
Action = dict[str, Json]

_ACTIONS = {
    "IGNORE": "ignore",
    "FAIL": "fail",
    "RETRY": "retry",
    "RATE_LIMITED": "rate_limited",
    "SUCCESS": "ignore",
}
_TRANSIENT = ["429", "5xx"]


@dataclass(frozen=True)
class Errors:
    """`retry` is for `client.retry`, or for an action of its own where resources differ."""

    actions: tuple[Action, ...] = ()
    retry: dict[str, Json] = field(default_factory=dict)


def translate_errors(importing: Importing, component: Component | None) -> Errors:
    """What a requester does with answers."""
    if component is None:
        return Errors()
    if component.custom:
        importing.remarks.missing(component.place, "the error handler is a Python class of its own")
        return Errors()
    if component.type not in ("DefaultErrorHandler", "CompositeErrorHandler", ""):
        importing.remarks.missing(component.place, f"the error handler is a {component.type}")
    handlers = (
        list(component.parts("error_handlers", "DefaultErrorHandler"))
        if component.type == "CompositeErrorHandler"
        else [component]
    )
    actions: list[Action] = []
    retry: dict[str, Json] = {}
    for handler in handlers:
        waiting = _waiting(importing, handler)
        filters = list(handler.parts("response_filters", "HttpResponseFilter"))
        found = [one for part in filters for one in _actions(importing, part)]
        if not retry:
            # of several handlers the first one's waits hold in the original as well
            retry = waiting
        actions += found
    return Errors(tuple(_unlike(actions)), retry)


def _unlike(actions: list[Action]) -> list[Action]:
    found: list[Action] = []
    for action in actions:
        if action not in found:
            found.append(action)
    return found


def _actions(importing: Importing, component: Component) -> list[Action]:
    """One entry for each condition of a filter: in the original any of them is enough."""
    if component.custom:
        importing.remarks.missing(component.place, "the filter is a Python class of its own")
        return []
    name = str(component.get("action", "")).upper()
    if not name:
        name = "FAIL" if component.get("error_message") else ""
    if name == "REFRESH_TOKEN_THEN_RETRY":
        return []
    if not name and _codes(component):
        # without an action the original does what it does anyway
        name = "" if any(_asked_again(code) for code in _codes(component)) else "FAIL"
        if not name:
            return []
    action = _ACTIONS.get(name)
    if action is None:
        importing.remarks.missing(component.place, f"the action {name or '?'} on an answer")
        return []
    if name == "SUCCESS":
        importing.remarks.note(
            component.place, "SUCCESS: such an answer counts as empty here, not as one with records"
        )
    rest: Action = {"action": action}
    message = _message(importing, component)
    if message and action in ("fail", "ignore"):
        rest["message"] = message
    found: list[Action] = []
    codes = _codes(component)
    if codes:
        found.append({"status_code": codes[0] if len(codes) == 1 else codes, **rest})
    contains = component.get("error_message_contains")
    if contains:
        found.append({"content": str(contains), **rest})
    predicate = component.get("predicate", "")
    if predicate not in ("", None):
        test = importing.condition(
            predicate, importing.answered(component), component.at("predicate")
        )
        if test is not None and not test.fixed:
            found.append({"body": test.text, **rest})
        elif test is not None and test.constant:
            importing.remarks.missing(component.at("predicate"), "an action on every answer")
    return found


def _asked_again(code: int) -> bool:
    return code in (408, 429) or code >= 500


def _message(importing: Importing, component: Component) -> str | None:
    written = component.get("error_message")
    if not written:
        return None
    found = importing.text(
        " ".join(str(written).split()), importing.told(component), component.at("error_message")
    )
    return None if found is ABSENT or not found else str(found)


def _codes(component: Component) -> list[int]:
    written = component.get("http_codes", [])
    codes = written if isinstance(written, list) else [written]
    return [int(code) for code in codes if str(code).strip().isdigit()]


def _waiting(importing: Importing, handler: Component) -> dict[str, Json]:
    """`max_retries` and waits of a handler, in the words of `retry`."""
    found: dict[str, Json] = {}
    retries = handler.data.get("max_retries")
    if retries is not None:
        value = importing.text(retries, importing.sent(handler), handler.at("max_retries"))
        if isinstance(value, int):
            found["max_retries"] = value
        elif isinstance(value, str) and value.isdigit():
            found["max_retries"] = int(value)
        elif value is not ABSENT:
            found["max_retries"] = by_default(importing, handler, value, "max_retries")
    told = [_strategy(importing, one) for one in handler.parts("backoff_strategies")]
    for waits in _one_header(importing, handler, told):
        for key, value in waits.items():
            found.setdefault(key, value)
    return {key: value for key, value in found.items() if value is not None}


def _one_header(
    importing: Importing, handler: Component, told: list[dict[str, Json]]
) -> list[dict[str, Json]]:
    """Of several headers that say how long to wait the first; `Retry-After` is read anyway."""
    headers = [one for one in told if "wait_header" in one]
    if len(headers) < 2:
        return told
    kept = [one for one in headers if not _read_anyway(one)] or headers[:1]
    for more in kept[1:]:
        importing.remarks.note(
            handler.at("backoff_strategies"),
            f"the header {kept[0]['wait_header']} says how long to wait, and not the "
            f"{more['wait_header']} after it",
        )
    return [one for one in told if "wait_header" not in one or one is kept[0]]


def _read_anyway(waits: dict[str, Json]) -> bool:
    plain = not {*waits} - {"wait_header", "max_wait"}
    return plain and str(waits["wait_header"]).lower() == "retry-after"


def by_default(importing: Importing, handler: Component, value: Json, key: str) -> Json:
    """A number that comes from an input, by the input's default."""
    name = re.fullmatch(r"\{config\.(\w+)\}", str(value))
    for one in importing.inputs.by_path.values():
        if name and one.name == name[1]:
            default = str(one.schema.get("default"))
            number = int(default) if default.lstrip("-").isdigit() else None
            importing.remarks.note(
                handler.at(key), f"from the input {one.name}; here its default, {number}"
            )
            return number
    importing.remarks.missing(handler.at(key), f"a number from {value}")
    return None


def _strategy(importing: Importing, component: Component) -> dict[str, Json]:
    kind = component.type
    if kind == "ConstantBackoffStrategy":
        seconds = _seconds(importing, component, "backoff_time_in_seconds")
        return {} if seconds is None else {"backoff": seconds_duration(seconds)}
    if kind == "ExponentialBackoffStrategy":
        factor = _seconds(importing, component, "factor", 5)
        return {} if factor is None else {"backoff_factor": factor}
    if kind in ("WaitTimeFromHeader", "WaitTimeFromHeaderBackoffStrategy"):
        return _header(importing, component, None)
    if kind in ("WaitUntilTimeFromHeader", "WaitUntilTimeFromHeaderBackoffStrategy"):
        return _header(importing, component, "epoch")
    if kind == "WaitTimeFromResponse":
        return _computed(importing, component)
    what = "a Python class of its own" if component.custom else f"a {kind or '?'}"
    importing.remarks.missing(component.place, f"the wait between attempts is {what}")
    return {}


def _header(importing: Importing, component: Component, written_as: str | None) -> dict[str, Json]:
    name = importing.text(
        component.get("header", ""), importing.sent(component), component.at("header")
    )
    if name is ABSENT or not name:
        return {}
    found: dict[str, Json] = {"wait_header": name}
    if written_as:
        found["wait_as"] = written_as
    pattern = component.get("regex")
    if pattern:
        found["wait_pattern"] = str(pattern) if "(" in str(pattern) else f"({pattern})"
    longest = _seconds(importing, component, "max_waiting_time_in_seconds")
    if longest is not None:
        found["max_wait"] = seconds_duration(longest)
    if component.get("min_wait"):
        importing.remarks.note(component.at("min_wait"), "the shortest wait is not kept")
    return found


def _computed(importing: Importing, component: Component) -> dict[str, Json]:
    scope = importing.told(component)
    term = importing.term(
        component.get("wait_time_in_seconds", ""), scope, component.at("wait_time_in_seconds")
    )
    if term is None:
        return {}
    longest = _seconds(importing, component, "max_waiting_time_in_seconds")
    most = {} if longest is None else {"max_wait": seconds_duration(longest)}
    return {"wait": term.text, **most}


def _seconds(
    importing: Importing, component: Component, key: str, default: float | None = None
) -> float | None:
    written = component.get(key, default)
    if written is None:
        return None
    value = importing.text(written, importing.sent(component), component.at(key))
    if isinstance(value, str) and value.startswith("{"):
        value = by_default(importing, component, value, key)
        return default if value is None else float(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return default
    return int(number) if number == int(number) else number


def as_action(retry: dict[str, Json]) -> Action:
    """Retries of one resource alone, as an action on what is asked again anyway."""
    return {"status_code": _TRANSIENT, "action": "retry", **retry}
