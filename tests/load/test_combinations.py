"""Every combination of what may become of a parent, its child and its grandchild, for each write
disposition: who is loaded, who keeps the old rows, whose watermark moves.

One run holds all combinations, a tree of three resources for each. The first and the third run go
well; in the second each resource meets what its tree says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from framework.load.report import Report
from tests.support.run_verbs import NOW, connector_of, later, load, tables
from tests.support.servers.web import Answer, Asked, Web

OUTCOMES = ("ok", "failed", "skipped", "ignored")
STATUS = {"failed": 500, "skipped": 403, "ignored": 404}
LEVELS = ("parent", "child", "grandchild")
AT = "2030-01-01T00:00:00Z"
"""The cursor of all records: no run has it behind it."""
Row = tuple[int, int]
"""A row's id, and the run that gave it."""


@dataclass(frozen=True)
class Tree:
    """Three resources and what becomes of each."""

    number: int
    outcomes: tuple[str, str, str]

    def name(self, level: int) -> str:
        return f"{LEVELS[level]}_{self.number}"

    def resources(self) -> Iterator[dict[str, Any]]:
        start = {"cursor_path": "at", "start_param": "since", "watermark": "run_start"}
        start["initial_value"] = "2020-01-01T00:00:00Z"
        path = f"/{self.number}/0"
        yield {"name": self.name(0), "endpoint": {"path": path, "incremental": start}}
        for level in (1, 2):
            bound = f"{{resources.{self.name(level - 1)}.id}}"
            yield {
                "name": self.name(level),
                "endpoint": {"path": f"/{self.number}/{level}/{bound}"},
            }

    def status(self, level: int) -> str:
        """What the report has to say of that level."""
        outcome = self.outcomes[level]
        above = [self.status(number) for number in range(level)]
        if set(above) - {"ok"}:
            return "skipped"
        asked = not any(self.empty(number) for number in range(level))
        return outcome if asked and outcome in ("failed", "skipped") else "ok"

    def empty(self, level: int) -> bool:
        """Whether that level gives nothing to ask its children for."""
        return level == 0 and self.outcomes[0] == "ignored"

    def ids(self, level: int) -> list[int]:
        """The records that the second run reads, where nothing fails."""
        if self.empty(0):
            return []
        found = [1, 2]
        for number in range(1, level + 1):
            found = [10 * one + 1 for one in found]
            if self.outcomes[number] == "ignored":
                del found[-1 if number == 1 else 0]
        return found

    def moves(self) -> bool:
        """Whether the second run moves the parent's watermark."""
        return {self.status(level) for level in range(3)} == {"ok"}


def _differ(outcomes: tuple[str, str, str]) -> bool:
    """Of what can't be met, because nothing below is asked, two ways are enough."""
    parent, child, grandchild = outcomes
    if parent != "ok":
        return (child, grandchild) in (("ok", "ok"), ("failed", "failed"))
    return child in ("ok", "ignored") or grandchild in ("ok", "failed")


TREES = [
    Tree(number, outcomes)
    for number, outcomes in enumerate(filter(_differ, product(OUTCOMES, repeat=3)))
]


class Api:
    """The lists of all trees. `run` is what the records say they came with."""

    def __init__(self, web: Web) -> None:
        self.run = 1
        self.since: dict[int, str | None] = {}
        web.on("/{tree}/{level}", self._answer)
        web.on("/{tree}/{level}/{id}", self._answer)

    def _answer(self, asked: Asked) -> Any:
        number, level = int(asked.parts["tree"]), int(asked.parts["level"])
        tree, above = TREES[number], int(asked.parts.get("id", "0"))
        outcome = tree.outcomes[level]
        if level == 0:
            self.since[number] = asked.param("since")
        # a child meets it on the parent's second record, a grandchild on what the first led to
        meets = level == 0 or str(above)[0] == ("2" if level == 1 else "1")
        if self.run == 2 and outcome != "ok" and meets:
            return Answer(STATUS[outcome], {"message": "as the tree says"})
        ids = [above * 10 + 1] if level else [1, 2]
        return {"items": [{"id": one, "run": self.run, "at": AT} for one in ids]}


def body(web: Web, disposition: str) -> dict[str, Any]:
    actions = [
        {"status_code": 403, "action": "skip_resource"},
        {"status_code": 404, "action": "ignore"},
    ]
    endpoint = {"paginator": "single_page", "data_selector": "items", "response_actions": actions}
    return {
        "client": {"base_url": web.url, "retry": {"max_retries": 0}},
        "resource_defaults": {
            "primary_key": "id",
            "write_disposition": disposition,
            "endpoint": endpoint,
        },
        "resources": [resource for tree in TREES for resource in tree.resources()],
    }


def second(before: list[Row], read: list[Row], disposition: str) -> list[Row]:
    """The rows after these were read and loaded."""
    if disposition == "append":
        return sorted(before + read)
    if disposition == "replace":
        return sorted(read)
    return sorted({**dict(before), **dict(read)}.items())


def assert_said(report: Report, tree: Tree) -> None:
    for level in range(3):
        part, status = report.resources[tree.name(level)], tree.status(level)
        assert part.status == status, tree
        assert bool(part.error) == (status != "ok"), tree
        blocked = [one for one in range(level) if tree.status(one) != "ok"]
        if blocked:
            assert f"not requested: {tree.name(level - 1)}" in (part.error or "")
            assert part.requests == 0
        asked = not blocked and not any(tree.empty(one) for one in range(level))
        assert part.ignored == (asked and tree.outcomes[level] == "ignored"), tree
    codes = [warned.code for warned in report.resources[tree.name(0)].warnings]
    assert ("watermark-stays" in codes) == (not tree.moves()), tree


@pytest.mark.slow
@pytest.mark.parametrize("disposition", ["append", "merge", "replace"])
def test_a_resources_trouble_is_its_own(web: Web, project: Path, disposition: str) -> None:
    api = Api(web)
    connector = connector_of(project, body(web, disposition))
    assert load(connector, project).status == "ok"
    api.run = 2
    report = load(connector, project, now=later(1))
    assert report.status == "failed"
    with tables(project) as found:
        for tree in TREES:
            assert_said(report, tree)
            for level in range(3):
                ids = [1, 2]
                for _ in range(level):
                    ids = [10 * one + 1 for one in ids]
                before = [(one, 1) for one in ids]
                rows = sorted((row["id"], row["run"]) for row in found.rows(tree.name(level)))
                read = [(one, 2) for one in tree.ids(level)]
                loaded = tree.status(level) == "ok"
                wanted = second(before, read, disposition) if loaded else before
                assert rows == wanted, (tree, level)
    api.run = 3
    assert load(connector, project, now=later(2)).status == "ok"
    moved = {tree.number for tree in TREES if api.since[tree.number] == _stamp(later(1))}
    stayed = {tree.number for tree in TREES if api.since[tree.number] == _stamp(NOW)}
    assert moved == {tree.number for tree in TREES if tree.moves()}
    assert moved | stayed == {tree.number for tree in TREES}


def _stamp(moment: Any) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
