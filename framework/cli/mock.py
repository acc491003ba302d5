"""`framework mock`: a server that gives a connector what its API would."""

from __future__ import annotations

import json
import shlex
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from framework.cli.shared_options import (
    connectors_option,
    name_argument,
    open_connector,
    set_option,
)
from framework.cli.terminal import visible, write_line
from framework.errors import Interrupted, Terminated, UsageError
from framework.text import count_noun

if TYPE_CHECKING:
    from framework.mock.faults import Rate
    from framework.mock.mock_message import MockRequest, MockResponse
    from framework.mock.mock_options import Mock


def _parsed(parse: Callable[[str], Any]) -> Callable[..., Any]:
    """Return a callback that reads an option's text; a ValueError says what is wrong with it."""

    def read(context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
        try:
            return None if value is None else parse(value)
        except ValueError as error:
            raise click.BadParameter(str(error), context, parameter) from None

    return read


def _latency(text: str) -> float:
    from framework.mock.faults import parse_latency

    return parse_latency(text)


def _faults(text: str) -> dict[str, float]:
    from framework.mock.faults import parse_faults

    return parse_faults(text)


def _rate(text: str) -> Rate:
    from framework.mock.faults import Rate

    return Rate.parse(text)


@click.command(
    "mock",
    short_help="Serve what a connector's API would, on this machine.",
    epilog="""\b
Examples:
  framework mock scheduling
  framework mock scheduling --page-size 3 --drift --seed 7
  framework mock scheduling --fault 429:0.05,500:0.01,reset:0.01 --latency 200ms
  framework mock scheduling --rate 100/min --port 8080
  framework mock ./connectors/mine.yaml --invent --rows 200
""",
)
@name_argument
@connectors_option
@set_option
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 takes any free port.")
@click.option(
    "--cassette",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="The recording; default cassettes/NAME.yaml.",
)
@click.option(
    "--invent",
    is_flag=True,
    help="Invent records from the declared schemas, though there is a recording.",
)
@click.option(
    "--rows",
    type=click.IntRange(min=0),
    default=25,
    show_default=True,
    help="Records of each invented list.",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="What invented records, faults and drift depend on.",
)
@click.option(
    "--page-size",
    type=click.IntRange(min=1),
    metavar="N",
    help="At most N records a page, where the file's paginator does not rely on another size.",
)
@click.option(
    "--latency", callback=_parsed(_latency), metavar="TIME", help="Wait so long, such as 200ms."
)
@click.option(
    "--fault",
    "faults",
    callback=_parsed(_faults),
    metavar="KIND:SHARE,...",
    help="Let some requests fail: a status from 400 to 599, reset, slow or truncate, each with its "
    "share from 0 to 1.",
)
@click.option(
    "--rate",
    callback=_parsed(_rate),
    metavar="N/UNIT",
    help="Refuse what comes faster, with a 429: 100/min, 5/s, 10/30s.",
)
@click.option(
    "--drift", is_flag=True, help="Change, add and remove records after pages are served."
)
@click.option("-q", "--quiet", is_flag=True, help="Print the address, without the requests.")
def command(
    name: str,
    connectors: Path | None,
    config: Mapping[str, str],
    port: int,
    cassette: Path | None,
    invent: bool,
    latency: float | None,
    faults: Mapping[str, float] | None,
    quiet: bool,
    **behaviour: Any,
) -> int:
    """Serve connector NAME (or a FILE) from its recording, or from its schemas, until Ctrl-C.

    The address is the first line on stdout, and a command that runs against it the second. Any
    credential of the right shape is accepted, or the one that --set gives.
    """
    connector = open_connector(name, connectors)
    from framework.mock.mock_builder import open_mock
    from framework.mock.mock_options import MockOptions
    from framework.mock.mock_server import MockServer
    from framework.runtime.environment import StopSignal
    from framework.runtime.signals import stop_on_signals

    if invent and cassette is not None:
        raise UsageError("--invent and --cassette exclude each other; give one of them")
    options = MockOptions(
        config=config,
        latency=latency or 0.0,
        faults=faults or {},
        invented=invent,
        **behaviour,
    )
    stop = StopSignal()
    mock = None
    try:
        with stop_on_signals(stop):
            mock = open_mock(connector, options, cassette)
            with _opened(MockServer, mock, port) as server:
                _announce(mock)
                write_line(server.base_url)
                write_line(_run_command(name, connectors, mock, server.base_url))
                if not quiet:
                    mock.api.on_request = _write_request
                threading.Event().wait()
    except (Interrupted, Terminated):
        pass
    count = 0 if mock is None else mock.api.log.count
    click.echo(f"served {count_noun(count, 'request')}", err=True)
    return 0


def _opened(server: Any, mock: Mock, port: int) -> Any:
    try:
        return server(mock.api, port)
    except OSError as error:
        raise UsageError(
            f"the port {port} cannot be used: {error.strerror}; choose another --port, or 0 for any"
        ) from None


def _run_command(name: str, connectors: Path | None, mock: Mock, base_url: str) -> str:
    """Return a command that runs the connector against the mock."""
    words = [] if connectors is None else ["--connectors", str(connectors)]
    for entry, value in mock.config.items():
        words += ["--set", f"{entry}={value if isinstance(value, str) else json.dumps(value)}"]
    return shlex.join(["framework", "run", name, *words, "--mock", base_url])


def _announce(mock: Mock) -> None:
    """Write on stderr what the mock is made of."""
    world = mock.world
    lists = world.lists()
    records = sum(len(world.records(key)) for key in lists)
    held = f": {count_noun(len(lists), 'list')}, {count_noun(records, 'record')}" if lists else ""
    click.echo(f"{mock.connector.name} from {mock.source}{held}", err=True)
    for note in mock.notes:
        click.echo(f"note: {visible(note)}", err=True)
    for resource, reason in mock.replayed.items():
        text = f"{resource} is served page by page as it was recorded: {reason}"
        click.echo(f"note: {visible(text)}", err=True)


def _write_request(request: MockRequest, response: MockResponse, seconds: float) -> None:
    """Write one line of the log, without the query, which may hold a credential."""
    end = "" if response.end == "whole" else f" {response.end}"
    path = visible(request.path)[:200]
    line = f"{request.method} {path} {response.status}{end} {seconds * 1000:.0f} ms"
    click.echo(line, err=True)
