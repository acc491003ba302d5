"""The proof of a connector: each question's smallest history that breaks the file's promise."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from framework.definition.model import Connector
from framework.errors import FrameworkError, Interrupted, Terminated, UsageError
from framework.load.preflight import select_resources
from framework.prove.connector_proof import BrokenPromise, ConnectorProof, ProofOptions
from framework.prove.history.account import Played, PlayedAccount
from framework.prove.history.histories import History
from framework.prove.inspection import (
    SHARED_KEY,
    cut_list,
    early_records,
    keys_of_lists,
    recorded_keys,
)
from framework.prove.mends import changing_key, mends, shared_key, text_pattern
from framework.prove.plays.memory_tables import Trouble
from framework.prove.plays.real_runs import RealRuns, row_comparison
from framework.prove.questions import QUESTIONS, Question, Severity, counted
from framework.prove.stage import PAGE_SIZE, NotProvable, Stage
from framework.prove.story import tell
from framework.runtime.environment import StopSignal

Json = Any
MOST_PLAYS = 150
"""Histories that are played to find and to shrink one that breaks the promise."""
BASIC = ("unchanged", "new-records")
"""Questions whose faults make the others pointless."""


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
    strange = {one.resource for one in options.assumptions if one.resource is not None}
    for name in sorted(strange - {one.name for one in connector.resources}):
        raise UsageError(
            f"--assume names the resource {name}, which {connector.name} does not have"
        )
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
        account = self.account
        self._require_whole()
        if account.ancestry.may_be_older and not account.has_newer_parents:
            self._leave_out(
                "lists of a parent that is not the newest: the parent is read backwards, or no "
                "other record of it could be invented that has a list of its own"
            )
        self.proof.broken += cut_list(self.stage, self.account)
        found: set[str] = set()
        for question in QUESTIONS:
            severity = question.severity(self.account)
            if severity is None or (question.code == "exclusive-start" and "same-moment" in found):
                continue
            broken = self._ask(question, severity)
            if broken is None:
                if question.code == "page-drift":
                    self._require_pages()
                continue
            found.add(broken.code)
            self.proof.broken.append(broken)
            if severity == "fault" and (
                question.code in BASIC or broken.code in ("key-not-unique", "cursor-as-text")
            ):
                return
        shared = [*recorded_keys(self.stage, self.account)]
        shared = shared or [*keys_of_lists(self.stage, self.account)]
        self.proof.broken += [*early_records(self.stage, self.account), *shared]

    def _require_whole(self) -> None:
        """Raise NotProvable if runs fail, or if a first run does not get what the mock has.

        A key that records share, or a cursor that is compared as text, is left to the questions.
        """
        account = self.account
        count = 1 if account.target.is_single else PAGE_SIZE * 2 + 1
        history = History(tuple(n * account.spacing for n in reversed(range(count))), (), 1)
        result, troubles, error = self._play(QUESTIONS[0], history)
        if result is None:
            raise NotProvable(f"its run against the mock fails: {error}")
        if "lost" in troubles.values() and not (
            shared_key(account, result) is not None or text_pattern(account)
        ):
            raise NotProvable("a run does not get all records that the mock has")

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
            code, title = "key-not-unique", SHARED_KEY
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

    def _find(
        self, question: Question, breaks: Callable[[History], bool], *, shrinks: bool = True
    ) -> History | None:
        """Return a history that breaks the promise, the smallest one if it `shrinks`."""
        from hypothesis import HealthCheck, Phase, Verbosity, find, settings
        from hypothesis.errors import NoSuchExample

        chosen = settings(
            max_examples=self.options.histories,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink) if shrinks else (Phase.generate,),
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
        self._require_comparable(rows)
        result = account.result(starts, rows)
        return result, counted(question, account, result), ""

    def _require_pages(self) -> None:
        """Tell if its lists have one page, though the file pages: no page could be smaller."""
        account = self.account
        self._play(QUESTIONS[0], History((account.spacing,) * (PAGE_SIZE + 1), (), 1))
        route, key = account.target.route, account.target.key
        pager = account.api.pagers[account.name, "list"]
        first = [one for one, _ in account.api.log.requests if route.key(one) == key]
        if first and pager.size(first[0]) > PAGE_SIZE:
            self._leave_out(
                "changes between two pages: the end of its list depends on the length of a page, "
                "which is not in `page_size`"
            )

    def _leave_out(self, reason: str) -> None:
        """Tell that a part of the resource is not tried."""
        known = self.proof.unproved.get(self.account.name)
        self.proof.unproved[self.account.name] = f"{known}; {reason}" if known else reason

    def _require_comparable(self, rows: Sequence[Mapping[str, Json]]) -> None:
        """Raise NotProvable if no row of the table is a version of a record that is known.

        Fields that all rows have from the list's parent or partition are left out from then on.
        """
        account, versions = self.account, list(self._versions())
        if not rows or self._are_versions(rows, versions):
            return
        account.added = frozenset(
            name
            for name, value in rows[0].items()
            if all(one.get(name) == value for one in rows)
            and not any(one.get(name) == value for one in versions)
        )
        if not self._are_versions(rows, versions):
            raise NotProvable("its rows are not those that its steps make of the mock's records")

    def _are_versions(self, rows: Iterable[Json], versions: Iterable[Json]) -> bool:
        known = set(map(self.account.text, versions))
        return any(self.account.text(row) in known for row in rows)

    def _versions(self) -> Iterator[Json]:
        for one in self.account.truth:
            for rows in self.account.versions_of(one):
                yield from rows

    def _is_mended(self, question: Question, history: History) -> bool:
        """Return whether a change that was proposed for another history helps here too."""
        return any(self._heals(question, history, one) for one in self._mended_by)

    def _heals(self, question: Question, history: History, connector: Connector) -> bool:
        """Return whether a history breaks no promise of a changed connector."""
        _, left, error = self._play(question, history, connector)
        return not left and not error

    def _mended(
        self,
        broken: BrokenPromise,
        question: Question,
        history: History,
        result: Played,
        troubles: Mapping[int, Trouble],
    ) -> BrokenPromise:
        """Return it with the first change of the file after which no history is found.

        Else with one that helps in this history. What cannot be tried is told beside it.
        """
        untried, text = "", ""
        for mend in mends(self.stage.connector, self.account, question.code, result, troubles):
            changed = mend.connector
            if changed is None:
                untried = untried or mend.text
            elif self._heals(question, history, changed):
                is_enough = self._is_enough(question, changed)
                text = mend.text if is_enough else text or f"{mend.text}, which helps here only"
                if is_enough:
                    self._mended_by.append(changed)
                    break
        if not text:
            return replace(broken, mend=untried or None)
        text = f"{text}; or (not tried) {untried}" if untried else text
        return replace(broken, mend=text, is_tried=True)

    def _is_enough(self, question: Question, connector: Connector) -> bool:
        """Return whether no history of a question is found that breaks a changed connector."""

        def breaks(history: History) -> bool:
            return bool(self._play(question, history, connector)[1])

        return self._find(question, breaks, shrinks=False) is None

    def _confirm(self, question: Question, history: History) -> dict[int, Trouble]:
        """Play a history by real runs; return the troubles of the table in DuckDB."""
        account, stage = self.account, self.stage
        with TemporaryDirectory(prefix="framework-prove-") as folder:
            runs = RealRuns(
                *(stage.connector, account.names, stage.config, stage.adapter, stage.stop),
                Path(folder),
            )
            try:
                starts = account.play(history, runs.run, question.varied(account))
            except (Interrupted, Terminated):
                raise
            except FrameworkError:  # a failed run loses nothing silently
                return {}
            rows = runs.rows(account.name)
        self.proof.runs += history.runs
        text = row_comparison(rows, self._versions())
        return counted(question, account, account.result(starts, rows, text))
