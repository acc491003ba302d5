"""Attempts: a request is sent again, as the file declares, until it is answered for good.

Written here and not with tenacity: the wait depends on the answer's headers and is told aloud, and
it has to end at once when the run is stopped. Works below `requests`' hooks, so that response
actions are asked about the last answer only.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import requests
from requests.adapters import BaseAdapter

from framework.build.budget import Budget
from framework.build.events import RequestAnswered, RequestSent, Waiting, Warned, Watch
from framework.build.urls import shown
from framework.build.waits import Wait, wait_before
from framework.build.world import World
from framework.spec.connector import RateLimit

TRANSIENT = (
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
)
"""What may pass by itself; dlt retries on the same."""

HOPELESS = (requests.exceptions.SSLError, requests.exceptions.ProxyError)
"""Kinds of ConnectionError that another attempt does not mend."""


class Wanting(Protocol):
    """A response hook that may ask for one more attempt (the action `retry`)."""

    resource: str

    def wants_retry(self, response: requests.Response) -> bool:
        """Whether the answer is to be asked for again."""


@dataclass(frozen=True)
class RetryPolicy:
    """`max_retries` follow the first attempt; waits are in seconds."""

    status_codes: frozenset[int]
    max_retries: int
    backoff_factor: float
    max_wait: float
    rate_limit: RateLimit | None = None


class RetryingAdapter(BaseAdapter):
    """Sends through `inner`, again and again where the policy says so. Thread-safe."""

    def __init__(
        self, inner: BaseAdapter, policy: RetryPolicy, budget: Budget, world: World, watch: Watch
    ) -> None:
        super().__init__()
        self._budget = budget
        self._inner = inner
        self._policy = policy
        self._world = world
        self._watch = watch
        self._told: set[str] = set()
        self._lock = threading.Lock()

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        """The last answer, or the last error, after at most 1 + max_retries attempts."""
        rules = _rules(request)
        resource = rules.resource if rules else ""
        attempt = 0
        while True:
            attempt += 1
            self._world.stop.check()
            response: requests.Response | None = None
            try:
                response = self._attempt(request, resource, attempt, kwargs)
            except TRANSIENT as error:
                if isinstance(error, HOPELESS) or attempt > self._policy.max_retries:
                    raise
                why = type(error).__name__
            else:
                if attempt > self._policy.max_retries or not self._again(response, rules):
                    return response
                why = f"{response.status_code} {response.reason}".strip()
            self._wait(resource, attempt, response, why)
            _rewind(request)

    def _attempt(
        self, request: requests.PreparedRequest, resource: str, attempt: int, kwargs: dict[str, Any]
    ) -> requests.Response:
        def tell(seconds: float, why: str) -> None:
            self._watch(Waiting(resource, seconds, why))

        self._budget.take(tell)
        response: requests.Response | None = None
        began, failed = time.monotonic(), None
        try:
            self._watch(RequestSent(resource, attempt))
            response = self._inner.send(request, **kwargs)
            # where a hook sends a request again
            response.connection = self  # type: ignore[assignment]
            return response
        except Exception as error:
            failed = type(error).__name__
            raise
        finally:
            self._budget.give_back(response)
            self._watch(
                RequestAnswered(
                    resource,
                    attempt,
                    request.method or "GET",
                    shown(request.url, self._world.secrets),
                    None if response is None else response.status_code,
                    time.monotonic() - began,
                    0 if response is None else len(response.content),
                    failed,
                )
            )

    def close(self) -> None:
        """Close the connections below."""
        self._inner.close()

    def _again(self, response: requests.Response, rules: Wanting | None) -> bool:
        if response.status_code in self._policy.status_codes:
            return True
        return rules is not None and rules.wants_retry(response)

    def _wait(
        self, resource: str, attempt: int, response: requests.Response | None, why: str
    ) -> None:
        policy = self._policy
        wait = wait_before(
            attempt,
            response,
            backoff_factor=policy.backoff_factor,
            max_wait=policy.max_wait,
            rate_limit=policy.rate_limit,
        )
        if not self._world.waits:
            return
        if response is not None and response.status_code == 429:
            self._budget.close_for(wait.seconds, f"{why}, {wait.why}")
        self._watch(Waiting(resource, wait.seconds, f"{why}, {wait.why}"))
        if wait.asked is not None:
            self._tell_bound(resource, wait)
        self._world.stop.wait(wait.seconds)

    def _tell_bound(self, resource: str, wait: Wait) -> None:
        with self._lock:
            if resource in self._told:
                return
            self._told.add(resource)
        self._watch(
            Warned(
                resource,
                "wait-bounded",
                f"the server asked for a wait of {wait.asked:,.0f} s ({wait.why}); "
                f"waited {wait.seconds:,.0f} s, as client.retry.max_wait says",
            )
        )


def _rules(request: requests.PreparedRequest) -> Wanting | None:
    hooks: Mapping[str, Any] = request.hooks or {}
    for hook in hooks.get("response", ()):
        if hasattr(hook, "wants_retry"):
            return hook  # type: ignore[no-any-return]
    return None


def _rewind(request: requests.PreparedRequest) -> None:
    """A body that is a stream starts again from where it stood."""
    position = getattr(request, "_body_position", None)
    if isinstance(position, int) and hasattr(request.body, "seek"):
        requests.utils.rewind_body(request)
