"""How many requests a run takes: in words, and for a stated number of rows under the limits."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from framework.catalog.loading_words import is_partial, period_words, span_words
from framework.catalog.markdown_text import code
from framework.definition.defaults import ends_in_placeholder
from framework.definition.model import Connector, Partition, RateLimit, Resource
from framework.extract.paging.paging_words import plain
from framework.mock.pages.routes import SIZES
from framework.text import count_noun, join_words

Json = Any
ROWS = 10_000
"""The rows of a table for which requests and minutes are stated."""
CONTAINERS = 100
"""The rows of a table that is read in full and has children: projects, channels, repositories."""
USUAL_PAGE = 100
"""Records of a page whose size is not in the file."""
_FIRST = re.compile(r"\bfirst\s*:\s*(\d+)")
_CONFIG = re.compile(r"\{config\.(\w+)\}")


@dataclass(frozen=True)
class RunEstimate:
    """The requests of a run by resource, and the minutes that the declared limits take.

    `untold` are resources whose number of lists cannot be told. `minutes` are None without limits.
    """

    requests: Mapping[str, int]
    untold: tuple[str, ...]
    minutes: float | None

    @property
    def total(self) -> int:
        """The requests of all resources."""
        return sum(self.requests.values())


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
        unit = (
            f"1 request per page of {count_noun(size, 'record')}" if size else "1 request per page"
        )
    by_record = [one for one in resource.parents if one not in _listed(resource).values()]
    each = [
        f"each record of {code(parent)}"
        + (f" for which {code(resource.when.text)}" if resource.when and number == 0 else "")
        for number, parent in enumerate(by_record)
    ]
    each += [_partition_words(resource, one) for one in resource.partitions]
    incremental = endpoint.incremental
    if incremental is not None and incremental.step:
        each.append(f"each window of {period_words(incremental.step)}")
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


def estimate(
    connector: Connector, recorded: Mapping[str, int], *, unchanged: bool = False
) -> RunEstimate:
    """Return what a first run takes if each table has so many rows, and each container fewer.

    A list without pages and without a parent has the number of rows that was `recorded`, else one.
    With `unchanged` it is a later run that finds nothing new; what a lag reads again is left out.
    """
    requests: dict[str, int] = {}
    rows: dict[str, int] = {}
    untold = []
    for resource in connector.resources:
        lists = _lists(resource, rows)
        single = is_single(connector, resource)
        is_one = single and ends_in_placeholder(resource.endpoint.path)
        own = CONTAINERS if is_container(connector, resource) else ROWS
        if is_one:
            own = lists or own
        if single and not resource.parents and not resource.partitions:
            own = max(1, recorded.get(resource.name, 1))
        rows[resource.name] = own
        if lists is None:
            untold += [resource.name] if resource.selected else []
            continue
        size = page_size(connector, resource) or USUAL_PAGE
        pages = lists if single else max(lists, math.ceil(own / size))
        if unchanged:
            pages = _unchanged(connector, resource, lists, pages)
        if resource.selected:
            requests[resource.name] = 0 if resource.endpoint.source is not None else pages
    return RunEstimate(requests, tuple(untold), _minutes(connector, requests))


def is_container(connector: Connector, resource: Resource) -> bool:
    """Return whether it is read in full, and a run reads a list of others for each record."""
    if any(is_partial(one) for one in (resource, *connector.ancestors(resource))):
        return False
    return any(
        one.selected and resource.name in one.parents and one.endpoint.source is None
        for one in connector.resources
    )


def _unchanged(connector: Connector, resource: Resource, lists: int, pages: int) -> int:
    """Return the requests for a resource that has nothing new."""
    if resource.only_new or resource.only_changed is not None:
        return 0
    if any(is_partial(one) for one in connector.ancestors(resource)):
        return 0
    return lists if is_partial(resource) or resource.endpoint.conditional else pages


def _minutes(connector: Connector, requests: Mapping[str, int]) -> float | None:
    """Return the minutes of the limit that takes longest, None if there is none."""
    spent: dict[int, float] = {}
    for name, count in requests.items():
        resource = connector.resource(name)
        limit = limit_of(connector, resource)
        number = None if limit is None else number_of(connector, limit.requests)
        if limit is not None and number is not None:
            minutes = count * resource.endpoint.cost * limit.per / timedelta(minutes=1) / number
            spent[id(limit)] = spent.get(id(limit), 0) + minutes
    return max(spent.values(), default=None)


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
        number = len(values)
        text = f"each of {number:,} values of {name}" if number != 1 else f"the value of {name}"
    elif partition.name in (listed := _listed(resource)):
        text = f"each record of {code(listed[partition.name])}"
    else:
        text = f"each value of {name}"
    return f"{text}, {partition.batch:,} at once" if partition.batch else text


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
