"""Elements of an API's list as the records that a run makes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from framework.definition.expressions.jmespath_expression import ExpressionError
from framework.definition.values.json_text import parse_json
from framework.errors import FrameworkError
from framework.extract.page import Record, as_records
from framework.extract.paging.selectors import JmesPath
from framework.extract.records.transforms import Transforms
from framework.mock.mock_message import json_bytes
from framework.mock.pages.envelope import Envelope
from framework.mock.pages.routes import Route
from framework.runtime.context import without_secrets

Json = Any


@dataclass
class Elements:
    """Makes records of a list's elements: by the selector, then by the steps."""

    route: Route
    envelope: Envelope
    _transforms: Transforms = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the steps."""
        self._transforms = Transforms(self.route.plan.resource)

    def records(self, data: Json) -> list[Record]:
        """Return what a run makes of an element; none if a selector or a step fails on it."""
        plan, element = self.route.plan, parse_json(json_bytes(data))[0]
        context = without_secrets(plan.context)
        try:
            items: Json = [element]
            if isinstance(plan.selector, JmesPath) and self.envelope.samples:
                body = self.envelope.body(self.envelope.samples[0], items)
                items = plan.selector.expression.search(body, context)
            found = items if isinstance(items, list) else [] if items is None else [items]
            return self._transforms(as_records(found), context)
        except (FrameworkError, ExpressionError):
            return []
