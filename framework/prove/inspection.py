"""What breaks the promise of a file whatever happens: lists that it cuts, keys that records share.

No history is invented for it: it is seen in the file, in its recording, or by one run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.definition.model import Resource
from framework.errors import FrameworkError
from framework.prove.history.account import PlayedAccount
from framework.prove.history.record_fields import put_leaf
from framework.prove.proof import BrokenPromise
from framework.prove.stage import Stage, shares_key
from framework.runtime.field_paths import field_at

Json = Any
SHARED_KEY = "two records have the same primary key"
"""The title of `key-not-unique`."""


def cut_list(stage: Stage, account: PlayedAccount) -> Iterator[BrokenPromise]:
    """Yield what is lost of a list that is longer than the file reads."""
    if account.name not in stage.maximums:
        return
    name, value = stage.maximums[account.name]
    story = (
        f"the list has more records than {name}: {value} lets a run read",
        "nothing changes",
        "after any run the last of them has no row",
    )
    title = "the file reads a part of the list"
    yield BrokenPromise(account.name, "long-lists", "fault", title, story, f"remove {name}")


def recorded_keys(stage: Stage, account: PlayedAccount) -> Iterator[BrokenPromise]:
    """Yield a fault if two recorded records share their key."""
    target = account.target
    if not stage.has_recording or target.resource.write_disposition != "merge":
        return
    records = [row for raw in stage.values(account.name) for row in target.elements.records(raw)]
    if shares_key(target.resource, records) is None:
        return
    key, natural = ", ".join(target.resource.primary_key), target.fields.natural_key
    story = (
        f"the recording has {len(records)} records",
        f"two of them that differ have the same primary key ({key})",
        "after a run one of them has no row",
    )
    mend = None if natural is None else f"primary_key: {natural}"
    yield BrokenPromise(account.name, "key-not-unique", "fault", SHARED_KEY, story, mend)


def early_records(stage: Stage, account: PlayedAccount) -> Iterator[BrokenPromise]:
    """Yield a fault if recorded records are older than the initial value."""
    target = account.target
    spec = target.resource.endpoint.incremental
    if spec is None or spec.keep_all or target.form is None or target.fields.cursor is None:
        return
    initial = stage.initial_value(account.name)
    begin = None if initial is None else target.form.read(initial)
    if not stage.has_recording or begin is None:
        return
    values = [field_at(raw, target.fields.cursor) for raw in stage.values(account.name)]
    moments = [(moment, one) for one in values if (moment := target.form.read(one)) is not None]
    early = [one for one in moments if one[0] < target.form.floor(begin)]
    if not early:
        return
    story = (
        f"the recording has {len(moments)} records",
        f"the initial_value is {initial}; {len(early)} of them have an earlier {spec.cursor_path}",
        f"after any run those have no row, such as that of {min(early)[1]}",
    )
    title, mend = "records are older than the initial value", f"initial_value: {min(early)[1]}"
    yield BrokenPromise(account.name, "initial-value", "fault", title, story, mend)


def keys_of_lists(stage: Stage, account: PlayedAccount) -> Iterator[BrokenPromise]:
    """Yield an assumption if records of two lists would share their key.

    The lists are those of two parents or of two partitions.
    """
    target = account.target
    resource, fields = target.resource, target.fields
    is_merged = resource.write_disposition == "merge" and fields.key and not fields.is_own_key
    if not is_merged or not (resource.parents or resource.partitions):
        return
    lists = stage.lists_of(account.name)
    if len(lists) < 2:
        return
    first, second = fields.new(target.template, 0), fields.new(target.template, 1)
    for leaf in fields.key:
        put_leaf(second, leaf, field_at(first, leaf))
    second = fields.edited(second, 1)
    for key, raw in zip(lists, (first, second), strict=False):
        stage.mock.world.put(key, [account.with_cursor(raw, account.zero)])
    expected = sum(len(target.elements.records(raw)) for raw in (first, second))
    try:
        rows = stage.read(account.names, account.start_of(1)).rows(account.name)
    except FrameworkError:
        return
    if len(rows) >= expected:
        return
    own = ", ".join(resource.primary_key)
    source = resource.parent or resource.partitions[0].name
    story = (
        f"the list of one {source} has A, that of another one has B",
        f"both have the same primary key ({own}), which is unique within one list only",
        "after a run one of them has no row",
    )
    title = "records of two lists have the same primary key"
    yield BrokenPromise(
        account.name, "key-of-a-list", "assumption", title, story, _wider_key(resource)
    )


def _wider_key(resource: Resource) -> str:
    """Return a primary key that tells the lists apart."""
    own = ", ".join(resource.primary_key)
    if resource.parent is None:
        name = resource.partitions[0].name
        return f"primary_key: [{name}, {own}], with set: {{{name}: context().partition.{name}}}"
    field = resource.bindings[0].text.rpartition(".")[2] if resource.bindings else "id"
    return f"primary_key: [_{resource.parent}_{field}, {own}], with include_from_parent: [{field}]"
