"""Short recordings, each with the connector that it becomes.

`python -m tests.importers.recorded.test_recordings` writes the expected texts anew.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from framework.definition.finder import Location
from framework.definition.validation import validate
from framework.importers.import_report import write_imported
from framework.importers.recorded.formats.har_file import read_har
from framework.importers.recorded.recorded_import import RecordedSource, import_recorded
from tests.support.recordings import write_har

CASES = sorted(Path(__file__).with_name("cases").glob("*.yaml"))


def imported(case, folder):
    har = write_har(yaml.safe_load(case.read_text(encoding="utf-8")), Path(folder) / "x.har")
    recording = read_har(har)
    source = RecordedSource(recording.interactions, "x.har", "a HAR", recording.notes)
    return import_recorded(source, case.stem).imported


def text_of(case, folder):
    found = imported(case, folder)
    missing = "".join(f"--- missing: {one.reason}\n" for one in found.missing)
    return f"{found.text}{missing}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_recording_becomes_this_connector(case, tmp_path):
    assert text_of(case, tmp_path) == case.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_the_connector_has_no_finding_but_of_a_query_without_pages(case, tmp_path):
    file = tmp_path / "connectors" / f"{case.stem}.yaml"
    write_imported(imported(case, tmp_path), file)
    found = validate(Location(case.stem, file, tmp_path, str(file))).findings
    assert [one.code for one in found] == ["paginator-guessed"] * (case.stem == "graphql")


if __name__ == "__main__":
    for one in CASES:
        with TemporaryDirectory() as place:
            one.with_suffix(".txt").write_text(text_of(one, place), encoding="utf-8")
