"""The connector files that are measured: the bundled one as it ships, and the benchmark's own."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from benchmarks.site.records import wide_schema

HERE = Path(__file__).resolve().parent
BUNDLED = "scheduling"
INFERRED = "inferred"
"""The folder of the bundled connector without its declared schemas."""


def write_connectors(folder: Path) -> None:
    """Write `connectors/` and `schemas/` into the folder, and the same below `inferred/`."""
    root = HERE.parent
    for name in ("connectors", "schemas"):
        shutil.copytree(HERE / name, folder / name)
    shutil.copy(root / "connectors" / f"{BUNDLED}.yaml", folder / "connectors")
    schemas = root / "schemas" / BUNDLED
    for name in (BUNDLED, "incremental", "append"):
        shutil.copytree(schemas, folder / "schemas" / name)
    wide = folder / "schemas" / "wide" / "readings.json"
    wide.parent.mkdir()
    wide.write_text(json.dumps(wide_schema(), indent=1))
    inferred = folder / INFERRED / "connectors" / f"{BUNDLED}.yaml"
    inferred.parent.mkdir(parents=True)
    text = (folder / "connectors" / f"{BUNDLED}.yaml").read_text(encoding="utf-8")
    inferred.write_text(without_schemas(text), encoding="utf-8")


def without_schemas(text: str) -> str:
    """Return a connector file's text without the lines that declare schemas."""
    return re.sub(r"^ +schema: \w+\n", "", text, flags=re.MULTILINE)
