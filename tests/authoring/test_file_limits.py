"""Files that cost more than their size: nested too deep, multiplied by aliases, without an end."""

import copy
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from framework.authoring.cassettes.cassette import read_cassette
from framework.authoring.cassettes.replayer import ReplayAdapter
from framework.authoring.cassettes.snapshot import compare, read_expected
from framework.definition.yaml_limits import LimitExceeded, Limits, load_limited
from framework.definition.yaml_reader import read_document
from framework.errors import CassetteError
from framework.importers.airbyte.manifest import read_manifest
from framework.importers.import_report import ManifestError

DEEP = [
    "[" * 100_000 + "]" * 100_000,
    "{a: " * 100_000 + "1" + "}" * 100_000,
    "- " * 50_000 + "a",
    "? " * 50_000,
    "\n".join(" " * depth + "a:" for depth in range(3_000)),
    "\n".join(" " * depth + "-" for depth in range(3_000)),
]


@pytest.mark.parametrize("text", DEEP, ids=lambda text: text[:4])
def test_what_nests_too_deep_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "deep.yaml"
    file.write_text(text)
    with pytest.raises(CassetteError, match="nested too deeply"):
        read_cassette(file, "shop")
    with pytest.raises(ManifestError, match="nested too deeply"):
        read_manifest(file)


def test_brackets_in_texts_nest_nothing() -> None:
    limits = Limits(size=1, depth=3)
    for text in (f'a: "{"[" * 1_000}"', "a: {b: [1, {c: 2}]}\nd: |\n" + " " * 300 + "text\n"):
        assert load_limited(text, yaml.SafeLoader, replace(limits, depth=4)).keys() >= {"a"}


BOMB = "a0: &a0 [1, 1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
BOUNDS = [
    (BOMB, "has aliases that add more than 100,000 values"),
    ("a: &a [*a]\n", "inside itself, which would never end"),
]


@pytest.mark.parametrize(("text", "bound"), BOUNDS, ids=["bomb", "circle"])
def test_what_aliases_or_values_multiply_is_refused(tmp_path: Path, text: str, bound: str) -> None:
    file = tmp_path / "large.yaml"
    file.write_text(text)
    with pytest.raises(CassetteError, match=bound):
        read_cassette(file, "shop")
    with pytest.raises(CassetteError, match=bound):
        read_expected(file, "shop")
    with pytest.raises(ManifestError, match=bound):
        read_manifest(file)


def test_values_are_counted() -> None:
    with pytest.raises(LimitExceeded, match="has more than 9 values"):
        load_limited("a: [1, 2, 3, 4, 5, 6, 7, 8, 9]", yaml.SafeLoader, Limits(size=1, values=9))


def test_devices_are_not_read(tmp_path: Path) -> None:
    link = tmp_path / "zero.yaml"
    link.symlink_to("/dev/zero")
    for read in (read_cassette, read_expected):
        with pytest.raises(CassetteError, match="is a device"):
            read(link, "shop")
    with pytest.raises(ManifestError, match="is a device"):
        read_manifest(link)
    _, [finding] = read_document(link)
    assert (finding.code, "is a device" in finding.message) == ("unreadable-file", True)


ODD = [None, True, -1, 1.5, 10**30, float("inf"), "", "x", "http://[", b"\xff", [], [1], {1: 2}]
CASSETTE = {
    "interactions": [
        {
            "request": {
                "method": "GET",
                "uri": "http://a/b",
                "body": None,
                "headers": {"A": ["b"]},
            },
            "response": {
                "status": {"code": 200, "message": "OK"},
                "headers": {"A": ["b"]},
                "body": {"string": "[]"},
            },
        }
    ],
    "version": 1,
    "metadata": {"connector": "shop", "format": 1, "clock": "2026-01-01T00:00:00Z", "config": {}},
}
TABLE = {"rows": 1, "columns": {"id": "bigint"}, "primary_key": ["id"], "first_rows": [{"id": 1}]}
EXPECTED = {"format": 1, "tables": {"items": TABLE}}


def with_odd_values(value: Any, pointer: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of everything in a file."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for step, inner in list(items):
        yield (*pointer, step)
        if isinstance(inner, (dict, list)):
            yield from with_odd_values(inner, (*pointer, step))


@pytest.mark.parametrize("kind", ["cassette", "expected"])
def test_a_value_of_another_type_is_a_broken_file(tmp_path: Path, kind: str) -> None:
    """Each value in turn is of every other kind: the file is read, or is an error of ours."""
    file = tmp_path / "shop.yaml"
    whole = CASSETTE if kind == "cassette" else EXPECTED
    for pointer in with_odd_values(whole):
        for odd in ODD:
            data = holder = copy.deepcopy(whole)
            for step in pointer[:-1]:
                holder = holder[step]
            holder[pointer[-1]] = odd
            file.write_text(yaml.dump(data, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper)))
            with suppress(CassetteError):
                if kind == "cassette":
                    ReplayAdapter(read_cassette(file, "shop"))
                else:
                    compare(read_expected(file, "shop"), EXPECTED)
