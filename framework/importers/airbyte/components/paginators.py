"""Paginators as `paginator`, with the values that they put into the request."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from framework.importers.airbyte.components.component_registry import component, handler_of
from framework.importers.airbyte.components.request_options import (
    Injection,
    field_path,
    injection,
    parameter_name,
    part_of,
)
from framework.importers.airbyte.import_context import ImportContext
from framework.importers.airbyte.jinja import tree
from framework.importers.airbyte.jinja.printer import dotted, literal, to_jmespath
from framework.importers.airbyte.jinja.scope import LINK_PATTERN
from framework.importers.airbyte.jinja.template_parts import placeholder
from framework.importers.airbyte.jinja.tree import Term
from framework.importers.airbyte.manifest import Component

Json = Any


@dataclass(frozen=True)
class Pagination:
    """`paginator`, and the values that belong elsewhere than in its own parameters."""

    paginator: Json = "single_page"
    injections: tuple[Injection, ...] = ()


def token_of(paginator: Component | None) -> str | None:
    """Return the value of `{paginator.…}` that `next_page_token` stands for."""
    strategy = paginator.part("pagination_strategy") if paginator else None
    names = {"PageIncrement": "page", "OffsetIncrement": "offset"}
    return None if strategy is None else names.get(strategy.type, "cursor")


@component("paginator", "DefaultPaginator", "NoPagination", "")
def _default_paginator(
    context: ImportContext, paginator: Component, shrinks: bool = False
) -> Pagination:
    strategy = paginator.part("pagination_strategy")
    if strategy is not None:
        handler = handler_of(context, "pagination_strategy", strategy)
        draft = _PaginatorDraft(context, paginator, strategy, shrinks=shrinks)
        return handler(draft) if handler else Pagination()
    if paginator.type == "DefaultPaginator":
        context.missing(paginator.place, "a paginator without its strategy")
    return Pagination()


@dataclass
class _PaginatorDraft:
    """A paginator, and what its options put into the request so far.

    One that `shrinks` requests less if the API says so, and so knows the size of its pages.
    """

    context: ImportContext
    component: Component
    strategy: Component
    data: dict[str, Json] = field(default_factory=dict)
    injections: list[Injection] = field(default_factory=list)
    shrinks: bool = False

    def finished(self) -> Pagination:
        """Return the pagination."""
        return Pagination(self.data, tuple(self.injections))

    @property
    def token_option(self) -> Component | None:
        """The option for the page's token, unless the token is the path."""
        option = self.component.part("page_token_option", "RequestOption")
        return None if option is None or _is_path(option) else option

    def add_token(self, word: str) -> None:
        """Say where the page's token goes: a parameter by name, another part by placeholder."""
        key, option = f"{word}_param", self.token_option
        self.data[key] = None
        if option is None:
            # a template of the request itself holds it
            return
        if part_of(option) == "params":
            self.data[key] = parameter_name(self.context, option)
        elif part_of(option):
            path = field_path(self.context, option)
            self.injections.append(Injection(part_of(option), path, f"{{paginator.{word}}}"))
        else:
            self.context.missing(option.place, "the page's token as the path")

    def send_always(self, value: str) -> None:
        """Send a value in place of the cursor alone, which the first request does not have."""
        name = self.data["cursor_param"]
        if name is not None:
            self.data["cursor_param"] = None
            self.injections.append(Injection("params", [name], value))
        self.injections = [
            replace(one, value=value) if one.value == "{paginator.cursor}" else one
            for one in self.injections
        ]

    def number(self, key: str, *, computed: bool = False) -> Term | None:
        """Return a number, or the input that holds it; an input gets the default of its template.
        With `computed` any expression will do, as it is only sent."""
        template = self.context.template(self.strategy, key)
        if template is None or template.rendered in ("", None):
            return None
        if template.constant or isinstance(template.parts[0], str):
            return tree.constant(_as_number(template.rendered))
        term = template.term
        name, default = _input_with_default(term)
        if name and default is not None:
            self.context.inputs.give_default(name, _as_number(default))
            return tree.at("config", name)
        if computed or tree.input_name(term):
            return term
        self.context.missing(self.strategy.at(key), f"a computed number: {template.rendered}")
        return None

    def add_size(self, size: Term, key: str) -> None:
        """Say where the page size goes; the key of the parameter is the paginator's own."""
        option = self.component.part("page_size_option", "RequestOption")
        if option is not None and part_of(option) == "params":
            self.data[key] = parameter_name(self.context, option)
        elif option is not None and (one := injection(self.context, option, placeholder(size))):
            self.injections.append(one)

    def drop_double_name(self, page: str, size: str) -> None:
        """Leave out a size under the name of the page: it would say where the first page begins."""
        name = self.data.get(size)
        if name is not None and name == self.data[page]:
            self.data[size] = None
            self.context.note(
                self.component.at("page_size_option"),
                f"Airbyte sends the page size as {name}, which says where the page begins; the "
                "size is not sent here",
            )

    def skip_first(self) -> None:
        """Leave the token out of the first request, unless the strategy sends it there."""
        if not self.strategy.get("inject_on_first_request", False):
            self.data["send_first"] = False


@component("pagination_strategy", "PageIncrement")
def _page_increment(draft: _PaginatorDraft) -> Pagination:
    draft.data["type"] = "page_number"
    first = draft.number("start_from_page")
    if first and first.constant != 0:
        draft.data["base_page"] = placeholder(first)
    draft.add_token("page")
    size = draft.number("page_size")
    if size is not None:
        draft.data["page_size"] = placeholder(size)
        draft.add_size(size, "page_size_param")
        draft.data["stop_after_short_page"] = True
    draft.drop_double_name("page_param", "page_size_param")
    if size is None:
        draft.data["total_path"] = None
    draft.skip_first()
    return draft.finished()


@component("pagination_strategy", "OffsetIncrement")
def _offset_increment(draft: _PaginatorDraft) -> Pagination:
    size = draft.number("page_size")
    if size is None:
        return _record_count(draft)
    draft.data = {"type": "offset", "limit": placeholder(size)}
    draft.add_token("offset")
    draft.data["limit_param"] = None
    draft.add_size(size, "limit_param")
    draft.drop_double_name("offset_param", "limit_param")
    draft.data["stop_after_short_page"] = True
    draft.skip_first()
    return draft.finished()


def _record_count(draft: _PaginatorDraft) -> Pagination:
    """An offset that grows by the number of records, until a page has none."""
    draft.data["type"] = "cursor"
    draft.add_token("cursor")
    records, zero = tree.at("records"), tree.constant(0)
    before = tree.call("not_null", tree.at("paginator", "cursor"), zero)
    count = tree.call("add", tree.call("to_number", before), tree.call("length", records))
    draft.data["cursor"] = to_jmespath(tree.choose(records, count, tree.NULL))
    if draft.strategy.get("inject_on_first_request", False):
        # the first request has an offset, and no cursor yet
        draft.send_always(f"{{{to_jmespath(before)}}}")
    return draft.finished()


@component("pagination_strategy", "CursorPagination")
def _cursor_pagination(draft: _PaginatorDraft) -> Pagination:
    context, strategy = draft.context, draft.strategy
    size = draft.number("page_size", computed=True)
    page_size = tree.NULL if size is None else replace(size, kind="number")
    scope = context.page_scope(strategy, page_size)
    cursor = context.term(strategy, "cursor_value", scope)
    if cursor is None:
        return Pagination()
    ending = None
    if strategy.get("stop_condition") not in (None, ""):
        ending = context.condition(strategy, "stop_condition", scope)
    if _is_path(draft.component.part("page_token_option")):
        draft.data = _link_paginator(cursor)
    else:
        draft.data["type"] = "cursor"
        draft.add_token("cursor")
        draft.data.update(_cursor_keys(draft, cursor))
    if ending is not None and ending.fixed and ending.constant:
        context.note(strategy.at("stop_condition"), "always true: there is one page")
        return Pagination()
    if ending is not None and not ending.fixed and not _implied(ending, cursor):
        draft.data["stop_when"] = to_jmespath(ending)
    option = draft.component.part("page_size_option", "RequestOption")
    if (
        size is not None
        and option is not None
        and draft.shrinks
        and "link" not in draft.data["type"]
    ):
        draft.data["page_size"] = placeholder(size)
        draft.add_size(tree.at("paginator", "limit"), "page_size_param")
    elif size is not None and option is not None:
        one = injection(context, option, placeholder(size))
        draft.injections += [one] if one else []
    return draft.finished()


def _link_paginator(cursor: Term) -> dict[str, Json]:
    pattern = _link_pattern(cursor)
    if pattern is not None:
        match = re.search(r'rel="\?([a-z]+)"\?', pattern)
        relation = match[1] if match else "next"
        named = {} if relation == "next" else {"links_next_key": relation}
        return {"type": "header_link", **named}
    path = _response_path(cursor)
    if path is not None:
        return {"type": "json_link", "next_url_path": path}
    return {"type": "json_link", "next_url": to_jmespath(cursor)}


def _link_pattern(cursor: Term) -> str | None:
    """Return the pattern by which an expression first looks for a URL in the `Link` header."""
    while isinstance(cursor.node, tree.Operator):
        cursor = cursor.node.left
    node = cursor.node
    if isinstance(node, tree.Call) and node.name == "regex_search":
        header, pattern = node.arguments[0].node, str(node.arguments[1].constant)
        guarded = header.arguments[0].node if isinstance(header, tree.Call) else None
        if guarded == tree.FieldPath("headers", ("link",)) and pattern.startswith(LINK_PATTERN):
            return pattern
    return None


def _response_path(term: Term) -> str | None:
    node = term.node
    if not isinstance(node, tree.FieldPath) or node.root != "response" or not node.steps:
        return None
    keys = [step for step in node.steps if isinstance(step, str)]
    return dotted(keys) if len(keys) == len(node.steps) else None


def _cursor_keys(draft: _PaginatorDraft, cursor: Term) -> dict[str, Json]:
    path = _response_path(cursor)
    if path is not None:
        return {"cursor_path": path}
    option = draft.token_option
    if option and part_of(option) == "json" and _spells_object(cursor):
        # Airbyte evaluates such a text, for example the variables of a query
        return {"cursor": f"[{to_jmespath(cursor)}][?@].parse_json(@) | [0]"}
    return {"cursor": to_jmespath(cursor)}


def _spells_object(term: Term) -> bool:
    texts: list[Json] = []
    for one in tree.walk(term):
        texts += one.node.parts if isinstance(one.node, tree.JoinedText) else [one.constant]
    return any(isinstance(text, str) and text.startswith('{"') for text in texts)


def keep_one_page(
    context: ImportContext, paginator: Component | None, pagination: Pagination, request: str
) -> Pagination:
    """Return one page if neither the paginator nor the text of the request says which page."""
    data = pagination.paginator
    if paginator is None or not isinstance(data, dict) or "link" in data["type"]:
        return pagination
    word = {"page_number": "page", "offset": "offset"}.get(data["type"], "cursor")
    if data.get(f"{word}_param") or "paginator." in f"{pagination.injections}{request}":
        return pagination
    context.note(
        paginator.place,
        "no request of Airbyte's says which page it wants, so that it reads the same page again "
        "and again; here it is read once",
    )
    # the page size is sent all the same
    sizes = (("page_size_param", "page_size"), ("limit_param", "limit"))
    sized = [
        Injection("params", [data[name]], data[size])
        for name, size in sizes
        if data.get(name) and size in data
    ]
    return Pagination("single_page", (*pagination.injections, *sized))


def join_base_url(pagination: Pagination, base_url: str, path: str) -> Pagination:
    """Return a computed next address that is relative to the base URL, as it is in Airbyte, and
    not to the request. One that the response names is a URL, or begins with a slash."""
    data = pagination.paginator
    nested = "/" in path.strip("/") and "://" not in path
    if not nested or not isinstance(data, dict) or "next_url" not in data or "{" in base_url:
        return pagination
    prefix = literal(f"{base_url.rstrip('/')}/")
    whole = f"join('', [if(matches(to_string(@), '^(/|https?:)'), '', {prefix}), to_string(@)])"
    return replace(
        pagination, paginator={**data, "next_url": f"[{data['next_url']}][?@].{whole} | [0]"}
    )


def _is_path(option: Component | None) -> bool:
    return option is not None and (
        option.type == "RequestPath" or option.get("inject_into") == "path"
    )


def _implied(ending: Term, cursor: Term) -> bool:
    """Return whether the end is the absence of a cursor, which ends the pagination anyway."""
    node = ending.node
    if isinstance(node, tree.Operator):
        return node.symbol == "==" and node.left == cursor and node.right.constant in (None, "")
    if not isinstance(node, tree.Prefix):
        return False
    inner = node.operand.node
    if isinstance(inner, tree.Operator) and inner.symbol == "&&":
        inner = inner.left.node
    if isinstance(inner, tree.Call) and inner.name == "not_null":
        inner = inner.arguments[0].node
    return inner == cursor.node


def _input_with_default(term: Term) -> tuple[str | None, Json]:
    """Return the input and the whole number of `config.x || '50'` or `not_null(config.x, '50')`."""
    node = term.node
    if isinstance(node, tree.Operator) and node.symbol == "||":
        value, default = node.left, node.right
    elif isinstance(node, tree.Call) and node.name == "not_null" and len(node.arguments) == 2:
        value, default = node.arguments
        if isinstance(value.node, tree.Call) and value.node.name == "to_integer":
            value = value.node.arguments[0]
    else:
        return None, None
    return tree.input_name(value), default.constant if str(default.constant).isdigit() else None


def _as_number(value: Json) -> Json:
    return int(value) if isinstance(value, str) and value.strip().isdigit() else value
