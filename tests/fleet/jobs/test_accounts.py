"""Accounts from the fleet file, CSV and JSON lines: the same, with places, and without secrets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from framework.cli.main import main
from framework.fleet.jobs import accounts as module
from framework.fleet.jobs.accounts import looks_like_credential
from framework.fleet.jobs.fleet_file import read_fleet
from tests.support.fleets import fleet_of, fleet_result, places, write_files

CSV = "version: 1\njobs:\n  - connector: shop\n    accounts: {file: accounts.csv}\n"
LINES = CSV.replace(".csv", ".jsonl")
TOKENS = [
    "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "AKIAIOSFODNN7EXAMPLE",
    "xoxb-123456789012-abcdefABCDEF",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcDEF123",
    "0f3a9c5e7b1d4f6a8c2e0b5d7f9a1c3e",
    "A1B2C3D4E5F6",
    "Sommer2024!",
    "hunter2",
    "correct horse battery",
    "4eC39.HqLyj",
]
NAMES = [
    "ACME_TOKEN",
    "TOKEN",
    "_TOKEN_2",
    "ACME_2024_TOKEN",
    "CUSTOMER_00123_API_KEY",
    "CUSTOMERNUMBER12345",
    "sources.acme.token",
    "sources.acme_2.api-key",
]


def account_of(csv: str) -> module.Account:
    (account,) = fleet_of(CSV, {"accounts.csv": csv}).jobs[0].accounts
    return account


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_csv_file_has_either_delimiter_any_line_end_and_perhaps_a_byte_order_mark(
    delimiter: str, end: str, mark: str
) -> None:
    rows = [
        ["alias", "config.region", "config.page", "secrets.api_key"],
        ["acme", "us", "25", "ACME_TOKEN"],
        [],
        ["globex", "", " ", ""],
    ]
    write_files({"fleet.yaml": CSV})
    text = mark + "".join(delimiter.join(row) + end for row in rows)
    Path("accounts.csv").write_bytes(text.encode())
    result = read_fleet(Path("fleet.yaml"))
    assert result.fleet is not None, result.findings
    acme, globex = result.fleet.jobs[0].accounts
    assert (acme.alias, acme.line) == ("acme", 2)
    assert acme.config == {"region": "us", "page": 25}
    assert acme.secrets == {"api_key": "ACME_TOKEN"}
    assert (globex.alias, globex.line) == ("globex", 4)
    assert (globex.config, globex.secrets) == ({}, {})


def test_cells_are_read_by_the_declared_type() -> None:
    account = account_of('alias,config.region,config.tags\nacme,eu,"[""1"", ""a,b""]"\n')
    assert account.config == {"region": "eu", "tags": ["1", "a,b"]}


def test_the_three_ways_to_write_accounts_are_equal() -> None:
    written = [
        {"alias": "acme", "config": {"page": 5}, "secrets": {"api_key": "ACME_TOKEN"}},
        {"alias": "globex"},
    ]
    listed = fleet_of(f"version: 1\njobs: [{{connector: shop, accounts: {json.dumps(written)}}}]\n")
    lines = fleet_of(LINES, {"accounts.jsonl": "\n".join(map(json.dumps, written)) + "\n\n"})
    csv = fleet_of(
        CSV, {"accounts.csv": "secrets.api_key,alias,config.page\nACME_TOKEN,acme,5\n,globex,\n"}
    )
    assert listed.jobs[0].accounts == lines.jobs[0].accounts == csv.jobs[0].accounts


def test_a_file_of_accounts_is_found_beside_the_fleet_file() -> None:
    write_files({"fleets/fleet.yaml": CSV, "fleets/accounts.csv": "alias\nacme\nAcme\n"})
    assert places(read_fleet(Path("fleets/fleet.yaml"))) == ["fleets/accounts.csv:3:1 wrong-name"]


def test_several_broken_lines_are_all_found() -> None:
    csv = "alias,config.page\nacme\n\nglobex,x\ninitech,1,2\nacme,0\nacme,1\nacme,2\n"
    assert places(fleet_result(CSV, {"accounts.csv": csv})) == [
        "accounts.csv:2:1 wrong-cells",
        "accounts.csv:4:1 config-value",
        "accounts.csv:5:1 wrong-cells",
        "accounts.csv:6:1 config-value",
        "accounts.csv:7:1 duplicate-alias",
        "accounts.csv:8:1 duplicate-alias",
    ]


def test_a_line_is_that_where_a_row_begins() -> None:
    csv = 'alias,config.region\nacme,"e\nu"\nglobex,eu\nglobex,us\n"open\n\n\n'
    result = fleet_result(CSV, {"accounts.csv": csv})
    assert places(result) == [
        "accounts.csv:2:1 config-value",
        "accounts.csv:5:1 duplicate-alias",
        "accounts.csv:6:1 csv-syntax",
    ]
    assert "in line 4 and in line 5" in result.findings[1].message


def test_text_after_a_quote_is_a_finding() -> None:
    csv = 'alias,config.region\nacme,"eu"us\n'
    assert places(fleet_result(CSV, {"accounts.csv": csv})) == ["accounts.csv:2:1 csv-syntax"]


def test_a_byte_that_is_not_utf_8_has_its_line() -> None:
    write_files({"fleet.yaml": CSV})
    Path("accounts.csv").write_bytes("alias\nacme\nzürich\n".encode("latin-1"))
    assert places(read_fleet(Path("fleet.yaml"))) == ["accounts.csv:3:2 not-text"]


@pytest.mark.parametrize("kind", ["missing", "folder", "large"])
def test_a_file_that_cannot_be_read_is_a_finding_of_the_fleet_file(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files({"fleet.yaml": CSV})
    if kind == "folder":
        Path("accounts.csv").mkdir()
    elif kind == "large":
        monkeypatch.setattr(module, "LARGEST_FILE", 10)
        Path("accounts.csv").write_text("alias\nacme\nglobex\n")
    (finding,) = read_fleet(Path("fleet.yaml")).findings
    code = "file-too-large" if kind == "large" else "unreadable-file"
    assert (finding.path, finding.line, finding.column) == ("fleet.yaml", 4, 22)
    assert finding.code == code
    assert finding.message.startswith("accounts.csv: ")


def test_too_many_accounts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ACCOUNTS", 2)
    result = fleet_result(CSV, {"accounts.csv": "alias\na\nb\nc\n"})
    assert places(result) == ["fleet.yaml:4:5 too-many-accounts"]


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ('{"alias": "b", "alias": "c"}', "2:1 json-syntax"),
        ('{"alias": "b", "config": {"page": NaN}}', "2:1 json-syntax"),
        ('{"alias": "b", "config": {"page": 1, "page": 2}}', "2:1 json-syntax"),
        ("[" * 100_000, "2:1 json-syntax"),  # Python 3.13 reads 5,000 levels
        ("null", "2:1 wrong-type"),
        ('{"config": {}}', "2:1 missing-key"),
        ('{"alias": "b", "api_key": "x"}', "2:1 unknown-key"),
        ('{"alias": "b", "config": "x"}', "2:1 wrong-type"),
        ('{"alias": "b", "secrets": {"api_key": null}}', "2:1 secret-not-a-name"),
        ('{"alias": 5}', "2:1 wrong-name"),
        ('{"alias": "b", "config": {"regions": "eu"}}', "2:1 unknown-config"),
        ('{"alias": "b", "config": {"api_key": "x"}}', "2:1 unknown-config"),
        ('{"alias": "b", "secrets": {"page": "X"}}', "2:1 unknown-secret"),
    ],
)
def test_a_line_of_json_that_is_no_account_is_a_finding(line: str, place: str) -> None:
    lines = f'{{"alias": "a"}}\n{line}\n{{"alias": "z"}}\n'
    assert places(fleet_result(LINES, {"accounts.jsonl": lines})) == [f"accounts.jsonl:{place}"]


@pytest.mark.parametrize(
    ("columns", "near"),
    [
        ("alias,config.regin", "config.region"),
        ("alias,region", "config.region"),
        ("alias,api_key", "secrets.api_key"),
        ("alias,secret.api_key", "secrets.api_key"),
    ],
)
def test_a_column_gets_the_name_that_is_meant(columns: str, near: str) -> None:
    (finding,) = fleet_result(CSV, {"accounts.csv": f"{columns}\nacme,\n"}).findings
    assert finding.code == "unknown-column"
    assert f"did you mean {near}?" in finding.message


def test_an_entry_of_the_other_section_is_told() -> None:
    text = "version: 1\njobs: [{connector: shop, config: {api_key: x}}]\n"
    (finding,) = fleet_result(text).findings
    assert "move it to `secrets`" in finding.message


def test_null_in_an_account_is_the_default_and_not_the_jobs_value() -> None:
    account = "{alias: a, config: {page: null}}"
    text = f"version: 1\njobs: [{{connector: shop, config: {{page: 5}}, accounts: [{account}]}}]\n"
    assert fleet_of(text).jobs[0].accounts[0].config == {"page": None}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_a_secret_is_accepted(name: str) -> None:
    assert not looks_like_credential(name)
    assert account_of(f"alias,secrets.api_key\nacme,{name}\n").secrets == {"api_key": name}


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("where", ["fleet", "csv", "jsonl"])
def test_a_secret_in_place_of_its_name_is_refused_and_never_shown(
    token: str, where: str, capfd: pytest.CaptureFixture[str]
) -> None:
    account = {"alias": "acme", "secrets": {"api_key": token}}
    inline = f"version: 1\njobs:\n  - connector: shop\n    accounts: [{json.dumps(account)}]\n"
    write_files(
        {
            "fleet.yaml": {"fleet": inline, "csv": CSV, "jsonl": LINES}[where],
            "accounts.csv": f"alias,secrets.api_key\nacme,{token}\n",
            "accounts.jsonl": json.dumps(account) + "\n",
        }
    )
    (finding,) = read_fleet(Path("fleet.yaml")).findings
    assert finding.code == "secret-not-a-name"
    for form in ("text", "json", "github"):
        assert main(["fleet", "validate", "fleet.yaml", "--format", form]) == 1
    assert main(["fleet", "plan", "fleet.yaml"]) == 1
    assert token not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    "line",
    [
        "secrets: sk_live_4eC39HqLyjWD",
        "api_key: sk_live_4eC39HqLyjWD",
        "alias: sk_live_4eC39HqLyjWD",
    ],
)
def test_a_secret_in_a_wrong_place_is_not_shown(
    line: str, capfd: pytest.CaptureFixture[str]
) -> None:
    alias = "" if line.startswith("alias") else "alias: acme, "
    accounts = f"[{{{alias}{line}}}]"
    write_files(
        {"fleet.yaml": f"version: 1\njobs:\n  - connector: shop\n    accounts: {accounts}\n"}
    )
    assert main(["fleet", "validate", "fleet.yaml"]) == 1
    assert main(["fleet", "plan", "fleet.yaml"]) == 1
    assert "4eC39HqLyjWD" not in "".join(capfd.readouterr())


def test_no_cell_of_a_file_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    person = "ada.lovelace"
    rows = [f"{person},eu,5", f"acme,{person},5", f"acme,eu,{person}", f"{person},{person}"]
    csv = "alias,config.region,config.page\n" + "\n".join(rows) + f'\n"{person}\n'
    write_files({"fleet.yaml": CSV, "accounts.csv": csv})
    for form in ("text", "json", "github"):
        assert main(["fleet", "validate", "fleet.yaml", "--format", form]) == 1
    assert person not in "".join(capfd.readouterr())


def test_a_file_of_something_else_is_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    write_files({"fleet.yaml": CSV, "accounts.csv": "root:x:0:0\nada:x:1:1\n"})
    assert main(["fleet", "validate", "fleet.yaml"]) == 1
    shown = "".join(capfd.readouterr())
    assert "root" not in shown
    assert "ada" not in shown
