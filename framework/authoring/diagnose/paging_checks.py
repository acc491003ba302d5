"""Check that the second page arrives and is another one, and explain errors of paging."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from framework.authoring.diagnose.proof import MAX_CANDIDATES, Evidence, Proof, response_of
from framework.authoring.scaffold.yaml_patch import Change
from framework.authoring.scaffold.yaml_writer import flow
from framework.extract.next_page_signs import (
    Sign,
    graphql_variable,
    list_place,
    page_signs,
    proposed_paginator,
)
from framework.extract.page import Page

Json = Any

_PARAMETER_KEYS = {
    "page_number": ("page_param", "page"),
    "offset": ("offset_param", "offset"),
    "cursor": ("cursor_param", "cursor"),
}
"""By paginator: the key that names its parameter, and its value in `{paginator.x}`."""
_LOOK_UP = "look up {} in the API's documentation"


def check_paging(evidence: Evidence) -> Iterator[Proof]:
    """Yield whether the second page holds other records, or one page is all there is."""
    if evidence.has_warning("page-repeated"):
        yield repeated_page(evidence, "page-repeated")
        return
    proof = _second_page(evidence)
    if len(evidence.lists) == 1 or proof.outcome != "unknown":
        yield proof


def _second_page(evidence: Evidence) -> Proof:
    lists = [pages for pages in evidence.lists if pages and pages[0].count]
    for first, *rest in lists:
        if any(page.count for page in rest):
            if not _skips_records(evidence, first.count):
                return evidence.ok("paginator", "the second page contains other records")
            return _short_page(evidence, first.count, "limit", "more followed")
    for pages in lists:
        signs, records = _signs_of(evidence, pages[0]), pages[0].count
        if any(sign.kind == "total" for sign in signs) and _skips_records(evidence, records):
            return _short_page(evidence, records, "limit", "there are more")
        if signs and _ends_short(evidence, records):
            return _short_page(evidence, records, "page_size", "there are more")
        if signs and len(pages) > 1:
            paths = ", ".join(dict.fromkeys(sign.path for sign in signs[:MAX_CANDIDATES]))
            message = f"the second page is empty; the first one announces more: {paths}"
            return evidence.unknown("paginator", message)
        if signs:
            message = "one page was read, but the response announces more"
            return _other_paginator(evidence, "no-next", message, signs, records)
    if any(len(pages) > 1 for pages in lists):
        return evidence.unknown("paginator", "the second page is empty, and no sign of more")
    return evidence.unknown("paginator", "one page, and no sign of a second")


def _skips_records(evidence: Evidence, records: int) -> bool:
    """Return whether an offset moves further than a page is long: the rest is never requested."""
    limit = evidence.paginator.get("limit")
    return evidence.paginator["type"] == "offset" and isinstance(limit, int) and records < limit


def _ends_short(evidence: Evidence, records: int) -> bool:
    """Return whether the list ends at a page shorter than what was asked for."""
    size = evidence.paginator.get("page_size")
    is_end = evidence.paginator.get("stop_after_short_page")
    return bool(is_end) and isinstance(size, int) and records < size


def _short_page(evidence: Evidence, records: int, key: str, more: str) -> Proof:
    size = evidence.paginator[key]
    message = f"found {records:,} records on a page, expected the {key} of {size:,}, and {more}"
    return evidence.paginator_fault("page-too-short", message, {key: records})


def unreadable_page(evidence: Evidence, message: str) -> Proof:
    """Return the fault of a paginator that cannot read the response."""
    code, paginator = "next-unreadable", evidence.paginator
    if "paginator's total_path" in message:
        return evidence.paginator_fault(code, message, {"total_path": None})
    if paginator["type"] != "json_link":
        places = [sign.path for page in evidence.pages[:1] for sign in _signs_of(evidence, page)]
        paths = ", ".join(places[:MAX_CANDIDATES])
        remedy = f"the response announces more at {paths}" if paths else ""
        return evidence.fault("paginator", code, message, remedy)
    path = str(paginator.get("next_url_path", "next"))
    signs = [Sign("cursor", path)]
    first = evidence.pages[:1]
    signs += [one for page in first for one in _signs_of(evidence, page) if one.path != path]
    return _other_paginator(evidence, code, message, signs, 0, names_signs=False)


def refused_page(evidence: Evidence, message: str) -> Proof:
    """Return the fault of paging whose first page is fine and whose next one is refused."""
    message += "\nThe first page was returned, and the next one was not"
    first = evidence.pages[0]
    kind = {"cursor": "cursor", "json_link": "link", "header_link": "link"}.get(
        str(evidence.paginator["type"])
    )
    signs = [sign for sign in _signs_of(evidence, first) if sign.kind != kind]
    if signs:
        return _other_paginator(evidence, "next-refused", message, signs, first.count)
    remedy = "correct what the paginator reads, or the name under which it is sent"
    return evidence.fault("paginator", "next-refused", message, remedy)


def repeated_page(evidence: Evidence, code: str) -> Proof:
    """Return the fault of paging that is stuck: what was sent, and which name to use instead."""
    pages = evidence.lists[-1] if evidence.lists else []
    sent = [_sent_parameters(page) for page in pages[-2:]]
    differing: list[str] = []
    if sent:
        differing = sorted({name for name, _ in set(sent[0].items()) ^ set(sent[-1].items())})
    if code == "page-repeated":
        message = "the second page is the same as the first"
    else:
        message = "the page after the second would be one that was requested before"
    if differing:
        message += f"; the two requests differ in {', '.join(differing)}"
    kind = str(evidence.paginator["type"])
    key, value = _PARAMETER_KEYS.get(kind, ("", ""))
    signs = _signs_of(evidence, pages[0]) if pages else []
    if key and code == "page-repeated":
        names = [name for sign in signs for name in sign.params]
        unsent = [name for name in names if name not in sent[0] and name not in differing]
        if unsent:
            return evidence.paginator_fault(code, message, {key: unsent[0]})
        if evidence.resource.endpoint.json:
            name = str(evidence.paginator.get(key) or value)
            return _value_in_body(evidence, message, value, name)
        if kind == "page_number" and not evidence.paginator.get("base_page"):
            note = ", or another page_param: the API may count from 1 or not know the name"
            return evidence.paginator_fault(code, message, {"base_page": 1}, note=note)
    path_key = {"cursor": "cursor_path", "json_link": "next_url_path"}.get(kind, "")
    unused = [sign for sign in signs if sign.path != evidence.paginator.get(path_key)]
    if unused and (code == "next-repeated" or not key):
        return _other_paginator(evidence, code, message, unused, pages[0].count)
    names_sent = " or ".join(differing) or "the next-page parameter"
    remedy = f"the API ignores {names_sent}: use the name in its documentation"
    return evidence.fault("paginator", code, message, f"{remedy} ({key})" if key else remedy)


def _value_in_body(evidence: Evidence, message: str, value: str, name: str) -> Proof:
    """Return the fault of a page's value in the query of a request whose body should have it."""
    json = evidence.resource.endpoint.json
    body = json if isinstance(json, dict) else {}
    place: tuple[str, ...] = ("endpoint", "json", name)
    text = flow(f"{{paginator.{value}}}")
    variable = graphql_variable(evidence.resource.endpoint, name)
    if variable is not None:
        name = variable
        variables = {**(body.get("variables") or {}), name: f"{{paginator.{value}}}"}
        place, text = (*place[:2], "variables"), flow(variables)
    remedy = f"{'.'.join(place[1:])}: {text}; the API may expect it in the body, by its own name"
    return evidence.fault("paginator", "page-repeated", message, remedy, [Change(place, text)])


def _signs_of(evidence: Evidence, page: Page) -> list[Sign]:
    """Return what a page's headers and body say of more pages than this one."""
    names, _ = list_place(evidence.resource.endpoint)
    least = {"total": page.count, "pages": 1}
    return [
        sign
        for sign in page_signs(response_of(page), names)
        if not sign.is_end and (sign.kind not in least or sign.number > least[sign.kind] > 0)
    ]


def _other_paginator(
    evidence: Evidence,
    code: str,
    message: str,
    signs: list[Sign],
    records: int,
    *,
    names_signs: bool = True,
) -> Proof:
    """Return a fault with the paginators that read the signs, the likeliest first."""
    kind = str(evidence.paginator["type"])
    preferred = {"cursor": ("cursor", "link"), "json_link": ("link", "cursor")}.get(kind, ())
    order = (*preferred, "link", "cursor", "more", "pages", "total")
    ranked = sorted(signs, key=lambda one: (not one.is_sure, order.index(one.kind)))
    if names_signs:
        message += f": {', '.join(dict.fromkeys(one.path for one in signs[:MAX_CANDIDATES]))}"
    variable = graphql_variable(evidence.resource.endpoint)
    options = [one for sign in ranked for one in _paginators_for(sign, records, variable)]
    if options[0]["type"] == kind:
        changed = {name: value for name, value in options[0].items() if value == ranked[0].path}
        options = [changed, *options] if changed else options
    note = _NOTES.get(ranked[0].kind, "")
    if "cursor_body_path" in options[0]:
        note = f"; the query needs this cursor and the variable ${variable}"
    return evidence.paginator_fault(code, message, *options, note=note)


_NOTES = {
    "cursor": f"; {_LOOK_UP.format('cursor_param')}",
    "more": f"; {_LOOK_UP.format('page_param')}",
    "pages": f"; {_LOOK_UP.format('page_param')}",
    "total": f"; {_LOOK_UP.format('whether it is an offset or page_number')}",
}
"""What the user must look up for a paginator that reads a sign of this kind."""
_CURSOR_PARAMS = ("page", "cursor", "after", "page_token", "starting_after", "offset")


def _paginators_for(sign: Sign, records: int, variable: str | None) -> Iterator[dict[str, Json]]:
    """Yield paginators that read this sign; the names of parameters are guesses to try."""
    proposed = proposed_paginator(sign, records, variable)
    yield proposed
    if any(name.endswith("_body_path") for name in proposed):
        return
    if sign.kind == "cursor":
        name = str(proposed["cursor_param"])
        rest = re.sub(r"^next_?", "", name, flags=re.IGNORECASE)
        for param in (rest[:1].lower() + rest[1:], *_CURSOR_PARAMS):
            if param not in ("", name):
                yield {**proposed, "cursor_param": param}
    elif sign.kind == "total":
        yield {"type": "page_number", "base_page": 1, "total_path": None}


def _sent_parameters(page: Page) -> dict[str, str]:
    """Return the parameters of a page's request by name; a body counts as one."""
    request = response_of(page).request
    sent = dict(parse_qsl(urlsplit(str(request.url)).query, True))
    return {**sent, **({"the body": str(request.body)} if request.body else {})}
