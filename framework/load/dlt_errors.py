"""Translate errors that dlt wraps in steps and jobs into errors that say what to do."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from typing import Any

from framework.errors import DestinationError, FrameworkError, ResourceSkipped, TableRefused, chain
from framework.runtime.redacted_output import process_redactor
from framework.runtime.redaction import MASK
from framework.text import join_words

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_ROOM = re.compile("|".join(os.strerror(number) for number in FULL))
DETAILS = re.compile(r"\s*\b(DETAIL:|CONTEXT:|HINT:|LINE \d+:).*", re.DOTALL)
"""The part of a database's message that quotes the row or the statement."""
QUOTED = re.compile(
    r"""(?P<what>\b(?:column|table|relation|constraint|schema|type|function|index|dataset|file)\s+
    (?:with\ name\s+)?|\.)?(?:"[^"]*"|'[^']*'|`[^`]*`)""",
    re.IGNORECASE | re.VERBOSE,
)
VALUES = re.compile(r"(?<==)\([^)]*\)|(?<=contains )\(.*\)|(?<=\bvalue )-?\d\S*", re.IGNORECASE)
NULL_IN = re.compile(r"table `([^`]+)` column `([^`]+)`")
_NEXT_SENTENCE = re.compile(r"(?<=\w)\s*\n\s*(?=[A-Z])")
_BAD_PORT = re.compile(r"invalid literal for int\(\)|invalid port number", re.IGNORECASE)
CREDENTIALS = re.compile(
    r"(?<=://)\S+(?=@)|(?<=password=)(?:'[^']*'|\S+)|(?<=pwd=)(?:'[^']*'|\S+)", re.IGNORECASE
)
"""A login in a URL, which may not parse, and a password in `key=value` form."""


def known_cause(error: BaseException) -> BaseException | None:
    """Return the cause that is an error of the framework, a skip or an interrupt, or None."""
    for cause in chain(error):
        if isinstance(cause, (FrameworkError, ResourceSkipped, KeyboardInterrupt)):
            return cause
    return None


def unextracted(error: BaseException, tables: Mapping[str, str]) -> TableRefused | None:
    """Return an error for the resource that dlt could not extract, or None.

    `tables` has the table of each resource.
    """
    causes = list(chain(error))
    for cause in causes:
        table = tables.get(str(getattr(cause, "pipe_name", "")))
        if table is not None:
            reason = _short(without_values(str(causes[-1]))).rstrip(".")
            return TableRefused(table, f"dlt cannot take its records: {reason}.")
    return None


def contract_broken(error: BaseException) -> TableRefused | None:
    """Return an error for the schema contract that data broke, or None."""
    from dlt.common.schema.exceptions import DataValidationError

    for cause in chain(error):
        if isinstance(cause, DataValidationError):
            what = (
                f"column {cause.column_name}" if cause.column_name else f"table {cause.table_name}"
            )
            return TableRefused(
                str(cause.table_name),
                f"{cause.table_name}: {what} does not fit the schema contract "
                f"({cause.schema_entity}: {cause.contract_mode}). Change `schema_contract`, or the "
                "declared schema.",
            )
    return None


def unfit_records(error: BaseException) -> TableRefused | None:
    """Return an error for records that cannot become rows of their tables, or None."""
    from dlt.normalize.exceptions import NormalizeJobFailed

    causes = list(chain(error))
    if not any(isinstance(cause, NormalizeJobFailed) for cause in causes):
        return None
    # dlt's text names the table if it knows it; the job is often named after another table
    reason = _short(without_values(str(causes[-1]))).rstrip(".")
    return TableRefused(
        None,
        f"a record does not fit its table: {reason}. A key must not be null. For other fields, "
        "declare another type in `schema` or `columns`, or remove such records with "
        "processing_steps.",
    )


def null_column(error: BaseException) -> tuple[str, str] | None:
    """Return table and column of a null where none is allowed, or None."""
    from dlt.common.schema.exceptions import CannotCoerceNullException

    for cause in chain(error):
        # the exception has both in its text only
        if isinstance(cause, CannotCoerceNullException) and (found := NULL_IN.search(str(cause))):
            return found[1], found[2]
    return None


def refused_table(error: BaseException) -> str | None:
    """Return the table of the job of dlt that failed, or None. A merge names the root's table."""
    jobs = [str(cause.job_id) for cause in chain(error) if hasattr(cause, "job_id")]
    return jobs[0].split(".")[0] if jobs else None


def disk_full(error: BaseException) -> DestinationError | None:
    """Return an error for a disk or a quota that is full, or None."""
    for cause in chain(error):
        # Arrow and DuckDB give the system's words and no number
        if (isinstance(cause, OSError) and cause.errno in FULL) or NO_ROOM.search(str(cause)):
            named = re.search(r'write file "([^"]+)"', str(cause))
            where = getattr(cause, "filename", None) or (named and named[1])
            return DestinationError(
                f"no space left on the disk{f' ({where})' if where else ''}. Loaded data stays; "
                "free some space, or set DLT_DATA_DIR to a folder with more, and run again."
            )
    return None


def is_refused(error: BaseException) -> bool:
    """Return whether the destination rejected data that it would reject again."""
    from dlt.load.exceptions import LoadClientJobFailed, LoadClientJobTerminalRetry

    refusals = (LoadClientJobFailed, LoadClientJobTerminalRetry)
    return any(isinstance(cause, refusals) or _breaks_a_rule(cause) for cause in chain(error))


def _breaks_a_rule(error: BaseException) -> bool:
    """Return whether a database reports a broken constraint or a value that it cannot hold.

    Each driver has classes of its own, which have the names that the DB-API gives them.
    """
    return any(base.__name__ in ("IntegrityError", "DataError") for base in type(error).__mro__)


def destination_error(
    error: BaseException, action: str, kind: str, *, quotes_rows: bool = False
) -> DestinationError:
    """Return an error that names the failed action, the innermost cause and a remedy.

    With `quotes_rows`, the cause may contain values of rows, which are removed.
    """
    causes = list(chain(error))
    if full := disk_full(error):
        return full
    text = str(causes[-1])
    for cause in causes:
        if type(cause).__name__ == "ConfigFieldMissingException":
            return DestinationError(f"{action}: {_missing_fields(cause, kind)}")
    missing = [cause for cause in causes if isinstance(cause, ImportError)]
    if missing:
        # dlt's own error names the extra, which for a table format is not the destination's
        named = [extra for cause in missing for extra in getattr(cause, "dependencies", ())]
        return DestinationError(
            f"{action}: the package {missing[-1].name or named} is not installed; run "
            f"pip install '{named[0] if named else f'dlt[{kind}]'}'"
        )
    # first as a whole: a part of a secret is not recognized
    text = CREDENTIALS.sub(MASK, process_redactor().redact(text)).strip()
    if not quotes_rows and _BAD_PORT.match(text):
        return DestinationError(f"{action}: {_bad_port(kind)}")
    if "Could not set lock on file" in text:
        held = re.search(r"in (\S+) \(PID (\d+)\)", text)
        owner = f" by {held[1]} (process {held[2]})" if held else ""
        return DestinationError(
            f"{action}: the DuckDB file is in use{owner}. DuckDB allows one writer: close the "
            "other program, or run again later."
        )
    if "Permission denied" in text or "read-only" in text.lower():
        return DestinationError(f"{action}: no permission to write: {_short(text)}")
    if quotes_rows:
        table = refused_table(error)
        text = f"{f'table {table}: ' if table else ''}{without_values(text)}"
    return DestinationError(f"{action}: {_short(text)}")


def _missing_fields(error: Any, kind: str) -> str:
    """Describe a ConfigFieldMissingException: which fields, and where to set them."""
    begin = f"DESTINATION__{kind}__"
    for field in error.fields:
        if error.was_partially_resolved(field):
            inner = sorted({name for one in error.traces[field] for name in one.traces})
            variables = ", ".join(f"{begin}{field}__{name}".upper() for name in inner)
            return (
                f"the destination's {field} lack {join_words(inner, None)}. Complete the value of "
                f"{f'{begin}{field}'.upper()}, or set {variables}."
            )
    variables = ", ".join(f"{begin}{field}".upper() for field in error.fields)
    return (
        f"the destination's configuration lacks {', '.join(error.fields)}. Set {variables}, or the "
        f"same under [destination.{kind}] in .dlt/secrets.toml."
    )


def _bad_port(kind: str) -> str:
    """Describe a URL whose port is none; its text may be a part of a password."""
    variable = f"DESTINATION__{kind}__CREDENTIALS".upper()
    return (
        "the URL of the credentials has a port that is not a number up to 65535. Write "
        f"{variable} as SCHEME://USER:PASSWORD@HOST:PORT/DATABASE, or without `:PORT`. Signs such "
        "as : / @ in the user or the password must be percent-encoded (%3A %2F %40)."
    )


def without_values(text: str) -> str:
    """Return a database's message without quoted values, which may be personal data.

    What is quoted after a word such as `column` is a name and stays.
    """
    text = DETAILS.sub("", text)
    text = QUOTED.sub(lambda found: found[0] if found["what"] else MASK, text)
    return VALUES.sub(MASK, text)


def _short(text: str) -> str:
    # a line without a full stop and one with a capital letter are two sentences
    line = " ".join(_NEXT_SENTENCE.sub(". ", text).split())
    return line if len(line) <= 400 else line[:399] + "…"
