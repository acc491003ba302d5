"""The manifests in tests/importers, and what they become.

`python -m tests.support.manifest_cases` writes them.
"""

from __future__ import annotations

import json
from pathlib import Path

from framework.importers.airbyte.convert import import_airbyte
from framework.importers.import_report import ImportedConnector

FOLDER = Path(__file__).parents[1] / "importers" / "manifests"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def imported(name: str) -> ImportedConnector:
    return import_airbyte(FOLDER / f"{name}.yaml")


def shown(found: ImportedConnector) -> str:
    """All of an import in one text: the file, then schemas and remarks."""
    parts = [found.text]
    for resource, schema in found.schemas.items():
        parts.append(f"--- schemas/{found.name}/{resource}.json\n{json.dumps(schema, indent=1)}\n")
    for one in found.remarks:
        where = f"{one.resource}: " if one.resource else ""
        parts.append(f"--- {one.kind}: {where}{one.place}: {one.reason}\n")
    return "".join(parts)


def expected(name: str) -> Path:
    return FOLDER / f"{name}.txt"


if __name__ == "__main__":
    for one in NAMES:
        expected(one).write_text(shown(imported(one)), encoding="utf-8")
