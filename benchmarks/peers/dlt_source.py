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


def listed(name: str) -> dict:
    """A list by cursor."""
    return {"name": name, "endpoint": {"path": name, "params": {"count": 100}}}


def resources() -> list[dict]:
    """The resources of the work."""
    if work == "numbered":
        return [
            {
                "name": "contacts",
                "endpoint": {
                    "path": "contacts",
                    "data_selector": "contacts",
                    "paginator": {
                        "type": "page_number",
                        "base_page": 1,
                        "total_path": "total_pages",
                    },
                },
            }
        ]
    if work == "small":
        found = [listed(name) for name in ("groups", "members", "event_types")]
        return [{**one, "parallelized": True} for one in found]
    events = listed("scheduled_events")
    if work == "events":
        return [events]
    invitees = {
        "name": "event_invitees",
        "endpoint": {
            "path": "scheduled_events/{event}/invitees",
            "params": {"event": {"type": "resolve", "resource": "scheduled_events", "field": "id"}},
        },
        "parallelized": True,
    }
    events["processing_steps"] = [
        {"map": lambda event: {**event, "id": event["uri"].rsplit("/", 1)[-1]}}
    ]
    return [{**events, "parallelized": True}, invitees]


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
