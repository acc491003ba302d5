"""Warn of the outcome of a resource's lists as a whole: ignored, failed, skipped or empty."""

from __future__ import annotations

from framework.events import WarningRaised
from framework.extract.compilation.plan import Plan
from framework.extract.read_options import ReadOptions
from framework.extract.records.transforms import Transforms


class OutcomeMonitor:
    """Watch one resource."""

    def __init__(self, plan: Plan, options: ReadOptions, transforms: Transforms) -> None:
        self._plan = plan
        self._options = options
        self._transforms = transforms

    def on_empty_partition(self, partition: str) -> None:
        """Warn that a partition has no values."""
        self._warn(
            "partition-empty", f"the partition {partition} has no values: no requests are sent"
        )

    def on_unknown_changes(self) -> None:
        """Warn that no parent record has the field of `only_changed`."""
        self._warn(
            "only-changed-nothing",
            "no record of the parent has a value at `only_changed`, so all lists are read",
        )

    def on_end(self, records: int, lists: int) -> None:
        """Warn if response_actions ignored every response, and of each step that failed.

        `records` and `lists` are the numbers of what was read.
        """
        ignored = self._plan.ignored
        is_only_list = self._plan.resource.parent is None and lists <= 1
        if ignored and not records and (is_only_list or ignored >= lists > 1):
            self._warn(
                "all-ignored",
                f"response_actions ignored every response ({ignored:,}): there are no records",
            )
        for failed in self._transforms.failures:
            step = failed.step
            outcome = "null was set instead" if step.on_error == "null" else "they were left out"
            self._warn(
                "step-failed",
                f"processing_steps: `{step.kind}` failed on {failed.count:,} "
                f"record{'s' * (failed.count > 1)}; by its on_error {outcome}. "
                f"The first error: {failed.first}",
            )

    def _warn(self, code: str, message: str) -> None:
        self._options.on_event(WarningRaised(self._plan.resource.name, code, message))
