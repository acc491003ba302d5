"""What an interrupted run left in the working folder: load packages, finished or dropped.

A package is there only when everything was read. It is loaded from its first job on, whatever of
it was loaded before: dlt can't know whether a job that was under way was committed. It is dropped
where it can't be finished, and where the destination isn't the one that it was read for.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from dlt.common.schema import Schema
from dlt.common.schema.utils import get_root_table
from dlt.common.storages import FileStorage
from dlt.common.storages.load_package import PackageStorage, ParsedLoadJobFileName

READ_FOR = "framework_read_for"
"""In a package's state: the load whose state its run started from."""

OPENED = (
    "state.json",
    "schemas/*.json",
    "normalize/extracted/*/schema.json",
    "normalize/extracted/*/load_package_state.json",
    "load/normalized/*/schema.json",
    "load/normalized/*/load_package_state.json",
)
"""What has to be JSON in a working folder."""

FOLLOW_UPS = ("sql", "reference")
"""Jobs that dlt makes while it loads, and makes again."""


def extracted(pipeline: Any) -> PackageStorage:
    """The packages that were read and not yet normalized."""
    return _storage(pipeline, "normalize", "extracted")


def normalized(pipeline: Any) -> PackageStorage:
    """The packages that are ready to load, or being loaded."""
    return _storage(pipeline, "load", "normalized")


def _storage(pipeline: Any, *path: str) -> PackageStorage:
    folder = Path(pipeline.working_dir, *path)
    return PackageStorage(FileStorage(str(folder), makedirs=folder.is_dir()), "normalized")


def ids_in(storage: PackageStorage) -> list[str]:
    """The packages in this storage, whose folder a kill may have kept from being made."""
    if not Path(storage.storage.storage_path).is_dir():
        return []
    return sorted(storage.list_packages())


def pending(pipeline: Any) -> dict[str, PackageStorage]:
    """The packages by load id, oldest first, with the storage that has them."""
    found: dict[str, PackageStorage] = {}
    for storage in (extracted(pipeline), normalized(pipeline)):
        found.update(dict.fromkeys(ids_in(storage), storage))
    return dict(sorted(found.items()))


def read_for(storage: PackageStorage, load_id: str) -> str | None:
    """The load whose state the package's run started from; None where it doesn't say."""
    found = storage.get_load_package_state(load_id).get(READ_FOR)
    return None if found is None else str(found)


def is_whole(pipeline: Any) -> bool:
    """Whether all that was read and is not yet normalized reached the pipeline's own schema too,
    which normalizing asks."""
    storage = extracted(pipeline)
    if ids_in(storage) and not pipeline.default_schema_name:
        return False
    for load_id in ids_in(storage):
        try:
            read = storage.load_schema(load_id)
        except FileNotFoundError:
            return False
        if read.name not in pipeline.schemas:
            return False
        if pipeline.schemas[read.name].stored_version_hash != read.stored_version_hash:
            return False
    return True


def forget_copies(pipeline: Any) -> None:
    """A package that was normalized isn't normalized again: a kill may have left both."""
    for load_id in ids_in(normalized(pipeline)):
        extracted(pipeline).delete_package(load_id, not_exists_ok=True)


def is_readable(folder: Path) -> bool:
    """Whether what dlt opens first in this working folder can be read: a loss of power leaves
    empty files, and with them no run could ever begin there."""
    for file in (one for pattern in OPENED for one in folder.glob(pattern)):
        try:
            if not isinstance(orjson.loads(file.read_bytes()), dict):
                return False
        except ValueError:
            return False
    versions = folder.glob("*/.version")
    return all(re.fullmatch(rb"\d+\.\d+\.\d+\s*", file.read_bytes()) for file in versions)


def begin_again(storage: PackageStorage, load_id: str) -> None:
    """Put the package back to where no job of it had begun. May itself be interrupted."""
    folder = Path(storage.storage.make_full_path(storage.get_package_path(load_id)))
    updates = folder / PackageStorage.SCHEMA_UPDATES_FILE_NAME
    if not updates.exists():  # then tables are made and emptied once more
        storage.storage.save(str(updates.relative_to(storage.storage.storage_path)), "{}")
    for state in ("completed_jobs", "started_jobs", "failed_jobs", "new_jobs"):
        for file in sorted((folder / state).iterdir()):
            told = file.suffix == ".exception"
            if told or ParsedLoadJobFileName.parse(file.name).file_format in FOLLOW_UPS:
                file.unlink()
            elif state != "new_jobs":
                file.replace(folder / "new_jobs" / file.name)
    for marker in storage.list_pending_transitions(load_id):
        storage.clear_pending_transition(load_id, Path(marker).name)


def appending(pipeline: Any) -> Iterator[str]:
    """The packages ready to load that have rows to append."""
    storage = normalized(pipeline)
    for load_id in ids_in(storage):
        schema = storage.load_schema(load_id)
        jobs = [ParsedLoadJobFileName.parse(name) for name in storage.list_new_jobs(load_id)]
        if any(_appends(schema, job.table_name) for job in jobs):
            yield load_id


def drop_all(folder: Path) -> None:
    """Take a working folder away in one step: one that is gone by half would be loaded by half.

    Its pipeline has to be dropped or opened anew after it.
    """
    if not folder.exists():
        return
    aside = folder.with_name(f"{folder.name}.dropped")
    shutil.rmtree(aside, ignore_errors=True)
    folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def _appends(schema: Schema, table: str) -> bool:
    if table in schema.dlt_table_names():
        return False
    return get_root_table(schema.tables, table).get("write_disposition", "append") == "append"
