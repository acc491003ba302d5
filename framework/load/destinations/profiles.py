"""What the load stage may do with each kind of destination: one row a kind.

A destination of dlt without a row works as dlt does it, on the slower path.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from framework.errors import DestinationError, UsageError
from framework.runtime.deferred_imports import execute_deferred


@dataclass(frozen=True)
class DestinationProfile:
    """The properties of one kind of destination.

    `factory` names a subclass of dlt's destination, as `module:class`. It takes the path of the
    file if `is_local_file`, else nothing.
    """

    factory: str | None = None
    is_local_file: bool = False
    """The destination is a file that the framework names, unless dlt's configuration does."""
    has_arrow_path: bool = False
    """Tests prove that both load paths create the same tables here."""
    marks_loads: bool = False
    """A load that appends is marked in `_dlt_loads` before it starts: see `load_markers`."""
    inserts_rows: bool = False
    """The ledger's few rows are inserted by SQL; a load package of dlt costs more."""
    shortens_names: bool = True
    """dlt shortens long names of tables and columns."""
    file_format: str | None = None
    """The format of load files, if it is not dlt's choice."""
    system_columns: frozenset[str] = frozenset()
    """Columns that every table has, so that none of ours can have these names."""
    refuses_nul: bool = False
    """Texts must not contain the character NUL."""
    has_advisory_locks: bool = False
    """Runs on several machines can wait for each other by `pg_try_advisory_lock`."""
    is_file_store: bool = False
    """Tables are folders of files: no SQL, and no merge without a table format."""


PROFILES = {
    "duckdb": DestinationProfile(
        factory="framework.load.destinations.duckdb:DuckDbDestination",
        is_local_file=True,
        has_arrow_path=True,
        marks_loads=True,
        inserts_rows=True,
        shortens_names=False,
        file_format="parquet",
    ),
    "motherduck": DestinationProfile(  # duckdb on a server
        has_arrow_path=True, marks_loads=True, inserts_rows=True, shortens_names=False
    ),
    "postgres": DestinationProfile(
        factory="framework.load.destinations.postgres:PostgresDestination",
        has_arrow_path=True,
        marks_loads=True,
        inserts_rows=True,
        has_advisory_locks=True,
        system_columns=frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}),
        refuses_nul=True,
    ),
    "filesystem": DestinationProfile(
        has_arrow_path=True, shortens_names=False, file_format="parquet", is_file_store=True
    ),
}


MERGING_FORMATS = {"delta": "deltalake", "iceberg": "pyiceberg"}
"""Table formats with a merge, each with the package, and extra of dlt, that writes it."""


def profile_of(kind: str) -> DestinationProfile:
    """Return the profile of a destination, which dlt may also know by a dotted name."""
    return PROFILES.get(kind.rpartition(".")[2], DestinationProfile())


def build_destination(kind: str, file: Path | None) -> Any:
    """Return what `dlt.pipeline` takes as destination; `file` is the local file if we chose it.

    Raise UsageError if dlt has no such destination, DestinationError if its packages are missing.
    """
    from dlt.common.destination import Destination
    from dlt.common.destination.exceptions import UnknownDestinationModule

    profile = PROFILES.get(kind, DestinationProfile())
    try:
        if profile.factory is None or (profile.is_local_file and file is None):
            execute_deferred("dlt.destinations.impl")  # dlt looks for a class
            return Destination.from_reference(kind)
        module, _, name = profile.factory.partition(":")
        factory = getattr(import_module(module), name)
        return factory() if file is None else factory(str(file))
    except UnknownDestinationModule:
        raise UsageError(
            f"--destination {kind!r}: dlt has no such destination; use duckdb, postgres, "
            "filesystem (for Parquet files), bigquery, snowflake, ..."
        ) from None
    except ImportError as error:
        raise DestinationError(
            f"destination {kind} needs packages that are not installed; run "
            f"pip install 'dlt[{kind}]' ({error})"
        ) from None
