"""Templates of the original in our words, one table."""

from pathlib import Path

import pytest
import yaml

from framework.definition.expressions.jmespath_expression import syntax_tree
from framework.definition.expressions.placeholders import parse_template
from framework.importers.airbyte.importing import Importing, Slice
from framework.importers.airbyte.inputs import read_inputs
from framework.importers.airbyte.manifest import Component
from framework.importers.airbyte.templates import condition, parse
from framework.importers.airbyte.terms import Term, Untranslatable, constant
from framework.importers.import_report import Remarks

CASES = yaml.safe_load((Path(__file__).parent / "templates.yaml").read_text(encoding="utf-8"))
INPUTS = {
    "required": ["region", "token", "from", "limit"],
    "properties": {
        "region": {"type": "string"},
        "token": {"type": "string", "airbyte_secret": True},
        "from": {"type": "string"},
        "limit": {"type": "integer"},
        "list": {"type": "string"},
    },
}
SLICE = Slice(
    {
        "shop_id": Term("resources.shops.id"),
        "start_time": Term("incremental.start_value", "text"),
        "end_time": Term("incremental.end_value", "text"),
    },
    {"shop_id": Term("context().parent.id")},
)


def scope(place):
    remarks = Remarks()
    importing = Importing(read_inputs(INPUTS), remarks, SLICE)
    component = Component({"$parameters": {"path": "orders"}})
    if place == "record":
        return importing.kept(component)
    return importing.paged(component, constant(100)) if place else importing.sent(component)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["template"][:60])
def test_a_template_becomes_a_placeholder_or_an_expression(case):
    where = scope(case.get("at"))
    if "refused" in case:
        with pytest.raises(Untranslatable, match=r".*") as refused:
            assert parse(case["template"], where).text
        assert case["refused"] in str(refused.value)
    elif case.get("condition"):
        found = condition(case["template"], where).text
        assert found == case["becomes"]
        assert syntax_tree(found)
    else:
        found = parse(case["template"], where).text
        assert found == case["becomes"]
        assert not isinstance(found, str) or "{" not in found or parse_template(found)
