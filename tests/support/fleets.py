"""Fleet files as tests write them, with a connector `shop` beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from framework.fleet.jobs.fleet_file import Fleet, FleetResult, read_fleet

SHOP = """\
version: 1
name: shop
config:
  region: {type: string, enum: [eu, us], default: eu}
  page: {type: integer, minimum: 1, default: 10}
  tags: {type: array, items: {type: string}, default: []}
secrets: {api_key: {}, other: {optional: true}}
client:
  base_url: "https://api.example.com/{config.region}"
  auth: {type: http_basic, username: "{secrets.other}", password: "{secrets.api_key}"}
  paginator: single_page
resource_defaults:
  primary_key: id
  write_disposition: merge
  endpoint: {data_selector: items, params: {page: "{config.page}", tags: "{config.tags}"}}
resources:
  - name: orders
    endpoint:
      incremental: {cursor_path: at, start_param: from, end_param: to, initial_value: "2020-01-01"}
  - name: lines
    endpoint: {path: "/orders/{resources.orders.id}/lines"}
  - name: customers
  - {name: totals, selected: false, write_disposition: replace}
  - {name: old, selected: false, write_disposition: {disposition: merge, strategy: scd2}}
  - {name: tagged, selected: false, schema: tagged}
  - name: events
    selected: false
    write_disposition: append
    endpoint: {incremental: {cursor_path: at, start_param: since, initial_value: "2020-01-01"}}
"""
TAGGED = (
    '{"type": "object", "properties": {"id": {"type": "string"}, "_account": {"type": "string"}}}'
)


def write_files(files: Mapping[str, str] | None = None) -> None:
    """Write the connector, and further files by path, into the current folder."""
    every = {
        "connectors/shop.yaml": SHOP,
        "schemas/shop/tagged.json": TAGGED,
        **(files or {}),
    }
    for name, text in every.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def fleet_result(text: str, files: Mapping[str, str] | None = None) -> FleetResult:
    """The findings, or the fleet, of a fleet file in the current folder."""
    write_files({"fleet.yaml": text, **(files or {})})
    return read_fleet(Path("fleet.yaml"))


def fleet_of(text: str, files: Mapping[str, str] | None = None) -> Fleet:
    """The valid fleet of a text."""
    result = fleet_result(text, files)
    assert result.fleet is not None, result.findings
    return result.fleet


def places(result: FleetResult) -> list[str]:
    """Each finding as PATH:LINE:COLUMN CODE."""
    return [f"{one.path}:{one.line}:{one.column} {one.code}" for one in result.findings]
