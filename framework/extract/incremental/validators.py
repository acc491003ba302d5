"""Validators of lists: what the API gave with a list (ETag, Last-Modified), sent by the next run.

An API answers 304 to it if nothing has changed. Only a list of one page is known by its first
response, so others are read whole.
"""

from __future__ import annotations

import copy
from typing import Any

import requests

from framework.definition.plain_data import to_plain
from framework.extract.compilation.plan import Plan
from framework.extract.incremental.cursor import incremental_states
from framework.extract.incremental.state_codec import key_of

Json = Any
KEY = "validators"
"""Key in the `incremental` state of the resource."""
SENT_AS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
NOT_MODIFIED = 304


class ListValidators:
    """The validators of all lists of one resource, for `conditional`.

    They belong to a request and to the resource as the file describes it: after a change of either
    the list is read. `unchanged` counts the lists that were not sent again.
    """

    def __init__(self, plan: Plan, states: dict[str, Json] | None, *, sends: bool) -> None:
        self.unchanged = 0
        self._resource = plan.resource.name
        self._digest = key_of(to_plain(plan.resource))
        self._caller_states = states
        self._sends = sends
        self._states: dict[str, Json] = {}
        self._known: dict[str, Json] = {}
        self._new: dict[str, Json] = {}

    def begin(self, *, moves: bool) -> None:
        """Read the state; with `moves=False` nothing is sent, and it is never written."""
        states = incremental_states(self._resource, self._caller_states)
        self._states = states if moves else copy.deepcopy(states)
        self._sends = self._sends and moves
        known = self._states.get(KEY, {})
        self._known = known.get("lists", {}) if known.get("digest") == self._digest else {}

    def headers(self, key: str, request: str) -> dict[str, str]:
        """Return the headers to send with the first request of a list; `request` is its hash."""
        known = self._known.get(key)
        if not self._sends or known is None or known["request"] != request:
            return {}
        return {SENT_AS[name]: text for name, text in known["headers"].items()}

    def on_unchanged(self, key: str) -> None:
        """Keep the validators of a list that the API did not send again."""
        self.unchanged += 1
        self._new[key] = self._known[key]

    def keep(self, key: str, request: str, response: requests.Response | None) -> None:
        """Keep what the only page of a list came with."""
        found = {} if response is None else response.headers
        headers = {name: found[name] for name in SENT_AS if name in found}
        if headers:
            self._new[key] = {"request": request, "headers": headers}

    def end(self) -> None:
        """Write the validators after all lists were read."""
        self._states[KEY] = {"digest": self._digest, "lists": self._new}
