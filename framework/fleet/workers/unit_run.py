"""One unit: a `run` of one connector, account and window, with the coordinator's shared limits."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import dlt.common.libs.pyarrow
import duckdb
import pyarrow.compute
import pyarrow.json
import pyarrow.parquet

from framework import __version__
from framework.api import valid_connector
from framework.definition.finder import find_connector
from framework.errors import (
    FindingsError,
    FrameworkError,
    Interrupted,
    OutOfTime,
    SettingsError,
    UsageError,
)
from framework.events import Event, EventHandler, RequestAnswered, event_fields, ignore_event
from framework.fleet.control.control_client import ControlClient, CoordinatorGone
from framework.fleet.workers.account_column import with_account_column
from framework.fleet.workers.local_turn import local_turn
from framework.fleet.workers.unit_outcome import Outcome, here, outcome
from framework.ledger.ledger_writer import LedgerWriter
from framework.load.destinations.target import target_of
from framework.load.pipeline import drop_pipeline, pipelines_folder
from framework.load.report import Report
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.runtime.destination_turn import TakeTurn
from framework.runtime.environment import Environment, StopSignal
from framework.runtime.redacted_output import process_redactor, redacted_output
from framework.runtime.secret_sources import add_settings_files
from framework.runtime.signals import stop_after, stop_on_signals

Json = Any

PRELOADED = (dlt.common.libs.pyarrow, duckdb, pyarrow.compute, pyarrow.json, pyarrow.parquet)
"""What every run needs, imported once in the warm process and not in each child."""
IN_DETAIL = {"request", "page", "wait"}
"""Events that only a detailed log has."""
LASTING = (UsageError, FindingsError, SettingsError)
"""Errors that another attempt would have too."""


def run_unit(unit: Mapping[str, Json]) -> Outcome:
    """Run a unit; whatever goes wrong is part of the outcome.

    `unit` is `Unit.spec()` with `attempt`, `once`, `folder`, and the coordinator's `address` and
    `key`, or neither for a unit on its own.
    """

    with redacted_output() as redactor, ExitStack() as stack:
        try:
            return _run(unit, _connector_file(unit, stack))
        except FrameworkError as error:
            again = not isinstance(error, LASTING)
            return outcome("failed", redactor.redact(str(error)), error.exit_code, retry=again)
        except Exception as error:
            return outcome("failed", _bug(error), 3, retry=True)


def _connector_file(unit: Mapping[str, Json], stack: ExitStack) -> Path:
    """Write the connector into a folder that is removed with the stack."""
    try:
        return write_files(unit, Path(stack.enter_context(TemporaryDirectory())))
    except OSError as error:
        raise FrameworkError(
            f"cannot write the connector file into the temporary folder {gettempdir()} on "
            f"{here()}: {error.strerror}. Free some space there, or set TMPDIR to another folder"
        ) from error


def _run(unit: Mapping[str, Json], file: Path) -> Outcome:
    add_settings_files(process_redactor())
    connector = valid_connector(find_connector(str(file)))
    if unit["account_column"]:
        connector = with_account_column(connector, unit["alias"])
    options, report, stop = _options(unit), Report(connector.name), StopSignal()
    target = target_of(connector, options)
    turn = None if unit.get("address") else local_turn(target, pipelines_folder(options), stop)
    is_refused, failures = False, _FailedRequests()
    try:
        with (
            stop_on_signals(stop),
            stop_after(stop, unit["max_time"]),
            _client(unit, stop) as client,
        ):
            environment, on_event = _environment(unit, stop, client, turn)
            on_event = failures.watching(on_event)
            try:
                run(connector, options, environment, on_event, report, LedgerWriter(connector.path))
            finally:
                # the budget has nothing left for longer than the next attempt is away
                is_refused = client is not None and client.is_refused
    except OutOfTime as error:
        text = (
            f"still reading after {unit['max_time']:g} s (max_time of the job); allow more time, "
            f"or choose fewer resources or a shorter step{failures.last()}"
        )
        return _outcome(report, "failed", text, error.exit_code, retry=True)
    except Interrupted as error:
        return _outcome(report, "interrupted", str(error), error.exit_code)
    except FrameworkError as error:
        again = not isinstance(error, LASTING) and not is_refused
        return _outcome(report, "failed", str(error), error.exit_code, retry=again)
    if report.status == "failed":
        error_text, again = _first_error(report), not is_refused
        return _outcome(report, "failed", error_text, report.exit_code, retry=again)
    if unit["since"] is not None:
        drop_pipeline(pipelines_folder(options), target.pipeline)
    return _outcome(report, "done")


def write_files(unit: Mapping[str, Json], folder: Path) -> Path:
    """Write the connector file and its schemas as they are laid out in a project."""
    connector = unit["connector"]
    name = connector["name"]
    file: Path = folder / "connectors" / f"{name}.yaml"
    schemas = folder / "schemas" / name
    texts = {file: connector["text"]}
    texts |= {schemas / f"{one}.json": text for one, text in connector["schemas"].items()}
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return file


def _options(unit: Mapping[str, Json]) -> RunOptions:
    is_window = unit["since"] is not None
    return RunOptions(
        resources=tuple(unit["resources"]),
        destination=unit["destination"],
        dataset=unit["dataset"],
        config=unit["config"],
        secret_names=unit["secrets"],
        alias=unit["alias"],
        since=unit["since"],
        until=unit["until"],
        part=unit["unit"] if is_window else None,
        once=unit.get("once"),
        folder=Path(unit["folder"]) if unit.get("folder") else Path.cwd(),
    )


@contextmanager
def _client(unit: Mapping[str, Json], stop: StopSignal) -> Iterator[ControlClient | None]:
    """Connect to the coordinator for the block, if there is one; end the run if it is gone."""
    if not unit.get("address"):
        yield None
        return
    host, port = unit["address"]
    client = ControlClient(
        *((host, port), bytes.fromhex(unit["key"]), unit["unit"], unit["attempt"]),
        stop=stop,
        on_gone=end_run,
    )
    with client:
        yield client


def _environment(
    unit: Mapping[str, Json],
    stop: StopSignal,
    client: ControlClient | None,
    local: TakeTurn | None,
) -> tuple[Environment, EventHandler]:
    if client is None:
        return Environment(stop=stop, destination_turn=local), ignore_event
    in_detail = bool(unit.get("log_requests"))

    def on_event(event: Event) -> None:
        fields = event_fields(event)
        if fields is not None and (in_detail or fields["event"] not in IN_DETAIL):
            client.log(process_redactor().redact_data(fields))

    environment = Environment(
        stop=stop, shared_limit=client.shared_limit, destination_turn=client.destination_turn
    )
    return environment, on_event


def end_run(has_turn: bool) -> None:
    """End the run of this process: at once if others may load now where it has the turn."""
    if has_turn:
        os._exit(CoordinatorGone.exit_code)
    os.kill(os.getpid(), signal.SIGTERM)


class _FailedRequests:
    """The requests that failed, of each resource that no other response has reached since."""

    def __init__(self) -> None:
        self._failed: dict[str, RequestAnswered] = {}

    def watching(self, on_event: EventHandler) -> EventHandler:
        """Return an event handler that notes failures, and hands all events on."""

        def handle(event: Event) -> None:
            if isinstance(event, RequestAnswered):
                self._failed.pop(event.resource, None)
                if event.status is None or event.status >= 400:
                    self._failed[event.resource] = event
            on_event(event)

        return handle

    def last(self) -> str:
        """Return what to say of the last of them, or "". Its URL has no secret."""
        if not self._failed:
            return ""
        last = list(self._failed.values())[-1]
        request = f"{last.method} {last.url}"
        if last.status is None:
            return f"; the last request, {request}, had no response ({last.error})"
        return f"; the last response was HTTP {last.status} of {request}"


def _outcome(
    report: Report, status: str, error: str | None = None, exit_code: int = 0, **more: Json
) -> Outcome:

    plain = process_redactor().redact_data(report.as_dict())
    text = None if error is None else process_redactor().redact(error)
    return outcome(status, text, exit_code, report=plain, **more)


def _first_error(report: Report) -> str:
    """Return the error of the first resource that failed, and how many more have."""
    failed = [part for part in report.resources.values() if part.status == "failed"]
    more = f" (and {len(failed) - 1} more failed)" if len(failed) > 1 else ""
    return f"{failed[0].error or failed[0].name}{more}" if failed else report.error or "failed"


def _bug(error: Exception) -> str:
    """Return types and places of an unexpected error, without values, which could be secret."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    places = "; ".join(f"{Path(one.filename).name}:{one.lineno} in {one.name}" for one in frames)
    version = sys.version.split()[0]
    return f"a bug of the framework: {type(error).__name__} ({places}; {__version__}, {version})"
