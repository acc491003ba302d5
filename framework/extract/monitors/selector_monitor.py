"""Warn of a data_selector that finds nothing in a response that holds something."""

from __future__ import annotations

from typing import Any

from framework.definition.expressions.jmespath_expression import Expression
from framework.events import WarningRaised
from framework.extract.compilation.plan import Plan
from framework.extract.page import Page
from framework.extract.read_options import ReadOptions
from framework.http.response_actions import unlike
from framework.runtime.field_paths import get_field
from framework.runtime.redaction import redact_url
from framework.text import count_noun

Json = Any


class SelectorMonitor:
    """Watch one list. `selector` is the plan's, as dlt takes it; `misses` counts pages."""

    def __init__(self, plan: Plan, selector: Any, options: ReadOptions) -> None:
        self.misses = 0
        self._first = ""
        self._endpoint = plan.endpoint
        self._resource = plan.resource.name
        self._selector = selector
        self._options = options

    def on_page(self, page: Page) -> None:
        """Count the page if the selector found nothing in it."""
        if page.count or self._selector is None or page.response is None:
            return
        body = page.response.json()
        if not body or self._selector.find(body) or self._is_empty_element(body):
            return
        secrets = self._options.redactor
        self.misses += 1
        self._first = self._first or (
            f"data_selector `{self._selector}` finds nothing in the response of "
            f"{redact_url(page.response.url, secrets)}; {unlike(page.response, secrets)}"
        )

    def on_end(self) -> None:
        """Warn once for the whole list."""
        if self.misses:
            others = count_noun(self.misses - 1, "more page")
            more = f" (and nothing in {others})" if self.misses > 1 else ""
            warning = WarningRaised(self._resource, "selector-no-match", self._first + more)
            self._options.on_event(warning)

    def _is_empty_element(self, body: Json) -> bool:
        """Return whether the body is XML with the list's element, but no items in it.

        Such an element does not say what its items would be called.
        """
        selector = self._endpoint.data_selector
        names = selector.names if isinstance(selector, Expression) else ()
        if self._endpoint.response_format.kind != "xml" or len(names) < 2:
            return False
        element = get_field(body, ".".join(names[:-1]))
        if isinstance(element, dict):
            return all(name[:1] in ("@", "#") for name in element)
        return element is None or isinstance(element, str)
