"""dlt's own log while we run it: it names URLs with their queries, secrets among them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from framework.runtime.redaction import Secrets


@contextmanager
def redacted(secrets: Secrets) -> Iterator[None]:
    """Nothing secret reaches dlt's log while the block lasts."""

    def redact(record: logging.LogRecord) -> bool:
        record.msg, record.args = secrets.redact(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = secrets.redact(logging.Formatter().formatException(record.exc_info))
        return True

    log = logging.getLogger("dlt")
    log.addFilter(redact)
    try:
        yield
    finally:
        log.removeFilter(redact)
