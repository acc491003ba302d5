"""The pipeline of a target: opened, unfinished work settled, state taken from the destination.

The destination holds the truth: a run starts from the state that was loaded there, whatever the
working folder remembers. A deleted database is therefore loaded anew, not continued.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dlt
from dlt.common.pipeline import get_dlt_pipelines_dir
from dlt.pipeline.exceptions import PipelineStepFailed

from framework.build.events import StepStarted, Watch
from framework.errors import DestinationError
from framework.run.causes import destination_error
from framework.run.destination import Target
from framework.run.options import RunOptions

MARKER = "framework_run.json"
"""In the working folder while a run is under way: how far it came."""


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
        raise destination_error(error, f"cannot open {described(target)}") from error
    notes = _settle(pipeline, target, watch)
    _start_from_destination(pipeline, target)
    # State is extracted once, at the end of a run, after all resources: it then never reaches
    # the destination before the rows that it speaks of.
    pipeline.config.restore_from_destination = False
    return pipeline, notes


def described(target: Target) -> str:
    """The target in words: `data.duckdb (dataset x)`."""
    return f"{target.file or target.kind} (dataset {target.dataset})"


def mark(pipeline: Any, phase: str | None) -> None:
    """Remember how far the run came: "extracting", "extracted", or None when it is over."""
    path = Path(pipeline.working_dir) / MARKER
    if phase is None:
        path.unlink(missing_ok=True)
    else:
        path.write_text(json.dumps({"phase": phase}), encoding="utf-8")


def load(pipeline: Any, target: Target) -> Any:
    """Load what is normalized; DestinationError in our words."""
    try:
        return pipeline.load()
    except PipelineStepFailed as error:
        if isinstance(error.exception, KeyboardInterrupt):
            raise
        raise destination_error(error, f"cannot load into {described(target)}") from error


def _settle(pipeline: Any, target: Target, watch: Watch) -> list[str]:
    """Finish what an interrupted run had read whole; drop what it had not."""
    if not pipeline.has_pending_data:
        mark(pipeline, None)
        return []
    if _phase(pipeline) == "extracted" or pipeline.list_normalized_load_packages():
        watch(StepStarted("loading what an interrupted run had read"))
        try:
            pipeline.normalize()
            load(pipeline, target)
        except DestinationError:
            raise
        except PipelineStepFailed as error:
            if isinstance(error.exception, KeyboardInterrupt):
                raise
        else:
            mark(pipeline, None)
            return ["loaded what an interrupted run had read"]
    watch(StepStarted("dropping what an interrupted run had left unfinished"))
    pipeline.abort_packages()
    mark(pipeline, None)
    return ["dropped what an interrupted run had left unfinished"]


def _phase(pipeline: Any) -> str | None:
    try:
        found = json.loads((Path(pipeline.working_dir) / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found.get("phase") if isinstance(found, dict) else None


def _start_from_destination(pipeline: Any, target: Target) -> None:
    try:
        pipeline.drop()
        pipeline.config.restore_from_destination = True
        pipeline.sync_destination()
    except PipelineStepFailed as error:
        if isinstance(error.exception, KeyboardInterrupt):
            raise
        raise destination_error(error, f"cannot open {described(target)}") from error
