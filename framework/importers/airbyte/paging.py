"""Paginators as `paginator`, and what they put into the request."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from framework.importers.airbyte.importing import ABSENT, Importing
from framework.importers.airbyte.manifest import Component
from framework.importers.airbyte.options import field_path, part_of, put
from framework.importers.airbyte.terms import NULL, Term, constant

Json = Any

_PLAIN = re.compile(r"response\.((?:[A-Za-z_]\w*|\"[^\"]+\")(?:\.(?:[A-Za-z_]\w*|\"[^\"]+\"))*)")
_INPUT = re.compile(r"\{config\.\w+\}")
_DEFAULT = re.compile(
    r"\{not_null\((?:to_integer\()?config\.(\w+)\)?, ([`'])(\d+)[`']\)\}"
    r"|\{config\.(\w+) \|\| ([`'])(\d+)[`']\}"
)
_OPENED = "'{\""
"""How a text begins that spells an object, such as the variables of a query."""
_LINK = re.compile(r"regex_search\(not_null\(headers\.link, ''\), '<\(\[\^>\]\*\)>")


@dataclass(frozen=True)
class Paging:
    """`paginator`, and the values that belong into other parts of the request than the query:
    (part, way, value)."""

    paginator: Json
    puts: tuple[tuple[str, list[str], Json], ...] = ()
    token: str | None = None


def token_of(component: Component | None) -> str | None:
    """What `next_page_token` stands for in a request."""
    strategy = component.part("pagination_strategy") if component else None
    kinds = {"PageIncrement": "paginator.page", "OffsetIncrement": "paginator.offset"}
    return None if strategy is None else kinds.get(strategy.type, "paginator.cursor")


def translate_paging(importing: Importing, component: Component | None) -> Paging:
    """The paginator of a retriever; `single_page` where it has none."""
    if component is None or (
        not component.data.get("pagination_strategy")
        and component.type
        in (
            "NoPagination",
            "",
        )
    ):
        return Paging("single_page")
    if component.custom:
        importing.remarks.missing(component.place, "the paginator is a Python class of its own")
        return Paging("single_page")
    strategy = component.part("pagination_strategy")
    if strategy is None:
        importing.remarks.missing(component.place, "a paginator without its strategy")
        return Paging("single_page")
    made = _Made(importing, component, strategy)
    if strategy.type == "PageIncrement":
        return made.numbered()
    if strategy.type == "OffsetIncrement":
        return made.by_offset()
    if strategy.type == "CursorPagination":
        return made.by_cursor()
    what = "a Python class of its own" if strategy.custom else f"a {strategy.type}"
    importing.remarks.missing(strategy.place, f"the paging is {what}")
    return Paging("single_page")


@dataclass
class _Made:
    """One paginator being made."""

    importing: Importing
    component: Component
    strategy: Component
    puts: list[tuple[str, list[str], Json]] = field(default_factory=list)

    def numbered(self) -> Paging:
        first = self._count("start_from_page")
        paginator: dict[str, Json] = {"type": "page_number"}
        if first:
            paginator["base_page"] = first
        self._token(paginator, "page", "paginator.page")
        self._size(paginator)
        self._one_name(paginator, "page_param", "page_size_param")
        if "stop_after_short_page" not in paginator:
            paginator["total_path"] = None
        if not self.strategy.get("inject_on_first_request", False):
            paginator["send_first"] = False
        return Paging(paginator, tuple(self.puts))

    def by_offset(self) -> Paging:
        size = self._page_size()
        paginator: dict[str, Json] = {"type": "offset"}
        if size is None:
            return self._by_count()
        paginator["limit"] = size
        self._token(paginator, "offset", "paginator.offset")
        self._limit(paginator, size)
        self._one_name(paginator, "offset_param", "limit_param")
        paginator["stop_after_short_page"] = True
        if not self.strategy.get("inject_on_first_request", False):
            paginator["send_first"] = False
        return Paging(paginator, tuple(self.puts))

    def _by_count(self) -> Paging:
        """An offset that grows by what came, until nothing comes."""
        paginator: dict[str, Json] = {"type": "cursor"}
        self._token(paginator, "cursor", "paginator.cursor")
        paginator["cursor"] = (
            "if(records, add(to_number(not_null(paginator.cursor, `0`)), length(records)), `null`)"
        )
        return Paging(paginator, tuple(self.puts))

    def by_cursor(self) -> Paging:
        option = self.component.part("page_token_option")
        size = self._count("page_size", computed=True)
        scope = self.importing.paged(self.strategy, NULL if size is None else _size_term(size))
        place = self.strategy.at("cursor_value")
        cursor = self.importing.term(self.strategy.get("cursor_value", ""), scope, place)
        if cursor is None:
            return Paging("single_page")
        stop = self.strategy.get("stop_condition")
        ending = (
            None
            if stop in (None, "")
            else self.importing.condition(stop, scope, self.strategy.at("stop_condition"))
        )
        linked = _is_path(option)
        paginator = self._linked(cursor) if linked else self._cursored(cursor)
        if ending is not None and not _implied(ending, cursor):
            if ending.fixed and ending.constant:
                self.importing.remarks.note(
                    self.strategy.at("stop_condition"), "always true: there is one page"
                )
                return Paging("single_page")
            if not ending.fixed:
                paginator["stop_when"] = ending.text
        self._cursor_size(size)
        return Paging(paginator, tuple(self.puts))

    def _linked(self, cursor: Term) -> dict[str, Json]:
        if _LINK.match(cursor.text):
            match = re.search(r'rel="\?([a-z]+)"\?', cursor.text)
            relation = match[1] if match else "next"
            more = {} if relation == "next" else {"links_next_key": relation}
            return {"type": "header_link", **more}
        plain = _PLAIN.fullmatch(cursor.text)
        if plain:
            return {"type": "json_link", "next_url_path": plain[1]}
        return {"type": "json_link", "next_url": cursor.text}

    def _cursored(self, cursor: Term) -> dict[str, Json]:
        paginator: dict[str, Json] = {"type": "cursor"}
        plain = _PLAIN.fullmatch(cursor.text)
        self._token(paginator, "cursor", "paginator.cursor")
        if plain:
            paginator["cursor_path"] = plain[1]
        elif _OPENED in cursor.text and self._in_json():
            # the original reads such a text as what it spells
            paginator["cursor"] = f"[{cursor.text}][?@].parse_json(@) | [0]"
        else:
            paginator["cursor"] = cursor.text
        return paginator

    def _in_json(self) -> bool:
        option = self.component.part("page_token_option", "RequestOption")
        return option is not None and not _is_path(option) and part_of(option) == "json"

    def _token(self, paginator: dict[str, Json], word: str, token: str) -> None:
        """Where the page's token goes: a parameter by name, another part by placeholder."""
        option = self.component.part("page_token_option", "RequestOption")
        key = f"{word}_param"
        if option is None or _is_path(option):
            # it stands in a template of the request itself
            paginator[key] = None
            return
        path = field_path(self.importing, option)
        part = part_of(option)
        if part == "params":
            paginator[key] = ".".join(path)
        elif part:
            paginator[key] = None
            self.puts.append((part, path, "{" + token + "}"))
        else:
            self.importing.remarks.missing(option.place, "the page's token as the path")

    def _page_size(self) -> Json:
        return self._count("page_size")

    def _count(self, key: str, *, computed: bool = False) -> Json:
        """A number, or the input that says it; a default in its template becomes the input's.
        With `computed` any expression, for what is only sent."""
        place = self.strategy.at(key)
        written = self.strategy.get(key)
        if written is None:
            return None
        found = self.importing.text(written, self.importing.sent(self.strategy), place)
        if found is ABSENT or found in ("", None):
            return None
        if not isinstance(found, str) or not found.startswith("{"):
            return _number(found)
        guarded = _DEFAULT.fullmatch(found)
        if guarded:
            name, _, default = (one for one in guarded.groups() if one is not None)
            self.importing.inputs.give_default(name, _number(default))
            return f"{{config.{name}}}"
        if computed or _INPUT.fullmatch(found):
            return found
        self.importing.remarks.missing(place, f"a computed number: {found}")
        return None

    def _option(self) -> tuple[str, list[str]]:
        option = self.component.part("page_size_option", "RequestOption")
        if option is None:
            return "", []
        return part_of(option), field_path(self.importing, option)

    def _size(self, paginator: dict[str, Json]) -> None:
        """The page size told once: how large, under which name, and that a short page is the
        last."""
        size = self._page_size()
        if size is None:
            return
        part, path = self._option()
        paginator["page_size"] = size
        if part == "params":
            paginator["page_size_param"] = ".".join(path)
        elif part:
            self.puts.append((part, path, size))
        paginator["stop_after_short_page"] = True

    def _limit(self, paginator: dict[str, Json], size: Json) -> None:
        part, path = self._option()
        if part == "params":
            paginator["limit_param"] = ".".join(path)
            return
        paginator["limit_param"] = None
        if part:
            self.puts.append((part, path, size))

    def _one_name(self, paginator: dict[str, Json], page: str, size: str) -> None:
        """The original's first page would be told to begin at its own size."""
        name = paginator.get(size)
        if name is not None and name == paginator[page]:
            paginator[size] = None
            self.importing.remarks.note(
                self.component.at("page_size_option"),
                f"the original sends the size of a page as {name}, which says where the page "
                "begins; the size is not sent here",
            )

    def _cursor_size(self, size: Json) -> None:
        part, path = self._option()
        if size is None or not part:
            return
        self.puts.append((part, [".".join(path)] if part == "params" else path, size))


def place_puts(endpoint: dict[str, Json], paging: Paging) -> None:
    """Write what the paginator puts into the request."""
    for part, path, value in paging.puts:
        put(endpoint, part, path, value)


def told(importing: Importing, component: Component | None, paging: Paging, uses: str) -> Paging:
    """The paging, but one page where nothing of `uses`, the text of the request, tells which."""
    paginator = paging.paginator
    if component is None or not isinstance(paginator, dict) or "link" in paginator["type"]:
        return paging
    word = {"page_number": "page", "offset": "offset"}.get(paginator["type"], "cursor")
    if paginator.get(f"{word}_param") or "{paginator." in f"{paging.puts}" or "paginator." in uses:
        return paging
    importing.remarks.note(
        component.place,
        "no request of the original tells which page it wants: the same one comes again and "
        "again; here it is asked for once",
    )
    # how large it is to be is asked all the same
    sizes = (("page_size_param", "page_size"), ("limit_param", "limit"))
    sized = [
        ("params", [paginator[name]], paginator[size])
        for name, size in sizes
        if paginator.get(name) and size in paginator
    ]
    return Paging("single_page", (*paging.puts, *sized))


def _is_path(option: Component | None) -> bool:
    return option is not None and (
        option.type == "RequestPath" or option.get("inject_into") == "path"
    )


def _implied(ending: Term, cursor: Term) -> bool:
    """Whether the end is where there is no cursor, which ends the paging anyway."""
    text = cursor.text
    path = re.escape(text)
    return bool(
        re.fullmatch(
            rf"!\(?(not_null\()?{path}(, [^()]*\))?( && {path} != `0`)?\)?|{path} == `null`"
            rf"|{path} == ''",
            ending.text,
        )
    )


def _number(value: Json) -> Json:
    return int(value) if isinstance(value, str) and value.strip().isdigit() else value


def _size_term(size: Json) -> Term:
    if isinstance(size, str):
        return Term(size.strip("{}"), "number")
    return constant(size)
