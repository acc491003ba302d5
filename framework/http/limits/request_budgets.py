"""Which limits a request is under: its endpoint's, a named one by path and method, the client's.

A request counts for one budget, of its endpoint or else the first named one that it matches or else
the client's. Beside that, an endpoint and the client may bound its requests in flight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests

from framework.definition.model import NamedLimit, RateLimit
from framework.http.limits.in_flight import FlightLevel, HostLevels
from framework.http.limits.rate_limit import RateLimiter


@dataclass(frozen=True)
class RequestLimits:
    """The limits of one request, which counts as `cost` for its `budget`.

    It waits for a place at its endpoint first, if `endpoint` bounds the requests in flight, then
    for the budget, then for a place among all requests: who waits for a budget holds up no other.
    The last place is one of `all_requests`, or of those that its host bears.
    """

    budget: RateLimiter
    cost: int = 1
    endpoint: RateLimiter | None = None
    all_requests: RateLimiter | None = None
    host: FlightLevel | None = None

    @property
    def rate_limit(self) -> RateLimit | None:
        """What the file declares of the budget."""
        return self.budget.limit

    def acquire(self, on_wait: Callable[[float, str], None], level: int, longest: float) -> None:
        """Wait until the request may be sent, as `RateLimiter.acquire` does for one limit."""
        if self.endpoint is None and self.all_requests is None and self.host is None:
            self.budget.acquire(on_wait, level, self.cost, longest)
            return
        with ExitStack() as acquired:
            if self.endpoint is not None:
                self.endpoint.acquire(on_wait, level, longest=longest)
                acquired.callback(self.endpoint.release, None)
            self.budget.acquire(on_wait, level, self.cost, longest)
            acquired.callback(self.budget.release, None, self.cost)
            if self.all_requests is not None:
                self.all_requests.acquire(on_wait, level, longest=longest)
            if self.host is not None:
                self.host.slots.acquire(level)
            acquired.pop_all()

    def release(self, response: requests.Response | None) -> None:
        """Count the request as ended; `response` is None if it failed."""
        if self.host is not None:
            self.host.slots.release()
        if self.all_requests is not None:
            self.all_requests.release(None)
        self.budget.release(response, self.cost)
        if self.endpoint is not None:
            self.endpoint.release(None)


@dataclass(frozen=True)
class RequestBudgets:
    """All limits of a connector. Thread-safe.

    `usual` is the client's. `budgets` and `in_flight` are those of resources, `costs` what their
    requests cost. `all_requests` bounds the requests in flight if `usual` does not see them all;
    `levels` those of each host, if their number is to be found.
    """

    base_url: str
    usual: RateLimiter
    named: Sequence[tuple[NamedLimit, RateLimiter]] = ()
    budgets: Mapping[str, RateLimiter] = field(default_factory=dict)
    in_flight: Mapping[str, RateLimiter] = field(default_factory=dict)
    costs: Mapping[str, int] = field(default_factory=dict)
    all_requests: RateLimiter | None = None
    levels: HostLevels | None = None

    def limits_of(self, resource: str, method: str, url: str) -> RequestLimits:
        """Return the limits of a request; `resource` is empty if it belongs to none."""
        return RequestLimits(
            self.budgets.get(resource)
            or (self._by_path(method, url) if self.named else self.usual),
            self.costs.get(resource, 1),
            self.in_flight.get(resource),
            self.all_requests,
            None if self.levels is None else self.levels.of(url),
        )

    def _by_path(self, method: str, url: str) -> RateLimiter:
        path = None
        for limit, limiter in self.named:
            path = self._path_of(url) if path is None else path
            if limit.matches(method, path):
                return limiter
        return self.usual

    def _path_of(self, url: str) -> str:
        """Return the path of a URL, below that of the base URL if it begins like it."""
        base, path = urlsplit(self.base_url).path.strip("/"), urlsplit(url).path.strip("/")
        return path.removeprefix(f"{base}/") if base else path
