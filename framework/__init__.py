"""Load REST APIs that are described in one YAML file each, through dlt.

`source` and `rest_api_config` are for notebooks, Airflow, Dagster and your own dlt pipelines. dlt
is imported when one of them is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlt.extract import DltSource

__version__ = "0.1.0"
__all__ = ["__version__", "rest_api_config", "source"]


def source(connector: str, **config: Any) -> DltSource:
    """Return the DltSource of a connector (a name or a file) for your own pipeline.

    `config` sets config entries and secrets by name; other values come from dlt's providers. Raise
    FindingsError for a file with errors, SettingsError for a missing or invalid value, UsageError
    for an unknown connector or entry.
    """
    from framework.api import open_source
    from framework.load.partition_queries import current_query

    return open_source(connector, config, current_query)


def rest_api_config(connector: str, **config: Any) -> dict[str, Any]:
    """Return the RESTAPIConfig of a connector, for dlt's own `rest_api_source`.

    Arguments and errors are those of `source`.
    """
    from framework.api import open_config

    return open_config(connector, config)
