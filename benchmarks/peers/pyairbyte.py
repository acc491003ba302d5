"""PyAirbyte with a declarative manifest into its DuckDB cache.
`pyairbyte.py WORK BASE_URL DATABASE`; the manifests lie beside this file."""

import sys
from pathlib import Path

import airbyte
import yaml
from airbyte.caches import DuckDBCache

work, base, database = sys.argv[1:4]
manifest = yaml.safe_load((Path(__file__).parent / f"airbyte-{work}.yaml").read_text())
source = airbyte.get_source(
    f"source-{work}",
    config={"base_url": base, "api_key": "secret"},
    source_manifest=manifest,
)
source.select_all_streams()
source.read(
    DuckDBCache(db_path=database, schema_name="events_data"),
    write_strategy="merge",
    force_full_refresh=True,
)
