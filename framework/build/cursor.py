"""A resource's incremental while it is read: dlt's own, with the watermark that the file chose.

State has dlt's form and, once loaded, dlt's place: under the resource's name.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from dlt.common.incremental.typing import IncrementalColumnState
from dlt.extract.incremental import Incremental as DltIncremental

from framework.build.records import Record
from framework.spec.connector import Incremental, Resource

Json = Any
TIME = re.compile(r"\d{4}-\d\d-\d\d([T ])\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?")


class _Pipe:
    """What dlt's incremental wants of a pipe: a name; closing it is told by `exhausted`."""

    has_parent = True

    def __init__(self, name: str) -> None:
        self.name = name

    def close(self) -> None:
        """Nothing to close: the reading looks at `exhausted`."""


class _Held(DltIncremental[Any]):
    """dlt's incremental over a state that we hold, instead of the running pipeline's."""

    held: dict[str, Json] | None = None

    def get_state(self) -> IncrementalColumnState:
        """The held state, begun as dlt begins its own."""
        if self.held is None or self.end_value is not None:
            return super().get_state()
        state: Any = self.held.setdefault(self.cursor_path, {})
        if not state:
            state.update(
                initial_value=self.initial_value,
                last_value=self.initial_value,
                unique_hashes=[],
                start_value=self.initial_value,
            )
        return state  # type: ignore[no-any-return]


class Cursor:
    """The incremental of one resource, its values filled in.

    `held` is the resource's `incremental` state, read and moved in place; None leaves it to the
    pipeline that is running.
    """

    def __init__(
        self, resource: Resource, spec: Incremental, now: datetime, held: dict[str, Json] | None
    ) -> None:
        self._spec = spec
        self._resource = resource.name
        self._now = now
        lag = lag_of(spec, spec.arguments.get("initial_value"))
        self._dlt = _Held(**{**spec.arguments, "lag": lag})
        self._dlt.held = held
        key = resource.hints.get("primary_key")
        if key is not None:
            # as written: dlt's hashes of seen records tell a name from a list of one, and an
            # empty list has none
            self._dlt.set_deduplication_key(key, from_hints=True)

    def bind(self, *, moves: bool) -> None:
        """Read the state; with `moves` false nothing that is read will change it."""
        # the pipe is ours: dlt asks it for its name only
        self._dlt.bind(_Pipe(self._resource))  # type: ignore[arg-type]
        self._start = self._dlt.start_value
        if not moves:
            self._dlt = self._dlt.copy(with_transient_state=True)  # type: ignore[assignment]
        if self._spec.watermark == "run_start":
            self._dlt.advance(written_like(self._now, self._dlt.initial_value))

    def values(self) -> dict[str, Json]:
        """The values for `{incremental.…}` placeholders, by their text."""
        return {
            "incremental.initial_value": self._dlt.initial_value,
            "incremental.start_value": self._start,
            "incremental.last_value": self._start,
            "incremental.end_value": self._dlt.end_value,
        }

    def filter(self, records: list[Record]) -> list[Record]:
        """The records that are new, by dlt's rules; the watermark follows them."""
        return self._dlt(records) or []

    @property
    def exhausted(self) -> bool:
        """Whether the list's order says that nothing new follows."""
        return bool(self._dlt.can_close())


def lag_of(spec: Incremental, initial_value: Json) -> float | None:
    """The lag in dlt's units: days where values are dates, else seconds."""
    if not isinstance(spec.lag, timedelta):
        return spec.lag
    if isinstance(initial_value, str) and _is_date(initial_value):
        return spec.lag / timedelta(days=1)
    return spec.lag.total_seconds()


def written_like(now: datetime, example: Json) -> Json:
    """A moment written as `example` is: a date, seconds since 1970, or a time in UTC."""
    if isinstance(example, (int, float)) and not isinstance(example, bool):
        return int(now.timestamp())
    moment = now.astimezone(UTC)
    if isinstance(example, str) and _is_date(example):
        return moment.date().isoformat()
    written = TIME.fullmatch(example) if isinstance(example, str) else None
    if written is None:
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    between, fraction, zone = written.groups(default="")
    digits = fraction and "." + "0" * (len(fraction) - 1)
    zone = zone if zone in ("", "Z") else "+00:00" if ":" in zone else "+0000"
    return moment.strftime(f"%Y-%m-%d{between}%H:%M:%S") + digits + zone


def _is_date(text: str) -> bool:
    return "T" not in text and ":" not in text
