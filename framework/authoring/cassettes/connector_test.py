"""The test of one connector against its recording, with its outcome in lines."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from framework.api import valid_connector
from framework.authoring.cassettes.cassette import cassette_path
from framework.authoring.cassettes.snapshot import TestResult, test_connector
from framework.definition.finder import Location
from framework.errors import FrameworkError
from framework.runtime.environment import StopSignal
from framework.text import count_noun


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


def test_location(
    location: Location, *, update: bool, is_named: bool, stop: StopSignal
) -> ConnectorTest:
    """Return the test of one connector; an error is a problem of it, a stop is raised.

    One that is not named is skipped if it has no cassette.
    """
    began = time.perf_counter()
    try:
        connector = valid_connector(location)
        if not is_named and not cassette_path(connector).exists():
            return ConnectorTest(location.name)
        result = test_connector(connector, update=update, stop=stop)
    except FrameworkError as error:
        if stop.error is not None:
            raise
        result = TestResult(replay=(str(error),))
    return ConnectorTest(location.name, result, time.perf_counter() - began)


test_location.__test__ = False  # type: ignore[attr-defined]  # not a pytest test
