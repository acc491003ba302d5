"""Airbyte manifests in tests/importers/airbyte, and what they become.

`manifests/` holds whole files, `cases/` small ones by the module that they exercise; beside each is
the expected text. `python -m tests.support.airbyte_cases` rewrites the expected texts.
"""

from __future__ import annotations

import copy
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import yaml

from framework.definition.finder import find_connector
from framework.definition.validation import validate
from framework.findings import Finding
from framework.importers.airbyte.convert import import_airbyte
from framework.importers.import_report import ImportedConnector, ManifestError, write_imported

FOLDER = Path(__file__).parents[1] / "importers" / "airbyte"
MANIFESTS = sorted((FOLDER / "manifests").glob("*.yaml"))
CASE_FILES = sorted((FOLDER / "cases").rglob("*.yaml"))

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


def text_of(imported: ImportedConnector) -> str:
    """An import as one text: the file, then schemas and remarks."""
    parts = [imported.text]
    for resource, schema in imported.schemas.items():
        path = f"schemas/{imported.name}/{resource}.json"
        parts.append(f"--- {path}\n{json.dumps(schema, indent=1)}\n")
    for one in imported.remarks:
        where = f"{one.resource}: " if one.resource else ""
        parts.append(f"--- {one.kind}: {where}{one.place}: {one.reason}\n")
    return "".join(parts)


def cases(file: Path) -> list[dict[str, Any]]:
    """The cases of a file: `what`, and `stream` (laid over a plain one), `inputs`, `required`,
    `more` (top of the manifest) or `manifest` as a whole."""
    loaded: list[dict[str, Any]] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return loaded


def manifest(case: dict[str, Any]) -> dict[str, Any]:
    """The manifest of a case."""
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


def import_case(
    case: dict[str, Any], folder: Path
) -> tuple[ImportedConnector, tuple[Finding, ...]]:
    """The import of a case, and the findings of its file."""
    file = folder / "style.yaml"
    file.write_text(yaml.safe_dump(manifest(case), sort_keys=False), encoding="utf-8")
    imported = import_airbyte(file)
    target = folder / "connectors" / "style.yaml"
    write_imported(imported, target)
    return imported, tuple(validate(find_connector(str(target))).findings)


def case_text(case: dict[str, Any]) -> str:
    """What a case becomes: the connector, schemas, remarks, findings."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            imported, findings = import_case(case, Path(folder))
        except ManifestError as error:
            return f"--- refused: {str(error).replace(folder, '')}\n"
    body = text_of(imported).partition("description: Imported from")[2].partition("\n")[2]
    return body + "".join(f"--- {one.severity}: {one.code}: {one.message}\n" for one in findings)


def expected_texts(file: Path) -> dict[str, str]:
    """The expected text of each case of a file."""
    _, *parts = re.split(r"^### ", file.with_suffix(".txt").read_text(encoding="utf-8"), flags=re.M)
    return dict(part.split("\n", 1) for part in parts)


def rewrite() -> None:
    """Write what the manifests become now as the expected texts."""
    for file in MANIFESTS:
        file.with_suffix(".txt").write_text(text_of(import_airbyte(file)), encoding="utf-8")
    for file in CASE_FILES:
        texts = [f"### {case['what']}\n{case_text(case)}" for case in cases(file)]
        file.with_suffix(".txt").write_text("".join(texts), encoding="utf-8")


if __name__ == "__main__":
    rewrite()
