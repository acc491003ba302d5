"""Attempts: a request is sent again, as the file declares, until it is answered for good.

Written here and not with tenacity: the wait depends on the answer's headers and is told aloud, and
it has to end at once when the run is stopped. Works below `requests`' hooks, so that response
actions are asked about the last answer only.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any

import requests
from requests.adapters import BaseAdapter

from framework.definition.expressions.jmespath_expression import ExpressionError
from framework.definition.expressions.limits import (
    PatternError,
    compile_pattern,
    search_with_timeout,
)
from framework.definition.model import ActionRetry, RateLimit, ResponseAction, WaitRule
from framework.events import EventHandler, RequestAnswered, RequestSent, Waiting, WarningRaised
from framework.http.rate_limit import RateLimiter
from framework.http.request_context import current_context
from framework.http.response_actions import status_line
from framework.http.wait_headers import (
    is_number,
    reset_of,
    seconds_in,
    seconds_until,
    seconds_until_date,
)
from framework.runtime.context import Context, with_response
from framework.runtime.environment import Environment
from framework.runtime.redaction import redact_url

NO_RULE = WaitRule()


@dataclass(frozen=True)
class Wait:
    """`seconds` to wait, after the bound; `asked` is what the server wanted where that is more."""

    seconds: float
    why: str
    asked: float | None = None


def wait_before(
    attempt: int,
    response: requests.Response | None,
    *,
    backoff_factor: float,
    max_wait: float,
    rate_limit: RateLimit | None,
    rule: WaitRule = NO_RULE,
    context: Context | None = None,
) -> Wait:
    """The wait after failed attempt number `attempt` (from 1).

    What the file names comes first (a header, an expression), then what the server says
    (`Retry-After`, then on a 429 the reset header that the file names), then the rule's backoff,
    else backoff_factor * 2 ** (attempt - 1): 2, 4, 8 s with a factor of 2.
    """
    told = None
    if response is not None:
        told = _ruled(response, rule, context or {}) or _told(response, rate_limit)
    if told is None:
        seconds = backoff_factor * 2 ** (attempt - 1)
        if rule.backoff is not None:
            seconds = rule.backoff.total_seconds()
        return Wait(min(seconds, max_wait), "backoff")
    seconds, header = told
    if seconds > max_wait:
        return Wait(max_wait, header, asked=seconds)
    return Wait(seconds, header)


def _ruled(
    response: requests.Response, rule: WaitRule, context: Context
) -> tuple[float, str] | None:
    """What the file says how to read; None where the answer has nothing of the kind."""
    if rule.header is not None:
        value = response.headers.get(rule.header)
        if value is not None and rule.pattern is not None:
            value = _part(rule.pattern, value)
        seconds = None if value is None else seconds_until(value, rule.header_as)
        return None if seconds is None else (max(seconds, 0.0), rule.header)
    if rule.expression is None:
        return None
    context = with_response(context, response)
    try:
        given = rule.expression.search(context, context)
    except ExpressionError:
        return None  # a function on what this answer has not: it says nothing about waiting
    seconds = None if given is None or isinstance(given, bool) else seconds_in(str(given))
    return None if seconds is None else (max(seconds, 0.0), "the answer")


def _part(pattern: str, value: str) -> str | None:
    """The pattern's first group, or all that it finds; None where it finds nothing in time."""
    try:
        found = search_with_timeout(compile_pattern(pattern).search, value)
    except PatternError:
        return None
    part: str | None = None if found is None else found[1] if found.re.groups else found[0]
    return part


def _told(response: requests.Response, rate_limit: RateLimit | None) -> tuple[float, str] | None:
    value = response.headers.get("Retry-After")
    if value:
        seconds = seconds_in(value) if is_number(value) else seconds_until_date(value)
        if seconds is not None and seconds > 0:
            return seconds, "Retry-After"
    if rate_limit is None or rate_limit.reset_header is None or response.status_code != 429:
        return None
    seconds = reset_of(response, rate_limit)
    # A window that has just ended still needs a moment: an attempt at once meets the same 429.
    return None if seconds is None else (seconds or 1.0, rate_limit.reset_header)


TRANSIENT = (
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
)
"""What may pass by itself; dlt retries on the same."""

HOPELESS = (requests.exceptions.SSLError, requests.exceptions.ProxyError)
"""Kinds of ConnectionError that another attempt does not mend."""


@dataclass(frozen=True)
class RetryPolicy:
    """`max_retries` follow the first attempt; waits are in seconds. `context` is what expressions
    reach."""

    status_codes: frozenset[int]
    max_retries: int
    backoff_factor: float
    max_wait: float
    rate_limit: RateLimit | None = None
    wait: WaitRule = field(default_factory=WaitRule)
    context: Context = field(default_factory=dict, repr=False)

    def of(self, action: ResponseAction | None) -> RetryPolicy:
        """The policy of a response action: its own words first, else these."""
        if action is None or action.retry == ActionRetry():
            return self
        own = action.retry
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


class RetryingAdapter(BaseAdapter):
    """Sends through `inner`, again and again where the policy says so. Thread-safe."""

    def __init__(
        self,
        inner: BaseAdapter,
        policy: RetryPolicy,
        budget: RateLimiter,
        environment: Environment,
        on_event: EventHandler,
    ) -> None:
        super().__init__()
        self._budget = budget
        self._inner = inner
        self._policy = policy
        self._environment = environment
        self._on_event = on_event
        self._told: set[str] = set()
        self._lock = threading.Lock()

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        """The last answer, or the last error. Each condition has its own number of retries: each
        response action, and all that the client's policy names, errors of the wire included."""
        rules, resource = current_context().check, current_context().resource
        attempt = 0
        retries: dict[int, int] = {}
        while True:
            attempt += 1
            self._environment.stop.check()
            response: requests.Response | None = None
            action: ResponseAction | None = None
            failed: Exception | None = None
            try:
                response = self._attempt(request, resource, attempt, kwargs)
            except TRANSIENT as error:
                if isinstance(error, HOPELESS):
                    raise
                failed, why = error, type(error).__name__
            else:
                action = rules.wants_retry(response) if rules else None
                if action is None and response.status_code not in self._policy.status_codes:
                    return response
                why = status_line(response, self._environment.redactor)
            policy, key = self._policy.of(action), id(action)
            retries[key] = retries.get(key, 0) + 1
            if retries[key] > policy.max_retries:
                if failed is not None:
                    raise failed
                assert response is not None
                return response
            self._wait(resource, retries[key], response, why, policy, action)

    def _attempt(
        self, request: requests.PreparedRequest, resource: str, attempt: int, kwargs: dict[str, Any]
    ) -> requests.Response:
        def tell(seconds: float, why: str) -> None:
            self._on_event(Waiting(resource, seconds, why))

        self._budget.take(tell)
        response: requests.Response | None = None
        began, failed = time.monotonic(), None
        try:
            self._on_event(RequestSent(resource, attempt))
            response = self._inner.send(request, **kwargs)
            # where a hook sends a request again
            response.connection = self  # type: ignore[assignment]
            return response
        except Exception as error:
            failed = type(error).__name__
            raise
        finally:
            self._budget.give_back(response)
            self._on_event(
                RequestAnswered(
                    resource,
                    attempt,
                    request.method or "GET",
                    redact_url(request.url, self._environment.redactor),
                    None if response is None else response.status_code,
                    time.monotonic() - began,
                    0 if response is None else len(response.content),
                    failed,
                )
            )

    def close(self) -> None:
        """Close the connections below."""
        self._inner.close()

    def _wait(
        self,
        resource: str,
        attempt: int,
        response: requests.Response | None,
        why: str,
        policy: RetryPolicy,
        action: ResponseAction | None,
    ) -> None:
        wait = wait_before(
            attempt,
            response,
            backoff_factor=policy.backoff_factor,
            max_wait=policy.max_wait,
            rate_limit=policy.rate_limit,
            rule=policy.wait,
            context=policy.context,
        )
        if not self._environment.waits:
            return
        limited = action is not None and action.action == "rate_limited"
        if limited or (response is not None and response.status_code == 429):
            self._budget.close_for(wait.seconds, f"{why}, {wait.why}")
        self._on_event(Waiting(resource, wait.seconds, f"{why}, {wait.why}"))
        if wait.asked is not None:
            self._tell_bound(resource, wait)
        self._environment.stop.wait(wait.seconds)

    def _tell_bound(self, resource: str, wait: Wait) -> None:
        with self._lock:
            if resource in self._told:
                return
            self._told.add(resource)
        self._on_event(
            WarningRaised(
                resource,
                "wait-bounded",
                f"the server asked for a wait of {wait.asked:,.0f} s ({wait.why}); "
                f"waited {wait.seconds:,.0f} s, as client.retry.max_wait says",
            )
        )
