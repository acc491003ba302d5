"""dlt's own configurations in our words."""

import json
import os
from pathlib import Path

import pytest

from framework.cli.main import main
from framework.definition.finder import find_connector
from framework.definition.validation import validate
from framework.importers.import_report import ManifestError
from framework.importers.rest_api_config import import_restapi

SMALL = Path(__file__).parent / "configs"
SHARED = Path(os.environ.get("CONNECTOR_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
CORPUS = SHARED / "restapi-configs"
BUILT = (
    [
        CORPUS / entry["file"]
        for entry in json.loads((CORPUS / "index.json").read_text(encoding="utf-8"))
        if entry["builds_in_dlt"] == "ok"
    ]
    if (CORPUS / "index.json").is_file()
    else [pytest.param(None, marks=pytest.mark.skip("the corpus is not here"))]
)


def errors(found, folder):
    file = folder / "connectors" / f"{found.name}.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(found.text, encoding="utf-8")
    return {
        one.code for one in validate(find_connector(str(file))).findings if one.severity == "error"
    }


def test_a_config_becomes_this_connector(tmp_path):
    found = import_restapi(SMALL / "blog.json")
    assert found.text == (SMALL / "blog.txt").read_text(encoding="utf-8")
    assert "written-out" not in found.text
    assert errors(found, tmp_path) == set()
    assert {one.kind for one in found.remarks} == {"note"}


@pytest.mark.parametrize("file", BUILT, ids=lambda file: file.stem[:20] if file else "none")
def test_every_config_of_the_corpus_that_dlt_builds_is_imported(file, tmp_path):
    found = import_restapi(file)
    assert found.missing == ()
    assert errors(found, tmp_path) <= {"incremental-on-child"}


def test_the_command_writes_the_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["import", "dlt", str(SMALL / "blog.json")]) == 0
    assert "written: connectors/blog.yaml, 3 resources" in capsys.readouterr().out
    assert main(["validate", "blog"]) == 0


@pytest.mark.parametrize("text", ["{}", "[]", "nothing", '{"client": {}}'])
def test_what_is_no_config_is_refused(tmp_path, text):
    file = tmp_path / "odd.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError, match="expected a dlt RESTAPIConfig"):
        import_restapi(file)
