"""Generate docs/checks.md, and the texts of the codes, from the cases in tests/definition/rules.

`python -m tests.support.checks_page [--check]`

A case says what a code means and contains a bad example; the page adds the output of `validate`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from framework.cli.findings_view import render_text
from framework.definition.check_texts import CHECK_TEXTS
from framework.definition.finder import find_connector
from framework.definition.validation import ValidationResult, validate
from framework.definition.yaml_reader import MAX_BYTES, parse_document
from framework.runtime.redaction import Redactor
from framework.runtime.secret_sources import add_connector_file

CASES = Path(__file__).parents[1] / "definition" / "rules"
PAGE = Path(__file__).parents[2] / "docs" / "checks.md"
FILE = "connectors/example.yaml"

_HEAD = """\
# Findings of validate
<!-- Generated from tests/definition/rules by `python -m tests.support.checks_page`. -->

Every finding has a code. This page explains each code, with a small file that contains the mistake
and the output of `framework validate`. Errors stop a run. Warnings do not; with `--strict` they
fail `validate`. The first line of a finding is `file:line:column: severity: message [code]`.
[scale.md](scale.md#findings-of-a-fleet-file) explains those of fleet files.

The examples are the file `connectors/example.yaml`.
"""

_INSTEAD = {
    "folder": "The example is a folder named `example.yaml`.",
    "large": "The example is a file of more than 5 MB.",
    "binary": "The example is a file with the byte 0xff in its second line.",
}


@dataclass(frozen=True)
class Case:
    """One code. `at` is the finding's line:column; `instead` names an example that is not text;
    `files` are further files by path."""

    code: str
    means: str
    severity: str
    at: str
    example: str = ""
    instead: str = ""
    files: dict[str, str] = field(default_factory=dict)


def cases() -> list[Case]:
    return [
        Case(code=path.stem, **yaml.safe_load(path.read_text(encoding="utf-8")))
        for path in sorted(CASES.glob("*.yaml"))
    ]


def validate_case(case: Case) -> ValidationResult:
    """Validate the case's connector in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder, _inside(folder):
        file = Path(FILE)
        file.parent.mkdir()
        if case.instead == "folder":
            file.mkdir()
        elif case.instead == "large":
            file.write_text("#" * (MAX_BYTES + 1), encoding="utf-8")
        elif case.instead == "binary":
            file.write_bytes(b"version: 1\nname: \xff\xfe\n")
        else:
            file.write_text(case.example, encoding="utf-8")
        for name, text in case.files.items():
            extra = Path(name)
            extra.parent.mkdir(parents=True, exist_ok=True)
            extra.write_text(text, encoding="utf-8")
        return validate(find_connector(FILE))


def page() -> str:
    every = cases()
    lists = {
        severity: ", ".join(f"[{c.code}](#{c.code})" for c in every if c.severity == severity)
        for severity in ("error", "warning")
    }
    parts = [_HEAD, f"Errors: {lists['error']}.\n", f"Warnings: {lists['warning']}.\n"]
    return "\n".join([*parts, *(_section(case) for case in every)])


def texts() -> str:
    """Return what each code means, as the package carries it."""
    meanings = {case.code: " ".join(case.means.split()) for case in cases()}
    return json.dumps(meanings, ensure_ascii=False, indent=1) + "\n"


def output_of(case: Case) -> str:
    """Return what `validate` says, with secrets that are written in the file masked."""
    redactor, text = Redactor(), case.example
    document, _ = parse_document(text, FILE)
    add_connector_file(redactor, text, document and document.data)
    return render_text(validate_case(case).findings, {FILE: redactor.redact(text, aligned=True)})


def _section(case: Case) -> str:
    output = output_of(case)
    lines = [f"## {case.code}", "", case.means.strip(), ""]
    if case.instead:
        lines += [_INSTEAD[case.instead], ""]
    else:
        lines += ["```yaml", case.example.rstrip("\n"), "```", ""]
    for name, text in case.files.items():
        language = name.rpartition(".")[2]
        lines += [f"With `{name}`:", "", f"```{language}", text.rstrip("\n"), "```", ""]
    return "\n".join([*lines, "```text", output, "```", ""])


@contextmanager
def _inside(folder: str) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def main(arguments: list[str]) -> int:
    files = {PAGE: page(), CHECK_TEXTS: texts()}
    if "--check" in arguments:
        old = [
            path
            for path, text in files.items()
            if not path.is_file() or path.read_text(encoding="utf-8") != text
        ]
        for path in old:
            print(f"{path.name} is out of date; run python -m tests.support.checks_page")
        return int(bool(old))
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
