"""The scheduling connector against its simulator: recorded, scrubbed, replayed, nothing lost."""

from __future__ import annotations

import copy
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from framework.api import valid_connector
from framework.authoring.cassettes.cassette import Cassette, read_cassette, write_cassette
from framework.authoring.cassettes.recorder import Recorder, RecordingAdapter, named_headers
from framework.authoring.cassettes.replayer import ReplayAdapter
from framework.authoring.cassettes.snapshot import compare, snapshot
from framework.authoring.scrub.anonymizer import scrub
from framework.cli.main import main
from framework.definition.finder import find_connector
from framework.http.transport import LiveAdapter
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.runtime.environment import Environment
from framework.runtime.settings import resolve_settings
from tests.support.recorded_run import texts_of
from tests.support.simulator import API, HERE, Simulator, small_world

TOKEN = "eyJ-a-token-of-tests-123"
CONNECTOR = Path(__file__).parents[2] / "connectors" / "scheduling.yaml"
PERSONAL = {
    "additional_info",
    "answer",
    "avatar_url",
    "body",
    "cancel_url",
    "canceled_by",
    "current_organization",
    "email",
    "emails",
    "event",
    "external_id",
    "first_name",
    "last_name",
    "location",
    "name",
    "next_page",
    "next_page_token",
    "organization",
    "owner",
    "phone_number",
    "question",
    "reason",
    "reschedule_url",
    "scheduling_url",
    "slug",
    "subject",
    "submitter",
    "text_reminder_number",
    "uri",
    "user",
    "user_email",
    "user_name",
}
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize("public_url", [API, HERE])
@pytest.mark.slow
def test_every_resource_replays_from_a_scrubbed_recording(project: Path, public_url: str) -> None:
    scheduling = valid_connector(find_connector(str(CONNECTOR)))
    names = tuple(resource.name for resource in scheduling.resources)
    recorder = Recorder(named_headers(scheduling))

    def recording(size: int) -> RecordingAdapter:
        return RecordingAdapter(LiveAdapter(size, 1_000_000, 60), recorder)

    with Simulator(small_world(), tokens=[TOKEN], public_url=public_url) as api:
        given = {"base_url": api.base_url, "api_key": TOKEN}
        live = run(
            scheduling,
            RunOptions(resources=names, dataset="live_data", config=given),
            Environment(now=NOW, transport=recording),
        )
        assert live.status == "ok"
        assert len(recorder.exchanges) == len(api.requests)
    settings = resolve_settings(scheduling, given)
    scrubbed = scrub(recorder.exchanges, scheduling, settings.config, settings.secrets.values())
    path = project / "scheduling.cassette.yaml"
    made = Cassette("scheduling", NOW, scrubbed.interactions, scrubbed.config, names)
    write_cassette(path, made, scrubbed.secrets)
    text = path.read_text("utf-8")
    assert api.base_url not in text
    assert TOKEN not in text
    private = {text for e in recorder.exchanges for text in personal(json.loads(e.body))}
    assert len(private) > 1000
    assert private & texts_of(made.interactions) == set()
    assert [text for text in private if "@" in text and text in whole(made)] == []

    cassette = read_cassette(path, "scheduling")
    adapter = ReplayAdapter(cassette)
    replayed = run(
        scheduling,
        RunOptions(resources=names, dataset="replay_data", config=cassette.config),
        Environment(now=cassette.clock, transport=lambda _: adapter, waits=False, replay=True),
    )
    assert {n: r.rows for n, r in replayed.resources.items()} == {
        n: r.rows for n, r in live.resources.items()
    }
    assert adapter.unused() == []
    keys = {resource.name: resource.primary_key for resource in scheduling.resources}
    before, after = (
        snapshot(project / "scheduling.duckdb", dataset, keys)
        for dataset in ("live_data", "replay_data")
    )
    for taken in (before, after):
        for table in taken["tables"].values():
            table["first_rows"] = []
    assert compare(before, after) == []


def whole(cassette: Cassette) -> str:
    """All texts of the interactions, unfolded."""
    return "\n".join(f"{part.url}\n{part.body.decode()}" for part in cassette.interactions)


def personal(value: Any) -> set[str]:
    """What stands in the fields that hold people, their words and their things."""
    if isinstance(value, list):
        return {text for item in value for text in personal(item)}
    if not isinstance(value, dict):
        return set()
    own = {value[key] for key in PERSONAL & set(value) if isinstance(value[key], str)} - {""}
    return own | {text for item in value.values() for text in personal(item)}


def test_a_recorded_answer_that_is_never_asked_for_fails_the_test(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundled = find_connector("scheduling").root
    for part in ("connectors/scheduling.yaml", "cassettes/scheduling.expected.yaml"):
        (project / part).parent.mkdir(exist_ok=True)
        shutil.copy(bundled / part, project / part)
    shutil.copytree(bundled / "schemas" / "scheduling", project / "schemas" / "scheduling")
    cassette = yaml.safe_load((bundled / "cassettes" / "scheduling.yaml").read_text("utf-8"))
    one = copy.deepcopy(cassette["interactions"][0])
    one["request"]["uri"] += "/never"
    cassette["interactions"].append(one)
    (project / "cassettes" / "scheduling.yaml").write_text(yaml.safe_dump(cassette), "utf-8")
    assert main(["test", "scheduling"]) == 1
    said = capsys.readouterr()
    assert "never requested: GET https://api.calendly.com/users/me/never" in said.out + said.err
