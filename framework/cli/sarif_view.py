"""Render findings as SARIF 2.1.0, which code hosts and editors show at the lines.

A pure function but for the texts of the codes, which are a file of the package.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from framework import __version__
from framework.cli.terminal import json_text
from framework.definition.check_texts import check_texts
from framework.findings import Finding

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render_sarif(findings: Iterable[Finding]) -> str:
    """Return the findings as one SARIF log with one run.

    Its rules are the codes that were found, with the text of docs/checks.md as their help.
    """
    found = list(findings)
    codes = list(dict.fromkeys(finding.code for finding in found))
    positions = {code: position for position, code in enumerate(codes)}
    texts = check_texts()
    driver = {
        "name": "rest-connector-framework",
        "version": __version__,
        "rules": [_rule(code, texts.get(code)) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, positions[finding.code]) for finding in found],
    }
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(code: str, text: str | None) -> dict[str, Any]:
    """Return a rule; a code of a fleet file has no text of its own."""
    if text is None:
        return {"id": code}
    return {"id": code, "shortDescription": {"text": _first_sentence(text)}, "help": {"text": text}}


def _result(finding: Finding, rule: int) -> dict[str, Any]:
    place = {
        "artifactLocation": {"uri": _uri(finding.path)},
        "region": {"startLine": finding.line, "startColumn": finding.column},
    }
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity,
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": place}],
    }


def _first_sentence(text: str) -> str:
    head, stop, _ = text.partition(". ")
    return f"{head}." if stop else head


def _uri(path: str) -> str:
    """Return a path as a URI; a relative one stays relative, to the root of the repository."""
    pure = PurePath(path)
    return pure.as_uri() if pure.is_absolute() else quote(pure.as_posix())
