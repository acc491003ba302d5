"""Write the copy of a connector, and say what to set and do next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from framework.cli.terminal import visible, write_line
from framework.errors import FindingsError, FrameworkError
from framework.text import count_noun

if TYPE_CHECKING:
    from framework.authoring.scaffold.connector_copy import ConnectorCopy
    from framework.definition.finder import Location
    from framework.definition.model import Connector


def write_connector_copy(
    source: str, name: str, connectors: Path | None, folder: Path, *, recording: bool
) -> int:
    """Copy the connector that `source` names into a folder of connectors; return the exit code.

    Raise FindingsError if it has errors, FrameworkError if a file would be overwritten.
    """
    from framework.authoring.scaffold.connector_copy import copy_connector, root_of, write_copy
    from framework.authoring.scaffold.file_writer import write_editor_schema
    from framework.definition.finder import find_connector

    known = connectors if connectors is not None and connectors.is_dir() else None
    location = find_connector(source, known)
    file = folder / f"{name}.yaml"
    if file.exists():
        raise FrameworkError(f"{file} already exists; choose another name, or edit the file")
    copy = copy_connector(location, name, folder, recording=recording)
    result = copy.validate(str(file))
    if result.connector is None:
        _quote_no_secret(location)
        raise FindingsError(result.findings, f"{location.display} cannot be copied: the copy")
    if recording and not copy.has_recording:
        raise FrameworkError(
            f"{location.name} has no recording; leave --recording out, and make one of the copy "
            f"with: framework record {name}"
        )
    write_copy(copy, folder)
    write_editor_schema(root_of(folder) / "schemas")
    _tell(copy, result.connector, location, folder, is_recorded=recording)
    return 0


def _tell(
    copy: ConnectorCopy,
    connector: Connector,
    location: Location,
    folder: Path,
    *,
    is_recorded: bool,
) -> None:
    from framework.authoring.scaffold.connector_copy import root_of

    name, root = copy.name, root_of(folder)
    beside = [
        f"{root / place / name}/ ({count_noun(count, 'file')})"
        for place in ("schemas", "queries")
        if (count := sum(path.parts[0] == place for path in copy.files))
    ]
    beside += [str(root / path) for path in copy.files if path.parts[0] == "cassettes"]
    write_line(f"written: {', '.join([str(folder / f'{name}.yaml'), *beside])}")
    for line in _settings(connector):
        write_line(visible(f"set:  {line}"))
    commands = [
        ("validate", "find mistakes, without network"),
        ("check", "is the token valid, and what may it read?"),
        ("run", "load the data"),
    ]
    if is_recorded:
        commands.insert(1, ("test", "compare its tables with the recording"))
    longest = max(len(verb) for verb, _ in commands)
    for number, (verb, purpose) in enumerate(commands):
        head = "next:" if number == 0 else "     "
        write_line(f"{head} framework {verb} {name}{' ' * (longest - len(verb))}   {purpose}")
    if copy.has_recording and not is_recorded:
        click.echo(
            f"the recording of {location.name} is not copied (--recording does): make one of your "
            f"account with framework record {name}",
            err=True,
        )
    for path in _data_files(connector):
        if not (root / path).exists():
            click.echo(visible(f"it reads the file {path}, which is not copied"), err=True)


def _settings(connector: Connector) -> Iterator[str]:
    """Yield the variables that a run needs, each with what it is."""
    from framework.runtime.settings import variable_of

    for secret in connector.secrets.values():
        about = " ".join(secret.description.split())
        optional = " (optional)" if secret.optional else ""
        place = secret.key or f"sources.{connector.name}.{secret.name}"
        yield f"{variable_of(place)}{optional}   {about}".rstrip()
    for entry in connector.config.values():
        if entry.required:
            about = " ".join(entry.description.split())
            place = entry.key or f"sources.{connector.name}.{entry.name}"
            yield f"{variable_of(place)}   {about}".rstrip()


def _data_files(connector: Connector) -> Iterator[str]:
    """Yield the files of values that partitions read, by their paths beside connectors/."""
    for resource in connector.resources:
        for partition in resource.partitions:
            if partition.kind == "file" and "{" not in partition.argument["path"]:
                yield partition.argument["path"]


def _quote_no_secret(location: Location) -> None:
    """Mask what findings may quote of a secret that is written in the file."""
    from framework.cli.shared_options import source_text

    source_text(location)
