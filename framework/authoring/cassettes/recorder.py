"""Record a run: collect its exchanges, scrub them, replay them once, write the cassette.

The adapter takes the network's place, below retries and redirects, so each attempt and each hop is
an exchange of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests
from requests.adapters import BaseAdapter

from framework.authoring.cassettes.cassette import Cassette, cassette_path, write_cassette
from framework.authoring.cassettes.replayer import replay_of
from framework.authoring.exchange import Address, Headers, Interaction
from framework.authoring.scaffold.file_writer import refuse_bundled
from framework.authoring.scrub.anonymizer import scrub
from framework.authoring.scrub.file_texts import cursor_headers, renewals
from framework.definition.model import Connector
from framework.errors import CassetteError
from framework.events import EventHandler, ignore_event
from framework.http.transport import LiveAdapter
from framework.load.partition_queries import query_of
from framework.load.report import Report
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.runtime.environment import Environment, QueryValues
from framework.runtime.settings import resolve_settings

REQUEST_HEADERS = frozenset({"accept", "content-type"})
RESPONSE_HEADERS = frozenset({"content-type", "link", "location", "retry-after"})
NEVER_RECORDED = frozenset(
    {"set-cookie", "set-cookie2", "www-authenticate", "authorization", "cookie"}
)


@dataclass(frozen=True)
class Recording:
    """The written cassette, its number of exchanges, and the report of the recorded run."""

    path: Path
    interactions: int
    report: Report


def record(
    connector: Connector,
    *,
    resources: tuple[str, ...] | None,
    config: Mapping[str, Any],
    alias: str | None,
    limit: int | None,
    environment: Environment,
    on_event: EventHandler,
) -> Recording:
    """Record a run of the connector into its cassette; load only into a temporary database.

    Raise CassetteError, and write nothing, if the run fails, the recording does not replay, or it
    would contain a secret.
    """
    client = connector.client
    return record_through(
        connector,
        lambda connections: LiveAdapter.of(client, connections),
        RunOptions(resources=resources, config=config, alias=alias, limit=limit),
        environment,
        on_event,
    )


def record_through(
    connector: Connector,
    transport: Callable[[int], BaseAdapter],
    options: RunOptions,
    environment: Environment,
    on_event: EventHandler,
    secrets: Iterable[str] = (),
) -> Recording:
    """Record a run whose requests go through `transport`, as `record` does.

    `secrets` are further texts that must not be in the cassette.
    """
    refuse_bundled(connector.root, connector.name)
    recorder = Recorder(named_headers(connector))
    live = replace(
        environment,
        transport=lambda n: RecordingAdapter(transport(n), recorder),
        query=recorder.query(environment.query or query_of(connector, options)),
    )
    settings = resolve_settings(
        connector, options.config, section=options.alias, replay=environment.replay
    )
    report = _run_in_temporary_folder(connector, options, live, on_event)
    if report.status == "failed":
        errors = [part.error for part in report.resources.values() if part.status == "failed"]
        raise CassetteError("nothing was recorded, the run failed:\n" + "\n".join(map(str, errors)))
    if recorder.failures:
        raise CassetteError(
            "nothing was recorded: some requests got no response, which a cassette cannot "
            "contain: " + "; ".join(recorder.failures[:5])
        )
    redactor = environment.redactor
    known = (*redactor.secrets(guarded=True), *secrets)
    scrubbed = scrub(
        recorder.exchanges, connector, settings.config, known, queries=recorder.queries
    )
    cassette = Cassette(
        connector=connector.name,
        clock=environment.now,
        interactions=scrubbed.interactions,
        config=scrubbed.config,
        resources=options.resources or (),
        limit=options.limit,
        queries=scrubbed.queries,
    )
    _check_replay(connector, cassette, report, environment)
    path = cassette_path(connector)
    write_cassette(path, cassette, (*redactor.secrets(), *scrubbed.secrets))
    return Recording(path, len(cassette.interactions), report)


def _check_replay(
    connector: Connector, cassette: Cassette, report: Report, environment: Environment
) -> None:
    """Raise CassetteError unless the scrubbed recording loads as many rows as the run did."""
    replay = replay_of(cassette, RunOptions(), environment.stop)
    again = _run_in_temporary_folder(connector, replay.options, replay.environment, ignore_event)
    for name, live in report.resources.items():
        replayed = again.resources[name]
        if (live.status, live.rows) != (replayed.status, replayed.rows):
            raise CassetteError(
                "nothing was recorded: with fake values for personal data the recording does not "
                f"replay the run: {name} was {live.status} with {live.rows} rows, and is "
                f"{replayed.status} with {replayed.rows}"
                + (f": {replayed.error}" if replayed.error else "")
                + ". Keep the fields that requests are built from: `x-keep: true` in the schema."
            )


def _run_in_temporary_folder(
    connector: Connector, options: RunOptions, environment: Environment, on_event: EventHandler
) -> Report:
    with TemporaryDirectory(prefix="framework-") as name:
        folder = Path(name)
        inside = replace(options, folder=folder, pipelines=folder / "dlt", file="recorded.duckdb")
        return run(connector, inside, environment, on_event)


def named_headers(connector: Connector) -> frozenset[str]:
    """Return the response headers (lower case) that a connector file reads."""
    names = set(cursor_headers(connector))
    for limit in connector.rate_limits:
        headers = (limit.limit_header, limit.remaining_header, limit.reset_header)
        names.update(filter(None, headers))
    for resource in connector.resources:
        for action in resource.endpoint.response_actions:
            names.update(action.headers)
    for condition in renewals(connector):
        names.update(condition.get("header") or {})
    return frozenset(name.lower() for name in names) - NEVER_RECORDED


class Recorder:
    """Collects raw exchanges in the order in which requests start. Thread-safe.

    `headers` are response headers to record besides the usual ones.
    """

    def __init__(self, headers: Iterable[str] = ()) -> None:
        self._headers = RESPONSE_HEADERS | {name.lower() for name in headers}
        self._lock = threading.Lock()
        self._slots: list[Interaction | None] = []
        self._failures: list[str] = []
        self.queries: dict[str, list[Any]] = {}
        """The values of partitions from queries, by `RESOURCE.PARTITION`."""

    def start(self) -> int:
        """Reserve the slot of an exchange that starts now, and return its number."""
        with self._lock:
            self._slots.append(None)
            return len(self._slots) - 1

    def finish(
        self, slot: int, request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Record the exchange; this reads the response to its end."""
        exchange = Interaction(
            method=request.method or "GET",
            url=request.url or "",
            status=response.status_code,
            reason=response.reason or "",
            headers=self._recorded_headers(response),
            body=response.content or b"",
            request_headers=tuple(
                (name, value.decode("latin-1") if isinstance(value, bytes) else value)
                for name, value in request.headers.items()
                if name.lower() in REQUEST_HEADERS
            ),
            request_body=_body_bytes(request.body),
        )
        with self._lock:
            self._slots[slot] = exchange

    def fail(self, request: requests.PreparedRequest, error: BaseException) -> None:
        """Note a request that got no response: there is nothing to record."""
        address = Address.of(request.url or "")
        note = f"{request.method} {address.origin}{address.path}: {type(error).__name__}"
        with self._lock:
            self._failures.append(note)

    def query(self, live: QueryValues) -> QueryValues:
        """Return a query that records the values of this one."""

        def values(name: str, sql: str) -> Sequence[Any]:
            found = self.queries[name] = list(live(name, sql))
            return found

        return values

    @property
    def exchanges(self) -> tuple[Interaction, ...]:
        """The finished exchanges, in the order of start."""
        with self._lock:
            return tuple(exchange for exchange in self._slots if exchange is not None)

    @property
    def failures(self) -> tuple[str, ...]:
        """The requests without a response, each with the name of its error."""
        with self._lock:
            return tuple(self._failures)

    def _recorded_headers(self, response: requests.Response) -> Headers:
        return tuple(
            (name, value)
            for name, value in response.headers.items()
            if name.lower() not in NEVER_RECORDED
            and (name.lower() in self._headers or "ratelimit" in name.lower().replace("-", ""))
        )


class RecordingAdapter(BaseAdapter):
    """Sends through `inner` and records each exchange."""

    def __init__(self, inner: BaseAdapter, recorder: Recorder) -> None:
        super().__init__()
        self._inner = inner
        self._recorder = recorder

    def send(
        self,
        request: requests.PreparedRequest,
        *args: Any,
        **named: Any,
    ) -> requests.Response:
        """Send the request, record the exchange, and return the response."""
        slot = self._recorder.start()
        try:
            response = self._inner.send(request, *args, **named)
            self._recorder.finish(slot, request, response)
        except BaseException as error:
            self._recorder.fail(request, error)
            raise
        return response

    def close(self) -> None:
        """Close the inner adapter."""
        self._inner.close()


def _body_bytes(body: object) -> bytes | None:
    if body is None:
        return None
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    raise TypeError("a request body that is streamed cannot be recorded")
