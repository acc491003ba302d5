"""Stand-ins for config: in the form in which the file reads it."""

from __future__ import annotations

from pathlib import Path

from framework.mock.stand_ins import stand_ins
from tests.support.mocks import API, invented, shop
from tests.support.run_verbs import connector_of


def test_stand_ins_fit_what_reads_them(tmp_path: Path) -> None:
    body = shop({"path": "/{config.region}/{parse_time(config.day, '%Y%m%d')}"})
    body["client"]["base_url"] = "{config.address}"
    body["config"] = {
        "address": {"type": "string"},
        "region": {"type": ["string", "null"], "enum": ["eu", None], "default": None},
        "day": {"type": "string"},
        "teams": {"type": "array"},
        "code": {"type": "string", "examples": ["A-1"]},
        "unused": {"type": ["string", "null"], "default": None},
        "known": {"type": "string", "default": "k"},
    }
    body["resources"][0]["endpoint"]["params"] = {
        name: f"{{config.{name}}}" for name in ("code", "unused", "known")
    }
    body["resources"][0]["partitions"] = [{"name": "team", "values": "{config.teams}"}]
    found = stand_ins(connector_of(tmp_path, body))
    assert found.keys() == {"address", "region", "day", "teams", "code"}
    assert found["address"].startswith("https://")
    assert (found["region"], found["code"], len(found["day"])) == ("eu", "A-1", 8)
    assert found["teams"]


def test_a_mock_says_what_a_run_has_to_set(tmp_path: Path) -> None:
    body = shop({"params": {"a": "{config.a}", "b": "{config.b}", "key": "{secrets.key}"}})
    body["client"]["base_url"] = f"{API}/v1"
    body["config"] = {"a": {"type": "string"}, "b": {"type": "string", "default": "x"}}
    body["secrets"] = {"key": {}}
    mock = invented(tmp_path, body, config={"a": "given", "key": "hidden"})
    assert mock.config == {"a": "given"}
