"""`check --deep --apply`: changes to the file, one by one, each proved by another reading."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framework.cli.main import main
from tests.support.run_verbs import connector_of
from tests.support.servers.web import Answer, Asked, Web

Json = Any
pytestmark = pytest.mark.usefixtures("project")
ROWS = [
    {"uid": f"r{n}", "at": f"2026-01-{n + 1:02}T00:00:00Z", "note": "private"} for n in range(25)
]


def spring(asked: Asked) -> Answer:
    """Ten records a page, whose number counts from 0."""
    page = int(asked.param("page", "0") or 0)
    rows = ROWS[10 * page : 10 * page + 10]
    return Answer(200, {"content": rows, "number": page, "totalPages": 3, "last": page >= 2})


FILE = """\
# The shop's own API.
version: 1
name: shop
client:
  base_url: {url}      # its only host
  retry: {{max_retries: 0}}

resource_defaults:
  write_disposition: merge

resources:
  # rows, ten a page
  - name: rows
    primary_key: id    # as the documentation has it
    endpoint:
      path: /rows
      data_selector: items   # the list

      # one page is enough?
      paginator: single_page
  - name: others         # not to be touched
    primary_key: [uid,   at]
    endpoint: {{path: /others, data_selector: content,   paginator: single_page}}
"""


@pytest.fixture
def file(web: Web, project: Path) -> Path:
    web.on("/rows", spring)
    web.on("/others", Answer(200, {"content": ROWS[:3]}))
    file = project / "connectors" / "shop.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(FILE.format(url=web.url), "utf-8")
    return file


def test_all_faults_of_a_resource_are_fixed_one_behind_the_other(
    file: Path, web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    before = file.read_text("utf-8")
    assert main(["check", "shop", "--deep", "--apply", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    fixed = [(one["about"], one["code"]) for one in found if one["outcome"] == "fixed"]
    assert fixed == [
        ("data_selector", "selector-no-match"),
        ("primary_key", "key-missing"),
        ("paginator", "no-next"),
    ]
    rows = {one["about"]: one["outcome"] for one in found if one["resource"] == "rows"}
    assert rows == {"data_selector": "ok", "primary_key": "ok", "paginator": "ok"}
    changed = [
        (old, new)
        for old, new in zip(before.splitlines(), file.read_text("utf-8").splitlines(), strict=True)
        if old != new
    ]
    assert changed == [
        (
            "    primary_key: id    # as the documentation has it",
            "    primary_key: uid    # as the documentation has it",
        ),
        (
            "      data_selector: items   # the list",
            "      data_selector: content   # the list",
        ),
        (
            "      paginator: single_page",
            "      paginator: {type: page_number, base_page: 0, total_path: totalPages}",
        ),
    ]
    assert main(["run", "shop", "--format", "json", "--resources", "rows"]) == 0
    assert json.loads(capsys.readouterr().out)["resources"][0]["rows"] == len(ROWS)


def test_a_file_that_is_right_stays_as_it_is(file: Path) -> None:
    assert main(["check", "shop", "--deep", "--apply"]) == 0
    before = file.read_bytes(), file.stat().st_mtime_ns
    assert main(["check", "shop", "--deep", "--apply"]) == 0
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


def test_without_apply_nothing_is_written(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = file.read_bytes()
    assert main(["check", "shop", "--deep"]) == 1
    assert "+      data_selector: content   # the list" in capsys.readouterr().out
    assert file.read_bytes() == before


def test_line_ends_of_another_system_are_kept(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert main(["check", "shop", "--deep", "--apply"]) == 0
    written = file.read_bytes()
    assert b"data_selector: content" in written
    assert written.count(b"\n") == written.count(b"\r\n")


@pytest.mark.parametrize(
    ("answers", "selector", "key", "code"),
    [
        ("y\ny\ny\n", "content", "uid", 0),
        ("a\n", "content", "uid", 0),
        ("y\nn\nq\n", "content", "id", 1),
        ("y\n", "content", "id", 1),
        ("n\n", "items", "id", 1),
        ("q\n", "items", "id", 1),
        ("", "items", "id", 1),
    ],
)
def test_each_change_is_written_only_if_it_is_agreed_to(
    answers: str,
    selector: str,
    key: str,
    code: int,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(answers))
    assert main(["check", "shop", "--deep", "--interactive"]) == code
    out, err = capsys.readouterr()
    assert err.count("Apply this change?") <= 3
    assert "+      data_selector: content" in err
    assert "private" not in out + err
    text = file.read_text("utf-8")
    assert f"data_selector: {selector} " in text
    assert f"primary_key: {key} " in text


def test_a_change_of_another_program_meanwhile_is_not_overwritten(
    file: Path, web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    def edited(asked: Asked) -> Answer:
        if "edited" not in file.read_text("utf-8"):
            file.write_text(f"{file.read_text('utf-8')}# edited\n", "utf-8")
        return spring(asked)

    web.on("/rows", edited)
    # the first request edits the file; what is then proposed is made of the new text
    assert main(["check", "shop", "--deep", "--apply"]) == 0
    assert file.read_text("utf-8").endswith("# edited\n")
    late = iter(range(100))

    def edited_late(asked: Asked) -> Answer:
        if next(late) == 2:
            file.write_text(f"{file.read_text('utf-8')}# late\n", "utf-8")
        return spring(asked)

    file.write_text(
        file.read_text("utf-8").replace("selector: content ", "selector: items "), "utf-8"
    )
    web.on("/rows", edited_late)
    assert main(["check", "shop", "--deep", "--apply"]) == 1
    assert "changed by another program" in capsys.readouterr().err
    assert "data_selector: items" in file.read_text("utf-8")


def test_apply_without_deep_is_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "shop", "--apply"]) == 2
    assert "add --deep" in capsys.readouterr().err


def test_a_connector_of_the_package_is_not_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("framework.authoring.scaffold.file_writer.bundled_root", lambda: Path("/x"))
    assert main(["check", "nowhere", "--deep", "--apply"]) == 2
    assert "nowhere" in capsys.readouterr().err


def zero_based(asked: Asked) -> Answer:
    """Pages count from 0, and nothing in the response says so."""
    page = int(asked.param("page", "0") or 0)
    return Answer(200, {"content": ROWS[10 * page : 10 * page + 10], "total": len(ROWS)})


def one_based_offset(asked: Asked) -> Answer:
    """The first record has the number 1, as in SCIM."""
    start = max(int(asked.param("startIndex", "1") or 1), 1)
    size = int(asked.param("count", "10") or 10)
    rows = ROWS[start - 1 : start - 1 + size]
    return Answer(
        200, {"content": rows, "totalResults": 25, "startIndex": start, "itemsPerPage": len(rows)}
    )


def odata(asked: Asked) -> Answer:
    """The next page's address, and a total of all."""
    at = int(asked.param("$skip", "0") or 0)
    body: Json = {"@odata.count": 25, "content": ROWS[at : at + 10]}
    if at + 10 < len(ROWS):
        body["@odata.nextLink"] = f"http://{asked.headers['host']}/rows?$skip={at + 10}"
    return Answer(200, body)


def jira(asked: Asked) -> Answer:
    """The parameters stand in the response."""
    at, size = int(asked.param("startAt", "0") or 0), int(asked.param("maxResults", "10") or 10)
    body = {"startAt": at, "maxResults": size, "total": 25, "content": ROWS[at : at + size]}
    return Answer(200, body)


def stripe(asked: Asked) -> Answer:
    """The last record's id is the cursor."""
    after = asked.param("starting_after")
    at = 0 if after is None else 1 + [row["uid"] for row in ROWS].index(after)
    return Answer(200, {"content": ROWS[at : at + 10], "has_more": at + 10 < len(ROWS)})


def posted(asked: Asked) -> Answer:
    """The page's number is in the body."""
    page = (asked.json() or {}).get("page", 1)
    return Answer(200, {"content": ROWS[10 * page - 10 : 10 * page], "total": 25})


def capped(asked: Asked) -> Answer:
    """At most ten a page."""
    page, size = int(asked.param("page", "1") or 1), min(10, int(asked.param("size", "10") or 10))
    return Answer(200, {"content": ROWS[size * (page - 1) : size * page], "total": 25})


def atom(asked: Asked) -> Answer:
    """XML with a link to the next page; the last page has one link, which is no list then."""
    page = int(asked.param("page", "1") or 1)
    rows = "".join(
        f"<row><uid>{row['uid']}</uid></row>" for row in ROWS[10 * page - 10 : 10 * page]
    )
    link = f'<link rel="next" href="/rows?page={page + 1}"/>' if page < 3 else ""
    return Answer(200, f'<content><link rel="self" href="/rows"/>{link}{rows}</content>')


def oai(asked: Asked) -> Answer:
    """XML with a token, whose element is empty on the last page."""
    at = int(asked.param("resumptionToken", "0") or 0)
    rows = "".join(f"<row><uid>{row['uid']}</uid></row>" for row in ROWS[at : at + 10])
    token = str(at + 10) if at + 10 < len(ROWS) else ""
    element = f'<resumptionToken completeListSize="25">{token}</resumptionToken>'
    return Answer(200, f"<content>{rows}{element}</content>")


IN_XML = {"response_format": {"type": "xml", "lists": ["row"]}, "data_selector": "content.row"}


@pytest.mark.parametrize(
    ("answer", "endpoint", "written"),
    [
        (zero_based, {}, "base_page: 0"),
        (one_based_offset, {}, "offset: 1"),
        (odata, {}, "next_url_path"),
        (jira, {}, "offset_param: startAt"),
        (stripe, {}, "last_record.uid"),
        (atom, IN_XML, "to_array(content.link)"),
        (oai, IN_XML, "resumptionToken"),
        (posted, {"method": "POST", "json": {"page": 1}}, "page_body_path: page"),
        (
            capped,
            {
                "paginator": {
                    "type": "page_number",
                    "base_page": 1,
                    "total_path": None,
                    "page_size": 100,
                    "page_size_param": "size",
                    "stop_when": "length(records) < paginator.limit",
                }
            },
            "page_size: 10",
        ),
        (
            capped,
            {
                "params": {"size": 100},
                "paginator": {
                    "type": "page_number",
                    "base_page": 1,
                    "total_path": None,
                    "stop_when": "length(records) < `100`",
                },
            },
            "base_page: 1\n      total_path: null\n    params:",
        ),
    ],
)
def test_the_paginator_that_is_written_reads_every_record_once(
    answer: Callable[[Asked], Answer],
    endpoint: Json,
    written: str,
    web: Web,
    project: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    web.on("/rows", answer)
    whole = {"path": "/rows", "data_selector": "content", "paginator": "single_page", **endpoint}
    rows = {"name": "rows", "primary_key": "uid", "write_disposition": "merge", "endpoint": whole}
    connector_of(project, {"client": {"base_url": web.url}, "resources": [rows]})
    assert main(["check", "shop", "--deep", "--apply"]) == 0, capsys.readouterr().out
    assert written in (project / "connectors" / "shop.yaml").read_text("utf-8")
    capsys.readouterr()
    assert main(["run", "shop", "--format", "json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)["resources"]
    assert report["rows"] == len(ROWS)
    assert [one["code"] for one in report["warnings"]] == []
