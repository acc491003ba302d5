"""Jobs of the studio as tests run them: a context for a connector, without the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framework.definition.finder import Location, find_connector
from framework.errors import UsageError
from framework.runtime.environment import StopSignal
from framework.runtime.redaction import Redactor
from framework.studio.jobs import ENDPOINTS, JOBS
from framework.studio.studio_job import JobContext
from framework.workspace.host_guard import HostGuard
from tests.support.run_verbs import write_connector

Json = Any


@dataclass
class Studio:
    """A project's folder, and what its jobs say and keep."""

    folder: Path
    location: Location
    values: Mapping[str, Json] = field(default_factory=dict)
    stop: StopSignal = field(default_factory=StopSignal)
    redactor: Redactor = field(default_factory=Redactor)
    lines: list[str] = field(default_factory=list)
    kept: dict[str, dict[str, Json]] = field(default_factory=dict)
    guard: HostGuard | None = None

    @classmethod
    def of(cls, folder: Path, body: Mapping[str, Json] | str, **more: Any) -> Studio:
        """A studio with the connector `shop` of this body."""
        write_connector(folder, body)
        return cls(folder, find_connector("shop", folder / "connectors"), **more)

    @classmethod
    def of_file(cls, folder: Path, name: str, **more: Any) -> Studio:
        """A studio with a connector that comes with us."""
        return cls(folder, find_connector(name), **more)

    def context(self, job: str) -> JobContext:
        """What the server would give a job of this id."""
        scratch = self.folder / "scratch" / f"{job}{len(self.kept)}"
        scratch.mkdir(parents=True)
        own = self.kept.setdefault(job, {})

        def kept(wanted: str) -> Mapping[str, Json]:
            if wanted not in self.kept:
                raise UsageError("no such job")
            return self.kept[wanted]

        return JobContext(
            self.folder,
            self.location,
            self.location.path.read_text(encoding="utf-8"),
            scratch,
            self.stop,
            self.redactor,
            self.lines.append,
            own.__setitem__,
            kept,
            self.values,
            self.guard,
        )

    def job(self, kind: str, job: str = "1", **request: Json) -> Json:
        """Run a job of this kind; return its result."""
        return JOBS[kind].function(self.context(job), {"kind": kind, **request})

    def ask(self, endpoint: str, **request: Json) -> Json:
        """Ask an endpoint."""
        return ENDPOINTS[endpoint](self.context(f"{endpoint}-{len(self.kept)}"), request)
