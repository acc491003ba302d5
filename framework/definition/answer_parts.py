"""How answers are written and where a job puts them: those keys of an endpoint, as types."""

from __future__ import annotations

from typing import Any

from framework.definition.durations import parse_duration
from framework.definition.expressions.jmespath_expression import Expression, compile_expression
from framework.definition.model import Export, JobRequest, ResponseFormat

Json = Any


def parse_export(written: Json) -> Export | None:
    """An export job with its defaults; None where there is none."""
    if not written:
        return None
    status, plain = written.get("status"), Export(JobRequest())
    every, timeout = written.get("every"), written.get("timeout")

    def compiled(key: str) -> Expression | None:
        return None if written.get(key) is None else compile_expression(written[key])

    return Export(
        _job_request(written["download"]),
        None if status is None else _job_request(status),
        compiled("ready"),
        compiled("failed"),
        compiled("message"),
        plain.every if every is None else parse_duration(every),
        plain.timeout if timeout is None else parse_duration(timeout),
    )


def _job_request(written: Json) -> JobRequest:
    """A request of an export job; a text alone is its path, or its URL."""
    if isinstance(written, str):
        written = {"url" if "://" in written or written.startswith("{") else "path": written}
    urls = written.get("url") or ()
    return JobRequest(
        written.get("path"),
        (urls,) if isinstance(urls, str) else tuple(urls),
        str(written.get("method") or "GET").upper(),
        {k: v for k, v in (written.get("params") or {}).items() if v is not None},
        written.get("json"),
        written.get("headers") or {},
    )


def parse_response_format(written: Json) -> ResponseFormat:
    """A format with its defaults; a text alone is its type."""
    given = {"type": written} if isinstance(written, str) else dict(written or {})
    given["kind"] = given.pop("type", "json")
    for key in ("header", "lists"):
        if isinstance(given.get(key), list):
            given[key] = tuple(given[key])
    return ResponseFormat(**given)
