"""Bounds of files that come from outside: a file costs no more than its size.

YAML's aliases let a kilobyte stand for gigabytes, and a link may lead to a device without an end.
Every reader of such files opens them with `read_limited`, and loads YAML with `load_limited`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from framework.errors import FrameworkError

Json = Any


@dataclass(frozen=True)
class Limits:
    """The most of everything in one file.

    `values` are keys and values as they are written, `aliased` those that aliases add to them,
    `depth` the lists and mappings inside one another.
    """

    size: int
    values: int = 1_000_000
    aliased: int = 100_000
    depth: int = 200


class LimitExceeded(FrameworkError):
    """A file is over a limit; the message continues a sentence that names the file."""


def read_limited(path: Path, size: int) -> bytes:
    """Return a file's bytes.

    Raise LimitExceeded if it is larger, or is a device; OSError if it cannot be read.
    """
    with open(path, "rb", opener=_open_at_once) as file:
        kind = os.fstat(file.fileno()).st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISFIFO(kind)):
            raise LimitExceeded("is a device, expected a file")
        os.set_blocking(file.fileno(), True)
        raw = file.read(size + 1)
    if len(raw) > size:
        raise LimitExceeded(f"is larger than {size // 1_000_000:,} MB, the most that is supported")
    return raw


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting: a terminal or a line would wait for the other side."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def load_limited(text: str, loader: Any, limits: Limits) -> Json:
    """Return the data of a YAML text.

    Raise LimitExceeded if it is over a limit, yaml.YAMLError or ValueError if it is not valid.
    """
    for _ in limited_events(text, limits):
        pass
    return yaml.load(text, Loader=loader)


def limited_events(text: str, limits: Limits) -> Iterator[yaml.Event]:
    """Yield the events of a YAML text as far as its limits reach.

    Raise LimitExceeded beyond them, yaml.YAMLError for what is not valid.
    """
    try:
        yield from _counted(yaml.parse(text, Loader=_READER), limits)
    except yaml.MarkedYAMLError as error:
        # libyaml reads ahead, and its own limit may come first (since PyYAML 6.0.4)
        if error.problem is None or "nesting depth" not in error.problem:
            raise
        raise LimitExceeded(f"is nested too deeply: more than {limits.depth} levels") from None


_READER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _counted(events: Iterable[yaml.Event], limits: Limits) -> Iterator[yaml.Event]:
    """Count what is in a text, event by event, which needs no memory and does not recurse."""
    values = aliased = 0
    open_sizes: list[int] = []
    open_anchors: list[str | None] = []
    sizes: dict[str, int | None] = {}
    for event in events:
        size = 1
        if isinstance(event, yaml.ScalarEvent):  # the most frequent comes first
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            open_sizes.append(1)
            open_anchors.append(event.anchor)
            if event.anchor:
                sizes[event.anchor] = None
            if len(open_sizes) > limits.depth:
                raise LimitExceeded(f"is nested too deeply: more than {limits.depth} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            size, anchor = open_sizes.pop(), open_anchors.pop()
            if anchor:
                sizes[anchor] = size
        elif isinstance(event, yaml.AliasEvent):
            known = sizes.get(str(event.anchor), 1)  # an unknown one is reported when it is loaded
            if known is None:
                raise LimitExceeded(f"has *{event.anchor} inside itself, which would never end")
            size = known
            aliased += size
            if aliased > limits.aliased:
                raise LimitExceeded(f"has aliases that add more than {limits.aliased:,} values")
        else:
            yield event
            continue
        if not isinstance(event, yaml.CollectionStartEvent):
            values += 1
            if open_sizes:
                open_sizes[-1] += size
        if values > limits.values:
            raise LimitExceeded(f"has more than {limits.values:,} values")
        yield event
