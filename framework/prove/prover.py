"""The proof of a connector: each question's smallest history that breaks the file's promise."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from framework.definition.model import Connector
from framework.errors import FrameworkError, Interrupted, Terminated, UsageError
from framework.load.preflight import select_resources
from framework.prove.history.account import Played, PlayedAccount
from framework.prove.history.api_traits import Assumption
from framework.prove.history.histories import History
from framework.prove.mends import changing_key, mends, shared_key, text_pattern
from framework.prove.plays.memory_tables import Trouble, row_text
from framework.prove.plays.real_runs import RealRuns, row_comparison
from framework.prove.questions import QUESTIONS, Question, Severity, counted, is_single
from framework.prove.stage import PAGE_SIZE, NotProvable, Stage, shares_key
from framework.prove.story import tell
from framework.runtime.environment import StopSignal

Json = Any
MOST_PLAYS = 150
"""Histories that are played to find and to shrink one that breaks the promise."""
BASIC = ("unchanged", "new-records")
"""Questions whose faults make the others pointless."""


@dataclass(frozen=True)
class ProofOptions:
    """How to prove. `resources` are None for those that the file selects.

    `runs` is the most runs of a history, `histories` how many are tried for a question. `config`
    has values of entries. With `confirms` a history that breaks the promise is played by real runs
    too.
    """

    resources: tuple[str, ...] | None = None
    runs: int = 3
    histories: int = 20
    seed: int = 0
    config: Mapping[str, Json] = field(default_factory=dict)
    assumptions: Sequence[Assumption] = ()
    confirms: bool = True


@dataclass(frozen=True)
class BrokenPromise:
    """A history that breaks a resource's promise, as a story of three lines.

    `mend` is the change of the file that keeps it from doing so, None if none is known. `is_tried`
    says that the history was played again with it. `is_confirmed` is None if no real runs were
    made.
    """

    resource: str
    code: str
    severity: Severity
    title: str
    story: tuple[str, str, str]
    mend: str | None = None
    is_tried: bool = False
    is_confirmed: bool | None = None


@dataclass
class ConnectorProof:
    """What a proof has found. `unproved` are resources that could not be tried, with the reason.

    `source` is what the mock was made of. `proved` are the resources that were tried.
    """

    connector: str
    source: str
    seed: int
    broken: list[BrokenPromise] = field(default_factory=list)
    proved: list[str] = field(default_factory=list)
    unproved: dict[str, str] = field(default_factory=dict)
    histories: int = 0
    runs: int = 0
    seconds: float = 0.0

    def of(self, severity: Severity) -> list[BrokenPromise]:
        """Return the broken promises of a severity."""
        return [one for one in self.broken if one.severity == severity]


def prove(
    connector: Connector,
    options: ProofOptions,
    stop: StopSignal | None = None,
    on_resource: Callable[[str], None] = lambda _: None,
) -> ConnectorProof:
    """Try the promise of each selected resource; `on_resource` is told which one is next.

    Raise FrameworkError if the connector cannot be mocked, UsageError without hypothesis or for an
    unknown resource.
    """
    begin = time.monotonic()
    stop = stop or StopSignal()
    names = [one.name for one in select_resources(connector, options.resources)]
    with _hypothesis_home():
        stage = Stage.open(connector, options.config, options.assumptions, options.seed, stop)
        proof = ConnectorProof(connector.name, stage.mock.source, options.seed)
        for name in names:
            on_resource(name)
            try:
                _Prover(stage, stage.account(name), options, proof).prove()
            except NotProvable as error:
                proof.unproved[name] = str(error)
            else:
                proof.proved.append(name)
    proof.seconds = round(time.monotonic() - begin, 1)
    return proof


@contextmanager
def _hypothesis_home() -> Iterator[None]:
    """Give hypothesis a folder that is thrown away, in place of one in the current folder."""
    try:
        from hypothesis.configuration import set_hypothesis_home_dir
    except ModuleNotFoundError:
        raise UsageError(
            "inventing histories needs hypothesis: pip install 'rest-connector-framework[prove]'"
        ) from None
    with TemporaryDirectory(prefix="framework-prove-") as folder:
        set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)


@dataclass
class _Prover:
    """Asks all questions about one account."""

    stage: Stage
    account: PlayedAccount
    options: ProofOptions
    proof: ConnectorProof
    _mended_by: list[Connector] = field(default_factory=list)
    """Connectors with the changes that were proposed so far."""

    def prove(self) -> None:
        """Add what breaks the promise. Raise NotProvable if nothing can be compared."""
        self._require_whole()
        found: set[str] = set()
        for question in QUESTIONS:
            severity = question.severity(self.account)
            if severity is None or (question.code == "exclusive-start" and "same-moment" in found):
                continue
            broken = self._ask(question, severity)
            if broken is None:
                continue
            found.add(broken.code)
            self.proof.broken.append(broken)
            if severity == "fault" and (
                question.code in BASIC or broken.code in ("key-not-unique", "cursor-as-text")
            ):
                return
        self._recorded_keys()

    def _require_whole(self) -> None:
        """Raise NotProvable if runs fail, or if a first run does not get what the mock has.

        A list that the file cuts, or a key that records share, is left to the questions.
        """
        account = self.account
        count = 1 if is_single(account) else PAGE_SIZE * 2 + 1
        history = History(tuple(n * account.spacing for n in reversed(range(count))), (), 1)
        result, troubles, error = self._play(QUESTIONS[0], history)
        if result is None:
            raise NotProvable(f"its run against the mock fails: {error}")
        if "lost" in troubles.values() and not (
            shared_key(account, result) or text_pattern(account) or self._is_cut()
        ):
            raise NotProvable("a run does not get all records that the mock has")

    def _is_cut(self) -> bool:
        inner: Any = self.account.target.route.inner
        return getattr(inner, "maximum_value", None) is not None

    def _recorded_keys(self) -> None:
        """Add a fault if two recorded records share their key."""
        target = self.account.target
        if not self.stage.has_recording or target.resource.write_disposition != "merge":
            return
        records = [
            row
            for raw in self.stage.values(self.account.name)
            for row in target.elements.records(raw)
        ]
        shared = shares_key(target.resource, records)
        if shared is not None:
            key = ", ".join(target.resource.primary_key)
            natural = target.fields.natural_key
            story = (
                f"the recording has {len(records)} records",
                f"two of them that differ have the same primary key ({key})",
                "after a run one of them has no row",
            )
            mend = None if natural is None else f"primary_key: {natural}"
            self.proof.broken.append(
                BrokenPromise(self.account.name, "key-not-unique", "fault", _KEY_TITLE, story, mend)
            )

    def _ask(self, question: Question, severity: Severity) -> BrokenPromise | None:
        """Return the smallest history that breaks the promise, None if none was found."""
        played: dict[History, tuple[Played | None, dict[int, Trouble], str]] = {}

        def breaks(history: History) -> bool:
            known = played.get(history)
            if known is None:
                if len(played) >= MOST_PLAYS:
                    return False
                known = played[history] = self._play(question, history)
            return bool(known[1])

        smallest = self._find(question, breaks)
        if smallest is None:
            return None
        result, troubles, _ = played[smallest]
        assert result is not None
        name = self.account.name
        code, title = question.code, question.title
        if severity == "fault" and shared_key(self.account, result) is not None:
            code, title = "key-not-unique", _KEY_TITLE
        elif severity == "fault" and changing_key(self.account, result) is not None:
            code, title = "key-changes", "an edit changes the primary key"
        elif severity == "fault" and text_pattern(self.account) is not None:
            code, title = "cursor-as-text", "the cursor is a time that is compared as text"
        if severity != "limit" and self._is_mended(question, smallest):
            return None
        story = tell(self.account, smallest, result, troubles)
        broken = BrokenPromise(name, code, severity, title, story)
        if severity != "limit":
            broken = self._mended(broken, question, smallest, result, troubles)
        is_first = not any(one.code == code for one in self.proof.of("limit"))
        if self.options.confirms and (severity != "limit" or is_first):
            confirmed = self._confirm(question, smallest)
            broken = replace(broken, is_confirmed=confirmed.keys() >= troubles.keys())
        return broken

    def _find(self, question: Question, breaks: Callable[[History], bool]) -> History | None:
        from hypothesis import HealthCheck, Phase, Verbosity, find, settings
        from hypothesis.errors import NoSuchExample

        chosen = settings(
            max_examples=self.options.histories,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
        )
        random = Random(f"{self.options.seed} {self.account.name} {question.code}")
        strategy = question.histories(self.account, self.options.runs)
        try:
            return find(strategy, breaks, settings=chosen, random=random)
        except NoSuchExample:
            return None

    def _play(
        self, question: Question, history: History, connector: Connector | None = None
    ) -> tuple[Played | None, dict[int, Trouble], str]:
        """Play a history by quick runs; return the result, the troubles, and a run's error."""
        account = self.account
        runs = self.stage.runs(account.names, connector)
        self.proof.histories += 1
        self.proof.runs += history.runs
        self.stage.stop.check()
        try:
            starts = account.play(history, runs.run, question.varied(account))
        except (Interrupted, Terminated):
            raise
        except FrameworkError as error:
            return None, {}, str(error).splitlines()[0]
        rows = runs.rows(account.name)
        result = account.result(starts, rows)
        self._require_comparable(rows)
        return result, counted(question, account, result), ""

    def _require_comparable(self, rows: Sequence[Mapping[str, Json]]) -> None:
        """Raise NotProvable if no row of the table is a version of a record that is known."""
        if not rows:
            return
        known = {row_text(row) for row in self._versions()}
        if not any(row_text(row) in known for row in rows):
            raise NotProvable("its rows are not those that its steps make of the mock's records")

    def _versions(self) -> Iterator[Json]:
        for one in self.account.truth:
            for rows in self.account.versions_of(one):
                yield from rows

    def _is_mended(self, question: Question, history: History) -> bool:
        """Return whether a change that was proposed for another history helps here too."""
        for connector in self._mended_by:
            _, left, error = self._play(question, history, connector)
            if not left and not error:
                return True
        return False

    def _mended(
        self,
        broken: BrokenPromise,
        question: Question,
        history: History,
        result: Played,
        troubles: Mapping[int, Trouble],
    ) -> BrokenPromise:
        """Return it with the first change of the file that helps, and one that cannot be tried."""
        untried = ""
        for mend in mends(self.stage.connector, self.account, question.code, result, troubles):
            if mend.connector is None:
                untried = untried or mend.text
                continue
            _, left, error = self._play(question, history, mend.connector)
            if not left and not error:
                self._mended_by.append(mend.connector)
                text = f"{mend.text}; or (not tried) {untried}" if untried else mend.text
                return replace(broken, mend=text, is_tried=True)
        return replace(broken, mend=untried or None)

    def _confirm(self, question: Question, history: History) -> dict[int, Trouble]:
        """Play a history by real runs; return the troubles of the table in DuckDB."""
        account, stage = self.account, self.stage
        with TemporaryDirectory(prefix="framework-prove-") as folder:
            runs = RealRuns(
                *(stage.connector, account.names, stage.config, stage.adapter, stage.stop),
                Path(folder),
            )
            starts = account.play(history, runs.run, question.varied(account))
            rows = runs.rows(account.name)
        self.proof.runs += history.runs
        text = row_comparison(rows, self._versions())
        return counted(question, account, account.result(starts, rows, text))


_KEY_TITLE = "two records have the same primary key"
