"""Small manifests by the module that they exercise, each with what it becomes."""

import pytest
import yaml

from framework.importers.airbyte.components.component_registry import REGISTRY
from framework.importers.airbyte.manifest_normalizer import renew
from tests.support.airbyte_cases import (
    CASE_FILES,
    MANIFESTS,
    case_text,
    cases,
    expected_texts,
    manifest,
)

CASES = [
    pytest.param(file, case, id=f"{file.stem}: {case['what']}")
    for file in CASE_FILES
    for case in cases(file)
]
FAMILIES = sorted(
    {one.__module__.rpartition(".")[2] for by_type in REGISTRY.values() for one in by_type.values()}
)


@pytest.mark.parametrize(("file", "case"), CASES)
def test_a_manifest_becomes_this_connector_and_has_no_findings(file, case):
    text = case_text(case)
    assert text == expected_texts(file)[case["what"]]
    assert "--- error:" not in text
    assert "--- warning:" not in text


@pytest.mark.parametrize("file", CASE_FILES, ids=lambda file: file.stem)
def test_every_expected_text_has_a_case(file):
    assert list(expected_texts(file)) == [case["what"] for case in cases(file)]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_module_that_registers_components_has_cases(family):
    assert family in {file.stem for file in CASE_FILES}


def types_in(node):
    """Every `type` in a manifest."""
    if isinstance(node, dict):
        own = {node["type"]} if isinstance(node.get("type"), str) else set()
        return own.union(*map(types_in, node.values()))
    return set().union(*map(types_in, node)) if isinstance(node, list) else set()


def test_every_registered_component_is_in_a_manifest():
    whole = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in MANIFESTS]
    small = [manifest(case) for file in CASE_FILES for case in cases(file)]
    used = types_in([*(renew(one) for one in whole), *(renew(one) for one in small)])
    registered = {kind for handlers in REGISTRY.values() for kind in handlers if kind}
    assert registered - used == set()
