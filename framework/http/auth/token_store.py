"""A refresh token that may be used once only: the next one is on disk before it is needed.

The file has mode 0600 and lies in dlt's data folder (`DLT_DATA_DIR`, else `~/.dlt`). It belongs to
the connector and to the token that the person gave first: another first token begins another file.
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
    """Where the current refresh token is kept. `first` is the one that the person gave."""

    path: Path
    first: str

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else uses or changes the token meanwhile, in no process of this machine.

        SettingsError where the file could not be written: better before a token is used up.
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
        """The token to use now."""
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
                f"{self.path}, which holds the current refresh token, is broken. Authorise the "
                "connector anew, set the new refresh token, and delete the file."
            ) from None

    def write(self, token: str) -> None:
        """Replace the token, whole or not at all."""
        draft = self.path.with_suffix(".new")
        try:
            place = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(place, "w", encoding="utf-8") as file:
                json.dump({"refresh_token": token}, file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.path)
        except OSError as error:
            raise SettingsError(
                f"{self._unwritable(error)} The token that was given is used up: authorise the "
                "connector anew."
            ) from error

    def _unwritable(self, error: OSError) -> str:
        return (
            f"{self.path} has to hold the next refresh token, and it cannot be written: "
            f"{error.strerror}."
        )


def token_file(connector: str, first: str) -> TokenFile:
    """The file for a connector and the refresh token that the person gave."""
    digest = hashlib.sha256(first.encode()).hexdigest()[:16]
    folder = Path(Container()[PluggableRunContext].context.data_dir) / "refresh_tokens"
    return TokenFile(folder / f"{connector}-{digest}.json", first)
