"""Export jobs: created, asked for until they are ready, then downloaded as lists of their own.

Creating, asking and waiting is done here; a download is handed on as a plan for its pages.
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
from framework.extract.page_reader import RequestBuilder
from framework.extract.plan import Plan
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
) -> Iterator[tuple[Plan, Context]]:
    """A plan for each download of one job, with the context that its templates are filled in by.

    The job is created and waited for first; nothing comes where its answer is ignored.
    RequestError where the job fails or is not ready in time.
    """
    job = _Job(plan, export, client, values, context, options)
    try:
        created = job.create()
        if not options.awaits_jobs:
            return
        ready = job.await_ready(created)
    except IgnoreResponseException:
        return
    found = Values(values, ready, options.redactor)
    for url in _addresses(plan.resource.name, export.download, found):
        yield replace(plan, endpoint=_endpoint(plan, export.download, url)), ready


@dataclass
class _Job:
    """One job of one resource. `url` is where it was last asked for, as it may be shown."""

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
        """The context of a new job: its creation's answer is `response` and `job`."""
        return self._answered(self._send(self.plan, self.context), None)

    def await_ready(self, context: Context) -> Context:
        """The context with the status answer that says that the job is ready."""
        export, status = self.export, self.export.status
        if status is None or export.ready is None:
            return context
        waited, began = 0.0, time.monotonic()
        while True:
            context = self._ask(status, context)
            if self._holds(export.failed, context):
                raise RequestError(self._said("has failed", context), code="job-failed")
            if self._holds(export.ready, context):
                return context
            longest = export.timeout.total_seconds()
            if max(waited, time.monotonic() - began) >= longest:
                raise RequestError(
                    f"{self._said(f'is not ready after {longest:g} seconds', context)}\n"
                    "Raise the export's timeout, or look at the job in the API.",
                    code="job-not-ready",
                )
            pause = export.every.total_seconds()
            waited += pause
            self._wait(pause)

    def _ask(self, status: JobRequest, context: Context) -> Context:
        values = Values(self.values, context, self.options.redactor)
        url = next(iter(_addresses(self.name, status, values)))
        plan = replace(self.plan, endpoint=_endpoint(self.plan, status, url))
        return self._answered(self._send(plan, context), context["job"])

    def _send(self, plan: Plan, context: Context) -> requests.Response:
        assert plan.for_jobs is not None
        secrets = self.options.redactor
        builder = RequestBuilder(plan, self.client, self.values, secrets, plan.for_jobs)
        return cast("Session", self.client.session).fetch(builder.build(context))

    def _answered(self, response: requests.Response, job: Json) -> Context:
        response.json()  # no JSON is an error here
        found = with_response(self.context, response)
        self.url = redact_url(response.request.url, self.options.redactor)
        return {**found, "job": found["response"] if job is None else job}

    def _holds(self, condition: Expression | None, context: Context) -> bool:
        return condition is not None and truthy(self._searched(condition, context))

    def _searched(self, expression: Expression, context: Context) -> Json:
        return expression.search(context["response"], without_secrets(context))

    def _wait(self, seconds: float) -> None:
        environment = self.options.environment
        environment.stop.check()
        if environment.waits:
            self.options.on_event(Waiting(self.name, seconds, "the export job is not ready"))
            environment.stop.wait(seconds)

    def _said(self, what: str, context: Context) -> str:
        """What is known of the job: where it was asked for, its state, the API's own words."""
        export = self.export
        said = [f"{self.name}: the export job {what}: GET {self.url}"]
        if export.ready is not None:
            body = context["response"]
            said += _state(export.ready, body) or [json_shape(body)]
        words = self._searched(export.message, context) if export.message else None
        if words:
            said.append(str(words)[:300])
        return self.options.redactor.redact(": ".join(said))


def _state(ready: Expression, body: Json) -> list[str]:
    """The fields that say whether a job is ready, with their values."""
    found = []
    for path in paths_read(syntax_tree(ready.text), over_context=True):
        value = body
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, (str, int, float)) and path:
            found.append(f"{'.'.join(path)} is {str(value)[:60]}")
    return found


def _addresses(resource: str, request: JobRequest, values: Values) -> Iterator[str]:
    """Where a request goes: its path, or each URL of what its templates give."""
    if request.path is not None:
        yield expand(request.path, values, "path")
    for template in request.urls:
        found = expand(template, values, "json")
        for url in found if isinstance(found, list) else [found]:
            if not isinstance(url, str) or not url:
                what = "nothing" if url is None or url == "" else json_type(url)
                raise RequestError(
                    f"{resource}: the export's `{template}` has to give a URL, found {what} in the "
                    "job's answer",
                    code="job-without-url",
                )
            yield url


def _endpoint(plan: Plan, request: JobRequest, url: str) -> Any:
    """The endpoint of one request about a job: its address is final, the rest are templates."""
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
