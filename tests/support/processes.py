"""Runs in processes of their own, for tests that kill, interrupt and collide.

The processes are forked from a server that has imported everything once: no start costs a second.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["framework.cli.main", "framework.load.runner", "tests.support.run_verbs"]
)
LONGEST = 60.0
"""Seconds after which a process that should have ended is an error."""


@dataclass
class Started:
    """A process that runs the command line. What it says on stderr is read line by line."""

    process: Any
    out: Path
    said: Any

    def wait_for(self, text: str) -> str:
        """Read stderr up to the line with this text."""
        for line in self.said:
            if text in line:
                return str(line)
        raise AssertionError(f"ended without saying {text!r}")

    def signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.process.pid, number)

    def ended(self) -> tuple[int, str, str]:
        """Exit code (negative for a signal), stdout, and the rest of stderr."""
        rest = self.said.read()
        self.process.join(LONGEST)
        assert self.process.exitcode is not None, "still running"
        return self.process.exitcode, self.out.read_text(encoding="utf-8"), rest


@contextmanager
def command(
    folder: Path,
    *argv: str,
    hook: str | None = None,
    called: str = "first",
    has_time: bool = False,
) -> Iterator[Started]:
    """`framework ARGV` in a process of its own, in this folder; gone at the end.

    `hook` names a function below that prepares the process for what a test wants to happen;
    `called` tells its output from another's. With `has_time`, a run that is interrupted may take
    as long as it needs to end by itself.
    """
    out, pipe = folder / f"{called}.stdout", folder / f"{called}.stderr"
    os.mkfifo(pipe)
    with pytest.MonkeyPatch.context() as patched:
        # the server imports what it preloads from here, and says nothing where it cannot
        patched.setenv("PYTHONPATH", str(ROOT))
        forkserver.ensure_running()
    process = FORKS.Process(
        target=_main, args=(folder, (out, pipe), argv, hook, has_time, dict(os.environ))
    )
    process.start()
    with pipe.open(encoding="utf-8") as said:
        try:
            yield Started(process, out, said)
        finally:
            if process.is_alive():
                process.kill()
            process.join(LONGEST)
            process.close()
            pipe.unlink()


def _main(
    folder: Path,
    outputs: tuple[Path, Path],
    argv: tuple[str, ...],
    hook: str | None,
    has_time: bool,
    environment: dict[str, str],
) -> None:
    from tests.conftest import reload_providers

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in enumerate(outputs, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), number)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
    reload_providers()
    if hook is not None:
        HOOKS[hook]()
    from framework.cli.main import main
    from framework.runtime import signals

    if has_time:
        signals.GRACE = LONGEST
    code = main(list(argv))
    sys.stdout.flush()
    os._exit(code)


def die(*_: Any, **__: Any) -> None:
    """End as a kill ends: at once, with nothing cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


def _instead(place: str, action: Callable[..., Any]) -> None:
    """Do this where the function of that dotted name would be called."""
    from importlib import import_module

    module, _, rest = place.partition(":")
    owner: Any = import_module(module)
    *path, last = rest.split(".")
    for name in path:
        owner = getattr(owner, name)
    setattr(owner, last, action)


def _second_time(*places: str) -> None:
    """Die when one of these functions is called, if one of them was called before."""
    from importlib import import_module

    calls: list[str] = []

    def counting(before: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            calls.append("")
            return before(*args, **options) if len(calls) == 1 else die()

        return call

    for place in places:
        module, _, rest = place.partition(":")
        owner: Any = import_module(module)
        *path, last = rest.split(".")
        for name in path:
            owner = getattr(owner, name)
        setattr(owner, last, counting(getattr(owner, last)))


def _interrupt(*_: Any, **__: Any) -> None:
    """What Ctrl-C does when it comes at this moment."""
    os.kill(os.getpid(), signal.SIGINT)


def _interrupt_and_talk_slowly() -> None:
    """Ctrl-C ends the run by force at once, and whoever tells of it takes its time."""
    import threading

    from framework.cli import run
    from framework.runtime import signals

    signals.GRACE = 0.0
    write_json = run.write_json

    def slowly(report: Any) -> None:
        threading.Event().wait(0.5)
        write_json(report)

    run.write_json = slowly
    _interrupt_while_extracting()


def _interrupt_while_extracting() -> None:
    for place in ROWS:
        _instead(place, _interrupt)


def _refuse() -> None:
    """A destination that says no to every table of rows, for good."""
    import duckdb
    from dlt.destinations.impl.duckdb.duck import DuckDbCopyJob

    def run(self: Any) -> None:
        raise duckdb.ConversionException("these rows are not wanted")

    DuckDbCopyJob.run = run  # type: ignore[method-assign]


def _little_room() -> None:
    """No file may become larger than ROOM bytes: what a full disk does, done by the system."""
    import resource

    room = int(os.environ["ROOM"])
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))


def _stuck(*_: Any, **__: Any) -> None:
    """A job of the destination that takes for ever and hears nothing."""
    import threading

    sys.stderr.write("stuck in a job\n")
    sys.stderr.flush()
    threading.Event().wait(LONGEST)
    sys.stderr.write("the job went on\n")


def _die_at_an_operation() -> None:
    """Die before the operation on files or on DuckDB with the number KILL_AT (0: never, but write
    down how many there were). The clock stands still: what the account holds has its time too."""
    import threading
    from contextlib import contextmanager
    from datetime import datetime

    from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient

    from framework.runtime import environment
    from tests.support.run_verbs import NOW

    class Standing(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return NOW

    environment.datetime = Standing  # type: ignore[attr-defined, misc]
    at, here = int(os.environ["KILL_AT"]), str(Path.cwd())
    lock, count = threading.Lock(), 0

    def one_more() -> None:
        nonlocal count
        with lock:
            count += 1
            if count == at:
                die()

    def audited(event: str, args: tuple[Any, ...]) -> None:
        kinds = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir")
        if event in kinds and str(args[0]).startswith(here):
            one_more()

    before = DuckDbSqlClient.execute_query

    @contextmanager
    def execute(self: Any, *args: Any, **options: Any) -> Any:
        one_more()
        with before(self, *args, **options) as cursor:
            one_more()
            yield cursor

    DuckDbSqlClient.execute_query = execute  # type: ignore[method-assign]
    sys.addaudithook(audited)
    if at == 0:
        exiting = os._exit

        def tell(code: int) -> None:
            Path("operations").write_text(str(count), encoding="utf-8")
            exiting(code)

        os._exit = tell  # type: ignore[assignment]


ROWS = (
    "framework.load.record_sink:RecordSink.rows",
    "framework.load.arrow.arrow_sink:ArrowSink.rows",
)
"""What yields the rows of a resource while dlt extracts."""

HOOKS: dict[str, Callable[[], None]] = {
    "die while extracting": lambda: _second_time(*ROWS),
    "die before normalizing": lambda: _instead("dlt.pipeline.pipeline:Pipeline.normalize", die),
    "die before its turn": lambda: _instead("framework.load.commits.packages:Packages._turn", die),
    "die while normalizing": lambda: _instead(
        "dlt.normalize.normalize:Normalize.clean_x_normalizer", die
    ),
    "die before the package is done": lambda: _instead("dlt.load.load:Load.complete_package", die),
    "die after a job's commit": lambda: _instead(
        "dlt.common.storages.load_package:PackageStorage.save_pending_transition", die
    ),
    "die after the load's commit": lambda: _instead(
        "dlt.common.storages.load_storage:LoadStorage.complete_load_package", die
    ),
    "refuse every row": _refuse,
    "little room": _little_room,
    "die after loading": lambda: _instead("framework.load.runner:create_declared_tables", die),
    "interrupt while extracting": _interrupt_while_extracting,
    "interrupt and talk slowly": _interrupt_and_talk_slowly,
    "interrupt while normalizing": lambda: _instead(
        "dlt.normalize.normalize:Normalize.clean_x_normalizer", _interrupt
    ),
    "interrupt while loading": lambda: _instead("dlt.load.load:Load.complete_jobs", _interrupt),
    "die at an operation": _die_at_an_operation,
    "stuck in a job": lambda: _instead(
        "dlt.destinations.impl.duckdb.duck:DuckDbCopyJob.run", _stuck
    ),
}
"""What may happen to a process, by name."""
