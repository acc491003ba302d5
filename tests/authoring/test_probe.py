"""A look at the API: one request to each resource, and no more than that."""

import pytest

from framework.authoring.diagnose.probe import probe
from framework.cli.main import main
from framework.events import ignore_event
from framework.runtime.environment import Environment
from tests.support.open_resource import connector_of, one_list
from tests.support.servers.web import Answer, Web


def test_a_look_at_an_export_creates_the_job_and_waits_for_nothing(project):
    export = {"status": "/jobs/{job.id}", "ready": "done", "download": "{response.url}"}
    with Web() as web:
        web.on("/items", {"id": 1})
        connector = connector_of(project, one_list(web.url, {"export": export}))
        (looked,) = probe(connector, connector.resources, {}, None, Environment(), ignore_event)
        assert (looked.outcome, looked.message) == ("readable", "its export job was created")
        assert web.paths() == ["/items"]


def test_a_selector_that_finds_nothing_is_told_after_one_request(project, capsys):
    def more(asked):
        page = int(asked.param("after", "0"))
        return Answer(200, {"rows": [{"id": page}], "next": page + 1})

    cursor = {"type": "cursor", "cursor_param": "after", "cursor_path": "next"}
    with Web() as web:
        web.on("/items", more)
        connector_of(project, one_list(web.url, {"data_selector": "row", "paginator": cursor}))
        assert main(["check", "shop"]) == 1
        assert web.paths() == ["/items"]
        out = capsys.readouterr().out
        assert "`row` finds nothing" in out
        assert out.count("has no list") == 1


def test_a_list_that_says_that_it_is_empty_is_readable(project, capsys):
    with Web() as web:
        web.on("/items", {"items": None, "total": 0})
        connector_of(project, one_list(web.url, {"data_selector": "items"}))
        assert main(["check", "shop"]) == 0
        assert "no records" in capsys.readouterr().out


@pytest.mark.parametrize(
    "argv",
    [
        ["check", "shop"],
        ["check", "shop", "--deep"],
        ["preview", "shop", "items"],
        ["infer", "shop"],
    ],
)
def test_a_look_says_what_it_waits_for(project, capsys, monkeypatch, argv):
    monkeypatch.setattr("framework.cli.progress_view.MIN_PLAIN_WAIT", 0.0)
    answers = iter([Answer(503), *[Answer(200, [{"id": n} for n in range(9)])] * 9])
    retry = {"status_codes": [503], "max_retries": 1, "backoff_factor": 0.001}
    with Web() as web:
        web.on("/items", lambda _: next(answers))
        connector_of(project, one_list(web.url, retry=retry))
        assert main(argv) == 0
        assert "items: waiting 0 s (503" in capsys.readouterr().err


def test_infer_tells_of_a_selector_that_finds_nothing(project, capsys):
    with Web() as web:
        web.on("/items", {"rows": [{"id": 1}]})
        connector_of(project, one_list(web.url, {"data_selector": "row"}))
        assert main(["infer", "shop"]) == 1
        assert "data_selector `row` finds nothing" in capsys.readouterr().err


def test_the_error_of_a_parent_is_told_once(project, capsys):
    with Web() as web:
        web.on("/items", lambda _: Answer(401, {}))
        body = one_list(web.url, {})
        child = {"path": "/items/{resources.items.id}/parts", "paginator": "single_page"}
        body["resources"].append({"name": "parts", "endpoint": child})
        connector_of(project, body)
        assert main(["check", "shop"]) == 1
        assert capsys.readouterr().out.count("401 Unauthorized") == 1
        assert main(["check", "shop", "--resources", "parts"]) == 1
        assert capsys.readouterr().out.count("401 Unauthorized") == 1
        assert main(["infer", "shop"]) == 1
        err = capsys.readouterr().err
        assert err.count("401 Unauthorized") == 1
        assert "parts: not requested, because items cannot be read" in err
