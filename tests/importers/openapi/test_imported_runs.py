"""An imported file runs: against its own mock, every resource has rows."""

from pathlib import Path

import pytest

from framework.api import valid_connector
from framework.definition.finder import Location
from framework.importers.import_report import write_imported
from framework.importers.openapi.openapi_import import import_openapi
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.mock.mock_adapter import MockAdapter
from framework.mock.mock_builder import open_mock
from framework.mock.mock_options import MockOptions
from framework.mock.mock_run import mocked_options
from framework.runtime.environment import Environment

CASES = Path(__file__).with_name("cases")


@pytest.mark.parametrize("case", ["kinds", "several_files"])
def test_every_resource_has_rows(case, tmp_path):
    imported = import_openapi(str(CASES / case / "description.yaml"), case)
    file = tmp_path / "connectors" / f"{case}.yaml"
    write_imported(imported, file)
    connector = valid_connector(Location(case, file, tmp_path, str(file)))
    config = {name: "1" for name, one in connector.config.items() if one.default is None}
    mock = open_mock(connector, MockOptions(invented=True, rows=3, config=config))
    adapter = MockAdapter(mock.api)
    options = RunOptions(folder=tmp_path, pipelines=tmp_path / "pipelines", config=config)
    environment = Environment(transport=lambda _: adapter, waits=False)
    report = run(connector, mocked_options(connector, options), environment)
    rows = {one["name"]: (one["status"], one["rows"] > 0) for one in report.as_dict()["resources"]}
    assert rows == dict.fromkeys(imported.resources, ("ok", True))
