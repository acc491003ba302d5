"""The network of a replay: answers come out of a cassette, and no socket is ever opened.

Requests are found by index and confirmed with vcrpy's matchers; one that was not recorded is an
error that names the nearest recorded one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qsl, urlencode

import requests
from requests.adapters import BaseAdapter

from framework.authoring.cassettes.cassette import Cassette, Interaction, read_cassette
from framework.authoring.cassettes.matching import (
    Address,
    RecordedRequest,
    agree,
    differences,
    distance,
)
from framework.definition.model import Connector
from framework.errors import CassetteError
from framework.http.transport import make_response
from framework.load.run_options import RunOptions
from framework.runtime.environment import Environment, StopSignal
from framework.runtime.settings import STAND_IN


class ReplayAdapter(BaseAdapter):
    """Answers from a cassette; thread-safe.

    Several answers to one request are given in recorded order. `secrets` are the values that this
    run sends; the cassette has a stand-in where they stood.
    """

    def __init__(self, cassette: Cassette, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._cassette = cassette
        self._secrets = sorted({s for s in secrets if s and s != STAND_IN}, key=len, reverse=True)
        self._lock = threading.Lock()
        self._index: dict[RecordedRequest, list[int]] = {}
        for number, interaction in enumerate(cassette.interactions):
            self._index.setdefault(RecordedRequest.of(interaction), []).append(number)
        self._given: dict[RecordedRequest, int] = {}

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,  # noqa: ARG002
        verify: bool | str = True,  # noqa: ARG002
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> requests.Response:
        """The next recorded answer; CassetteError where there is none."""
        made = self._made(request)
        asked = RecordedRequest.of(made)
        with self._lock:
            places = self._index.get(asked)
            given = self._given.get(asked, 0)
            if places is not None and given < len(places):
                self._given[asked] = given + 1
        if places is None or not agree(made, self._cassette.interactions[places[0]], asked):
            raise CassetteError(self._unknown(asked))
        if given >= len(places):
            times = "once" if len(places) == 1 else f"{len(places)} times"
            raise CassetteError(
                f"the cassette of `{self._cassette.connector}` has {asked} {times}, and it was "
                f"asked for once more; record again: framework record {self._cassette.connector}"
            )
        found = self._cassette.interactions[places[given]]
        return make_response(request, found.status, found.reason, found.headers, found.body)

    def close(self) -> None:
        """Nothing is open."""

    def unused(self) -> list[str]:
        """The recorded answers that were never asked for, described."""
        with self._lock:
            given = dict(self._given)
        lines = []
        for asked, places in self._index.items():
            for turn, place in enumerate(places, 1):
                if turn > given.get(asked, 0):
                    which = f", answer {turn} of {len(places)}" if len(places) > 1 else ""
                    status = self._cassette.interactions[place].status
                    lines.append(f"{asked} (status {status}{which})")
        return lines

    def _made(self, request: requests.PreparedRequest) -> Interaction:
        body = request.body
        if isinstance(body, str):
            body = body.encode()
        if not isinstance(body, bytes):
            body = None
        headers = {
            name: value.decode("latin-1") if isinstance(value, bytes) else value
            for name, value in request.headers.items()
            if name.lower() == "content-type"
        }
        url = self._hidden(str(Address.of(request.url or "")))
        if body and self._secrets:
            body = self._hidden_body(body, headers.get("Content-Type", ""))
        return Interaction(
            request.method or "GET",
            url,
            0,
            request_headers=tuple(headers.items()),
            request_body=body or None,
        )

    def _hidden(self, url: str) -> str:
        if not self._secrets:
            return url
        address = Address.of(url)
        return str(
            Address(
                address.scheme,
                address.host,
                tuple(map(self._hide, address.segments)),
                tuple((name, self._hide(value)) for name, value in address.query),
            )
        )

    def _hidden_body(self, body: bytes, kind: str) -> bytes:
        text = body.decode("utf-8", errors="replace")
        if "x-www-form-urlencoded" in kind:
            pairs = parse_qsl(text, keep_blank_values=True)
            return urlencode([(name, self._hide(value)) for name, value in pairs]).encode()
        return self._hide(text).encode()

    def _hide(self, text: str) -> str:
        for secret in self._secrets:
            if text == secret or (len(secret) >= 6 and secret in text):
                text = text.replace(secret, STAND_IN)
        return text

    def _unknown(self, asked: RecordedRequest) -> str:
        name = self._cassette.connector
        head = f"{asked} is not in the cassette of `{name}`"
        tail = f"record again: framework record {name}"
        if not self._index:
            return f"{head}, which is empty; {tail}"
        nearest = min(self._index, key=lambda known: distance(asked, known))
        differs = "; ".join(differences(asked, nearest)) or "the bodies differ"
        return f"{head}. Nearest is {nearest}: {differs}; {tail}"


@dataclass(frozen=True)
class Replay:
    """What to run with; `adapter` knows afterwards which answers were never asked for."""

    options: RunOptions
    environment: Environment
    adapter: ReplayAdapter


def load_cassette(connector: Connector) -> Path:
    """Where the connector's cassette is, or would be."""
    return connector.root / "cassettes" / f"{connector.name}.yaml"


@contextmanager
def replay_environment(
    connector: Connector, path: str | Path | None, options: RunOptions, stop: StopSignal
) -> Iterator[Replay]:
    """The world of a cassette, into `NAME_replay.duckdb` unless another destination is asked for.

    It starts with nothing: the file is made anew and no state is kept. CassetteError where the
    cassette cannot be used.
    """
    cassette = read_cassette(Path(path) if path else load_cassette(connector), connector.name)
    file = f"{connector.name}_replay.duckdb"
    if options.destination in (None, "duckdb"):
        for name in (file, f"{file}.wal"):
            (options.folder / name).unlink(missing_ok=True)
    with TemporaryDirectory(prefix="framework-") as folder:
        yield played(cassette, replace(options, file=file, pipelines=Path(folder)), stop)


def played(cassette: Cassette, options: RunOptions, stop: StopSignal) -> Replay:
    """The options and the world that make a run the recorded one."""
    adapter = ReplayAdapter(cassette)
    environment = Environment(
        now=cassette.clock,
        transport=lambda _: adapter,
        waits=False,
        replay=True,
        stop=stop,
    )
    as_recorded = replace(
        options,
        resources=options.resources or cassette.resources or None,
        config={**cassette.config, **options.config},
        limit=options.limit or cassette.limit,
    )
    return Replay(as_recorded, environment, adapter)
