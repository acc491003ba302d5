"""What is measured: each work with its site, its latency and who does it."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.sites import Site

OURS = "framework"
PREVIOUS = "previous"
"""An earlier version of the framework, from its wheel."""

PEERS = (OURS, PREVIOUS, "floor", "dlt-tuned", "pyairbyte", "dlt")
"""In the order of a round; `dlt` is dlt with defaults."""


@dataclass(frozen=True)
class Work:
    """`kind` is what the peers' scripts call it; `loads` counts runs into the same file.

    Those in `again` alone go on to the later ones; those in `once` take part in the first round
    only, which takes minutes.

    `resources` are the connector's, `tables` those that are compared. `requests` is how many
    answers the work needs, with `at_once` of them in flight."""

    key: str
    title: str
    kind: str
    site: Site
    latency: float
    peers: tuple[str, ...]
    resources: tuple[str, ...]
    loads: int = 1
    again: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    requests: int = 0
    at_once: int = 1
    memory_limit: str | None = None
    rounds: int | None = None


SIZES = ("full", "small", "tiny")
"""How much of everything: what is measured, a quick look, and what shows that all runs."""


def works(size: str = "full") -> tuple[Work, ...]:
    """All works of that size."""
    many, most, parents, pages, rows = {
        "full": (100_000, 1_000_000, 1_000, 200, 300),
        "small": (5_000, 20_000, 100, 40, 300),
        "tiny": (200, 400, 5, 3, 30),
    }[size]
    limit = "120MB"
    events = ("scheduled_events",)
    return (
        Work(
            "a",
            f"{many:,} events by cursor, merged into a fresh DuckDB, and again into the filled one",
            "events",
            Site("events", many),
            0.0,
            PEERS,
            events,
            loads=2,
            again=(OURS, PREVIOUS, "dlt-tuned"),
            once=("dlt",),
            requests=many // 100,
        ),
        Work(
            "b",
            f"{parents:,} events with the invitees of each, 50 ms latency, 20 in flight",
            "children",
            Site("invitees", parents),
            0.05,
            PEERS,
            ("scheduled_events", "event_invitees"),
            requests=parents + parents // 100,
            at_once=20,
        ),
        Work(
            "c",
            f"{pages} numbered pages, 100 ms latency, 16 in flight",
            "numbered",
            Site("numbered", pages),
            0.1,
            PEERS,
            ("contacts",),
            requests=pages,
            at_once=16,
        ),
        Work(
            "d",
            f"{rows} rows in 3 resources, 50 ms latency",
            "small",
            Site("small", rows),
            0.05,
            PEERS,
            ("groups", "members", "event_types"),
            requests=3 * -(-rows // 150),
            at_once=3,
        ),
        *(
            Work(
                f"e{number}",
                f"memory: {events_served:,} events"
                + (f", DuckDB memory_limit {lim}" if lim else ""),
                "events",
                Site("events", events_served),
                0.0,
                (OURS, PREVIOUS),
                events,
                requests=events_served // 100,
                memory_limit=lim,
                rounds=1,
            )
            for number, (events_served, lim) in enumerate(
                ((many, None), (most, None), (many, limit), (most, limit)), 1
            )
        ),
    )


def validated(size: str = "full") -> tuple[int, ...]:
    """How many files work f validates."""
    return {"full": (125, 250, 500), "small": (12, 25, 50), "tiny": (2,)}[size]
