"""A proposed record schema beside the declared one, as texts and as a diff."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from framework.authoring.scaffold.infer_schema import infer_schema

Json = Any


@dataclass(frozen=True)
class SchemaProposal:
    """The text of a schema file, `before` and `after`; without a declared schema `before` is empty.

    It is made from `records` records. `undecided` are the fields (dotted) that are null or empty in
    each of them.
    """

    before: str
    after: str
    records: int
    undecided: tuple[str, ...]

    @property
    def is_covered(self) -> bool:
        """Whether the declared schema covers all records."""
        return self.before == self.after

    def diff(self, name: str) -> str:
        """Return the change as a unified diff; `name` is that of the file."""
        return "".join(
            difflib.unified_diff(
                self.before.splitlines(keepends=True),
                self.after.splitlines(keepends=True),
                "declared" if self.before else "/dev/null",
                name,
            )
        )


def propose_schema(
    records: Iterable[Mapping[str, Json]],
    declared: Mapping[str, Json] | None,
    *,
    is_ascii: bool = False,
) -> SchemaProposal:
    """Return the declared schema widened to fit the records, or a new one if none is declared."""
    inferred = infer_schema(records, declared)
    before = "" if declared is None else _text(declared, is_ascii)
    after = _text(inferred.schema, is_ascii)
    return SchemaProposal(before, after, inferred.records, inferred.undecided)


def _text(schema: Mapping[str, Json], is_ascii: bool) -> str:
    return json.dumps(schema, ensure_ascii=is_ascii, indent=2) + "\n"
