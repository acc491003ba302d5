"""An account at the API: one list of records that a history changes, and the truth about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from framework.definition.model import Connector
from framework.mock.lists.world import ListKey
from framework.mock.mock_api import MockApi
from framework.mock.mock_message import MockRequest, MockResponse
from framework.mock.pages.routes import Route
from framework.prove.history.ancestry import Ancestry, ParentCursor
from framework.prove.history.api_traits import ApiTraits, Nature, nature_of
from framework.prove.history.histories import ChangeKind, History, HistoryChange
from framework.prove.history.record_fields import put_leaf
from framework.prove.history.sampled_resource import SampledResource
from framework.prove.history.true_range import TrueRange
from framework.prove.plays.memory_tables import Trouble, row_text
from framework.runtime.field_paths import field_at

Json = Any


@dataclass
class TrueRecord:
    """A record of the account: its versions, the place in its list, and the cursor's moment."""

    number: int
    versions: list[Json]
    place: int
    moment: datetime
    is_deleted: bool = False


@dataclass(frozen=True)
class Deed:
    """A change as it happened: when, to which record, and the cursor that the record then had.

    `ranged` is the value by which the API then chose the record for a range.
    """

    change: HistoryChange
    at: datetime
    record: int
    cursor: Json
    ranged: Json


@dataclass(frozen=True)
class Played:
    """A history that was played. `starts` are those of its runs, `troubles` are by record."""

    starts: tuple[datetime, ...]
    first: tuple[tuple[int, Json], ...]
    """The records at the first run, with their cursors."""
    deeds: tuple[Deed, ...]
    troubles: dict[int, Trouble]
    versions: dict[int, tuple[Json, ...]]
    """The versions of each record as a run makes them, the last one last."""
    asked: str
    """The range that the last run requested, empty for none."""
    above: tuple[ParentCursor, ...] = ()
    """The cursors of the parents' records at the first run."""


Runs = Callable[[datetime, timedelta], None]
"""Runs the connector once, at a time, with the API's clock behind by so much."""
RowText = Callable[[Json], str]


class PlayedAccount:
    """The account of one resource: a list in the mock's world with the lists of its parents.

    `governing` is the resource whose cursor decides what is read: the target, the nearest parent
    with an incremental, or None. `zero` is when histories begin, `gap` the time between two runs.
    `keeping` are those of them whose cursor an edit leaves, so that ranges can miss a change.
    With `has_newer_parents` histories may have a newer record beside that of a parent.
    """

    def __init__(
        self,
        connector: Connector,
        api: MockApi,
        target: SampledResource,
        parents: Sequence[SampledResource],
        zero: datetime,
        gap: timedelta,
        *,
        has_newer_parents: bool = False,
    ) -> None:
        self.connector = connector
        self.target = target
        self.parents = tuple(parents)
        self.gap = gap
        self.api = api
        self._invent = api.invent
        self.governing = next(
            (one for one in (target, *reversed(self.parents)) if one.resource.endpoint.incremental),
            None,
        )
        self.keeping = tuple(
            one
            for one in (target, *reversed(self.parents))
            if one.resource.endpoint.incremental and one.nature != "modified"
        )
        form = None if self.governing is None else self.governing.form
        self.unit = timedelta(seconds=1) if form is None else form.unit
        self.zero = zero if form is None else form.floor(zero)
        self.names = tuple(
            one.name
            for one in connector.resources
            if one.name in {target.resource.name, *(two.resource.name for two in parents)}
        )
        self._history = History(())
        self._records: list[TrueRecord] = []
        self.has_newer_parents = has_newer_parents
        self.ancestry = Ancestry(api.world, self.parents, target)
        self._deeds: list[Deed] = []
        self._pending: list[HistoryChange] = []
        self._now = self.zero
        self._before_last = 0
        self._order, self._nature = self._traits.order, self._traits.nature
        self.added: frozenset[str] = frozenset()
        """Fields of rows that steps take from the list's parent or partition."""

    @property
    def name(self) -> str:
        """The resource's name."""
        return self.target.resource.name

    def text(self, row: Json) -> str:
        """Return what rows are compared by."""
        return row_text(row, self.added)

    @property
    def lag(self) -> timedelta:
        """How far each run reads back, by the cursor that decides what is read."""
        return timedelta(0) if self.governing is None else self.governing.lag

    @property
    def nature(self) -> Nature | None:
        """What that cursor tells, or the field that is asked for; None without a cursor."""
        return None if self.governing is None else self.governing.nature

    @property
    def bounded(self) -> tuple[SampledResource, ...]:
        """Those of `keeping` whose `lag` says how old a record may be when it changes."""
        return tuple(one for one in self.keeping if one.lag)

    @property
    def is_log(self) -> bool:
        """Whether rows stay as first read: inserted only, or appended by a cursor edits leave."""
        resource = self.target.resource
        if resource.merge_strategy == "insert-only":
            return True
        return resource.write_disposition == "append" and self.governing in self.keeping

    @property
    def kinds_beyond_lag(self) -> list[ChangeKind]:
        """The changes of records, or of a parent's list, that a lag does not reach."""
        if not self.bounded:
            return []
        is_edited = self.target.fields.text is not None and not self.is_log
        kinds: list[ChangeKind] = ["edit"] if is_edited else []
        if self.target not in self.bounded and self.has_newer_parents and not self.target.is_single:
            kinds.append("insert")
        return kinds

    @property
    def spacing(self) -> timedelta:
        """The time between two records at the first run."""
        return max(self.unit * 2, self.gap / 48)

    def start_of(self, run: int) -> datetime:
        """Return when a run begins, counted from 1: within a unit of the cursor."""
        return self.zero + run * self.gap + min(self.unit / 2, timedelta(hours=12))

    def play(self, history: History, run: Runs, traits: ApiTraits | None = None) -> list[datetime]:
        """Play a history and return when the runs began. Raise FrameworkError if a run fails.

        `traits` replace those of the API.
        """
        self._begin(history, traits or self._traits)
        starts = []
        for number in range(1, history.runs + 1):
            start = self.start_of(number)
            starts.append(start)
            self._before_last = len(self.api.log.requests)
            changes = [one for one in history.changes if one.run == number]
            self._now = start
            self._pending = [one for one in changes if one.when == "while paging"]
            self.api.on_request, self.api.invent = self._after_response, self._list
            try:
                run(start, history.skew)
            finally:
                self.api.on_request, self.api.invent = (lambda *_: None), self._invent
            if number == history.runs:
                break
            for change in changes:
                if change.when != "while paging" or change in self._pending:
                    self._apply(change, start + self._delay(change))
        return starts

    def result(
        self, starts: Sequence[datetime], rows: Iterable[Json], text: RowText | None = None
    ) -> Played:
        """Return what was played, with what the table has wrong.

        `text` is what rows are compared by.
        """
        text = text or self.text
        counts = Counter(map(text, rows))
        made = {one.number: self.versions_of(one) for one in self._records}
        troubles = {}
        for one in self._records:
            trouble = _trouble(one, made[one.number], counts, text)
            if trouble is not None:
                troubles[one.number] = trouble
        return Played(
            tuple(starts),
            tuple(
                (one.number, self._cursor(one.versions[0]))
                for one in self._records
                if one.number < len(self._history.ages)
            ),
            tuple(self._deeds),
            troubles,
            {number: tuple(rows[-1] for rows in many if rows) for number, many in made.items()},
            self._asked(),
            self.ancestry.first,
        )

    def _asked(self) -> str:
        """Return the range that the last run requested, over all of its windows."""
        one = self.governing
        shown: dict[str, str] = {}
        for request, _ in [*self.api.log.requests][self._before_last :]:
            if one is None or one.route.key(request) != one.key:
                continue
            for place, text, _ in one.route.values(request, "start"):
                shown.setdefault(place[-1], text)
            for place, text, _ in one.route.values(request, "end"):
                shown[place[-1]] = text
        return " ".join(f"{name}={text}" for name, text in shown.items())

    @property
    def _traits(self) -> ApiTraits:
        return (self.governing or self.target).traits

    def versions_of(self, one: TrueRecord) -> list[list[Json]]:
        """Return the rows that a run makes of each version of a record."""
        return [list(self.target.elements.records(raw)) for raw in one.versions]

    @property
    def truth(self) -> Sequence[TrueRecord]:
        """The records of the history that was played last."""
        return self._records

    def _delay(self, change: HistoryChange) -> timedelta:
        if change.when == "soon":
            return self.unit + timedelta(seconds=1)
        return self.unit / 4 if change.when == "same moment" else self.gap / 2

    def _begin(self, history: History, traits: ApiTraits) -> None:
        """Put the records of the first run into the world, and forget those before."""
        self.api.forget()
        self._history, self._now, self._deeds = history, self.zero, []
        self._order = traits.order
        self._nature = traits.nature
        for one in (*self.parents, self.target):
            if one.is_ranged:
                assert one.form is not None
                assert one.fields.cursor is not None
                is_governing = one is self.governing
                self.api.ranges[one.resource.name] = TrueRange(
                    *(one.route, one.fields.filtered or one.fields.cursor, one.form),
                    traits if is_governing else one.traits,
                    one.is_reversed,
                )
        self.ancestry.begin(history, self.zero)
        first = self.start_of(1)
        self._records = []
        self.api.world.put(self.target.key, [])
        for age in history.ages:
            self._insert(first - age - self.spacing)

    def _list(self, route: Route, key: ListKey, request: MockRequest) -> Sequence[Json] | None:
        """Return a list of a newer parent that is requested for the first time."""
        made = self.ancestry.new_list(route.resource)
        return self._invent(route, key, request) if made is None else made

    def _after_response(self, request: MockRequest, response: MockResponse, _: float) -> None:
        """Apply the changes that happen while a list is paged, after its first page."""
        if self._pending and response.status < 300:
            if self.target.route.key(request) != self.target.key:
                return
            pending, self._pending = self._pending, []
            for change in pending:
                self._apply(change, self._now)

    def _apply(self, change: HistoryChange, at: datetime) -> None:
        living = [one for one in self._records if not one.is_deleted]
        if change.kind == "insert":
            record = self._insert(at - change.age)
        elif not living:
            return
        else:
            record = living[change.record % len(living)]
            if change.kind == "delete":
                record.is_deleted = True
                self.api.world.remove(self.target.key, record.place)
            else:
                self._edit(record, at - change.age)
        natures = [
            self._nature if one is self.governing else one.traits.nature for one in self.parents
        ]
        self.ancestry.touch(change.kind, at, natures)
        cursor = self._cursor(record.versions[-1])
        filtered = self.target.fields.filtered
        ranged = cursor if filtered is None else field_at(record.versions[-1], filtered)
        self._deeds.append(Deed(change, at, record.number, cursor, ranged))

    def _insert(self, moment: datetime) -> TrueRecord:
        number = len(self._records)
        if self.target.fields.has_key_of_cursor:  # no two records have the same one
            form = self.target.form
            used = {form.floor(one.moment) for one in self._records} if form is not None else set()
            while form is not None and form.floor(moment) in used:
                moment += form.unit
        raw = self.target.fields.new(self.target.template, number)
        raw = self.with_cursor(raw, moment)
        self._put_filtered(raw, moment)
        place = self.api.world.insert(self.target.key, raw, self._position(moment)).place
        record = TrueRecord(number, [raw], place, moment)
        self._records.append(record)
        return record

    def _edit(self, record: TrueRecord, moment: datetime) -> None:
        raw = self.target.fields.edited(record.versions[-1], len(record.versions))
        world, key = self.api.world, self.target.key
        filtered = self.target.fields.filtered
        if filtered is not None and nature_of(filtered[-1]) == "modified":
            self._put_filtered(raw, moment)
        if self.target.is_ranged and self._nature == "modified":
            raw = self.with_cursor(raw, moment)
            record.moment = moment
            if self._order != "none":
                world.remove(key, record.place)
                record.place = world.insert(key, raw, self._position(moment, record)).place
                record.versions.append(raw)
                return
        record.versions.append(raw)
        world.replace(key, record.place, raw)

    def _position(self, moment: datetime, moved: TrueRecord | None = None) -> int | None:
        """Return where a record goes in its list, `moved` if it was there; None for the end."""
        spec = self.target.resource.endpoint.incremental
        living = [one for one in self._records if not one.is_deleted and one is not moved]
        if self._order == "asc":
            return sum(one.moment <= moment for one in living)
        if self._order == "desc":
            return sum(one.moment > moment for one in living)
        is_last_first = spec is not None and spec.arguments.get("row_order") == "desc"
        return 0 if is_last_first else None

    def with_cursor(self, raw: Json, moment: datetime) -> Json:
        """Return the record with the cursor of a moment, as the API writes it."""
        target = self.target
        if target.is_ranged:
            assert target.form is not None
            assert target.fields.cursor is not None
            put_leaf(raw, target.fields.cursor, target.form.write(moment - self._history.skew))
        return raw

    def _put_filtered(self, raw: Json, moment: datetime) -> None:
        """Set the field that requests choose by, if it is not the cursor."""
        target = self.target
        if target.fields.filtered is not None and target.form is not None:
            value = target.form.write(moment - self._history.skew)
            put_leaf(raw, target.fields.filtered, value)

    def _cursor(self, raw: Json) -> Json:
        cursor = self.target.fields.cursor
        return None if cursor is None else field_at(raw, cursor)


def _trouble(
    one: TrueRecord, made: Sequence[Sequence[Json]], counts: Counter[str], text: RowText
) -> Trouble | None:
    """Return what a table has wrong of a record, whose versions make these rows."""
    expected = Counter(map(text, made[-1]))
    if one.is_deleted:
        every = {text(row) for rows in made for row in rows}
        return "kept" if any(counts[row] for row in every) else None
    older = {text(row) for rows in made[:-1] for row in rows} - expected.keys()
    has_older = any(counts[row] for row in older)
    for row, count in expected.items():
        if counts[row] < count:
            return "stale" if has_older else "lost"
        if counts[row] > count or has_older:
            return "doubled"
    return None
