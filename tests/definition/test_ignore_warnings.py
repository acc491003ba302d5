"""`ignore_warnings`: which warnings a resource's list leaves out, and what it cannot."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from framework.definition.rules.rule import RULES
from framework.events import RUN_WARNINGS
from tests.support.validating import judge_text

ROOT = Path(__file__).parents[2]
HEAD = """\
version: 1
name: example
client: {base_url: "https://api.example.com", paginator: single_page}
"""


def judged(rest: str) -> tuple[list[str], dict[str, int]]:
    result = judge_text(HEAD + rest)
    return [finding.code for finding in result.findings], dict(result.ignored)


def test_a_warning_is_left_out_and_counted_for_its_resource_only() -> None:
    rest = """\
resources:
  - {name: a, write_disposition: append, ignore_warnings: [append-repeats]}
  - {name: b, write_disposition: append}
"""
    assert judged(rest) == (["append-repeats"], {"append-repeats": 1})


def test_defaults_count_for_each_resource_without_a_list_of_its_own() -> None:
    rest = """\
resource_defaults: {ignore_warnings: [append-repeats], write_disposition: append}
resources:
  - {name: a, write_disposition: append}
  - {name: b, write_disposition: append, ignore_warnings: [no-records]}
"""
    assert judged(rest) == (["append-repeats"], {"append-repeats": 1})
    whole = rest.replace("ignore_warnings: [no-records]", "ignore_warnings: null")
    assert judged(whole) == (["append-repeats"], {"append-repeats": 1})


def test_a_default_that_no_resource_needs_is_told_once() -> None:
    rest = """\
resource_defaults: {ignore_warnings: [append-repeats, no-records]}
resources:
  - {name: a, write_disposition: replace}
  - {name: b, write_disposition: replace}
"""
    assert judged(rest) == (["ignored-nothing"], {})


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("append-repeat", "did you mean append-repeats?"),
        ("no-recods", "did you mean no-records?"),
        ("unknown-key", "cannot be ignored"),
        ("ignored-nothing", "cannot be ignored"),
        ("xyz", "as it is shown"),
    ],
)
def test_only_a_warning_can_be_ignored(code: str, said: str) -> None:
    (finding,) = judge_text(
        f"{HEAD}resources: [{{name: a, write_disposition: replace, ignore_warnings: [{code}]}}]\n"
    ).findings
    assert (finding.code, finding.severity) == ("not-a-warning", "error")
    assert said in finding.message


def test_an_error_is_not_ignored() -> None:
    found, _ = judged(
        "resources: [{name: a, write_disposition: replace, colour: 1, "
        "ignore_warnings: [unknown-key]}]\n"
    )
    assert sorted(found) == ["not-a-warning", "unknown-key"]


@pytest.mark.parametrize("written", ["append-repeats", "[1]", "[[]]", "{a: 1}"])
def test_another_shape_is_one_finding(written: str) -> None:
    found, ignored = judged(
        f"resources: [{{name: a, write_disposition: replace, ignore_warnings: {written}}}]\n"
    )
    assert (found, ignored) == (["wrong-type"], {})


NOT_RUN_WARNINGS = {
    # of errors
    *("job-without-url", "job-not-ready", "job-failed", "list-missing", "format-differs"),
    *("next-unreadable", "next-repeated"),
    # of no resource, or of a command that loads nothing
    *("ledger-not-written", "refresh-token-changed", "selector-no-match"),
    # names of headers, threads, files and dlt's strategies
    *("content-length", "set-cookie", "transfer-encoding", "www-authenticate"),
    *("framework-arrow", "framework-extract", "framework-fetch", "framework-files"),
    *("framework-key", "framework-read", "merge-strategy", "normalizer"),
    *("delete-insert", "read-only", "seen-data"),
}


def test_every_warning_of_a_run_is_known() -> None:
    found: set[str] = set()
    for package in ("http", "extract", "load", "ledger"):
        for file in (ROOT / "framework" / package).rglob("*.py"):
            texts = re.findall(r'"([a-z]+(?:-[a-z]+)+)"', file.read_text(encoding="utf-8"))
            found.update(text.removeprefix("x-") for text in texts)
    found |= {"discarded"}
    assert found - NOT_RUN_WARNINGS - {"gzip"} == RUN_WARNINGS


def test_no_code_is_of_both() -> None:
    assert RUN_WARNINGS.isdisjoint(code for one in RULES for code in one.codes)
