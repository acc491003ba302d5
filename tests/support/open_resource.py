"""Connectors of tests, opened: written to a file, judged, compiled, and read without a pipeline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dlt
import pytest
import yaml
from dlt.common.destination.reference import Destination

from framework.api import valid_connector
from framework.definition.finder import find_connector
from framework.definition.model import Connector
from framework.definition.validation import validate
from framework.events import Event, Waiting, WarningRaised
from framework.extract.compilation.compiler import CompiledConnector, compile_connector
from framework.extract.compilation.dlt_source import ResourceReaders, reading_source
from framework.extract.incremental.policy import CursorRange
from framework.extract.read_options import ReadOptions
from framework.http.limits import rate_limit as budget
from framework.runtime.environment import Environment, StopSignal
from framework.runtime.settings import resolve_settings

Json = Any
NO_WAIT = {"backoff_factor": 0}


class Heard:
    """A watch that remembers what it was told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def warned(self) -> list[WarningRaised]:
        """The warnings."""
        return [event for event in self.events if isinstance(event, WarningRaised)]

    @property
    def codes(self) -> list[str]:
        """The warnings' codes."""
        return [event.code for event in self.warned]

    @property
    def waits(self) -> list[float]:
        """The waits announced, in seconds."""
        return [event.seconds for event in self.events if isinstance(event, Waiting)]


class NoWait(StopSignal):
    """A stop that nobody waits for: the waits are written down, and the budget's clock is put
    forward by them (`skip_waits`)."""

    skipped = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []
        self._guard = threading.Lock()

    def wait(self, seconds: float) -> None:
        with self._guard:
            self.waited.append(seconds)
            NoWait.skipped += seconds
        self.check()


def skip_waits(patch: pytest.MonkeyPatch) -> None:
    """Advance the rate limiter's clock by what a NoWait did not wait."""
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + NoWait.skipped)
    patch.setattr(budget, "time", clock)


def connector_file(folder: Path, data: Mapping[str, Json], name: str = "shop") -> Path:
    """The file of a connector with this body."""
    path = folder / "connectors" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    body = {"version": 1, "name": name, **data}
    path.write_text(yaml.safe_dump(body, sort_keys=False), encoding="utf-8")
    return path


def connector_of(folder: Path, data: Mapping[str, Json] | str, name: str = "shop") -> Connector:
    """The judged connector with this body (data, or YAML text)."""
    body = yaml.safe_load(data) if isinstance(data, str) else data
    location = find_connector(str(connector_file(folder, body, name)))
    outcome = validate(location)
    assert outcome.connector is not None, outcome.findings
    return valid_connector(location)


@dataclass
class Opened:
    """A connector compiled for tests, with all that it tells and waits for."""

    connector: Connector
    compiled: CompiledConnector
    heard: Heard
    stop: NoWait
    options: ReadOptions
    readings: ResourceReaders = field(init=False)
    taken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.readings = ResourceReaders(self.compiled, self.options)

    def take(self, *names: str) -> Opened:
        """Have these resources read for their tables, as a run does for all before it reads."""
        for name in names:
            self.readings.open_table(name)
            self.taken.add(name)
        return self

    def read(self, name: str) -> list[dict[str, Json]]:
        """All records of a resource, as if for its table; a second time what is left of them."""
        if name not in self.taken:
            self.take(name)
        return [record for page in self.readings[name].open_table() for record in page.records]

    def source(self) -> Any:
        """The DltSource."""
        return reading_source(self.compiled, self.options)


def opened(
    folder: Path,
    data: Mapping[str, Json] | str,
    settings: Mapping[str, Json] | None = None,
    *,
    limit: int | None = None,
    in_flight: int | None = None,
    state: dict[str, dict[str, Json]] | None = None,
    name: str = "shop",
    again: CursorRange | None = None,
    **environment: Any,
) -> Opened:
    """A connector compiled with these settings, in a world without waits."""
    connector = connector_of(folder, data, name)
    heard = Heard()
    stop = environment.pop("stop", None) or NoWait()
    outside = Environment(stop=stop, **environment)
    compiled = compile_connector(
        connector, resolve_settings(connector, settings or {}), outside, heard
    )
    options = ReadOptions(
        outside,
        heard,
        compiled.redactor,
        in_flight or connector.client.most_in_flight,
        limit,
        {} if state is None else state,
        again=again,
    )
    return Opened(connector, compiled, heard, stop, options)


def one_list(
    url: str, endpoint: Mapping[str, Json] | None = None, **client: Json
) -> dict[str, Json]:
    """The body of a connector with one resource, `items`, that answers in one page."""
    return {
        "client": {"base_url": url, "retry": dict(NO_WAIT), **client},
        "resources": [
            {
                "name": "items",
                "write_disposition": "replace",
                "endpoint": {"path": "/items", "paginator": "single_page", **(endpoint or {})},
            }
        ],
    }


def pipeline(folder: Path, name: str = "shop", destination: Any = "dummy") -> Any:
    """A pipeline in the test's folder whose destination keeps nothing."""
    if destination == "dummy":
        destination = Destination.from_reference("dummy", completed_prob=1.0)
    return dlt.pipeline(
        name,
        pipelines_dir=str(folder / "pipelines"),
        destination=destination,
        dataset_name=f"{name}_data",
    )


def run_threads(count: int, job: Callable[[], Any]) -> list[Any]:
    """The job done by so many threads at once; their results, an exception as itself."""
    results: list[Any] = []
    gate = threading.Barrier(count)

    def work() -> None:
        gate.wait()
        try:
            results.append(job())
        except Exception as error:
            results.append(error)

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
