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
    return {one["name"] for one in connector["resources"]}


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
