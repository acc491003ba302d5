import re

from framework.authoring.scaffold.reference_page import PAGE, main, render_reference
from framework.definition.finder import bundled_root, shared_schema
from framework.definition.schema.schema_findings import check_format
from framework.definition.yaml_reader import parse_document


def test_the_reference_page_is_fresh():
    assert main(["--check"]) == 0


def test_every_key_of_the_schema_is_in_it():
    schema = shared_schema("connector")
    page = render_reference(schema)
    for name, part in [("", schema), *schema["$defs"].items()]:
        for key in part.get("properties", {}):
            assert f"| `{key}`" in page, (name, key)


def test_its_links_lead_to_headings():
    page = (bundled_root() / PAGE).read_text()
    headings = set(re.findall(r"^## `(\w+)`$", page, re.MULTILINE))
    assert set(re.findall(r"\]\(#(\w+)\)", page)) <= headings


def test_its_connector_is_valid():
    page = (bundled_root() / PAGE).read_text()
    (block,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    document, findings = parse_document(block, "block.yaml")
    assert findings + check_format(document) == []
