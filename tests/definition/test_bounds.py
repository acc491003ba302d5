"""A file costs no more than its size: each bound is one finding, and the rest is not looked at."""

import json

import pytest

from framework.definition.finder import Location
from framework.definition.validation import validate, validate_document
from framework.definition.yaml_reader import parse_document


def found(tmp_path, **parts):
    data = {
        "version": 1,
        "name": "large",
        "client": {"base_url": "https://api.example.com", "paginator": "single_page"},
        **parts,
    }
    document, findings = parse_document(json.dumps(data), "large.yaml")
    location = Location("large", tmp_path / "large.yaml", tmp_path, "large.yaml")
    return validate_document(document, location, findings).findings


def resource(name="items", **keys):
    return {"name": name, "write_disposition": "replace", **keys}


def doubled(levels, part):
    """Return definitions, each of which refers to the next one twice."""
    defs = {f"a{n}": part({"$ref": f"#/$defs/a{n + 1}"}) for n in range(levels)}
    return {**defs, f"a{levels}": {"type": "string"}}


DOUBLING = {
    "objects": lambda ref: {"type": "object", "properties": {"x": ref, "y": ref}},
    "lists": lambda ref: {"type": "array", "items": {"properties": {"x": ref, "y": ref}}},
    "unions": lambda ref: {"anyOf": [ref, ref, {"type": "integer"}]},
}


@pytest.mark.parametrize("kind", DOUBLING)
def test_references_that_multiply_are_one_finding(tmp_path, kind):
    schema = {
        "type": "object",
        "properties": {"z": {"$ref": "#/$defs/a0"}},
        "$defs": doubled(25, DOUBLING[kind]),
    }
    [finding] = found(tmp_path, resources=[resource(schema=schema)])
    assert (finding.code, "more than 20,000" in finding.message) == ("schema-invalid", True)


@pytest.mark.parametrize("text", ["a", "'", '"', "`", "[", "{a:", "a.", "!", "("])
def test_a_long_expression_is_one_finding(tmp_path, text):
    endpoint = {"path": "items", "data_selector": text * (1_000_000 // len(text))}
    [finding] = found(tmp_path, resources=[resource(endpoint=endpoint)])
    assert (finding.code, "10,000 characters" in finding.message) == ("bad-expression", True)
    assert len(finding.message) <= 1_100


def test_a_chain_of_parents_is_one_finding_in_either_order(tmp_path):
    chain = [resource("r0")]
    chain += [resource(f"r{n}", endpoint=f"{{resources.r{n - 1}.id}}") for n in range(1, 400)]
    for resources in (chain, chain[::-1]):
        [finding] = found(tmp_path, resources=resources)
        assert finding.code == "too-many-ancestors"


def test_resources_that_share_parents_do_not_multiply(tmp_path):
    resources = [resource("a0"), resource("b0")]
    for n in range(1, 24):
        path = f"{{resources.a{n - 1}.id}}/{{resources.b{n - 1}.id}}"
        resources += [resource(f"{side}{n}", endpoint=path) for side in "ab"]
    assert all(one.code != "too-many-ancestors" for one in found(tmp_path, resources=resources))


def test_more_resources_than_are_supported_are_one_error(tmp_path):
    findings = found(tmp_path, resources=[resource(f"r{n}") for n in range(2_001)])
    assert [one.code for one in findings if one.severity == "error"] == ["wrong-value"]


def test_a_message_does_not_quote_a_file_back(tmp_path):
    long = "x" * 1_000_000
    parts = resource(primary_key=long, write_disposition=long, **{"k" * 900: 1})
    for finding in found(tmp_path, resources=[parts]):
        assert len(finding.message) <= 1_100


@pytest.mark.parametrize(
    "content", ["-----BEGIN KEY-----\nsecret\n", "password: secret\n", '"secret']
)
def test_a_link_to_a_file_elsewhere_shows_nothing_of_it(tmp_path, content):
    private = tmp_path / "private"
    private.write_text(content)
    root = tmp_path / "project"
    (root / "connectors").mkdir(parents=True)
    link = root / "connectors" / "shop.yaml"
    link.symlink_to(private)
    [finding] = validate(Location("shop", link, root, "shop.yaml")).findings
    assert finding.code == "unreadable-file"
    assert "secret" not in finding.message


def test_a_link_to_a_connector_elsewhere_is_read(tmp_path):
    file = tmp_path / "shop.yaml"
    file.write_text("version: 1\nname: shop\nresources: [items]\nclient: {base_url: 1}\n")
    root = tmp_path / "project"
    (root / "connectors").mkdir(parents=True)
    link = root / "connectors" / "shop.yaml"
    link.symlink_to(file)
    codes = {one.code for one in validate(Location("shop", link, root, "shop.yaml")).findings}
    assert "wrong-type" in codes
