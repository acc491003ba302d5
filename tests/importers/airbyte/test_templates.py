"""Templates of the original in our words, one table."""

from pathlib import Path

import pytest
import yaml

from framework.definition.expressions.jmespath_expression import syntax_tree
from framework.definition.expressions.placeholders import parse_template
from framework.importers.airbyte.import_context import ImportContext, StreamSlice
from framework.importers.airbyte.jinja.printer import to_jmespath
from framework.importers.airbyte.jinja.statements import translate_condition, translate_template
from framework.importers.airbyte.jinja.tree import Untranslatable, at, constant
from framework.importers.airbyte.manifest import Component
from framework.importers.airbyte.spec_inputs import read_inputs
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
SLICE = StreamSlice(
    {
        "shop_id": at("resources", "shops", "id"),
        "start_time": at("incremental", "start_value", kind="text"),
        "end_time": at("incremental", "end_value", kind="text"),
    },
    {"shop_id": at("parent", "id", through_context=True)},
)


def scope(place):
    context = ImportContext(read_inputs(INPUTS), Remarks(), SLICE)
    component = Component({"$parameters": {"path": "orders"}})
    if place == "record":
        return context.record_scope(component)
    if place:
        return context.page_scope(component, constant(100))
    return context.request_scope(component)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["template"][:60])
def test_a_template_becomes_a_placeholder_or_an_expression(case):
    where = scope(case.get("at"))
    if "refused" in case:
        with pytest.raises(Untranslatable, match=r".*") as refused:
            assert translate_template(case["template"], where).rendered
        assert case["refused"] in str(refused.value)
    elif case.get("condition"):
        found = to_jmespath(translate_condition(case["template"], where))
        assert found == case["becomes"]
        assert syntax_tree(found)
    else:
        found = translate_template(case["template"], where).rendered
        assert found == case["becomes"]
        assert not isinstance(found, str) or "{" not in found or parse_template(found)
