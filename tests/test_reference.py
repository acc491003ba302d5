import re

from framework.author.reference import PAGE, main, render_reference
from framework.spec.document import parse_document
from framework.spec.format import check_format
from framework.spec.locate import bundled_root, shared_schema


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
