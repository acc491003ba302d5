"""dlt and Arrow told how to behave in our runs, before their import. What the person set wins."""

from __future__ import annotations

import os

DEFAULTS = {
    "RUNTIME__LOG_LEVEL": "CRITICAL",
    # signals are ours: dlt's handler would wait for all jobs to drain
    "RUNTIME__INTERCEPT_SIGNALS": "false",
    # nobody is told of a run unless the person wants it
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    # intermediate files live for seconds
    "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",
    "SOURCES__DATA_WRITER__DISABLE_COMPRESSION": "true",
    # Arrow's own allocator keeps a third more memory than is in use, and is no faster here
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}


def set_defaults(*, verbose: bool = False) -> None:
    """Set what the environment does not set yet; `verbose` lets dlt log."""
    for name, value in DEFAULTS.items():
        if name == "RUNTIME__LOG_LEVEL" and verbose:
            value = "INFO"
        os.environ.setdefault(name, value)
