"""Small descriptions, each in a folder with the connector that it becomes.

`python -m tests.importers.openapi.test_descriptions` writes the expected texts anew.
"""

import json
from pathlib import Path

import pytest

from framework.definition.finder import Location
from framework.definition.validation import validate
from framework.importers.import_report import write_imported
from framework.importers.openapi.openapi_import import import_openapi

CASES = sorted(one for one in Path(__file__).with_name("cases").iterdir() if one.is_dir())


def description_of(case):
    return next(one for one in case.iterdir() if one.stem == "description")


def text_of(case):
    """Return the connector, its schemas and what the import says, as one text."""
    imported = import_openapi(str(description_of(case)), case.name)
    schemas = "".join(
        f"--- schema {name}\n{json.dumps(schema)}\n" for name, schema in imported.schemas.items()
    )
    missing = "".join(f"--- missing: {one.reason}\n" for one in imported.missing)
    return f"{imported.text}{schemas}{missing}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_description_becomes_this_connector(case):
    assert text_of(case) == (case / "expected.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_connector_has_no_findings(case, tmp_path):
    imported = import_openapi(str(description_of(case)), case.name)
    file = tmp_path / "connectors" / f"{case.name}.yaml"
    write_imported(imported, file)
    assert validate(Location(case.name, file, tmp_path, str(file))).findings == ()
    assert imported.missing == ()


if __name__ == "__main__":
    for folder in CASES:
        (folder / "expected.txt").write_text(text_of(folder), encoding="utf-8")
