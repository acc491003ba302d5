"""Jobs of the page: each in a thread, one of a connector at a time, and each can be stopped."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framework.authoring.scaffold.connector_copy import files_within
from framework.definition.finder import (
    Location,
    cassette_path,
    expected_path,
    query_folder,
    schema_folder,
)
from framework.errors import FrameworkError, UsageError
from framework.runtime.environment import StopSignal
from framework.studio.json_answers import RequestRefused, error_data
from framework.studio.project_files import is_within
from framework.studio.studio_job import JobContext, JobKind
from framework.studio.studio_session import StudioSession
from framework.workspace.project_folder import PathRefused, ProjectFolder

Json = Any
MOST_KEPT = 16
"""Jobs whose result is kept after they have ended: the latest."""
MOST_LINES = 2_000
"""Lines of one job that are kept: the first, and then the latest."""
MOST_RUNNING = 8
GRACE = 5.0
"""Seconds that jobs have to end when the studio ends."""


@dataclass
class RunningJob:
    """One job: what it was asked, and how it is going."""

    id: str
    kind: str
    connector: str
    stop: StopSignal = field(default_factory=StopSignal)
    state: str = "running"
    lines: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    result: Json = None
    error: Json = None
    kept: dict[str, Any] = field(default_factory=dict, repr=False)
    ended: threading.Event = field(default_factory=threading.Event, repr=False)
    folder: Path | None = None

    def say(self, line: str) -> None:
        """Add a line; of very many only the first and the latest are kept."""
        self.lines.append(line)
        if len(self.lines) > MOST_LINES:
            del self.lines[MOST_LINES // 2]

    def as_dict(self) -> dict[str, Json]:
        """Return the job as the page has it."""
        running = self.state == "running"
        seconds = time.monotonic() - self.began if running else self.seconds
        return {
            "state": self.state,
            "lines": list(self.lines),
            "seconds": round(seconds, 2),
            "result": self.result,
            "error": self.error,
        }


class JobRunner:
    """The jobs of one session. Thread-safe."""

    def __init__(self, session: StudioSession, kinds: Mapping[str, JobKind] | None = None) -> None:
        self._session = session
        self._kinds = kinds
        self._jobs: OrderedDict[str, RunningJob] = OrderedDict()
        self._lock = threading.Lock()
        self._is_closed = False
        self.stopped = 0
        """Jobs that were running when the studio ended."""

    def start(
        self, kind: str, request: Mapping[str, Json], own: JobKind | None = None
    ) -> dict[str, Json]:
        """Start a job; return its id. Raise RequestRefused if the connector has one that runs.

        `own` is the kind of a job that begins a connector, which need not exist.
        """
        found = own or self._kind(kind)
        text = request.get("text")
        if own is not None:
            name = str(request.get("name"))
            location = Location(name, self._session.folder.connectors / f"{name}.yaml", Path(), "")
            text = ""
        else:
            location, text = self._saved(found, request)
        job = RunningJob(secrets.token_hex(8), kind, location.name)
        with self._lock:
            self._refuse_busy(job)
            self._jobs[job.id] = job
            self._forget()
        thread = threading.Thread(
            target=self._run, args=(job, found, location, text, request), name=f"job-{kind}"
        )
        thread.daemon = True
        thread.start()
        return {"job": job.id}

    def told(self, job_id: str) -> dict[str, Json]:
        """Return a job as the page has it."""
        return self._job(job_id).as_dict()

    def stop(self, job_id: str) -> dict[str, Json]:
        """Ask a job to stop."""
        self._job(job_id).stop.set()
        return {}

    def close(self) -> None:
        """Stop all jobs, and give them some seconds to end."""
        with self._lock:
            self._is_closed = True
            running = [job for job in self._jobs.values() if job.state == "running"]
        for job in running:
            job.stop.set()
        deadline = time.monotonic() + GRACE
        for job in running:
            is_ended = job.ended.wait(max(0.0, deadline - time.monotonic()))
            if not is_ended and job.folder is not None:
                shutil.rmtree(job.folder, ignore_errors=True)
        self.stopped += len(running)

    def kept(self, job_id: str) -> Mapping[str, Any]:
        """Return what a job has kept. Raise UsageError if it is not known any more."""
        try:
            return self._job(job_id).kept
        except RequestRefused as error:
            raise UsageError(str(error)) from None

    def answer(self, name: str, request: Mapping[str, Json]) -> Json:
        """Return what one of the endpoints of `framework.studio.jobs` answers."""
        from framework.studio.jobs import ENDPOINTS

        function = ENDPOINTS.get(name)
        if function is None:
            raise RequestRefused(404, f"there is no /api/{name}")
        connector = request.get("name")
        if connector is None and isinstance(request.get("job"), str):
            connector = self._job(request["job"]).connector
        location = self._session.location(connector)
        text = self._session.read(location.name).text if location.path.exists() else ""
        self._session.read_settings()
        lines: list[str] = []
        stop, kept = StopSignal(), dict[str, Any]()
        scratch = Path(tempfile.gettempdir())
        context = JobContext(
            self._session.folder.root,
            location,
            text,
            scratch,
            stop,
            self._session.redactor,
            lines.append,
            kept.__setitem__,
            self.kept,
            self._session.values(location.name),
            self._session.guard(location),
        )
        return function(context, request)

    def _kind(self, kind: str) -> JobKind:
        if self._kinds is None:
            self._session.read_settings()
            from framework.studio.jobs import JOBS

            self._kinds = JOBS
        if kind not in self._kinds:
            raise UsageError(
                f"there is no kind of job {kind!r}; there are {', '.join(self._kinds)}"
            )
        return self._kinds[kind]

    def _saved(self, kind: JobKind, request: Mapping[str, Json]) -> tuple[Location, str]:
        """Return the connector and the text of a request. Raise if it must be saved and is not."""
        location, text = self._session.location(request.get("name")), request.get("text")
        on_disk = self._session.read(location.name).text if location.path.exists() else None
        if text is None:
            text = on_disk
        if not isinstance(text, str):
            raise UsageError("`text` is missing, expected the text of the file")
        if kind.needs_saved and text.replace("\r\n", "\n") != (on_disk or "").replace("\r\n", "\n"):
            raise RequestRefused(
                409, f"{location.display} is not saved as it is in the editor", "save it first"
            )
        return location, text

    def _refuse_links(self, location: Location) -> None:
        """Raise PathRefused if a recording would be read or written elsewhere, by a link."""
        for path in (cassette_path(location), expected_path(location)):
            if not is_within(self._session.folder, path):
                raise PathRefused(
                    f"cassettes/{path.name} is a link that leads out of the project's folder"
                )

    def _shown(self, text: str) -> str:
        """Return a text without the name of the project's folder on this machine."""
        return text.replace(f"{self._session.folder.root}{os.sep}", "")

    def _refuse_busy(self, job: RunningJob) -> None:
        running = [one for one in self._jobs.values() if one.state == "running"]
        if self._is_closed:
            raise RequestRefused(409, "the studio is ending")
        for one in running:
            if one.connector == job.connector:
                raise RequestRefused(
                    409,
                    f"a {one.kind} of {one.connector} is running",
                    "wait until it has ended, or stop it",
                )
        if len(running) >= MOST_RUNNING:
            raise RequestRefused(409, f"{len(running)} jobs are running", "stop one of them")

    def _forget(self) -> None:
        ended = [job.id for job in self._jobs.values() if job.state != "running"]
        for job_id in ended[: max(0, len(ended) - MOST_KEPT)]:
            del self._jobs[job_id]

    def _job(self, job_id: str) -> RunningJob:
        with self._lock:
            if job_id not in self._jobs:
                raise RequestRefused(404, "this job is not known any more", "start it again")
            return self._jobs[job_id]

    def _run(
        self,
        job: RunningJob,
        kind: JobKind,
        location: Location,
        text: str,
        request: Mapping[str, Json],
    ) -> None:
        redactor = self._session.redactor
        folder = Path(tempfile.mkdtemp(prefix="framework-studio-")).resolve()
        job.folder = folder
        state, result, error = "failed", None, None
        try:
            scratch = folder / "scratch"
            scratch.mkdir()
            self._session.read_settings()
            values = self._session.values(location.name)
            guard = self._session.guard(location)
            if location.display and not kind.needs_saved:
                location = copied(location, text, folder / "project", self._session.folder)
            elif location.display:
                self._refuse_links(location)
            context = JobContext(
                self._session.folder.root,
                location,
                text,
                scratch,
                job.stop,
                redactor,
                lambda line: job.say(redactor.redact(self._shown(str(line)))),
                job.kept.__setitem__,
                self.kept,
                values,
                guard,
            )
            found = kind.function(context, request)
            result = redactor.redact_data(dict(found))
            state = "done" if job.stop.error is None else "stopped"
        except Exception as problem:
            is_stopped = job.stop.error is not None and isinstance(problem, FrameworkError)
            state = "stopped" if is_stopped else "failed"
            shown = {key: self._shown(one) for key, one in error_data(problem)[1].items()}
            error = None if is_stopped else redactor.redact_data(shown)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            job.seconds = time.monotonic() - job.began
            job.result, job.error = result, error
            job.state = state
            job.ended.set()


def copied(location: Location, text: str, root: Path, folder: ProjectFolder) -> Location:
    """Write a text where its schemas, queries and recordings are beside it; messages stay.

    Files elsewhere, to which links lead, are left out.
    """
    path = root / "connectors" / location.path.name
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8", newline="")
    copy = Location(location.name, path, root, location.display)
    for source, target in (
        (schema_folder(location), schema_folder(copy)),
        (query_folder(location), query_folder(copy)),
    ):
        for file in files_within(source, lambda path: is_within(folder, path)):
            beside = target / file.relative_to(source)
            beside.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, beside)
    for source, target in (
        (cassette_path(location), cassette_path(copy)),
        (expected_path(location), expected_path(copy)),
    ):
        if source.is_file() and is_within(folder, source):
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(source, target)
    return copy
