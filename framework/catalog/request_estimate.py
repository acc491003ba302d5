"""How many requests a run takes: in words, and for a stated number of rows under the limits."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from framework.catalog.loading_words import span_words
from framework.catalog.markdown_text import code
from framework.definition.defaults import ends_in_placeholder
from framework.definition.model import Connector, Partition, RateLimit, Resource
from framework.definition.values.durations import format_period
from framework.extract.paging.paging_words import plain
from framework.mock.pages.routes import SIZES
from framework.text import count_noun, join_words

Json = Any
ROWS = 10_000
"""The rows of each table for which requests and minutes are stated."""
USUAL_PAGE = 100
"""Records of a page whose size is not in the file."""
_FIRST = re.compile(r"\bfirst\s*:\s*(\d+)")
_CONFIG = re.compile(r"\{config\.(\w+)\}")


@dataclass(frozen=True)
class RunEstimate:
    """The requests of a first run by resource, and the minutes that the declared limits take.

    `untold` are resources whose number of lists cannot be told. `minutes` are None without limits.
    """

    requests: Mapping[str, int]
    untold: tuple[str, ...]
    minutes: float | None


def request_words(connector: Connector, resource: Resource) -> str:
    """Return for what a resource is requested once, as Markdown."""
    endpoint = resource.endpoint
    if endpoint.source is not None:
        return f"none: read out of the records of {code(endpoint.source)}"
    if endpoint.export is not None:
        unit = "1 job (its creation, its status while it runs, its files)"
    elif is_single(connector, resource):
        unit = "1 request"
    else:
        size = page_size(connector, resource)
        unit = f"1 request per page of {size:,} records" if size else "1 request per page"
    by_record = [one for one in resource.parents if one not in _listed(resource).values()]
    each = [
        f"each record of {code(parent)}"
        + (f" for which {code(resource.when.text)}" if resource.when and number == 0 else "")
        for number, parent in enumerate(by_record)
    ]
    each += [_partition_words(resource, one) for one in resource.partitions]
    incremental = endpoint.incremental
    if incremental is not None and incremental.step:
        each.append(f"each window of {code(format_period(incremental.step))}")
    text = f"{unit}, for {' and '.join(each)}" if each else unit
    if resource.only_changed is not None:
        text += f"; later only if {code(resource.only_changed.text)} has changed"
    if resource.only_new:
        text += "; each list once and never again"
    if endpoint.conditional:
        text += "; an unchanged list is one request"
    if endpoint.cost != 1:
        text += f"; each counts as {endpoint.cost} for the limit"
    return text


def is_single(connector: Connector, resource: Resource) -> bool:
    """Return whether a list of the resource has one page, or is one record."""
    endpoint = resource.endpoint
    paginator = endpoint.paginator or connector.client.paginator
    if paginator is not None:
        return paginator.get("type") == "single_page"
    return ends_in_placeholder(endpoint.path)


def page_size(connector: Connector, resource: Resource) -> int | None:
    """Return the records of a full page by the file, None if it does not say."""
    endpoint = resource.endpoint
    paginator = endpoint.paginator or connector.client.paginator or {}
    for value in (paginator.get("limit"), paginator.get("page_size")):
        if (size := number_of(connector, value)) is not None:
            return size
    for part in (endpoint.params, endpoint.json, endpoint.data):
        for value in _sizes(part):
            if (size := number_of(connector, value)) is not None:
                return size
    if isinstance(endpoint.json, Mapping) and isinstance(endpoint.json.get("query"), str):
        found = _FIRST.search(endpoint.json["query"])
        return int(found[1]) if found else None
    return None


def number_of(connector: Connector, value: Json) -> int | None:
    """Return a whole number of the file, by the default of the config entry that it names."""
    if isinstance(value, str):
        named = _CONFIG.fullmatch(value.strip())
        entry = None if named is None else connector.config.get(named[1])
        value = value if entry is None else entry.default
    if isinstance(value, bool) or not str(value).isascii() or not str(value).isdigit():
        return None
    return int(value) or None


def estimate(connector: Connector, recorded: Mapping[str, int]) -> RunEstimate:
    """Return what a first run takes if each table has so many rows.

    A list without pages and without a parent has the number of rows that was `recorded`, else one.
    """
    requests: dict[str, int] = {}
    rows: dict[str, int] = {}
    untold = []
    spent: dict[int, list[tuple[RateLimit, float]]] = {}
    for resource in connector.resources:
        lists = _lists(resource, rows)
        single = is_single(connector, resource)
        is_one = single and ends_in_placeholder(resource.endpoint.path)
        own = (lists or ROWS) if is_one else ROWS
        if single and not resource.parents and not resource.partitions:
            own = max(1, recorded.get(resource.name, 1))
        rows[resource.name] = own
        if not resource.selected:
            continue
        if lists is None:
            untold.append(resource.name)
            continue
        size = page_size(connector, resource) or USUAL_PAGE
        pages = lists if single else max(lists, math.ceil(own / size))
        count = 0 if resource.endpoint.source is not None else pages
        requests[resource.name] = count
        limit = limit_of(connector, resource)
        if limit is not None:
            spent.setdefault(id(limit), []).append((limit, count * resource.endpoint.cost))
    minutes = [
        sum(count for _, count in parts) * parts[0][0].per / timedelta(minutes=1) / number
        for parts in spent.values()
        if (number := number_of(connector, parts[0][0].requests)) is not None
    ]
    return RunEstimate(requests, tuple(untold), max(minutes, default=None))


def limit_of(connector: Connector, resource: Resource) -> RateLimit | None:
    """Return the rate limit that the resource's requests count for, the narrowest one."""
    endpoint = resource.endpoint
    if endpoint.rate_limit is not None:
        return endpoint.rate_limit
    for named in connector.client.rate_limits:
        if named.limit.requests is not None and named.matches(endpoint.method, endpoint.path):
            return named.limit
    return connector.client.rate_limit


def limit_words(connector: Connector) -> Iterator[str]:
    """Yield each declared limit as Markdown."""
    client = connector.client
    named = [
        (f"{' or '.join(one.methods) or 'any method'} {code(one.path)}", one.limit)
        for one in client.rate_limits
    ]
    own = [
        (code(one.name), one.endpoint.rate_limit)
        for one in connector.resources
        if one.endpoint.rate_limit is not None
    ]
    every = [("all requests", client.rate_limit)] if client.rate_limit is not None else []
    for place, limit in [*every, *named, *own]:
        if limit is None:
            continue
        parts = []
        if limit.requests is not None:
            unit = span_words(limit.per).removeprefix("1 ")
            parts.append(f"{_number(connector, limit.requests)} per {unit}")
        if limit.per_day is not None:
            parts.append(f"{_number(connector, limit.per_day)} per day")
        if parts:
            yield f"{place}: {join_words(parts)}"


def _number(connector: Connector, written: Json) -> str:
    number = number_of(connector, written)
    if number is None:
        return code(str(written))
    named = _CONFIG.fullmatch(written.strip()) if isinstance(written, str) else None
    text = count_noun(number, "request")
    return text if named is None else f"{text} (the default of {code(named[1])})"


def _listed(resource: Resource) -> dict[str, str]:
    """Return the resource whose records are the values of a partition, by the partition's name."""
    lines = (resource.bindings, *(one.bindings for one in resource.other_parents))
    return {
        binding.name.removeprefix("partition."): binding.resource
        for bindings in lines
        for binding in bindings
        if binding.name.startswith("partition.")
    }


def _lists(resource: Resource, rows: Mapping[str, int]) -> int | None:
    """Return the number of lists that a first run reads, None if it cannot be told."""
    listed = _listed(resource)
    parents = [one for one in resource.parents if one not in listed.values()]
    if len([one for one in parents if rows.get(one, 1) > 1]) > 1:
        return None
    count = math.prod(rows.get(one, 1) for one in parents)
    for partition in resource.partitions:
        values = partition.argument
        if partition.kind == "resource" and partition.name in listed:
            number = rows.get(listed[partition.name], 1)
        elif partition.kind == "values" and isinstance(values, list):
            number = len(values)
        else:
            return None
        count *= math.ceil(number / (partition.batch or 1))
    return count


def _partition_words(resource: Resource, partition: Partition) -> str:
    name, values = code(partition.name), partition.argument
    if partition.kind == "values" and isinstance(values, list):
        text = f"each of {count_noun(len(values), 'value')} of {name}"
    elif partition.name in (listed := _listed(resource)):
        text = f"each record of {code(listed[partition.name])}"
    else:
        text = f"each value of {name}"
    return f"{text}, {partition.batch} at once" if partition.batch else text


def _sizes(part: Json) -> Iterator[Json]:
    """Yield the values of keys that have the name of a page's size."""
    if isinstance(part, Mapping):
        for key, value in part.items():
            if plain(str(key)) in SIZES or key == "first":
                yield value
            else:
                yield from _sizes(value)
    elif isinstance(part, list):
        for value in part:
            yield from _sizes(value)
