"""Replay a cassette: an adapter that returns recorded responses and never opens a socket."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode

import requests
from requests.adapters import BaseAdapter

from framework.authoring.cassettes.cassette import Cassette, cassette_path, read_cassette
from framework.authoring.cassettes.matching import (
    RecordedRequest,
    differences,
    distance,
    is_match,
)
from framework.authoring.exchange import Address, Interaction
from framework.authoring.scrub.fake_values import SecretMask
from framework.definition.model import Connector
from framework.errors import CassetteError
from framework.http.transport import make_response
from framework.load.run_options import RunOptions
from framework.runtime.environment import Environment, QueryValues, StopSignal
from framework.runtime.redaction import Redactor


class ReplayAdapter(BaseAdapter):
    """Returns the responses of a cassette; several to one request in recorded order. Thread-safe.

    `secrets` are the values that this run sends; in the cassette each is `replayed`.
    """

    def __init__(self, cassette: Cassette, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._cassette = cassette
        self._mask = SecretMask(secrets)
        self._lock = threading.Lock()
        self._numbers: dict[RecordedRequest, list[int]] = {}
        self._exact: dict[tuple[str, str], RecordedRequest] = {}
        for number, interaction in enumerate(cassette.interactions):
            key = RecordedRequest.of(interaction)
            self._numbers.setdefault(key, []).append(number)
            if not interaction.request_body:
                self._exact[interaction.method, interaction.url] = key
        self._returned: dict[RecordedRequest, int] = {}

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,  # noqa: ARG002
        verify: bool | str = True,  # noqa: ARG002
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> requests.Response:
        """Return the next recorded response. Raise CassetteError if there is none."""
        exact = None
        if not request.body and not self._mask.secrets:
            exact = self._exact.get((request.method or "GET", request.url or ""))
        sent = None if exact else self._masked(request)
        key = exact or RecordedRequest.of(cast("Interaction", sent))
        with self._lock:
            numbers = self._numbers.get(key)
            turn = self._returned.get(key, 0)
            if numbers is not None and turn < len(numbers):
                self._returned[key] = turn + 1
        recorded = None if numbers is None else self._cassette.interactions[numbers[0]]
        if recorded is None or (sent is not None and not is_match(sent, recorded, key)):
            raise CassetteError(self._not_recorded(key))
        assert numbers is not None
        if turn >= len(numbers):
            times = "once" if len(numbers) == 1 else f"{len(numbers)} times"
            raise CassetteError(
                f"the cassette of `{self._cassette.connector}` has {key} {times}, and the run "
                f"requests it once more; record again: framework record {self._cassette.connector}"
            )
        found = self._cassette.interactions[numbers[turn]]
        return make_response(request, found.status, found.reason, found.headers, found.body)

    def normalized(self, request: requests.PreparedRequest) -> RecordedRequest:
        """Return a request as it would be recorded, in the one spelling that is compared."""
        return RecordedRequest.of(self._masked(request))

    def close(self) -> None:
        """Do nothing: nothing is open."""

    def unused(self) -> list[str]:
        """Describe the recorded responses that were never requested."""
        with self._lock:
            returned = dict(self._returned)
        lines = []
        for key, numbers in self._numbers.items():
            for turn, number in enumerate(numbers, 1):
                if turn > returned.get(key, 0):
                    which = f", response {turn} of {len(numbers)}" if len(numbers) > 1 else ""
                    status = self._cassette.interactions[number].status
                    lines.append(f"{key} (status {status}{which})")
        return lines

    def _masked(self, request: requests.PreparedRequest) -> Interaction:
        """Return the request as it would be recorded, without this run's secrets."""
        headers = tuple(
            (name, value.decode("latin-1") if isinstance(value, bytes) else value)
            for name, value in request.headers.items()
            if name.lower() == "content-type"
        )
        address = Address.of(request.url or "")
        url = Address(
            address.scheme,
            address.host,
            tuple(map(self._mask, address.segments)),
            tuple((name, self._mask(value)) for name, value in address.query),
        )
        body = request.body.encode() if isinstance(request.body, str) else request.body
        body = body if isinstance(body, bytes) and body else None
        sent = Interaction(request.method or "GET", str(url), 0, request_headers=headers)
        return replace(sent, request_body=self._masked_body(body, sent.is_form))

    def _masked_body(self, body: bytes | None, is_form: bool) -> bytes | None:
        if body is None or not self._mask.secrets:
            return body
        text = body.decode("utf-8", errors="replace")
        if not is_form:
            return self._mask(text).encode()
        pairs = parse_qsl(text, keep_blank_values=True)
        return urlencode([(name, self._mask(value)) for name, value in pairs]).encode()

    def _not_recorded(self, key: RecordedRequest) -> str:
        name = self._cassette.connector
        head = f"{key} is not in the cassette of `{name}`"
        tail = f"record again: framework record {name}"
        if not self._numbers:
            return f"{head}, which is empty; {tail}"
        nearest = min(self._numbers, key=lambda recorded: distance(key, recorded))
        phrases = "; ".join(differences(key, nearest)) or "the bodies differ"
        return f"{head}. Nearest is {nearest}: {phrases}; {tail}"


@dataclass(frozen=True)
class Replay:
    """What to run with; after the run `adapter` knows the unused responses."""

    options: RunOptions
    environment: Environment
    adapter: ReplayAdapter


@contextmanager
def replay_environment(
    connector: Connector, path: str | Path | None, options: RunOptions, stop: StopSignal
) -> Iterator[Replay]:
    """Provide a replay into `NAME_replay.duckdb`, unless the options name another destination.

    It starts with a new file and keeps no state. Raise CassetteError if the cassette is not usable.
    """
    cassette = read_cassette(Path(path) if path else cassette_path(connector), connector.name)
    file = f"{connector.name}_replay.duckdb"
    if options.destination in (None, "duckdb"):
        for name in (file, f"{file}.wal"):
            (options.folder / name).unlink(missing_ok=True)
    with TemporaryDirectory(prefix="framework-") as folder:
        yield replay_of(cassette, replace(options, file=file, pipelines=Path(folder)), stop)


def replay_of(cassette: Cassette, options: RunOptions, stop: StopSignal) -> Replay:
    """Return what makes a run repeat the recorded one; given options win over recorded ones."""
    adapter = ReplayAdapter(cassette)
    environment = Environment(
        now=cassette.clock,
        transport=lambda _: adapter,
        waits=False,
        replay=True,
        stop=stop,
        redactor=Redactor(),  # a replay has no secrets: its fake tokens are in the cassette
        query=cassette.query_values,
    )
    recorded = replace(
        options,
        resources=options.resources or cassette.resources or None,
        config={**cassette.config, **options.config},
        limit=options.limit or cassette.limit,
    )
    return Replay(recorded, environment, adapter)


def recorded_query(connector: Connector) -> QueryValues:
    """Return what has the recorded values of queries; it raises CassetteError without a cassette.

    A mock and its runs have no other values: they read no destination.
    """

    def query(name: str, sql: str) -> Sequence[Any]:
        try:
            cassette = read_cassette(cassette_path(connector), connector.name)
        except CassetteError as error:
            raise CassetteError(
                f"{name} takes its values from a query, and a mock has those of the cassette: "
                f"{error}"
            ) from None
        return cassette.query_values(name, sql)

    return query
