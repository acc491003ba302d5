"""Connector files and cassettes, damaged and made up."""

from __future__ import annotations

import copy
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from framework.authoring.cassettes.cassette import read_cassette
from framework.definition.finder import bundled_root, find_connector
from framework.definition.validation import validate_document
from framework.definition.yaml_reader import parse_document
from framework.errors import CassetteError
from tests.fuzz import fuzzed, mutated, values

ROOT = Path(__file__).parents[2]
WHOLE = (bundled_root() / "connectors" / "scheduling.yaml").read_text(encoding="utf-8")
CASES = [
    file.read_text(encoding="utf-8") for file in sorted(ROOT.glob("tests/cases/*/connector.yaml"))
]
CASSETTE = """interactions:
- request:
    body: null
    headers: {Accept: [application/json]}
    method: GET
    uri: https://api.example.com/items?page=1
  response:
    body: {string: '{"items": [{"id": 1}], "next": null}'}
    headers: {Content-Type: [application/json]}
    status: {code: 200, message: OK}
metadata:
  connector: shop
  format: 1
  clock: '2026-11-23T12:00:00Z'
  config: {}
version: 1
"""


def judged(text: str) -> None:
    """Whatever is wrong with it is a finding with a place."""
    document, findings = parse_document(text, "shop.yaml")
    if document is not None:
        findings = list(
            validate_document(document, find_connector("./shop.yaml"), findings).findings
        )
    assert all(finding.line >= 1 and finding.column >= 1 for finding in findings)


@fuzzed
@given(st.text(max_size=200) | st.text("-: {}[]&*!|>'\"#%@?,\n\tab1.\u00e9", max_size=80))
def test_any_text_is_judged(text: str) -> None:
    judged(text)


@fuzzed
@given(st.sampled_from([WHOLE, *CASES]).flatmap(mutated))
def test_a_damaged_connector_file_is_judged(text: str) -> None:
    judged(text)


def pointers(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in the data."""
    inside = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [at, *(found for key, one in inside for found in pointers(one, (*at, key)))]


@st.composite
def with_another_value(draw: st.DrawFn) -> str:
    """A connector file in which some value is any JSON."""
    data = copy.deepcopy(yaml.load(draw(st.sampled_from(CASES)), yaml.BaseLoader))
    pointer = draw(st.sampled_from(pointers(data)[1:]))
    holder = data
    for key in pointer[:-1]:
        holder = holder[key]
    holder[pointer[-1]] = draw(values)
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False)


@fuzzed
@given(with_another_value())
def test_any_value_in_any_place_of_a_file_is_judged(text: str) -> None:
    judged(text)


def cassette(folder: Path, raw: bytes) -> None:
    path = folder / "shop.yaml"
    path.write_bytes(raw)
    with suppress(CassetteError):
        read_cassette(path, "shop")


@fuzzed
@given(
    raw=st.binary(max_size=100) | mutated(CASSETTE).map(lambda text: text.encode(errors="replace"))
)
def test_a_damaged_cassette_says_so(raw: bytes, tmp_path_factory: Any) -> None:
    cassette(tmp_path_factory.getbasetemp(), raw)


@st.composite
def cassette_with_another_value(draw: st.DrawFn) -> str:
    data = yaml.safe_load(CASSETTE)
    pointer = draw(st.sampled_from(pointers(data)[1:]))
    holder = data
    for key in pointer[:-1]:
        holder = holder[key]
    holder[pointer[-1]] = draw(values)
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False)


@fuzzed
@given(text=cassette_with_another_value())
def test_any_value_in_any_place_of_a_cassette_is_read_or_refused(
    text: str, tmp_path_factory: Any
) -> None:
    cassette(tmp_path_factory.getbasetemp(), text.encode())
