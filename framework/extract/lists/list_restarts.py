"""Lists that begin anew while they are read: after an expired cursor, token or limit of paging."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from framework.definition.expressions.value_functions import truthy
from framework.definition.model import RestartAfter
from framework.errors import ListRestart, RequestError
from framework.events import WarningRaised
from framework.extract.compilation.plan import Plan
from framework.extract.incremental.sync_tokens import ResourceTokens
from framework.extract.incremental.validators import ListValidators
from framework.extract.page import Page
from framework.extract.page_reader import PageReader
from framework.extract.read_options import ReadOptions
from framework.extract.resume.resource_position import ResourcePosition, SliceResult
from framework.runtime.context import Context, with_incremental, with_response, without_secrets

Json = Any

MAX_RESTARTS = 3
"""Times that a list is read anew because the API asks for it."""
NOT_TWICE = (
    "The list cannot be read anew, as pages that were read before would be loaded twice: write "
    "write_disposition: merge with a primary_key."
)


class ListRestarts:
    """Read the lists of one resource. `happened` says that pages were read twice."""

    def __init__(
        self,
        plan: Plan,
        options: ReadOptions,
        position: ResourcePosition,
        tokens: ResourceTokens | None,
        validators: ListValidators | None,
    ) -> None:
        self.happened = False
        self._validators = validators
        self._plan = plan
        resource = plan.resource
        self._merges = resource.write_disposition == "merge" and bool(resource.primary_key)
        actions = resource.endpoint.response_actions
        self._holds = resource.write_disposition == "replace" and any(
            one.action == "restart" for one in actions
        )
        self._options = options
        self._position = position
        self._tokens = tokens

    def pages(
        self,
        result: SliceResult,
        values: dict[str, Json],
        context: Context,
        reader: Callable[..., PageReader],
    ) -> Iterator[Page]:
        """Yield the pages of a list; from its start, again, if the API says so (`restart`).

        Those of a table that is replaced wait for the list's end, or they would come twice.
        """
        tokens, key, last = self._tokens, result.slice.key, None
        made: list[PageReader] = []
        request: list[str] = []

        def begin() -> PageReader:
            made[:] = [reader()]
            if self._validators is not None:
                request[:] = [made[0].request_hash()]
                made[0].validate(self._validators.headers(key, request[0]))
            return made[0]

        incremental, count, number, largest = self._plan.endpoint.incremental, 0, 0, 0
        limit = None if incremental is None else incremental.restart_after
        held: list[Page] = []
        pages = self._position.pages(result, begin)
        for attempt in range(1, MAX_RESTARTS + 2):
            try:
                for page in pages:
                    last, count, number = page, count + page.size, number + 1
                    largest = max(largest, page.size)
                    if self._holds:
                        held.append(page)
                    else:
                        yield page
                    is_full = limit is not None and _is_full(limit, count + largest, page, context)
                    if is_full and made[0].has_next:
                        result.goes_on = self.happened = True
                        return
                break
            except ListRestart as error:
                had_token = tokens is not None and tokens.forget(key)
                if attempt > MAX_RESTARTS or (tokens is not None and not had_token):
                    raise
                if last is not None and not self._merges and not self._holds:
                    raise RequestError(f"{error}\n{NOT_TWICE}", status=error.status) from error
                what = "its sync token" if had_token else "where it goes on"
                self._warn(
                    "list-restarted",
                    f"the list is read anew, as the API has forgotten {what}: {error}",
                )
                self.happened = not self._holds
                held.clear()
                if limit is not None and last is not None:
                    result.goes_on = True
                    return
                if had_token:
                    values = {**values, "incremental.token": None}
                    context = with_incremental(context, values)
                    reader = partial(reader, values=values, context=context)
                pages = self._position.again(result, begin)
        yield from held
        if self._validators is not None and made:
            only = last if number == 1 else None
            self._validate(self._validators, result, made[0], request[0], only)
        if tokens is not None and last is not None and last.response is not None:
            self._keep_token(tokens, key, last, with_response(context, last.response))

    def _validate(
        self,
        validators: ListValidators,
        result: SliceResult,
        reader: PageReader,
        request: str,
        only: Page | None,
    ) -> None:
        """Keep what a list of one page came with, or what an unchanged one came with before.

        `request` is a hash of the list's request.
        """
        key = result.slice.key
        if reader.is_unchanged:
            validators.on_unchanged(key)
            result.is_unchanged = True
        elif only is not None:
            validators.keep(key, request, only.response)

    def _keep_token(self, tokens: ResourceTokens, key: str, last: Page, context: Context) -> None:
        """Keep the token that the last page of a list gives for the next run."""
        expression = tokens.spec.token
        whole = {**context, "last_record": last.last}
        token = expression.search(whole, without_secrets(whole))
        if token is None and not tokens.has(key):
            self._warn(
                "sync-token-missing",
                f"the last page has no value at `token` ({expression.text}), so each run reads the "
                "whole list: check the expression",
            )
        tokens.done(key, token)

    def _warn(self, code: str, message: str) -> None:
        self._options.on_event(WarningRaised(self._plan.resource.name, code, message))


def _is_full(limit: RestartAfter, count: int, page: Page, context: Context) -> bool:
    """Return whether a list begins anew after this page; `count` is with a next one."""
    if limit.records is not None and count > limit.records:
        return True
    if limit.when is None or page.response is None:
        return False
    whole = {
        **with_response(context, page.response),
        "records": page.records,
        "last_record": page.last,
    }
    return truthy(limit.when.search(whole, without_secrets(whole)))
