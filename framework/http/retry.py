"""Retries: a request is sent again, as the connector file declares, until its response is final.

Not done with tenacity: the wait depends on the response's headers, is reported, and ends at once
when the run is stopped. Works below `requests`' hooks: response actions see the last response only.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import requests
from requests.adapters import BaseAdapter

from framework.definition.model import (
    SHRINKING,
    ActionRetry,
    RateLimit,
    ResponseAction,
    WaitRule,
)
from framework.errors import RequestError
from framework.events import EventHandler, RequestAnswered, RequestSent, Waiting
from framework.http.limits.rate_limit import WaitTooLong
from framework.http.limits.request_budgets import RequestBudgets, RequestLimits
from framework.http.request_context import current_context
from framework.http.response_actions import REFUSED_WAIT, status_line
from framework.http.retry_wait import (
    LONGEST_AGE,
    Wait,
    no_request_left,
    server_time,
    too_long,
    wait_before,
)
from framework.http.signatures import sign_again
from framework.runtime.context import Context
from framework.runtime.environment import Environment
from framework.runtime.redaction import redact_url

TRANSIENT = (
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
)
"""Errors that may pass by themselves; dlt retries on the same."""

PERMANENT = (requests.exceptions.SSLError, requests.exceptions.ProxyError)
"""Kinds of ConnectionError that another attempt does not fix."""

FRESH = 1.0
"""Seconds after which a signature is made anew before its request is sent."""


@dataclass(frozen=True)
class RetryPolicy:
    """What the connector file declares for a resource; waits are in seconds.

    `max_retries` follow the first attempt. `context` is what the wait's expression reads.
    """

    status_codes: frozenset[int]
    max_retries: int
    backoff_factor: float
    max_wait: float
    wait: WaitRule = field(default_factory=WaitRule)
    context: Context = field(default_factory=dict, repr=False)

    def of(self, action: ResponseAction | None) -> RetryPolicy:
        """Return the policy of a response action: its own keys first, then these."""
        return self if action is None else self.overridden(action.retry)

    def overridden(self, own: ActionRetry) -> RetryPolicy:
        """Return the policy with the keys that `own` has in place of these."""
        if own == ActionRetry():
            return self
        factor = self.backoff_factor if own.backoff_factor is None else own.backoff_factor
        says_when = own.wait.header is not None or own.wait.expression is not None
        wait = own.wait if says_when else replace(self.wait, backoff=own.wait.backoff)
        if own.wait.backoff is None and own.backoff_factor is None:
            wait = replace(wait, backoff=self.wait.backoff)
        return replace(
            self,
            max_retries=self.max_retries if own.max_retries is None else own.max_retries,
            backoff_factor=factor,
            max_wait=self.max_wait if own.max_wait is None else own.max_wait.total_seconds(),
            wait=wait,
        )

    def wait_before(
        self, attempt: int, response: requests.Response | None, rate_limit: RateLimit | None
    ) -> Wait:
        """Return how long to wait after this failed attempt (from 1)."""
        return wait_before(
            attempt,
            response,
            backoff_factor=self.backoff_factor,
            max_wait=self.max_wait,
            rate_limit=rate_limit,
            rule=self.wait,
            context=self.context,
        )


@dataclass
class _Attempt:
    """One attempt: a response or an error, and the response action that it meets."""

    limits: RequestLimits
    response: requests.Response | None = None
    error: Exception | None = None
    action: ResponseAction | None = None

    def result(self) -> requests.Response:
        """Return the response or raise the error."""
        if self.error is not None:
            raise self.error
        assert self.response is not None
        return self.response

    @property
    def is_rate_limited(self) -> bool:
        """Whether the API refuses all requests for now, and not this one."""
        by_action = self.action is not None and self.action.action == "rate_limited"
        return by_action or (self.response is not None and self.response.status_code == 429)

    @property
    def is_overload(self) -> bool:
        """Whether fewer requests at once may help."""
        is_lost = self.response is None or self.response.status_code == 503
        return is_lost or self.is_rate_limited


class RetryingAdapter(BaseAdapter):
    """Sends through `inner`, again while the policy says so. Thread-safe.

    `policies` are those of resources that have one of their own.
    """

    def __init__(
        self,
        inner: BaseAdapter,
        policy: RetryPolicy,
        budgets: RequestBudgets,
        environment: Environment,
        on_event: EventHandler,
        policies: Mapping[str, RetryPolicy] | None = None,
    ) -> None:
        super().__init__()
        self._budgets = budgets
        self._inner = inner
        self._policy = policy
        self._policies = policies or {}
        self._environment = environment
        self._on_event = on_event

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        """Return the last response, or raise the last error.

        Retries are counted per response action; all that the client's policy names, transport
        errors included, is one more count.
        """
        resource = current_context().resource
        own = self._policies.get(resource, self._policy)
        limits = self._budgets.limits_of(resource, request.method or "GET", request.url or "")
        number = 0
        retries: dict[int, int] = {}
        while True:
            number += 1
            self._environment.stop.check()
            attempt = _Attempt(limits)
            self._send_once(attempt, request, number, own.max_wait, kwargs)
            response = attempt.response
            if response is None:
                check = current_context().check
                if check is not None and _is_timeout(attempt.error):
                    check.on_timeout(request)
                wants_retry = _is_transient(attempt.error)
            elif attempt.action is not None:
                wants_retry = attempt.action.action not in SHRINKING
            elif response.status_code in own.status_codes:
                wants_retry = True
            else:
                return response
            policy, key = own.of(attempt.action), id(attempt.action)
            retries[key] = retries.get(key, 0) + 1
            if not wants_retry or retries[key] > policy.max_retries:
                return attempt.result()
            wait = policy.wait_before(retries[key], attempt.response, limits.rate_limit)
            if self._environment.waits and wait.requested is not None:
                return self._refuse(attempt, wait)
            self._wait(attempt, wait)

    def close(self) -> None:
        """Close the connections of `inner`."""
        self._inner.close()

    def _send_once(
        self,
        attempt: _Attempt,
        request: requests.PreparedRequest,
        number: int,
        max_wait: float,
        kwargs: dict[str, Any],
    ) -> None:
        context = current_context()
        check, resource = context.check, context.resource
        asked = time.monotonic()
        try:
            attempt.limits.acquire(
                lambda seconds, why: self._on_event(Waiting(resource, seconds, why)),
                context.level,
                max_wait,
            )
        except WaitTooLong as wait:
            url = redact_url(request.url, self._environment.redactor)
            reason = no_request_left(wait.seconds, wait.longest, wait.used_up)
            raise RequestError(
                f"{resource}: {request.method} {url} is not sent: {reason}"
            ) from None
        if number > 1 or time.monotonic() - asked > FRESH:
            sign_again(request)
        start, began = time.monotonic(), datetime.now(UTC)
        try:
            self._on_event(RequestSent(resource, number))
            attempt.response = response = self._inner.send(request, **kwargs)
            # an auth hook that sends a request again sends it here
            response.connection = self  # type: ignore[assignment]
        except Exception as error:
            attempt.error = error
        finally:
            seconds = time.monotonic() - start
            attempt.limits.release(attempt.response)
            self._report(request, number, attempt, seconds)
        if attempt.response is not None and not self._environment.replay:
            self._environment.server_clock.compare(server_time(attempt.response), began)
        if check is not None and attempt.response is not None:
            attempt.action = check.wants_another(attempt.response)
        if attempt.limits.host is not None:
            attempt.limits.host.observe(resource, seconds, is_refused=attempt.is_overload)

    def _report(
        self, request: requests.PreparedRequest, number: int, attempt: _Attempt, seconds: float
    ) -> None:
        response = attempt.response
        self._on_event(
            RequestAnswered(
                current_context().resource,
                number,
                request.method or "GET",
                redact_url(request.url, self._environment.redactor),
                None if response is None else response.status_code,
                seconds,
                0 if response is None else len(response.content),
                None if attempt.error is None else type(attempt.error).__name__,
            )
        )

    def _wait(self, attempt: _Attempt, wait: Wait) -> None:
        if not self._environment.waits:
            return
        resource = current_context().resource
        if attempt.response is None:
            reason = type(attempt.error).__name__
        else:
            reason = status_line(attempt.response, self._environment.redactor)
        if attempt.is_rate_limited:
            attempt.limits.budget.pause(wait.seconds, f"{reason}, {wait.why}")
        self._on_event(Waiting(resource, wait.seconds, f"{reason}, {wait.why}"))
        self._environment.stop.wait(wait.seconds)

    def _refuse(self, attempt: _Attempt, wait: Wait) -> requests.Response:
        """Return the response as the last one: the wait that it asks for is not begun.

        Raise RequestError if nobody checks the response.
        """
        response, asked = attempt.result(), wait.requested or 0
        if attempt.is_rate_limited:
            reason = status_line(response, self._environment.redactor)
            attempt.limits.budget.refuse(asked, f"{reason}, {wait.why}")
        text = too_long(asked, wait.why, wait.seconds)
        if asked > LONGEST_AGE:
            text += ", or declare the header as a time since 1970 (`epoch`) if it is one"
        if current_context().check is None:
            url = redact_url(response.url, self._environment.redactor)
            status = status_line(response, self._environment.redactor)
            raise RequestError(f"{url} returned {status}. {text}", status=response.status_code)
        vars(response)[REFUSED_WAIT] = text
        return response


def _is_transient(error: Exception | None) -> bool:
    """Return whether another attempt may have no such error."""
    return isinstance(error, TRANSIENT) and not isinstance(error, PERMANENT)


def _is_timeout(error: Exception | None) -> bool:
    """Return whether a response, or the rest of it, did not come in time."""
    if isinstance(error, requests.exceptions.ReadTimeout):
        return True
    return isinstance(error, requests.exceptions.ConnectionError) and "Read timed out" in str(error)
