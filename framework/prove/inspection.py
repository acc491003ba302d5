"""What breaks the promise of a file whatever happens: lists that it cuts, keys that records share.

No history is invented for it: it is seen in the file, in its recording, or by one run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from framework.definition.model import Connector, Resource
from framework.errors import FrameworkError
from framework.load.declared_tables import root_table
from framework.prove.connector_proof import BrokenPromise
from framework.prove.history.account import PlayedAccount
from framework.prove.history.record_fields import leaves, put_leaf
from framework.prove.stage import NEWEST, Stage
from framework.runtime.field_paths import field_at

Json = Any
SHARED_KEY = "two records have the same primary key"
"""The title of `key-not-unique`."""


def cut_list(stage: Stage, account: PlayedAccount) -> Iterator[BrokenPromise]:
    """Yield what is lost of a list that is longer than the file reads.

    A maximum in the file is a limit, and a fault if the recording has more than it lets a run read.
    """
    name, code, title = account.name, "long-lists", "the file reads a part of the list"
    after = "after a run the rest of the list has no row"
    key, value = stage.maximums.get(name, ("", 0))
    paginator = account.target.route.paginator
    is_first_page = bool(key) and paginator is not None and paginator.is_single_page
    if name in stage.ends and not is_first_page:
        story = ("the recorded list has further pages", stage.ends[name], after)
        mend = f"remove {key}" if key else None
        yield BrokenPromise(name, code, "fault", title, story, mend)
    elif key:
        has_more = f"the API has more records than {key}: {value} lets a run read"
        yield BrokenPromise(name, code, "limit", title, (has_more, "nothing changes", after))


def recorded_keys(stage: Stage, account: PlayedAccount) -> Iterator[BrokenPromise]:
    """Yield a fault if two recorded records share their key."""
    target = account.target
    if not stage.has_recording or target.resource.write_disposition != "merge":
        return
    records = [row for raw in stage.values(account.name) for row in target.elements.records(raw)]
    if _shared_key(target.resource, records) is None:
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
    """Yield a fault if recorded records are older than the initial value.

    Without a recording an initial value after the time of invented records is an assumption: this
    machine's clock must not decide what a proof finds. If another resource loads into the same
    table, the older records may come from there.
    """
    target = account.target
    if _shares_table(stage.connector, target.resource):
        return
    spec, cursor, form = target.route.plan.endpoint.incremental, target.fields.cursor, target.form
    if spec is None or spec.keep_all or form is None or cursor is None:
        return
    initial = spec.arguments.get("initial_value")
    begin = target.begin
    if begin is None or spec.arguments.get("last_value_func") == "min":
        return
    values = [field_at(raw, cursor) for raw in stage.values(account.name)]
    early = sorted(
        (moment, value) for value in values if (moment := form.read(value)) and moment < begin
    )
    title, code = "records are older than the initial value", "initial-value"
    if stage.has_recording and early:
        story = (
            f"the recording has {len(values)} records",
            f"{len(early)} of them have a {spec.cursor_path} before the initial_value {initial}",
            f"after a run those have no row, such as that of {early[0][1]}",
        )
        mend = f"initial_value: {early[0][1]}"
        yield BrokenPromise(account.name, code, "fault", title, story, mend)
    elif begin > NEWEST and not stage.has_recording:
        story = (
            f"the API has A with a {spec.cursor_path} of {NEWEST:%Y-%m-%d}",
            f"the initial_value is {initial}, which is later",
            "after a run A has no row",
        )
        mend = "an earlier initial_value"
        yield BrokenPromise(account.name, code, "assumption", title, story, mend)


def _shares_table(connector: Connector, resource: Resource) -> bool:
    """Return whether another selected resource loads into the resource's table."""
    table = root_table(resource)
    others = (one for one in connector.resources if one.selected and one.name != resource.name)
    return any(root_table(one) == table for one in others)


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
    mend = _wider_key(stage.connector, resource)
    yield BrokenPromise(account.name, "key-of-a-list", "assumption", title, story, mend)


def _wider_key(connector: Connector, resource: Resource) -> str:
    """Return a primary key that tells the lists apart."""
    own = ", ".join(resource.primary_key)
    if resource.parent is None:
        name = resource.partitions[0].name
        return f"primary_key: [{name}, {own}], with set: {{{name}: context().partition.{name}}}"
    above = connector.resource(resource.parent).primary_key
    field = above[0] if len(above) == 1 else "id"
    return f"primary_key: [_{resource.parent}_{field}, {own}], with include_from_parent: [{field}]"


def _shared_key(resource: Resource, records: Sequence[Json]) -> Json:
    """Return the key that two different records share, None if there is none."""
    known: dict[str, Json] = {}
    for record in records:
        own = dict(leaves(record))
        values = [own.get(tuple(name.split("."))) for name in resource.primary_key]
        if not values or None in values:
            continue
        if known.setdefault(repr(values), own) != own:
            return values[0] if len(values) == 1 else values
    return None
