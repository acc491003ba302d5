"""What every request of a connector is sent through: the transport, retries, and the rate limit."""

from __future__ import annotations

from dlt.common.configuration.specs import RuntimeConfiguration
from dlt.sources.helpers.requests.retry import DEFAULT_RETRY_STATUS
from requests.adapters import BaseAdapter

from framework.definition.model import Connector, RateLimit
from framework.events import EventHandler
from framework.http.rate_limit import LimitTerms, RateLimiter, SharedLimit
from framework.http.retry import RetryingAdapter, RetryPolicy
from framework.http.transport import LiveAdapter
from framework.runtime.context import Context
from framework.runtime.environment import Environment
from framework.runtime.settings import Settings


def build_adapter(
    connector: Connector,
    settings: Settings,
    limit: RateLimit | None,
    context: Context,
    runtime: RuntimeConfiguration,
    environment: Environment,
    on_event: EventHandler,
) -> RetryingAdapter:
    """Return the adapter of a connector's session.

    `limit` is the file's with config filled in. `context` has no secrets. dlt's `runtime` settings
    apply where the file says nothing.
    """
    client = connector.client
    inner: BaseAdapter
    if environment.transport is not None:
        inner = environment.transport(client.max_in_flight)
    else:
        inner = LiveAdapter.of(client, client.max_in_flight)
    retry = client.retry
    codes = DEFAULT_RETRY_STATUS if retry.status_codes is None else retry.status_codes
    retries = runtime.request_max_attempts - 1 if retry.max_retries is None else retry.max_retries
    factor = retry.backoff_factor
    policy = RetryPolicy(
        frozenset(codes),
        retries,
        float(runtime.request_backoff_factor if factor is None else factor),
        retry.max_wait.total_seconds(),
        limit,
        retry.wait,
        context,
    )
    limiter = RateLimiter(
        client.max_in_flight,
        limit if environment.waits else None,
        environment.stop,
        policy.max_wait,
        _shared_limit(connector, settings, limit, environment),
    )
    return RetryingAdapter(inner, policy, limiter, environment, on_event)


def _shared_limit(
    connector: Connector, settings: Settings, limit: RateLimit | None, environment: Environment
) -> SharedLimit | None:
    """Return the limit that this run shares with other processes, or None."""
    if environment.shared_limit is None or not environment.waits:
        return None
    client, limit = connector.client, limit or RateLimit()
    terms = LimitTerms(
        connector=connector.name,
        scope=limit.scope,
        secrets={name: value for name, value in settings.secrets.items() if value},
        requests=None if limit.requests is None else int(limit.requests),
        per=limit.per.total_seconds(),
        per_day=None if limit.per_day is None else int(limit.per_day),
        max_in_flight=client.max_in_flight if "max_in_flight" in connector.data["client"] else None,
        max_wait=client.retry.max_wait.total_seconds(),
    )
    return environment.shared_limit(terms)
