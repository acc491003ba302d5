"""The pipeline of a target: opened, unfinished work settled, state taken from the destination.

The destination holds the truth: a run starts from the state that was loaded there, whatever the
working folder remembers. A deleted database is therefore loaded anew, not continued.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlt
from dlt.common.pipeline import get_dlt_pipelines_dir
from dlt.pipeline.exceptions import PipelineStepFailed

from framework.build.events import StepStarted, Watch
from framework.run.causes import contract_broken, destination_error, known_cause, unfit_records
from framework.run.destination import Target
from framework.run.nesting import settle
from framework.run.options import RunOptions


def pipelines_folder(options: RunOptions) -> Path:
    """Where dlt keeps what it remembers of pipelines."""
    return options.pipelines or Path(get_dlt_pipelines_dir())


def open_pipeline(target: Target, options: RunOptions, watch: Watch) -> tuple[Any, list[str]]:
    """The pipeline, ready for a new run, and notes on what an interrupted one had left.

    DestinationError where the destination cannot be reached or written.
    """
    try:
        pipeline = dlt.pipeline(
            target.pipeline,
            pipelines_dir=str(pipelines_folder(options)),
            destination=target.destination,
            dataset_name=target.dataset,
        )
    except Exception as error:
        raise destination_error(error, f"cannot open {described(target)}", target.kind) from error
    notes = _settle(pipeline, target, watch)
    _start_from_destination(pipeline, target)
    return pipeline, notes


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
        cause = known_cause(error) or contract_broken(error) or unfit_records(error)
        if cause is None:
            raise
        if not isinstance(cause, KeyboardInterrupt):
            pipeline.abort_packages()
        raise cause from error


def load(pipeline: Any, target: Target) -> Any:
    """Load what is normalized; DestinationError in our words."""
    try:
        with pipeline.destination_client():  # kept open: DuckDB writes all down at every closing
            return pipeline.load()
    except PipelineStepFailed as error:
        _raise_interrupt(error)
        raise destination_error(
            error, f"cannot load into {described(target)}", target.kind
        ) from error


def _settle(pipeline: Any, target: Target, watch: Watch) -> list[str]:
    """Finish what an interrupted run had read: a package is there only when it was read whole.

    What cannot be normalized is dropped: it would stand in the way of every later run.
    """
    if not pipeline.has_pending_data:
        return []
    watch(StepStarted("loading what an interrupted run had read"))
    settle(pipeline)
    try:
        pipeline.normalize()
    except PipelineStepFailed as error:
        _raise_interrupt(error)
        pipeline.abort_packages()
        return ["dropped what an interrupted run had read: it could not be normalized"]
    load(pipeline, target)
    return ["loaded what an interrupted run had read"]


def _start_from_destination(pipeline: Any, target: Target) -> None:
    try:
        pipeline.drop()
        pipeline.sync_destination()
    except PipelineStepFailed as error:
        _raise_interrupt(error)
        raise destination_error(error, f"cannot open {described(target)}", target.kind) from error


def _raise_interrupt(error: PipelineStepFailed) -> None:
    """dlt wraps an interrupt in its own error: raise what it was."""
    cause = known_cause(error)
    if isinstance(cause, KeyboardInterrupt):
        raise cause from error
