"""What a shell completes that only the files know: connectors, resources, config entries.

The files are read as text: no validation, no dlt, no network. What cannot be read completes
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from click.shell_completion import CompletionItem

from framework.errors import FrameworkError

if TYPE_CHECKING:
    import click

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
"""Other texts are not offered: shells take some characters for more than text."""


def complete_connectors(
    context: click.Context,
    parameter: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Return the connectors, or files if the text begins like one."""
    from framework.definition.finder import discover_connectors

    if incomplete.startswith((".", "~")) or "/" in incomplete:
        return [CompletionItem(incomplete, type="file")]
    try:
        locations = discover_connectors(context.params.get("connectors"))
    except FrameworkError:
        return []
    return _items((location.name for location in locations), incomplete)


def complete_resource(
    context: click.Context,
    parameter: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Return the resources of the connector that was named before."""
    return _items(_resources(context), incomplete)


def complete_resources(
    context: click.Context,
    parameter: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Return the list A,B with each resource that it does not have yet."""
    before, comma, last = incomplete.rpartition(",")
    listed = before.split(",")
    left = [name for name in _resources(context) if name not in listed]
    return [
        CompletionItem(f"{before}{comma}{item.value}", help=item.help)
        for item in _items(left, last)
    ]


def complete_config(
    context: click.Context,
    parameter: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Return the config entries of the connector, each as `KEY=`."""
    config = _document(context).get("config")
    names = config if isinstance(config, dict) else {}
    return [CompletionItem(f"{item.value}=") for item in _items(names, incomplete)]


def _items(names: Iterable[Any], incomplete: str) -> list[CompletionItem]:
    return [
        CompletionItem(name)
        for name in names
        if isinstance(name, str) and name.startswith(incomplete) and _NAME.fullmatch(name)
    ]


def _resources(context: click.Context) -> list[str]:
    from framework.definition.defaults import merge_resources

    return [merged.name for merged in merge_resources(_document(context))]


def _document(context: click.Context) -> dict[str, Any]:
    """Return the file of the connector on the command line, empty if it cannot be read."""
    from framework.definition.finder import find_connector
    from framework.definition.yaml_reader import read_document

    # an option that still lacks its value ends click's parsing before the arguments get their names
    name = context.params.get("name") or next(iter(context.args), None)
    if not isinstance(name, str):
        return {}
    try:
        location = find_connector(name, context.params.get("connectors"))
    except FrameworkError:
        return {}
    document, _ = read_document(location.path)
    return document.data if document is not None and isinstance(document.data, dict) else {}
