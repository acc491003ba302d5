"""Defaults for dlt and Arrow in our runs, set before their import. The user's settings win."""

from __future__ import annotations

import os

DEFAULTS = {
    "RUNTIME__LOG_LEVEL": "CRITICAL",
    # the framework handles signals: dlt's handler would wait for all jobs
    "RUNTIME__INTERCEPT_SIGNALS": "false",
    # no telemetry unless the user wants it
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    # intermediate files live for seconds
    "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",
    "SOURCES__DATA_WRITER__DISABLE_COMPRESSION": "true",
    # Arrow's own allocator keeps a third more memory than is in use, and is not faster here
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}


def set_defaults(*, verbose: bool = False) -> None:
    """Set environment variables that are not set yet; `verbose` enables dlt's log."""
    for name, value in DEFAULTS.items():
        if name == "RUNTIME__LOG_LEVEL" and verbose:
            value = "INFO"
        os.environ.setdefault(name, value)
