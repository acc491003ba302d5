"""Small manifests in the manners of published ones, and what they become.

`python -m tests.support.manifest_styles` rewrites the expected texts.
"""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import Any

import yaml

from framework.definition.finder import find_connector
from framework.definition.validation import validate
from framework.findings import Finding
from framework.importers.airbyte.convert import import_airbyte
from framework.importers.import_report import ImportedConnector, ManifestError, write_imported
from tests.support.manifest_cases import shown

FOLDER = Path(__file__).parents[1] / "importers" / "styles"
FILES = sorted(FOLDER.glob("*.yaml"))

_STREAM: dict[str, Any] = {
    "type": "DeclarativeStream",
    "name": "items",
    "primary_key": ["id"],
    "retriever": {
        "type": "SimpleRetriever",
        "requester": {
            "type": "HttpRequester",
            "url_base": "https://api.example.com/v1",
            "path": "/items",
        },
        "record_selector": {
            "type": "RecordSelector",
            "extractor": {"type": "DpathExtractor", "field_path": ["items"]},
        },
    },
}


def styles(file: Path) -> list[dict[str, Any]]:
    """The cases of a file: `what`, and `stream` (laid over a plain one), `inputs`, `required`,
    `more` (top of the manifest) or `manifest` as a whole."""
    found: list[dict[str, Any]] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def manifest(case: dict[str, Any]) -> dict[str, Any]:
    if "manifest" in case:
        whole: dict[str, Any] = case["manifest"]
        return whole
    specification = {
        "type": "object",
        "properties": case.get("inputs", {}),
        "required": case.get("required", []),
    }
    return {
        "version": "6.1.0",
        "type": "DeclarativeSource",
        "streams": [_over(copy.deepcopy(_STREAM), case.get("stream", {}))],
        "spec": {"type": "Spec", "connection_specification": specification},
        **case.get("more", {}),
    }


def _over(base: Any, more: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(more, dict):
        return more
    return {**base, **{key: _over(base.get(key), value) for key, value in more.items()}}


def imported(case: dict[str, Any], folder: Path) -> tuple[ImportedConnector, tuple[Finding, ...]]:
    """The import of a case, and the findings of its file."""
    file = folder / "style.yaml"
    file.write_text(yaml.safe_dump(manifest(case), sort_keys=False), encoding="utf-8")
    found = import_airbyte(file)
    target = folder / "connectors" / "style.yaml"
    write_imported(found, target)
    return found, tuple(validate(find_connector(str(target))).findings)


def texts(file: Path) -> dict[str, str]:
    """What each case of a file becomes: the connector, schemas, remarks, findings."""
    found: dict[str, str] = {}
    for case in styles(file):
        with tempfile.TemporaryDirectory() as folder:
            try:
                one, findings = imported(case, Path(folder))
            except ManifestError as error:
                found[case["what"]] = f"--- refused: {str(error).replace(folder, '')}\n"
                continue
        body = shown(one).partition("description: Imported from")[2].partition("\n")[2]
        said = "".join(f"--- {one.severity}: {one.code}: {one.message}\n" for one in findings)
        found[case["what"]] = body + said
    return found


def as_text(found: dict[str, str]) -> str:
    return "\n".join(f"### {what}\n{text}" for what, text in found.items())


if __name__ == "__main__":
    for one in FILES:
        one.with_suffix(".txt").write_text(as_text(texts(one)), encoding="utf-8")
