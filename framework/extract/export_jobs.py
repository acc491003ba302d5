"""Export jobs: create a job, poll it until it is ready, and return its downloads as plans.

The readers read the pages of each plan.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import requests
from dlt.sources.helpers.rest_client.client import RESTClient
from dlt.sources.helpers.rest_client.exceptions import IgnoreResponseException

from framework.definition.expressions.context_roots import paths_read
from framework.definition.expressions.jmespath_expression import Expression, syntax_tree
from framework.definition.expressions.value_functions import truthy
from framework.definition.model import Export, JobRequest
from framework.errors import RequestError
from framework.events import Waiting
from framework.extract.compilation.plan import Plan
from framework.extract.page_reader import RequestBuilder
from framework.extract.read_options import ReadOptions
from framework.http.session import Session
from framework.runtime.context import Context, with_response, without_secrets
from framework.runtime.redaction import redact_url
from framework.runtime.templates import Values, expand
from framework.text import json_shape, json_type

Json = Any


def downloads(
    plan: Plan,
    export: Export,
    client: RESTClient,
    values: Mapping[str, Json],
    context: Context,
    options: ReadOptions,
    position: JobPosition,
) -> Iterator[tuple[Plan, Context]]:
    """Yield a plan for each download of one job, with the context for its templates.

    Create the job and wait for it first, or only wait for one that an earlier run has created. An
    ignored response yields nothing. Raise RequestError if the job fails, times out or has no valid
    download URL.
    """
    job = _Job(plan, export, client, values, context, options)
    try:
        if position.created is None:
            created = job.create()
            position.note(created)
        else:
            created = {**context, **position.created, "job": position.created["response"]}
        if not options.awaits_jobs:
            return
        ready = job.await_ready(created)
    except IgnoreResponseException:
        return
    job_values = Values(values, ready, options.redactor)
    for url in _urls(plan.resource.name, export.download, job_values):
        yield replace(plan, endpoint=_endpoint(plan, export.download, url)), ready


@dataclass
class JobPosition:
    """How far an export job is. `created` is the response that created it, as JSON.

    `is_read` means that a download was begun.
    """

    created: dict[str, Json] | None = None
    is_read: bool = False

    def note(self, context: Context) -> None:
        """Keep what expressions may read of the response."""
        headers = context["headers"].items()
        kept = {name: value for name, value in headers if name not in _PRIVATE}
        self.created = {
            "response": context["response"], "headers": kept, "status": context["status"],
        }  # fmt: skip


_PRIVATE = ("set-cookie", "authorization", "www-authenticate")
"""Headers that must not be stored."""


@dataclass
class _Job:
    """One job of one resource; `url` is the last URL requested for it, redacted."""

    plan: Plan
    export: Export
    client: RESTClient
    values: Mapping[str, Json]
    context: Context
    options: ReadOptions
    url: str = ""

    @property
    def name(self) -> str:
        """The resource's name."""
        return self.plan.resource.name

    def create(self) -> Context:
        """Create the job and return its context: the response is both `response` and `job`."""
        return self._context_after(self._send(self.plan, self.context), None)

    def await_ready(self, context: Context) -> Context:
        """Poll until a status response says that the job is ready; return the context with it."""
        export, status = self.export, self.export.status
        if status is None or export.ready is None:
            return context
        slept, start = 0.0, time.monotonic()
        while True:
            context = self._poll(status, context)
            if self._holds(export.failed, context):
                raise RequestError(self._message("has failed", context), code="job-failed")
            if self._holds(export.ready, context):
                return context
            timeout = export.timeout.total_seconds()
            if max(slept, time.monotonic() - start) >= timeout:
                raise RequestError(
                    f"{self._message(f'is not ready after {timeout:g} seconds', context)}\n"
                    "Raise the export's timeout, or look at the job in the API.",
                    code="job-not-ready",
                )
            pause = export.every.total_seconds()
            slept += pause
            self._wait(pause)

    def _poll(self, status: JobRequest, context: Context) -> Context:
        values = Values(self.values, context, self.options.redactor)
        url = next(iter(_urls(self.name, status, values)))
        plan = replace(self.plan, endpoint=_endpoint(self.plan, status, url))
        return self._context_after(self._send(plan, context), context["job"])

    def _send(self, plan: Plan, context: Context) -> requests.Response:
        assert plan.for_jobs is not None
        secrets = self.options.redactor
        builder = RequestBuilder(plan, self.client, self.values, secrets, plan.for_jobs)
        return cast("Session", self.client.session).fetch(builder.build(context))

    def _context_after(self, response: requests.Response, job: Json) -> Context:
        response.json()  # raises for a body that is not valid JSON
        context = with_response(self.context, response)
        self.url = redact_url(response.request.url, self.options.redactor)
        return {**context, "job": context["response"] if job is None else job}

    def _holds(self, condition: Expression | None, context: Context) -> bool:
        return condition is not None and truthy(self._search(condition, context))

    def _search(self, expression: Expression, context: Context) -> Json:
        return expression.search(context["response"], without_secrets(context))

    def _wait(self, seconds: float) -> None:
        environment = self.options.environment
        environment.stop.check()
        if environment.waits:
            self.options.on_event(Waiting(self.name, seconds, "the export job is not ready"))
            environment.stop.wait(seconds)

    def _message(self, problem: str, context: Context) -> str:
        """Return an error message with the job's URL, its state and the API's own message."""
        export = self.export
        parts = [f"{self.name}: the export job {problem}: GET {self.url}"]
        if export.ready is not None:
            body = context["response"]
            parts += _state(export.ready, body) or [json_shape(body)]
        text = self._search(export.message, context) if export.message else None
        if text:
            parts.append(self.options.redactor.redact(str(text))[:300])
        return self.options.redactor.redact(": ".join(parts))


def _state(ready: Expression, body: Json) -> list[str]:
    """Return the fields that say whether a job is ready, with their values."""
    fields = []
    for path in paths_read(syntax_tree(ready.text), over_context=True):
        value = body
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, (str, int, float)) and path:
            fields.append(f"{'.'.join(path)} is {str(value)[:60]}")
    return fields


def _urls(resource: str, request: JobRequest, values: Values) -> Iterator[str]:
    """Yield the path of a request, or each URL of its templates. Raise RequestError for no URL."""
    if request.path is not None:
        yield expand(request.path, values, "path")
    for template in request.urls:
        urls = expand(template, values, "json")
        for url in urls if isinstance(urls, list) else [urls]:
            if not isinstance(url, str) or not url:
                kind = "nothing" if url is None or url == "" else json_type(url)
                raise RequestError(
                    f"{resource}: found {kind} for the export's `{template}` in the job's "
                    "response, expected a URL",
                    code="job-without-url",
                )
            yield url


def _endpoint(plan: Plan, request: JobRequest, url: str) -> Any:
    """Return the endpoint of one request about a job; only its URL has no templates left."""
    return replace(
        plan.endpoint,
        path=url.replace("{", "{{").replace("}", "}}"),
        method=request.method,
        params=request.params,
        json=request.json,
        data=None,
        headers=request.headers,
        incremental=None,
        export=None,
    )
