"""All that a process writes is redacted, in whatever pieces and through whichever door."""

from __future__ import annotations

import io
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import pytest

from framework.runtime.redacted_output import process_redactor, redact_logs, redacted_output
from framework.runtime.redaction import Redactor

SECRET = "canary-kü/+x9\\~"


class Bytes(io.TextIOWrapper):
    """A stream whose bytes can be read."""

    def __init__(self, encoding: str = "utf-8", errors: str = "strict") -> None:
        super().__init__(io.BytesIO(), encoding=encoding, errors=errors)

    def written(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)  # type: ignore[attr-defined]


@contextmanager
def written_to(stream: TextIO) -> Iterator[Redactor]:
    """Redact output into this stream, with a secret known."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        patch.setattr(sys, "stderr", stream)
        with redacted_output() as redactor:
            redactor.add(SECRET)
            yield redactor
        assert sys.stdout is stream


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("flushes", [True, False])
def test_a_secret_in_pieces_is_masked(size: int, flushes: bool) -> None:
    text = f"before {SECRET} between {SECRET}{SECRET} after canary-"
    out = Bytes()
    with written_to(out):
        for start in range(0, len(text), size):
            sys.stdout.write(text[start : start + size])
            if flushes:
                sys.stdout.flush()
    assert out.written() == "before *** between ****** after canary-"


def test_what_cannot_begin_a_secret_is_written_at_once() -> None:
    out = Bytes()
    with written_to(out):
        sys.stdout.write("Reset? [y/N]: ")
        sys.stdout.flush()
        assert out.written() == "Reset? [y/N]: "


def test_bytes_logs_tracebacks_and_warnings_are_masked() -> None:
    out = Bytes()
    with written_to(out):
        sys.stdout.buffer.write(f"bytes {SECRET}\n".encode())
        handler = logging.StreamHandler()
        log = logging.Logger("library")
        log.addHandler(handler)
        log.error("sent %s", {"token": SECRET})
        try:
            raise ValueError(SECRET)
        except ValueError:
            log.exception("failed")
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        sys.stderr.write(warnings.formatwarning(SECRET, UserWarning, "file.py", 1))
        thread = threading.Thread(target=lambda: print(SECRET, file=sys.stderr))
        thread.start()
        thread.join()
    said = out.written()
    assert "canary" not in said.replace("SECRET", "")
    assert said.count("***") >= 6


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_stream_in_another_encoding_is_masked(encoding: str) -> None:
    stream = Bytes(encoding, "backslashreplace")
    with written_to(stream):
        print(f"before {SECRET} after")
    assert stream.written() == "before *** after\n"


def test_a_stream_without_bytes_is_masked() -> None:
    stream = io.StringIO()
    with written_to(stream):
        print(f"grün {SECRET} after")
    assert stream.getvalue() == "grün *** after\n"


def test_a_process_has_one_redactor() -> None:
    assert process_redactor() is not process_redactor()
    with written_to(Bytes()) as redactor:
        assert process_redactor() is redactor
        with redacted_output() as inner:
            assert inner is redactor


def test_records_of_a_log_are_masked_without_our_streams(caplog: pytest.LogCaptureFixture) -> None:
    redactor = Redactor()
    redactor.add(SECRET)
    redact_logs(redactor)
    logging.getLogger("urllib3").warning("GET /x?key=%s", SECRET)
    logging.getLogger("urllib3").warning("GET /x?key=%s", "harmless")
    assert caplog.messages == ["GET /x?key=***", "GET /x?key=harmless"]
    assert caplog.records[1].args == ("harmless",)
