"""What is measured: each work with its site, its connector, its latency and who does it."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.connector_files import BUNDLED, INFERRED
from benchmarks.site.pages import PAGE, Site

OURS = "framework"
PREVIOUS = "previous"
"""An earlier version of the framework, from its wheel."""

PEERS = (OURS, PREVIOUS, "floor", "dlt-tuned", "pyairbyte", "dlt")
"""In the order of a round; `dlt` is dlt with defaults."""

COMPARED = (OURS, PREVIOUS, "floor", "dlt-tuned")
"""Those who do the variants: what a connector uses, not how tools compare at large."""


@dataclass(frozen=True)
class Work:
    """`kind` is what the peers' scripts call it; `loads` counts runs into the same file.

    Those in `again` alone go on to the later ones; those in `once` take part in the first round
    only, which takes minutes.

    `connector` is the framework's file below the folder of connector files, with the `resources`
    that it reads. `requests` is how many responses the work needs, with `at_once` of them in
    flight. A work with `killed_at` is killed when it makes that request, and then run again; the
    framework commits every `commit_every` records in it."""

    key: str
    title: str
    kind: str
    site: Site
    latency: float
    peers: tuple[str, ...]
    connector: str
    resources: tuple[str, ...]
    loads: int = 1
    again: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    requests: int = 0
    at_once: int = 1
    rounds: int | None = None
    killed_at: int = 0
    commit_every: int = 0


SIZES = ("full", "small", "tiny")
"""How much of everything: what is measured, a quick look, and what shows that all runs."""

EVENTS = "connectors/events.yaml"
NUMBERED = "connectors/numbered.yaml"
SCHEDULING = f"connectors/{BUNDLED}.yaml"
INCREMENTAL = "connectors/incremental.yaml"


@dataclass(frozen=True)
class _Amounts:
    """Records of a list; those of two longer ones; parents, and those with 50 children; numbered
    pages; rows of the small run; wide records; pages of the list that is killed."""

    many: int
    more: tuple[int, ...]
    parents: int
    families: int
    pages: int
    rows: int
    wide: int
    killed: int


_SIZES = {
    "full": _Amounts(100_000, (1_000_000, 3_000_000), 1_000, 2_000, 200, 300, 25_000, 1_000),
    "small": _Amounts(5_000, (20_000, 60_000), 100, 100, 40, 300, 2_000, 50),
    "tiny": _Amounts(200, (400, 600), 30, 30, 3, 30, 150, 10),
}


def works(size: str = "full") -> tuple[Work, ...]:
    """All works of that size."""
    amounts = _SIZES[size]
    return (
        _first_load(amounts.many),
        *_variants(amounts),
        *_with_latency(amounts),
        *_memory(amounts),
        *_killed(amounts.killed),
    )


def _first_load(many: int) -> Work:
    return Work(
        "a",
        f"{many:,} events by cursor, merged into a fresh DuckDB, and again into the filled one",
        "events",
        Site("events", many),
        0.0,
        PEERS,
        EVENTS,
        ("scheduled_events",),
        loads=2,
        again=(OURS, PREVIOUS, "dlt-tuned"),
        once=("dlt",),
        requests=many // PAGE,
    )


def _variants(amounts: _Amounts) -> tuple[Work, ...]:
    events = ("scheduled_events",)
    bookings, requests = Site("bookings", amounts.many), amounts.many // PAGE
    families = Site("booked", amounts.families, 50)
    return (
        Work(
            "a-bundled",
            f"{amounts.many:,} events of the simulator, the bundled connector as it ships",
            "bundled",
            bookings,
            0.0,
            COMPARED,
            SCHEDULING,
            events,
            requests=requests + 1,
        ),
        Work(
            "a-inferred",
            f"{amounts.many:,} events of the simulator, the bundled connector without its schemas",
            "inferred",
            bookings,
            0.0,
            COMPARED,
            f"{INFERRED}/{SCHEDULING}",
            events,
            requests=requests + 1,
        ),
        Work(
            "a-incremental",
            f"{amounts.many:,} events of the simulator, an incremental by updated_at",
            "incremental",
            bookings,
            0.0,
            COMPARED,
            INCREMENTAL,
            events,
            requests=requests,
        ),
        Work(
            "a-wide",
            f"{amounts.wide:,} flat records of 200 columns",
            "wide",
            Site("wide", amounts.wide),
            0.0,
            COMPARED,
            "connectors/wide.yaml",
            ("readings",),
            requests=-(-amounts.wide // PAGE),
        ),
        Work(
            "a-children",
            f"{amounts.families:,} events with 50 invitees each, and an incremental each",
            "incremental-children",
            families,
            0.0,
            COMPARED,
            INCREMENTAL,
            ("scheduled_events", "event_invitees"),
            requests=amounts.families + -(-amounts.families // PAGE),
            at_once=20,
        ),
    )


def _with_latency(amounts: _Amounts) -> tuple[Work, ...]:
    parents, pages, rows = amounts.parents, amounts.pages, amounts.rows
    children = ("scheduled_events", "event_invitees")
    return (
        Work(
            "b",
            f"{parents:,} events with the invitees of each, 50 ms latency, 20 in flight",
            "children",
            Site("invitees", parents),
            0.05,
            PEERS,
            EVENTS,
            children,
            requests=parents + -(-parents // PAGE),
            at_once=20,
        ),
        Work(
            "b-bundled",
            f"{parents:,} events of the simulator with the invitees of each, the bundled connector,"
            " 50 ms latency, 20 in flight",
            "bundled-children",
            Site("booked", parents),
            0.05,
            COMPARED,
            SCHEDULING,
            children,
            requests=1 + parents + -(-parents // PAGE),
            at_once=20,
        ),
        Work(
            "c",
            f"{pages} numbered pages, 100 ms latency, 16 in flight",
            "numbered",
            Site("numbered", pages),
            0.1,
            PEERS,
            NUMBERED,
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
            EVENTS,
            ("groups", "members", "event_types"),
            requests=3 * -(-rows // 150),
            at_once=3,
        ),
    )


def _memory(amounts: _Amounts) -> tuple[Work, ...]:
    return tuple(
        Work(
            f"e{number}",
            f"memory: {events:,} events",
            "events",
            Site("events", events),
            0.0,
            (OURS, PREVIOUS),
            EVENTS,
            ("scheduled_events",),
            requests=events // PAGE,
            rounds=1,
        )
        for number, events in enumerate((amounts.many, *amounts.more), 1)
    )


def _killed(pages: int) -> tuple[Work, ...]:
    found = []
    for key, kind, connector, how in (
        ("g", "bundled", SCHEDULING, "merged by the bundled connector"),
        ("g-append", "append", "connectors/append.yaml", "appended"),
    ):
        first = 1 if kind == "bundled" else 0  # of /users/me
        found.append(
            Work(
                key,
                f"a list of {pages:,} pages of the simulator, 20 ms latency, {how}, killed at 70 %",
                kind,
                Site("bookings", pages * PAGE),
                0.02,
                (OURS, "dlt-tuned"),
                connector,
                ("scheduled_events",),
                requests=pages + first,
                killed_at=pages * 7 // 10 + first,
                rounds=1,
                commit_every=max(pages // 20, 1) * PAGE,
            )
        )
    return tuple(found)


def validated(size: str = "full") -> tuple[int, ...]:
    """How many files work f validates."""
    return {"full": (125, 250, 500), "small": (12, 25, 50), "tiny": (2,)}[size]
