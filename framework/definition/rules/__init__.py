"""The rules that a JSON Schema cannot express, one concept a module, one code a finding.

A draft comes in, findings go out. Each module here registers its rules with `rule.rule`.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from framework.definition.draft import Draft
from framework.definition.rules.rule import RULES
from framework.findings import Finding

for _module in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")


def run_rules(draft: Draft) -> list[Finding]:
    """Return the findings of every rule, in no order."""
    return [finding for rule in RULES for finding in rule.findings(draft)]
