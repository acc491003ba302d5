"""All that a JSON Schema cannot say of a connector file: one module an idea, one code a finding.

Each check takes the draft and gives findings. It survives wrongly shaped input, which is the JSON
Schema's to report, and one mistake is one finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from framework.findings import Finding
from framework.spec.checks import (
    answers,
    braces,
    context,
    defaults,
    expressions,
    lengths,
    loading,
    names,
    paging,
    parents,
    partitions,
    retries,
    schemas,
    secrecy,
    settings,
    windows,
)
from framework.spec.draft import Draft

Check = Callable[[Draft], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    names.check_file_name,
    names.check_duplicates,
    names.check_tables,
    names.check_listed_tables,
    parents.check_parents,
    parents.check_only_children,
    parents.check_included_keys,
    parents.check_path,
    parents.check_only_changed,
    partitions.check_partitions,
    partitions.check_partition_names,
    partitions.check_batches,
    settings.check_declared,
    settings.check_used,
    settings.check_config,
    braces.check_braces,
    context.check_context,
    expressions.check_expressions,
    expressions.check_cursor_paths,
    secrecy.check_auth,
    secrecy.check_choices,
    secrecy.check_literals,
    secrecy.check_addresses,
    secrecy.check_bare_names,
    paging.check_ends,
    paging.check_ahead,
    paging.check_values,
    paging.check_guesses,
    loading.check_merge_keys,
    loading.check_appends,
    loading.check_replaced_children,
    loading.check_rereads,
    loading.check_overlaps,
    loading.check_cursors_sent,
    loading.check_one_cursor,
    windows.check_windows,
    windows.check_time_formats,
    windows.check_units,
    retries.check_retries,
    schemas.check_files,
    schemas.check_keys,
    schemas.check_cursor_fields,
    schemas.check_columns,
    schemas.check_parent_fields,
    defaults.check_defaults,
    lengths.check_durations,
    answers.check_encodings,
    lengths.check_periods,
)


def run_checks(draft: Draft) -> list[Finding]:
    """The findings of every check, in no order."""
    return [finding for check in CHECKS for finding in check(draft)]
