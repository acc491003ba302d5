"""A ledger of units in PostgreSQL: URLs, logins, rights and connections that end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from framework.errors import UnitLedgerError
from framework.fleet.unit_state.unit_ledger import open_ledger
from tests.support.ledgers import NOW, after, unit, units
from tests.support.postgres import address, execute, without_connections

SECRET = "not-to-be-shown"


def refusal(url: str) -> str:
    with pytest.raises(UnitLedgerError) as error:
        open_ledger(url)
    texts = [str(error.value), repr(error.value.__cause__), repr(error.value.__context__)]
    assert not any(SECRET in text for text in texts)
    return str(error.value)


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    message = refusal(address(str(tmp_path)))
    assert f"PostgreSQL on {tmp_path}, database postgres cannot be reached" in message


def test_a_login_that_is_refused_is_told(postgres: str) -> None:
    assert 'role "nobody"' in refusal(address(postgres, user="nobody"))


@pytest.mark.parametrize("password", ["{}@", "{}/", "{}?", "{}#", "{}%zz", "[{}", "1/{}@2"])
def test_a_password_that_is_not_quoted_is_not_shown(password: str) -> None:
    url = f"postgresql://user:{password.format(SECRET)}@localhost:1/db"
    assert "the URL of the ledger of units is not valid" in refusal(url)


@pytest.mark.parametrize("url", ["mysql://root:{}@host/db", "postgresql+psycopg2://u:{}@h/d"])
def test_a_url_of_another_kind_is_refused(url: str) -> None:
    assert "expected postgresql://" in refusal(url.format(SECRET))


def test_an_unknown_parameter_is_refused() -> None:
    assert "not valid" in refusal(f"postgresql://user:{SECRET}@localhost/db?hots=x")


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    assert "pip install 'dlt[postgres]'" in refusal(f"postgresql://user:{SECRET}@localhost/db")


def test_a_schema_that_does_not_exist_is_told(postgres: str) -> None:
    url = address(postgres, options="-csearch_path%3Dno_such_schema")
    assert "found no schema" in refusal(url)


@pytest.fixture
def role(postgres: str) -> Iterator[str]:
    """The name of a role that may create nothing."""
    role = f"reader_{uuid4().hex[:8]}"
    execute(postgres, f"CREATE ROLE {role} LOGIN")
    yield role
    execute(postgres, f"DROP OWNED BY {role} CASCADE", f"DROP ROLE {role}")


def test_a_login_without_rights_is_told_which(postgres: str, role: str) -> None:
    schema = f"ledger_{uuid4().hex[:8]}"
    execute(postgres, f"CREATE SCHEMA {schema}", f"GRANT USAGE ON SCHEMA {schema} TO {role}")
    message = refusal(address(postgres, user=role, options=f"-csearch_path%3D{schema}"))
    assert "permission denied for schema" in message
    assert "CREATE" in message


def test_a_login_that_may_only_read_can_read(postgres: str, postgres_url: str, role: str) -> None:
    schema = postgres_url.rpartition("%3D")[2]
    with open_ledger(postgres_url) as ledger, ledger.hold(NOW) as held:
        held.begin(units("a"), NOW)
        execute(
            postgres,
            f"GRANT USAGE ON SCHEMA {schema} TO {role}",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}",
        )
        url = address(postgres, user=role, options=f"-csearch_path%3D{schema}")
        with open_ledger(url, create=False) as reader:
            assert reader.summary().count("planned") == 1
            with pytest.raises(UnitLedgerError, match="permission denied"):
                reader.start("a", "worker", NOW)


def test_tables_of_others_stay_beside_a_ledger(postgres: str, postgres_url: str) -> None:
    schema = postgres_url.rpartition("%3D")[2]
    execute(postgres, f"CREATE TABLE {schema}.cars (name text)")
    with open_ledger(postgres_url) as ledger, ledger.hold(NOW) as held:
        assert held.begin(units("a"), NOW).planned == 1


def test_two_schemas_hold_two_ledgers(postgres: str, postgres_url: str) -> None:
    schema = f"ledger_{uuid4().hex[:8]}"
    execute(postgres, f"CREATE SCHEMA {schema}")
    other_url = address(postgres, options=f"-csearch_path%3D{schema}")
    with open_ledger(postgres_url) as ledger, open_ledger(other_url) as other:
        assert ledger.salt != other.salt
        with ledger.hold(NOW), other.hold(NOW) as held:
            assert held.previous is None


def test_a_coordinator_that_loses_its_connections_ends(postgres: str, postgres_url: str) -> None:
    with open_ledger(postgres_url) as ledger, ledger.hold(NOW) as held:
        held.begin(units("a"), NOW)
        ledger.start("a", "worker", NOW)
        without_connections(postgres)
        for action in (lambda: held.beat(after(9)), lambda: ledger.next_units(1, NOW)):
            with pytest.raises(UnitLedgerError, match="cannot be reached"):
                action()
    with open_ledger(postgres_url) as ledger, ledger.hold(NOW, wait=30) as held:
        begun = held.begin(units("a"), NOW)
        assert (begun.is_continued, begun.lost, begun.planned) == (True, 1, 1)


def test_many_units_are_stored_in_statements_of_many_rows(postgres_url: str) -> None:
    every = [unit(f"unit{n}", n) for n in range(2_500)]
    with open_ledger(postgres_url) as ledger, ledger.hold(NOW) as held:
        assert held.begin(every, NOW).planned == 2_500
        assert held.begin(every[::2], NOW).planned == 1_250
        assert ledger.next_units(9_999, NOW) == [one.id for one in every[::2]]
