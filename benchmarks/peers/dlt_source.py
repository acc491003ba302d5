"""dlt's rest_api_source into DuckDB, as its documentation writes it.

`dlt_source.py WORK BASE_URL DATABASE defaults|tuned`: defaults leaves everything to dlt, and the
children of a parent are `parallelized` as the documentation advises; tuned adds Parquet here, and
workers, file size and no compression by the environment (see `benchmarks/commands.py`).
"""

import sys
from pathlib import Path

import dlt
from dlt.sources.rest_api import rest_api_source

work, base, database, variant = sys.argv[1:5]

CURSOR = {
    "type": "cursor",
    "cursor_path": "pagination.next_page_token",
    "cursor_param": "page_token",
}
SINCE = "2020-01-01T00:00:00Z"
FREE_FORM = {"location__data": {"data_type": "json"}}
"""What the bundled connector's schema leaves open stays one JSON column, as it does there."""


def listed(name: str) -> dict:
    """A list by cursor."""
    return {"name": name, "endpoint": {"path": name, "params": {"count": 100}}}


def incremental(resource: dict, cursor: str, param: str) -> dict:
    """The resource with an incremental. `merge` and the primary key make boundary rows unique, so
    dlt need not do it too, row by row: its documentation turns that off by an empty key."""
    endpoint = resource["endpoint"]
    params = {**endpoint["params"], param: "{incremental.start_value}"}
    given = {"cursor_path": cursor, "initial_value": SINCE, "primary_key": []}
    return {**resource, "endpoint": {**endpoint, "params": params, "incremental": given}}


def numbered() -> list[dict]:
    """Numbered pages."""
    paginator = {"type": "page_number", "base_page": 1, "total_path": "total_pages"}
    endpoint = {"path": "contacts", "data_selector": "contacts", "paginator": paginator}
    return [{"name": "contacts", "endpoint": endpoint}]


def invitees(events: dict) -> list[dict]:
    """Events and the invitees of each, side by side."""
    events["processing_steps"] = [
        {"map": lambda event: {**event, "id": event["uri"].rsplit("/", 1)[-1]}}
    ]
    children = {
        "name": "event_invitees",
        "endpoint": {
            "path": "scheduled_events/{event}/invitees",
            "params": {"event": {"type": "resolve", "resource": "scheduled_events", "field": "id"}},
        },
        "parallelized": True,
    }
    return [{**events, "parallelized": True}, children]


def bookings() -> list[dict]:
    """What the bundled connector reads: the user, and the events of the user's organization."""
    user = {
        "name": "api_user",
        "selected": False,
        "endpoint": {
            "path": "users/me",
            "data_selector": "resource",
            "paginator": "single_page",
        },
    }
    events = incremental(listed("scheduled_events"), "start_time", "min_start_time")
    organization = "{resources.api_user.current_organization}"
    events["endpoint"]["params"]["organization"] = organization
    if work != "inferred":
        events["columns"] = FREE_FORM
    return [user, *invitees(events)] if work == "bundled-children" else [user, events]


def resources() -> list[dict]:
    """The resources of the work."""
    events = listed("scheduled_events")
    if work == "numbered":
        return numbered()
    if work == "small":
        found = [listed(name) for name in ("groups", "members", "event_types")]
        return [{**one, "parallelized": True} for one in found]
    if work == "wide":
        return [listed("readings")]
    if work in ("bundled", "inferred", "bundled-children"):
        return bookings()
    if work == "append":
        return [{**events, "write_disposition": "append", "columns": FREE_FORM}]
    if work.startswith("incremental"):
        events = incremental({**events, "columns": FREE_FORM}, "updated_at", "updated_since")
        # dlt has one incremental for the lists of all parents: it leaves out what an earlier
        # parent's list has overtaken, so the children are read without one
        return [events] if work == "incremental" else invitees(events)
    return invitees(events) if work == "children" else [events]


source = rest_api_source(
    {
        "client": {"base_url": base, "auth": {"type": "bearer", "token": "secret"}},
        "resource_defaults": {
            "primary_key": "uri",
            "write_disposition": "merge",
            "endpoint": {"data_selector": "collection", "paginator": CURSOR},
        },
        "resources": resources(),
    }
)
pipeline = dlt.pipeline(
    "benchmark",
    destination=dlt.destinations.duckdb(database),
    dataset_name="events_data",
    pipelines_dir=str(Path(database).parent / "pipelines"),
)
tuned = {"loader_file_format": "parquet"} if variant == "tuned" else {}
if __name__ == "__main__":
    pipeline.run(source, **tuned)
