"""The rules that a JSON Schema cannot express, one concept a module, one code a finding.

A draft comes in, findings go out. Each module here registers its rules with `rule.rule`.
"""

from __future__ import annotations

import pkgutil
from collections import Counter
from importlib import import_module

from framework.definition.draft import Draft
from framework.definition.rules.ignore_rules import without_ignored
from framework.definition.rules.rule import RULES
from framework.findings import Finding

for _module in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")


def run_rules(draft: Draft) -> tuple[list[Finding], Counter[str]]:
    """Return the findings of every rule, in no order, and the number of ignored ones by code."""
    return without_ignored(draft, (placed for rule in RULES for placed in rule.placed(draft)))
