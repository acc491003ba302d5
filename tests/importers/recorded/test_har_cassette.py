"""The first cassette: what a HAR holds is replayed, what it lacks is an empty list."""

import json
import os
import re
import signal

import pytest
import yaml

from framework.cli.main import main
from framework.importers.recorded import har_cassette
from tests.importers.recorded.test_recordings import CASES
from tests.support.recordings import write_har

HOST = "https://api.example.com"


@pytest.fixture
def cassette(tmp_path, monkeypatch, capsys):
    """Return a function that imports requests, and returns the report and the cassette's text."""
    monkeypatch.chdir(tmp_path)

    def do(*requests):
        write_har({"host": HOST, "requests": list(requests)}, tmp_path / "shop.har")
        assert main(["import", "har", "shop.har", "--format", "json"]) == 0
        report = json.loads(capsys.readouterr().out)["cassette"]
        assert report["files"], report
        assert main(["test", "shop"]) == 0, capsys.readouterr().out
        return report, (tmp_path / "cassettes" / "shop.yaml").read_text()

    return do


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_every_recording_becomes_a_cassette(case, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_har(yaml.safe_load(case.read_text(encoding="utf-8")), tmp_path / "shop.har")
    assert main(["import", "har", "shop.har"]) == 0
    assert "written: cassettes/shop.yaml" in capsys.readouterr().out
    assert main(["test", "shop"]) == 0, capsys.readouterr().out


def test_pages_and_children_that_nobody_opened_are_empty(cassette):
    report, text = cassette(
        {"get": "/users?page=1", "response": {"users": [{"id": 1}, {"id": 2}], "pages": 9}},
        {"get": "/users?page=2", "response": {"users": [{"id": 3}, {"id": 4}], "pages": 9}},
        {"get": "/users/3/cars", "response": {"cars": [{"id": 7}], "total": 1}},
    )
    assert (report["requests"], report["empty"]) == (6, 3)
    assert '"pages": 9' not in text
    assert '"pages": 2' in text


def test_names_and_addresses_are_replaced(cassette):
    _, text = cassette(
        {
            "get": "/people?email=ada@example.org",
            "response": {"people": [{"id": 1, "name": "Ada Lovelace", "mail": "ada@example.org"}]},
        }
    )
    assert "Lovelace" not in text
    assert "ada@example.org" not in text


def test_a_resource_that_the_har_cannot_answer_is_left_out_and_told(cassette):
    report, _ = cassette(
        {"get": "/users", "response": {"users": [{"id": 1}]}},
        {"get": "/stuck?page=1", "response": [{"id": 1}]},
        {"get": "/stuck?page=2", "response": [{"id": 1}]},
    )
    assert list(report["left_out"]) == ["stuck"]


def test_many_parents_limit_the_cassette(cassette):
    report, text = cassette(
        {"get": "/users", "response": {"users": [{"id": n} for n in range(1, 301)]}},
        {"get": "/users/3/cars", "response": {"cars": [{"id": 7}]}},
    )
    assert report["requests"] == 101
    assert "limit: 100" in text


def test_a_number_of_the_config_stays_in_a_link_to_the_next_page(cassette):
    link = f"{HOST}/teams/7/members?page=2"
    report, text = cassette(
        {
            "get": "/teams/7/members?page=1",
            "response": {"members": [{"id": "a", "name": "Ada"}], "links": {"next": link}},
        }
    )
    assert report["requests"] == 2
    assert set(re.findall(r"/teams/(\w+)/", text)) == {"7"}


def test_an_import_that_was_interrupted_can_be_repeated(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    requests = [{"get": "/users", "response": {"users": [{"id": 1}]}}]
    write_har({"host": HOST, "requests": requests}, tmp_path / "shop.har")

    def interrupted(*_, **__):
        os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(har_cassette, "test_connector", interrupted)
        assert main(["import", "har", "shop.har"]) == 130
    assert [one.name for one in tmp_path.iterdir()] == ["shop.har"]
    assert main(["import", "har", "shop.har"]) == 0
    assert main(["test", "shop"]) == 0
