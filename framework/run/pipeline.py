"""The pipeline of a target: opened, unfinished work settled, state taken from the destination.

The destination holds the truth: a run starts from the state that was loaded there, whatever the
working folder remembers. A deleted database is therefore loaded anew, not continued.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dlt
from dlt.common.pipeline import get_dlt_pipelines_dir
from dlt.pipeline.exceptions import PipelineStepFailed

from framework.build.events import StepStarted, Watch
from framework.errors import DestinationError
from framework.run import pending
from framework.run.causes import (
    contract_broken,
    destination_error,
    disk_full,
    is_refused,
    known_cause,
    unfit_records,
)
from framework.run.destination import Target
from framework.run.loads import KINDS, Remembered, marked, remembered, take_back
from framework.run.nesting import settle
from framework.run.options import RunOptions

FINISHED = "loaded what an interrupted run had read"
HAD_FINISHED = "an interrupted run had loaded all that it had read"
DUCKDB_HEADERS = 3 * 4096
"""Bytes of a DuckDB file before its first table: one that is shorter holds none."""

DROPPED = "dropped what an interrupted run had read: "


@dataclass(frozen=True)
class Opened:
    """A pipeline ready for a new run. `notes` say what became of an interrupted one; `read_for`
    is the load whose state the new one starts from."""

    pipeline: Any
    notes: list[str]
    read_for: str


def pipelines_folder(options: RunOptions) -> Path:
    """Where dlt keeps what it remembers of pipelines."""
    return options.pipelines or Path(get_dlt_pipelines_dir())


def open_pipeline(target: Target, options: RunOptions, connector: str, watch: Watch) -> Opened:
    """The connector's pipeline, what an interrupted run left in it settled.

    DestinationError where the destination cannot be reached or written.
    """
    try:
        notes = _without_stump(target)
        pipeline = dlt.pipeline(
            target.pipeline,
            pipelines_dir=str(pipelines_folder(options)),
            destination=target.destination,
            dataset_name=target.dataset,
        )
        waiting = pending.pending(pipeline)
    except Exception as error:
        raise destination_error(error, f"cannot open {described(target)}", target.kind) from error
    with _held_open(pipeline, target):
        found = _remembered(pipeline, target, connector, waiting)
        if waiting:
            notes += _settle(pipeline, target, connector, found, watch)
            found = _remembered(pipeline, target, connector)
        notes += _take_back(pipeline, target, connector, found)
        _start_from_destination(pipeline, target)
    return Opened(pipeline, notes, found.state)


@contextmanager
def _held_open(pipeline: Any, target: Target) -> Iterator[None]:
    """The destination's connection, opened once for all that is asked inside."""
    with ExitStack() as opened:
        try:
            opened.enter_context(pipeline.destination_client())
        except Exception as error:
            raise destination_error(
                error, f"cannot open {described(target)}", target.kind
            ) from error
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
    try:
        pipeline = dlt.pipeline(
            target.pipeline,
            pipelines_dir=str(folder),
            destination=target.destination,
            dataset_name=target.dataset,
        )
        pipeline.sync_destination()
    except Exception as error:
        raise destination_error(error, f"cannot open {described(target)}", target.kind) from error
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
            pending.drop_all(pipeline)
        raise cause from error


def load(pipeline: Any, target: Target, connector: str) -> Any:
    """Load what is normalized; DestinationError in our words."""
    try:
        appending = list(pending.appending(pipeline))
        # kept open: DuckDB writes all down at every closing
        with (
            pipeline.destination_client(),
            marked(pipeline, connector, target.kind, appending),
        ):
            return pipeline.load()
    except Exception as error:
        _raise_interrupt(error)
        raise destination_error(
            error, f"cannot load into {described(target)}", target.kind, rows=True
        ) from error


def _settle(
    pipeline: Any, target: Target, connector: str, found: Remembered, watch: Watch
) -> list[str]:
    """Finish what an interrupted run had read: a package is there only when it was read whole."""
    pending.forget_copies(pipeline)
    waiting = pending.pending(pipeline)
    if all(load_id in found.complete for load_id in waiting):
        return [HAD_FINISHED]  # it was ended between its last row and the last word
    for load_id, storage in waiting.items():
        if pending.read_for(storage, load_id) not in (found.state, None):
            return [f"{DROPPED}the destination has changed since, it is read again"]
    if not pending.is_whole(pipeline):
        return [f"{DROPPED}it was not handed over whole, it is read again"]
    watch(StepStarted("loading what an interrupted run had read"))
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
        if not is_refused(error):
            raise
        return [f"{DROPPED}{error} It is read again."]
    return [FINISHED]


def _take_back(pipeline: Any, target: Target, connector: str, found: Remembered) -> list[str]:
    """Rows that a load appended which never completed, and of which nothing is left here."""
    try:
        rows = take_back(pipeline, connector, found)
    except Exception as error:
        raise destination_error(error, f"cannot write {described(target)}", target.kind) from error
    if not rows:
        return []
    return [f"took back {rows:,} rows that an interrupted load had appended; they are read again"]


def _remembered(
    pipeline: Any, target: Target, connector: str, waiting: Iterable[str] = ()
) -> Remembered:
    try:
        return remembered(pipeline, connector, target.kind, waiting)
    except Exception as error:
        raise destination_error(error, f"cannot open {described(target)}", target.kind) from error


def _start_from_destination(pipeline: Any, target: Target) -> None:
    try:
        pending.drop_all(pipeline)
        pipeline.drop()
        pipeline.sync_destination()
    except Exception as error:
        _raise_interrupt(error)
        raise destination_error(error, f"cannot open {described(target)}", target.kind) from error


def _raise_interrupt(error: Exception) -> None:
    """dlt wraps an interrupt in its own error: raise what it was."""
    cause = known_cause(error)
    if isinstance(cause, KeyboardInterrupt):
        raise cause from error
