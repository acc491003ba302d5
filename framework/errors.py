"""Every way a run can end badly, with the exit code it ends with.

Findings are values (see `findings`), exceptions are exits: one tree, one handler at the top.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.findings import Finding


class FrameworkError(Exception):
    """An end that the person running us can do something about.

    `str(error)` is one message with place, cause and remedy; it never holds a secret.
    """

    exit_code = 1


class UsageError(FrameworkError):
    """The command line is wrong: an unknown verb, option, connector or resource."""

    exit_code = 2


class FindingsError(FrameworkError):
    """A connector file has errors; `findings` are all of them."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        errors = [finding for finding in self.findings if finding.severity == "error"]
        lines = [
            f"  {one.path}:{one.line}:{one.column}: {one.message} [{one.code}]" for one in errors
        ]
        count = f"{len(errors)} error{'s' * (len(errors) != 1)}"
        super().__init__("\n".join((f"the connector file has {count}:", *lines)))


class SettingsError(FrameworkError):
    """A config or secret value is missing or is not what its declaration says."""


class RequestError(FrameworkError):
    """A request failed for good, or its answer cannot be used.

    `status` is the HTTP status, or None where no answer came. `code` names what is wrong, where
    it has a name.
    """

    def __init__(self, message: str, *, status: int | None = None, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class TokenError(RequestError):
    """No token was given. The text says nothing yet of the resource that needed it."""


class CassetteError(FrameworkError):
    """A cassette is missing, cut, of another connector, or does not hold a request."""


class DestinationError(FrameworkError):
    """The destination cannot be written: login refused, file locked, folder read-only, ..."""


class Interrupted(FrameworkError):
    """Somebody ended the run from outside: SIGINT, if nothing else is said. What was loaded
    stays. `signal` is the signal's name, or None."""

    exit_code = 130
    signal: str | None = "SIGINT"


class Terminated(Interrupted):
    """SIGTERM ended the run."""

    exit_code = 143
    signal = "SIGTERM"


class OutOfTime(Interrupted):
    """The run took longer than it was given."""

    exit_code = 1
    signal = None


class ResourceSkipped(Exception):
    """An answer met an action `skip_resource`: the resource writes nothing and moves no state."""

    def __init__(self, resource: str, message: str) -> None:
        super().__init__(message)
        self.resource = resource


class BindingError(FrameworkError):
    """A parent's record lacks what a child has to take from it."""


class RecordError(FrameworkError):
    """A record cannot be read, stepped or shaped as the file says."""
