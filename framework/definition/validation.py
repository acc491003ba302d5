"""A connector file in, everything that is wrong with it and, where nothing is, its Connector out.

No network, no secrets, no dlt; the files read are the connector and the schemas it names.
"""

from __future__ import annotations

from dataclasses import dataclass

from framework.definition.converter import parse_connector
from framework.definition.draft import Draft
from framework.definition.finder import Location
from framework.definition.model import Connector
from framework.definition.rules import run_checks
from framework.definition.schema_findings import check_format
from framework.definition.yaml_reader import Document, read_document
from framework.findings import Finding

_UNREAD = ("wrong-type", "missing-key")
"""The codes of what may be a placeholder without quotes."""
_OF_USE = ("unused-config", "unused-secret")


@dataclass(frozen=True)
class ValidationResult:
    """A file judged: its findings by place, and its connector where none of them is an error."""

    location: Location
    connector: Connector | None
    findings: tuple[Finding, ...]


def validate(location: Location) -> ValidationResult:
    """Read and judge a connector file; whatever is wrong with it is a finding."""
    document, findings = read_document(location.path, location.display)
    if document is None:
        return _judged(location, None, findings)
    return validate_document(document, location, findings)


def validate_document(
    document: Document, location: Location, found: list[Finding] | None = None
) -> ValidationResult:
    """Judge a document that was read; `found` are the findings of reading it.

    The checks run beside the JSON Schema's errors, so that all mistakes come at once.
    """
    draft = Draft(document, location)
    shape = check_format(document)
    findings = [*(found or []), *shape]
    if isinstance(document.data, dict):
        # where a part cannot be read, what it refers to is not known
        unread = "resources" not in document.data or any(one.code in _UNREAD for one in shape)
        findings += [one for one in run_checks(draft) if not (unread and one.code in _OF_USE)]
    return _judged(location, draft, findings)


def _judged(location: Location, draft: Draft | None, findings: list[Finding]) -> ValidationResult:
    in_order = tuple(
        sorted(set(findings), key=lambda one: (one.path, one.line, one.column, one.code))
    )
    if draft is None or any(finding.severity == "error" for finding in in_order):
        return ValidationResult(location, None, in_order)
    return ValidationResult(location, parse_connector(draft), in_order)
