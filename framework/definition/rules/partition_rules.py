"""Partitions: one source of values each, names that there are, and requests that carry them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from framework.definition.annotations import (
    cursors,
    partitions,
    resource_expressions,
    resource_texts,
)
from framework.definition.datetimes import format_problem
from framework.definition.defaults import MergedResource
from framework.definition.draft import Draft
from framework.definition.references import references
from framework.findings import Finding
from framework.text import did_you_mean, join_words

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Json = Any
KINDS = ("values", "range", "dates", "resource")


def check_partitions(draft: Draft) -> Iterator[Finding]:
    """Each has one source of values and a name of its own, and a request carries it."""
    seen: set[tuple[Pointer, str]] = set()
    for merged in draft.resources:
        names: set[str] = set()
        for position, partition in partitions(merged):
            place = merged.place("partitions", position)
            for pointer, code, message, severity in _problems(merged, partition, names):
                if (place, code) not in seen:
                    seen.add((place, code))
                    yield draft.document.finding(
                        (*place, *pointer), code, message, severity=severity, key=bool(pointer)
                    )
            names.update(_names(partition))


def check_partition_names(draft: Draft) -> Iterator[Finding]:
    """`partition.NAME` names a partition of the resource."""
    by_index = {merged.index: merged for merged in draft.resources}
    for one in draft.reaches():
        merged = None if one.resource is None else by_index.get(one.resource)
        if merged is None or one.path[:1] != ("partition",) or len(one.path) < 2:
            continue
        known = [name for _, partition in partitions(merged) for name in _names(partition)]
        if known and one.path[1] not in known:
            near = did_you_mean(one.path[1], known) or f"; there are {join_words(known)}"
            yield draft.document.finding(
                one.pointer,
                "unknown-partition",
                f"{merged.name} has no partition {one.path[1]}{near}",
                key=one.key,
            )


def check_batches(draft: Draft) -> Iterator[Finding]:
    """What belongs to one record of the parent, where a request is for many of them."""
    for merged in draft.resources:
        batches = [one for one in references(merged) if one.partition is not None]
        if not batches:
            continue
        others = [one for one in references(merged) if one.partition is None]
        if others or merged.data.get("include_from_parent") or merged.data.get("only_changed"):
            yield draft.document.finding(
                batches[0].pointer,
                "partition-and-parent",
                f"the partition {batches[0].text} takes its values from all records of "
                f"{batches[0].parent}, and {merged.name} reads from one record as well; take one "
                "of them away",
            )
        written = merged.data["partitions"][batches[0].partition]
        for cursor in cursors(merged)[:1]:
            if written.get("batch") is not None:
                yield draft.document.finding(
                    cursor.pointer,
                    "incremental-on-batches",
                    f"which values {merged.name} asks for together changes from run to run, so "
                    "there is no watermark for them; take the incremental or `batch` away",
                    key=True,
                )


Problem = tuple[tuple[str, ...], str, str, Any]


def _problems(
    merged: MergedResource, partition: Mapping[str, Json], names: set[str]
) -> Iterator[Problem]:
    given = [kind for kind in KINDS if partition.get(kind) is not None]
    name = partition.get("name")
    if len(given) != 1:
        found = join_words(f"`{kind}`" for kind in given) or "nothing that has values"
        yield (
            (),
            "partition-source",
            f"found {found}, expected one of `values`, `range`, `dates` and `resource`",
            "error",
        )
        return
    for other in _names(partition):
        if other in names:
            yield (
                ("name",),
                "duplicate-partition",
                f"there is a partition {other} already; give each a name of its own",
                "error",
            )
    dates = partition.get("dates")
    form = dates.get("format") if isinstance(dates, dict) else None
    problem = format_problem(form) if isinstance(form, str) and form else None
    if problem:
        yield ("dates", "format"), "bad-time-format", f"found {form}: {problem}", "error"
    if isinstance(name, str) and not any(_is_sent(merged, one) for one in _names(partition)):
        yield (
            ("name",),
            "partition-not-sent",
            f"no request of {merged.name} names it, so each of its values repeats the same "
            f"request; write {{partition.{name}}} where it belongs",
            "warning",
        )


def _names(partition: Mapping[str, Json]) -> Iterator[str]:
    dates = partition.get("dates")
    for name in (partition.get("name"), dates.get("end_name") if isinstance(dates, dict) else None):
        if isinstance(name, str):
            yield name


def _is_sent(merged: MergedResource, name: str) -> bool:
    """Whether a request names it, or a step, so that the records differ."""
    texts = [one.text for one in resource_texts(merged)]
    texts += [one.text for one in resource_expressions(merged)]
    return any(f"partition.{name}" in text for text in texts)
