"""A declarative manifest run by its own CDK: `airbyte_original.py MANIFEST CONFIG STREAMS OUT`.

STREAMS is a JSON list of names, empty for all streams; OUT gets {stream: [records]} and, under "",
what went wrong.
"""

import json
import logging
import sys
from pathlib import Path

import yaml
from airbyte_cdk.models import (
    ConfiguredAirbyteCatalog,
    ConfiguredAirbyteStream,
    DestinationSyncMode,
    SyncMode,
    Type,
)
from airbyte_cdk.sources.declarative.concurrent_declarative_source import (
    ConcurrentDeclarativeSource,
)


def main(manifest_file: str, config_file: str, streams: str, out: str) -> None:
    """Read the streams and write what came."""
    manifest = yaml.safe_load(Path(manifest_file).read_text())
    config = json.loads(Path(config_file).read_text())
    found: dict[str, list[object]] = {"": []}
    try:
        for name, record in records(manifest, config, json.loads(streams)):
            found.setdefault(name, []).append(record)
    except Exception as error:
        found[""].append(f"{type(error).__name__}: {str(error)[:600]}")
    Path(out).write_text(json.dumps(found, default=str))


def records(manifest: dict, config: dict, names: list[str]):
    """The records of those streams, each with its stream's name."""
    source = ConcurrentDeclarativeSource(
        catalog=None, config=config, state=[], source_config=manifest
    )
    catalog = ConfiguredAirbyteCatalog(
        streams=[
            ConfiguredAirbyteStream(
                stream=stream.as_airbyte_stream(),
                sync_mode=SyncMode.full_refresh,
                destination_sync_mode=DestinationSyncMode.append,
            )
            for stream in source.streams(config)
            if not names or stream.name in names
        ]
    )
    for message in source.read(logging.getLogger("airbyte"), config, catalog, []):
        if message.type == Type.RECORD:
            yield message.record.stream, message.record.data


if __name__ == "__main__":
    main(*sys.argv[1:])
