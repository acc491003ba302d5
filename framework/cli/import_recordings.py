"""`framework import har`, `curl` and `postman`: a connector file from recorded requests."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from framework.cli.import_target import check_target, target_options, write_report
from framework.cli.shared_options import option_group
from framework.errors import FrameworkError, UsageError
from framework.text import count_noun, sentences

if TYPE_CHECKING:
    from framework.importers.recorded.formats.har_file import HarRecording
    from framework.importers.recorded.recorded_import import RecordedImport, RecordedSource

_recording_options = option_group(
    target_options,
    click.option(
        "--host", metavar="HOST", help="The API's host; by default the one with most JSON."
    ),
)


@click.command(
    "har",
    short_help="Convert a HAR file, the recording of a browser.",
    epilog="""\b
Examples:
  framework import har recording.har
  framework import har recording.har -o connectors/shop.yaml --host api.example.com
""",
)
@click.argument("file", type=click.Path(path_type=Path))
@_recording_options
@click.option("--no-cassette", is_flag=True, help="Write no cassette from the recording.")
def har(
    file: Path, output: Path | None, force: bool, form: str, host: str | None, no_cassette: bool
) -> int:
    """Convert FILE, a HAR that a browser's developer tools or a proxy exported.

    Lists of JSON become resources; two pages of one list tell its paginator, ids in paths its
    parent. Credentials become named secrets. The recording also becomes the first cassette,
    scrubbed: what it lacks is answered there by empty lists.
    """
    from framework.importers.import_report import write_imported
    from framework.importers.recorded.formats.har_file import read_har
    from framework.importers.recorded.recorded_import import RecordedSource, import_recorded
    from framework.importers.source_files import connector_name

    target = output or Path("connectors") / f"{connector_name(file)}.yaml"
    check_target(target, force)
    recording = read_har(file)
    source = RecordedSource(recording.interactions, str(file), "a HAR", recording.notes)
    recorded = import_recorded(source, target.stem, host=host)
    more: dict[str, Any] = {}
    if not no_cassette and not recorded.imported.missing:
        more["cassette"] = _cassette(recorded, recording, target, force=force, form=form)
    # last: after an interruption the import can be repeated as it was
    files = write_imported(recorded.imported, target)
    return write_report(recorded.imported, files, form, more)


@click.command(
    "curl",
    short_help="Convert curl commands, as a browser copies them.",
    context_settings={"allow_interspersed_args": False},
    epilog="""\b
Examples:
  framework import curl 'curl https://api.example.com/orders -u me:password'
  framework import curl -o connectors/shop.yaml curl https://api.example.com/orders
  framework import curl -o connectors/shop.yaml < commands.txt
""",
)
@_recording_options
@click.argument("words", nargs=-1, metavar="[COMMAND]", type=click.UNPROCESSED)
def curl(
    output: Path | None, force: bool, form: str, host: str | None, words: tuple[str, ...]
) -> int:
    """Convert COMMAND, a curl command, or several from stdin. curl itself is not started.

    Options of the import stand before COMMAND. Its response is not known, so that records and
    pages are left to be checked. Through stdin, no token stays in the shell's history.
    """
    from framework.importers.recorded.formats.curl_command import read_curl, read_curl_arguments
    from framework.importers.recorded.recorded_import import RecordedSource, name_of_host

    if not words or words == ("-",):
        if sys.stdin.isatty():
            raise UsageError("found no curl command; pass one, or several through stdin")
        label, interactions = "stdin", read_curl(_stdin(), "stdin")
    elif len(words) == 1:
        label, interactions = "curl", read_curl(words[0])
    elif any(one.isspace() for one in words[0]):
        raise UsageError(f"found {words[1]!r} after the command; put options before it")
    else:
        label, interactions = "curl", read_curl_arguments(words)
    target = output or Path("connectors") / f"{name_of_host(interactions, host)}.yaml"
    check_target(target, force)
    source = RecordedSource(interactions, label, "a curl command", is_chosen=True)
    recorded, files = _write(source, target, host)
    return write_report(recorded.imported, files, form)


@click.command(
    "postman",
    short_help="Convert a Postman collection (v2.1).",
    epilog="""\b
Examples:
  framework import postman collection.json -o connectors/shop.yaml
""",
)
@click.argument("file", type=click.Path(path_type=Path))
@_recording_options
def postman(file: Path, output: Path | None, force: bool, form: str, host: str | None) -> int:
    """Convert FILE, a Postman collection in format 2.1.

    Variables without a value become config or secrets. Saved responses tell records, pages and
    parents, as a recording does.
    """
    from framework.importers.recorded.formats.postman_collection import read_postman
    from framework.importers.recorded.recorded_import import RecordedSource
    from framework.importers.source_files import free_name

    stem = file.stem.removesuffix(".postman_collection")
    name = free_name((stem,), set(), "connector")
    target = output or Path("connectors") / f"{name}.yaml"
    check_target(target, force)
    found = read_postman(file)
    source = RecordedSource(
        found.interactions,
        str(file),
        "a Postman collection",
        found.notes,
        clients=found.clients,
    )
    recorded, files = _write(source, target, host)
    return write_report(recorded.imported, files, form)


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read(_LARGEST_INPUT).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FrameworkError("stdin: is not UTF-8 text") from None


_LARGEST_INPUT = 10_000_000


def _write(
    source: RecordedSource, target: Path, host: str | None
) -> tuple[RecordedImport, list[Path]]:
    from framework.importers.import_report import write_imported
    from framework.importers.recorded.recorded_import import import_recorded

    recorded = import_recorded(source, target.stem, host=host)
    return recorded, write_imported(recorded.imported, target)


def _cassette(
    recorded: RecordedImport, recording: HarRecording, target: Path, *, force: bool, form: str
) -> Any:
    """Write the cassette, made in a folder of its own; return what the report says about it."""
    from framework.load.dlt_defaults import set_defaults

    set_defaults()
    from framework.authoring.scaffold.file_writer import write_text
    from framework.definition.finder import Location
    from framework.importers.import_report import write_imported
    from framework.importers.recorded.har_cassette import write_har_cassette
    from framework.runtime.environment import StopSignal
    from framework.runtime.signals import stop_on_signals

    path = target.resolve().parent.parent / "cassettes" / target.name
    if path.exists() and not force:
        return _no_cassette("the cassette that is there is kept; add --force to replace it", form)
    stop = StopSignal()
    try:
        with stop_on_signals(stop), TemporaryDirectory(prefix="framework-") as folder:
            root = Path(folder).resolve()
            draft = root / "connectors" / target.name
            write_imported(recorded.imported, draft)
            location = Location(target.stem, draft, root, str(target))
            made = write_har_cassette(recorded, location, recording.started, stop)
            files = [path.with_name(file.name) for file in made.files]
            for file, drafted in zip(files, made.files, strict=True):
                write_text(file, drafted.read_text(encoding="utf-8"))
    except FrameworkError as error:
        if stop.error is not None:
            raise
        return _no_cassette(sentences(str(error)), form)
    if form == "json":
        return {
            "files": list(map(str, files)),
            "requests": made.requests,
            "empty": made.empty,
            "left_out": dict(made.left_out),
        }
    shown = target.parent.parent / "cassettes" / target.name
    lacks = f", {made.empty} of them empty: the HAR lacks them" if made.empty else ""
    line = f"written: {shown}, {count_noun(made.requests, 'request')}{lacks}"
    missing = [f"not in the cassette: {name}: {why}" for name, why in made.left_out.items()]
    return "\n".join((line, *missing))


def _no_cassette(reason: str, form: str) -> Any:
    return {"files": [], "reason": reason} if form == "json" else f"no cassette: {reason}"
