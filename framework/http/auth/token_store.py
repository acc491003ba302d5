"""Refresh tokens that can be used once only: the next one is on disk before it is needed.

The file has mode 0600 and is in dlt's data folder (`DLT_DATA_DIR`, else `~/.dlt`). It belongs to
the connector and to the token in its settings: another token in the settings has another file.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import fasteners
from dlt.common.configuration.container import Container
from dlt.common.configuration.specs import PluggableRunContext

from framework.errors import SettingsError


@dataclass(frozen=True)
class TokenFile:
    """The file of the current refresh token. `first` is the token in the settings."""

    path: Path
    first: str

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the token against all other processes on this machine.

        Raise SettingsError if the file cannot be written, before a token is used up.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600))
            lock = fasteners.InterProcessLock(self.path.with_suffix(".lock"))
            lock.acquire()
        except OSError as error:
            raise SettingsError(self._unwritable(error)) from error
        try:
            yield
        finally:
            lock.release()

    def read(self) -> str:
        """Return the token to use now. Raise SettingsError if the file is not valid."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except OSError as error:
            raise SettingsError(self._unwritable(error)) from error
        if not text:
            return self.first
        try:
            return str(json.loads(text)["refresh_token"])
        except (ValueError, KeyError, TypeError):
            raise SettingsError(
                f"{self.path}, which holds the current refresh token, is not valid. Authorise the "
                "connector again, set the new refresh token, and delete the file."
            ) from None

    def write(self, token: str) -> None:
        """Replace the token atomically."""
        draft = self.path.with_suffix(".new")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"refresh_token": token}, file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.path)
        except OSError as error:
            raise SettingsError(
                f"{self._unwritable(error)} The token in the settings is used up: authorise the "
                "connector again."
            ) from error

    def _unwritable(self, error: OSError) -> str:
        return (
            f"{self.path} must hold the next refresh token, and it cannot be written: "
            f"{error.strerror}."
        )


def token_file(connector: str, first: str) -> TokenFile:
    """Return the file for a connector and the refresh token in its settings."""
    digest = hashlib.sha256(first.encode()).hexdigest()[:16]
    folder = Path(Container()[PluggableRunContext].context.data_dir) / "refresh_tokens"
    return TokenFile(folder / f"{connector}-{digest}.json", first)
