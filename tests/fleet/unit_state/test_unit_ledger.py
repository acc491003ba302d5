"""The ledger of units, in an SQLite file and in PostgreSQL."""

from __future__ import annotations

import itertools
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from framework.errors import LedgerHeld, LedgerMissing, UnitLedgerError
from framework.fleet.unit_state.unit_ledger import UnitLedger, open_ledger
from framework.fleet.unit_state.unit_rounds import LedgerHold
from framework.fleet.unit_state.unit_tables import (
    LONGEST_ERROR,
    LONGEST_REPORT,
    CostKey,
    EarlierCost,
    UnitAttempt,
)
from tests.support.ledgers import NOW, after, other_process, report, run_unit, unit, units

Location = Path | str


@pytest.fixture
def ledger(location: Location) -> Iterator[UnitLedger]:
    with open_ledger(location) as ledger:
        yield ledger


@pytest.fixture
def held(ledger: UnitLedger) -> Iterator[LedgerHold]:
    with ledger.hold(NOW) as held:
        yield held


def test_units_are_run_in_the_order_of_their_positions(
    ledger: UnitLedger, held: LedgerHold
) -> None:
    begun = held.begin([unit("c", 2), unit("a", 0), unit("b", 1)], NOW)
    assert (begun.number, begun.is_continued, begun.planned, begun.lost) == (1, False, 3, 0)
    assert ledger.next_units(2, NOW) == ["a", "b"]
    ledger.start("a", "worker", NOW)
    assert ledger.next_units(2, NOW) == ["b", "c"]


def test_a_unit_that_fails_is_planned_again_at_its_time(
    ledger: UnitLedger, held: LedgerHold
) -> None:
    held.begin(units("a"), NOW)
    run_unit(ledger, "a", "failed", error="no", not_before=after(60))
    assert ledger.next_units(9, after(59)) == []
    assert ledger.next_time() == after(60)
    assert ledger.next_units(9, after(60)) == ["a"]
    second = ledger.start("a", "worker", after(60))
    assert second == UnitAttempt("a", 1, 2, failures=1)
    assert ledger.next_time() is None


def test_a_unit_that_fails_for_good_is_run_no_more(ledger: UnitLedger, held: LedgerHold) -> None:
    held.begin(units("a"), NOW)
    run_unit(ledger, "a", "failed", exit_code=1, error="no")
    assert ledger.next_units(9, after(10**6)) == []
    [failure] = ledger.summary().failures
    assert (failure.unit, failure.outcome, failure.exit_code, failure.error) == (
        "a",
        "failed",
        1,
        "no",
    )
    assert (failure.started, failure.ended) == (NOW, after(1))


def test_an_interrupted_attempt_is_no_failure(ledger: UnitLedger, held: LedgerHold) -> None:
    held.begin(units("a"), NOW)
    run_unit(ledger, "a", "interrupted")
    run_unit(ledger, "a", "lost", not_before=NOW)
    assert ledger.start("a", "worker", NOW) == UnitAttempt("a", 1, 3, failures=1)


def test_all_that_runs_is_planned_again_as_interrupted(
    ledger: UnitLedger, held: LedgerHold
) -> None:
    held.begin(units("a", "b", "c"), NOW)
    run_unit(ledger, "a", "done")
    run_unit(ledger, "b", "lost", not_before=NOW)
    ledger.start("b", "worker", NOW)
    assert held.plan_again(after(1), "a reason") == [("b", 2)]
    assert ledger.states() == {"done": 1, "planned": 2}
    [_, attempt] = ledger.attempts("b")
    assert (attempt.outcome, attempt.ended, attempt.error) == ("interrupted", after(1), "a reason")
    assert ledger.start("b", "worker", after(2)) == UnitAttempt("b", 1, 3, failures=1)


def test_a_stale_attempt_is_recorded_and_changes_no_unit(
    ledger: UnitLedger, held: LedgerHold
) -> None:
    held.begin(units("a"), NOW)
    first = ledger.start("a", "one", NOW)
    assert ledger.finish(first, "lost", after(1), not_before=after(1))
    assert not ledger.finish(first, "done", after(2), report=report(3, 10))
    assert ledger.next_units(1, after(1)) == ["a"]
    second = ledger.start("a", "two", after(2))
    assert not ledger.finish(first, "done", after(3), report=report(4, 20))
    assert ledger.summary().count("running") == 1
    assert ledger.finish(second, "done", after(4), report=report(5, 30))
    assert [(one.number, one.outcome, one.rows) for one in ledger.attempts("a")] == [
        (1, "done", 20),
        (2, "done", 30),
    ]
    assert (ledger.summary().requests, ledger.summary().rows) == (9, 50)


def test_only_a_planned_unit_starts(ledger: UnitLedger, held: LedgerHold) -> None:
    held.begin(units("a"), NOW)
    ledger.start("a", "worker", NOW)
    for name in ("a", "unknown"):
        with pytest.raises(ValueError):
            ledger.start(name, "worker", NOW)
    with pytest.raises(ValueError):
        ledger.finish(UnitAttempt("a", 1, 7, 0), "done", NOW)
    assert len(ledger.attempts("a")) == 1


def test_a_summary_counts_by_job_and_state(ledger: UnitLedger, held: LedgerHold) -> None:
    assert ledger.summary().round == 0
    every = [*units("a", "b", "c", "d"), unit("e", 9, job="events")]
    held.begin(every, after(5))
    run_unit(ledger, "a", report=report(3, 10))
    run_unit(ledger, "b", "failed", at=10, error="first", report=report(1, 0))
    run_unit(ledger, "c", "failed", at=20, error="second")
    ledger.start("e", "worker of e", after(30))
    summary = ledger.summary()
    assert summary.units == {
        "shops": {"done": 1, "failed": 2, "planned": 1},
        "events": {"running": 1},
    }
    assert (summary.count("failed"), summary.count("planned")) == (2, 1)
    assert (summary.round, summary.began) == (1, after(5))
    assert (summary.requests, summary.rows) == (4, 10)
    assert [failure.error for failure in summary.failures] == ["second", "first"]
    assert [failure.error for failure in ledger.summary(failures=1).failures] == ["second"]
    [running] = summary.running
    assert (running.unit, running.job, running.worker) == ("e", "events", "worker of e")
    assert (running.started, running.ended, running.outcome) == (after(30), None, None)


def test_a_report_is_that_of_the_last_attempt(ledger: UnitLedger, held: LedgerHold) -> None:
    held.begin(units("a"), NOW)
    assert ledger.report("a") is None
    run_unit(ledger, "a", "failed", report=report(1), not_before=NOW)
    run_unit(ledger, "a", report=report(2))
    assert ledger.report("a") == report(2)


def test_texts_may_have_nul_and_lone_surrogates(ledger: UnitLedger, held: LedgerHold) -> None:
    odd = "a\0b\udc80ü"
    every = [unit("a", account=odd, dataset=odd)]
    told = report(error=odd)
    for _ in range(2):
        held.begin(every, NOW)
        run_unit(ledger, "a", "failed", error=odd, report=told)
    [failure] = ledger.summary().failures
    assert (failure.account, failure.error) == ("ab\\udc80ü", "ab\\udc80ü")
    assert ledger.report("a") == told


def test_errors_and_reports_are_bounded(ledger: UnitLedger, held: LedgerHold) -> None:
    held.begin(units("a", "b"), NOW)
    long = "x" * (LONGEST_REPORT + 1)
    warned = report(warnings=[{"code": "odd", "message": long}])
    run_unit(ledger, "a", "failed", error=long, report=warned)
    [failure] = ledger.summary().failures
    assert failure.error is not None
    assert len(failure.error) < LONGEST_ERROR + 10
    assert ledger.report("a") == report()
    many = report(resources=report()["resources"] * 9_000)
    run_unit(ledger, "b", report=many)
    assert ledger.report("b") == report(resources=[])
    assert ledger.summary().requests == 3 + 27_000


def test_costs_are_means_of_the_last_done_attempts(ledger: UnitLedger, held: LedgerHold) -> None:
    windows = [unit(f"a@{day}", day, day=day) for day in (1, 2, 3)]
    for number in range(12):
        held.begin(units("a"), NOW)
        run_unit(ledger, "a", "failed", at=number * 10, report=report(99), not_before=NOW)
        run_unit(ledger, "a", at=number * 10, report=report(number))
    held.begin(windows, NOW)
    run_unit(ledger, "a@1", report=report(4))
    repeated = ledger.start("a@2", "worker", NOW)
    ledger.finish(repeated, "done", after(500), report=report(0))
    other = ledger.start("a@3", "worker", NOW)
    ledger.finish(other, "done", after(4), report=report(5))
    key = CostKey("shop", "a", ("customers", "orders"), is_window=False)
    assert ledger.earlier_costs() == {
        key: EarlierCost(requests=6.5, seconds=1, attempts=10),
        key._replace(is_window=True): EarlierCost(requests=4.5, seconds=2.5, attempts=2),
    }


def test_requests_are_counted_by_budget_and_hour(ledger: UnitLedger) -> None:
    hour = int(NOW.timestamp()) // 3600
    ledger.add_requests({("shop", hour - 99): 1, ("shop", hour - 1): 2, ("shop", hour): 3})
    ledger.add_requests({("shop", hour): 4, ("crm", hour): 5, ("crm", hour + 1): 2**40})
    with ledger.hold(NOW):  # drops what is too old for any quota of a day
        pass
    assert ledger.requests_since(hour) == {
        ("shop", hour): 7,
        ("crm", hour): 5,
        ("crm", hour + 1): 2**40,
    }
    assert ledger.requests_since(0).keys() == {*ledger.requests_since(hour), ("shop", hour - 1)}


def test_the_salt_is_made_once(location: Location) -> None:
    with open_ledger(location) as ledger:
        salt = ledger.salt
    assert len(bytes.fromhex(salt)) == 32
    with open_ledger(location, create=False) as ledger:
        assert ledger.salt == salt


def test_processes_that_create_a_ledger_at_once_share_it(location: Location) -> None:
    salts: list[str] = []
    together = threading.Barrier(6)

    def create() -> None:
        together.wait()
        with open_ledger(location) as ledger:
            salts.append(ledger.salt)

    threads = [threading.Thread(target=create) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(salts) == 6
    assert len(set(salts)) == 1


def test_a_ledger_that_must_exist_is_not_created(location: Location) -> None:
    for _ in range(2):
        with pytest.raises(LedgerMissing):
            open_ledger(location, create=False)


def test_a_newer_format_is_refused(location: Location) -> None:
    with open_ledger(location) as ledger, ledger._store.transaction() as sql:
        sql.change("UPDATE fleet_ledger SET version = 2")
    with pytest.raises(UnitLedgerError, match="format 2"):
        open_ledger(location)


def test_tables_of_others_are_no_ledger(location: Location) -> None:
    with open_ledger(location) as ledger, ledger._store.transaction() as sql:
        sql.change("DROP TABLE fleet_ledger")
        sql.change("CREATE TABLE fleet_ledger (wheels text)")
    with pytest.raises(UnitLedgerError, match="not a ledger"):
        open_ledger(location)


def test_one_coordinator_holds_a_ledger(ledger: UnitLedger, location: Location) -> None:
    with other_process("hold", location) as other:
        session = ledger.summary().session
        assert session is not None
        assert session.pid == other.pid
        with pytest.raises(LedgerHeld) as error, ledger.hold(NOW):
            pass
        assert session.host in str(error.value)
        assert f"pid {other.pid}" in str(error.value)
        assert session.started.isoformat(sep=" ", timespec="seconds") in str(error.value)
    with ledger.hold(NOW, wait=30) as held:
        assert held.previous == session
        assert session.ended is None


def test_one_process_holds_a_ledger_once(ledger: UnitLedger, location: Location) -> None:
    with open_ledger(location) as other:
        with ledger.hold(NOW):
            for _ in range(2):
                with pytest.raises(LedgerHeld), other.hold(NOW):
                    pass
        with other.hold(NOW):
            pass


def test_a_session_leaves_the_next_one_the_tokens_that_cool(ledger: UnitLedger) -> None:
    for cooling in ({"shop": [(1.5, 2), (60.0, 1)], "other": [(3.0, 7)]}, {"shop": [(2.0, 1)]}):
        with ledger.hold(NOW) as held:
            held.end(after(9), cooling)
        with ledger.hold(after(10)) as held:
            assert held.cooling() == cooling


def test_a_session_tells_when_it_was_alive_and_ended(ledger: UnitLedger) -> None:
    with ledger.hold(NOW) as held:
        assert held.previous is None
        for seconds in (0.5, 2, 2.5):
            held.beat(after(seconds))
        session = ledger.summary().session
        assert session is not None
        assert (session.started, session.beat, session.ended) == (NOW, after(2), None)
        held.beat(after(-3600))  # the clock was put back
        assert ledger.summary().session.beat == after(-3600)
        held.end(after(9))
    with ledger.hold(after(10)) as held:
        assert held.previous is not None
        assert (held.previous.beat, held.previous.ended) == (after(9), after(9))


def test_units_of_a_coordinator_that_is_gone_are_planned_again(
    ledger: UnitLedger, location: Location
) -> None:
    with ledger.hold(NOW) as held:
        held.begin(units("a", "b"), NOW)
        run_unit(ledger, "a", "failed", not_before=NOW)
        gone = ledger.start("a", "worker", NOW)
    with open_ledger(location) as other, other.hold(NOW) as held:
        begun = held.begin(units("a", "b"), after(9))
        assert (begun.number, begun.is_continued, begun.planned, begun.lost) == (1, True, 2, 1)
        assert [one.outcome for one in other.attempts("a")] == ["failed", "lost"]
        assert not other.finish(gone, "done", after(9))
        assert other.start("a", "worker", NOW) == UnitAttempt("a", 1, 3, failures=1)


def test_a_round_that_is_not_finished_takes_the_units_of_the_file(
    ledger: UnitLedger, held: LedgerHold
) -> None:
    held.begin(units("a", "b", "c", "d"), NOW)
    run_unit(ledger, "a")
    run_unit(ledger, "b", "failed")
    run_unit(ledger, "c", "failed", not_before=after(60))
    begun = held.begin([*units("new", "c", "b", "a")], NOW)
    assert (begun.number, begun.is_continued, begun.planned) == (1, True, 2)
    assert ledger.summary().units == {"shops": {"done": 1, "failed": 1, "planned": 2}}
    assert ledger.next_units(9, NOW) == ["new"]
    assert ledger.next_units(9, after(60)) == ["new", "c"]
    assert [one.outcome for one in ledger.attempts("a")] == ["done"]
    # one that comes back within the round is what it was
    assert held.begin(units("a", "b", "c", "d"), NOW).planned == 2
    assert ledger.next_units(9, after(60)) == ["c", "d"]


def test_a_finished_round_is_followed_by_a_new_one(ledger: UnitLedger, held: LedgerHold) -> None:
    every = [*units("a", "b"), unit("w@1", 2, day=1), unit("w@2", 3, day=2)]
    held.begin(every, NOW)
    for name in ("a", "w@1"):
        run_unit(ledger, name, report=report())
    for name in ("b", "w@2"):
        run_unit(ledger, name, "failed")
    assert ledger.preview(every) == ["a", "b", "w@2"]
    begun = held.begin(every, after(60))
    assert (begun.number, begun.is_continued, begun.planned) == (2, False, 3)
    assert ledger.next_units(9, NOW) == ["a", "b", "w@2"]
    assert ledger.summary().requests == 0
    assert ledger.start("b", "worker", NOW) == UnitAttempt("b", 2, 1, failures=0)


def test_a_window_that_comes_back_stays_done(ledger: UnitLedger, held: LedgerHold) -> None:
    window = unit("w@1", 1, day=1)
    held.begin([window], NOW)
    run_unit(ledger, "w@1")
    held.begin(units("a"), NOW)
    run_unit(ledger, "a")
    held.begin([window, *units("a")], NOW)
    assert ledger.next_units(9, NOW) == ["a"]


def test_a_round_with_nothing_left_in_the_file_is_finished(
    ledger: UnitLedger, held: LedgerHold
) -> None:
    held.begin(units("a", "b"), NOW)
    run_unit(ledger, "a")
    assert held.begin(units("a"), NOW).number == 2
    assert ledger.next_units(9, NOW) == ["a"]


def test_a_retry_runs_the_failed_units(ledger: UnitLedger, held: LedgerHold) -> None:
    held.begin(units("a", "b", "c", "d"), NOW)
    run_unit(ledger, "a")
    for name in ("b", "c"):
        run_unit(ledger, name, "failed", not_before=NOW)
        run_unit(ledger, name, "failed")
    run_unit(ledger, "d")
    begun = held.retry([*units("a", "b", "d"), unit("new", 9)], after(60))
    assert (begun.number, begun.planned) == (2, 1)
    assert ledger.start("b", "worker", NOW) == UnitAttempt("b", 2, 1, failures=0)
    assert ledger.summary().units == {"shops": {"done": 2, "running": 1}}
    assert held.retry(units("a", "b", "d"), NOW).planned == 1
    run_unit(ledger, "b")
    nothing = held.retry(units("a", "b", "d"), NOW)
    assert (nothing.number, nothing.planned) == (2, 0)


def test_a_retry_of_an_unfinished_round_goes_on_with_it(
    ledger: UnitLedger, held: LedgerHold
) -> None:
    held.begin(units("a", "b", "c"), NOW)
    run_unit(ledger, "a", "failed")
    run_unit(ledger, "b", "interrupted")
    assert held.retry(units("a", "b", "c"), NOW).number == 2
    for name in ledger.next_units(9, NOW):
        run_unit(ledger, name)
    assert [(one.round, one.number) for one in ledger.attempts("b")] == [(1, 1), (2, 2)]
    assert ledger.summary().units == {"shops": {"done": 3}}


def test_a_retry_before_any_round_does_nothing(ledger: UnitLedger, held: LedgerHold) -> None:
    assert held.retry(units("a"), NOW).planned == 0
    assert held.begin(units("a"), NOW).number == 1


def test_a_unit_that_is_moved_is_still_the_same(ledger: UnitLedger, held: LedgerHold) -> None:
    first, second = units("a", "b")
    held.begin([first, second], NOW)
    run_unit(ledger, "a")
    moved = [replace(second, position=0), replace(first, position=1, job="moved")]
    assert held.begin(moved, NOW).planned == 1
    assert ledger.summary().units == {"moved": {"done": 1}, "shops": {"planned": 1}}


def test_the_preview_is_what_a_round_plans(ledger: UnitLedger, held: LedgerHold) -> None:
    chance = Random(11)
    every = [*units(*"abcdef"), *(unit(f"w@{day}", 9 + day, day=day) for day in range(1, 7))]
    for _ in range(60):
        some = chance.sample(every, chance.randint(1, len(every)))
        expected = ledger.preview(some)
        held.begin(some, NOW)
        assert ledger.next_units(99, NOW) == expected
        for name in ledger.next_units(chance.randint(0, 9), NOW):
            outcome = chance.choice(("done", "done", "failed", "interrupted"))
            run_unit(ledger, name, outcome)  # type: ignore[arg-type]
            assert_consistent(ledger)


def test_others_read_while_a_coordinator_writes(
    ledger: UnitLedger, held: LedgerHold, location: Location
) -> None:
    held.begin(units("a", "b"), NOW)
    with ledger._store.transaction() as sql, open_ledger(location, create=False) as reader:
        sql.change("UPDATE fleet_units SET state = 'running'")
        assert reader.summary().count("planned") == 2
        assert reader.earlier_costs() == {}


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_a_consistent_ledger(location: Location) -> None:
    chance = Random(7)
    stored: dict[tuple[str, int, int], str] = {}
    for _ in range(30):
        with other_process("write", location) as writer:
            assert writer.stdout is not None
            stop = threading.Timer(chance.uniform(0, 0.5), writer.kill)
            stop.start()
            lines = list(writer.stdout)
            stop.join()
            assert writer.wait() == -signal.SIGKILL
            whole = [line.split() for line in lines if line.endswith("\n")]
            stored |= {(name, int(a), int(b)): outcome for name, a, b, outcome in whole}
        with open_ledger(location, create=False) as ledger:
            assert_consistent(ledger)
            names = {name for name, _, _ in stored}
            attempts = itertools.chain.from_iterable(map(ledger.attempts, names))
            found = {(one.unit, one.round, one.number): one.outcome for one in attempts}
            assert stored.items() <= found.items()
    assert len(stored) > 100


def assert_consistent(ledger: UnitLedger) -> None:
    """What holds between transactions, whatever happened."""
    with ledger._store.transaction(writes=False) as sql:
        rows = sql.rows(
            "SELECT u.id, u.state, a.outcome FROM fleet_units u LEFT JOIN fleet_attempts a "
            "ON a.unit = u.id AND a.round = u.round AND a.attempt = u.attempt"
        )
        open_attempts = sql.rows("SELECT unit FROM fleet_attempts WHERE outcome IS NULL")
        counted = sql.rows("SELECT number, requests, rows_loaded FROM fleet_rounds")
        summed = sql.rows(
            "SELECT round, sum(requests), sum(rows_loaded) FROM fleet_attempts GROUP BY round"
        )
    running = sorted(name for name, state, _ in rows if state == "running")
    assert sorted(name for (name,) in open_attempts) == running
    for _, state, outcome in rows:
        assert (state == "done") == (outcome == "done") or state == "planned"
        assert (state == "running") == (outcome is None) or state == "planned"
        assert state != "failed" or outcome in ("failed", "lost")
    sums = {number: (requests, count) for number, requests, count in summed}
    assert {number: (a, b) for number, a, b in counted if a or b} == {
        number: pair for number, pair in sums.items() if any(pair)
    }
