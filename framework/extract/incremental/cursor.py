"""A resource's incremental while it is read: dlt's own if one list has one plain watermark.

If a file or a run needs more (windows, formats, a list per parent, a range to read again), the
watermark is a `Watermark`. The state has dlt's format and place: under the resource's name.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import dlt
from dlt.extract.incremental.exceptions import (
    IncrementalCursorInvalidCoercion,
    IncrementalCursorPathHasValueNone,
    IncrementalCursorPathMissing,
)

from framework.definition.model import Incremental, Resource
from framework.errors import RecordError
from framework.extract.incremental.policy import CursorPolicy, CursorRange, lag_in_dlts_units
from framework.extract.incremental.state_codec import pack_watermarks, unpack_watermarks
from framework.extract.incremental.watermark import Watermark
from framework.extract.incremental.windows import Window
from framework.extract.page import Record
from framework.runtime.dlt_internals import HeldIncremental

Json = Any


class DltCursor:
    """dlt's own incremental over one list.

    `states` is the resource's `incremental` state by cursor path, updated in place.
    """

    resumable = False

    def __init__(self, resource: Resource, rules: CursorPolicy, states: dict[str, Json]) -> None:
        spec = rules.spec
        lag = lag_in_dlts_units(spec, spec.arguments.get("initial_value"))
        self._dlt = HeldIncremental.over(
            states, **{**spec.arguments, **_floor(rules, states), "lag": lag}
        )
        key = resource.hints.get("primary_key")
        if key is not None and rules.appends:
            # unchanged: dlt's hashes of records distinguish a name from a list of one, and an
            # empty list turns them off. Merged records are hashed whole: `CursorPolicy.digest`
            self._dlt.set_deduplication_key(key, from_hints=True)
        self._resource = resource.name
        self._dlt.bind_to(resource.name)
        self._start = self._dlt.start_value
        if rules.run_start:
            self._dlt.advance(rules.run_start_value())

    def windows(self) -> Iterator[Window]:
        """Yield the only window of the list."""
        yield Window(
            {
                "incremental.initial_value": self._dlt.initial_value,
                "incremental.start_value": self._start,
                "incremental.last_value": self._start,
                "incremental.end_value": self._dlt.end_value,
            }
        )

    def filter(self, records: list[Record]) -> list[Record]:
        """Return the new records and advance the watermark; raise RecordError for bad cursors."""
        path = self._dlt.cursor_path
        try:
            return self._dlt(records) or []
        except (IncrementalCursorPathMissing, IncrementalCursorPathHasValueNone) as error:
            raise RecordError(
                f"{self._resource}: a record has no value at the incremental's cursor_path "
                f"`{path}`; correct the path, or say what to do with such records with "
                "`on_cursor_value_missing: include` or `exclude`"
            ) from error
        except IncrementalCursorInvalidCoercion as error:
            raise RecordError(
                f"{self._resource}: the values at the incremental's cursor_path `{path}` cannot "
                "be compared with its initial_value; write initial_value as the API writes the "
                "field"
            ) from error

    @property
    def exhausted(self) -> bool:
        """Whether the row order says that nothing new follows."""
        return bool(self._dlt.can_close())

    def finish(self, window: Window) -> None:
        """Do nothing: dlt has moved its state already."""

    def cut(self) -> None:
        """Do nothing: there is one window only."""


def _floor(rules: CursorPolicy, states: dict[str, Json]) -> dict[str, Json]:
    """Return the state's initial value if the file's, which a lag must not cross, is past it."""
    state, initial = states.get(rules.spec.cursor_path), rules.initial
    if not state or not rules.spec.lag or initial is None or state.get("last_value") is None:
        return {}
    try:
        moved = rules.last_of((initial, state["last_value"])) != state["last_value"]
    except TypeError:
        return {}
    return {"initial_value": state.get("initial_value")} if moved else {}


def incremental_states(resource: str, states: dict[str, Json] | None) -> dict[str, Json]:
    """Return the resource's `incremental` state: `states`, else that of the pipeline."""
    if states is not None:
        return states
    state: dict[str, Json] = dlt.current.resource_state(resource).setdefault("incremental", {})
    return state


Cursor = DltCursor | Watermark

APPENDED = "appended"
"""Key in a cursor's state: how far a run appended records without moving the watermark.

The watermark does not move if descendants of those records were not loaded."""


class ResourceCursors:
    """The watermarks of all lists of one resource.

    `states` is the resource's `incremental` state by cursor path; None is that of the running
    pipeline. `reread` is a range to read without any state.
    """

    def __init__(
        self,
        resource: Resource,
        spec: Incremental,
        now: datetime,
        states: dict[str, Json] | None,
        reread: CursorRange | None = None,
    ) -> None:
        self._resource = resource
        self._rules = CursorPolicy(resource, spec, now, reread)
        self._plain = self._rules.times is None and reread is None
        if spec.watermark == "run_start" and spec.arguments.get("row_order") == "desc":
            self._plain = False  # dlt moves the watermark first and would not stop at it
        if spec.arguments.get("allow_external_schedulers") and not spec.timed:
            self._plain = True  # only dlt reads the scheduler's interval
        self._caller_states = states
        self._states: dict[str, Json] = {}
        self._moves = False
        self._lists: dict[str, Json] = {}
        self._hashes: dict[str, list[str]] = {}
        self._appended: dict[str, Json] | None = None
        self._appended_watermarks: dict[str, Watermark] = {}

    @property
    def rules(self) -> CursorPolicy:
        """The rules for every list."""
        return self._rules

    def begin(self, *, moves: bool) -> None:
        """Read the state; with `moves=False` it is never written."""
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
        if not state:
            self._states.pop(path, None)
        self._lists = unpack_watermarks(state.get("lists", ()))
        self._hashes = dict(state.get("hashes", {}))

    def alone(self, key: str) -> Cursor:
        """Return the watermark of a resource's only list; `key` identifies its request values.

        A list with other values than before starts from the initial value.
        """
        path = self._rules.spec.cursor_path
        state = self._states.get(path)
        if state and ("lists" in state or state.get("of", key) != key):
            state = self._states[path] = {}
        if self._plain:
            cursor: Cursor = DltCursor(self._resource, self._rules, self._states)
        else:
            cursor = Watermark(self._rules, state, alone=True)
        self._of(key)
        return cursor

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

    def not_appended(self, key: str, records: list[Record]) -> list[Record]:
        """Return the records that no earlier run appended without moving its watermark."""
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
        return self._appended_watermarks[key].filter(records)

    def done(self, key: str, cursor: Cursor, *, many: bool) -> None:
        """Store the watermark of a list that was read."""
        if not isinstance(cursor, Watermark):
            return
        state = cursor.state()
        if not many:
            self._states[self._rules.spec.cursor_path] = state
            self._of(key)
            return
        self._lists[key] = state["last_value"]
        self._hashes.pop(key, None)
        if state["unique_hashes"]:
            self._hashes[key] = state["unique_hashes"]

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
