"""The original's datetime formats in our words."""

from __future__ import annotations

import re

_NAMED = {
    "%s": "epoch_seconds",
    "%s_as_float": "epoch_seconds",
    "%ms": "epoch_milliseconds",
    "%epoch_microseconds": "epoch_microseconds",
}
_ISO = re.compile(r"%Y-%m-%d([T ]%H:%M(:%S(\.%f|\.%_ms)?)?(%z|Z|\+00:00|\+0000)?)?")


def time_format(text: str) -> str:
    """`%s` as epoch_seconds, `%ms` as epoch_milliseconds; strftime patterns stay."""
    return _NAMED.get(text, text.replace("%_ms", "%3f"))


def is_iso(text: str) -> bool:
    """Whether a pattern writes ISO 8601, which needs no naming."""
    return bool(_ISO.fullmatch(text))
