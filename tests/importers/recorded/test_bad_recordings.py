"""What an import of a recording refuses, with one line, a place and an exit code; and bears."""

import base64
import gzip
import json
import time

import pytest

from framework.cli.main import main
from framework.importers.import_report import ManifestError
from framework.importers.recorded.formats.har_file import read_har
from framework.importers.recorded.formats.postman_collection import read_postman
from framework.importers.recorded.recorded_import import RecordedSource, import_recorded
from tests.support.recordings import har_of, write_har

LIST = {"get": "/v1/items", "response": {"items": [{"id": 1}, {"id": 2}]}}
RECORDING = {"host": "https://api.example.com", "requests": [LIST]}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x.har: is empty"),
        ("<html>", "x.har:1:1: is not valid JSON"),
        ('{"log": {"entries": [\n{"request": ', "x.har:2:13: is not valid JSON: it is cut off"),
        ('{"log": {"entries": ["abc', "is not valid JSON: it is cut off"),
        ("[]", "expected a HAR"),
        ('{"log": {}}', "expected a HAR"),
        ('{"log": {"entries": []}}', "found no request over http"),
        ('{"log": {"entries": [null, 1, {}]}}', "among 3 entries: not a request with its response"),
        ('{"a":' * 100_000, "is not valid JSON"),
        (b"\xff\xfe\x00", "is not valid JSON"),
    ],
)
def test_what_is_no_har_is_refused(folder, capsys, text, message):
    data = text if isinstance(text, bytes) else text.encode()
    (folder / "x.har").write_bytes(data)
    assert main(["import", "har", "x.har"]) == 1
    said = capsys.readouterr().err
    assert message in said
    assert len(said.strip().splitlines()) == 1
    assert not (folder / "connectors").exists()


def test_a_missing_file_and_a_folder_are_refused(folder, capsys):
    (folder / "dir.har").mkdir()
    for name in ("none.har", "dir.har"):
        assert main(["import", "har", name]) == 1
        assert f"{name}: " in capsys.readouterr().err


def test_a_har_is_cut_anywhere(folder):
    text = json.dumps(har_of(RECORDING))
    for size in range(0, len(text) - 1, 37):
        (folder / "x.har").write_text(text[:size])
        with pytest.raises(ManifestError):
            read_har(folder / "x.har")


def test_bodies_that_are_binary_or_missing_are_left_out(folder, capsys):
    har = har_of(RECORDING)
    entries = har["log"]["entries"]
    for content in (
        {"mimeType": "image/png", "text": "iVBORw0KGgo=", "encoding": "base64"},
        {"mimeType": "application/json", "text": "!!", "encoding": "base64"},
        {"mimeType": "application/json", "text": "e30=", "encoding": "base64"},
        {"mimeType": "application/json"},
        {"mimeType": "application/json", "text": "\x00\x01"},
        {"mimeType": "application/octet-stream", "text": "\ufffd" * 50},
    ):
        one = json.loads(json.dumps(entries[0]))
        one["request"]["url"] += f"/other{len(entries)}"
        one["response"]["content"] = content
        entries.append(one)
    (folder / "x.har").write_text(json.dumps(har))
    assert main(["import", "har", "x.har", "--no-cassette"]) == 0
    out = capsys.readouterr().out
    assert "1 resource" in out
    assert "left out 1 of 7 entries: a body that is not valid base64" in out


def page_of(number, **response):
    return {"get": f"/v1/items?page={number}", "response": {"items": [{"id": number}]}, **response}


def test_contents_are_read_as_tools_store_them(folder, capsys):
    recording = {**RECORDING, "requests": [page_of(number) for number in range(1, 5)]}
    har = har_of(recording)
    first, gzipped, cached, script = har["log"]["entries"]
    first["request"]["headers"] += [{"name": ":authority", "value": "api.example.com"}]
    content = gzipped["response"]["content"]
    packed = gzip.compress(content["text"].encode())
    content.update(text=base64.b64encode(packed).decode(), encoding="base64")
    cached["response"]["status"] = 304
    script["response"]["content"]["mimeType"] = "text/javascript"
    del script["request"]["headers"]
    socket = {"request": {"url": "wss://api.example.com/live"}, "_webSocketMessages": []}
    har["log"]["entries"] += [{**socket, "response": {"status": 101}}]
    (folder / "x.har").write_text(json.dumps(har))
    recorded = read_har(folder / "x.har")
    answered = [json.loads(one.body)["items"][0]["id"] for one in recorded.interactions]
    assert answered == [1, 2, 3, 4]
    assert {one.status for one in recorded.interactions} == {200}
    assert recorded.notes == ("left out 1 of 5 entries: not an http address",)
    assert main(["import", "har", "x.har"]) == 0
    assert "page_number" in (folder / "connectors" / "x.yaml").read_text()
    assert ":authority" not in (folder / "connectors" / "x.yaml").read_text()


def test_responses_that_are_cut_are_told(folder, capsys):
    har = har_of({**RECORDING, "requests": [page_of(1), page_of(2), page_of(3)]})
    _, cut, missing = har["log"]["entries"]
    cut["response"]["content"]["text"] = cut["response"]["content"]["text"][:9]
    del missing["response"]["content"]["text"]
    (folder / "x.har").write_text(json.dumps(har))
    assert main(["import", "har", "x.har"]) == 0
    told = "to be checked: 2 JSON responses missing or cut off in the recording"
    assert told in capsys.readouterr().out
    assert told in " ".join((folder / "connectors" / "x.yaml").read_text().replace("#", "").split())


def test_requests_without_responses_are_told(folder, capsys):
    har = har_of(RECORDING)
    har["log"]["entries"][0]["response"] = {"status": 0, "content": {}}
    (folder / "x.har").write_text(json.dumps(har))
    assert main(["import", "har", "x.har"]) == 1
    said = capsys.readouterr().err
    assert "found no request with its response among 1 entries: no response came" in said


def test_responses_without_contents_are_told(folder, capsys):
    har = har_of(RECORDING)
    del har["log"]["entries"][0]["response"]["content"]["text"]
    (folder / "x.har").write_text(json.dumps(har))
    assert main(["import", "har", "x.har"]) == 1
    assert "export the recording with the contents of responses" in capsys.readouterr().err


def test_a_recording_without_a_list_gives_a_connector_without_resources(folder, capsys):
    write_har({**RECORDING, "requests": [{"get": "/me", "response": {"id": 1}}]}, folder / "x.har")
    assert main(["import", "har", "x.har"]) == 1
    assert "found no request that returns a list" in capsys.readouterr().out


def test_a_host_that_is_not_there_is_refused(folder, capsys):
    write_har(RECORDING, folder / "x.har")
    assert main(["import", "har", "x.har", "--host", "other.example.com"]) == 1
    assert "there are: api.example.com" in capsys.readouterr().err


def test_the_host_can_be_chosen(folder, capsys):
    other = {"get": "https://b.example.com/v1/orders", "response": {"orders": [{"id": 1}]}}
    recording = {**RECORDING, "requests": [LIST, LIST, other]}
    write_har(recording, folder / "x.har")
    options = ["--host", "b.example.com", "--format", "json", "--no-cassette"]
    assert main(["import", "har", "x.har", *options]) == 0
    assert json.loads(capsys.readouterr().out)["resources"] == ["orders"]


def test_a_cassette_that_is_there_is_kept(folder, capsys):
    write_har(RECORDING, folder / "x.har")
    (folder / "cassettes").mkdir()
    (folder / "cassettes" / "x.yaml").write_text("mine")
    assert main(["import", "har", "x.har"]) == 0
    assert (folder / "cassettes" / "x.yaml").read_text() == "mine"
    assert "the cassette that is there is kept" in capsys.readouterr().out


def test_without_a_cassette(folder):
    write_har(RECORDING, folder / "x.har")
    assert main(["import", "har", "x.har", "--no-cassette"]) == 0
    assert not (folder / "cassettes").exists()


@pytest.mark.slow
def test_a_har_of_100_megabytes_takes_seconds(folder):
    records = [{"id": number, "text": "lorem ipsum " * 80} for number in range(250)]
    requests = [
        {
            "get": f"/v1/items?page={page}",
            "response": {"items": [{**one, "id": page * 250 + one["id"]} for one in records]},
        }
        for page in range(1, 401)
    ]
    path = write_har({**RECORDING, "requests": requests}, folder / "x.har")
    assert path.stat().st_size > 95_000_000
    started = time.process_time()
    recording = read_har(path)
    source = RecordedSource(recording.interactions, "x.har", "a HAR")
    found = import_recorded(source, "x").imported
    assert "page_param: page" in found.text
    assert time.process_time() - started < 60


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("{", "is not valid YAML"),
        ("[]", "expected a Postman collection"),
        ('{"id": "1", "requests": []}', "export it again as Collection v2.1"),
        ('{"info": {}, "item": {}}', "expected a Postman collection"),
    ],
)
def test_what_is_no_collection_is_refused(folder, data, message):
    (folder / "x.json").write_text(data)
    with pytest.raises(ManifestError, match=message):
        read_postman(folder / "x.json")


def test_a_collection_without_requests_is_refused(folder, capsys):
    (folder / "x.json").write_text('{"info": {"name": "x"}, "item": []}')
    assert main(["import", "postman", "x.json"]) == 1
    assert "found no request" in capsys.readouterr().err


def test_a_collection_that_is_nested_too_deeply_is_refused(folder):
    item = {"name": "x", "request": "https://api.example.com/items"}
    for _ in range(60):
        item = {"name": "folder", "item": [item]}
    (folder / "x.json").write_text(json.dumps({"info": {"name": "x"}, "item": [item]}))
    with pytest.raises(ManifestError, match="is nested too deeply"):
        read_postman(folder / "x.json")
