"""Every private name of dlt that the framework uses, checked against the installed version.

dlt promises stable names per minor version only, and none for what is used here. A new version is
admitted by running `tests/runtime/test_dlt_internals.py` against it and raising `UNTESTED`, here
and in pyproject.toml. Importing this module imports dlt.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import dlt
from dlt.common import logger
from dlt.common.configuration.container import Container
from dlt.common.data_types import TDataType, coerce_value, py_type_to_sc_type
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.exceptions import DestinationException
from dlt.common.schema import Schema
from dlt.common.schema.typing import TColumnSchema
from dlt.common.storages import FileStorage
from dlt.common.storages.load_package import PackageStorage, ParsedLoadJobFileName
from dlt.common.time import increasing_precise_time, normalize_timezone
from dlt.common.typing import VARIANT_FIELD_FORMAT
from dlt.extract.incremental.context import get_interval_context
from dlt.normalize import worker
from dlt.normalize.configuration import NormalizeConfiguration
from dlt.normalize.items_normalizers import JsonLItemsNormalizer
from dlt.pipeline.trace import PipelineTrace
from dlt.sources.helpers.rest_client.client import RESTClient
from dlt.sources.helpers.rest_client.paginators import BasePaginator, BaseReferencePaginator

from framework.definition.values.naming import SEPARATOR
from framework.errors import FrameworkError
from framework.runtime.redaction import Redactor

TESTED, UNTESTED = (1, 31), (1, 32)
"""The first minor version of dlt that is supported, and the first that is not."""
FOLLOW_UP_FORMATS = ("sql", "reference")
"""File formats of jobs that dlt creates while loading, and creates again on the next load."""

Job = TypeVar("Job", bound=type)
AuthConfig = TypeVar("AuthConfig")


def check_version(version: str) -> None:
    """Raise FrameworkError if this version of dlt is not one that the framework was tested with."""
    major, minor, *_ = (*version.split("."), "0")
    if not (major.isdigit() and minor.isdigit()) or not (
        TESTED <= (int(major), int(minor)) < UNTESTED
    ):
        lowest, limit = (".".join(map(str, bound)) for bound in (TESTED, UNTESTED))
        raise FrameworkError(
            f"found dlt {version}, expected dlt>={lowest},<{limit}: other versions are not tested "
            f"with this version of the framework; run `pip install 'dlt>={lowest},<{limit}'`"
        )


check_version(dlt.__version__)


def private(owner: Any, name: str) -> Any:
    """Return a private attribute of dlt; raise FrameworkError if this dlt has none of the name."""
    try:
        return getattr(owner, name)
    except AttributeError:
        label = getattr(owner, "__name__", type(owner).__name__)
        raise FrameworkError(
            f"dlt {dlt.__version__} has no `{label}.{name}`, which the framework needs; "
            "report this, and install an earlier patch version of dlt"
        ) from None


# Paginators


def next_reference(paginator: BaseReferencePaginator) -> str | None:
    """Return the next page's URL or cursor, None after the last page."""
    reference: str | None = private(paginator, "_next_reference")
    return reference


def set_next_reference(paginator: BaseReferencePaginator, reference: str | None) -> None:
    """Set the next page's URL or cursor; None ends the list."""
    private(paginator, "_next_reference")
    paginator._next_reference = reference


def end_pagination(paginator: BasePaginator) -> None:
    """Tell the paginator that no page follows."""
    private(paginator, "_has_next_page")
    paginator._has_next_page = False


class QuietRESTClient(RESTClient):
    """RESTClient that formats its log lines only if dlt's log shows them."""

    def _log_request(self, *arguments: Any, **named: Any) -> None:
        if logger.isEnabledFor(logging.INFO):
            private(super(), "_log_request")(*arguments, **named)


# Authentication


def mark_resolved(auth: AuthConfig) -> AuthConfig:
    """Mark an auth configuration as complete, so that dlt does not look its fields up."""
    auth.__is_resolved__ = True  # type: ignore[attr-defined]
    return auth


# Incremental


class NoInterval(LookupError):
    """An incremental takes its range from a scheduler, and there is none; says why."""


def scheduler_interval(allowed: bool | None) -> tuple[datetime, datetime] | None:
    """Return the interval of an external scheduler for an incremental that allows it.

    None for `allowed` leaves it to the process. Raise NoInterval if no scheduler has set one.
    """
    context = get_interval_context()
    if allowed is None and context is not None:
        allowed = context.allow_external_schedulers
    if not allowed:
        return None
    try:
        interval = None if context is None else context.interval
    except (ValueError, TypeError, ArithmeticError, LookupError) as error:
        raise NoInterval(f"DLT_INTERVAL_START or DLT_INTERVAL_END is not a time: {error}") from None
    if interval is None:
        raise NoInterval("no scheduler has set one")
    return interval[0], interval[1]


# Schemas


class NestedTable(dict[str, Any]):
    """A nested table of a schema that knows its resource.

    A nested table has no such key, but dlt's extract metrics read it from each table with rows.
    """

    def __init__(self, table: Any, resource: str) -> None:
        super().__init__(table)
        self._resource = resource

    def __missing__(self, key: str) -> str:
        if key == "resource":
            return self._resource
        raise KeyError(key)


def remove_variant_hints(schema: Schema) -> bool:
    """Remove the keys that a table variant has and a nested table must not have.

    Return whether there were any.
    """
    variants = [t for t in schema.tables.values() if t.get("parent") and "variant_name" in t]
    for table in variants:
        for key in ("write_disposition", "variant_name"):
            table.pop(key, None)  # type: ignore[misc]
    return bool(variants)


# Normalizing

WITHOUT_TEXT_LENGTHS = ("duckdb",)
"""SQL dialects of destinations that take a text of any length whatever its column says."""


class RowNormalizer(JsonLItemsNormalizer):
    """dlt's normalizer of rows, which moves more values into variant columns.

    dlt converts values and lets the writer or the destination refuse what is out of range, which
    ends the load of all tables. Here a value that its column cannot hold is treated like one
    that cannot be converted.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        coerce = private(self, "_coerce_type")

        def coerce_in_range(to_type: TDataType, from_type: TDataType, value: Any) -> Any:
            if (to_type, from_type) == ("text", "bool"):
                return "true" if value else "false"  # dlt writes Python's True
            try:
                coerced = coerce(to_type, from_type, value)
                is_in_range = _is_in_range(to_type, coerced)
            except Exception as error:  # OSError for a time, among others
                raise ValueError(value) from error
            if not is_in_range:
                raise ValueError(value)
            if to_type == "json" and isinstance(coerced, (int, float)):
                return json.dumps(coerced)  # PostgreSQL takes JSON as text only
            return coerced

        self._coerce_type = coerce_in_range
        capabilities = self.config.destination_capabilities
        self._has_text_lengths = capabilities.sqlglot_dialect not in WITHOUT_TEXT_LENGTHS
        self._decimals = {
            "decimal": capabilities.decimal_precision,
            "wei": capabilities.wei_precision,
        }
        self._bounded: dict[str, tuple[int, dict[str, TColumnSchema]]] = {}

    def _infer_column_type(self, v: Any, col_name: str, skip_preferred: bool = False) -> TDataType:
        if isinstance(v, str) and col_name.endswith(f"{SEPARATOR}v_text"):
            return "text"  # dlt would take some texts for times
        found: TDataType = private(super(), "_infer_column_type")(v, col_name, skip_preferred)
        return found

    def _coerce_row(self, table_name: str, parent_table: str, row: Any) -> Any:
        for name, column in self._bounded_columns(table_name).items():
            value = row.get(name)
            if value is not None and not self._fits(column, value):
                del row[name]
                row[self._variant_name(name, value)] = value
        return private(super(), "_coerce_row")(table_name, parent_table, row)

    def _bounded_columns(self, table_name: str) -> dict[str, TColumnSchema]:
        """Return the columns of a table whose values have a length or a precision."""
        columns = private(self.schema, "_schema_tables").get(table_name, {}).get("columns", {})
        size, known = self._bounded.get(table_name, (-1, {}))
        if size != len(columns):
            known = {name: column for name, column in columns.items() if self._is_bounded(column)}
            self._bounded[table_name] = len(columns), known
        return known

    def _is_bounded(self, column: TColumnSchema) -> bool:
        data_type = column.get("data_type")
        if data_type == "text" and not self._has_text_lengths:
            return False
        return data_type in self._decimals or (
            data_type in ("bigint", "text") and bool(column.get("precision"))
        )

    def _fits(self, column: TColumnSchema, value: Any) -> bool:
        """Return whether a value is within the bounds of its column, or cannot be converted."""
        data_type: Any = column["data_type"]
        precision = column.get("precision")
        try:
            found: Any = coerce_value(data_type, py_type_to_sc_type(type(value)), value)
        except Exception:
            return True
        if data_type in self._decimals:
            digits, scale = self._decimals[data_type]
            places = column.get("scale")
            return fits_decimal(found, precision or digits, scale if places is None else places)
        if data_type == "text":
            return len(found) <= int(precision or 0)
        bound = 1 << (int(precision or 64) - 1)
        return bool(-bound <= found < bound)

    def _variant_name(self, name: str, value: Any) -> str:
        kind = py_type_to_sc_type(type(value))
        variant: str = self.naming.shorten_fragments(name, VARIANT_FIELD_FORMAT % kind)
        return variant


class TableInference:
    """Infer tables from records as the normalizer does, in a schema of its own.

    `schema` is changed: it gets the tables and columns of each record in turn.
    """

    def __init__(self, schema: Schema, capabilities: DestinationCapabilitiesContext) -> None:
        self.schema = schema
        # it read only at its creation which tables pass the root's key on
        private(schema.data_item_normalizer, "_reset")()
        config: Any = NormalizeConfiguration()
        config.destination_capabilities = self._capabilities = capabilities
        nothing: Any = None  # no storage: nothing is written
        self._normalizer = RowNormalizer(nothing, nothing, nothing, schema, "", config)
        self._coerce_row = private(self._normalizer, "_coerce_row")

    def copy(self) -> TableInference:
        """Return one that goes on in a copy of the schema."""
        with Container().injectable_context(self._capabilities):
            return TableInference(self.schema.clone(), self._capabilities)

    def converted(self, table: str, column: str, value: Any) -> tuple[str, Any] | None:
        """Return the name of a value's column, maybe a variant, and the value as it is stored.

        None if there is no such column yet, or dlt refuses the value.
        """
        try:
            row, new = self._coerce_row(table, "", {column: value})
        except Exception:
            return None
        return None if new else next(iter(row.items()))

    def add(self, table: str, record: Any) -> bool:
        """Infer what a record adds; return whether that is anything."""
        normalize = private(self._normalizer, "_normalize_chunk")
        # which tables pass the root's key on depends on the destination
        with Container().injectable_context(self._capabilities):
            return bool(normalize(table, [record], False, skip_write=True))


def _is_in_range(data_type: TDataType, value: Any) -> bool:
    """Return whether a converted value can be written."""
    if data_type == "bigint":
        return bool(-(2**63) <= value < 2**63)
    if data_type == "timestamp":
        try:
            normalize_timezone(value, True)
        except OverflowError:  # 0001-01-01T00:00:00+01:00
            return False
    return True


def fits_decimal(value: Decimal, precision: int, scale: int) -> bool:
    """Return whether a decimal column holds a value with all its digits."""
    if not value.is_finite():
        return False
    _, digits, exponent = value.normalize(_EXACT).as_tuple()
    places = max(0, -int(exponent))
    return places <= scale and len(digits) + max(0, int(exponent)) - places <= precision - scale


_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)


def install_row_normalizer() -> None:
    """Have dlt normalize rows in this process with RowNormalizer. Its workers keep dlt's own."""
    private(worker, "JsonLItemsNormalizer")
    worker.JsonLItemsNormalizer = RowNormalizer  # type: ignore[attr-defined]


# Traces


@contextmanager
def redacted_traces(redactor: Redactor) -> Iterator[None]:
    """Mask secrets in the trace of the steps, which dlt pickles into its working folder.

    It holds the messages of exceptions, and configuration that dlt does not take for secret.
    """
    module: Any = import_module("dlt.pipeline.pipeline")  # a function has the same name
    save = private(module, "save_trace")

    def save_redacted(folder: str, trace: PipelineTrace) -> None:
        steps = [
            step._replace(
                step_exception=redactor.redact_data(step.step_exception),
                exception_traces=redactor.redact_data(step.exception_traces),
            )
            for step in trace.steps
        ]
        values = [
            one._replace(
                value=redactor.redact_data(one.value),
                default_value=redactor.redact_data(one.default_value),
            )
            for one in trace.resolved_config_values
        ]
        save(folder, trace._replace(steps=steps, resolved_config_values=values))

    module.save_trace = save_redacted
    try:
        yield
    finally:
        module.save_trace = save


# Load packages


def number_loads_after(load_id: str) -> None:
    """Make the next load id larger than this one, whatever the clock says.

    A load id is the time in seconds, and of two states the one with the larger id wins. An id of
    another program that is not a number is ignored.
    """
    last: float = private(increasing_precise_time, "_last")
    with suppress(ValueError):
        increasing_precise_time._last = max(last, float(load_id))


def package_storage(folder: Path) -> PackageStorage:
    """Return dlt's access to the load packages in a folder of a pipeline's working folder."""
    return PackageStorage(FileStorage(str(folder), makedirs=folder.is_dir()), "normalized")


def reset_package(storage: PackageStorage, load_id: str) -> None:
    """Put a package back to the state before its first job started. May itself be interrupted."""
    folder = Path(storage.storage.make_full_path(storage.get_package_path(load_id)))
    updates = folder / PackageStorage.SCHEMA_UPDATES_FILE_NAME
    if not updates.exists():  # then tables are created and truncated once more
        storage.storage.save(str(updates.relative_to(storage.storage.storage_path)), "{}")
    for state in ("completed_jobs", "started_jobs", "failed_jobs", "new_jobs"):
        for file in sorted((folder / state).iterdir()):
            is_error = file.suffix == ".exception"
            if is_error or ParsedLoadJobFileName.parse(file.name).file_format in FOLLOW_UP_FORMATS:
                file.unlink()
            elif state != "new_jobs":
                file.replace(folder / "new_jobs" / file.name)
    for marker in storage.list_pending_transitions(load_id):
        storage.clear_pending_transition(load_id, Path(marker).name)


class _Undo(Exception):
    """Ends a transaction that must not be committed."""


def refuses_table(client: Any, table: str) -> bool:
    """Return whether the destination refuses to create or change a table. Nothing is changed.

    False if the destination cannot undo it.
    """
    if not client.capabilities.supports_ddl_transactions:
        return False
    refused = False
    columns = list(client.get_storage_tables([table]))
    statements, _ = private(client, "_build_schema_update_sql")(columns)
    with suppress(_Undo), client.sql_client.begin_transaction():
        try:
            client.sql_client.execute_many(statements)
        except DestinationException:
            refused = True
        raise _Undo
    return refused


# Load jobs


def temp_table_name(job: type, table: str, operation: str, sql_client: Any) -> str:
    """Return the name that a merge job of dlt gives a temporary table."""
    name: str = private(job, "_new_temp_table_name")(table, operation, sql_client)
    return name


def one_statement_per_line(job: Job) -> Job:
    """Class decorator for an SqlLoadJob: split its file at line ends, not at semicolons."""

    def split(_: Any, sql: str) -> list[str]:
        return [line.strip() for line in sql.split("\n") if line.strip()]

    private(job, "_split_fragments")
    job._split_fragments = split  # type: ignore[attr-defined]
    return job
