"""What imported steps make of a record is what the original makes of it."""

import json
from pathlib import Path

import pytest
import yaml

from framework.definition.finder import find_connector
from framework.definition.validation import validate
from framework.extract.records.transforms import Transforms
from tests.support.airbyte_cases import import_case

CASES = yaml.safe_load((Path(__file__).parent / "records.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "case",
    CASES,
    ids=lambda case: case.get("value") or json.dumps(case.get("change") or case["expander"]),
)
def test_an_imported_step_gives_what_the_original_gives(case, tmp_path):
    adding = {"type": "AddFields", "fields": [{"path": ["x"], "value": case.get("value")}]}
    change = case.get("change", adding)
    stream = {"transformations": [change]}
    if "expander" in case:
        extractor = {"record_expander": {"type": "RecordExpander", **case["expander"]}}
        stream = {"retriever": {"record_selector": {"extractor": extractor}}}
    found, findings = import_case({"stream": stream}, tmp_path)
    assert found.missing == ()
    assert findings == ()
    connector = validate(find_connector(str(tmp_path / "connectors" / "style.yaml"))).connector
    gives = case["gives"] if "expander" in case else [case["gives"]]
    assert Transforms(connector.resources[0])([case["record"]], {"config": {}}) == gives
