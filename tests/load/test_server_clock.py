"""`watermark: run_start` does not run ahead of a server whose clock is behind ours."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import unquote

import pytest

from framework.runtime.environment import Environment
from tests.support.hostile_servers import body
from tests.support.run_verbs import connector_of, load
from tests.support.servers.raw import Raw

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("ahead", "age", "behind"),
    [
        (-HOUR, "", HOUR),
        (HOUR, "", timedelta(0)),
        (timedelta(0), "", timedelta(0)),
        (-HOUR, "Age: 3600", timedelta(0)),  # from a cache
        (-500 * 24 * HOUR, "", timedelta(0)),  # no clock at all
    ],
)
def test_the_watermark_is_the_earlier_of_both_clocks(
    project: Path, ahead: timedelta, age: str, behind: timedelta
) -> None:
    now = datetime.now(UTC)
    date = format_datetime(now + ahead, usegmt=True)
    incremental = {"cursor_path": "at", "start_param": "since", "watermark": "run_start"}
    endpoint = {
        "path": "/items",
        "paginator": "single_page",
        "incremental": {**incremental, "initial_value": "2026-01-01T00:00:00Z"},
    }
    text = '[{"id": 1, "at": "2026-01-02T00:00:00Z"}]'
    with Raw(body(text, f"Date: {date}", *([age] if age else []))) as raw:
        connector = connector_of(
            project,
            {
                "client": {"base_url": raw.url},
                "resources": [{"name": "items", "endpoint": endpoint}],
            },
        )
        for _ in range(2):
            report = load(connector, project, environment=Environment(now=now))
            assert report.status == "ok", report.as_dict()
    (since,) = re.findall(r"since=([^ &]+)", unquote(str(raw.asked[-1])))
    assert abs(now - behind - datetime.fromisoformat(since)) < timedelta(minutes=1)
