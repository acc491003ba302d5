"""All that a JSON Schema cannot say of a connector file: one module an idea, one code a finding.

Each check takes the draft and gives findings. It survives wrongly shaped input, which is the JSON
Schema's to report, and one mistake is one finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from framework.definition.draft import Draft
from framework.definition.rules import (
    auth_rules,
    context_rules,
    default_rules,
    duration_rules,
    expression_rules,
    incremental_rules,
    name_rules,
    pagination_rules,
    parent_rules,
    partition_rules,
    placeholder_rules,
    record_schema_rules,
    response_format_rules,
    retry_rules,
    setting_rules,
    write_disposition_rules,
)
from framework.findings import Finding

Check = Callable[[Draft], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    name_rules.check_file_name,
    name_rules.check_duplicates,
    name_rules.check_tables,
    name_rules.check_listed_tables,
    parent_rules.check_parents,
    parent_rules.check_only_children,
    parent_rules.check_included_keys,
    parent_rules.check_path,
    parent_rules.check_only_changed,
    partition_rules.check_partitions,
    partition_rules.check_partition_names,
    partition_rules.check_batches,
    setting_rules.check_declared,
    setting_rules.check_used,
    setting_rules.check_config,
    placeholder_rules.check_braces,
    context_rules.check_context,
    expression_rules.check_expressions,
    expression_rules.check_cursor_paths,
    auth_rules.check_auth,
    auth_rules.check_choices,
    auth_rules.check_literals,
    auth_rules.check_addresses,
    auth_rules.check_bare_names,
    pagination_rules.check_ends,
    pagination_rules.check_ahead,
    pagination_rules.check_values,
    pagination_rules.check_guesses,
    write_disposition_rules.check_merge_keys,
    write_disposition_rules.check_appends,
    write_disposition_rules.check_replaced_children,
    write_disposition_rules.check_rereads,
    write_disposition_rules.check_overlaps,
    write_disposition_rules.check_cursors_sent,
    write_disposition_rules.check_one_cursor,
    incremental_rules.check_windows,
    incremental_rules.check_time_formats,
    incremental_rules.check_units,
    retry_rules.check_retries,
    record_schema_rules.check_files,
    record_schema_rules.check_keys,
    record_schema_rules.check_cursor_fields,
    record_schema_rules.check_columns,
    record_schema_rules.check_parent_fields,
    default_rules.check_defaults,
    duration_rules.check_durations,
    response_format_rules.check_encodings,
    duration_rules.check_periods,
)


def run_checks(draft: Draft) -> list[Finding]:
    """The findings of every check, in no order."""
    return [finding for check in CHECKS for finding in check(draft)]
