"""Check that the second page arrives and is another one, and explain errors of paging."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from framework.authoring.diagnose.heuristics import (
    NextPageSign,
    next_page_signs,
    parameter_names,
)
from framework.authoring.diagnose.proof import MAX_CANDIDATES, Evidence, Proof, response_of
from framework.authoring.scaffold.yaml_patch import Change
from framework.authoring.scaffold.yaml_writer import flow
from framework.extract.page import Page

Json = Any

_PARAMETER_KEYS = {
    "page_number": ("page_param", "page"),
    "offset": ("offset_param", "offset"),
    "cursor": ("cursor_param", "cursor"),
}
"""By paginator: the key that names its parameter, and its value in `{paginator.x}`."""
_GRAPHQL_VARIABLE = re.compile(r"\$(after|before|cursor|\w*[cC]ursor|page|offset|skip)\b")
"""The variable of a GraphQL query that selects the page."""
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
            return _short_page(evidence, first.count, "more followed")
    for pages in lists:
        signs, records = _signs_of(pages[0]), pages[0].count
        if any(sign.kind == "total" for sign in signs) and _skips_records(evidence, records):
            return _short_page(evidence, records, "there are more")
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


def _short_page(evidence: Evidence, records: int, more: str) -> Proof:
    limit = evidence.paginator["limit"]
    message = f"found {records:,} records on a page, expected the limit of {limit:,}, and {more}"
    return evidence.paginator_fault("page-too-short", message, {"limit": records})


def unreadable_page(evidence: Evidence, message: str) -> Proof:
    """Return the fault of a paginator that cannot read the response."""
    code, paginator = "next-unreadable", evidence.paginator
    if "paginator's total_path" in message:
        return evidence.paginator_fault(code, message, {"total_path": None})
    if paginator["type"] != "json_link":
        signs = [sign.path for page in evidence.pages[:1] for sign in _signs_of(page)]
        paths = ", ".join(signs[:MAX_CANDIDATES])
        remedy = f"the response announces more at {paths}" if paths else ""
        return evidence.fault("paginator", code, message, remedy)
    path = str(paginator.get("next_url_path", "next"))
    changed, note = _paginator_for(NextPageSign(path, "cursor"), 0)
    return evidence.paginator_fault(code, message, changed, note)


def refused_page(evidence: Evidence, message: str) -> Proof:
    """Return the fault of paging whose first page is fine and whose next one is refused."""
    message += "\nThe first page was returned, and the next one was not"
    first = evidence.pages[0]
    kind = {"cursor": "cursor", "json_link": "link", "header_link": "link"}.get(
        str(evidence.paginator["type"])
    )
    signs = [sign for sign in _signs_of(first) if sign.kind != kind]
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
    signs = _signs_of(pages[0]) if pages else []
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
            return evidence.paginator_fault(code, message, {"base_page": 1}, note)
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
    if isinstance(body.get("query"), str) and "{" in body["query"]:  # GraphQL
        name = next(iter(_GRAPHQL_VARIABLE.findall(body["query"])), name)
        variables = {**(body.get("variables") or {}), name: f"{{paginator.{value}}}"}
        place, text = (*place[:2], "variables"), flow(variables)
    remedy = f"{'.'.join(place[1:])}: {text}; the API may expect it in the body, by its own name"
    return evidence.fault("paginator", "page-repeated", message, remedy, [Change(place, text)])


def _signs_of(page: Page) -> list[NextPageSign]:
    """Return what a page's headers and body say of more pages."""
    response = response_of(page)
    signs = [
        NextPageSign("Link", "link", parameter_names(link["url"]))
        for rel, link in response.links.items()
        if rel == "next" and link.get("url")
    ]
    return signs + next_page_signs(response.json(), page.count)


def _other_paginator(
    evidence: Evidence, code: str, message: str, signs: list[NextPageSign], records: int
) -> Proof:
    """Return a fault with the paginator that reads the best of the signs."""
    kind = str(evidence.paginator["type"])
    preferred = {"cursor": ("cursor", "link"), "json_link": ("link", "cursor")}.get(kind, ())
    order = (*preferred, "link", "cursor", "more", "total")
    sign = min(signs, key=lambda one: order.index(one.kind))
    paths = ", ".join(dict.fromkeys(one.path for one in signs[:MAX_CANDIDATES]))
    changed, note = _paginator_for(sign, records)
    if changed["type"] == kind:
        changed = {name: value for name, value in changed.items() if value == sign.path}
    return evidence.paginator_fault(code, f"{message}: {paths}", changed, note)


def _paginator_for(sign: NextPageSign, records: int) -> tuple[dict[str, Json], str]:
    """Return a paginator that reads this sign, and what the user must look up for it."""
    path = sign.path
    if path == "Link":
        return {"type": "header_link"}, ""
    if sign.kind == "link":
        return {"type": "json_link", "next_url_path": path}, ""
    if sign.kind == "cursor":
        name = path.rsplit(".", 1)[-1]
        note = f"; {_LOOK_UP.format('cursor_param')}"
        return {"type": "cursor", "cursor_path": path, "cursor_param": name}, note
    if sign.kind == "more":
        numbered = {"type": "page_number", "base_page": 1, "has_more_path": path}
        return {**numbered, "total_path": None}, f"; {_LOOK_UP.format('page_param')}"
    note = f"; {_LOOK_UP.format('whether it is an offset or page_number')}"
    return {"type": "offset", "limit": records, "total_path": path}, note


def _sent_parameters(page: Page) -> dict[str, str]:
    """Return the parameters of a page's request by name; a body counts as one."""
    request = response_of(page).request
    sent = dict(parse_qsl(urlsplit(str(request.url)).query, True))
    return {**sent, **({"the body": str(request.body)} if request.body else {})}
