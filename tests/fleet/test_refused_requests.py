"""An API that allows no request for hours: no unit asks it again and again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from framework.cli.main import main
from tests.support.servers.web import Answer, Asked, Web

CONNECTOR = """\
version: 1
name: shop
secrets: {{token: {{description: A token.}}}}
client:
  base_url: {url}
  auth: {{type: bearer, token: "{{secrets.token}}"}}
  rate_limit: {limit}
resources:
  - {{name: items, primary_key: id, endpoint: {{path: /items, paginator: header_link}}}}
"""
FLEET = """\
version: 1
jobs:
  - connector: shop
    accounts:
      - {alias: first, secrets: {token: SHOP_TOKEN}}
      - {alias: second, secrets: {token: SHOP_TOKEN}}
      - {alias: third, secrets: {token: SHOP_TOKEN}}
"""


def run_fleet(
    web: Web, limit: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> dict[str, Any]:
    """Run three accounts with one token, one after the other; return the report."""
    monkeypatch.setenv("SHOP_TOKEN", "the-token")
    Path("connectors").mkdir()
    text = CONNECTOR.format(url=web.url, limit=limit)
    Path("connectors/shop.yaml").write_text(text, encoding="utf-8")
    Path("fleet.yaml").write_text(FLEET, encoding="utf-8")
    assert main(["fleet", "run", "fleet.yaml", "--on", "processes:1", "--format", "json"]) == 1
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def test_a_429_that_asks_for_hours_stops_all_units_of_its_budget(
    web: Web, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(asked: Asked) -> Any:
        return Answer(429, headers={"Retry-After": "7200"})

    web.on("/items", refuse)
    report = run_fleet(web, "{requests: 100, per: PT1M}", monkeypatch, capsys)
    assert len(web.asked) == 1
    assert (report["units"], report["attempts"]) == ({"failed": 3}, 3)
    errors = [failure["error"] for failure in report["failures"]]
    assert "The API asks to wait until" in errors[0]
    for error in errors[1:]:
        assert "is not sent: the API's limit (429" in error
        assert "Run again after that" in error


def test_a_unit_that_finds_the_daily_quota_used_up_is_not_tried_again(
    web: Web, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def two_pages(asked: Asked) -> Any:
        link = {} if asked.param("page") else {"Link": f'<{web.url}/items?page=2>; rel="next"'}
        return Answer(200, [{"id": 1 + len(link)}], link)

    web.on("/items", two_pages)
    report = run_fleet(web, "{per_day: 3}", monkeypatch, capsys)
    assert len(web.asked) == 3
    assert (report["units"], report["attempts"]) == ({"done": 1, "failed": 2}, 3)
    for failure in report["failures"]:
        assert "rate_limit.per_day (3 requests) is used up" in failure["error"]
