"""dlt's DuckDB destination, which merges directly from the Parquet files of a load package.

dlt copies a package into a staging dataset and merges from there. DuckDB reads Parquet as fast as
tables, so a plain merge by delete-insert needs no copy: one transaction deletes existing rows of
the same keys and inserts from the files. Every other merge works as in dlt.

DuckDB takes as much memory as it finds useful, up to most of the machine's. Here it starts with a
limit, which is lifted if a statement needs more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import duckdb as engine
from dlt.common.destination.client import (
    FollowupJobRequest,
    HasFollowupJobs,
    LoadJob,
    RunnableLoadJob,
)
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.schema.utils import (
    get_columns_names_with_prop,
    get_first_column_name_with_prop,
    get_nested_tables,
    get_root_table,
    has_column_with_prop,
)
from dlt.common.storages.load_package import LoadJobInfo
from dlt.destinations.exceptions import DatabaseTransientException
from dlt.destinations.impl.duckdb.duck import DuckDbClient
from dlt.destinations.impl.duckdb.factory import duckdb
from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient
from dlt.destinations.job_client_impl import SqlLoadJob
from dlt.destinations.sql_jobs import SqlMergeFollowupJob

from framework.errors import chain
from framework.runtime.dlt_internals import one_statement_per_line, temp_table_name

FILES = "x-framework-files"
"""Key of a prepared table that holds its files while the merge statements are built."""

MEMORY_LIMIT = "200 MB"
"""DuckDB's `memory_limit` unless dlt's configuration has one in `global_config`."""
MEMORY_NAMES = ("memory_limit", "max_memory")

OTHER_MERGE_HINTS = ("hard_delete", "dedup_sort", "merge_key")
"""Column hints of a merge that is not plain."""


class DuckDbDestination(duckdb):
    """dlt's DuckDB destination with a client of our own.

    dlt resolves configuration and capabilities about ninety times in a run, from all providers.
    This class, created for each run, resolves them once.
    """

    def __init__(self, credentials: str) -> None:
        super().__init__(credentials)
        self._resolved: dict[tuple[object, ...], Any] = {}
        self._capabilities: dict[type | None, Any] = {}

    def configuration(self, initial_config: Any, accept_partial: bool = False) -> Any:
        """Return the resolved configuration, one for each dataset."""
        if any(initial_config is known for known in self._resolved.values()):
            return initial_config
        fields = () if initial_config is None else dict(initial_config).items()
        key = (accept_partial, *((name, str(value)) for name, value in fields if value is not None))
        if key not in self._resolved:
            resolved = super().configuration(initial_config, accept_partial)
            if resolved.credentials is not None:
                _limit_memory(resolved.credentials)
            self._resolved.setdefault(key, resolved)
        return self._resolved[key]

    def capabilities(self, config: Any = None, naming: Any = None) -> Any:
        """Return DuckDB's capabilities with that naming; they do not depend on configuration."""
        key = None if naming is None else type(naming)
        if key not in self._capabilities:
            self._capabilities.setdefault(key, super().capabilities(config, naming))
        return self._capabilities[key].copy()

    @property
    def destination_type(self) -> str:
        """Return dlt's own name, so that any dlt can continue from the pipeline's state."""
        return "dlt.destinations.duckdb"

    @property
    def client_class(self) -> type[DuckDbClient]:
        """Return the client that merges from files."""
        return DuckDbFilesClient


def _limit_memory(credentials: Any) -> None:
    """Set our limit, unless the user's global settings have one; pragmas are applied after it."""
    settings: Mapping[str, Any] = credentials.global_config or {}
    if not any(name.lower() in MEMORY_NAMES for name in settings):
        credentials.global_config = {"memory_limit": MEMORY_LIMIT, **settings}


class LimitedSqlClient(DuckDbSqlClient):
    """A client of the database that lifts our memory limit for a statement that needs more."""

    def execute_sql(self, sql: Any, *args: Any, **kwargs: Any) -> Sequence[Sequence[Any]] | None:
        """Execute a statement, twice if its memory was limited. In a transaction, raise instead."""
        try:
            return super().execute_sql(sql, *args, **kwargs)
        except DatabaseTransientException as error:
            if not self.lift_limit(error):
                raise
            with suppress(DatabaseTransientException):  # the transaction is aborted
                return super().execute_sql(sql, *args, **kwargs)
            raise

    def lift_limit(self, error: Exception) -> bool:
        """Return whether the error says that our limit was too low, which is no limit from now."""
        settings = self.credentials.global_config or {}
        if settings.get("memory_limit") != MEMORY_LIMIT or not any(
            isinstance(one, engine.OutOfMemoryException) for one in chain(error)
        ):
            return False
        with self.native_connection.cursor() as other:  # this connection's transaction is aborted
            other.execute("RESET GLOBAL memory_limit")
        return True


class DuckDbFilesClient(DuckDbClient):
    """A client that does not copy the files of plain merges."""

    sql_client: LimitedSqlClient

    def __init__(self, schema: Any, config: Any, capabilities: Any) -> None:
        super().__init__(schema, config, capabilities)
        plain = self.sql_client
        self.sql_client = LimitedSqlClient(
            plain.dataset_name, plain.staging_dataset_name, config.credentials, capabilities
        )

    def should_load_data_to_staging_dataset(self, table_name: str) -> bool:
        """Return False if the merge reads files."""
        staged = super().should_load_data_to_staging_dataset(table_name)
        return staged and not self._merges_files(table_name)

    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        """Return dlt's job, but an empty one for a file that a merge reads."""
        if SqlLoadJob.is_sql_job(file_path):
            return _Statements(file_path)
        if self._merges_files(table["name"]):
            if not file_path.endswith(".parquet"):
                raise ValueError(f"found {file_path}, expected a Parquet file to merge")
            return _NoCopy(file_path)
        return super().create_load_job(table, file_path, load_id, restore)

    def create_table_chain_completed_followup_jobs(
        self,
        table_chain: Sequence[PreparedTableSchema],
        completed_table_chain_jobs: Sequence[LoadJobInfo] | None = None,
    ) -> list[FollowupJobRequest]:
        """Return the merge, once all files of a table and its child tables are complete."""
        if not self._merges_files(table_chain[0]["name"]):
            return super().create_table_chain_completed_followup_jobs(
                table_chain, completed_table_chain_jobs
            )
        files: dict[Any, list[str]] = {table["name"]: [] for table in table_chain}
        for job in completed_table_chain_jobs or ():
            if job.job_file_info.file_format == "parquet":
                files[job.job_file_info.table_name].append(job.file_path)
        chain: Any = [{**table, FILES: files[table["name"]]} for table in table_chain]
        return [_Merge.from_table_chain(chain, self.sql_client)]

    def _merges_files(self, table_name: Any) -> bool:
        """Return whether the table belongs to a plain merge by delete-insert."""
        tables = self.schema.tables
        above: Any = get_root_table(tables, table_name)
        root: Any = self.prepare_load_table(above["name"])
        if (
            root["write_disposition"] != "merge"
            or root.get("x-merge-strategy", "delete-insert") != "delete-insert"
            or any(key.startswith("x-merge-") and key != "x-merge-strategy" for key in root)
            or not has_column_with_prop(root, "primary_key")
            or any(has_column_with_prop(root, hint) for hint in OTHER_MERGE_HINTS)
            or root.get("file_format") not in (None, "parquet")
            or self.config.create_indexes
        ):
            return False
        chain: Any = get_nested_tables(tables, root["name"])
        return has_column_with_prop(root, "row_key") and all(
            has_column_with_prop(table, "root_key") for table in chain[1:]
        )


class _NoCopy(RunnableLoadJob, HasFollowupJobs):
    """The job of a file that a merge reads later."""

    def run(self) -> None:
        """Do nothing."""


@one_statement_per_line
class _Statements(SqlLoadJob):
    """A job of one SQL statement per line: a path may contain a semicolon."""

    _job_client: DuckDbFilesClient

    def run(self) -> None:
        """Execute the statements in one transaction, again if their memory was limited."""
        try:
            super().run()
        except DatabaseTransientException as error:
            if not self._job_client.sql_client.lift_limit(error):
                raise
            super().run()


class _Merge(SqlMergeFollowupJob):
    """The statements of one merge, which run in one transaction."""

    @classmethod
    def generate_sql(cls, table_chain: Any, sql_client: Any) -> list[str]:
        """Return SQL that deletes rows of the same keys, then inserts.

        Of new rows with the same key the first is inserted, as in dlt's own merge.
        """
        root = table_chain[0]
        if not _files(root):
            return []
        name, qualified = sql_client.escape_column_name, sql_client.make_qualified_table_name
        keys = [name(key) for key in get_columns_names_with_prop(root, "primary_key")]
        key_list, same = ", ".join(keys), " AND ".join(f"d.{key} = s.{key}" for key in keys)
        row = name(get_first_column_name_with_prop(root, "row_key"))
        replaced = temp_table_name(cls, root["name"], "delete", sql_client)
        repeated = temp_table_name(cls, root["name"], "twice", sql_client)
        rows = _read(*_files(root))
        sql = [
            f"CREATE TEMPORARY TABLE {replaced} AS SELECT d.{row} "
            f"FROM {qualified(root['name'])} AS d "
            f"WHERE EXISTS (SELECT 1 FROM {rows} AS s WHERE {same})",
            f"CREATE TEMPORARY TABLE {repeated} AS SELECT {row} FROM (SELECT {row}, ROW_NUMBER() "
            f"OVER (PARTITION BY {key_list} ORDER BY file_row_number) AS number FROM "
            f"{_read(*_files(root), numbered=True)} SEMI JOIN (SELECT {key_list} FROM {rows} "
            f"GROUP BY {key_list} HAVING count(*) > 1) USING ({key_list})) WHERE number > 1",
        ]
        to_root = [
            (t, name(get_first_column_name_with_prop(t, "root_key"))) for t in table_chain[1:]
        ]
        columns = [(root, row), *to_root]
        for table, column in reversed(columns):
            sql.append(
                f"DELETE FROM {qualified(table['name'])} "
                f"WHERE {column} IN (SELECT * FROM {replaced})"
            )
        for table, column in columns:
            # one statement for each file: column types may differ between files
            for file in _files(table):
                sql.append(
                    f"INSERT INTO {qualified(table['name'])} BY NAME SELECT * FROM {_read(file)} "
                    f"AS s WHERE s.{column} NOT IN (SELECT * FROM {repeated})"
                )
        return [*sql, f"DROP TABLE {replaced}", f"DROP TABLE {repeated}"]


def _files(table: Any) -> list[str]:
    files: list[str] = table[FILES]
    return files


def _read(*files: str, numbered: bool = False) -> str:
    paths = ", ".join("'" + path.replace("'", "''") + "'" for path in files)
    return f"read_parquet([{paths}], union_by_name = true, file_row_number = {numbered})"
