"""`import openapi --prove`: ask the API, or a mock of it, whether the imported file is right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.cli.shared_options import open_connector
from framework.errors import UsageError

if TYPE_CHECKING:
    from framework.authoring.diagnose.proof import Proof

LIVE = "live"


def check_against(against: str | None, given: Mapping[str, str]) -> None:
    """Raise UsageError for what is neither `live` nor a URL, and for config without a proof."""
    if given and against is None:
        raise UsageError("found --set without --prove, whose requests need the values")
    if against is not None and against != LIVE and "://" not in against:
        raise UsageError(f"found --prove {against}, expected live or the address of a mock")


def prove_import(
    target: Path, against: str, given: Mapping[str, str]
) -> tuple[list[Proof], list[tuple[str, str]]]:
    """Compare an imported file with responses, and write each change that was tried and helps.

    `given` are values of config; for a mock, those that are needed have its own stand-ins. Return
    the proofs of all resources, and the checks that they settle, by resource: these leave the
    file's comments. Raise FrameworkError if the API cannot be asked.
    """
    connector = open_connector(f"./{target}" if not target.is_absolute() else str(target), None)
    from framework.authoring.diagnose.diagnosis import repair
    from framework.authoring.diagnose.resource_diagnosis import LiveApi
    from framework.authoring.scaffold.file_writer import write_text
    from framework.events import ignore_event
    from framework.importers.openapi.settled_checks import settle
    from framework.runtime.environment import Environment
    from framework.runtime.signals import stop_on_signals

    environment = Environment()
    config: dict[str, Any] = dict(given)
    if against != LIVE:
        from framework.mock.mock_run import mocked_config, mocked_environment
        from framework.mock.stand_ins import stand_ins

        environment = mocked_environment(connector, against, environment)
        config = mocked_config(connector, {**stand_ins(connector, config), **config})
    api = LiveApi(config, None, environment, ignore_event)
    with stop_on_signals(environment.stop):
        proofs = list(repair(connector, connector.resources, api, lambda _: True))
    text, settled = settle(target.read_text(encoding="utf-8"), proofs)
    if settled:
        write_text(target, text)
    return proofs, settled
