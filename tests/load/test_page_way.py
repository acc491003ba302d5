"""The way of a page from its request to the sink is short."""

from __future__ import annotations

from pathlib import Path

from framework.authoring.cassettes.replayer import replay_environment
from framework.events import ignore_event
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.runtime.environment import StopSignal
from tests.support.page_trace import trace_pages
from tests.support.run_verbs import scheduling

MAX_CALLS = 80
MAX_MODULES = 23
"""Of the whole way: session, retries, budgets, rate limit and events included."""
MAX_MODULES_AFTER_RESPONSE = 15


def test_a_page_takes_few_calls_into_few_modules_from_requests_to_the_sink(tmp_path: Path) -> None:
    connector = scheduling()
    options = RunOptions(resources=("event_types",), folder=tmp_path)

    def replay() -> None:
        with replay_environment(connector, None, options, StopSignal()) as replayed:
            run(connector, replayed.options, replayed.environment, ignore_event)

    (trace,) = trace_pages(replay)
    assert len(trace.calls) <= MAX_CALLS, str(trace)
    assert len(trace.modules) <= MAX_MODULES, str(trace)
    assert len(trace.modules_after_response) <= MAX_MODULES_AFTER_RESPONSE, str(trace)
