"""Published manifests: all that need no Python of their own are imported whole."""

import os
from pathlib import Path

import pytest

from framework.definition.finder import find_connector
from framework.definition.validation import validate
from framework.importers.airbyte.convert import import_airbyte
from framework.importers.import_report import write_imported

SHARED = Path(os.environ.get("CONNECTOR_CORPUS", Path(__file__).parents[4] / "shared" / "corpus"))
FILES = sorted((SHARED / "airbyte-manifests").glob("*.yaml"))
if not FILES:
    FILES = [pytest.param(None, marks=pytest.mark.skip("the corpus is not here"))]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem if file else "none")
def test_a_published_manifest_is_imported_whole_and_has_no_findings(file, tmp_path):
    imported = import_airbyte(file)
    target = tmp_path / "connectors" / f"{imported.name}.yaml"
    write_imported(imported, target)
    if "class_name: source_" in file.read_text(encoding="utf-8"):
        assert imported.missing
        return
    assert imported.missing == ()
    assert validate(find_connector(str(target))).findings == ()
