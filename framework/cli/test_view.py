"""Render the outcome of `framework test`: a line for each connector, or JUnit XML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from framework.cli.terminal import visible_lines
from framework.runtime.redacted_output import process_redactor
from framework.text import count_noun

if TYPE_CHECKING:
    from framework.authoring.cassettes.snapshot import TestResult


@dataclass(frozen=True)
class ConnectorTest:
    """The test of one connector. `result` is None if it was skipped, for having no cassette."""

    name: str
    result: TestResult | None = None
    seconds: float = 0.0

    @property
    def has_failed(self) -> bool:
        """Whether something is wrong."""
        return self.result is not None and bool(self.result.problems)


def outcome_lines(test: ConnectorTest, *, updated: bool) -> Iterator[str]:
    """Yield the lines for people; `updated` means that the expected tables were written."""
    if test.result is None:
        yield f"{test.name}: skipped, it has no cassette"
    elif test.has_failed:
        yield f"{test.name}: FAILED"
        for problem in test.result.problems:
            yield "  " + problem.replace("\n", "\n  ")
    else:
        tables, rows = len(test.result.differences), test.result.rows
        outcome = f"{count_noun(tables, 'table')}, {count_noun(rows, 'row')}"
        yield f"{test.name}: {'written' if updated else 'ok'}, {outcome}"


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
