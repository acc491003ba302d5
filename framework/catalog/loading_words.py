"""How a resource is loaded, requested and refused, in words of Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from framework.catalog.markdown_text import code, prose
from framework.definition.model import Connector, Resource, ResponseAction, SyncToken
from framework.definition.values.durations import Period, format_duration, format_period
from framework.text import count_noun, join_words

Json = Any
OUTCOMES = {
    "ignore": "counts as empty",
    "skip_resource": "the resource is skipped, the run goes on",
    "retry": "is requested again",
    "rate_limited": "all requests wait, then it is requested again",
    "restart": "the list is read anew",
    "shrink_page": "the page is requested again with half as many records",
    "shrink_window": "the window is read again as two halves",
    "fail": "the resource fails",
}


def loading_words(connector: Connector, resource: Resource) -> str:
    """Return how rows come into the table: what a later run reads, and what it does with rows."""
    return f"{_reading(connector, resource)}; {_writing(resource)}"


def span_words(length: timedelta) -> str:
    """Return `30 days`, or the length in ISO 8601 if it is not a number of one unit."""
    for unit, seconds in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        count, rest = divmod(length.total_seconds(), seconds)
        if count and not rest:
            return count_noun(int(count), unit)
    return format_duration(length)


def is_partial(resource: Resource) -> bool:
    """Return whether a later run reads a part of the resource's records."""
    endpoint = resource.endpoint
    has_cursor = endpoint.incremental is not None or endpoint.sync_token is not None
    return has_cursor or resource.only_new or resource.only_changed is not None


def period_words(period: Period) -> str:
    """Return `2 months`, or the period in ISO 8601 if it is not a number of one unit."""
    if not period.months:
        return span_words(period.rest)
    if period.rest:
        return format_period(period)
    years, months = divmod(period.months, 12)
    return count_noun(period.months, "month") if months else count_noun(years, "year")


def _reading(connector: Connector, resource: Resource) -> str:
    endpoint = resource.endpoint
    incremental = endpoint.incremental
    if isinstance(endpoint.sync_token, SyncToken):
        return f"incremental by the API's token {code(endpoint.sync_token.token.text)}"
    if incremental is None:
        if resource.only_new:
            return "each list once"
        if resource.parents and resource.only_changed is not None:
            return f"lists whose {code(resource.only_changed.text)} has changed"
        changing = [code(one.name) for one in connector.ancestors(resource) if is_partial(one)]
        if changing:
            return f"with the records of {join_words(changing, None)} that a run reads"
        return "full"
    text = f"incremental by {code(incremental.cursor_path)}"
    sent = endpoint.params_with("start_value")
    if sent:
        text += f", sent as {join_words([code(one) for one in sent], None)}"
    if incremental.watermark == "run_start":
        text += ", from the start of the last run"
    if incremental.lag:
        lag = incremental.lag
        text += f", less {span_words(lag) if isinstance(lag, timedelta) else f'{lag:g}'}"
    if incremental.full_read_every is not None:
        text += f", and in full every {span_words(incremental.full_read_every)}"
    return text


def _writing(resource: Resource) -> str:
    kind = resource.write_disposition
    keys = join_words([code(one) for one in resource.primary_key], None)
    if kind == "merge":
        strategy = resource.merge_strategy
        text = f"merged by {keys}" if keys else "merged"
        if strategy not in (None, "delete-insert"):
            text += f" ({code(strategy)})"
    elif kind == "replace":
        text = "replaces the table"
    elif kind == "skip":
        text = "not loaded, read for others only"
    else:
        text = "appended"
    if resource.deletes is not None:
        text += (
            "; rows that the API no longer has are marked in `_deleted_at`"
            if resource.deletes.action == "mark"
            else "; rows that the API no longer has are removed"
        )
    return text


def endpoint_words(resource: Resource) -> str:
    """Return the request of a resource, as Markdown."""
    endpoint = resource.endpoint
    if endpoint.source is not None:
        return f"no request: out of the records of {code(endpoint.source)}"
    return code(f"{endpoint.method} {endpoint.url or endpoint.path}")


def selector_words(resource: Resource) -> str:
    """Return where the records are in a response, as Markdown."""
    selector = resource.endpoint.data_selector
    if selector is None:
        return "records as dlt finds them"
    return f"records in {code(str(getattr(selector, 'text', selector)))}"


def about_table(resource: Resource) -> str:
    """Return what a record is, by the description of its schema; empty without one."""
    schema = resource.schema or {}
    about = schema.get("description") or schema.get("title")
    return prose(about) if isinstance(about, str) else ""


def refusal_rows(connector: Connector) -> Iterator[tuple[str, str, str, str]]:
    """Yield condition, outcome, message and resources of each response action, alike ones once."""
    actions: dict[tuple[str, str, str], list[str]] = {}
    for resource in connector.resources:
        for action in resource.endpoint.response_actions:
            message = prose(action.message or "")
            key = (_condition(action), OUTCOMES[action.action], message)
            names = actions.setdefault(key, [])
            if resource.name not in names:
                names.append(resource.name)
    for (condition, outcome, message), names in actions.items():
        is_all = len(names) == len(connector.resources)
        where = "all" if is_all else join_words([code(one) for one in names], None)
        yield condition, outcome, message, where


def _condition(action: ResponseAction) -> str:
    parts = []
    if action.status_codes:
        parts.append(" or ".join(code(one) for one in action.status_codes))
    if action.content is not None:
        parts.append(f"text {code(action.content)}")
    parts += [f"header {code(f'{name}: {text}')}" for name, text in action.headers.items()]
    if action.body is not None:
        parts.append(f"body {code(action.body.text)}")
    return " and ".join(parts) or "any"
