"""Every connector with a recording loads the same tables from its mock, at any page size.

A run takes a second, so most cases have one of the sizes; their neighbours have the others. Of the
cases beside the project, every fourth one is run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.authoring.cassettes.cassette import cassette_path, read_cassette
from framework.definition.finder import find_connector
from framework.definition.validation import validate
from framework.mock.mock_builder import open_mock
from framework.mock.mock_options import MockOptions
from tests.support.case import Case, cases
from tests.support.mocked_cases import (
    SHARED,
    RecordedCase,
    loaded_from_mock,
    loaded_from_recording,
    record_case,
    record_shared,
    shared_connectors,
    shared_recordings,
)
from tests.support.servers.web import Web

SIZES = (1, 3, 100)
QUICK = {
    "csv_pages",
    "dlt_children",
    "export_jobs",
    "pages_by_cursor",
    "parent_fields_quoted",
    "watermark_per_parent",
}
"""Cases that are run each time; the others are slow together."""
BUNDLED = sorted((Path(__file__).parents[2] / "connectors").glob("*.yaml"))


def case_params() -> list[Any]:
    return [
        pytest.param(case, SIZES, id=case.folder.name)
        if case.folder.name in QUICK
        else pytest.param(case, sizes(number), id=case.folder.name, marks=pytest.mark.slow)
        for number, case in enumerate(cases())
    ]


def sizes(number: int) -> tuple[int, ...]:
    """The size of the pages of one case of many."""
    return (SIZES[number % len(SIZES)],)


def compare(case: RecordedCase, folder: Path, page_sizes: tuple[int, ...] = SIZES) -> None:
    """The mock gives the tables of the recording, at every one of these page sizes."""
    (folder / "replayed").mkdir()
    _, expected = loaded_from_recording(case, folder / "replayed")
    for size in page_sizes:
        mock = open_mock(case.connector, MockOptions(page_size=size), case.cassette)
        place = folder / f"pages_of_{size}"
        place.mkdir()
        report, found = loaded_from_mock(case, mock, place)
        errors = {name: part.error for name, part in report.resources.items() if part.error}
        assert found == expected, (size, errors)


@pytest.mark.parametrize("file", BUNDLED, ids=lambda file: file.stem)
def test_a_bundled_connector_loads_its_recording_from_the_mock(file: Path, tmp_path: Path) -> None:
    connector = validate(find_connector(file.stem)).connector
    assert connector is not None
    cassette = read_cassette(cassette_path(connector), connector.name)
    compare(RecordedCase(connector, cassette), tmp_path)


@pytest.mark.parametrize(("case", "page_sizes"), case_params())
@pytest.mark.filterwarnings("ignore:The HMAC key is")
def test_a_case_loads_its_recording_from_the_mock(
    case: Case, page_sizes: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Web() as web:
        recorded = record_case(case, web, tmp_path, monkeypatch)
    if isinstance(recorded, str):
        pytest.skip(recorded)
    compare(recorded, tmp_path, page_sizes)


@pytest.mark.slow
@pytest.mark.parametrize(
    "file",
    [one for one in shared_recordings() if not one.stem.endswith(".expected")],
    ids=lambda path: path.stem,
)
def test_a_recording_beside_the_project_loads_from_the_mock(file: Path, tmp_path: Path) -> None:
    connector = validate(find_connector(str(file.parents[1] / "connectors" / file.name))).connector
    assert connector is not None
    compare(RecordedCase(connector, read_cassette(file, connector.name)), tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(SHARED is None, reason="there is no folder of cases beside the project")
@pytest.mark.parametrize(
    ("folder", "file", "page_sizes"),
    [
        pytest.param(folder, file, sizes(number), id=f"{folder.name}-{file.stem}")
        for number, (folder, file) in enumerate(shared_connectors()[::4])
    ],
)
@pytest.mark.filterwarnings("ignore:The HMAC key is")
def test_a_case_beside_the_project_loads_its_recording_from_the_mock(
    folder: Path,
    file: Path,
    page_sizes: tuple[int, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Web() as web:
        recorded = record_shared(folder, file, web, tmp_path, monkeypatch)
        web.faults.clear()
    if isinstance(recorded, str):
        pytest.skip(recorded)
    compare(recorded, tmp_path, page_sizes)
