"""A recorded run played again: a world of its own, with the cassette's clock and no socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from framework.authoring.cassettes.cassette import Cassette, read_cassette
from framework.authoring.cassettes.replayer import ReplayAdapter
from framework.definition.model import Connector
from framework.load.run_options import RunOptions
from framework.runtime.environment import Stop, World


@dataclass(frozen=True)
class Played:
    """What to run with; `adapter` knows afterwards which answers were never asked for."""

    options: RunOptions
    world: World
    adapter: ReplayAdapter


def cassette_of(connector: Connector) -> Path:
    """Where the connector's cassette is, or would be."""
    return connector.root / "cassettes" / f"{connector.name}.yaml"


@contextmanager
def replaying(
    connector: Connector, path: str | Path | None, options: RunOptions, stop: Stop
) -> Iterator[Played]:
    """The world of a cassette, into `NAME_replay.duckdb` unless another destination is asked for.

    It starts with nothing: the file is made anew and no state is kept. CassetteError where the
    cassette cannot be used.
    """
    cassette = read_cassette(Path(path) if path else cassette_of(connector), connector.name)
    file = f"{connector.name}_replay.duckdb"
    if options.destination in (None, "duckdb"):
        for name in (file, f"{file}.wal"):
            (options.folder / name).unlink(missing_ok=True)
    with TemporaryDirectory(prefix="framework-") as folder:
        yield played(cassette, replace(options, file=file, pipelines=Path(folder)), stop)


def played(cassette: Cassette, options: RunOptions, stop: Stop) -> Played:
    """The options and the world that make a run the recorded one."""
    adapter = ReplayAdapter(cassette)
    world = World(
        now=cassette.clock,
        wire=lambda _: adapter,
        waits=False,
        replay=True,
        stop=stop,
    )
    as_recorded = replace(
        options,
        resources=options.resources or cassette.resources or None,
        config={**cassette.config, **options.config},
        limit=options.limit or cassette.limit,
    )
    return Played(as_recorded, world, adapter)
