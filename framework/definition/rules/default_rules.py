"""Parts of `resource_defaults` that no resource can take over."""

from __future__ import annotations

from collections.abc import Iterator

from framework.definition.draft import Draft
from framework.findings import Finding


def check_defaults(draft: Draft) -> Iterator[Finding]:
    """A path for all resources: dlt refuses it as text, and never uses it as a key."""
    endpoint = draft.section("resource_defaults").get("endpoint")
    if isinstance(endpoint, str):
        yield draft.document.finding(
            ("resource_defaults", "endpoint"),
            "defaults-endpoint",
            "found a path for all resources, expected a mapping with what their endpoints share, "
            "such as params or paginator",
        )
    elif isinstance(endpoint, dict) and endpoint.get("path") is not None:
        yield draft.document.finding(
            ("resource_defaults", "endpoint", "path"),
            "default-path-unused",
            "this path is never used: a resource without a path has its name as path; write it "
            "in the resources that need it",
            severity="warning",
            key=True,
        )
