"""Validate a connector file: return all that is wrong with it, or its Connector.

No network, no secrets, no dlt; the only files read are the connector and the schemas it names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from framework.definition.converter import parse_connector
from framework.definition.draft import Draft
from framework.definition.finder import Location
from framework.definition.model import Connector
from framework.definition.rules import run_rules
from framework.definition.schema.schema_findings import check_format
from framework.definition.yaml_reader import Document, read_document
from framework.findings import Finding

_UNREADABLE = ("wrong-type", "missing-key")
"""Codes of what may be a placeholder without quotes, which refers to something."""
_UNUSED = ("unused-config", "unused-secret")


@dataclass(frozen=True)
class ValidationResult:
    """The findings of a file by place, and its connector if none of them is an error.

    `document` is None for a file that cannot be read as YAML. `queries` are the texts of query
    files that findings may be about, by path. `ignored` counts the warnings that resources ignore.
    """

    location: Location
    connector: Connector | None
    findings: tuple[Finding, ...]
    document: Document | None = None
    queries: Mapping[str, str] = field(default_factory=dict)
    ignored: Mapping[str, int] = field(default_factory=dict)


def validate(location: Location) -> ValidationResult:
    """Read and validate a connector file; whatever is wrong with it is a finding."""
    document, findings = read_document(location.path, location.display)
    if is_foreign(location, document):
        message = (
            "this is a link to a file elsewhere that is not a connector; nothing of it is shown: "
            "remove the link, or put the file here"
        )
        findings = [Finding(location.display, 1, 1, "error", "unreadable-file", message)]
        document = None
    if document is None:
        return _result(location, None, findings)
    return validate_document(document, location, findings)


def is_foreign(location: Location, document: Document | None) -> bool:
    """Return whether links lead to a file elsewhere that does not look like a connector.

    A stranger's folder may link to a private file, whose content the findings would show.
    """
    try:
        inside = location.path.resolve().is_relative_to(location.root.resolve())
    except (OSError, RuntimeError):  # a link to itself
        return False
    data = document.data if document is not None else None
    return not inside and not (isinstance(data, dict) and {"version", "resources"} <= data.keys())


def validate_document(
    document: Document, location: Location, reader_findings: Sequence[Finding] = ()
) -> ValidationResult:
    """Validate a document that was read, and add the findings of reading it.

    The rules run beside the JSON Schema, so that all mistakes are reported at once.
    """
    draft = Draft(document, location)
    return _result(location, draft, *draft_findings(draft, reader_findings))


def draft_findings(
    draft: Draft, reader_findings: Sequence[Finding] = ()
) -> tuple[list[Finding], Mapping[str, int]]:
    """Return what is wrong with a draft, in no order, with the findings of reading it.

    Beside them, the warnings that its resources ignore: a number by code.
    """
    document = draft.document
    shape = check_format(document)
    findings = [*reader_findings, *shape]
    ignored: Mapping[str, int] = {}
    if isinstance(document.data, dict):
        # a part that cannot be read may use any setting
        is_partial = "resources" not in document.data or any(
            one.code in _UNREADABLE for one in shape
        )
        found, ignored = run_rules(draft)
        findings += [one for one in found if not (is_partial and one.code in _UNUSED)]
    return findings, ignored


def ordered_findings(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return findings by place, each once."""
    return tuple(sorted(set(findings), key=lambda one: (one.path, one.line, one.column, one.code)))


def _result(
    location: Location,
    draft: Draft | None,
    findings: list[Finding],
    ignored: Mapping[str, int] | None = None,
) -> ValidationResult:
    ordered = ordered_findings(findings)
    if draft is None:
        return ValidationResult(location, None, ordered)
    blocks = (one.graphql for one in draft.resources)
    queries = {one.display: one.text for one in blocks if one is not None and one.display}
    has_errors = any(finding.severity == "error" for finding in ordered)
    connector = None if has_errors else parse_connector(draft)
    return ValidationResult(location, connector, ordered, draft.document, queries, ignored or {})
