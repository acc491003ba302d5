"""Partitions: one source of values each, names that exist, and requests that carry them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from framework.definition.defaults import MergedResource
from framework.definition.draft import Draft
from framework.definition.model import PARTITION_KINDS
from framework.definition.references import Reference, references
from framework.definition.rules.rule import Breach, Key, rule
from framework.definition.schema.annotations import (
    cursors,
    expressions,
    partitions,
    resource_templates,
    resource_values,
)
from framework.definition.values.value_files import path_problem
from framework.text import did_you_mean, join_words

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Json = Any
_READS = re.compile(r"(\s|--.*\n|/\*[\s\S]*?\*/|\()*(SELECT|WITH)\b", re.IGNORECASE)
_KINDS = join_words((f"`{kind}`" for kind in PARTITION_KINDS), None)


@rule("partition-source")
def check_sources(draft: Draft) -> Iterator[Breach]:
    """A partition has one source of values."""
    for _, place, partition in _partitions(draft):
        sources = _sources(partition)
        if len(sources) != 1:
            found = join_words(f"`{key}`" for key in sources) or "nothing that has values"
            yield place, f"found {found}, expected one of {_KINDS}"


@rule("partition-file")
def check_files(draft: Draft) -> Iterator[Breach]:
    """A file of values is there, in the project's folder, unless config names it."""
    root = draft.location.root
    for _, place, partition in _partitions(draft):
        written = partition.get("file")
        path = written.get("path") if isinstance(written, Mapping) else None
        if not isinstance(path, str) or "{" in path:
            continue
        problem = path_problem(root, path)
        if problem is None and not (root / path).is_file():
            problem = "and it is not there; it is relative to the folder that holds connectors/"
        if problem is not None:
            yield (*place, "file", "path"), f"found the file {path}, {problem}"


@rule("partition-query")
def check_queries(draft: Draft) -> Iterator[Breach]:
    """A query only reads; the destination's own SQL is known when it is run."""
    for _, place, partition in _partitions(draft):
        written = partition.get("query")
        if not isinstance(written, str) or written.startswith("{"):
            continue  # config has the whole query
        if not _READS.match(written):
            word = next(iter(written.split()), "nothing")
            yield (*place, "query"), f"found {word}, expected one SELECT of one column"


@rule("duplicate-partition")
def check_duplicates(draft: Draft) -> Iterator[Breach]:
    """Each partition of a resource has a name of its own."""
    for merged in draft.resources:
        names: set[str] = set()
        for position, partition in partitions(merged):
            for name in _names(partition):
                if name in names and len(_sources(partition)) == 1:
                    yield (
                        Key((*merged.place("partitions", position), "name")),
                        f"there is already a partition {name}; give each a name of its own",
                    )
            names.update(_names(partition))


@rule("partition-not-sent", severity="warning")
def check_sent(draft: Draft) -> Iterator[Breach]:
    """A request, or a step, names the partition."""
    for merged, place, partition in _partitions(draft):
        name = partition.get("name")
        if not isinstance(name, str) or len(_sources(partition)) != 1:
            continue
        if not any(_is_sent(merged, one) for one in _names(partition)):
            yield (
                Key((*place, "name")),
                f"no request of {merged.name} names it, so each of its values repeats the same "
                f"request; write {{partition.{name}}} where it belongs",
            )


@rule("unknown-partition")
def check_names(draft: Draft) -> Iterator[Breach]:
    """`partition.NAME` names a partition of the resource."""
    for one in draft.reads:
        merged = draft.resource_of(one.resource)
        if merged is None or one.path[:1] != ("partition",) or len(one.path) < 2:
            continue
        names = [name for _, partition in partitions(merged) for name in _names(partition)]
        if names and one.path[1] not in names:
            near = did_you_mean(one.path[1], names) or f"; there are {join_words(names)}"
            yield (
                Key(one.pointer) if one.key else one.pointer,
                f"{merged.name} has no partition {one.path[1]}{near}",
            )


@rule("partition-and-parent")
def check_parents(draft: Draft) -> Iterator[Breach]:
    """A request for the values of many records of the parent does not read one of them too."""
    for merged in draft.resources:
        read = {one.parent for one in references(merged) if one.partition is None}
        for batch in _batches(merged):
            keys = () if read else ("include_from_parent", "only_changed")
            if batch.parent in read or any(merged.data.get(key) for key in keys):
                yield (
                    batch.pointer,
                    f"the partition {batch.text} takes its values from all records of "
                    f"{batch.parent}, and {merged.name} reads from one record as well; remove one "
                    "of them",
                )
                break


@rule("incremental-on-batches")
def check_batches(draft: Draft) -> Iterator[Breach]:
    """A resource that is requested in batches has no incremental."""
    for merged in draft.resources:
        for batch in _batches(merged)[:1]:
            has_size = merged.data["partitions"][batch.partition].get("batch") is not None
            for cursor in cursors(merged)[:1] if has_size else ():
                yield (
                    Key(cursor.pointer),
                    f"the values that {merged.name} requests together differ from run to run, so "
                    "there is no watermark for them; remove the incremental or `batch`",
                )


def _partitions(
    draft: Draft,
) -> Iterator[tuple[MergedResource, Pointer, Mapping[str, Json]]]:
    """Yield every partition with its resource, each place of the document once."""
    seen: set[Pointer] = set()
    for merged in draft.resources:
        for position, partition in partitions(merged):
            place = merged.place("partitions", position)
            if place not in seen:
                seen.add(place)
                yield merged, place, partition


def _batches(merged: MergedResource) -> list[Reference]:
    return [one for one in references(merged) if one.partition is not None]


def _sources(partition: Mapping[str, Json]) -> list[str]:
    return [key for key in PARTITION_KINDS if partition.get(key) is not None]


def _names(partition: Mapping[str, Json]) -> Iterator[str]:
    dates = partition.get("dates")
    for name in (partition.get("name"), dates.get("end_name") if isinstance(dates, dict) else None):
        if isinstance(name, str):
            yield name


def _is_sent(merged: MergedResource, name: str) -> bool:
    values = resource_values(merged)
    texts = [one.value for one in (*expressions(values), *resource_templates(merged))]
    return any(f"partition.{name}" in text for text in texts)
