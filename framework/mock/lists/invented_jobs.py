"""Export jobs without a recording: each request creates a job, which is ready at once.

The responses are made of what the file reads of them: ids, states, and addresses of downloads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from framework.definition.expressions.jmespath_expression import compile_expression
from framework.definition.expressions.placeholders import texts_of
from framework.definition.model import Export, JobRequest
from framework.errors import SettingsError
from framework.mock.lists.invention import InventedLists
from framework.mock.lists.world import ListKey
from framework.mock.mock_message import MockRequest, MockResponse
from framework.mock.pages.inverse import NoInverse, fulfilled, inverse
from framework.mock.pages.routes import Route
from framework.mock.pages.text_pattern import TextPattern
from framework.runtime.context import without_secrets

Json = Any
JOB = re.compile(r"mocked-job-([0-9a-f]{8})")
"""What names a job in requests about it."""


@dataclass(frozen=True)
class _Created:
    """The request that created a job, with its list."""

    route: Route
    key: ListKey
    request: MockRequest


@dataclass
class InventedJobs:
    """Answers the requests about jobs; `lists` have the records of their downloads."""

    lists: InventedLists
    _created: dict[str, _Created] = field(default_factory=dict)

    def download_of(self, route: Route, routes: Sequence[Route]) -> Route:
        """Return the route of an export's download. Raise SettingsError if none can be invented."""
        export = route.plan.endpoint.export
        assert export is not None
        try:
            for step in ("list", "status"):
                self._response(route, step, "mocked-job-00000000", "http://127.0.0.1")
        except NoInverse:
            raise SettingsError(
                f"{route.resource}: no response of its export job can be invented; "
                "record a cassette"
            ) from None
        return next(
            one for one in routes if one.resource == route.resource and one.step == "download"
        )

    def respond(self, route: Route, key: ListKey, request: MockRequest) -> MockResponse | None:
        """Return the response to a request that creates a job, or polls a known one; else None."""
        if route.plan.endpoint.export is None:
            return None
        if route.step == "list":
            if not self.lists.fits(route, request):
                return None
            self._created[key.digest] = _Created(route, key, request)
            token = f"mocked-job-{key.digest}"
        elif self.created(route, request) is None:
            return None
        else:
            token = self._token(route, request)
        base = f"{request.origin}{route.base_path}/mocked-jobs"
        return self._response(route, route.step, token, base)

    def created(self, route: Route, request: MockRequest) -> _Created | None:
        """Return what created the job of a request, None if there is no such job."""
        is_other = route.path.is_alone and f"/mocked-jobs/{route.step}/" not in request.path
        token = self._token(route, request)
        return None if is_other else self._created.get(token.removeprefix("mocked-job-"))

    def _token(self, route: Route, request: MockRequest) -> str:
        """Return the name of a request's job: the last one's, if the file sends none."""
        found = JOB.search(request.text)
        if found is not None:
            return found[0]
        mine = [name for name, one in self._created.items() if one.key.resource == route.resource]
        return f"mocked-job-{mine[-1]}" if mine else ""

    def _response(self, route: Route, step: str, token: str, base: str) -> MockResponse:
        """Return a response in which the file finds all that it reads. Raise NoInverse."""
        plan = route.plan
        export = plan.endpoint.export
        assert export is not None
        body: Json = {}
        headers: Json = {}
        is_ready = step == "status" or export.status is None
        for expression, address in _reads(export, step, is_ready=is_ready):
            value = f"{base}/{address}/{token}" if address else token
            tree = compile_expression(expression).tree
            context = {"job": body, "response": body, "headers": headers}
            try:
                made = inverse(tree, value, context)
            except NoInverse:
                made = inverse(tree, [value], context)
            body = made["response"] if made["response"] is not body else made["job"]
            headers = made["headers"]
        if is_ready and export.ready is not None:
            known = without_secrets(plan.context)
            body = fulfilled(export.ready.tree, True, body, known)
            if export.failed is not None:
                body = fulfilled(export.failed.tree, False, body, known)
        return MockResponse.of_json(200, body, *((str(k), str(v)) for k, v in headers.items()))


def _reads(export: Export, step: str, *, is_ready: bool) -> Iterator[tuple[str, str]]:
    """Yield the expressions that are read of a response, each with the step that it addresses."""
    for name, request in (("status", export.status), ("download", export.download)):
        if not isinstance(request, JobRequest):
            continue
        roots = {"job"} if step == "list" else set()
        if is_ready or name == "status":
            roots |= {"response", "headers"}
        for text in texts_of([request.path, request.urls, request.params, request.json]):
            pattern = TextPattern.of(text, in_job=True)
            address = name if text in request.urls and pattern.is_alone else ""
            for hole in pattern.holes:
                paths = compile_expression(hole.expression).reads(over_context=True)
                if {path[0] for path in paths if path} & roots:
                    yield hole.expression, address
