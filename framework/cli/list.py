"""`framework list`: the available connectors and their resources."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from framework.cli.shared_options import connectors_option, format_option
from framework.cli.terminal import visible, write_json, write_line
from framework.text import count_noun

if TYPE_CHECKING:
    from framework.definition.finder import Location


@dataclass(frozen=True)
class ListedResource:
    """A resource; `selected` says whether a run loads it by default."""

    name: str
    selected: bool


@dataclass(frozen=True)
class ListedConnector:
    """A connector file; it cannot run if `errors` is not 0."""

    name: str
    description: str
    path: str
    bundled: bool
    errors: int
    resources: tuple[ListedResource, ...]


def list_connectors(connectors: Path | None = None) -> list[ListedConnector]:
    """Return all connectors, your own first, including files with errors."""
    from framework.definition.finder import discover_connectors

    return [_listed_connector(location) for location in discover_connectors(connectors)]


def render_list(listed: list[ListedConnector]) -> str:
    """Return the connectors as text, each with its resources."""
    if not listed:
        return "no connectors found"
    blocks = []
    for connector in listed:
        lines = [f"{connector.name} ({'bundled' if connector.bundled else connector.path})"]
        if connector.description:
            lines.append(f"  {connector.description}")
        if connector.errors:
            errors = count_noun(connector.errors, "error")
            lines.append(f"  {errors}; run: framework validate {connector.name}")
        lines += [
            f"  - {resource.name}{'' if resource.selected else ' (not selected)'}"
            for resource in connector.resources
        ]
        blocks.append("\n".join(visible(line).rstrip() for line in lines))
    return "\n\n".join(blocks)


def _listed_connector(location: Location) -> ListedConnector:
    from framework.definition.finder import bundled_root
    from framework.definition.validation import validate

    result = validate(location)
    bundled = location.path.absolute().parent == bundled_root() / "connectors"
    errors = sum(finding.severity == "error" for finding in result.findings)
    if result.connector is None:
        description, resources = _readable_parts(location)
    else:
        description = result.connector.description
        resources = tuple(
            ListedResource(resource.name, resource.selected)
            for resource in result.connector.resources
        )
    one_line = " ".join(description.split())
    return ListedConnector(location.name, one_line, location.display, bundled, errors, resources)


def _readable_parts(location: Location) -> tuple[str, tuple[ListedResource, ...]]:
    """Return description and resources of a file with errors, as far as they can be read."""
    from framework.definition.defaults import merge_resources
    from framework.definition.yaml_reader import read_document

    document, _ = read_document(location.path)
    if document is None:
        return "", ()
    description = document.data.get("description")
    resources = tuple(
        ListedResource(merged.name, merged.data.get("selected") is not False)
        for merged in merge_resources(document.data)
    )
    return description if isinstance(description, str) else "", resources


@click.command(
    name="list",
    short_help="List the connectors and their resources.",
    epilog="""\b
Examples:
  framework list
  framework list --connectors ./elsewhere --format json
""",
)
@connectors_option
@format_option("text", "json")
def command(connectors: Path | None, form: str) -> int:
    """List the available connectors, yours first, and their resources.

    The exit code is 0 even if some files have errors.
    """
    listed = list_connectors(connectors)
    if form == "json":
        write_json([asdict(connector) for connector in listed])
    else:
        write_line(render_list(listed))
    return 0
