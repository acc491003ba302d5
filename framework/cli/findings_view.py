"""Findings in, text out: for people, for programs, and for GitHub's annotations.

Pure functions; they print nothing and read nothing.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from framework.findings import Finding
from framework.text import count_noun

_LINE_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_WIDEST = 100
_BEFORE = 40
_STYLES = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m"}
_PLAIN = "\x1b[0m"


def render_text(
    findings: Iterable[Finding], texts: Mapping[str, str], *, colour: bool = False
) -> str:
    """One line for each finding, then its source line with a caret.

    `texts` holds the files' texts by the path that findings have; a finding whose file is not
    there is shown without its line.
    """
    lines: list[str] = []
    sources = {path: _LINE_BREAK.split(text) for path, text in texts.items()}
    for finding in findings:
        severity: str = finding.severity
        if colour:
            severity = f"{_STYLES[finding.severity]}{finding.severity}{_PLAIN}"
        place = f"{visible(finding.path)}:{finding.line}:{finding.column}"
        lines.append(f"{place}: {severity}: {visible(finding.message)} [{finding.code}]")
        source = sources.get(finding.path, [])
        if finding.line <= len(source) and source[finding.line - 1].strip():
            lines += _excerpt(source[finding.line - 1], finding.line, finding.column)
    return "\n".join(lines)


def render_json(findings: Iterable[Finding]) -> str:
    """A list of findings as schemas/finding.schema.json describes it."""
    return json.dumps([finding.as_dict() for finding in findings], indent=2, ensure_ascii=False)


def render_github(findings: Iterable[Finding]) -> str:
    """GitHub's workflow commands: each finding becomes an annotation of its line."""
    return "\n".join(
        f"::{finding.severity} file={_property(finding.path)},line={finding.line},"
        f"col={finding.column},title={_property(finding.code)}::"
        + _data(f"{finding.message} [{finding.code}]")
        for finding in findings
    )


def summary(findings: Sequence[Finding], files: int) -> str:
    """The closing line: how many files, errors and warnings."""
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = len(findings) - errors
    if not findings:
        return f"{count_noun(files, 'file')}, nothing found"
    counts = [count_noun(errors, "error")] if errors else []
    counts += [count_noun(warnings, "warning")] if warnings else []
    return f"{count_noun(files, 'file')}, {' and '.join(counts)}"


def visible(text: str) -> str:
    """The text with what could change the terminal (or hide text) replaced."""
    return "".join(
        character if character.isprintable() else " " if character in "\t\n" else "\ufffd"
        for character in text
    )


def visible_lines(text: str) -> str:
    """The same for a text of several lines."""
    return "\n".join(visible(line) for line in text.split("\n"))


def _excerpt(source: str, number: int, column: int) -> list[str]:
    """The source line and a caret below the column; of a long line the part around it."""
    line = visible(source)
    at = min(column - 1, len(line))
    start = 0
    if len(line) > _WIDEST:
        start = max(0, min(at - _BEFORE, len(line) - _WIDEST))
        end = start + _WIDEST
        line = f"{'…' if start else ''}{line[start:end]}{'…' if end < len(line) else ''}"
        at += bool(start) - start
    gutter = f"{number:>5} | "
    indent = sum(_width(character) for character in line[:at])
    return [gutter + line, " " * (len(gutter) - 2) + "| " + " " * indent + "^"]


def _width(character: str) -> int:
    """Columns that a terminal gives a character."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
