"""`framework list`: the available connectors and their resources."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from framework.cli.completers import complete_connectors
from framework.cli.shared_options import connectors_option, format_option
from framework.cli.terminal import visible, write_json, write_line
from framework.text import OTHER_CATEGORY, count_noun, first_sentence, join_words

if TYPE_CHECKING:
    from framework.definition.finder import Location

WIDTH = 100
"""Characters of a line if there is no terminal."""


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
    category: str = ""
    caveat: str = ""


def list_connectors(
    connectors: Path | None = None, name_or_file: str | None = None
) -> list[ListedConnector]:
    """Return all connectors, your own first, including files with errors; or the one named."""
    from framework.definition.finder import discover_connectors, find_connector

    if name_or_file is not None:
        return [_listed_connector(find_connector(name_or_file, connectors))]
    return [_listed_connector(location) for location in discover_connectors(connectors)]


def render_list(listed: list[ListedConnector], width: int = WIDTH) -> str:
    """Return the connectors as text, one a line below its category; a line has `width` at most.

    A category with a connector of your own stands before the others.
    """
    if not listed:
        return "no connectors found"
    longest = max(len(visible(one.name)) for one in listed)
    counts = [count_noun(len(one.resources), "resource") for one in listed]
    widest = max(map(len, counts))
    blocks: dict[str, list[str]] = {}
    for one, count in sorted(zip(listed, counts, strict=True), key=lambda pair: _order(pair[0])):
        head = f"  {visible(one.name):<{longest}}  {count:<{widest}}  "
        sentence = visible(first_sentence(one.description))
        room = max(width - len(head), 20)
        if len(sentence) > room:
            sentence = f"{sentence[: room - 1].rstrip()}…"
        lines = blocks.setdefault(one.category or OTHER_CATEGORY, [])
        lines.append(f"{head}{sentence}".rstrip())
        if one.errors:
            lines.append(f"    {_errors(one)}")
    own: dict[str, list[str]] = {}
    for one in listed:
        if not one.bundled:
            own.setdefault(visible(str(Path(one.path).parent)), []).append(visible(one.name))
    ordered = sorted(blocks, key=lambda name: _category_order(name, listed))
    texts = ["\n".join([visible(name), *blocks[name]]) for name in ordered]
    lines = [f"your own, in {place}: {join_words(names, None)}" for place, names in own.items()]
    return "\n\n".join([*texts, *lines])


def render_connector(one: ListedConnector) -> str:
    """Return one connector as text, with its resources."""
    lines = [f"{one.name} ({'bundled' if one.bundled else one.path})"]
    if one.category:
        lines.append(f"  category: {one.category}")
    if one.caveat:
        lines.append(f"  caveat: {one.caveat}")
    if one.description:
        lines.append(f"  {one.description}")
    if one.errors:
        lines.append(f"  {_errors(one)}")
    lines += [
        f"  - {resource.name}{'' if resource.selected else ' (not selected)'}"
        for resource in one.resources
    ]
    return "\n".join(visible(line).rstrip() for line in lines)


def _errors(one: ListedConnector) -> str:
    name = one.name if one.bundled else one.path
    return f"{count_noun(one.errors, 'error')}; run: framework validate {visible(name)}"


def _order(one: ListedConnector) -> tuple[bool, str]:
    return one.bundled, one.name


def _category_order(name: str, listed: list[ListedConnector]) -> tuple[bool, bool, str]:
    has_own = any(not one.bundled and (one.category or OTHER_CATEGORY) == name for one in listed)
    return not has_own, name == OTHER_CATEGORY, name.casefold()


def _listed_connector(location: Location) -> ListedConnector:
    from framework.definition.defaults import merge_resources
    from framework.definition.finder import bundled_root
    from framework.definition.validation import validate

    result = validate(location)
    bundled = location.path.absolute().parent == bundled_root() / "connectors"
    errors = sum(finding.severity == "error" for finding in result.findings)
    document = result.document
    data = document.data if document is not None and isinstance(document.data, dict) else {}
    resources = tuple(
        ListedResource(merged.name, merged.data.get("selected") is not False)
        for merged in merge_resources(data)
    )
    description, category, caveat = (
        " ".join(text.split()) if isinstance(text := data.get(key), str) else ""
        for key in ("description", "category", "caveat")
    )
    return ListedConnector(
        *(location.name, description, location.display, bundled, errors, resources),
        category,
        caveat,
    )


@click.command(
    name="list",
    short_help="List the connectors and their resources.",
    epilog="""\b
Examples:
  framework list
  framework list scheduling
  framework list --connectors ./elsewhere --format json
""",
)
@click.argument("name", required=False, metavar="[NAME|FILE]", shell_complete=complete_connectors)
@connectors_option
@format_option("text", "json")
def command(name: str | None, connectors: Path | None, form: str) -> int:
    """List the available connectors by category, yours first; or one, with its resources.

    The exit code is 0 even if some files have errors.
    """
    listed = list_connectors(connectors, name)
    if form == "json":
        write_json([asdict(connector) for connector in listed])
    elif name is not None:
        write_line(render_connector(listed[0]))
    else:
        write_line(render_list(listed, shutil.get_terminal_size((WIDTH, 24)).columns))
    return 0
