"""A dataset and working folders that the previous version left: this version continues them.

`previous_version/README.md` says what the files are and how they were made.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import zlib
from pathlib import Path
from urllib.parse import urlencode

import duckdb
import pytest

from framework.definition.finder import find_connector
from framework.definition.model import Connector
from framework.definition.validation import validate
from framework.load.destinations.target import target_of
from framework.load.persistence.recovery import FINISHED
from framework.load.report import Report
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.runtime.environment import Environment
from tests.load.previous_version import api
from tests.support.loaded_tables import left_in
from tests.support.servers.web import Asked, Web
from tests.support.slow_params import quick_first

FILES = Path(__file__).parent / "previous_version"
EXPECTED = json.loads((FILES / "expected.json").read_text())
PREVIOUS_PIPELINE = json.loads((FILES / "extracted/working_folder/state.json").read_text())[
    "pipeline_name"
]
PATHS = ("/customers/{id}/{list}", "/{list}")


def shop() -> Connector:
    """Return the connector that the files belong to."""
    result = validate(find_connector(str(FILES / "shop.yaml")))
    assert result.connector is not None, result.findings
    return result.connector


def with_pipeline(text: str, pipeline: str) -> str:
    """Return the text with the name of this pipeline, also in dlt's compressed states."""

    def encode(found: re.Match[str]) -> str:
        state = zlib.decompress(base64.b64decode(found[0]))
        return base64.b64encode(zlib.compress(state.replace(*names))).decode()

    names = (PREVIOUS_PIPELINE.encode(), pipeline.encode())
    return re.sub("eN[A-Za-z0-9+/]{100,}=*", encode, text).replace(PREVIOUS_PIPELINE, pipeline)


def copy_with_pipeline(source: Path, target: Path, pipeline: str) -> None:
    """Copy a folder; put the name of this pipeline into its texts."""
    shutil.copytree(source, target)
    for file in (path for path in target.rglob("*") if path.is_file()):
        if file.suffix != ".parquet":
            file.write_text(with_pipeline(file.read_text(), pipeline))


def restore_working_folder(step: str, target: Path, pipeline: str) -> None:
    """Copy the working folder that a run left after `step`, with the folders that git drops."""
    copy_with_pipeline(FILES / step / "working_folder", target, pipeline)
    for line in (FILES / "empty_folders.txt").read_text().splitlines():
        parts = Path(line).parts
        if parts[0] == step:
            target.joinpath(*parts[2:]).mkdir(parents=True, exist_ok=True)


def restore_dataset(folder: Path, pipeline: str, loads: Path | None = None) -> None:
    """Create the DuckDB file from the export, with these rows in `_dlt_loads` if given."""
    export = folder / "export"
    copy_with_pipeline(FILES / "dataset", export, pipeline)
    if loads is not None:
        shutil.copy(loads, export / "shop_data__dlt_loads.csv")
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute((export / "schema.sql").read_text())
        connection.execute((export / "load.sql").read_text().replace("{folder}", str(export)))


def continue_on_day(day: int, web: Web, options: RunOptions) -> tuple[Report, list[str]]:
    """Run this version against the API of a day; return the report and the requests."""
    requests: list[str] = []

    def handle(request: Asked) -> object:
        query = f"?{urlencode(request.query)}" if request.query else ""
        requests.append(f"{request.path}{query}")
        return {"items": api.records(day, request.path, request.param("since"))}

    for path in PATHS:
        web.on(path, handle)
    return run(shop(), options, Environment(waits=False)), sorted(requests)


def options_in(folder: Path, web: Web) -> RunOptions:
    """Return the options of a run into the folder."""
    return RunOptions(folder=folder, pipelines=folder / "dlt", config={"base_url": web.url})


def test_a_dataset_of_the_previous_version_is_continued(web: Web, project: Path) -> None:
    options = options_in(project, web)
    restore_dataset(project, target_of(shop(), options).pipeline)
    report, requests = continue_on_day(2, web, options)
    assert (report.status, report.notes) == ("ok", [])
    assert {"requests": requests, "rows": left_in(project).trees} == EXPECTED["continued"]


@pytest.mark.parametrize(
    "destination_type", quick_first("framework.run.duckdb_files.DuckDbFiles", None)
)
@pytest.mark.parametrize("step", ["extracted", "normalized"])
def test_a_package_of_the_previous_version_is_loaded_first(
    web: Web, project: Path, step: str, destination_type: str | None
) -> None:
    """`destination_type` is the module that older working folders name; it is gone by now."""
    options = options_in(project, web)
    pipeline = target_of(shop(), options).pipeline
    restore_dataset(project, pipeline, FILES / step / "loads.csv")
    working_folder = project / "dlt" / pipeline
    restore_working_folder(step, working_folder, pipeline)
    if destination_type is not None:
        file = working_folder / "state.json"
        state = json.loads(file.read_text())
        file.write_text(json.dumps({**state, "destination_type": destination_type}))
    report, requests = continue_on_day(3, web, options)
    assert (report.status, report.notes) == ("ok", [FINISHED])
    assert {"requests": requests, "rows": left_in(project).trees} == EXPECTED[step]
