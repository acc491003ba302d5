"""One YAML file per REST API, in dlt's own words: proved, run through dlt, replayed.

The Python door for notebooks, Airflow, Dagster and people's own dlt pipelines: `source` and
`rest_api_config`. dlt is imported when one of them is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlt.extract import DltSource

__version__ = "0.1.0"
__all__ = ["__version__", "rest_api_config", "source"]


def source(connector: str, **config: Any) -> DltSource:
    """The DltSource of a connector, by name or file, to run in a pipeline of your own.

    `config` sets config entries and secrets by name; what it lacks comes from dlt's providers.
    Raises FindingsError for a file with errors, SettingsError for what is missing,
    UsageError for an unknown connector or entry.
    """
    from framework.api import open_source

    return open_source(connector, config)


def rest_api_config(connector: str, **config: Any) -> dict[str, Any]:
    """The RESTAPIConfig that dlt's own `rest_api_source` takes for this connector.

    Arguments and errors as for `source`.
    """
    from framework.api import open_config

    return open_config(connector, config)
