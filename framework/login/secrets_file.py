"""dlt's file of secrets, `.dlt/secrets.toml`, with one entry more. The rest of it stays."""

from __future__ import annotations

import os
from pathlib import Path

import tomlkit
from dlt.common.configuration.container import Container
from dlt.common.configuration.specs import PluggableRunContext
from tomlkit.exceptions import TOMLKitError

from framework.errors import SettingsError


def secrets_file() -> Path:
    """Return the file in the settings folder of the project, `.dlt`."""
    return Path(Container()[PluggableRunContext].context.settings_dir) / "secrets.toml"


def write_secret(file: Path, section: str, name: str, value: str) -> None:
    """Set `name` under [sources.SECTION]; only the user can read the file afterwards.

    Raise SettingsError if it cannot be read or written.
    """
    file = file.resolve()
    try:
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        document = tomlkit.parse(text)
        table = document
        for part in ("sources", section):
            if part not in table:
                table[part] = tomlkit.table(is_super_table=part == "sources")
            table = table[part]
        table[name] = value
        written = tomlkit.dumps(document)
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(written)
            opened.flush()
            os.fsync(opened.fileno())
        draft.replace(file)
    except OSError as error:
        raise SettingsError(f"{file} cannot be written: {error.strerror}") from None
    except (TOMLKitError, TypeError, UnicodeDecodeError):
        raise SettingsError(f"{file} is not valid TOML; correct it, and log in again") from None
