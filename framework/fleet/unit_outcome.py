"""How an attempt of a unit ended, as JSON that goes back from its worker to the coordinator."""

from __future__ import annotations

import os
import socket
from typing import Any

Json = Any
Outcome = dict[str, Json]
"""`status` (done, failed, lost or interrupted), `error`, `worker`, the run's `report` if any,
and `retry`: whether another attempt may end otherwise."""


def here() -> str:
    """Return the name of this machine."""
    return socket.gethostname()


def outcome(status: str, error: str | None = None, **more: Json) -> Outcome:
    """Return the outcome of an attempt on this machine."""
    return {"status": status, "error": error, "worker": f"{here()}:{os.getpid()}", **more}
