"""The watermarks of a resource's lists while they are read.

The state has dlt's format and place: under the resource's name.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import dlt

from framework.definition.model import Incremental, Resource
from framework.errors import RecordError
from framework.extract.incremental.policy import CursorPolicy, CursorRange
from framework.extract.incremental.state_codec import pack_watermarks, unpack_watermarks
from framework.extract.incremental.watermark import Watermark, Whole
from framework.extract.page import Record
from framework.runtime.dlt_internals import NoInterval, scheduler_interval
from framework.runtime.environment import ServerClock

Json = Any


def incremental_states(resource: str, states: dict[str, Json] | None) -> dict[str, Json]:
    """Return the resource's `incremental` state: `states`, else that of the pipeline."""
    if states is not None:
        return states
    state: dict[str, Json] = dlt.current.resource_state(resource).setdefault("incremental", {})
    return state


APPENDED = "appended"
"""Key in a cursor's state: how far a run appended records without moving the watermark.

The watermark does not move if descendants of those records were not loaded."""


class ResourceCursors:
    """The watermarks of all lists of one resource.

    `states` is the resource's `incremental` state by cursor path; None is that of the running
    pipeline. `reread` is a range to read without any state. `begins_anew` says after `begin` that
    there was no watermark.
    """

    def __init__(
        self,
        resource: Resource,
        spec: Incremental,
        now: datetime,
        states: dict[str, Json] | None,
        reread: CursorRange | None = None,
        clock: ServerClock | None = None,
    ) -> None:
        self._resource = resource
        self._clock = clock
        self._rules = CursorPolicy(resource, spec, now, reread, clock)
        self._is_scheduled = reread is None
        self._caller_states = states
        self._states: dict[str, Json] = {}
        self._moves = False
        self.begins_anew = False
        self._lists: dict[str, Json] = {}
        self._hashes: dict[str, list[str]] = {}
        self._appended: dict[str, Json] | None = None
        self._appended_watermarks: dict[str, Watermark] = {}
        self.future_value: Json = None

    @property
    def rules(self) -> CursorPolicy:
        """The rules for every list."""
        return self._rules

    def begin(self, *, moves: bool) -> None:
        """Read the state; with `moves=False` it is never written."""
        self._join_scheduler()
        states = (
            incremental_states(self._resource.name, self._caller_states)
            if self._rules.is_stateful
            else {}
        )
        self._moves = moves and self._rules.is_stateful
        self._states = states if self._moves else copy.deepcopy(states)
        path = self._rules.spec.cursor_path
        state = self._states.get(path) or {}
        self._appended = state.pop(APPENDED, None)
        self.begins_anew = not state
        if not state:
            self._states.pop(path, None)
        self._lists = unpack_watermarks(state.get("lists", ()))
        self._hashes = dict(state.get("hashes", {}))

    def _join_scheduler(self) -> None:
        """Replace the range by that of an external scheduler, which needs no state.

        Raise RecordError if the incremental asks for one, and there is none.
        """
        rules, name = self._rules, self._resource.name
        if not self._is_scheduled:
            return
        try:
            interval = scheduler_interval(rules.spec.arguments.get("allow_external_schedulers"))
        except NoInterval as error:
            raise RecordError(
                f"{name}: the incremental takes its range from a scheduler "
                f"(allow_external_schedulers), and {error}; set DLT_INTERVAL_START and "
                "DLT_INTERVAL_END, or give the range with --since and --until"
            ) from None
        if interval is not None:
            start, end = (moment.isoformat() for moment in interval)
            scheduled = CursorRange(start, end, is_scheduled=True)
            self._rules = CursorPolicy(
                self._resource, rules.spec, rules.now, scheduled, self._clock
            )

    def alone(self, key: str) -> Watermark:
        """Return the watermark of a resource's only list; `key` identifies its request values.

        A list with other values than before starts from the initial value.
        """
        path = self._rules.spec.cursor_path
        state = self._states.get(path)
        if state and ("lists" in state or state.get("of", key) != key):
            state = self._states[path] = {}
        self._of(key)
        return Watermark(self._rules, state, alone=True)

    def _of(self, key: str) -> None:
        state = self._states.get(self._rules.spec.cursor_path)
        if key and state:
            state["of"] = key

    def one_of_many(self, key: str) -> Watermark:
        """Return the watermark of one of the resource's lists."""
        if key not in self._lists:
            return Watermark(self._rules)
        return Watermark(
            self._rules,
            {"last_value": self._lists[key], "unique_hashes": self._hashes.get(key, [])},
        )

    def not_appended(self, key: str, records: list[Record], whole: Whole) -> list[Record]:
        """Return the records that no earlier run appended without moving its watermark.

        `whole` as for `Watermark.filter`.
        """
        if self._appended is None or self._rules.run_start:
            return records
        if key not in self._appended_watermarks:
            state: dict[str, Json] | None = self._appended
            if "lists" in self._appended:
                last = unpack_watermarks(self._appended["lists"]).get(key)
                hashes = self._appended.get("hashes", {}).get(key, [])
                state = None if last is None else {"last_value": last, "unique_hashes": hashes}
            elif self._appended.get("of", key) != key:
                state = None
            if state is None:
                return records
            self._appended_watermarks[key] = Watermark(self._rules, state)
        return self._appended_watermarks[key].filter(records, whole)

    def done(self, key: str, cursor: Watermark, *, many: bool) -> None:
        """Store the watermark of a list that was read."""
        if self._moves and self.future_value is None:
            self.future_value = cursor.future_value
        state = cursor.state()
        if not many:
            self._states[self._rules.spec.cursor_path] = state
            self._of(key)
            return
        self._lists[key] = state["last_value"]
        self._hashes.pop(key, None)
        if state["unique_hashes"]:
            self._hashes[key] = state["unique_hashes"]

    def watermarks_of(self, keys: Collection[str]) -> dict[str, Json]:
        """Return as JSON the watermarks of lists that were read, for `resume`."""
        return {
            "lists": pack_watermarks({key: self._lists[key] for key in keys if key in self._lists}),
            "hashes": {key: self._hashes[key] for key in keys if key in self._hashes},
        }

    def resume(self, watermarks: Mapping[str, Json]) -> None:
        """Take over the watermarks of lists that an earlier run read; call after `begin`."""
        for key, value in unpack_watermarks(watermarks.get("lists", ())).items():
            self._lists[key] = value
            self._hashes.pop(key, None)
        self._hashes.update(watermarks.get("hashes", {}))

    def end(self, *, many: bool, live_keys: set[str] | None) -> None:
        """Write the watermarks after all lists were read.

        `live_keys` are the keys of existing lists, None if lists that were not read may return.
        """
        if not many:
            return
        if live_keys is not None:
            self._lists = {key: value for key, value in self._lists.items() if key in live_keys}
            self._hashes = {key: value for key, value in self._hashes.items() if key in live_keys}
        state: dict[str, Json] = {
            "initial_value": self._rules.to_state(self._rules.initial),
            "lists": pack_watermarks(self._lists),
        }
        if self._hashes:
            state["hashes"] = self._hashes
        self._states[self._rules.spec.cursor_path] = state
