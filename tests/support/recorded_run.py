"""A connector read from a server, recorded, scrubbed, written, and read again from the file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from framework.authoring.cassettes.cassette import (
    Cassette,
    read_cassette,
    write_cassette,
)
from framework.authoring.cassettes.recorder import Recorder, RecordingAdapter, named_headers
from framework.authoring.cassettes.replayer import ReplayAdapter
from framework.authoring.exchange import Interaction
from framework.authoring.scrub.anonymizer import scrub
from framework.http.transport import LiveAdapter
from framework.runtime.settings import STAND_IN
from tests.support.open_resource import opened
from tests.support.servers.web import Web

Json = Any
Records = dict[str, list[dict[str, Json]]]
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRET = "sk-live-0123456789"


@dataclass(frozen=True)
class RecordedRun:
    """The records of a live run and of its replay, and the cassette between them.

    `text` is the file and all of its texts unfolded. `unchanged` are the strings that are in both
    the raw and the scrubbed bodies.
    """

    live: Records
    replayed: Records
    cassette: Cassette
    text: str
    unused: list[str]
    unchanged: set[str]


def record_and_replay(
    folder: Path, web: Web, body: Mapping[str, Json], settings: Mapping[str, Json] | None = None
) -> RecordedRun:
    """Record a run and replay it; the config has `base_url`, the secret is `api_key`."""
    body = {
        "config": {
            "base_url": {"type": "string", "default": "https://api.example.com/v1"},
            **body.get("config", {}),
        },
        **{key: value for key, value in body.items() if key != "config"},
    }
    given = {"base_url": f"{web.url}/v1", **(settings or {})}
    secrets = {"api_key": SECRET} if "secrets" in body else {}
    recorder = Recorder()

    def record(size: int) -> RecordingAdapter:
        return RecordingAdapter(LiveAdapter(size, 1_000_000, 60), recorder)

    live = opened(folder, body, {**given, **secrets}, now=NOW, transport=record)
    recorder._headers |= named_headers(live.connector)
    names = [resource.name for resource in live.connector.resources]
    first = {name: live.read(name) for name in live.take(*names).taken}

    values = live.compiled.redactor.secrets(guarded=True)
    scrubbed = scrub(recorder.exchanges, live.connector, live.compiled.settings.config, values)
    assert len(scrubbed.interactions) == len(recorder.exchanges)
    path = folder / "cassettes" / "shop.yaml"
    cassette = Cassette("shop", NOW, scrubbed.interactions, scrubbed.config)
    write_cassette(path, cassette, scrubbed.secrets)
    cassette = read_cassette(path, "shop")
    adapter = ReplayAdapter(cassette)
    stand_ins = {"api_key": STAND_IN} if secrets else {}
    again = opened(
        folder,
        body,
        {**cassette.config, **stand_ins},
        now=NOW,
        transport=lambda _: adapter,
        replay=True,
    )
    second = {name: again.read(name) for name in again.take(*names).taken}
    texts = [path.read_text("utf-8")]
    for part in cassette.interactions:
        texts += [part.url, *(value for _, value in part.headers)]
        texts += [part.body.decode(), (part.request_body or b"").decode()]
    unchanged = texts_of(recorder.exchanges) & texts_of(cassette.interactions)
    return RecordedRun(first, second, cassette, "\n".join(texts), adapter.unused(), unchanged)


def texts_of(interactions: tuple[Interaction, ...]) -> set[str]:
    """The string values of all JSON bodies."""
    found: set[str] = set()
    for interaction in interactions:
        if interaction.body:
            found |= strings(json.loads(interaction.body))
    return found


def strings(value: Json) -> set[str]:
    """Every string in data but keys."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        return {text for item in value.values() for text in strings(item)}
    if isinstance(value, list):
        return {text for item in value for text in strings(item)}
    return set()
