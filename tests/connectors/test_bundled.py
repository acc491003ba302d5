"""Each bundled connector: valid, replayed, and read twice from a mock of its recording."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from framework.api import valid_connector
from framework.authoring.cassettes.cassette import read_cassette
from framework.authoring.cassettes.snapshot import test_connector as replay_cassette
from framework.definition.finder import bundled_connectors, cassette_path, find_connector
from framework.definition.model import Connector
from framework.definition.validation import validate
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.mock.mock_adapter import MockAdapter
from framework.mock.mock_builder import open_mock
from framework.mock.mock_options import MockOptions
from framework.runtime.environment import Environment, StopSignal
from framework.runtime.settings import STAND_IN
from tests.connectors.vendor_server import NOW

NAMES = [location.name for location in bundled_connectors()]
FROM_DOCUMENTATION = [name for name in NAMES if find_spec(f"tests.connectors.{name}_api")]


def bundled(name: str) -> Connector:
    return valid_connector(find_connector(name))


@pytest.mark.parametrize("name", NAMES)
def test_file_has_no_finding_and_declares_each_table(name: str) -> None:
    assert validate(find_connector(name)).findings == ()
    connector = bundled(name)
    assert connector.category
    assert connector.caveat
    for resource in connector.resources:
        assert resource.schema is not None, resource.name
    for secret in connector.secrets.values():
        assert secret.description


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("project")
def test_recording_gives_the_expected_tables(name: str) -> None:
    result = replay_cassette(bundled(name), update=False, stop=StopSignal())
    assert result.problems == ()


@pytest.mark.parametrize("name", FROM_DOCUMENTATION)
def test_recording_has_a_second_page_a_child_and_an_error(name: str) -> None:
    connector = bundled(name)
    assert len(connector.resources) >= 10
    assert sum(resource.selected for resource in connector.resources) >= 5
    cassette = read_cassette(cassette_path(find_connector(name)), name)
    assert any(one.status in (429, 500, 502, 503, 504) for one in cassette.interactions)
    assert any(resource.parents for resource in connector.resources)
    expected = yaml.safe_load(
        cassette_path(find_connector(name)).with_suffix(".expected.yaml").read_text("utf-8")
    )
    loaded = {table for table, facts in expected["tables"].items() if facts["rows"]}
    for resource in connector.resources:
        if cassette.resources and resource.name not in cassette.resources:
            continue
        assert (resource.hints.get("table_name") or resource.name) in loaded


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.slow
def test_mock_of_the_recording_is_read_in_full_and_again(name: str, project: Path) -> None:
    connector = bundled(name)
    cassette = read_cassette(cassette_path(find_connector(name)), name)
    mock = open_mock(connector, MockOptions(), cassette)
    settings = {**dict.fromkeys(connector.secrets, STAND_IN), **(cassette.config or {})}
    options = RunOptions(resources=cassette.resources or None, config=settings)
    for _ in range(2):
        environment = Environment(now=NOW, transport=lambda _: MockAdapter(mock.api), waits=False)
        report = run(connector, options, environment, lambda _: None)
        assert report.status == "ok"
        failed = {one: part.error for one, part in report.resources.items() if part.error}
        assert failed == {}
