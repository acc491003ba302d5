"""An adapter in place of the network: any host, no socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import requests
from requests.adapters import BaseAdapter

from framework.http.transport import make_response

Sent = requests.PreparedRequest


class Nowhere(BaseAdapter):
    """Answers by URL without its query. `sent` logs the prepared requests.

    An answer is data, `(status, headers, data)`, an exception to raise, or a function of the
    request that gives one of them; a URL that is not known raises.
    """

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__()
        self.answers = answers
        self.sent: list[Sent] = []

    def send(self, request: Sent, **_: Any) -> requests.Response:  # type: ignore[override]
        """The answer for the request's URL."""
        self.sent.append(request.copy())
        answer = self.answers[(request.url or "").partition("?")[0]]
        if isinstance(answer, Callable):  # type: ignore[arg-type]
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        status, headers, data = answer if isinstance(answer, tuple) else (200, {}, answer)
        body = data if isinstance(data, bytes) else orjson.dumps(data)
        return make_response(request, status, "", headers.items(), body)

    def to(self, start: str) -> list[Sent]:
        """The requests whose URL starts like this."""
        return [request for request in self.sent if (request.url or "").startswith(start)]

    def close(self) -> None:
        """Nothing to close."""
