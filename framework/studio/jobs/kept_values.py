"""What a look keeps for expressions that are tried on it: responses, and records after steps."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from framework.errors import UsageError
from framework.http.transport import InvalidJson, Response
from framework.studio.jobs.exchange_tap import MOST_KEPT, TappedExchange

Json = Any
RESPONSES, STEPS = "responses", "steps"
"""The names under which a look keeps values."""


@dataclass
class KeptResponses:
    """The whole responses of a look, by the ids of their requests. Thread-safe.

    The body that was parsed last stays parsed: an expression is tried with each key that is typed.
    """

    by_id: Mapping[int, Response | None]
    _last: tuple[int, Json] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, exchanges: Iterable[TappedExchange]) -> KeptResponses:
        """Return the responses of these exchanges."""
        return cls({one.id: one.whole for one in exchanges if one.response is not None})

    def body(self, number: int) -> Json:
        """Return the parsed body of a response. Raise UsageError if there is none."""
        if number not in self.by_id:
            raise UsageError(f"request {number} of this job has no response")
        response = self.by_id[number]
        if response is None:
            raise UsageError(
                "the bodies of this job are larger than "
                f"{MOST_KEPT // 1_000_000} MB together, and this one was not kept"
            )
        with self._lock:
            if self._last is None or self._last[0] != number:
                try:
                    self._last = number, response.parse()
                except InvalidJson as error:
                    reason = error.reason or "it is not valid JSON"
                    raise UsageError(f"the body cannot be read: {reason}") from None
            return self._last[1]
