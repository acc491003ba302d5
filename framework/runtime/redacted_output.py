"""One redactor in front of all that a process writes: stdout, stderr, and the logs of libraries.

Streams are redacted as bytes, so text, `sys.stdout.buffer`, tracebacks and warnings pass through
the same place. A secret that is written in parts is found: what may be its beginning is held back
until more is written, or the block ends.
"""

from __future__ import annotations

import codecs
import io
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TextIO, cast
from weakref import WeakSet

from framework.runtime.redaction import Redactor
from framework.runtime.secret_sources import add_environment

_installed: list[Redactor] = []
_logged: WeakSet[Redactor] = WeakSet()


def process_redactor() -> Redactor:
    """Return the redactor in front of this process's output; a new one if there is none."""
    return _installed[-1] if _installed else Redactor()


@contextmanager
def redacted_output() -> Iterator[Redactor]:
    """Redact all output during the block; a block inside another has the same redactor."""
    if _installed:
        yield _installed[-1]
        return
    redactor = Redactor()
    add_environment(redactor, os.environ)
    redact_logs(redactor)
    _installed.append(redactor)
    try:
        with ExitStack() as stack:
            for name in ("stdout", "stderr"):
                stack.enter_context(_redacted_stream(name, redactor))
            yield redactor
    finally:
        _installed.remove(redactor)


def redact_logs(redactor: Redactor) -> None:
    """Redact the log records of all libraries, for as long as the redactor is in use."""
    _logged.add(redactor)
    factory = logging.getLogRecordFactory()
    if not isinstance(factory, _RecordFactory):
        logging.setLogRecordFactory(_RecordFactory(factory))


class _RecordFactory:
    """Makes log records whose message and traceback contain no secret."""

    def __init__(self, inner: Callable[..., logging.LogRecord]) -> None:
        self._inner = inner

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self._inner(*args, **kwargs)
        redactors = tuple(_logged)
        with suppress(Exception):  # a message that does not fit its arguments
            text = record.getMessage()
            if (redacted := _redacted(text, redactors)) != text:
                record.msg, record.args = redacted, ()
        if record.exc_info and record.exc_info[1] is not None:
            text = logging.Formatter().formatException(record.exc_info)
            if (redacted := _redacted(text, redactors)) != text:
                record.exc_text = redacted
        return record


def _redacted(text: str, redactors: tuple[Redactor, ...]) -> str:
    for redactor in redactors:
        text = redactor.redact(text)
    return text


class _RedactedBuffer(io.BufferedIOBase):
    """Redacts bytes on their way into a stream. Thread-safe."""

    def __init__(self, stream: TextIO, redactor: Redactor) -> None:
        super().__init__()
        self._stream = stream
        self._write = _byte_writer(stream)
        self._redactor = redactor
        self._held = ""
        self._lock = threading.RLock()

    @property
    def name(self) -> str:
        """The name of the stream."""
        return getattr(self._stream, "name", "")

    @property
    def raw(self) -> Any:
        """The stream itself has no raw one: it would pass the redactor."""
        raise io.UnsupportedOperation("raw")

    def writable(self) -> bool:
        """Return True."""
        return True

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the stream's file descriptor."""
        return self._stream.fileno()

    def write(self, data: Any) -> int:
        """Write what cannot be the beginning of a secret, redacted; hold back the rest."""
        # a character for a byte: the redactor also knows secrets in this form
        text = bytes(data).decode("latin-1")
        with self._lock:
            whole = self._held + text
            finished = self._redactor.finished(whole)
            self._held = whole[finished:]
            self._emit(whole[:finished])
        return len(data)

    def flush(self) -> None:
        """Flush the stream, but not what is held back."""
        # a wrapper that is collected late flushes a stream that its owner has closed
        if not getattr(self._stream, "closed", False):
            self._stream.flush()

    def close(self) -> None:
        """Write what was held back; the stream stays open, it belongs to someone else."""
        with self._lock:
            held, self._held = self._held, ""
            self._emit(held)

    def _emit(self, text: str) -> None:
        if text:
            self._write(self._redactor.redact(text).encode("latin-1"))


def _byte_writer(stream: TextIO) -> Callable[[bytes], object]:
    """Return the function that writes bytes into a text stream."""
    buffer = getattr(stream, "buffer", None)
    if buffer is not None:
        return cast("Callable[[bytes], object]", buffer.write)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return lambda data: stream.write(decoder.decode(data))


@contextmanager
def _redacted_stream(name: str, redactor: Redactor) -> Iterator[None]:
    """Put the redactor in front of `sys.stdout` or `sys.stderr` during the block."""
    stream: TextIO | None = getattr(sys, name)
    if stream is None:
        yield
        return
    with suppress(OSError, ValueError):
        stream.flush()
    buffer = _RedactedBuffer(stream, redactor)
    has_bytes = hasattr(stream, "buffer")
    redacted = io.TextIOWrapper(
        cast("Any", buffer),
        encoding=(stream.encoding if has_bytes else None) or "utf-8",
        errors=(stream.errors if has_bytes else None) or "strict",
        line_buffering=getattr(stream, "line_buffering", False),
        write_through=True,
    )
    setattr(sys, name, redacted)
    try:
        yield
    finally:
        if getattr(sys, name) is redacted:
            setattr(sys, name, stream)
        with suppress(OSError, ValueError):  # the reader of the output may be gone
            redacted.flush()
            buffer.close()
            stream.flush()
