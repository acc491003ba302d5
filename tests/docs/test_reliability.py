"""Each sentence of a section of docs/reliability.md names the tests that prove it, which exist.

A sentence that is changed needs its entry changed, and so another look at its tests.
"""

import ast
import re
from functools import cache

import pytest
import yaml

from tests.support.docs_blocks import ROOT, read

PROOFS = yaml.safe_load((ROOT / "tests/docs/reliability.yaml").read_text(encoding="utf-8"))
HOSTILE = "hostile servers (the tables above)"
FAULTS = {
    "responses without the list": [
        "responses_without_a_list",
        "everything_came",
        "formats_not_as_promised",
        "quiet_ends",
        "empty_elements",
    ],
    "what paging counts": ["counted_elements", "jsonpath_lists"],
    "ends against the API's word": [
        "ended_early",
        "ended_by_a_rule",
        "capped_pages",
        "counted_from_one",
        "totals_change",
        "last_page_again",
        "read_to_its_end",
        "refused_numbers",
    ],
    "Link headers and links": ["link_headers", "links_without_params"],
    "watermarks and cursors": [
        "dated_in_the_future",
        "numbers_as_text",
        "outside_the_range",
        "bounds_as_written",
    ],
    "versions of a key, tables of two resources": ["versions_of_a_key", "table_of_list_and_detail"],
    "values, columns and names": [
        "values_out_of_range",
        "large_floats",
        "nested_columns",
        "keys_of_one_column",
        "csv_odd_lines",
        "times_past_all_years",
        "empty_in_paths",
    ],
    "credentials from responses": ["tokens_of_parents"],
    "placeholders, parents and imported paths": [
        "client_headers",
        "parent_fields_quoted",
        "several_parents",
        "unset_in_one_path",
    ],
}
"""Case folders of each kind of fault."""
SENTENCE_END = re.compile(r"(?<=\.)\s+(?=[A-Z`])")


def section(heading):
    """Return the text between a heading and the next one."""
    found = re.split(r"^#+ (.+)\n", read("docs/reliability.md"), flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))[heading]


def sentences(text):
    """Return the sentences of paragraphs and lists, and the rows of tables, each on one line."""
    said = []
    for part in text.strip().split("\n\n"):
        if part.startswith("|"):
            rows = [re.sub(r"\s+", " ", line.strip("| ")) for line in part.splitlines()]
            said += rows[2:]
            continue
        for item in re.split(r"^- ", part, flags=re.MULTILINE):
            said += [one for one in SENTENCE_END.split(" ".join(item.split())) if one]
    return said


@cache
def functions(file):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@cache
def resources(folder):
    connector = yaml.safe_load((folder / "connector.yaml").read_text(encoding="utf-8"))
    return {one if isinstance(one, str) else one["name"] for one in connector["resources"]}


def exists(test):
    """Return whether a test function or the resource of a case exists."""
    file, _, function = test.partition("::")
    if function:
        return (ROOT / file).is_file() and function in functions(file)
    *folder, resource = file.split("/")
    path = ROOT.joinpath(*folder)
    return path.parent == ROOT / "tests/cases" and path.is_dir() and resource in resources(path)


@pytest.mark.parametrize("heading", PROOFS)
def test_each_sentence_has_tests(heading):
    assert [one["says"] for one in PROOFS[heading]] == sentences(section(heading))
    assert [one["says"] for one in PROOFS[heading] if not one["tests"]] == []


@pytest.mark.parametrize("heading", PROOFS)
def test_the_tests_exist(heading):
    named = [test for one in PROOFS[heading] for test in one["tests"]]
    assert [test for test in named if not exists(test)] == []


@pytest.mark.parametrize("kind", FAULTS)
def test_the_table_of_faults_counts_no_more_than_there_are(kind):
    rows = [row.split(" | ") for row in sentences(section("Faults that were tried"))]
    shown = {row[0]: [int(cell) for cell in row[1:]] for row in rows if len(row) == 5}
    assert shown.keys() == {*FAULTS, HOSTILE}
    tried, loud, right, silent = shown[kind]
    assert (loud + right, silent) == (tried, 0)
    counted_loud, counted_right = counts(FAULTS[kind])
    assert loud <= counted_loud
    assert right <= counted_right


def counts(folders):
    """Return how many resources of cases are loud in some run, and how many are not."""
    loud = right = 0
    for folder in folders:
        path = ROOT / "tests/cases" / folder
        expected = yaml.safe_load((path / "expected.yaml").read_text(encoding="utf-8"))
        runs = expected.get("runs", [expected])
        told = {name for run in runs for name in run.get("error") or {}}
        told |= {line.split()[0] for run in runs for line in run.get("warnings") or []}
        loud += len(resources(path) & told)
        right += len(resources(path) - told)
    return loud, right
