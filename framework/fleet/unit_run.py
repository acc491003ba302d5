"""One unit: a `run` of one connector, account and window, with the coordinator's shared limits."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from framework import __version__
from framework.errors import FindingsError, FrameworkError, Interrupted, SettingsError, UsageError
from framework.events import Event, event_fields
from framework.fleet.unit_process import Outcome, outcome

Json = Any

IN_DETAIL = {"request", "page", "wait"}
"""Events that only a detailed log has."""
LASTING = (UsageError, FindingsError, SettingsError)
"""Errors that another attempt would have too."""


def prepare() -> None:
    """Import what every unit needs, before the first one."""
    from framework.load.dlt_defaults import set_defaults
    from framework.runtime.deferred_imports import defer_imports

    set_defaults()
    defer_imports()

    import framework.api
    import framework.ledger.ledger_writer
    import framework.load.runner  # noqa: F401


def run_unit(unit: Mapping[str, Json]) -> Outcome:
    """Run a unit; whatever goes wrong is part of the outcome.

    `unit` is `Unit.spec()` with `attempt`, `once`, `folder`, and the coordinator's `address` and
    `key`, or neither for a unit on its own.
    """
    from framework.runtime.redacted_output import redacted_output

    with redacted_output() as redactor, TemporaryDirectory() as folder:
        try:
            return _run(unit, Path(folder))
        except FrameworkError as error:
            return outcome(
                "failed", redactor.redact(str(error)), retry=not isinstance(error, LASTING)
            )
        except Exception as error:
            return outcome("failed", _bug(error), retry=True)


def _run(unit: Mapping[str, Json], folder: Path) -> Outcome:
    from framework.api import valid_connector
    from framework.definition.finder import find_connector
    from framework.fleet.account_column import with_account_column
    from framework.ledger.ledger_writer import LedgerWriter
    from framework.load.report import Report
    from framework.load.runner import run
    from framework.runtime.environment import Environment, StopSignal
    from framework.runtime.redacted_output import process_redactor
    from framework.runtime.secret_sources import add_settings_files
    from framework.runtime.signals import stop_after, stop_on_signals

    add_settings_files(process_redactor())
    file = write_files(unit, folder)
    connector = valid_connector(find_connector(str(file)))
    if unit.get("account_column"):
        connector = with_account_column(connector, unit["alias"])
    stop = StopSignal()
    report = Report(connector.name)
    with ExitStack() as stack:
        stack.enter_context(stop_on_signals(stop))
        stack.enter_context(stop_after(stop, unit.get("max_time")))
        environment, log = Environment(stop=stop), _no_log
        if unit.get("address"):
            link = stack.enter_context(_control(unit))
            environment = Environment(
                stop=stop,
                shared_limit=link.shared_limit,
                destination_turn=link.destination_turn,
            )
            log = link.log
        options = _options(unit)
        in_detail = bool(unit.get("log_requests"))

        def on_event(event: Event) -> None:
            fields = event_fields(event)
            if fields is not None and (in_detail or fields["event"] not in IN_DETAIL):
                log(fields)

        try:
            run(connector, options, environment, on_event, report, LedgerWriter(connector.path))
        except Interrupted as error:
            return _outcome(report, "interrupted", str(error))
        except FrameworkError as error:
            return _outcome(report, "failed", str(error), retry=not isinstance(error, LASTING))
        if unit.get("since") is not None:
            _drop_working_folder(connector, options)
    if report.status in ("ok", "partial"):
        return _outcome(report, "done")
    return _outcome(report, "failed", _first_error(report), retry=True)


def write_files(unit: Mapping[str, Json], folder: Path) -> Path:
    """Write the connector file and its schemas as they are laid out in a project."""
    connector = unit["connector"]
    name = connector["name"]
    file: Path = folder / "connectors" / f"{name}.yaml"
    schemas = folder / "schemas" / name
    texts = {file: connector["text"]}
    texts |= {schemas / Path(one).name: text for one, text in connector["schemas"].items()}
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return file


def _options(unit: Mapping[str, Json]) -> Any:
    from framework.load.run_options import RunOptions

    resources = unit.get("resources")
    is_window = unit.get("since") is not None
    return RunOptions(
        resources=None if resources is None else tuple(resources),
        destination=unit.get("destination"),
        dataset=unit.get("dataset"),
        config=unit.get("config") or {},
        secret_names=unit.get("secrets") or {},
        alias=unit.get("alias"),
        since=unit.get("since"),
        until=unit.get("until"),
        part=unit["unit"] if is_window else None,
        once=unit.get("once"),
        folder=Path(unit["folder"]) if unit.get("folder") else Path.cwd(),
    )


@contextmanager
def _control(unit: Mapping[str, Json]) -> Iterator[Any]:
    """Connect to the coordinator for the block; end the run if it says so, or is gone."""
    from framework.fleet.control_client import ControlClient

    host, port = unit["address"]
    client = ControlClient(
        (host, port),
        bytes.fromhex(unit["key"]),
        unit=unit["unit"],
        attempt=unit["attempt"],
        on_stop=lambda: os.kill(os.getpid(), signal.SIGTERM),
    )
    with client:
        yield client


def _outcome(report: Any, status: str, error: str | None = None, **more: Json) -> Outcome:
    from framework.runtime.redacted_output import process_redactor

    plain = process_redactor().redact_data(report.as_dict())
    text = None if error is None else process_redactor().redact(error)
    return outcome(status, text, report=plain, **more)


def _first_error(report: Any) -> str:
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


def _drop_working_folder(connector: Any, options: Any) -> None:
    """Remove dlt's folder of a window that is loaded: it is not read again."""
    from framework.load.destinations.target import target_of
    from framework.load.pipeline import pipelines_folder

    name = target_of(connector, options).pipeline
    with suppress(OSError):
        shutil.rmtree(pipelines_folder(options) / name)


def _no_log(_: Mapping[str, Json]) -> None:
    """Write nothing: nobody reads the log of a unit on its own."""
