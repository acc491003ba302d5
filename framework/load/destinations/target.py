"""Where a run's data goes: destination, dataset, and the name of the pipeline that remembers it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework.definition.model import Connector, Resource
from framework.errors import DestinationError, UsageError
from framework.load.run_options import RunOptions

FILE_FORMATS = {"duckdb": "parquet", "filesystem": "parquet"}
"""What is loaded where dlt would choose another."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class Target:
    """`destination` is what dlt.pipeline takes; `kind` its short name; `file` the DuckDB file that
    we chose, or None. `file_format` is the loader's format where it is not dlt's choice."""

    destination: Any
    kind: str
    dataset: str
    pipeline: str
    file: Path | None
    file_format: str | None


def target_of(connector: Connector, options: RunOptions) -> Target:
    """The target that the options name. UsageError for names that cannot be."""
    owner = options.alias or connector.name
    if options.alias is not None and not NAME.fullmatch(options.alias):
        raise UsageError(
            f"--as {options.alias!r}: a name has lower-case letters, digits and _, and starts "
            "with a letter"
        )
    kind = options.destination or "duckdb"
    dataset = options.dataset or f"{owner}_data"
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", dataset):
        raise UsageError(f"--dataset {dataset!r}: letters, digits and _, not starting with a digit")
    file = None
    if kind == "duckdb" and (options.file is not None or not _configured()):
        file = (options.folder / (options.file or f"{connector.name}.duckdb")).resolve()
        if file.stem == dataset:
            raise UsageError(
                f"--dataset {dataset}: DuckDB names its catalog after the file, so the dataset "
                f"may not be called like {file.name}; the default is {owner}_data"
            )
    destination = _destination(kind, file)
    where = str(file) if file else kind
    digest = hashlib.sha256("\n".join((owner, where, dataset)).encode()).hexdigest()[:8]
    return Target(
        destination=destination,
        kind=kind.rpartition(".")[2],
        dataset=dataset,
        pipeline=f"{connector.name}_{digest}",
        file=file,
        file_format=FILE_FORMATS.get(kind),
    )


def refuse_what_cannot_be(target: Target, resources: tuple[Resource, ...]) -> None:
    """DestinationError for a write disposition that the destination would quietly not do."""
    if target.kind != "filesystem":
        return
    merging = [
        r.name
        for r in resources
        if r.write_disposition == "merge"
        and r.hints.get("table_format") not in ("delta", "iceberg")
    ]
    if merging:
        raise DestinationError(
            f"the filesystem destination cannot merge: it would append, and {', '.join(merging)} "
            "would hold every record once for each run. Use another destination, set "
            "`write_disposition: append` or `replace`, or `table_format: delta`."
        )


def _configured() -> bool:
    """Whether the person set credentials for DuckDB in dlt's own configuration."""
    import dlt

    return dlt.config.get("destination.duckdb.credentials") is not None or (
        dlt.secrets.get("destination.duckdb.credentials") is not None
    )


def _destination(kind: str, file: Path | None) -> Any:
    from dlt.common.destination import Destination
    from dlt.common.destination.exceptions import UnknownDestinationModule

    if file is not None:
        from framework.load.destinations.duckdb import DuckDbDestination

        return DuckDbDestination(str(file))
    try:
        if kind == "postgres":
            from framework.load.destinations.postgres import PostgresDestination

            return PostgresDestination()
        return Destination.from_reference(kind)
    except UnknownDestinationModule:
        raise UsageError(
            f"--destination {kind!r}: dlt knows no such destination (duckdb, postgres, "
            "filesystem for Parquet files, bigquery, snowflake, ...)"
        ) from None
    except ImportError as error:
        raise DestinationError(
            f"the destination {kind} needs packages that are not installed: "
            f"pip install 'dlt[{kind}]' ({error})"
        ) from None
