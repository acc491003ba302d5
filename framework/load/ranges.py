"""Whether a range can be read again: what it would double or lose is refused before any request."""

from __future__ import annotations

from collections.abc import Iterable

from framework.definition.model import Connector, Resource
from framework.errors import UsageError
from framework.load.run_options import RunOptions


def refuse_range(connector: Connector, chosen: Iterable[Resource], options: RunOptions) -> None:
    """UsageError where `--since` or `--until` has nothing to read, or would do harm."""
    if options.again is None:
        return
    if options.refresh:
        raise UsageError(
            "--refresh loads everything again and --since/--until a part: choose one of them"
        )
    ranged = [resource for resource in chosen if _is_ranged(connector, resource)]
    if not ranged:
        raise UsageError(
            "--since and --until want a resource with an incremental, and none that is chosen has "
            "one or reads from one"
        )
    for resource in ranged:
        if resource.write_disposition == "append":
            raise UsageError(
                f"{resource.name} appends: the range's rows would be there twice. Leave it out "
                "with --resources, or give it write_disposition: merge"
            )
        if resource.write_disposition == "replace":
            raise UsageError(
                f"{resource.name} replaces its table: the range's rows alone would be left. Leave "
                "it out with --resources, or give it write_disposition: merge"
            )


def _is_ranged(connector: Connector, resource: Resource) -> bool:
    return any(
        one.endpoint.incremental is not None for one in (resource, *connector.ancestors(resource))
    )
