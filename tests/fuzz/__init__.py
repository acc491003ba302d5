"""The parsers given what nobody would write: each ends in data or in a designed error.

`FUZZ_EXAMPLES=5000 python -m pytest tests/fuzz` tries more, and other examples each time.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES = os.environ.get("FUZZ_EXAMPLES")

fuzzed = settings(
    max_examples=int(EXAMPLES or 20),
    derandomize=EXAMPLES is None,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)

plain: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
)
values: st.SearchStrategy[Any] = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
"""Any JSON."""


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    """The text with some pieces cut out, doubled, moved or replaced."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        piece = draw(
            st.sampled_from(
                ["", text[start:end] * 2, "\t", "\n", "  ", "- ", ": ", "{", "'", "&a ", "*a"]
            )
            | st.text(max_size=6)
        )
        text = text[:start] + piece + text[end:]
    return text
