"""How an attempt of a unit ended, as JSON that goes back from its worker to the coordinator."""

from __future__ import annotations

import os
import signal
import socket
from typing import Any

Json = Any
Outcome = dict[str, Json]
"""`status` (done, failed, lost, interrupted, or refused by its worker), `error`, `exit_code`,
`worker`, the run's `report`, and `retry`: whether another attempt may end otherwise."""


def here() -> str:
    """Return the name of this machine."""
    return socket.gethostname()


def outcome(
    status: str, error: str | None = None, exit_code: int | None = None, **more: Json
) -> Outcome:
    """Return the outcome of an attempt on this machine.

    `exit_code` is that of its process, less than 0 for a signal, None if it is not known.
    """
    worker = f"{here()}:{os.getpid()}"
    return {"status": status, "error": error, "exit_code": exit_code, "worker": worker, **more}


def lost_outcome(code: int) -> Outcome:
    """Return the outcome of a unit whose process has ended by itself, with this exit code."""
    cause = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
    if code == -signal.SIGKILL:
        cause += ", perhaps because memory ran out"
    return outcome("lost", f"its process on {here()} has ended ({cause})", code)
