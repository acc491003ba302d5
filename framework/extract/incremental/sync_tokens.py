"""Sync tokens: what the last page of a list gives for the next run, which then gets only changes.

A token means nothing to us. The state has it under the resource's name, one for each list.
"""

from __future__ import annotations

import copy
from typing import Any

from framework.definition.model import SyncToken
from framework.extract.incremental.cursor import incremental_states

Json = Any
KEY = "sync_token"
"""Key in the `incremental` state of the resource."""


class ResourceTokens:
    """The sync tokens of all lists of one resource.

    `states` is the resource's `incremental` state; None is that of the running pipeline.
    `begins_anew` says after `begin` that no list had a token, or later that the only list lost it.
    """

    def __init__(self, resource: str, spec: SyncToken, states: dict[str, Json] | None) -> None:
        self.spec = spec
        self.begins_anew = False
        self._resource = resource
        self._caller_states = states
        self._states: dict[str, Json] = {}
        self._tokens: dict[str, Json] = {}

    def begin(self, *, moves: bool) -> None:
        """Read the state; with `moves=False` it is never written."""
        states = incremental_states(self._resource, self._caller_states)
        self._states = states if moves else copy.deepcopy(states)
        self._tokens = dict(self._states.get(KEY, {}).get("tokens", {}))
        self.begins_anew = not self._tokens

    def values(self, key: str) -> dict[str, Json]:
        """Return the values of placeholders for a list; the token is None before the first run."""
        return {"incremental.token": self._tokens.get(key)}

    def has(self, key: str) -> bool:
        """Return whether a list has a token."""
        return key in self._tokens

    def forget(self, key: str) -> bool:
        """Forget the token of a list, as the API refuses it; return False if there is none."""
        self.begins_anew = self.begins_anew or key == ""
        return self._tokens.pop(key, None) is not None

    def done(self, key: str, token: Json) -> None:
        """Keep the token that the last page of a list gave."""
        if token is not None:
            self._tokens[key] = token

    def end(self, live_keys: set[str] | None) -> None:
        """Write the tokens after all lists were read; `live_keys` as in `ResourceCursors`."""
        if live_keys is not None:
            self._tokens = {key: one for key, one in self._tokens.items() if key in live_keys}
        if self._tokens:
            self._states[KEY] = {"tokens": self._tokens}
