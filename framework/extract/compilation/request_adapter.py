"""What every request of a connector is sent through: the transport, retries, and its limits."""

from __future__ import annotations

from dataclasses import replace

from dlt.common.configuration.specs import RuntimeConfiguration
from dlt.sources.helpers.requests.retry import DEFAULT_RETRY_STATUS
from requests.adapters import BaseAdapter

from framework.definition.model import Connector, EndpointRetry, RateLimit
from framework.events import EventHandler
from framework.http.limits.in_flight import HostLevels
from framework.http.limits.rate_limit import LimitTerms, RateLimiter, SharedLimit
from framework.http.limits.request_budgets import RequestBudgets
from framework.http.retry import RetryingAdapter, RetryPolicy
from framework.http.transport import LiveAdapter
from framework.runtime.context import Context
from framework.runtime.environment import Environment
from framework.runtime.settings import Settings

ALL_REQUESTS = "all requests"
"""The budget of the requests in flight, if the client's own does not see them all."""


def build_adapter(
    connector: Connector,
    settings: Settings,
    context: Context,
    runtime: RuntimeConfiguration,
    environment: Environment,
    on_event: EventHandler,
    levels: HostLevels | None,
) -> RetryingAdapter:
    """Return the adapter of a connector's session.

    The connector's base URL and rate limits have their config filled in. `context` has no secrets.
    dlt's `runtime` settings apply where the file says nothing. `levels` find the number of requests
    in flight, if the file leaves it to them.
    """
    client = connector.client
    inner: BaseAdapter
    if environment.transport is not None:
        inner = environment.transport(client.most_in_flight)
    else:
        inner = LiveAdapter.of(client, client.most_in_flight)
    retry = client.retry
    codes = DEFAULT_RETRY_STATUS if retry.status_codes is None else retry.status_codes
    retries = runtime.request_max_attempts - 1 if retry.max_retries is None else retry.max_retries
    factor = retry.backoff_factor
    policy = RetryPolicy(
        frozenset(codes),
        retries,
        float(runtime.request_backoff_factor if factor is None else factor),
        retry.max_wait.total_seconds(),
        retry.wait,
        context,
    )
    policies = {
        one.name: _policy_of(one.endpoint.retry, policy)
        for one in connector.resources
        if one.endpoint.retry is not None
    }
    budgets = _budgets(connector, _Limiters(connector, settings, environment), levels)
    return RetryingAdapter(inner, policy, budgets, environment, on_event, policies)


def _policy_of(own: EndpointRetry, policy: RetryPolicy) -> RetryPolicy:
    """Return the policy of an endpoint: its own keys first, then the client's."""
    policy = policy.overridden(own.retry)
    codes = own.status_codes
    return policy if codes is None else replace(policy, status_codes=frozenset(codes))


def _budgets(
    connector: Connector, limiters: _Limiters, levels: HostLevels | None
) -> RequestBudgets:
    """Return all limits of the connector."""
    client, resources = connector.client, connector.resources
    is_declared = "max_in_flight" in connector.data["client"] and levels is None
    most = client.most_in_flight if is_declared else None
    named = tuple(
        (one, limiters.limiter(f"rate_limits/{one.name}", one.limit, one.max_in_flight, one.name))
        for one in client.rate_limits
    )
    own = {
        one.name: limiters.limiter(f"resources/{one.name}", one.endpoint.rate_limit, None)
        for one in resources
        if one.endpoint.rate_limit is not None
    }
    in_flight = {
        one.name: limiters.limiter(f"max_in_flight/{one.name}", None, one.endpoint.max_in_flight)
        for one in resources
        if one.endpoint.max_in_flight is not None
    }
    is_only = not named and not own
    return RequestBudgets(
        client.base_url,
        limiters.limiter("", client.rate_limit, most if is_only else None),
        named,
        own,
        in_flight,
        {one.name: one.endpoint.cost for one in resources if one.endpoint.cost != 1},
        None if is_only or levels else limiters.limiter(ALL_REQUESTS, None, most),
        levels,
    )


class _Limiters:
    """Makes the rate limiters of a run, each shared with other processes if the run is."""

    def __init__(self, connector: Connector, settings: Settings, environment: Environment) -> None:
        self._connector = connector
        self._secrets = {name: value for name, value in settings.secrets.items() if value}
        self._environment = environment
        self._longest = connector.client.retry.max_wait.total_seconds()

    def limiter(
        self, budget: str, limit: RateLimit | None, most: int | None, name: str = ""
    ) -> RateLimiter:
        """Return a limiter; `most` is what the file declares of its requests in flight."""
        environment = self._environment
        return RateLimiter(
            most or self._connector.client.most_in_flight,
            limit if environment.waits else None,
            environment.stop,
            self._longest,
            self._shared_limit(budget, limit or RateLimit(), most),
            name,
        )

    def _shared_limit(self, budget: str, limit: RateLimit, most: int | None) -> SharedLimit | None:
        environment = self._environment
        if environment.shared_limit is None or not environment.waits:
            return None
        if budget and limit == RateLimit() and most is None:
            return None  # nothing is declared
        terms = LimitTerms(
            connector=self._connector.name,
            scope=limit.scope,
            secrets=self._secrets,
            requests=None if limit.requests is None else int(limit.requests),
            per=limit.per.total_seconds(),
            per_day=None if limit.per_day is None else int(limit.per_day),
            max_in_flight=most,
            max_wait=self._longest,
            budget=budget,
        )
        return environment.shared_limit(terms)
