"""Render the outcome of `framework test` as JUnit XML."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from framework.cli.terminal import visible_lines
from framework.runtime.redacted_output import process_redactor

if TYPE_CHECKING:
    from framework.authoring.cassettes.connector_test import ConnectorTest


def render_junit(tests: Iterable[ConnectorTest]) -> str:
    """Return JUnit XML: a suite for each connector, with a case for the replay and each table.

    The time is that of the replay. The text is ASCII, so that every stream can hold it.
    """
    root = ElementTree.Element("testsuites")
    for test in tests:
        cases: dict[str, tuple[str, ...]] = {"replay": test.result.replay if test.result else ()}
        for table, problems in test.result.differences.items() if test.result else ():
            cases[f"table {table}"] = problems
        counts = {
            "tests": len(cases),
            "failures": sum(map(bool, cases.values())),
            "errors": 0,
            "skipped": int(test.result is None),
        }
        seconds = f"{test.seconds:.3f}"
        attributes = {key: str(count) for key, count in counts.items()}
        suite = ElementTree.SubElement(
            root, "testsuite", {"name": _text(test.name), **attributes, "time": seconds}
        )
        for name, problems in cases.items():
            case = ElementTree.SubElement(
                suite,
                "testcase",
                {
                    "classname": _text(test.name),
                    "name": _text(name),
                    "time": seconds if name == "replay" else "0.000",
                },
            )
            if test.result is None:
                ElementTree.SubElement(case, "skipped", {"message": "it has no cassette"})
            if problems:
                text = _text("\n".join(problems))
                message = text.split("\n", 1)[0]
                ElementTree.SubElement(case, "failure", {"message": message}).text = text
    ElementTree.indent(root)
    data: bytes = ElementTree.tostring(root, encoding="us-ascii", xml_declaration=True)
    return data.decode()


def _text(text: str) -> str:
    """Return a text that XML can hold, with its secrets masked before it is escaped."""
    return visible_lines(process_redactor().redact(text))
