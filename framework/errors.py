"""Every way in which a command can fail, with its exit code.

Findings are values (see `findings`), exceptions are exits: one tree, one handler at the top.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from framework.findings import Finding


class FrameworkError(Exception):
    """A failure that the user can do something about.

    `str(error)` is one message with place, cause and remedy; it never contains a secret.
    """

    exit_code = 1


class UsageError(FrameworkError):
    """The command line is wrong: an unknown verb, option, connector or resource."""

    exit_code = 2


class FindingsError(FrameworkError):
    """A file has errors; `findings` are all of them."""

    def __init__(self, findings: Sequence[Finding], file: str = "the connector file") -> None:
        self.findings = tuple(findings)
        errors = [finding for finding in self.findings if finding.severity == "error"]
        lines = [
            f"  {one.path}:{one.line}:{one.column}: {one.message} [{one.code}]" for one in errors
        ]
        count = f"{len(errors)} error{'s' * (len(errors) != 1)}"
        super().__init__("\n".join((f"{file} has {count}:", *lines)))


class SettingsError(FrameworkError):
    """A config entry or a secret is missing, or not valid by its declaration."""


class RequestError(FrameworkError):
    """A request failed for good, or its response cannot be used.

    `status` is the HTTP status, or None without a response. `code` names the cause if it has a
    name.
    """

    def __init__(self, message: str, *, status: int | None = None, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class ListRestart(RequestError):
    """A response matched an action `restart`: the API has forgotten where the list goes on."""


class PageTooLarge(RequestError):
    """A response matched an action `shrink_page`: the page is requested again, smaller."""


class WindowTooLarge(RequestError):
    """A response matched an action `shrink_window`: the window is read again in two halves."""


class TokenError(RequestError):
    """No token was received. The message does not name the resource that needed it yet."""


class CassetteError(FrameworkError):
    """A cassette is missing, incomplete, of another connector, or lacks a request."""


class DestinationError(FrameworkError):
    """The destination cannot be written: login refused, file locked, folder read-only, ..."""


class UnitLedgerError(FrameworkError):
    """The ledger of a fleet's units cannot be opened, read or written."""


class LedgerHeld(UnitLedgerError):
    """Another coordinator holds the ledger of units."""


class LedgerMissing(UnitLedgerError):
    """There is no ledger of units in the place where it must be."""


class TableRefused(DestinationError):
    """dlt or the destination refused rows of one table, which it would refuse again.

    `table` is None if it is not known which.
    """

    def __init__(self, table: str | None, message: str) -> None:
        super().__init__(message)
        self.table = table


class QuotaExceeded(FrameworkError):
    """The units of a fleet need more requests than a daily quota allows."""


class Interrupted(FrameworkError):
    """A signal ended the run, SIGINT by default; `signal` is its name, or None.

    What was loaded stays.
    """

    exit_code = 130
    signal: str | None = "SIGINT"


class Terminated(Interrupted):
    """SIGTERM ended the run."""

    exit_code = 143
    signal = "SIGTERM"


class OutOfTime(Interrupted):
    """The run took longer than its time limit."""

    exit_code = 1
    signal = None


class ResourceSkipped(Exception):
    """A response matched an action `skip_resource`: the resource writes no rows and no state."""

    def __init__(self, resource: str, message: str) -> None:
        super().__init__(message)
        self.resource = resource


class BindingError(FrameworkError):
    """A parent's record lacks a field that a child needs."""


class RecordError(FrameworkError):
    """A record cannot be read, transformed or typed as the file says."""


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and its causes, outermost first."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
