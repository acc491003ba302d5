"""Recordings by hand, scrubbed: what is in no resource's records, and what is no JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from framework.authoring.exchange import Interaction
from framework.authoring.scrub.anonymizer import ScrubResult, scrub
from tests.support.scrubbed_recording import connector, exchange

Json = Any
API = "https://api.example.com"
BODY = {
    "client": {"base_url": API, "allowed_hosts": ["files.example.net"]},
    "resources": [
        {
            "name": "members",
            "write_disposition": "replace",
            "schema": {
                "properties": {
                    "role": {"enum": ["owner", "member"]},
                    "count": {"type": "integer"},
                    "named": {"additionalProperties": {"type": "integer"}},
                    "free": {"type": "object"},
                    "keep": {"type": "object", "x-keep": True},
                }
            },
            "endpoint": {"path": "/members", "data_selector": "data", "paginator": "single_page"},
        },
        {
            "name": "plain",
            "write_disposition": "replace",
            "endpoint": {"path": "/plain", "paginator": "single_page"},
        },
    ],
}


def scrubbed(
    folder: Path, *interactions: Interaction, secrets: tuple[str, ...] = ()
) -> ScrubResult:
    return scrub(interactions, connector(folder, BODY), {}, secrets)


def body(folder: Path, data: Json, path: str = "/plain", status: int = 200) -> Json:
    (done,) = scrubbed(folder, exchange(f"{API}{path}", data, status=status)).interactions
    return json.loads(done.body)


def test_an_error_keeps_its_standard_words_and_no_others(tmp_path: Path) -> None:
    error = {
        "title": "Permission Denied",
        "message": "Sam Smith may not",
        "error": "invalid_grant",
        "details": [{"parameter": "Sam"}],
        "status": 403,
    }
    assert body(tmp_path, error, status=403) == {
        "title": "Permission Denied",
        "message": "text 1",
        "error": "invalid_grant",
        "details": [{"parameter": "Text1"}],
        "status": 403,
    }


def test_outside_of_errors_the_same_words_are_data(tmp_path: Path) -> None:
    assert body(tmp_path, [{"name": "Permission Denied"}]) == [{"name": "text 1"}]


def test_a_marked_object_stays_whole(tmp_path: Path) -> None:
    kept = {"keep": {"a": ["Sam", {"b": "Smith"}], "n": 85012345678}}
    assert body(tmp_path, {"data": [kept]}, "/members") == {"data": [kept]}


def test_keys_that_are_data_are_replaced(tmp_path: Path) -> None:
    record = {
        "named": {"Sam": 1, "sam@example.org": 2},
        "free": {"sam@example.org": 1, "Sam Smith": 2, "note": 3, "role": "owner"},
        "name": "note",
    }
    made = body(tmp_path, {"data": [record]}, "/members")["data"][0]
    assert list(made["named"]) == ["Text1", "person1@example.com"]
    assert list(made["free"])[:2] == ["person1@example.com", "text 1"]
    assert "role" in made["free"]
    assert made["free"]["role"] != "owner"


def test_without_a_schema_only_keys_that_look_personal_are_replaced(tmp_path: Path) -> None:
    made = body(tmp_path, [{"First Name": 1, "Sam": 2, "sam@example.org": 3, "+1 555 010 9999": 4}])
    assert list(made[0]) == ["First Name", "Sam", "person1@example.com", "+1 000 000 0001"]


def test_numbers_stay_but_long_ones_in_free_objects(tmp_path: Path) -> None:
    record = {"count": 85012345678, "free": {"meeting": 85012345679, "n": 5, "at": 59.3293235}}
    made = body(tmp_path, {"data": [record]}, "/members")["data"][0]
    assert made["count"] == 85012345678
    assert made["free"]["n"] == 5
    assert made["free"]["meeting"] not in (85012345678, 85012345679)
    assert isinstance(made["free"]["meeting"], int)
    assert made["free"]["at"] != 59.3293235
    assert isinstance(made["free"]["at"], float)
    assert body(tmp_path, [{"id": 85012345678}]) == [{"id": 85012345678}]


def test_a_number_and_its_text_stay_one(tmp_path: Path) -> None:
    made = body(tmp_path, [{"id": 4711, "ref": "4711", "url": f"{API}/x/4711", "pin": "9999"}])[0]
    assert (made["id"], made["ref"]) == (4711, "4711")
    assert made["url"].endswith("/4711")
    assert made["pin"] not in ("9999", "4711")


@pytest.mark.parametrize(
    "content",
    [
        b"<html><body>Hello Sam</body></html>",
        b"Hello Sam",
        b"Sam",
        b'{"name": "Sam", "cut',
        b'{"name": "Sam"}\n{"name": "Sam"}\n',
        b"\xff\xfe\x00Sam\x00",
        "näme;Sam\n1;Sam".encode(),
        "Sam Smith \xe9".encode("latin-1"),
    ],
)
def test_a_body_that_is_no_json_says_nothing_either(tmp_path: Path, content: bytes) -> None:
    (done,) = scrubbed(tmp_path, exchange(f"{API}/plain", content)).interactions
    assert b"Sam" not in done.body
    assert done.body
    if content.startswith(b"<"):
        assert done.body.startswith(b"<")
    if content.startswith(b'{"name": "Sam", '):
        with pytest.raises(ValueError):
            json.loads(done.body)


@pytest.mark.parametrize("content", [b"", b" \n", b"null", b"[]", b"{}", b"true", b"5"])
def test_a_body_without_strings_stays(tmp_path: Path, content: bytes) -> None:
    (done,) = scrubbed(tmp_path, exchange(f"{API}/plain", content)).interactions
    assert done.body == content


def test_half_a_surrogate_pair_does_not_break_a_recording(tmp_path: Path) -> None:
    content = b'{"data": [{"keep": {"a": "\\ud83d"}}]}'
    (done,) = scrubbed(tmp_path, exchange(f"{API}/members", content)).interactions
    assert json.loads(done.body) == json.loads(content)


def test_hosts_of_others_are_replaced_and_the_files_own_stay(tmp_path: Path) -> None:
    urls = [
        f"{API}/users/AbC123",
        "https://example.com/AbC123",
        "https://files.example.net/AbC123",
        "https://sam:pw@sam.firm.example.org:8443/AbC123?who=sam#sam",
        "mailto:sam@firm.example.org",
    ]
    made = [row["u"] for row in body(tmp_path, [{"u": url} for url in urls])]
    last = made[0].rsplit("/", 1)[1]
    assert made[0].startswith(f"{API}/")
    assert made[1] == f"https://example.com/{last}"
    assert made[2] == f"https://files.example.net/{last}"
    assert made[3].split("@")[1].startswith(f"host1.example.com:8443/{last}?who=")
    assert "sam" not in "".join(made)


def test_interactions_are_in_one_order_whatever_the_threads_did(tmp_path: Path) -> None:
    one = [
        exchange(f"{API}/plain?page=1", [1]),
        exchange(f"{API}/plain?page=2", [2]),
        exchange(f"{API}/members", {"data": []}),
        exchange("https://auth.example.com/token", {"access_token": "abc-def-ghi"}, method="POST"),
    ]
    urls = [i.url for i in scrubbed(tmp_path, *one).interactions]
    assert [url.split("/")[-1] for url in urls] == [
        "token",
        "members",
        "plain?page=1",
        "plain?page=2",
    ]
    other = [one[3], one[0], one[2], one[1]]
    assert [i.url for i in scrubbed(tmp_path, *other).interactions] == urls


def test_tokens_obtained_on_the_way_are_secrets(tmp_path: Path) -> None:
    url = "https://auth.example.com/token"
    done = scrubbed(tmp_path, exchange(url, {"access_token": "abc-def-ghi"}), secrets=("one",))
    assert done.secrets == ("one", "abc-def-ghi")


def test_a_secret_in_a_url_becomes_the_stand_in_of_secrets(tmp_path: Path) -> None:
    url = f"{API}/plain?key=s%2Fecret-1&q=x%20s%2Fecret-1%20y"
    (done,) = scrubbed(tmp_path, exchange(url, []), secrets=("s/ecret-1",)).interactions
    assert done.url == f"{API}/plain?key=replayed&q=x+replayed+y"


def test_the_input_is_not_changed(tmp_path: Path) -> None:
    before = exchange(f"{API}/members", {"data": [{"name": "Sam", "free": {"Sam X": 1}}]})
    copy = exchange(f"{API}/members", {"data": [{"name": "Sam", "free": {"Sam X": 1}}]})
    scrubbed(tmp_path, before)
    assert before == copy


def test_a_path_that_an_expression_takes_from_config_is_that_of_a_replay(tmp_path: Path) -> None:
    one = {
        "name": "lists",
        "primary_key": "id",
        "write_disposition": "merge",
        "partitions": [{"name": "source", "values": "{config.sources}"}],
        "endpoint": {
            "path": "/{if(contains(partition.source, '/'), 'repos', 'orgs')}/"
            "{split(partition.source, '/')[0]}/{split(partition.source, '/')[1] || 'repos'}",
            "paginator": "single_page",
        },
    }
    strings = {"type": "array", "items": {"type": "string"}}
    made = connector(
        tmp_path,
        {"client": {"base_url": API}, "config": {"sources": strings}, "resources": [one]},
    )
    sources = ["acme", "octo/library"]
    data = [{"id": 1, "owner": "octo", "name": "library", "kind": "repos", "of": "orgs"}]
    urls = [f"{API}/orgs/acme/repos", f"{API}/repos/octo/library"]
    done = scrub([exchange(url, data) for url in urls], made, {"sources": sources}, ())
    group, path = done.config["sources"]
    owner, name = path.split("/")
    assert (group, owner, name) != ("acme", "octo", "library")
    found = {interaction.url for interaction in done.interactions}
    assert found == {f"{API}/orgs/{group}/repos", f"{API}/repos/{path}"}
    (body_of_one, _) = (json.loads(interaction.body) for interaction in done.interactions)
    assert (body_of_one[0]["owner"], body_of_one[0]["name"]) == (owner, name)
