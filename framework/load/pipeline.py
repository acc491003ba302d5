"""dlt's pipeline: built for a target, normalize and load with errors in plain words, and the lock
and garbage collector settings that surround a run.
"""

from __future__ import annotations

import gc
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.destination.exceptions import DestinationUndefinedEntity, SchemaUpdateError
from dlt.common.pipeline import get_dlt_pipelines_dir
from dlt.pipeline.exceptions import PipelineStepFailed
from fasteners import InterProcessLock

from framework.errors import DestinationError, TableRefused, chain
from framework.events import EventHandler, StepStarted, ignore_event
from framework.load.arrow.nested_tables import undo_variants
from framework.load.destinations.target import Target
from framework.load.dlt_errors import (
    contract_broken,
    destination_error,
    disk_full,
    is_refused,
    known_cause,
    refused_table,
    unfit_records,
)
from framework.load.persistence.load_markers import mark_load
from framework.load.persistence.load_packages import appending_packages, drop_working_folder
from framework.load.run_options import RunOptions
from framework.runtime.dlt_internals import install_row_normalizer, refuses_table
from framework.runtime.environment import StopSignal


def pipelines_folder(options: RunOptions) -> Path:
    """Return the folder of dlt's working folders."""
    return options.pipelines or Path(get_dlt_pipelines_dir())


def build_pipeline(target: Target, folder: Path) -> Any:
    """Return the target's pipeline, with its working folder below this one."""
    return dlt.pipeline(
        target.pipeline,
        pipelines_dir=str(folder),
        destination=target.destination,
        dataset_name=target.dataset,
    )


def read_pipeline(target: Target, folder: Path) -> Any:
    """Return the pipeline as the destination has it, for reading only, in a folder of its own.

    Raise DestinationError if the destination cannot be reached.
    """
    with destination_errors("cannot open", target):
        pipeline = build_pipeline(target, folder)
        pipeline.sync_destination()
    return pipeline


def normalize(pipeline: Any) -> Any:
    """Normalize what was extracted.

    Raise TableRefused if records break a schema contract or cannot become rows; dlt may not know
    their table. Their package is dropped, because it would fail again.
    """
    install_row_normalizer()
    undo_variants(pipeline)
    try:
        return pipeline.normalize()
    except PipelineStepFailed as error:
        if full := disk_full(error):
            raise full from error
        cause = known_cause(error) or contract_broken(error) or unfit_records(error)
        if cause is None:
            raise
        if not isinstance(cause, KeyboardInterrupt):
            drop_working_folder(Path(pipeline.working_dir))
        raise cause from error


def load(pipeline: Any, target: Target, connector: str, connection: ExitStack) -> Any:
    """Load what is normalized; the destination stays open until the caller closes `connection`.

    The caller has the destination's turn, which is held as long. Raise DestinationError if the load
    fails; TableRefused if the destination refuses one table, and what it has loaded of the package
    can be undone or repeated.
    """
    release_memory()
    appending: list[str] = []
    try:
        connection.enter_context(target.turn)
        with destination_errors("cannot load into", target, quotes_rows=True):
            appending = appending_packages(pipeline)
            # one connection for all: DuckDB writes a checkpoint at every close
            connection.enter_context(pipeline.destination_client())
            with mark_load(pipeline, connector, target, appending):
                return pipeline.load()
    except DestinationError as error:
        connection.close()  # the error may have made it unusable
        if disk_full(error) or (appending and not target.profile.marks_loads):
            raise
        table = refused_table(error) if is_refused(error) else unloadable_table(pipeline, error)
        if table is None:
            raise
        raise TableRefused(table, str(error)) from error


def release_memory() -> None:
    """Return to the system what Arrow keeps of freed memory, before a step that needs its own."""
    pa.default_memory_pool().release_unused()


def unloadable_table(pipeline: Any, error: BaseException) -> str | None:
    """Return the table that the destination will not create or change, or None.

    dlt creates all tables of a package at once, so each is tried alone, and undone.
    """
    kinds = (SchemaUpdateError, DestinationUndefinedEntity)
    if refused_table(error) or not any(isinstance(cause, kinds) for cause in chain(error)):
        return None
    with suppress(Exception), pipeline.destination_client() as client:
        tables = pipeline.default_schema.data_table_names()
        return next((table for table in tables if refuses_table(client, table)), None)
    return None


@contextmanager
def destination_errors(action: str, target: Target, *, quotes_rows: bool = False) -> Iterator[None]:
    """Turn errors of the block into DestinationError, whose message starts with `action`.

    With `quotes_rows`, the destination's message may contain values, which are removed.
    """
    try:
        yield
    except Exception as error:
        raise_interrupt(error)
        raise destination_error(
            error, f"{action} {target}", target.kind, quotes_rows=quotes_rows
        ) from error


def raise_interrupt(error: Exception) -> None:
    """Raise the interrupt that dlt wrapped in this error, if there is one."""
    cause = known_cause(error)
    if isinstance(cause, KeyboardInterrupt):
        raise cause from error


@contextmanager
def run_lock(
    folder: Path,
    connector: str,
    target: Target,
    on_event: EventHandler = ignore_event,
    stop: StopSignal | None = None,
) -> Iterator[None]:
    """Hold the lock of the connector in this dataset; wait for a run that holds it.

    A run that takes turns at the destination waits only for one of its own pipeline. Raise
    DestinationError if the lock cannot be created, or is held and there is no `stop` that could
    end the wait.
    """
    name = target.pipeline
    if not target.turn.is_shared:
        location = f"{target.file or target.kind}\n{target.dataset}"
        name = f"{connector}_{hashlib.sha256(location.encode()).hexdigest()[:8]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{name}.lock"
        lock = InterProcessLock(file)
        is_held = _try_lock(lock, file)
    except OSError as error:
        raise DestinationError(
            f"cannot write to dlt's folder {folder}: {os.strerror(error.errno or 0)}. Set "
            "DLT_DATA_DIR to a folder that can be written."
        ) from None
    if not is_held:
        message = "waiting for another run of this connector into the same dataset"
        if stop is None:
            raise DestinationError(message)
        on_event(StepStarted(message))
        while not _try_lock(lock, file):
            stop.wait(0.2)
    try:
        yield
    finally:
        lock.release()


def _try_lock(lock: InterProcessLock, file: Path) -> bool:
    """Return whether the lock is held now; a lock on a file that was removed is none."""
    while lock.acquire(blocking=False):
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock.lockfile.fileno()), file.stat()):
                return True
        lock.release()
    return False


def drop_pipeline(folder: Path, pipeline: str) -> None:
    """Remove the working folder of a pipeline that is not read again, and the file of its lock.

    They stay if a run has the lock. Who waits for it notices that its file is gone.
    """
    file = folder / f"{pipeline}.lock"
    lock = InterProcessLock(file)
    with suppress(OSError):
        if not _try_lock(lock, file):
            lock.lockfile.close()
            return
        try:
            shutil.rmtree(folder / pipeline, ignore_errors=True)
            file.unlink()
        finally:
            lock.release()


GC_THRESHOLDS = (100_000, 20, 50)
"""New objects between two collections of the youngest generation: those of some pages."""


@contextmanager
def gc_paused() -> Iterator[None]:
    """Freeze existing objects and collect garbage less often during the block."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
