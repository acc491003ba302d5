"""Where a recording's lists have further pages that the file does not read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from framework.authoring.cassettes.cassette import Cassette
from framework.authoring.cassettes.replayer import ReplayAdapter
from framework.definition.model import Connector
from framework.errors import FrameworkError, Interrupted, Terminated
from framework.events import Event, WarningRaised
from framework.extract.compilation.compiler import compile_connector
from framework.extract.compilation.dlt_source import ResourceReaders
from framework.extract.read_options import ReadOptions
from framework.runtime.environment import Environment, StopSignal
from framework.runtime.redaction import Redactor
from framework.runtime.settings import Settings

Json = Any
MAXIMUMS = ("maximum_page", "maximum_offset")
"""Keys of a paginator after which a file reads no further."""


def early_ends(
    connector: Connector, settings: Settings, cassette: Cassette, stop: StopSignal
) -> dict[str, str]:
    """Replay a recording; return what it says of further pages, by resource.

    A file that ends a list by a maximum is replayed without it too: the recording may be longer.
    """
    ends: dict[str, str] = {}
    read = _replay(connector, settings, cassette, stop, ends)
    whole = without_maximums(connector)
    if whole == connector:
        return ends
    for name, count in _replay(whole, settings, cassette, stop, {}).items():
        own = connector.resource(name)
        by_client = own.endpoint.paginator is None and whole.client != connector.client
        if count > read[name] and (by_client or whole.resource(name) != own):
            ends.setdefault(name, f"{count:,} of its records are recorded, {read[name]:,} are read")
    return ends


def without_maximums(connector: Connector) -> Connector:
    """Return the connector without its maximums, except for one that wants the first page only."""

    def whole(paginator: Mapping[str, Json] | None) -> Mapping[str, Json] | None:
        if paginator is None or paginator.get("type") == "single_page":
            return paginator
        return {name: value for name, value in paginator.items() if name not in MAXIMUMS}

    resources = tuple(
        replace(one, endpoint=replace(one.endpoint, paginator=whole(one.endpoint.paginator)))
        for one in connector.resources
    )
    client = replace(connector.client, paginator=whole(connector.client.paginator))
    return replace(connector, resources=resources, client=client)


def _replay(
    connector: Connector,
    settings: Settings,
    cassette: Cassette,
    stop: StopSignal,
    ends: dict[str, str],
) -> Counter[str]:
    """Replay a recording, and add to `ends`; return how many records are read, by resource."""
    adapter = ReplayAdapter(cassette)

    def listen(event: Event) -> None:
        if isinstance(event, WarningRaised) and event.code == "ended-early":
            ends.setdefault(event.resource, event.message)

    environment = Environment(
        now=cassette.clock,
        transport=lambda _: adapter,
        waits=False,
        replay=True,
        stop=stop,
        redactor=Redactor(),
        query=cassette.query_values,
    )
    compiled = compile_connector(connector, settings, environment, listen)
    options = ReadOptions(
        *(environment, listen, compiled.redactor, 1, cassette.limit),
        state={},
        checks_maximums=True,
    )
    chosen = cassette.resources or [one.name for one in connector.resources if one.selected]
    names = [one for one in chosen if one in compiled.plans]
    readers = ResourceReaders(compiled, options, names)
    counts: Counter[str] = Counter()
    for name in names:
        try:
            for page in readers.open_table(name):
                counts[name] += len(page.records)
        except (Interrupted, Terminated):
            raise
        except FrameworkError as error:
            if getattr(error, "code", None) == "ended-early":
                ends.setdefault(name, str(error))
    return counts
