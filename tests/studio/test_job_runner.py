"""Jobs: told while they run, one of a connector at a time, stopped, forgotten."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from framework.errors import RequestError, UsageError
from framework.studio.job_runner import MOST_KEPT, MOST_LINES
from framework.studio.studio_job import JobContext, JobKind
from tests.studio.test_project_files import SHOP
from tests.support.servers.raw import Raw
from tests.support.studio_client import StudioClient, running_studio

Json = Any
SECRET = "s3cr3t/value+9"


class Kinds:
    """Kinds of jobs that tests run."""

    def __init__(self) -> None:
        self.entered, self.release = threading.Event(), threading.Event()
        self.contexts: list[JobContext] = []

    def wait(self, context: JobContext, _: Mapping[str, Json]) -> Mapping[str, Json]:
        self.entered.set()
        context.say("waiting")
        context.stop.wait(60)
        return {}

    def copy(self, context: JobContext, _: Mapping[str, Json]) -> Mapping[str, Json]:
        self.contexts.append(context)
        root = context.location.root
        files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
        return {
            "text": context.location.path.read_text("utf-8"),
            "files": sorted(files),
            "display": context.location.display,
            "scratch": sorted(context.scratch.iterdir()),
        }

    def tell(self, context: JobContext, request: Mapping[str, Json]) -> Mapping[str, Json]:
        texts = request["texts"]
        for one in texts:
            context.say(one)
        if request.get("fails"):
            raise RequestError(f"found {texts}")
        return {"texts": texts, **{one: one for one in texts}}

    def fail(self, context: JobContext, request: Mapping[str, Json]) -> Mapping[str, Json]:
        if request.get("is_bug"):
            raise KeyError(SECRET)
        raise UsageError("this is not right")


@pytest.fixture
def kinds() -> Kinds:
    return Kinds()


@pytest.fixture
def studio(project: Path, kinds: Kinds) -> Iterator[StudioClient]:
    for name in ("shop", "other"):
        path = project / "connectors" / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(SHOP.replace("shop", name), "utf-8")
    known = {
        "wait": JobKind(kinds.wait),
        "copy": JobKind(kinds.copy),
        "saved": JobKind(kinds.copy, needs_saved=True),
        "tell": JobKind(kinds.tell),
        "fail": JobKind(kinds.fail),
    }
    with running_studio(project, known) as one:
        yield one


def test_one_job_of_a_connector_runs_and_is_stopped(studio: StudioClient, kinds: Kinds) -> None:
    job = studio.post("jobs", kind="wait", name="shop", text=SHOP).json()["job"]
    assert kinds.entered.wait(60)
    assert studio.get(f"jobs/{job}").json()["state"] == "running"
    assert studio.post("jobs", kind="copy", name="shop", text=SHOP).status_code == 409
    assert studio.job(kind="copy", name="other", text=SHOP)["state"] == "done"
    assert studio.http.delete(f"/api/jobs/{job}").status_code == 200
    assert studio.jobs._job(job).ended.wait(60)
    told = studio.get(f"jobs/{job}").json()
    assert (told["state"], told["lines"], told["error"]) == ("stopped", ["waiting"], None)
    assert studio.job(kind="copy", name="shop", text=SHOP)["state"] == "done"


def test_the_end_of_the_studio_stops_its_jobs(studio: StudioClient, kinds: Kinds) -> None:
    job = studio.post("jobs", kind="wait", name="shop", text=SHOP).json()["job"]
    assert kinds.entered.wait(60)
    studio.jobs.close()
    assert studio.jobs._job(job).state == "stopped"
    assert studio.post("jobs", kind="copy", name="shop", text=SHOP).status_code == 409


def test_a_job_has_the_text_as_it_was_sent(
    studio: StudioClient, kinds: Kinds, project: Path
) -> None:
    for name in ("schemas/shop/orders.json", "cassettes/shop.yaml", "queries/shop/q.graphql"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("{}", "utf-8")
    job = studio.job(kind="copy", name="shop", text=SHOP + "# typed\n")
    assert job["result"] == {
        "text": SHOP + "# typed\n",
        "files": [
            "cassettes/shop.yaml",
            "connectors/shop.yaml",
            "queries/shop/q.graphql",
            "schemas/shop/orders.json",
        ],
        "display": "connectors/shop.yaml",
        "scratch": [],
    }
    assert (project / "connectors" / "shop.yaml").read_text("utf-8") == SHOP
    assert not kinds.contexts[0].scratch.exists()
    assert not kinds.contexts[0].location.path.exists()


def test_some_jobs_need_the_text_saved(studio: StudioClient, kinds: Kinds, project: Path) -> None:
    assert studio.post("jobs", kind="saved", name="shop", text=SHOP + "#").status_code == 409
    assert studio.job(kind="saved", name="shop", text=SHOP)["state"] == "done"
    assert kinds.contexts[0].location.path == project / "connectors" / "shop.yaml"


def test_errors_and_bugs_are_told_without_values(studio: StudioClient) -> None:
    job = studio.job(kind="fail", name="shop", text=SHOP)
    assert (job["state"], job["error"]["message"]) == ("failed", "this is not right")
    job = studio.job(kind="fail", name="shop", text=SHOP, is_bug=True)
    assert job["state"] == "failed"
    assert "KeyError" in job["error"]["message"]
    assert SECRET not in str(job)
    assert studio.post("jobs", kind="nothing", name="shop", text=SHOP).status_code == 400


@pytest.mark.parametrize("fails", [True, False])
def test_a_secret_is_in_no_spelling_in_what_a_job_says(studio: StudioClient, fails: bool) -> None:
    assert studio.post("secrets", connector="shop", name="token", value=SECRET).json() == {}
    texts = [
        SECRET,
        "Bearer " + SECRET,
        "s3cr3t%2Fvalue%2B9",
        "czNjcjN0L3ZhbHVlKzk=",  # base64
        "YTpzM2NyM3QvdmFsdWUrOQ==",  # of `a:` and the secret
        "7333637233742f76616c75652b39",
    ]
    job = studio.job(kind="tell", name="shop", text=SHOP, texts=texts, fails=fails)
    assert job["state"] == ("failed" if fails else "done")
    for text in (SECRET, *texts[2:4], *texts[5:], "zM2NyM3QvdmFsdWUr"):
        assert text not in str(job)


def test_ended_jobs_and_lines_are_forgotten(studio: StudioClient) -> None:
    lines = [f"line {number}" for number in range(MOST_LINES + 50)]
    job = studio.job(kind="tell", name="shop", text=SHOP, texts=lines)
    assert len(job["lines"]) == MOST_LINES
    assert (job["lines"][0], job["lines"][-1]) == (lines[0], lines[-1])
    first = studio.post("jobs", kind="fail", name="shop", text=SHOP).json()["job"]
    assert studio.jobs._job(first).ended.wait(60)
    for _ in range(MOST_KEPT + 2):
        studio.job(kind="fail", name="shop", text=SHOP)
    assert studio.get(f"jobs/{first}").status_code == 404


def test_credentials_go_to_the_hosts_of_the_saved_file(project: Path) -> None:
    (project / "connectors").mkdir()
    (project / "connectors" / "shop.yaml").write_text(SHOP, "utf-8")
    with running_studio(project) as studio:
        studio.post("secrets", connector="shop", name="token", value=SECRET)
        text = SHOP.replace("api.shop.example.com", "elsewhere.example")
        job = studio.job(kind="look", name="shop", text=text, resource="orders", source="live")
    (warning,) = job["result"]["warnings"]
    assert "https://elsewhere.example is not a host that the saved file has" in warning["message"]
    assert SECRET not in str(job)


def test_a_server_that_hangs_is_left(project: Path) -> None:
    (project / "connectors").mkdir()
    asked, release = threading.Event(), threading.Event()

    def hang(*_: Any) -> bytes:
        asked.set()
        release.wait(60)
        return b""

    with Raw(hang) as server:
        text = SHOP.replace("https://api.shop.example.com", server.url)
        (project / "connectors" / "shop.yaml").write_text(text, "utf-8")
        with running_studio(project) as studio:
            studio.post("secrets", connector="shop", name="token", value=SECRET)
            body = {"kind": "look", "name": "shop", "text": text, "resource": "orders"}
            job = studio.post("jobs", **body, source="live").json()["job"]
            assert asked.wait(60)
            studio.http.delete(f"/api/jobs/{job}")
            assert studio.jobs._job(job).ended.wait(30)
            assert studio.get(f"jobs/{job}").json()["state"] == "stopped"
        release.set()
