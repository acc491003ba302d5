"""Trace the framework's calls for one page: from its request, by its response, to the sink."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import framework
from framework.http.session import Session
from framework.load.arrow.arrow_sink import ArrowSink
from framework.load.record_sink import RecordSink

ROOT = str(Path(framework.__file__).parent)
REQUEST = Session.prepare_request.__code__
SINKS = {ArrowSink.add.__code__, RecordSink.add.__code__}


@dataclass
class PageTrace:
    """The calls of one page as (module, function), in their order.

    `response` is the number of calls before `requests` returned the response.
    """

    calls: list[tuple[str, str]] = field(default_factory=list)
    response: int = 0

    @property
    def modules(self) -> list[str]:
        """The modules on the whole way, each once."""
        return list(dict.fromkeys(module for module, _ in self.calls))

    @property
    def modules_after_response(self) -> list[str]:
        """The modules between the response and the sink, each once."""
        return list(dict.fromkeys(module for module, _ in self.calls[self.response :]))

    def __str__(self) -> str:
        lines = [f"{module} {function}" for module, function in self.calls]
        lines.insert(self.response, "--- requests returned the response")
        return "\n".join(lines)


def trace_pages(run: Callable[[], Any]) -> list[PageTrace]:
    """Call `run` and return the trace of each page that reached a sink, of all threads."""
    local = threading.local()
    traces: list[PageTrace] = []

    def profile(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        trace: PageTrace | None = getattr(local, "trace", None)
        if event == "return" and trace and code is Session.fetch.__code__:
            trace.response = len(trace.calls)
        if event != "call" or not code.co_filename.startswith(ROOT):
            return
        if code is REQUEST:
            trace = local.trace = PageTrace()
        if trace is None:
            return
        trace.calls.append((code.co_filename.removeprefix(ROOT)[1:], code.co_qualname))
        if code in SINKS:
            traces.append(trace)
            local.trace = None

    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        run()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
    return traces
