"""Python's search for garbage in cycles, made seldom while records pass through.

A decoded page is thousands of dicts and lists in no cycle at all. With Python's own thresholds
they are looked through again and again, which takes as long as parsing them.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = (100_000, 20, 50)
"""New objects between two looks at the young ones; some pages' worth."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Inside, garbage is looked for seldom, and not among what was there before."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
