"""dlt's own example configurations, read and judged: a config that dlt takes is taken here."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.support.validating import codes, judge_data

SHARED = Path(os.environ.get("CONNECTOR_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
FOLDER = SHARED / "restapi-configs"
ENTRIES = (
    json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
    if (FOLDER / "index.json").is_file()
    else []
)
SMALL = Path(__file__).parent / "configs"

REFUSED_HERE = {
    "literal-secret": "a secret is written out",
    "wrong-name": "names become sections of the configuration",
}
"""What dlt takes and a connector file does not."""

if not ENTRIES:
    ENTRIES = [pytest.param(None, marks=pytest.mark.skip("the corpus is not here"))]


def without_python(value):
    """`<<py: …>>` stands where Python stood: a secret as good as any other text."""
    if isinstance(value, str):
        return re.sub(r"<<py: .*?>>", "{secrets.from_python}", value, flags=re.DOTALL)
    if isinstance(value, list):
        return [without_python(inner) for inner in value]
    if isinstance(value, dict):
        return {key: without_python(inner) for key, inner in value.items()}
    return value


def judged(file: Path):
    config = without_python(json.loads(file.read_text(encoding="utf-8")))
    return judge_data(config, secrets={"from_python": {}})


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"][:3] if entry else "none")
def test_a_config_of_the_corpus_is_judged_as_dlt_judges_it(entry):
    found = judged(FOLDER / entry["file"])
    errors = codes(found, "error")
    if entry["builds_in_dlt"] != "ok":
        assert errors
    else:
        assert errors <= set(REFUSED_HERE)
        assert (found.connector is None) == bool(errors)


@pytest.mark.parametrize("file", sorted(SMALL.glob("*.json")), ids=lambda file: file.stem)
def test_a_config_as_dlt_documents_them_is_taken(file):
    found = judged(file)
    assert codes(found, "error") == set()
    assert found.connector is not None
