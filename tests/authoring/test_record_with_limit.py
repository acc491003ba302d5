"""`record --limit` writes what `test` accepts, whatever was under way at the limit."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from framework.authoring.cassettes.recorder import record
from framework.authoring.cassettes.snapshot import test_connector as run_test
from framework.events import ignore_event
from framework.runtime.environment import Environment, StopSignal
from tests.support.run_verbs import connector_of
from tests.support.servers.web import Asked, Web

pytestmark = pytest.mark.usefixtures("project")
BODY = """
client: {{base_url: "{url}", paginator: {{type: page_number, base_page: 1, total_path: null}}}}
resource_defaults: {{primary_key: id, write_disposition: merge}}
resources:
  - name: parents
    endpoint: {{path: /parents}}
  - name: children
    endpoint: {{path: "/parents/{{resources.parents.id}}/children"}}
  - name: leaves
    endpoint: {{path: "/children/{{resources.children.id}}/leaves"}}
"""


def test_requests_under_way_at_the_limit_are_no_fault(web: Web, project: Path) -> None:
    """Responses of children come at once, in pairs, so that some are not needed."""
    pairs = threading.Barrier(2)

    def together(rows: list[dict[str, object]]) -> list[dict[str, object]]:
        try:
            pairs.wait(timeout=0.2)
        except threading.BrokenBarrierError:
            pairs.reset()
        return rows

    def parents(asked: Asked) -> object:
        page = int(asked.param("page") or 1)
        return [{"id": 10 * page + n} for n in range(4)] if page < 4 else []

    def children(asked: Asked) -> object:
        parent = asked.parts["id"]
        return (
            []
            if asked.param("page") == "2"
            else together([{"id": f"{parent}-{n}"} for n in (1, 2)])
        )

    web.on("/parents", parents)
    web.on("/parents/{id}/children", children)
    web.on("/children/{id}/leaves", children)
    connector = connector_of(project, BODY.format(url=web.url))
    recording = record(
        connector,
        resources=None,
        config={},
        alias=None,
        limit=3,
        environment=Environment(),
        on_event=ignore_event,
    )
    assert recording.report.status == "ok"
    written = run_test(connector, update=True, stop=StopSignal())
    again = run_test(connector, update=False, stop=StopSignal())
    assert (written.problems, again.problems) == ((), ())
    assert written.rows == again.rows == 9
