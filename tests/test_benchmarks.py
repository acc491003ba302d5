"""The benchmark's works run on next to nothing, and what a tool loads is held against the truth."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from benchmarks import commands
from benchmarks.commands import copied
from benchmarks.connector_files import without_schemas, write_connectors
from benchmarks.rounds import measure
from benchmarks.runs import Result
from benchmarks.site.facts import TABLES, Truth
from benchmarks.site.pages import Site, made, truth_of
from benchmarks.site.rows import loaded
from benchmarks.summary import report
from benchmarks.works import OURS, Work, works
from framework.definition.schema.json_schema import Draft202012Validator, format_checker

ROOT = Path(__file__).resolve().parent.parent
TINY = {work.key: work for work in works("tiny")}
SITES = sorted({work.site for work in TINY.values()}, key=lambda site: site.name)
STATES = dict.fromkeys(TINY, "A machine.")


def records_of(site: Site, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The records that a site serves, by table, read back from its prepared bodies."""
    index = made(site, folder)
    bodies = index.with_suffix(".bin").read_bytes()
    found: dict[str, list[dict[str, Any]]] = {table.name: [] for table in TABLES[site.kind]}
    for path, (start, length) in json.loads(index.read_text())["places"].items():
        body = orjson.loads(bodies[start : start + length])
        name = path.partition("?")[0].rpartition("/")[2]
        table = {"invitees": "event_invitees"}.get(name, name)
        found.get(table, []).extend(body.get("collection") or body.get("contacts") or ())
    return found


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.name)
def test_the_truth_is_what_the_served_records_say(site: Site, tmp_path: Path) -> None:
    records = records_of(site, tmp_path)
    path = tmp_path / "loaded.duckdb"
    with duckdb.connect(str(path)) as db:
        for table, rows in records.items():
            file = tmp_path / f"{table}.jsonl"
            file.write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
            db.execute(f"create table {table} as select * from read_json('{file}')")
    truth = truth_of(tmp_path / f"{site.name}.json")
    assert all(rows for rows, _ in truth.values())
    assert loaded("floor", site.kind, "main", str(path)) == truth


def test_a_lost_a_doubled_and_a_changed_record_show(tmp_path: Path) -> None:
    rows = records_of(Site("bookings", 200), tmp_path)["scheduled_events"]

    def sums(rows: list[dict[str, Any]]) -> object:
        truth = Truth("bookings")
        for row in rows:
            truth.add("scheduled_events", row)
        return truth.sums()

    whole = sums(rows)
    assert sums(rows[::-1]) == whole
    assert sums(rows[1:]) != whole
    assert sums([*rows, rows[0], rows[0]]) != whole
    assert sums([rows[1], *rows[1:]]) != whole
    for change in ({"status": "unknown"}, {"event_guests": []}, {"name": None}):
        assert sums([*rows[:4], rows[4] | change, *rows[5:]]) != whole


def test_bookings_have_every_shape_that_the_bundled_connector_declares(tmp_path: Path) -> None:
    found = records_of(Site("booked", 200), tmp_path)
    for table, rows in found.items():
        schema = json.loads((ROOT / "schemas" / "scheduling" / f"{table}.json").read_text())
        check = Draft202012Validator(schema, format_checker=format_checker())
        assert [error.message for row in rows for error in check.iter_errors(row)] == []
    events = found["scheduled_events"]
    places = [event["location"] for event in events]
    assert None in places
    assert len({place["type"] for place in places if place}) == 10
    assert len({tuple(place["data"]) for place in places if place and "data" in place}) == 4
    told = [event["cancellation"] for event in events if event["status"] == "canceled"]
    assert {tuple(one) for one in told} == {
        ("canceled_by", "reason", "canceler_type"),
        ("canceled_by", "reason", "canceler_type", "created_at"),
    }
    assert {len(event["event_guests"]) for event in events} == {0, 1, 2}
    assert {len(event["event_memberships"]) for event in events} == {1, 2}


def test_the_inferred_connector_is_the_bundled_one_without_schemas(tmp_path: Path) -> None:
    write_connectors(tmp_path)
    bundled = (tmp_path / "connectors" / "scheduling.yaml").read_text().splitlines()
    inferred = (tmp_path / "inferred" / "connectors" / "scheduling.yaml").read_text().splitlines()
    assert bundled == (ROOT / "connectors" / "scheduling.yaml").read_text().splitlines()
    left_out = [line.split() for line in bundled if line not in inferred]
    assert len(left_out) == 13
    assert {words[0] for words in left_out} == {"schema:"}
    assert (
        without_schemas("resources:\n  - name: a\n    schema: b\n") == "resources:\n  - name: a\n"
    )


def run(key: str, load: int, requests: int, seconds: float, peer: str = OURS) -> Result:
    return Result(key, peer, 1, load, seconds, 100.0, seconds, requests, killed=load == 2)


def test_the_report_tells_the_cost_of_a_run_that_was_killed() -> None:
    mine = [run("g", 1, 11, 2.0), run("g", 2, 8, 1.5), run("g", 3, 5, 0.5)]
    theirs = [run("g", load, 11, 4.0, "dlt-tuned") for load in (1, 2, 3)]
    lines = list(report([*mine, *theirs], works("tiny"), STATES))
    table = [line for line in lines if line.startswith("| framework |")]
    # requests 1 to 7 had a response; the run after it made 5 where 4 were left
    assert table == ["| framework | 2.00 | 1.50 | 0.50 | 0.25 | 2.0, 0.5 | 11, 5 | 1 |"]
    assert "| (g) pages read twice | itself | at most 3: two commits and one | 1 | yes |" in lines
    [late] = [line for line in lines if line.startswith("| dlt, tuned |")]
    assert late.endswith("| 1.00 | 4.0, 4.0 | 11, 11 | 7 |")


def test_a_wrong_result_has_no_time_in_the_report() -> None:
    wrong = run("a-bundled", 1, 3, 2.0)
    wrong.error = "scheduled_events: loaded [1, '0'], the truth is [2, '0']"
    lines = list(report([wrong], works("tiny"), STATES))
    assert lines == [f"\nFAILED: a-bundled framework round 1: {wrong.error}"]


@pytest.mark.slow
@pytest.mark.parametrize("key", [key for key in TINY if key not in ("e2", "e3")])
def test_a_work_runs_and_loads_the_truth(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCHMARKS_CACHE", str(tmp_path))
    monkeypatch.setattr(commands, "python_of", lambda kind: Path(sys.executable))
    work: Work = TINY[key]
    peers = tuple(peer for peer in work.peers if peer in (OURS, "floor", "dlt-tuned"))
    told: list[str] = []
    packages = {OURS: copied(tmp_path)}
    found = measure(work, peers, 1, packages, told.append, lambda results: None)
    assert [result.error for result in found if result.error] == []
    loads = (1, 2, 3) if work.killed_at else range(1, work.loads + 1)
    done = {(result.peer, result.load) for result in found}
    assert {(OURS, load) for load in loads} <= done
    assert {peer for peer, _ in done} == set(peers)
    for result in found:
        if result.load == 1:
            assert result.requests == work.requests, result.peer
        if result.killed:
            assert result.requests == work.killed_at
    assert next(report(found, works("tiny"), STATES)).startswith(f"\n### ({key[0]}")


@pytest.mark.slow
def test_results_are_kept_and_reported_again(tmp_path: Path) -> None:
    def benchmarks(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks", *words, "--results", tmp_path / "results.json"],
            cwd=ROOT,
            env={**os.environ, "BENCHMARKS_CACHE": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    words = ("--size", "tiny", "--rounds", "1", "--peers", "framework")
    benchmarks(*words, "--work", "d")
    told = benchmarks(*words, "--work", "e1,f", "--add")
    kept: dict[str, Any] = json.loads((tmp_path / "results.json").read_text())
    assert [(r["work"], r["load"]) for r in kept["results"]] == [("d", 1), ("e1", 1), ("f", 2)]
    assert kept["states"].keys() == {"d", "e1", "f"}
    assert kept["results"][1]["before_load"] > 0
    # what is kept is reported again, without measuring
    page = tmp_path / "page.md"
    page.write_text("Before\n<!-- results -->\nold\n<!-- end of results -->\nafter\n")
    again = benchmarks("--report", "--page", str(page))
    assert told == again
    assert "### (d) 30 rows in 3 resources" in told
    before, _, rest = page.read_text().partition("<!-- results -->\n\n")
    assert (before, rest) == ("Before\n", f"{again}\n<!-- end of results -->\nafter\n")
