"""What a job of the studio gets, and what it must be: a function from a request to a JSON result.

A job runs in a thread of its own. Its lines, its result and the message of its FrameworkError are
redacted before the page gets them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from framework.definition.finder import Location
from framework.definition.model import Connector
from framework.runtime.environment import Environment, StopSignal
from framework.runtime.redaction import Redactor
from framework.workspace.host_guard import HostGuard

Json = Any


@dataclass(frozen=True)
class JobContext:
    """What one job may use.

    `root` is the project's folder, absolute: the default DuckDB file and `.dlt` are in it.
    `location` is the connector: the file itself for a kind that needs it saved, else a temporary
    copy of `text` with its schemas, queries and recordings beside it. `scratch` is an empty folder
    that is removed when the job has ended. `values` are those of secrets and config that the user
    has set in this session, by entry; `given` returns them for a run.

    `say` shows a line of progress. `keep` remembers a value under a name after the job has ended,
    in memory only and without sending it; `kept` returns what a job kept, by the job's id, and
    raises UsageError if that job is not known any more. `guard` says which hosts may get
    credentials, None for any.
    """

    root: Path
    location: Location
    text: str
    scratch: Path
    stop: StopSignal
    redactor: Redactor
    say: Callable[[str], None]
    keep: Callable[[str, Any], None]
    kept: Callable[[str], Mapping[str, Any]]
    values: Mapping[str, Json] = field(default_factory=dict, repr=False)
    guard: HostGuard | None = None

    def given(self, connector: Connector) -> dict[str, Json]:
        """Return the values for `RunOptions.config` or `resolve_settings`, secrets included.

        Those of entries that the connector does not declare are left out: they would be refused.
        """
        known = {*connector.config, *connector.secrets}
        return {name: value for name, value in self.values.items() if name in known}

    def environment(self, connector: Connector) -> Environment:
        """Return the environment of a run that asks the real API and stops with the job.

        Raise UsageError if the guard refuses the connector.
        """
        environment = Environment(stop=self.stop, redactor=self.redactor)
        return environment if self.guard is None else self.guard.guarded(environment, connector)


class JobFunction(Protocol):
    """A kind of job, or an endpoint that answers at once.

    It takes the request as the page sent it, and checks what it reads of it: a wrong value raises
    UsageError. It returns JSON data. What cannot be done raises a FrameworkError.
    """

    def __call__(self, context: JobContext, request: Mapping[str, Json], /) -> Mapping[str, Json]:
        """Return the result."""
        ...


@dataclass(frozen=True)
class JobKind:
    """How a kind of job runs. One that `needs_saved` writes, or reads the file on disk."""

    function: JobFunction
    needs_saved: bool = False
