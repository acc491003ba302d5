"""Answers that a test scripts: one-shot failures, odd bodies, cut connections."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Reply:
    """A scripted answer. `status` None closes the connection without a word; `body` None is the
    API's own error body for that status; `cut` tells the whole length and sends half; `delay`
    is in seconds, before the answer."""

    status: int | None
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    delay: float = 0


@dataclass
class _Plan:
    pattern: str
    replies: list[Reply]
    skip: int


class Mishaps:
    """What is to go wrong, in the order in which it was asked for."""

    def __init__(self) -> None:
        self._plans: list[_Plan] = []
        self._lock = threading.Lock()

    def add(self, pattern: str, replies: Sequence[int | Reply], skip: int) -> None:
        """`pattern` is a path with `*`; each matching request takes one reply, after `skip`
        that are answered as usual."""
        made = [Reply(reply) if isinstance(reply, int) else reply for reply in replies]
        with self._lock:
            self._plans.append(_Plan(pattern, made, skip))

    def next_for(self, path: str) -> Reply | None:
        """The scripted answer to this request, used up by asking; None where there is none."""
        with self._lock:
            for plan in self._plans:
                if plan.replies and fnmatchcase(path, plan.pattern):
                    if plan.skip:
                        plan.skip -= 1
                        return None
                    return plan.replies.pop(0)
        return None

    def left(self) -> list[str]:
        """The patterns whose scripted answers were not all asked for."""
        with self._lock:
            return [plan.pattern for plan in self._plans if plan.replies]

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._plans.clear()
