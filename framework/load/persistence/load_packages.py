"""The load packages in a pipeline's working folder, and whether dlt can use them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import orjson
from dlt.common.schema import Schema
from dlt.common.schema.utils import get_root_table
from dlt.common.storages.load_package import PackageStorage, ParsedLoadJobFileName

from framework.runtime.dlt_internals import package_storage

JSON_FILES = (
    "state.json",
    "schemas/*.json",
    "normalize/extracted/*/schema.json",
    "normalize/extracted/*/load_package_state.json",
    "load/normalized/*/schema.json",
    "load/normalized/*/load_package_state.json",
)
"""Files of a working folder that dlt opens first."""


def is_readable(folder: Path) -> bool:
    """Return whether dlt can open this working folder.

    A power failure leaves empty files, and no run could ever start with them.
    """
    for file in (file for pattern in JSON_FILES for file in folder.glob(pattern)):
        try:
            if not isinstance(orjson.loads(file.read_bytes()), dict):
                return False
        except ValueError:
            return False
    versions = folder.glob("*/.version")
    return all(re.fullmatch(rb"\d+\.\d+\.\d+\s*", file.read_bytes()) for file in versions)


def extracted_packages(pipeline: Any) -> PackageStorage:
    """Return the packages that are extracted and not yet normalized."""
    return package_storage(Path(pipeline.working_dir, "normalize", "extracted"))


def normalized_packages(pipeline: Any) -> PackageStorage:
    """Return the packages that are ready to load, or partly loaded."""
    return package_storage(Path(pipeline.working_dir, "load", "normalized"))


def load_ids(storage: PackageStorage) -> list[str]:
    """Return the packages of a storage, whose folder may not exist after a kill."""
    if not Path(storage.storage.storage_path).is_dir():
        return []
    return sorted(storage.list_packages())


def pending_packages(pipeline: Any) -> dict[str, PackageStorage]:
    """Return the storage of each package by load id, oldest first."""
    packages: dict[str, PackageStorage] = {}
    for storage in (extracted_packages(pipeline), normalized_packages(pipeline)):
        packages.update(dict.fromkeys(load_ids(storage), storage))
    return dict(sorted(packages.items()))


def is_whole(pipeline: Any) -> bool:
    """Return whether the pipeline's own schema, which normalize uses, has all extracted tables."""
    storage = extracted_packages(pipeline)
    if load_ids(storage) and not pipeline.default_schema_name:
        return False
    for load_id in load_ids(storage):
        try:
            schema = storage.load_schema(load_id)
        except FileNotFoundError:
            return False
        if schema.name not in pipeline.schemas:
            return False
        if pipeline.schemas[schema.name].stored_version_hash != schema.stored_version_hash:
            return False
    return True


def appending_packages(pipeline: Any) -> list[str]:
    """Return the packages ready to load that contain rows to append."""
    storage = normalized_packages(pipeline)
    appending = []
    for load_id in load_ids(storage):
        schema = storage.load_schema(load_id)
        jobs = [ParsedLoadJobFileName.parse(name) for name in storage.list_new_jobs(load_id)]
        if any(_appends(schema, job.table_name) for job in jobs):
            appending.append(load_id)
    return appending


def _appends(schema: Schema, table: str) -> bool:
    if table in schema.dlt_table_names():
        return False
    return get_root_table(schema.tables, table).get("write_disposition", "append") == "append"


def drop_working_folder(folder: Path) -> None:
    """Remove a working folder in one step: half a folder would be loaded as half the data.

    Its pipeline must be dropped or opened again afterwards.
    """
    if not folder.exists():
        return
    dropped = folder.with_name(f"{folder.name}.dropped")
    shutil.rmtree(dropped, ignore_errors=True)
    folder.rename(dropped)
    shutil.rmtree(dropped, ignore_errors=True)
