"""Who a request belongs to: its resource, how its responses are judged and decoded.

dlt's loop hands one thing from a resource to its requests: response hooks. So a `RequestContext`
is one, and survives redirects and repeated requests. The session makes it current while it sends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

import requests

from framework.definition.model import ResponseAction
from framework.definition.values.json_text import KeepsDigits

Decode = Callable[[requests.Response], Any]


class ResponseCheck(Protocol):
    """The response actions of one resource."""

    def wants_another(self, response: requests.Response) -> ResponseAction | None:
        """Return the action that asks for another request, or None."""

    def on_timeout(self, request: requests.PreparedRequest) -> None:
        """Raise if less is to be requested when no response came in time."""

    def check(self, response: requests.Response) -> None:
        """Raise if the response is not data."""


@dataclass(frozen=True)
class RequestContext:
    """`resource` is empty for requests that belong to no resource, such as token requests.

    A `timeout` in seconds takes the place of the session's.

    `level` counts the generations above the resource: requests of parents go first.
    `decode` reads bodies that are not JSON. `decimals` says under which keys numbers of JSON keep
    all their digits. `any_host` permits other hosts without a warning, as
    an export job's download URLs need.
    """

    resource: str = ""
    check: ResponseCheck | None = None
    decode: Decode | None = None
    any_host: bool = False
    decimals: KeepsDigits | None = None
    level: int = 0
    timeout: float | None = None

    def __call__(self, response: requests.Response, *_: Any, **__: Any) -> None:
        """Check the response: `requests` calls this as a response hook."""
        if self.check is not None:
            self.check.check(response)

    def __deepcopy__(self, _: dict[int, Any]) -> RequestContext:
        return self

    @property
    def prefix(self) -> str:
        """Return how error messages begin: `RESOURCE: `, or nothing."""
        return f"{self.resource}: " if self.resource else ""


NO_CONTEXT = RequestContext()
CURRENT = ContextVar("request_context", default=NO_CONTEXT)
current_context = CURRENT.get


def context_of(hooks: Mapping[str, Any] | None) -> RequestContext:
    """Return the context among a request's hooks, `NO_CONTEXT` if there is none."""
    for hook in (hooks or {}).get("response", ()):
        if isinstance(hook, RequestContext):
            return hook
    return NO_CONTEXT
