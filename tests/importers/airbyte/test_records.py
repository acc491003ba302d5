"""What imported steps make of a record is what the original makes of it."""

import json
from pathlib import Path

import pytest
import yaml

from framework.definition.finder import find_connector
from framework.definition.validation import validate
from framework.extract.transforms import Transforms
from tests.support.airbyte_cases import import_case

CASES = yaml.safe_load((Path(__file__).parent / "records.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: case.get("value") or json.dumps(case["change"])
)
def test_an_imported_step_gives_what_the_original_gives(case, tmp_path):
    adding = {"type": "AddFields", "fields": [{"path": ["x"], "value": case.get("value")}]}
    change = case.get("change", adding)
    found, findings = import_case({"stream": {"transformations": [change]}}, tmp_path)
    assert found.missing == ()
    assert findings == ()
    connector = validate(find_connector(str(tmp_path / "connectors" / "style.yaml"))).connector
    assert Transforms(connector.resources[0])([case["record"]], {"config": {}}) == [case["gives"]]
