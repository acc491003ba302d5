"""What the next run of a resource with an incremental will read: its watermark and windows."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import requests
from requests.adapters import BaseAdapter

from framework.definition.model import Connector
from framework.errors import DestinationError, FrameworkError, Interrupted, RequestError
from framework.events import ignore_event
from framework.extract.compilation.compiler import CompiledConnector, compile_connector
from framework.extract.compilation.dlt_source import ResourceReaders
from framework.extract.compilation.plan import Plan
from framework.extract.incremental.cursor import ResourceCursors
from framework.extract.incremental.state_codec import unpack_watermarks
from framework.extract.incremental.windows import Window
from framework.extract.read_options import ReadOptions, Sample
from framework.http.request_context import current_context
from framework.http.transport import Response
from framework.load.persistence.destination_state import described_watermark, known_state
from framework.load.run_options import RunOptions
from framework.runtime.environment import Environment, StopSignal
from framework.runtime.settings import resolve_settings
from framework.studio.jobs.exchange_tap import TappedExchange
from framework.studio.jobs.job_source import JobSource
from framework.studio.jobs.shown_data import ExchangeView
from framework.studio.studio_job import JobContext

Json = Any
FIRST_WINDOWS = 20


@dataclass(frozen=True)
class NextRun:
    """What the next run reads, as JSON, and what could not be found out about it."""

    shown: dict[str, Json] | None
    warnings: tuple[tuple[str, str], ...] = ()


def next_run(
    context: JobContext,
    connector: Connector,
    name: str,
    source: JobSource,
    exchanges: list[TappedExchange],
    view: ExchangeView,
) -> NextRun:
    """Return what the next run of a resource starts from, None without an incremental.

    Its request is built as a run builds it, with the state of the default destination, and not
    sent: parents give what they gave to the look.
    """
    if connector.resource(name).endpoint.incremental is None:
        return NextRun(None)
    warnings: list[tuple[str, str]] = []
    state: dict[str, Json] = {}
    try:
        (known,) = known_state(connector, RunOptions(folder=context.root), name)
        state = dict(known.state.get("incremental") or {})
    except DestinationError as error:
        warnings.append(("state-unread", str(error)))
    peek = _PeekAdapter(name, exchanges)
    environment = replace(source.environment, transport=lambda _: peek, waits=False)
    settings = resolve_settings(connector, source.config, replay=environment.replay)
    compiled = compile_connector(connector, settings, environment, ignore_event)
    plan = compiled.plans[name]
    incremental = plan.endpoint.incremental
    assert incremental is not None
    entry = state.get(incremental.cursor_path)
    windows: list[dict[str, Json]] = []
    count = 0
    try:
        windows, count = _windows(plan, environment, state, context.stop)
    except FrameworkError as error:
        _raise_stop(error)
        warnings.append(("windows-unknown", str(error)))
    request = _request(compiled, name, environment, state, peek)
    params = plan.endpoint.params_with("start_value")
    shown = {
        "cursor_path": incremental.cursor_path,
        "param": params[0] if params else None,
        "watermark": None if not entry else described_watermark(entry),
        "next_request": None if request is None else _shown_request(request, view),
        "windows": windows,
        "window_count": count,
    }
    return NextRun(shown, tuple(warnings))


def _windows(
    plan: Plan, environment: Environment, state: Mapping[str, Json], stop: StopSignal
) -> tuple[list[dict[str, Json]], int]:
    """Return the first windows of the next run and how many there are; of the first of many lists.

    Raise RecordError if there are too many, or none can be made.
    """
    incremental = plan.endpoint.incremental
    assert incremental is not None
    clock = environment.server_clock
    states = copy.deepcopy(dict(state))
    cursors = ResourceCursors(plan.resource, incremental, environment.now, states, None, clock)
    cursors.begin(moves=False)
    entry = states.get(incremental.cursor_path) or {}
    lists = unpack_watermarks(entry.get("lists", ()))
    if lists or plan.resource.parent is not None or plan.resource.partitions:
        watermark = cursors.one_of_many(next(iter(lists), ""))
    else:
        watermark = cursors.alone(entry.get("of", ""))
    windows = watermark.windows()
    first = [_shown_window(one) for one in islice(windows, FIRST_WINDOWS)]
    count = len(first)
    for _ in windows:
        count += 1
        stop.check()
    return first, count


def _shown_window(window: Window) -> dict[str, Json]:
    return {
        "start": window.values.get("incremental.start_value"),
        "end": window.values.get("incremental.end_value"),
    }


class _Peeked(RequestError):
    """The request that was looked for is known, and was not sent."""


class _PeekAdapter(BaseAdapter):
    """Answers requests of others from a look, and keeps the first one of a resource."""

    def __init__(self, resource: str, exchanges: list[TappedExchange]) -> None:
        super().__init__()
        self._resource = resource
        self._exchanges = exchanges
        self.request: requests.PreparedRequest | None = None

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Return the response that the look got to this request; raise RequestError for others."""
        resource = current_context().resource
        if resource == self._resource:
            self.request = self.request or request
            raise _Peeked("the next request is not sent")
        for is_exact in (True, False):
            for one in self._exchanges:
                sent, body = one.request, one.whole
                is_same = one.resource == resource and sent.method == request.method
                is_same = is_same and sent.url == request.url
                if is_exact:
                    is_same = is_same and sent.body == request.body
                if is_same and body is not None and body.status_code < 400:
                    response = Response(body.content, like=body)
                    response.request = request
                    return response
        raise _Peeked("the look has no response to this request")

    def close(self) -> None:
        """Do nothing: nothing is open."""


def _request(
    compiled: CompiledConnector,
    name: str,
    environment: Environment,
    state: Mapping[str, Json],
    peek: _PeekAdapter,
) -> requests.PreparedRequest | None:
    """Return the first request of the next run, None if that is not known before it runs."""
    options = ReadOptions(
        environment,
        ignore_event,
        compiled.redactor,
        1,
        state={name: copy.deepcopy(dict(state))},
        sample=Sample(1, 1, lambda *_: None),
        awaits_jobs=False,
    )
    try:
        for _ in ResourceReaders(compiled, options, (name,)).open_table(name):
            pass
    except FrameworkError as error:
        _raise_stop(error)
    return peek.request


def _raise_stop(error: FrameworkError) -> None:
    if isinstance(error, Interrupted):
        raise error


def _shown_request(request: requests.PreparedRequest, view: ExchangeView) -> dict[str, Json]:
    shown = view.show(TappedExchange(0, " ", request))
    return {key: shown[key] for key in ("method", "url", "headers", "body")}
