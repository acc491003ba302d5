"""A version of a connector: a file, or what a git revision has of it and of what goes with it.

A revision is written into a temporary folder, so that it is read as any other file.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from framework.definition.finder import Location, find_connector
from framework.errors import FrameworkError, UsageError

_REVISION = re.compile(r"(?P<revision>[^:]+):(?P<path>[^:]+)")
_FILES = ("100644", "100755")
"""Modes of plain files in git; a link could lead out of the folder."""


class RevisionError(FrameworkError):
    """Git cannot say what a revision has."""


@contextmanager
def open_version(argument: str, connectors: Path | None = None) -> Iterator[Location]:
    """Provide the connector of a name, a file, or `REVISION:PATH` (the path as git takes it).

    Raise UsageError for an unknown name, RevisionError for what git refuses.
    """
    written = _REVISION.fullmatch(argument)
    if written is None or Path(argument).exists():
        yield find_connector(argument, connectors)
        return
    top = Path(_git(["rev-parse", "--show-toplevel"], Path.cwd()).decode().rstrip("\n"))
    path = written["path"]
    if path.startswith(("./", "../")):
        path = _inside(Path.cwd() / path, top)
    with _revision_files(written["revision"], path, top, argument) as location:
        yield location


@contextmanager
def open_revision(revision: str, name: str, connectors: Path | None = None) -> Iterator[Location]:
    """Provide what a revision has of the connector of this name or file.

    Raise as `open_version` does.
    """
    location = find_connector(name, connectors)
    folder = location.path.absolute().parent
    if not folder.is_dir():
        raise UsageError(f"{location.display}: there is no such folder")
    top = Path(_git(["rev-parse", "--show-toplevel"], folder).decode().rstrip("\n"))
    path = _inside(location.path, top)
    with _revision_files(revision, path, top, f"{revision}:{path}") as older:
        yield older


@contextmanager
def _revision_files(revision: str, path: str, top: Path, display: str) -> Iterator[Location]:
    commit = _git(
        ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"],
        top,
        f"git knows no revision {revision}",
    )
    name = Path(path).stem
    folder = Path(path).parent
    root = folder.parent if folder.name == "connectors" else folder
    beside = ("schemas/{}", "queries/{}", "cassettes/{}.yaml")
    wanted = [path, *((root / part.format(name)).as_posix() for part in beside)]
    with TemporaryDirectory(prefix="framework-") as temporary:
        found = _write_tree(commit.decode().strip(), wanted, top, Path(temporary))
        if path not in found:
            raise RevisionError(f"{display}: the revision has no file {path}")
        file = Path(temporary, path)
        yield Location(name, file, Path(temporary, root), display)


def _write_tree(commit: str, paths: Sequence[str], top: Path, folder: Path) -> list[str]:
    """Write the plain files below these paths into a folder; return their paths."""
    listed = _git(["ls-tree", "-r", "-z", "--full-tree", commit, "--", *paths], top)
    found = []
    for line in listed.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        facts, _, path = line.partition("\t")
        mode, _, blob = facts.split(" ")
        if mode not in _FILES:
            continue
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_git(["cat-file", "blob", blob], top))
        found.append(path)
    return found


def _inside(path: Path, top: Path) -> str:
    """Return a path as git has it. Raise UsageError if it is not in the repository."""
    absolute = path.absolute().parent.resolve() / path.name
    if not absolute.is_relative_to(top.resolve()):
        raise UsageError(f"{path} is not in the git repository {top}")
    return absolute.relative_to(top.resolve()).as_posix()


def _git(arguments: Sequence[str], folder: Path, failure: str = "") -> bytes:
    """Return what git prints. Raise RevisionError with git's words, or with `failure`."""
    program = shutil.which("git")
    if program is None:
        raise UsageError("a revision needs git, which is not installed")
    done = subprocess.run(
        [program, *arguments],
        cwd=folder,
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")
        raise RevisionError(failure or f"git cannot be asked: {words}")
    return done.stdout
