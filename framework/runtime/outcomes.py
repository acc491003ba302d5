"""What becomes of a resource besides loading: skipped by the file's own word, or failed."""

from __future__ import annotations

from framework.errors import FrameworkError


class ResourceSkipped(Exception):
    """An answer met an action `skip_resource`: the resource writes nothing and moves no state."""

    def __init__(self, resource: str, message: str) -> None:
        super().__init__(message)
        self.resource = resource


class BindingError(FrameworkError):
    """A parent's record lacks what a child has to take from it."""


class RecordError(FrameworkError):
    """A record cannot be read, stepped or shaped as the file says."""
