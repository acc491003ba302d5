"""Where a run loads to: destination, dataset, and the name of the pipeline that holds the state."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framework.definition.model import Connector, Resource
from framework.definition.values.naming import NAME, normalize_identifier
from framework.errors import DestinationError, UsageError
from framework.load.destinations.profiles import (
    MERGING_FORMATS,
    DestinationProfile,
    build_destination,
    profile_of,
)
from framework.load.run_options import RunOptions
from framework.runtime.destination_turn import DestinationTurn, TakeTurn


@dataclass(frozen=True)
class Target:
    """The place that a run loads to.

    `destination` is what `dlt.pipeline` takes, `name` what dlt calls it and `kind` its short name.
    `file` is the DuckDB file that the framework chose, or None. Whoever connects to the destination
    holds `turn`.
    """

    destination: Any
    kind: str
    profile: DestinationProfile
    dataset: str
    pipeline: str
    file: Path | None
    name: str
    turn: DestinationTurn = field(default_factory=DestinationTurn, compare=False, repr=False)

    def __str__(self) -> str:
        """Return the place in words: `data.duckdb (dataset x)`."""
        return f"{self.file or self.kind} (dataset {self.dataset})"


def target_of(
    connector: Connector, options: RunOptions, take_turn: TakeTurn | None = None
) -> Target:
    """Return the target that the options name; raise UsageError for a name that is not valid."""
    owner = options.alias or connector.name
    if options.alias is not None and not NAME.fullmatch(options.alias):
        raise UsageError(
            f"--as {options.alias!r}: a name has lower-case letters, digits and _, and starts "
            "with a letter"
        )
    kind = options.destination or "duckdb"
    profile = profile_of(kind)
    dataset = options.dataset or f"{owner}_data"
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", dataset):
        raise UsageError(
            f"--dataset {dataset!r}: a dataset has letters, digits and _, and does not start with "
            "a digit"
        )
    file = None
    # dlt.destinations.duckdb, spelled out, is dlt's own, with dlt's own file
    if profile.is_local_file and "." not in kind and (options.file or not _is_configured(kind)):
        file = (options.folder / (options.file or f"{connector.name}.{kind}")).resolve()
        if file.stem == dataset:
            raise UsageError(
                f"--dataset {dataset}: DuckDB names its catalog after the file, so the dataset "
                f"must not be named like {file.name}; the default is {owner}_data"
            )
    location = "\n".join((owner, str(file or kind), dataset, *filter(None, (options.part,))))
    digest = hashlib.sha256(location.encode()).hexdigest()[:8]
    return Target(
        destination=build_destination(kind, file),
        kind=kind.rpartition(".")[2],
        profile=profile,
        dataset=dataset,
        pipeline=f"{connector.name}_{digest}",
        file=file,
        name=kind,
        turn=DestinationTurn(_place(kind, profile, dataset, file), take_turn),
    )


def _place(kind: str, profile: DestinationProfile, dataset: str, file: Path | None) -> str:
    """Return what one process at a time may write to: a database file, or a dataset."""
    if profile.is_local_file:
        return str(file or kind)  # a file that dlt's configuration names holds all datasets
    # dlt makes one dataset of Books and books
    return f"{kind.rpartition('.')[2]}/{normalize_identifier(dataset)}"


def refuse_impossible_merge(target: Target, resources: tuple[Resource, ...]) -> None:
    """Raise DestinationError for a `merge` that the destination would silently turn into append."""
    merging = [
        r.name
        for r in resources
        if r.write_disposition == "merge" and r.hints.get("table_format") not in MERGING_FORMATS
    ]
    if merging and target.profile.is_file_store:
        raise DestinationError(
            f"the {target.kind} destination cannot merge: it would append, and "
            f"{', '.join(merging)} would hold every record once for each run. Use another "
            "destination, `write_disposition: append` or `replace`, or `table_format: delta`."
        )


def refuse_missing_format(target: Target, resources: tuple[Resource, ...]) -> None:
    """Raise DestinationError for a table format in files whose package is not installed."""
    for resource in resources if target.profile.is_file_store else ():
        package = MERGING_FORMATS.get(resource.hints.get("table_format", ""))
        if package is not None and not _is_installed(package):
            raise DestinationError(
                f"`table_format: {resource.hints['table_format']}` of {resource.name} needs the "
                f"package {package}, which is not installed; run pip install 'dlt[{package}]'"
            )


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ValueError:  # sys.modules has None in its place
        return False


def _is_configured(kind: str) -> bool:
    """Return whether dlt's own configuration has credentials for the destination."""
    import dlt

    key = f"destination.{kind}.credentials"
    return dlt.config.get(key) is not None or dlt.secrets.get(key) is not None
