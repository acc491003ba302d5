"""Judging text in tests: a connector as YAML text or as data, in a folder of its own."""

import json
from pathlib import Path

from framework.definition.finder import Location
from framework.definition.validation import ValidationResult, validate_document
from framework.definition.yaml_reader import parse_document

GUESSES = {"paginator-guessed", "append-repeats"}
"""Warnings that any small configuration has."""


def judge_text(text: str, root: Path = Path("nowhere"), name: str = "example") -> ValidationResult:
    path = root / "connectors" / f"{name}.yaml"
    document, findings = parse_document(text, str(path))
    assert document is not None, findings
    return validate_document(document, Location(name, path, root, str(path)), findings)


def judge_data(config: dict, root: Path = Path("nowhere"), /, **around) -> ValidationResult:
    """A RESTAPIConfig as plain data, with what makes it a connector file around it."""
    data = {"version": 1, "name": "example", **around, **config}
    return judge_text(json.dumps(data, indent=1), root)


def codes(judged: ValidationResult, severity: str | None = None) -> set[str]:
    return {
        finding.code
        for finding in judged.findings
        if severity is None or finding.severity == severity
    }
