"""The fixes that were shown to the agent, by an id: it need not repeat a text to apply one."""

from __future__ import annotations

import difflib
import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from framework.errors import UsageError

MOST = 500
"""Fixes that are remembered: the latest."""
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class KnownFix:
    """A change of a whole file that was tried; `code` is what it fixes."""

    file: str
    before: str = field(repr=False)
    after: str = field(repr=False)
    code: str

    @property
    def id(self) -> str:
        """Return the same id for the same change of the same text."""
        whole = "\0".join((self.file, self.before, self.after))
        return "fix-" + hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:12]

    @property
    def diff(self) -> str:
        """Return the change as a unified diff."""
        return difference_of(self.before, self.after, self.file)


class KnownFixes:
    """Remembers fixes. Thread-safe."""

    def __init__(self) -> None:
        self._fixes: OrderedDict[str, KnownFix] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, fix: KnownFix) -> str:
        """Remember a fix, and return its id."""
        with self._lock:
            self._fixes[fix.id] = fix
            self._fixes.move_to_end(fix.id)
            if len(self._fixes) > MOST:
                self._fixes.popitem(last=False)
        return fix.id

    def get(self, name: str) -> KnownFix:
        """Return a fix. Raise UsageError for an id that is not known."""
        with self._lock:
            found = self._fixes.get(name)
        if found is None:
            raise UsageError(
                f"there is no fix {name[:40]!r} in this session; call validate or check again, and "
                "pass the `fix` of one of their findings"
            )
        return found


def difference_of(before: str, after: str, name: str) -> str:
    """Return a unified diff of two texts of a file."""
    old, new = (
        text.removeprefix(_BYTE_ORDER_MARK).replace("\r\n", "\n").splitlines(keepends=True)
        for text in (before, after)
    )
    lines = difflib.unified_diff(old, new, f"a/{name}", f"b/{name}", n=2)
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
