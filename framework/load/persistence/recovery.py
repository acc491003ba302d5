"""Open a pipeline: load or drop what an interrupted run left, then start from the destination.

The destination holds the truth: a run starts from the state that was loaded there, whatever the
working folder contains. So a deleted database is loaded again from the beginning.

A load package in the working folder is complete: it is created after all resources are read. It
is loaded again from its first job, because dlt cannot know whether a running job was committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlt.pipeline.exceptions import PipelineStepFailed

from framework.errors import DestinationError
from framework.events import EventHandler, StepStarted
from framework.load.arrow.nested_tables import undo_variants
from framework.load.destinations.target import Target
from framework.load.dlt_errors import disk_full, is_refused
from framework.load.persistence.dataset_schema import adopt_schema, stored_version
from framework.load.persistence.load_markers import KnownLoads, read_known_loads, undo_appends
from framework.load.persistence.load_packages import (
    drop_working_folder,
    extracted_packages,
    is_readable,
    is_whole,
    load_ids,
    normalized_packages,
    pending_packages,
)
from framework.load.pipeline import (
    build_pipeline,
    destination_errors,
    load,
    pipelines_folder,
    raise_interrupt,
)
from framework.load.run_options import RunOptions
from framework.runtime.dlt_internals import number_loads_after, reset_package

READ_FOR = "framework_read_for"
"""Key in the state of a package: the load whose state its run started from."""
READ_INTO = "framework_read_into"
"""Key in the state of a package: the version of the tables' schema, if other runs change it."""

DUCKDB_HEADERS = 3 * 4096
"""Bytes of a DuckDB file before its first table: a shorter file holds none."""

FINISHED = "loaded the data that an interrupted run had extracted"
ALREADY_LOADED = "an interrupted run had already loaded all data that it had extracted"
RECREATED = "recreated dlt's working folder, which was not readable; its data is read again"
DROPPED = "dropped the data that an interrupted run had extracted: "
STUCK = (
    "An interrupted run had extracted this data, and each run tries to load it first. "
    "`run --refresh` drops what cannot be loaded and reads it again"
)


@dataclass(frozen=True)
class OpenPipeline:
    """A pipeline ready for a new run.

    `notes` say what happened to data of an interrupted run. `read_for` is the load whose state
    the new run starts from, `schema` the version of the dataset's schema, if others write to it.
    """

    pipeline: Any
    notes: list[str]
    read_for: str
    schema: str = ""


def open_pipeline(
    target: Target, options: RunOptions, connector: str, on_event: EventHandler
) -> OpenPipeline:
    """Return the connector's pipeline after recovery from an interrupted run.

    Raise DestinationError if the destination cannot be reached or written.
    """
    with target.turn:
        return _open(target, options, connector, on_event)


def _open(
    target: Target, options: RunOptions, connector: str, on_event: EventHandler
) -> OpenPipeline:
    with destination_errors("cannot open", target):
        notes = _remove_incomplete_file(target)
        folder = pipelines_folder(options) / target.pipeline
        if not is_readable(folder):
            drop_working_folder(folder)
            notes.append(RECREATED)
        pipeline = build_pipeline(target, pipelines_folder(options))
        packages = pending_packages(pipeline)
    with _connected(pipeline, target):
        known = _known_loads(pipeline, target, connector, packages)
        if packages:
            notes.append(_recover(pipeline, target, connector, known, on_event, options))
            known = _known_loads(pipeline, target, connector)
        return _restart(pipeline, target, connector, known, notes)


def drop_packages(pipeline: Any, target: Target, connector: str) -> OpenPipeline:
    """Drop the packages of this run, with what they appended, and start from the destination.

    A run that is killed meanwhile has left what the next run repeats or undoes.
    """
    with _connected(pipeline, target):
        known = _known_loads(pipeline, target, connector)
        return _restart(pipeline, target, connector, known, [])


def _restart(
    pipeline: Any, target: Target, connector: str, known: KnownLoads, notes: list[str]
) -> OpenPipeline:
    """Undo incomplete appends and take state and schemas from the destination."""
    notes = [*notes, *_undo_appends(pipeline, target, connector, known)]
    schema = ""
    with destination_errors("cannot open", target):
        drop_working_folder(Path(pipeline.working_dir))
        pipeline.drop()
        pipeline.sync_destination()
        adopt_schema(pipeline, connector)
        if target.turn.is_shared:
            schema = stored_version(pipeline, connector)
    number_loads_after(known.state)
    return OpenPipeline(pipeline, notes, known.state, schema)


def _remove_incomplete_file(target: Target) -> list[str]:
    """Remove a DuckDB file that a full disk or a kill left without its headers."""
    file = target.file
    if file is None or not file.is_file() or not 0 < file.stat().st_size < DUCKDB_HEADERS:
        return []
    content = file.read_bytes()
    if content.strip(b"\0") and content[8:12] != b"DUCK":
        return []  # not a DuckDB file: leave it to its owner
    file.unlink()
    return [f"recreated {file.name}: an interrupted run left it incomplete"]


@contextmanager
def _connected(pipeline: Any, target: Target) -> Iterator[None]:
    """Keep one connection open for all that the block asks the destination."""
    with target.turn, ExitStack() as stack:
        with destination_errors("cannot open", target):
            stack.enter_context(pipeline.destination_client())
        yield


def _recover(
    pipeline: Any,
    target: Target,
    connector: str,
    known: KnownLoads,
    on_event: EventHandler,
    options: RunOptions,
) -> str:
    """Load the packages of an interrupted run if that is possible; return a note on the outcome.

    With `--refresh`, drop what cannot be loaded for any reason.
    """
    for load_id in load_ids(normalized_packages(pipeline)):
        # a kill may leave both: it must not be normalized twice
        extracted_packages(pipeline).delete_package(load_id, not_exists_ok=True)
    packages = pending_packages(pipeline)
    if all(load_id in known.complete for load_id in packages):
        return ALREADY_LOADED
    for load_id, storage in packages.items():
        state = storage.get_load_package_state(load_id)
        read_for, read_into = state.get(READ_FOR), state.get(READ_INTO)
        is_outdated = read_for is not None and str(read_for) != known.state
        if read_into is not None and not is_outdated:
            own = storage.load_schema(load_id).stored_version_hash  # if it was loaded in part
            is_outdated = stored_version(pipeline, connector) not in (read_into, own)
        if is_outdated:
            return f"{DROPPED}the destination has changed since; it is read again"
    if not is_whole(pipeline):
        return f"{DROPPED}it was not complete; it is read again"
    on_event(StepStarted("loading the data that an interrupted run had extracted"))
    undo_variants(pipeline)
    try:
        pipeline.normalize()
    except PipelineStepFailed as error:
        raise_interrupt(error)
        if full := disk_full(error):
            raise full from error
        return f"{DROPPED}it could not be normalized; it is read again"
    if target.profile.marks_loads:
        _undo_appends(pipeline, target, connector, known.with_marks(packages))
        for load_id in load_ids(normalized_packages(pipeline)):
            reset_package(normalized_packages(pipeline), load_id)
    try:
        with ExitStack() as connection:
            load(pipeline, target, connector, connection)
    except DestinationError as error:
        reason = f"{str(error).rstrip('.')}."
        if options.refresh or is_refused(error):
            return f"{DROPPED}{reason} It is read again."
        raise DestinationError(f"{reason} {STUCK}.") from error
    return FINISHED


def _undo_appends(pipeline: Any, target: Target, connector: str, known: KnownLoads) -> list[str]:
    """Delete rows of appends that never completed; return a note if there were any."""
    with destination_errors("cannot write", target):
        rows = undo_appends(pipeline, connector, known)
    if not rows:
        return []
    return [f"deleted {rows:,} rows that an interrupted load had appended; they are read again"]


def _known_loads(
    pipeline: Any, target: Target, connector: str, pending: Iterable[str] = ()
) -> KnownLoads:
    with destination_errors("cannot open", target):
        return read_known_loads(pipeline, connector, target, pending)
