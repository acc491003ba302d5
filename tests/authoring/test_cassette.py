"""A cassette is vcrpy's file, whole or not there, and says what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
import vcr
import yaml
from vcr.persisters.filesystem import FilesystemPersister
from vcr.serializers import yamlserializer

from framework.authoring.cassettes.cassette import (
    Cassette,
    read_cassette,
    to_text,
    write_cassette,
)
from framework.authoring.exchange import Interaction
from framework.errors import CassetteError
from tests.support.scrubbed_recording import exchange

CLOCK = datetime(2026, 11, 23, 4, 5, 6, 789, tzinfo=UTC)
ODD = (
    "quotes ' \" and: colons\n  new lines\r\n\ttabs \x00\x1f\x7f\x85\ufeff 日本語 😀 - # & *x !t |"
)


def a_cassette(*interactions: Interaction) -> Cassette:
    return Cassette(
        "club",
        CLOCK,
        interactions or (exchange("https://api.example.com/members", {"data": [{"id": 1}]}),),
        config={"start_date": "2020-01-01", "size": 5, "tags": ["a", "b"]},
        resources=("members", "visits"),
        limit=3,
    )


def test_what_was_written_is_read(tmp_path: Path) -> None:
    cassette = a_cassette(
        exchange("https://api.example.com/odd?x=1&y=%2F", {"text": ODD}),
        exchange("https://api.example.com/odd", ODD.encode(), headers=()),
        exchange("https://api.example.com/binary", b"\x89PNG\xff\x00", headers=()),
        exchange("https://api.example.com/empty", b"", status=204),
        exchange(
            "https://api.example.com/find",
            {"n": 1},
            method="POST",
            request_headers=(("Content-Type", "application/json"),),
            request_body=json.dumps({"query": ODD}).encode(),
        ),
        exchange(
            "https://api.example.com/twice",
            {},
            headers=(("Link", '<https://a.example.com>; rel="next"'), ("Link", "<b>")),
        ),
    )
    write_cassette(tmp_path / "deep" / "club.yaml", cassette)
    assert read_cassette(tmp_path / "deep" / "club.yaml", "club") == cassette
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["club.yaml"]


def test_vcrpy_loads_the_file(tmp_path: Path) -> None:
    path = tmp_path / "club.yaml"
    write_cassette(path, a_cassette())
    asked_for, answers, *metadata = FilesystemPersister.load_cassette(path, yamlserializer)
    assert [request.uri for request in asked_for] == ["https://api.example.com/members"]
    assert answers[0]["status"]["code"] == 200
    assert not metadata or metadata[0]["connector"] == "club"


def test_vcrpy_replays_the_file(tmp_path: Path) -> None:
    path = tmp_path / "club.yaml"
    write_cassette(path, a_cassette())
    with vcr.use_cassette(str(path), record_mode="none") as played:
        answer = requests.get("https://api.example.com/members", timeout=5)
    assert answer.json() == {"data": [{"id": 1}]}
    assert played.all_played


def test_a_json_body_is_text_and_a_binary_one_base64() -> None:
    text = to_text(
        a_cassette(
            exchange("https://api.example.com/a", {"name": "text 1"}),
            exchange("https://api.example.com/b", b"\xff\x00", headers=()),
        )
    )
    assert """string: '{"name": "text 1"}'""" in text
    assert "!!binary" in text
    assert "!!python" not in text
    assert "&id" not in text


def test_nothing_is_written_while_a_secret_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "club.yaml"
    long = "a secret of several words " * 5
    cassette = a_cassette(exchange("https://api.example.com/me", {"echo": long}))
    with pytest.raises(CassetteError) as caught:
        write_cassette(path, cassette, ["other", long])
    assert long not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_secret_in_config_is_found(tmp_path: Path) -> None:
    cassette = replace(a_cassette(), config={"start": "sécret-value"})
    with pytest.raises(CassetteError):
        write_cassette(tmp_path / "club.yaml", cassette, ["sécret-value"])


def test_an_old_cassette_stays_when_the_new_one_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "club.yaml"
    write_cassette(path, a_cassette())
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(CassetteError, match="No space left"):
        write_cassette(path, a_cassette(exchange("https://api.example.com/other", {})))
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "cassettes").write_text("")
    with pytest.raises(CassetteError, match="cannot be written"):
        write_cassette(tmp_path / "cassettes" / "club.yaml", a_cassette())


def whole() -> dict[str, object]:
    data = yaml.safe_load(to_text(a_cassette()))
    assert isinstance(data, dict)
    return data


def changed(change: Callable[[dict[str, object]], object]) -> bytes:
    data = whole()
    change(data)
    return yaml.safe_dump(data).encode()


def of_metadata(**values: object) -> bytes:
    return changed(lambda data: data["metadata"].update(values))  # type: ignore[attr-defined]


BROKEN: dict[str, tuple[bytes, str]] = {
    "binary": (b"\x89PNG\r\n\xff\xfe\x00", "not UTF-8"),
    "empty": (b"", "not a cassette"),
    "text": (b"just words", "not a cassette"),
    "list": (b"- 1\n- 2\n", "not a cassette"),
    "connector file": (b"version: 1\nname: club\nresources: []\n", "not a cassette"),
    "cut inside of a text": (to_text(a_cassette()).encode()[:120], "cut"),
    "cut between lines": (to_text(a_cassette()).encode().split(b"metadata:")[0], "cut"),
    "cut before the last line": (to_text(a_cassette()).encode().split(b"version:")[0], "cut"),
    "broken YAML": (b"interactions: [\n  {a: 1\n", "line"),
    "control characters": (b"interactions:\n- \x01\n", "not valid YAML"),
    "python tag": (b"interactions: !!python/object/apply:os.getcwd []\n", "tag"),
    "vcrpy's own python tag": (b"interactions:\n- !!python/tuple [1]\n", "tag"),
    "another connector's": (of_metadata(connector="shop"), "`shop`"),
    "vcrpy's without metadata": (changed(lambda d: d.pop("metadata")), "metadata"),
    "another format": (of_metadata(format=2), "metadata.format"),
    "another version": (changed(lambda d: d.update(version=2)), "version 2"),
    "no clock": (of_metadata(clock=None), "metadata.clock"),
    "a wrong limit": (of_metadata(limit="ten"), "metadata.limit"),
    "wrong config": (of_metadata(config=[1]), "config"),
    "an interaction that is none": (changed(lambda d: d.update(interactions=[1])), "interaction 1"),
    "an interaction without response": (
        changed(lambda d: d["interactions"][0].pop("response")),  # type: ignore[index]
        "interaction 1",
    ),
    "a status that is none": (
        changed(lambda d: d["interactions"][0]["response"]["status"].update(code="x")),  # type: ignore[index]
        "interaction 1",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_cassette_gets_one_message(tmp_path: Path, name: str) -> None:
    content, wanted = BROKEN[name]
    path = tmp_path / "club.yaml"
    path.write_bytes(content)
    with pytest.raises(CassetteError) as caught:
        read_cassette(path, "club")
    assert wanted in str(caught.value)
    assert str(path) in str(caught.value)
    assert "framework record club" in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_a_missing_cassette_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match="framework record club"):
        read_cassette(tmp_path / "club.yaml", "club")


def test_a_folder_is_no_cassette(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match="folder"):
        read_cassette(tmp_path, "club")


def test_a_clock_without_quotes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "club.yaml"
    text = to_text(a_cassette()).replace("'2026-11-23T04:05:06.000789Z'", "2026-11-23T04:05:06Z")
    path.write_text(text)
    assert read_cassette(path, "club").clock == CLOCK.replace(microsecond=0)
