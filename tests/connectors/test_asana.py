"""Asana: named fields, tasks in several projects, what modified_since counts, and plans."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from framework.api import valid_connector
from framework.definition.finder import find_connector
from framework.load.report import Report
from tests.connectors.asana_api import BASE, FREE, MOVED
from tests.connectors.asana_data import LAUNCH, ORGANIZATION, PERSONAL, PROJECTS, SITE, TASKS
from tests.connectors.vendor_server import NOW, VendorServer, vendor_server
from tests.support.run_verbs import codes, load, loaded, tables, values


@pytest.fixture
def asana() -> Iterator[VendorServer]:
    """The server of the organization."""
    with vendor_server("asana") as server:
        yield server


def read(
    asana: VendorServer, project: Path, *resources: str, hours: float = 0, **config: Any
) -> Report:
    """Return the report of a run that begins so many hours later."""
    return load(
        valid_connector(find_connector("asana")),
        project,
        *resources,
        environment=asana.environment(NOW + timedelta(hours=hours)),
        config={**asana.settings, **config},
    )


def test_a_task_of_two_projects_is_one_row_and_what_is_below_it_is_requested_once(
    asana: VendorServer, project: Path
) -> None:
    report = read(asana, project, "tasks", "subtasks", "stories")
    assert loaded(report) == {"tasks": 3, "subtasks": 1, "stories": 2}
    assert codes(report) == []
    assert values(project, "tasks__memberships", "project__name", name="asana") == sorted(
        [SITE["name"]] * 3 + [LAUNCH["name"]]
    )
    paths = asana.web.paths()
    assert sum(path.endswith("/subtasks") for path in paths) == 1  # of the task that has some
    assert sum(path.endswith("/stories") for path in paths) == 3


def test_a_later_run_gets_a_task_that_was_moved_though_its_own_time_is_old(
    asana: VendorServer, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(asana, project, "tasks")
    before = len(asana.web.asked)
    with monkeypatch.context() as patch:
        patch.setitem(MOVED, TASKS[1]["gid"], "2026-11-20T15:00:00.000Z")
        report = read(asana, project, "tasks", hours=24)
    assert loaded(report) == {"tasks": 1}
    asked = [one for one in asana.web.asked[before:] if one.path == f"{BASE}/tasks"]
    assert {one.param("modified_since") for one in asked} == {"2026-11-20T11:00:00Z"}
    assert len(asked) == 3  # one for each project


def test_a_workspace_without_the_plan_counts_as_empty(
    asana: VendorServer, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("tests.connectors.asana_api.FREE", {*FREE, PERSONAL})
        report = read(asana, project, "goals", "custom_fields")
    assert report.status == "ok"
    assert loaded(report) == {"goals": 1, "custom_fields": 1}


def test_only_the_workspaces_that_config_names_are_read(asana: VendorServer, project: Path) -> None:
    report = read(asana, project, "workspaces", "projects", workspaces=[PERSONAL])
    assert loaded(report) == {"workspaces": 1, "projects": 0}


def test_a_project_that_is_gone_is_marked(
    asana: VendorServer, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(asana, project, "projects")
    with monkeypatch.context() as patch:
        patch.setitem(PROJECTS, ORGANIZATION, PROJECTS[ORGANIZATION][1:])
        read(asana, project, "projects", hours=24)
    with tables(project, name="asana") as found:
        assert [row["gid"] for row in found.rows("projects") if row["_deleted_at"]] == [SITE["gid"]]


def test_time_is_of_a_task_even_if_the_list_does_not_say_of_which(
    asana: VendorServer, project: Path
) -> None:
    entry = {"gid": "1", "resource_type": "time_tracking_entry", "duration_minutes": 5}
    asana.web.on(
        f"{BASE}/tasks/{{task}}/time_tracking_entries",
        lambda _: {"data": [entry], "next_page": None},
    )
    read(asana, project, "tasks", "time_tracking_entries")
    (path,) = (path for path in asana.web.paths() if path.endswith("/time_tracking_entries"))
    with tables(project, name="asana") as found:
        (row,) = found.rows("time_tracking_entries")
    assert path == f"{BASE}/tasks/{row['task__gid']}/time_tracking_entries"
