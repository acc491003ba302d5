"""A ledger of units in an SQLite file: what the file system refuses, and other files."""

from __future__ import annotations

import os
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from framework.errors import UnitLedgerError
from framework.fleet.unit_state.sqlite_store import SqliteStore
from framework.fleet.unit_state.unit_ledger import open_ledger
from tests.support.ledgers import NOW, run_unit, unit, units

LINUX = pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")


def refusal(path: Path) -> str:
    with pytest.raises(UnitLedgerError) as error:
        open_ledger(path)
    assert str(path) in str(error.value)
    return str(error.value)


def test_a_file_of_another_kind_is_refused_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text("version: 1\n" * 999)
    assert "file of another kind" in refusal(path)
    assert path.read_text() == "version: 1\n" * 999


def test_a_database_of_others_is_refused_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE cars (name text)")
    connection.close()
    before = path.read_bytes()
    assert "other tables" in refusal(path)
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "empty file#1?.db"
    path.touch()
    with open_ledger(path) as ledger, ledger.hold(NOW) as held:
        assert held.begin(units("a"), NOW).planned == 1
    assert path.stat().st_size > 0


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path)


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    assert f"no folder {tmp_path / 'missing'}" in refusal(tmp_path / "missing" / "units.db")


@LINUX
def test_a_place_without_files_is_refused() -> None:
    assert "cannot be opened or created" in refusal(Path("/proc/units.db"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        assert "cannot be opened or created" in refusal(tmp_path / "units.db")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_ledger_that_may_only_be_read_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "units.db"
    with open_ledger(path) as ledger, ledger.hold(NOW) as held:
        held.begin(units("a"), NOW)
        path.chmod(0o400)
        with open_ledger(path, create=False) as reader:
            assert reader.summary().count("planned") == 1
            with pytest.raises(UnitLedgerError, match="read-only"):
                reader.start("a", "worker", NOW)


def test_a_damaged_ledger_is_told(tmp_path: Path) -> None:
    path = tmp_path / "units.db"
    with open_ledger(path) as ledger, ledger.hold(NOW) as held:
        held.begin([unit(f"unit{n}", n) for n in range(500)], NOW)
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(UnitLedgerError, match="is damaged"), open_ledger(path) as ledger:
        ledger.summary()


def test_a_full_disk_undoes_the_transaction(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "units.db") as ledger, ledger.hold(NOW) as held:
        store = ledger._store
        assert isinstance(store, SqliteStore)
        held.begin(units("a"), NOW)
        store._connection.execute("PRAGMA max_page_count = 1")  # no more than it has
        with pytest.raises(UnitLedgerError, match="disk is full"):
            held.begin([unit(f"unit{n}", n) for n in range(999)], NOW)
        store._connection.execute("PRAGMA max_page_count = 999999")
        assert ledger.next_units(9, NOW) == ["a"]
        run_unit(ledger, "a")


def test_a_lock_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    path = tmp_path / "units.db"
    (tmp_path / "units.db.lock").mkdir()
    with (
        open_ledger(path) as ledger,
        pytest.raises(UnitLedgerError, match="cannot be locked"),
        ledger.hold(NOW),
    ):
        pass


def test_a_link_leads_to_the_same_ledger(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to("units.db")
    with (
        open_ledger(tmp_path / "units.db") as ledger,
        open_ledger(tmp_path / "link.db", create=False) as other,
    ):
        assert ledger.salt == other.salt
        with ledger.hold(NOW), pytest.raises(UnitLedgerError, match="is held"), other.hold(NOW):
            pass


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_coordinator_whose_file_is_removed_or_replaced_ends(
    tmp_path: Path, is_replaced: bool
) -> None:
    path = tmp_path / "units.db"
    with open_ledger(path) as ledger, ledger.hold(NOW) as held:
        held.begin(units("a"), NOW)
        held.beat(NOW + timedelta(minutes=1))
        path.rename(tmp_path / "moved.db")
        if is_replaced:
            path.write_bytes((tmp_path / "moved.db").read_bytes())
        with pytest.raises(UnitLedgerError, match="removed or replaced while the fleet ran"):
            held.beat(NOW + timedelta(minutes=2))
