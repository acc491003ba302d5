"""What a look keeps for expressions that are tried on it: responses, and records after steps.

Secrets are masked before an expression is tried: it could reverse one, or cut it into pieces that
nothing would know again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from framework.errors import UsageError
from framework.http.transport import InvalidJson, Response
from framework.runtime.redaction import Redactor
from framework.studio.jobs.exchange_tap import MOST_KEPT, TappedExchange
from framework.studio.jobs.shown_data import without_credentials

Json = Any
RESPONSES, STEPS = "responses", "steps"
"""The names under which a look keeps values."""


@dataclass
class KeptResponses:
    """The whole responses of a look, by the ids of their requests. Thread-safe.

    The body that was parsed last stays parsed: an expression is tried with each key that is typed.
    `of_tokens` are the requests for a token, of whose responses the tokens are left out.
    """

    by_id: Mapping[int, Response | None]
    redactors: tuple[Redactor, ...] = field(repr=False)
    of_tokens: frozenset[int] = frozenset()
    _last: tuple[int, Json] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(
        cls, exchanges: Iterable[TappedExchange], redactors: Iterable[Redactor]
    ) -> KeptResponses:
        """Return the responses of these exchanges."""
        ended = [one for one in exchanges if one.response is not None]
        of_tokens = frozenset(one.id for one in ended if one.resource == "")
        return cls({one.id: one.whole for one in ended}, tuple(redactors), of_tokens)

    def body(self, number: int) -> Json:
        """Return the parsed and masked body of a response. Raise UsageError if there is none."""
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
                    body = masked_data(response.parse(), self.redactors)
                except InvalidJson as error:
                    reason = error.reason or "it is not valid JSON"
                    raise UsageError(f"the body cannot be read: {reason}") from None
                is_of_token = number in self.of_tokens
                self._last = number, without_credentials(body) if is_of_token else body
            return self._last[1]


def masked_data(value: Json, redactors: Iterable[Redactor]) -> Json:
    """Return a copy of JSON data with every secret masked."""
    for redactor in redactors:
        value = redactor.redact_data(value)
    return value
