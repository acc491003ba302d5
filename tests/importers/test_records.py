"""What imported steps make of a record is what the original makes of it."""

import json
from pathlib import Path

import pytest
import yaml

from framework.definition.finder import locate
from framework.definition.validation import judge
from framework.extract.transforms import Steps
from tests.support.manifest_styles import imported

CASES = yaml.safe_load((Path(__file__).parent / "records.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: case.get("value") or json.dumps(case["change"])
)
def test_an_imported_step_gives_what_the_original_gives(case, tmp_path):
    adding = {"type": "AddFields", "fields": [{"path": ["x"], "value": case.get("value")}]}
    change = case.get("change", adding)
    found, findings = imported({"stream": {"transformations": [change]}}, tmp_path)
    assert found.missing == ()
    assert findings == ()
    connector = judge(locate(str(tmp_path / "connectors" / "style.yaml"))).connector
    assert Steps(connector.resources[0])([case["record"]], {"config": {}}) == [case["gives"]]
