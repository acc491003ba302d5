"""`framework list`: the connectors there are, with their resources."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from framework.cli.findings_view import visible
from framework.cli.option_types import connectors_option

if TYPE_CHECKING:
    from framework.definition.finder import Location
    from framework.definition.yaml_reader import Json


@dataclass(frozen=True)
class ListedConnector:
    """A connector file as `list` shows it; `errors` where it cannot be run as it is."""

    name: str
    description: str
    path: str
    bundled: bool
    errors: int
    resources: tuple[ListedResource, ...]


@dataclass(frozen=True)
class ListedResource:
    """A resource: `selected` where a run loads it unless told otherwise."""

    name: str
    selected: bool


def listing(connectors: Path | None = None) -> list[ListedConnector]:
    """Every connector found, own ones first. Files with errors are in it, as far as they go."""
    from framework.definition.finder import discover_connectors

    return [_listed(location) for location in discover_connectors(connectors)]


def render_list(listed: list[ListedConnector]) -> str:
    """The connectors for people: each with its resources below."""
    if not listed:
        return "no connectors found"
    blocks = []
    for connector in listed:
        lines = [f"{connector.name} ({'bundled' if connector.bundled else connector.path})"]
        if connector.description:
            lines.append(f"  {connector.description}")
        if connector.errors:
            count = f"{connector.errors} error{'s' * (connector.errors != 1)}"
            lines.append(f"  {count}: see framework validate {connector.name}")
        lines += [
            f"  - {resource.name}{'' if resource.selected else ' (not selected)'}"
            for resource in connector.resources
        ]
        blocks.append("\n".join(visible(line).rstrip() for line in lines))
    return "\n\n".join(blocks)


def render_list_json(listed: list[ListedConnector]) -> str:
    """The connectors for programs: a list of {name, description, path, bundled, errors,
    resources: [{name, selected}]}."""
    return json.dumps([asdict(connector) for connector in listed], indent=2, ensure_ascii=False)


def _listed(location: Location) -> ListedConnector:
    from framework.definition.finder import bundled_root
    from framework.definition.validation import validate

    judged = validate(location)
    bundled = location.path.absolute().parent == bundled_root() / "connectors"
    errors = sum(finding.severity == "error" for finding in judged.findings)
    connector = judged.connector
    if connector is None:
        description, resources = _as_far_as_it_goes(location)
    else:
        description = connector.description
        resources = tuple(
            ListedResource(resource.name, resource.selected) for resource in connector.resources
        )
    described = " ".join(description.split())
    return ListedConnector(location.name, described, location.display, bundled, errors, resources)


def _as_far_as_it_goes(location: Location) -> tuple[str, tuple[ListedResource, ...]]:
    """Description and resources of a file with errors."""
    from framework.definition.defaults import merge_resources
    from framework.definition.yaml_reader import read_document

    document, _ = read_document(location.path)
    if document is None:
        return "", ()
    description: Json = document.data.get("description")
    resources = tuple(
        ListedResource(merged.name, merged.data.get("selected") is not False)
        for merged in merge_resources(document.data)
    )
    return description if isinstance(description, str) else "", resources


def show_list(
    connectors: Path | None = None,
    *,
    as_json: bool = False,
    write: Callable[[str], object] = click.echo,
) -> int:
    """Write the connectors found; exit code 0, also where some have errors."""
    listed = listing(connectors)
    write(render_list_json(listed) if as_json else render_list(listed))
    return 0


@click.command(
    name="list",
    short_help="The connectors there are, with their resources.",
    epilog="""\b
Examples:
  framework list
  framework list --connectors ./elsewhere --format json
""",
)
@connectors_option
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the list is written.",
)
def command(connectors: Path | None, output: str) -> int:
    """Show the connectors there are, yours first, and their resources."""
    return show_list(connectors, as_json=output == "json")
