"""A token on requests: obtained when it is first needed, kept, renewed when it ends.

One thread obtains it while others wait. An answer of 401 in mid-run renews it once and asks again;
a new token that is refused too is not renewed anew.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import requests
from dlt.sources.helpers.rest_client.auth import AuthConfigBase

from framework.http.auth.placement import Place
from framework.runtime.redaction import Secrets

UNAUTHORIZED = 401


@dataclass(frozen=True)
class Token:
    """`seconds` is how long it is good for, None where it has no end."""

    text: str
    seconds: float | None = None


class TokenAuth(AuthConfigBase):
    """Puts the token that `obtain` gives where `place` says. `first` is one to begin with."""

    def __init__(
        self,
        obtain: Callable[[], Token],
        place: Place,
        secrets: Secrets,
        first: str | None = None,
    ) -> None:
        super().__init__()
        self._obtain = obtain
        self._place = place
        self._secrets = secrets
        self._lock = threading.Lock()
        self._token = first
        self._number = 0
        self._ends: float | None = None
        self._renewable = True
        self.__is_resolved__ = True

    def __deepcopy__(self, _: dict[int, Any]) -> TokenAuth:
        # dlt copies a config before it validates it
        return self

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with a token that is good."""
        number, token = self._current()
        self._place(request, token)
        # after the copy of hooks that each request has: see requests' own digest auth
        request.register_hook("response", partial(self._answered, number, token))  # type: ignore[no-untyped-call]
        return request

    def _current(self) -> tuple[int, str]:
        """The token, and which one it is: in a replay all have the same text."""
        with self._lock:
            if self._token is None or (self._ends is not None and time.monotonic() >= self._ends):
                self._renew()
            return self._number, self._token or ""

    def _renew(self) -> str:
        fresh = self._obtain()
        self._secrets.add(fresh.text)
        self._token = fresh.text
        self._number += 1
        self._ends = None if fresh.seconds is None else time.monotonic() + fresh.seconds
        return fresh.text

    def _after_refusal(self, refused: int) -> str | None:
        """The token to ask with again; None where there is nothing more to try."""
        with self._lock:
            if self._number != refused:
                return self._token  # another request has renewed it meanwhile
            if not self._renewable:
                return None
            self._renewable = False
            return self._renew()

    def _answered(
        self, number: int, token: str, response: requests.Response, **options: Any
    ) -> requests.Response:
        """A response hook: asks again with a new token where the old one is refused."""
        if response.status_code != UNAUTHORIZED:
            if response.status_code < 400:
                with self._lock:
                    self._renewable = self._renewable or self._number == number
            return response
        request = response.request
        adapter = getattr(response, "connection", None)
        # what went on to another host by a redirect carries no token, and gets none
        if adapter is None or not _carries(request, token):
            return response
        fresh = self._after_refusal(number)
        if fresh is None:
            return response
        again = request.copy()
        self._place(again, fresh)
        answer: requests.Response = adapter.send(again, **options)
        answer.history.append(response)
        answer.request = again
        if answer.status_code < 400:
            with self._lock:
                self._renewable = True
        return answer


def _carries(request: requests.PreparedRequest, token: str) -> bool:
    body = request.body or ""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    probe = Secrets()
    probe.add(token)
    places = (request.url or "", text, *(str(value) for value in request.headers.values()))
    return any(probe.found_in(place) or token in place for place in places)
