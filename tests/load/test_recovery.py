"""Runs that are killed, interrupted, or meet another one: the next ends in the same tables."""

from __future__ import annotations

import json
import shutil
import signal
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest

from framework.definition.finder import shared_schema
from framework.definition.schema.json_schema import Draft202012Validator
from framework.errors import DestinationError
from framework.load.persistence.recovery import ALREADY_LOADED, FINISHED, RECREATED
from framework.load.report import Report
from tests.support.processes import command
from tests.support.run_verbs import connector_of, everything, later, load, tables, values
from tests.support.servers.web import Answer, Asked, Web
from tests.support.shop import Shop
from tests.support.slow_params import quick_first

START = "2020-01-01T00:00:00Z"


@pytest.fixture
def shop(web: Web) -> Shop:
    return Shop(web)


def simple(shop: Shop) -> dict[str, Any]:
    """Customers, orders and lines, with what loads twice in every way."""
    return shop.connector(customers={"write_disposition": "replace"}, notes=None)


@pytest.mark.parametrize(
    ("moment", "read_whole"),
    quick_first(
        ("die while extracting", False),
        ("die while normalizing", True),
        ("die after loading", False),
        ("die before normalizing", True),
        ("die before the package is done", True),
        quick=3,
    ),
)
def test_after_a_kill_the_next_run_ends_in_the_same_tables_and_says_what_it_found(
    shop: Shop, project: Path, moment: str, read_whole: bool
) -> None:
    connector = connector_of(project, simple(shop))
    with command(project, "run", "shop", hook=moment) as run:
        assert run.ended()[0] == -signal.SIGKILL
    report = load(connector, project)
    assert report.status == "ok"
    assert report.notes == ([FINISHED] if read_whole else [])
    assert (shop.since() == START) == (not read_whole and moment != "die after loading")
    assert {name: len(rows) for name, rows in everything(project).items()} == {
        "customers": 3, "orders": 3, "lines": 6,
    }  # fmt: skip


def test_a_working_folder_that_was_half_made_is_no_trouble(shop: Shop, project: Path) -> None:
    connector = connector_of(project, simple(shop))
    with command(project, "run", "shop", hook="die before normalizing") as run:
        assert run.ended()[0] == -signal.SIGKILL
    (extracted,) = project.rglob("normalize/extracted")
    (extracted.parents[1] / "load").mkdir()  # the kill came before the folders in it were made
    report = load(connector, project)
    assert (report.status, report.notes) == ("ok", [FINISHED])
    assert len(everything(project)["lines"]) == 6


def disposed(shop: Shop) -> dict[str, Any]:
    """Customers appended, orders merged and lines replaced, each with a list in each record."""
    body = shop.connector(
        customers={"write_disposition": "append"},
        lines={"write_disposition": "replace"},
        notes=None,
    )
    # what is replaced has to be read whole each time
    body["resources"][1]["endpoint"]["incremental"]["lag"] = "P3650D"
    for rows in (shop.customers, shop.orders, *shop.lines.values()):
        for row in rows:
            row["tags"] = ["a", "b"]  # type: ignore[index]
    return body


ROWS = {"customers": 3, "orders": 3, "lines": 6}


@pytest.mark.parametrize("lost", quick_first(False, True), ids=["", "working folder lost"])
@pytest.mark.parametrize("moment", ["die after a job's commit", "die after the load's commit"])
@pytest.mark.parametrize("runs_before", quick_first(1, 0))
def test_after_a_kill_while_loading_no_row_is_lost_or_doubled(
    shop: Shop, project: Path, moment: str, lost: bool, runs_before: int
) -> None:
    connector = connector_of(project, disposed(shop))
    for _ in range(runs_before):
        load(connector, project)
    with command(project, "run", "shop", hook=moment) as run:
        assert run.ended()[0] == -signal.SIGKILL
    if lost:
        shutil.rmtree(project / "dlt")
    report = load(connector, project)
    assert report.status == "ok"
    if not lost:
        committed = moment == "die after the load's commit"
        assert report.notes == [ALREADY_LOADED if committed else FINISHED]
    # a load that was committed counts, what appends has its rows once more for each
    times = 1 + runs_before + (moment == "die after the load's commit" or not lost)
    wanted = ROWS | {"customers": 3 * times}
    wanted |= {f"{name}__tags": 2 * count for name, count in wanted.items()}
    assert {name: len(rows) for name, rows in everything(project).items()} == wanted
    with tables(project) as found:
        found_loads = found.sql("select status, count(*) from shop_data._dlt_loads group by 1")
    assert [status for status, _ in found_loads] == [0]


@pytest.mark.parametrize(
    "moment", quick_first("die after a job's commit", "die before normalizing")
)
def test_what_was_read_for_another_database_is_dropped_and_read_again(
    shop: Shop, project: Path, moment: str
) -> None:
    connector = connector_of(project, disposed(shop))
    load(connector, project)
    shop.orders[0]["name"] = "changed"
    with command(project, "run", "shop", hook=moment) as run:
        run.ended()
    (project / "shop.duckdb").unlink()
    report = load(connector, project, now=later())
    assert [note.split(":")[0] for note in report.notes] == [
        "dropped the data that an interrupted run had extracted"
    ]
    assert "the destination has changed" in report.notes[0]
    assert shop.since() == START
    assert {name: len(values(project, name)) for name in ROWS} == ROWS


@pytest.mark.slow
def test_what_the_destination_refuses_for_good_is_dropped_by_the_next_run(
    shop: Shop, project: Path
) -> None:
    connector = connector_of(project, disposed(shop))
    with command(project, "run", "shop", hook="refuse every row") as run:
        code, _, said = run.ended()
    assert code == 1
    assert "cannot load into" in said
    assert "not wanted" in said
    with command(project, "run", "shop", hook="refuse every row", called="second") as run:
        code, _, said = run.ended()
    assert code == 1
    report = load(connector, project)
    assert report.notes == []  # what was refused is dropped by the run that it was refused in
    wanted = ROWS | {"customers": 3}
    assert {name: len(values(project, name)) for name in ROWS} == wanted


def test_what_never_loads_is_dropped_by_a_refresh_and_the_error_says_so(
    shop: Shop, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("framework.load.pipeline.unloadable_table", lambda *_: None)
    body = shop.connector(customers={"write_disposition": "append"}, lines=None, notes=None)
    connector = connector_of(project, body)
    with duckdb.connect(project / "shop.duckdb") as database:
        database.execute("create schema shop_data; create view shop_data.orders as select 1 as id")
    with pytest.raises(DestinationError, match=r"cannot load into .*view") as caught:
        load(connector, project)
    assert "--refresh" not in str(caught.value)
    body["resources"][1]["table_name"] = "orders_read"
    connector = connector_of(project, body)
    with pytest.raises(DestinationError, match=r"cannot load into .*view.* `run --refresh` drops"):
        load(connector, project)
    assert len(shop.asked("/orders")) == 1
    report = load(connector, project, refresh=True)
    assert report.status == "ok"
    assert [note.split(": cannot load into")[0] for note in report.notes] == [
        "dropped the data that an interrupted run had extracted"
    ]
    assert shop.since() == START
    assert load(connector, project, now=later()).notes == []
    assert (values(project, "orders_read"), len(values(project, "customers"))) == ([1, 2, 3], 6)


def test_a_refresh_loads_what_an_interrupted_run_had_read_where_that_can_be_loaded(
    shop: Shop, project: Path
) -> None:
    connector = connector_of(project, simple(shop))
    with command(project, "run", "shop", hook="die after a job's commit") as run:
        run.ended()
    report = load(connector, project, "customers", refresh=True)
    assert (report.status, report.notes) == ("ok", [FINISHED])
    assert {name: len(rows) for name, rows in everything(project).items()} == {
        "customers": 3, "orders": 3, "lines": 6,
    }  # fmt: skip


def test_a_load_whose_mark_cannot_be_taken_away_is_a_load(
    shop: Shop, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: Any) -> None:
        raise ConnectionError("the connection is lost")

    def marks() -> list[tuple[Any, ...]]:
        with tables(project) as found:
            return found.sql("select status from shop_data._dlt_loads order by status")

    connector = connector_of(project, disposed(shop))
    with monkeypatch.context() as patched:
        patched.setattr("framework.load.persistence.load_markers._unmark", lost)
        report = load(connector, project)
    assert (report.status, report.loaded) == ("ok", True)
    assert marks() == [(0,), (1,)]
    report = load(connector, project, now=later())
    assert (report.status, report.notes) == ("ok", [])
    assert marks() == [(0,), (0,)]
    assert len(values(project, "customers")) == 6


def test_a_table_without_rows_that_cannot_be_made_leaves_the_rows_that_are_loaded(
    shop: Shop, project: Path
) -> None:
    listed = {"type": "array", "items": {"type": "string"}}
    body = shop.connector(
        customers={
            "schema": {
                "type": "object",
                "properties": {"id": {"type": "integer"}, "tags": listed},
            }
        },
        orders=None, lines=None, notes=None,
    )  # fmt: skip
    connector, report = connector_of(project, body), Report("shop")
    with duckdb.connect(project / "shop.duckdb") as database:
        database.execute(
            "create schema shop_data; create view shop_data.customers__tags as select 1 as id"
        )
    with pytest.raises(
        DestinationError, match="all rows are loaded, but cannot create tables of empty lists"
    ):
        load(connector, project, report=report)
    assert report.loaded
    assert report.resources["customers"].rows == 3
    assert values(project, "customers") == [1, 2, 3]


@pytest.mark.parametrize("room", quick_first(13_000, 0, 1_000, 50_000, 300_000))
@pytest.mark.parametrize("runs_before", quick_first(1, 0))
def test_after_a_full_disk_the_next_run_ends_in_the_same_tables(
    shop: Shop, project: Path, monkeypatch: pytest.MonkeyPatch, room: int, runs_before: int
) -> None:
    shop.customers = [{"id": number, "name": f"{number}" * 20} for number in range(2000)]
    connector = connector_of(project, disposed(shop))
    for _ in range(runs_before):
        load(connector, project)
    monkeypatch.setenv("ROOM", str(room))
    with command(project, "run", "shop", "-q", hook="little room") as run:
        code, _, said = run.ended()
    assert (code, said.count("error: no space left on the disk")) == (1, 1), said
    report = load(connector, project)
    assert report.status == "ok"
    finished = report.notes in ([FINISHED], [ALREADY_LOADED])
    wanted = ROWS | {"customers": 2000 * (1 + runs_before + finished)}
    wanted |= {f"{name}__tags": 2 * count for name, count in wanted.items()}
    assert {name: len(rows) for name, rows in everything(project).items()} == wanted


def test_what_is_no_duckdb_file_is_left_alone(shop: Shop, project: Path) -> None:
    connector = connector_of(project, simple(shop))
    (project / "shop.duckdb").write_text("somebody's notes")
    with pytest.raises(DestinationError, match="cannot open"):
        load(connector, project)
    assert (project / "shop.duckdb").read_text() == "somebody's notes"


def test_what_an_interrupted_run_read_is_dropped_where_it_cannot_be_normalized(
    shop: Shop, project: Path
) -> None:
    connector = connector_of(project, simple(shop))
    with command(project, "run", "shop", hook="die before normalizing") as run:
        run.ended()
    [broken] = (project / "dlt" / "pipelines").glob("*/normalize/extracted/*/new_jobs/orders.*")
    broken.write_bytes(b"\x00 no rows at all")
    report = load(connector, project)
    assert report.status == "ok"
    assert len(report.notes) == 1
    assert "dropped" in report.notes[0]
    assert shop.since() == START
    assert values(project, "orders") == [1, 2, 3]


EXTRACTED, NORMALIZED = "die before normalizing", "die before the package is done"
BROKEN = [
    ("state.json", EXTRACTED),
    ("schemas/*", EXTRACTED),
    ("normalize/.version", EXTRACTED),
    ("normalize/extracted/*/schema.json", EXTRACTED),
    ("normalize/extracted/*/load_package_state.json", EXTRACTED),
    ("load/.version", NORMALIZED),
    ("load/normalized/*/schema.json", NORMALIZED),
    ("load/normalized/*/load_package_state.json", NORMALIZED),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "left", quick_first(b"\x00\xff no json", b"", b"[]"), ids=["bytes", "empty", "list"]
)
def test_a_working_folder_that_cannot_be_read_is_made_anew(
    shop: Shop, project: Path, left: bytes
) -> None:
    connector = connector_of(project, simple(shop))
    load(connector, project)
    for broken, moment in BROKEN:
        with command(project, "run", "shop", hook=moment) as run:
            assert run.ended()[0] == -signal.SIGKILL
        [file] = (project / "dlt" / "pipelines").glob(f"*/{broken}")
        file.write_bytes(left)
        report = load(connector, project, now=later())
        assert (broken, report.status, report.notes) == (broken, "ok", [RECREATED])
    assert {name: len(rows) for name, rows in everything(project).items()} == {
        "customers": 3, "orders": 3, "lines": 6,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
@pytest.mark.parametrize("form", quick_first("json", "text"))
def test_a_signal_while_fetching_ends_the_run_at_once(
    shop: Shop, project: Path, number: signal.Signals, code: int, form: str
) -> None:
    asked, go_on = threading.Event(), threading.Event()
    answered: list[bool] = []

    def slow(_: Asked) -> Any:
        asked.set()
        answered.append(go_on.wait(60))
        return {"items": []}

    connector = connector_of(project, simple(shop))
    shop.web.on("/orders/{id}/lines", slow)
    with command(project, "run", "shop", "--format", form) as run:
        assert asked.wait(60)
        run.signal(number)
        ended, out, said = run.ended()
    assert answered == []  # the run did not wait for it
    go_on.set()
    assert ended == code
    if form == "json":
        report = json.loads(out)
        Draft202012Validator(shared_schema("run-report")).validate(report)
        assert (report["status"], report["signal"]) == ("interrupted", number.name)
        assert (report["destination"], report["dataset"]) == ("duckdb", "shop_data")
        assert report["seconds"] > 0
        parts = {part["name"]: part for part in report["resources"]}
        assert {part["status"] for part in parts.values()} == {"not_loaded"}
        assert (parts["orders"]["requests"], parts["orders"]["rows"]) == (1, 0)
        assert "Nothing of this run is loaded" in report["error"]
        assert "error:" not in said
    else:
        assert out.splitlines()[1].split()[:3] == ["customers", "not", "loaded"]
        assert "shop: interrupted in" in out
        assert "data:" not in out
        assert "Nothing of this run is loaded; data of earlier runs stays" in said
    assert "Traceback" not in said
    assert "bug" not in said

    shop.web.on("/orders/{id}/lines", shop._answer)
    report = load(connector, project)
    assert (report.status, report.notes) == ("ok", [])
    assert len(values(project, "lines")) == 6


def test_a_signal_while_waiting_as_the_server_told_ends_the_run_at_once(
    shop: Shop, project: Path
) -> None:
    connector_of(project, simple(shop))
    shop.answers["/orders/2/lines"] = Answer(429, {}, {"Retry-After": "200"})
    with command(project, "run", "shop") as run:
        run.wait_for("lines: waiting 200 s")
        run.signal(signal.SIGTERM)
        ended, out, said = run.ended()
    assert ended == 143
    assert shop.web.paths().count("/orders/2/lines") == 1  # the wait was not waited out
    assert "shop: interrupted in" in out
    assert said.count("error:") == 1


def test_a_signal_while_the_destination_is_at_work_leaves_the_rest_to_the_next_run(
    shop: Shop, project: Path
) -> None:
    connector = connector_of(project, simple(shop))
    as_json = ("--format", "json", "--log-format", "json")
    with command(project, "run", "shop", *as_json, hook="stuck in a job") as run:
        run.wait_for("stuck in a job")
        run.signal(signal.SIGINT)
        ended, out, said = run.ended()
    assert ended == 130
    assert "went on" not in said  # the job was not waited for
    told, last = json.loads(out), json.loads(said.splitlines()[-1])
    Draft202012Validator(shared_schema("log-event")).validate(last)
    for one in (told, last):
        assert (one["status"], one["signal"]) == ("interrupted", "SIGINT")
        assert "the next run loads it first" in one["error"]
    assert {part["status"] for part in told["resources"]} == {"not_loaded"}
    assert "Traceback" not in said
    report = load(connector, project)
    assert report.notes == [FINISHED]
    assert len(values(project, "lines")) == 6


@pytest.mark.parametrize("step", quick_first("loading", "extracting", "normalizing"))
def test_an_interrupt_inside_dlt_is_an_interrupt_and_no_bug(
    shop: Shop, project: Path, step: str
) -> None:
    connector = connector_of(project, simple(shop))
    with command(project, "run", "shop", hook=f"interrupt while {step}") as run:
        ended, out, said = run.ended()
    assert ended == 130
    assert "shop: interrupted in" in out
    stays = "Nothing of this run is loaded" if step == "extracting" else "Extracted data is kept"
    assert said.splitlines()[-1].startswith(f"error: interrupted. {stays}")
    report = load(connector, project)
    assert len(report.notes) == (step != "extracting")
    assert values(project, "orders") == [1, 2, 3]


def test_a_run_that_is_ended_by_force_has_its_last_words_whole(shop: Shop, project: Path) -> None:
    connector_of(project, simple(shop))
    with command(
        project, "run", "shop", "--format", "json", hook="interrupt and talk slowly"
    ) as run:
        ended, out, _ = run.ended()
    assert ended == 130
    assert json.loads(out)["status"] == "interrupted"


def test_of_two_runs_at_once_the_second_waits_and_says_so(shop: Shop, project: Path) -> None:
    asked, go_on = threading.Event(), threading.Event()
    answers = iter([[{"id": 1}], [{"id": 2}]])

    def slow(_: Asked) -> Any:
        asked.set()
        go_on.wait(60)
        return {"items": next(answers)}

    connector_of(project, shop.connector(orders=None, lines=None, notes=None))
    shop.web.on("/customers", slow)
    with command(project, "run", "shop") as first:
        assert asked.wait(60)
        with command(project, "run", "shop", called="second") as second:
            second.wait_for("waiting for another run of this connector into the same dataset")
            assert len(shop.web.asked) == 1
            go_on.set()
            assert first.ended()[0] == 0
            assert second.ended()[0] == 0
    assert values(project, "customers") == [1, 2]
