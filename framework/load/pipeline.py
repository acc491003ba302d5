"""The pipeline of a target: opened, unfinished work settled, state taken from the destination.

The destination holds the truth: a run starts from the state that was loaded there, whatever the
working folder remembers. A deleted database is therefore loaded anew, not continued.
"""

from __future__ import annotations

import gc
import hashlib
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dlt
from dlt.common.pipeline import get_dlt_pipelines_dir
from dlt.common.time import increasing_precise_time
from dlt.pipeline.exceptions import PipelineStepFailed
from fasteners import InterProcessLock

from framework.errors import DestinationError
from framework.events import EventHandler, StepStarted
from framework.load import recovery as pending
from framework.load.arrow.nested_tables import settle
from framework.load.destinations.target import Target
from framework.load.dlt_errors import (
    contract_broken,
    destination_error,
    disk_full,
    is_refused,
    known_cause,
    unfit_records,
)
from framework.load.load_markers import KINDS, KnownLoads, mark_load, read_known_loads, take_back
from framework.load.run_options import RunOptions
from framework.runtime.environment import StopSignal
from framework.runtime.redaction import Redactor

FINISHED = "loaded what an interrupted run had read"
HAD_FINISHED = "an interrupted run had loaded all that it had read"
DUCKDB_HEADERS = 3 * 4096
"""Bytes of a DuckDB file before its first table: one that is shorter holds none."""

UNREADABLE = "made dlt's working folder anew, which could not be read; what was in it is read again"
DROPPED = "dropped what an interrupted run had read: "
STUCK = (
    "An interrupted run had read this, and each run tries it first; `run --refresh` drops what "
    "still cannot be loaded and reads it again"
)


@dataclass(frozen=True)
class OpenPipeline:
    """A pipeline ready for a new run. `notes` say what became of an interrupted one; `read_for`
    is the load whose state the new one starts from."""

    pipeline: Any
    notes: list[str]
    read_for: str


def pipelines_folder(options: RunOptions) -> Path:
    """Where dlt keeps what it remembers of pipelines."""
    return options.pipelines or Path(get_dlt_pipelines_dir())


def open_pipeline(
    target: Target, options: RunOptions, connector: str, on_event: EventHandler
) -> OpenPipeline:
    """The connector's pipeline, what an interrupted run left in it settled.

    DestinationError where the destination cannot be reached or written.
    """
    with destination_errors("cannot open", target):
        notes = _without_stump(target)
        folder = pipelines_folder(options) / target.pipeline
        if not pending.is_readable(folder):
            pending.drop_all(folder)
            notes.append(UNREADABLE)
        pipeline = dlt.pipeline(
            target.pipeline,
            pipelines_dir=str(pipelines_folder(options)),
            destination=target.destination,
            dataset_name=target.dataset,
        )
        waiting = pending.pending(pipeline)
    with _held_open(pipeline, target):
        found = _remembered(pipeline, target, connector, waiting)
        if waiting:
            notes += _settle(pipeline, target, connector, found, on_event, drop=options.refresh)
            found = _remembered(pipeline, target, connector)
        notes += _take_back(pipeline, target, connector, found)
        _start_from_destination(pipeline, target)
    _number_after(found.state)
    return OpenPipeline(pipeline, notes, found.state)


@contextmanager
def destination_errors(what: str, target: Target, *, rows: bool = False) -> Iterator[None]:
    """What fails in the block is a DestinationError that begins with `what`. With `rows` the
    reason may quote some of them."""
    try:
        yield
    except Exception as error:
        _raise_interrupt(error)
        raise destination_error(
            error, f"{what} {described(target)}", target.kind, rows=rows
        ) from error


@contextmanager
def _held_open(pipeline: Any, target: Target) -> Iterator[None]:
    """The destination's connection, opened once for all that is asked inside."""
    with ExitStack() as opened:
        with destination_errors("cannot open", target):
            opened.enter_context(pipeline.destination_client())
        yield


def _without_stump(target: Target) -> list[str]:
    """Take away the beginning of a DuckDB file that a full disk or a kill kept from being one."""
    file = target.file
    if file is None or not file.is_file() or not 0 < file.stat().st_size < DUCKDB_HEADERS:
        return []
    begun = file.read_bytes()
    if begun.strip(b"\0") and begun[8:12] != b"DUCK":
        return []  # whatever it is, it is not ours
    file.unlink()
    return [f"made {file.name} anew: an interrupted run had only begun to write it"]


def looked_at(target: Target, folder: Path) -> Any:
    """The pipeline as the destination has it, in a folder of its own: for looking only.

    DestinationError where the destination cannot be reached.
    """
    with destination_errors("cannot open", target):
        pipeline = dlt.pipeline(
            target.pipeline,
            pipelines_dir=str(folder),
            destination=target.destination,
            dataset_name=target.dataset,
        )
        pipeline.sync_destination()
    return pipeline


def described(target: Target) -> str:
    """The target in words: `data.duckdb (dataset x)`."""
    return f"{target.file or target.kind} (dataset {target.dataset})"


def normalize(pipeline: Any) -> Any:
    """Normalize what was extracted. Records that break a schema contract, or cannot be rows at
    all, are a FrameworkError; their package is dropped: it would fail again."""
    settle(pipeline)
    try:
        return pipeline.normalize()
    except PipelineStepFailed as error:
        if full := disk_full(error):
            raise full from error
        cause = known_cause(error) or contract_broken(error) or unfit_records(error)
        if cause is None:
            raise
        if not isinstance(cause, KeyboardInterrupt):
            pending.drop_all(Path(pipeline.working_dir))
        raise cause from error


def load(pipeline: Any, target: Target, connector: str) -> Any:
    """Load what is normalized; DestinationError in our words."""
    with destination_errors("cannot load into", target, rows=True):
        appending = list(pending.appending(pipeline))
        # kept open: DuckDB writes all down at every closing
        with (
            pipeline.destination_client(),
            mark_load(pipeline, connector, target.kind, appending),
        ):
            return pipeline.load()


def _settle(
    pipeline: Any,
    target: Target,
    connector: str,
    found: KnownLoads,
    on_event: EventHandler,
    *,
    drop: bool,
) -> list[str]:
    """Finish what an interrupted run had read: a package is there only when it was read whole.
    With `drop` what cannot be loaded, for whatever reason, is dropped."""
    pending.forget_copies(pipeline)
    waiting = pending.pending(pipeline)
    if all(load_id in found.complete for load_id in waiting):
        return [HAD_FINISHED]  # it was ended between its last row and the last word
    for load_id, storage in waiting.items():
        if pending.read_for(storage, load_id) not in (found.state, None):
            return [f"{DROPPED}the destination has changed since, it is read again"]
    if not pending.is_whole(pipeline):
        return [f"{DROPPED}it was not handed over whole, it is read again"]
    on_event(StepStarted("loading what an interrupted run had read"))
    settle(pipeline)
    try:
        pipeline.normalize()
    except PipelineStepFailed as error:
        _raise_interrupt(error)
        if full := disk_full(error):
            raise full from error
        return [f"{DROPPED}it could not be normalized, it is read again"]
    if target.kind in KINDS:
        _take_back(pipeline, target, connector, found.with_marks(waiting))
        for load_id in pending.ids_in(pending.normalized(pipeline)):
            pending.begin_again(pending.normalized(pipeline), load_id)
    try:
        load(pipeline, target, connector)
    except DestinationError as error:
        if drop or is_refused(error):
            return [f"{DROPPED}{_sentence(error)} It is read again."]
        raise DestinationError(f"{_sentence(error)} {STUCK}.") from error
    return [FINISHED]


def _sentence(error: Exception) -> str:
    return f"{str(error).rstrip('.')}."


def _take_back(pipeline: Any, target: Target, connector: str, found: KnownLoads) -> list[str]:
    """Rows that a load appended which never completed, and of which nothing is left here."""
    with destination_errors("cannot write", target):
        rows = take_back(pipeline, connector, found)
    if not rows:
        return []
    return [f"took back {rows:,} rows that an interrupted load had appended; they are read again"]


def _remembered(
    pipeline: Any, target: Target, connector: str, waiting: Iterable[str] = ()
) -> KnownLoads:
    with destination_errors("cannot open", target):
        return read_known_loads(pipeline, connector, target.kind, waiting)


def _number_after(load_id: str) -> None:
    """Have the next package counted after this one, whatever the clock says now: its number is the
    time, and of two states the one with the larger number holds."""
    with suppress(ValueError):  # another program's number
        increasing_precise_time._last = max(increasing_precise_time._last, float(load_id))


def _start_from_destination(pipeline: Any, target: Target) -> None:
    with destination_errors("cannot open", target):
        pending.drop_all(Path(pipeline.working_dir))
        pipeline.drop()
        pipeline.sync_destination()


def _raise_interrupt(error: Exception) -> None:
    """dlt wraps an interrupt in its own error: raise what it was."""
    cause = known_cause(error)
    if isinstance(cause, KeyboardInterrupt):
        raise cause from error


@contextmanager
def run_lock(
    folder: Path, connector: str, target: Target, on_event: EventHandler, stop: StopSignal
) -> Iterator[None]:
    """Hold the lock of the connector in this dataset; wait for a run that has it, and say so."""
    where = f"{target.file or target.kind}\n{target.dataset}"
    name = f"{connector}_{hashlib.sha256(where.encode()).hexdigest()[:8]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = InterProcessLock(folder / f"{name}.lock")
        held = lock.acquire(blocking=False)
    except OSError as error:
        raise DestinationError(
            f"cannot write to dlt's folder {folder}: {os.strerror(error.errno or 0)}. Set "
            "DLT_DATA_DIR to a folder that can be written."
        ) from None
    if not held:
        on_event(StepStarted("waiting for another run of this connector into the same dataset"))
    while not held:
        stop.wait(0.2)
        held = lock.acquire(blocking=False)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def redact_dlt_log(redactor: Redactor) -> Iterator[None]:
    """Nothing secret reaches dlt's log while the block lasts."""

    def redact(record: logging.LogRecord) -> bool:
        record.msg, record.args = redactor.redact(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = redactor.redact(logging.Formatter().formatException(record.exc_info))
        return True

    log = logging.getLogger("dlt")
    log.addFilter(redact)
    try:
        yield
    finally:
        log.removeFilter(redact)


THRESHOLDS = (100_000, 20, 50)
"""New objects between two looks at the young ones; some pages' worth."""


@contextmanager
def gc_paused() -> Iterator[None]:
    """Inside, garbage is looked for seldom, and not among what was there before."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
