"""The body around a page's records: what a recording had there, with what each page must say.

A leaf is one value of a body outside the list of records, or of a header.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from framework.extract.paging.paging_words import (
    END_CURSORS,
    LAST,
    MORE,
    NEXT,
    PAGES,
    TOTAL,
    WEAK_PAGES,
    plain,
    words,
)
from framework.http.link_header import links_by_relation

Json = Any
Step = str | int
Leaf = tuple[Step, ...]
"""`body` and the keys to it, or `header` and a name."""
ABSENT: Any = object()
"""A leaf that a body does not have."""

PAGE_NUMBERS = words("page currentpage pagenumber pageindex pageno current")
COUNTS = words("count returned numberreturned itemcount resultcount currentitemcount size")
OFFSETS = words("offset start startindex skip from startat")


@dataclass(frozen=True)
class PageFacts:
    """What is true of one page of a list, and what leads to the next one.

    `start` is the position of its first record, `size` that of full pages. `number` counts pages
    as the file does. `total_number` is the total as the file counts it: of pages, if it numbers
    pages. `token` and `link` lead to the next page.
    """

    start: int
    count: int
    total: int
    size: int
    number: int
    total_number: int
    is_last: bool
    token: str = ""
    link: str = ""

    @property
    def pages(self) -> int:
        """The number of pages."""
        return max(-(-self.total // self.size), 1)


Role = Callable[[PageFacts, Json], Json]
"""The value of a leaf on a page, from its facts and the recorded value."""


def flag(facts: PageFacts, recorded: Json) -> Json:
    """Return whether pages follow, in the recorded type."""
    return _flag(not facts.is_last, recorded)


def last_flag(facts: PageFacts, recorded: Json) -> Json:
    """Return whether this is the last page, in the recorded type."""
    return _flag(facts.is_last, recorded)


def _flag(value: bool, recorded: Json) -> Json:
    if isinstance(recorded, str):
        return str(value).lower()
    return int(value) if type(recorded) is int else value


def _typed(number: int, recorded: Json) -> Json:
    return str(number) if isinstance(recorded, str) else number


ROLES: Mapping[str, Role] = {
    "total": lambda facts, was: _typed(facts.total, was),
    "pages": lambda facts, was: _typed(facts.pages, was),
    "total_number": lambda facts, was: _typed(facts.total_number, was),
    "number": lambda facts, was: _typed(facts.number, was),
    "next_number": lambda facts, was: None if facts.is_last else _typed(facts.number + 1, was),
    "count": lambda facts, was: _typed(facts.count, was),
    "start": lambda facts, was: _typed(facts.start, was),
    "left": lambda facts, was: _typed(max(facts.total - facts.start - facts.count, 0), was),
    "flag": flag,
    "last_flag": last_flag,
    "token": lambda facts, _: facts.token,
    "link": lambda facts, _: facts.link,
    "until_end": lambda _, was: was,
}
"""By name: what a leaf may say. `until_end` is what was recorded, on all pages but the last."""


ENDED = frozenset(("token", "link", "next_number", "until_end"))
"""Roles of leaves that a last page does not have: it has what recorded last pages have there."""


@dataclass(frozen=True)
class RecordedPage:
    """A recorded page: its body without records, its headers, and where it stood in its list."""

    body: Json
    headers: tuple[tuple[str, str], ...]
    status: int
    number: int
    count: int
    total: int
    is_last: bool


@dataclass
class Envelope:
    """The body of a resource's pages. `place` is where the list is; `is_object` is one record.

    A list that is not in one place has a function that `builds` the body around its records.
    """

    place: tuple[Step, ...]
    is_object: bool = False
    samples: list[RecordedPage] = field(default_factory=list)
    builds: Callable[[Sequence[Json]], Json] | None = None
    roles: dict[Leaf, str] = field(default_factory=dict)

    def unlearned(self) -> Envelope:
        """Return the envelope without roles."""
        return replace(self, roles={})

    def body(self, sample: RecordedPage, records: Sequence[Json]) -> Json:
        """Return the sample's body with these records."""
        if self.builds is not None:
            return self.builds(records)
        content: Json = list(records)
        if self.is_object:
            content = records[0] if records else {}
        if not self.place:
            return content
        body = copy.deepcopy(sample.body)
        put(body, self.place, content)
        return body

    def sample(self, own: Sequence[RecordedPage], *, is_last: bool) -> RecordedPage:
        """Return the page to take as a pattern: of the list itself and as last, if there is one."""
        ranked = [*own, *self.samples]
        fitting = [one for one in ranked if one.is_last == is_last]
        return (fitting or ranked)[0]

    def edited(
        self, body: Json, headers: Iterable[tuple[str, str]], facts: PageFacts, was: RecordedPage
    ) -> tuple[Json, list[tuple[str, str]]]:
        """Return body and headers with every known leaf as it must be on this page."""
        pairs = list(headers)
        for leaf, name in tuple(self.roles.items()):
            recorded = leaf_value(was.body, was.headers, leaf)
            if facts.is_last and name in ENDED:
                value = self._last_value(leaf)
            elif name == "until_end":
                continue
            else:
                value = ROLES[name](facts, recorded)
            set_leaf(body, pairs, leaf, value)
        return body, pairs

    def _last_value(self, leaf: Leaf) -> Json:
        """Return what a leaf for the next page holds on a last one: as recorded, else null."""
        for sample in self.samples:
            if sample.is_last:
                value = leaf_value(sample.body, sample.headers, leaf)
                if not value:
                    return value
        return ABSENT if leaf[0] == "header" else None

    def learn(self) -> None:
        """Give roles to the leaves whose names and recorded values tell what they say."""
        for leaf, value in self.known_leaves():
            name = plain(str(leaf[-1])).removeprefix("x") if leaf[0] == "header" else ""
            role = _role(name or plain(str(leaf[-1])), leaf, value, self.samples)
            if role is not None:
                self.roles.setdefault(leaf, role)

    def known_leaves(self) -> Iterable[tuple[Leaf, Json]]:
        """Return every leaf of the samples, with the first value that is not null."""
        leaves: dict[Leaf, Json] = {}
        for sample in self.samples:
            for leaf, value in leaves_of(sample.body, ("body",)):
                if len(leaf) > 1 and leaves.get(leaf) is None:
                    leaves[leaf] = value
            for name, text in sample.headers:
                leaves.setdefault(("header", name.lower()), text)
        return leaves.items()


def _role(name: str, leaf: Leaf, value: Json, samples: Sequence[RecordedPage]) -> str | None:
    recorded = [(leaf_value(one.body, one.headers, leaf), one) for one in samples]

    def fits(of: Callable[[RecordedPage], int]) -> bool:
        known = [(str(found), one) for found, one in recorded if found not in (ABSENT, None)]
        return bool(known) and all(text == str(of(one)) for text, one in known)

    if isinstance(value, bool) or str(value).lower() in ("true", "false"):
        return "flag" if name in MORE else "last_flag" if name in LAST else None
    if name in NEXT or name in END_CURSORS:
        if isinstance(value, str):
            is_link = value.startswith(("http://", "https://", "/", "?"))
            return "link" if is_link else "token"
        if isinstance(value, int) and fits(lambda one: one.number + 1):
            return "next_number"
        return None
    if str(value).isdigit():
        if (name in TOTAL or name in ("total", "count")) and fits(lambda one: one.total):
            return "total"
        if (name in PAGES or name in WEAK_PAGES) and _counts_pages(recorded):
            return "pages"
        if name in PAGE_NUMBERS and fits(lambda one: one.number):
            return "number"
        if name in COUNTS and fits(lambda one: one.count):
            return "count"
        if name in OFFSETS and all(str(found) == "0" for found, one in recorded if one.number < 2):
            return "start"
    return None


def _counts_pages(recorded: Iterable[tuple[Json, RecordedPage]]) -> bool:
    ends = [(found, one) for found, one in recorded if one.is_last and found is not ABSENT]
    return any(str(found) == str(one.number) for found, one in ends)


def leaves_of(value: Json, leaf: Leaf) -> Iterator[tuple[Leaf, Json]]:
    """Yield the leaves of a body, also those in lists."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves_of(item, (*leaf, key))
    elif isinstance(value, list):
        for number, item in enumerate(value[:20]):
            yield from leaves_of(item, (*leaf, number))
    else:
        yield leaf, value


def leaf_value(body: Json, headers: Iterable[tuple[str, str]], leaf: Leaf) -> Json:
    """Return a leaf's value, ABSENT if there is none."""
    if leaf[0] == "header":
        return next((text for name, text in headers if name.lower() == leaf[1]), ABSENT)
    value = body
    for step in leaf[1:]:
        if isinstance(value, dict):
            value = value.get(step, ABSENT)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return ABSENT
    return value


def set_leaf(body: Json, headers: list[tuple[str, str]], leaf: Leaf, value: Json) -> None:
    """Set a leaf; ABSENT removes it. A header's value is text."""
    if leaf[0] == "header":
        kept = [pair for pair in headers if pair[0].lower() != leaf[1]]
        name = next((pair[0] for pair in headers if pair[0].lower() == leaf[1]), str(leaf[1]))
        headers[:] = kept
        if value is not ABSENT and value is not None:
            text = value if isinstance(value, str) else json.dumps(value)
            headers.append((name, text))
        return
    put(body, leaf[1:], value)


def put(body: Json, path: Sequence[Step], value: Json) -> None:
    """Put a value into a body; missing objects are created, and ABSENT removes what is there."""
    *above, last = path
    holder = body
    for step in above:
        if isinstance(holder, dict):
            below = holder.get(str(step))
            if not isinstance(below, (dict, list)):
                if value is ABSENT:
                    return
                below = holder[str(step)] = {}
            holder = below
        elif isinstance(holder, list) and isinstance(step, int) and step < len(holder):
            holder = holder[step]
        else:
            return
    if isinstance(holder, dict):
        if value is ABSENT:
            holder.pop(str(last), None)
        else:
            holder[str(last)] = value
    elif isinstance(holder, list) and isinstance(last, int) and last < len(holder):
        holder[last] = None if value is ABSENT else value


def paths_in(reads: Iterable[Sequence[Any]], place: Sequence[Step]) -> list[Leaf]:
    """Return the leaves of a response at the paths that an expression reads of it.

    The paths begin at the context. Those that lead into the records are left out.
    """
    leaves: list[Leaf] = []
    for path in reads:
        if path[:1] == ("headers",) and len(path) > 1:
            leaves.append(("header", str(path[1]).lower()))
        keys = tuple(path[1:]) if path[:1] == ("response",) else ()
        inside = bool(place) and keys[: len(place)] == tuple(place)
        if keys and not inside and all(isinstance(key, str) for key in keys):
            leaves.append(("body", *keys))
    return leaves


def with_link(
    headers: Iterable[tuple[str, str]], relation: str, link: str
) -> list[tuple[str, str]]:
    """Return headers whose `Link` names this relation; without a link it does not."""
    pairs = [pair for pair in headers if pair[0].lower() != "link"]
    old = next((text for name, text in headers if name.lower() == "link"), "")
    kept = {rel: url for rel, url in links_by_relation(old).items() if rel in ("first", "self")}
    texts = [f'<{url}>; rel="{rel}"' for rel, url in kept.items()]
    if link:
        texts.append(f'<{link}>; rel="{relation}"')
    return [*pairs, ("Link", ", ".join(texts))] if texts else pairs


def without_records(body: Json, place: Sequence[Step]) -> Json:
    """Return a copy of a body whose list is empty."""
    if not place:
        return None
    made = copy.deepcopy(body)
    put(made, place, [])
    return made
