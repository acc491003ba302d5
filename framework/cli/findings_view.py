"""Render findings: as text for people, as JSON or SARIF for programs, as GitHub annotations.

Pure functions: they print nothing and read no files.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, get_args

from framework.cli.terminal import json_text, visible
from framework.findings import Finding
from framework.text import count_noun

Format = Literal["text", "json", "github", "sarif"]
FORMATS: tuple[Format, ...] = get_args(Format)

_LINE_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_MAX_WIDTH = 100
_CONTEXT_BEFORE = 40
_STYLES = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m"}
_PLAIN = "\x1b[0m"


def render(
    form: Format,
    findings: Sequence[Finding],
    sources: Mapping[str, str],
    closing: str,
    *,
    colour: bool = False,
) -> Iterator[str]:
    """Yield what a command writes: the findings, and for people the closing line."""
    if form == "json":
        yield render_json(findings)
    elif form == "sarif":
        from framework.cli.sarif_view import render_sarif

        yield render_sarif(findings)
    else:
        if findings and form == "github":
            yield render_github(findings)
        elif findings:
            yield render_text(findings, sources, colour=colour)
        yield closing


def render_text(
    findings: Iterable[Finding], sources: Mapping[str, str], *, colour: bool = False
) -> str:
    """Return one line per finding, followed by its source line and a caret.

    `sources` maps the findings' paths to file contents; a finding whose path is missing has no
    source line.
    """
    lines: list[str] = []
    source_lines = {path: _LINE_BREAK.split(text) for path, text in sources.items()}
    for finding in findings:
        severity: str = finding.severity
        if colour:
            severity = f"{_STYLES[finding.severity]}{finding.severity}{_PLAIN}"
        place = f"{visible(finding.path)}:{finding.line}:{finding.column}"
        lines.append(f"{place}: {severity}: {visible(finding.message)} [{finding.code}]")
        source = source_lines.get(finding.path, [])
        if finding.line <= len(source) and source[finding.line - 1].strip():
            lines += _excerpt(source[finding.line - 1], finding.line, finding.column)
    return "\n".join(lines)


def render_json(findings: Iterable[Finding]) -> str:
    """Return the findings as a JSON list, as described by schemas/finding.schema.json."""
    return json_text([finding.as_dict() for finding in findings])


def render_github(findings: Iterable[Finding]) -> str:
    """Return GitHub workflow commands, which annotate the lines of the findings."""
    return "\n".join(
        f"::{finding.severity} file={_escape_property(finding.path)},line={finding.line},"
        f"col={finding.column},title={_escape_property(finding.code)}::"
        + _escape_message(f"{finding.message} [{finding.code}]")
        for finding in findings
    )


def summary(findings: Sequence[Finding], files: int, ignored: int = 0) -> str:
    """Return the closing line: counts of files, errors and warnings, shown and ignored."""
    more = f"; {count_noun(ignored, 'warning')} ignored" if ignored else ""
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = len(findings) - errors
    if not findings:
        return f"{count_noun(files, 'file')}, nothing found{more}"
    counts = [count_noun(errors, "error")] if errors else []
    counts += [count_noun(warnings, "warning")] if warnings else []
    return f"{count_noun(files, 'file')}, {' and '.join(counts)}{more}"


def _excerpt(source: str, number: int, column: int) -> list[str]:
    """Return the source line and a caret below the column; a long line is cut around it."""
    line = visible(source)
    at = min(column - 1, len(line))
    start = 0
    if len(line) > _MAX_WIDTH:
        start = max(0, min(at - _CONTEXT_BEFORE, len(line) - _MAX_WIDTH))
        end = start + _MAX_WIDTH
        line = f"{'…' if start else ''}{line[start:end]}{'…' if end < len(line) else ''}"
        at += bool(start) - start
    gutter = f"{number:>5} | "
    indent = sum(_width(character) for character in line[:at])
    return [gutter + line, " " * (len(gutter) - 2) + "| " + " " * indent + "^"]


def _width(character: str) -> int:
    """Return how many terminal columns a character takes."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _escape_message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape_message(text).replace(":", "%3A").replace(",", "%2C")
