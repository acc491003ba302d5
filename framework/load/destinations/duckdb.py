"""dlt's DuckDB destination, merging straight from the Parquet files of a load package.

dlt copies a package into a staging dataset and merges from there. DuckDB reads Parquet as well as
it reads tables, so a plain merge by delete-insert needs no copy: one transaction deletes what comes
again and inserts from the files. Whatever is not plain goes dlt's own way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
from dlt.destinations.impl.duckdb.duck import DuckDbClient
from dlt.destinations.impl.duckdb.factory import duckdb
from dlt.destinations.job_client_impl import SqlLoadJob
from dlt.destinations.sql_jobs import SqlMergeFollowupJob

FILES = "x-framework-files"
"""A prepared table's files, while its merge is written."""

UNPLAIN = ("hard_delete", "dedup_sort", "merge_key")
"""Hints of columns that make a merge another one."""


class DuckDbDestination(duckdb):
    """`dlt.destinations.duckdb` to everyone who asks, with another client.

    One is made for a run. dlt asks for configuration and capabilities some ninety times in a run,
    and looks through all providers each time: here they are resolved once.
    """

    def __init__(self, credentials: str) -> None:
        super().__init__(credentials)
        self._resolved: dict[tuple[object, ...], Any] = {}
        self._capabilities: dict[type | None, Any] = {}

    def configuration(self, initial_config: Any, accept_partial: bool = False) -> Any:
        """The resolved configuration, one for each dataset."""
        if any(initial_config is known for known in self._resolved.values()):
            return initial_config
        given = () if initial_config is None else dict(initial_config).items()
        key = (accept_partial, *((name, str(value)) for name, value in given if value is not None))
        if key not in self._resolved:
            self._resolved.setdefault(key, super().configuration(initial_config, accept_partial))
        return self._resolved[key]

    def capabilities(self, config: Any = None, naming: Any = None) -> Any:
        """What DuckDB can, under that naming; the configuration changes nothing of it."""
        kind = None if naming is None else type(naming)
        if kind not in self._capabilities:
            self._capabilities.setdefault(kind, super().capabilities(config, naming))
        return self._capabilities[kind].copy()

    @property
    def destination_type(self) -> str:
        """What the pipeline's state remembers: anyone's dlt can go on with it."""
        return "dlt.destinations.duckdb"

    @property
    def client_class(self) -> type[DuckDbClient]:
        """The client that merges from files."""
        return DuckDbFilesClient


class DuckDbFilesClient(DuckDbClient):
    """A client that leaves the files of plain merges where they are until they are merged."""

    def should_load_data_to_staging_dataset(self, table_name: str) -> bool:
        """Not where the merge reads files."""
        staged = super().should_load_data_to_staging_dataset(table_name)
        return staged and not self._merges_files(table_name)

    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        """dlt's jobs, but none that copies what a merge will read."""
        if SqlLoadJob.is_sql_job(file_path):
            return _Statements(file_path)
        if self._merges_files(table["name"]):
            if not file_path.endswith(".parquet"):
                raise ValueError(f"a merge reads Parquet files, and no {file_path}")
            return _Kept(file_path)
        return super().create_load_job(table, file_path, load_id, restore)

    def create_table_chain_completed_followup_jobs(
        self,
        table_chain: Sequence[PreparedTableSchema],
        completed_table_chain_jobs: Sequence[LoadJobInfo] | None = None,
    ) -> list[FollowupJobRequest]:
        """The merge, once all files of a table and its child tables are there."""
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
        """Whether the table belongs to a plain merge by delete-insert."""
        tables = self.schema.tables
        above: Any = get_root_table(tables, table_name)
        root: Any = self.prepare_load_table(above["name"])
        if (
            root["write_disposition"] != "merge"
            or root.get("x-merge-strategy", "delete-insert") != "delete-insert"
            or any(key.startswith("x-merge-") and key != "x-merge-strategy" for key in root)
            or not has_column_with_prop(root, "primary_key")
            or any(has_column_with_prop(root, hint) for hint in UNPLAIN)
            or root.get("file_format") not in (None, "parquet")
            or self.config.create_indexes
        ):
            return False
        chain: Any = get_nested_tables(tables, root["name"])
        return has_column_with_prop(root, "row_key") and all(
            has_column_with_prop(table, "root_key") for table in chain[1:]
        )


class _Kept(RunnableLoadJob, HasFollowupJobs):
    """A file that stays where it is until its table is merged."""

    def run(self) -> None:
        """Nothing is copied."""


class _Statements(SqlLoadJob):
    """Statements one a line: a path may hold a semicolon."""

    def _split_fragments(self, sql: str) -> list[str]:
        return [line.strip() for line in sql.split("\n") if line.strip()]


class _Merge(SqlMergeFollowupJob):
    """The statements of one merge, which run in one transaction."""

    @classmethod
    def generate_sql(cls, table_chain: Any, sql_client: Any) -> list[str]:
        """Delete what comes again, then insert; of records that came twice the first stays, as
        with dlt's own merge."""
        root = table_chain[0]
        if not _files(root):
            return []
        name, qualified = sql_client.escape_column_name, sql_client.make_qualified_table_name
        keys = [name(key) for key in get_columns_names_with_prop(root, "primary_key")]
        listed, same = ", ".join(keys), " AND ".join(f"d.{key} = s.{key}" for key in keys)
        row = name(get_first_column_name_with_prop(root, "row_key"))
        gone = cls._new_temp_table_name(root["name"], "delete", sql_client)
        twice = cls._new_temp_table_name(root["name"], "twice", sql_client)
        rows = _read(*_files(root))
        sql = [
            f"CREATE TEMPORARY TABLE {gone} AS SELECT d.{row} FROM {qualified(root['name'])} AS d "
            f"WHERE EXISTS (SELECT 1 FROM {rows} AS s WHERE {same})",
            f"CREATE TEMPORARY TABLE {twice} AS SELECT {row} FROM (SELECT {row}, ROW_NUMBER() "
            f"OVER (PARTITION BY {listed} ORDER BY file_row_number) AS number FROM "
            f"{_read(*_files(root), numbered=True)} SEMI JOIN (SELECT {listed} FROM {rows} "
            f"GROUP BY {listed} HAVING count(*) > 1) USING ({listed})) WHERE number > 1",
        ]
        to_root = [
            (t, name(get_first_column_name_with_prop(t, "root_key"))) for t in table_chain[1:]
        ]
        columns = [(root, row), *to_root]
        for table, column in reversed(columns):
            sql.append(
                f"DELETE FROM {qualified(table['name'])} WHERE {column} IN (SELECT * FROM {gone})"
            )
        for table, column in columns:
            # each file by itself: its columns may have other types than the next one's
            for file in _files(table):
                sql.append(
                    f"INSERT INTO {qualified(table['name'])} BY NAME SELECT * FROM {_read(file)} "
                    f"AS s WHERE s.{column} NOT IN (SELECT * FROM {twice})"
                )
        return [*sql, f"DROP TABLE {gone}", f"DROP TABLE {twice}"]


def _files(table: Any) -> list[str]:
    found: list[str] = table[FILES]
    return found


def _read(*files: str, numbered: bool = False) -> str:
    paths = ", ".join("'" + path.replace("'", "''") + "'" for path in files)
    return f"read_parquet([{paths}], union_by_name = true, file_row_number = {numbered})"
