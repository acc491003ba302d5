"""Where a recording's lists have further pages that the file does not read."""

from __future__ import annotations

from framework.authoring.cassettes.cassette import Cassette
from framework.authoring.cassettes.replayer import ReplayAdapter
from framework.definition.model import Connector
from framework.errors import FrameworkError, Interrupted, Terminated
from framework.events import Event, WarningRaised
from framework.extract.compilation.compiler import compile_connector
from framework.extract.compilation.dlt_source import ResourceReaders
from framework.extract.read_options import ReadOptions
from framework.runtime.environment import Environment, StopSignal
from framework.runtime.redaction import Redactor
from framework.runtime.settings import Settings


def early_ends(
    connector: Connector, settings: Settings, cassette: Cassette, stop: StopSignal
) -> dict[str, str]:
    """Replay a recording; return what its pages say of further ones, by resource."""
    adapter = ReplayAdapter(cassette)
    ends: dict[str, str] = {}

    def listen(event: Event) -> None:
        if isinstance(event, WarningRaised) and event.code == "ended-early":
            ends.setdefault(event.resource, event.message)

    environment = Environment(
        now=cassette.clock,
        transport=lambda _: adapter,
        waits=False,
        replay=True,
        stop=stop,
        redactor=Redactor(),
    )
    compiled = compile_connector(connector, settings, environment, listen)
    options = ReadOptions(*(environment, listen, compiled.redactor, 1, cassette.limit), state={})
    chosen = cassette.resources or [one.name for one in connector.resources if one.selected]
    names = [one for one in chosen if one in compiled.plans]
    readers = ResourceReaders(compiled, options, names)
    for name in names:
        try:
            for _ in readers.open_table(name):
                pass
        except (Interrupted, Terminated):
            raise
        except FrameworkError as error:
            if getattr(error, "code", None) == "ended-early":
                ends.setdefault(name, str(error))
    return ends
