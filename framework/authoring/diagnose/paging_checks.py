"""What the answers prove of a resource's paging: that the second page comes, and is another."""

from __future__ import annotations

import re
from typing import Any

from framework.authoring.diagnose.heuristics import Sign, next_pages, params_of
from framework.authoring.diagnose.proof import SHOWN, Proof, Prover, Seen
from framework.authoring.diagnose.yaml_patch import Change
from framework.authoring.scaffold.yaml_writer import flow

Json = Any
_VALUES = {"page_number": "page", "offset": "offset", "cursor": "cursor"}
_VARIABLE = re.compile(r"\$(after|before|cursor|\w*[cC]ursor|page|offset|skip)\b")
"""The variable of a GraphQL query that says which page."""
_LOOK_UP = "look {} up in the API's documentation"


def paging(prover: Prover, seen: Seen) -> Proof:
    """What was seen of the second page, where no error spoke of it."""
    lists = [pages for pages in seen.lists if pages and pages[0]]
    for first, *rest in lists:
        if not any(rest):
            continue
        if _asks_too_much(prover, len(first)):
            message = f"{len(first):,} records came where more were asked for, and more followed"
            return prover.repaged(message, "page-too-short", {"limit": len(first)})
        return prover.ok("paginator", "the second page holds other records")
    for pages in lists:
        signs, records = signs_of(pages[0]), len(pages[0])
        if (
            signs
            and any(sign.kind == "total" for sign in signs)
            and _asks_too_much(prover, records)
        ):
            message = f"{records:,} records came where more were asked for, and there are more"
            return prover.repaged(message, "page-too-short", {"limit": records})
        if signs:
            message = "one page was read, and its answer speaks of more"
            return _read_on(prover, message, signs, records)
    if any(len(pages) > 1 for pages in lists):
        return prover.unknown("paginator", "the second page is empty, and no sign of more")
    return prover.unknown("paginator", "one page, and no sign of a second")


def _asks_too_much(prover: Prover, records: int) -> bool:
    """Whether an offset moves by more than came: what lies between is never asked for."""
    limit = prover.paginator.get("limit")
    return prover.paginator["type"] == "offset" and isinstance(limit, int) and records < limit


def unreadable(prover: Prover, seen: Seen, message: str) -> Proof:
    """The fault of a paginator that cannot read the answer."""
    if "paginator's total_path" in message:
        return prover.repaged(message, "next-unreadable", {"total_path": None})
    if prover.paginator["type"] != "json_link":
        told = [sign.path for page in seen.pages[:1] for sign in signs_of(page)][:SHOWN]
        remedy = f"the answer speaks of more at {', '.join(told)}" if told else ""
        return prover.fault("paginator", "next-unreadable", message, remedy)
    path = str(prover.paginator.get("next_url_path", "next"))
    made, note = _reading(Sign(path, "cursor"), 0)
    return prover.repaged(message, "next-unreadable", made, note)


def refused(prover: Prover, seen: Seen, message: str) -> Proof:
    """The fault of paging whose first page was answered, and the next one refused."""
    message += "\nThe first page was answered, and the next one was not"
    first = seen.pages[0]
    kind = {"cursor": "cursor", "json_link": "link", "header_link": "link"}.get(
        str(prover.paginator["type"])
    )
    rest = [sign for sign in signs_of(first) if sign.kind != kind]
    if rest:
        return _read_on(prover, message, rest, len(first), "next-refused")
    remedy = "correct what the paginator reads, or the name that it sends it under"
    return prover.fault("paginator", "next-refused", message, remedy)


def repeated(prover: Prover, seen: Seen, code: str) -> Proof:
    """The fault of paging that does not get on: what was sent, and by which name instead."""
    pages = seen.lists[-1] if seen.lists else []
    sent = [_sent(page) for page in pages[-2:]]
    differing = sorted(
        {name for name, _ in set(sent[0].items()) ^ set(sent[-1].items())} if sent else []
    )
    what = f"; the two requests differ in {', '.join(differing)}" if differing else ""
    if code == "page-repeated":
        message = f"the second page is the same as the first{what}"
    else:
        message = f"the page after the second would be one that was asked for before{what}"
    kind = str(prover.paginator["type"])
    signs = signs_of(pages[0]) if pages else []
    named = [
        name for sign in signs for name in sign.params if name not in sent[0] or name in differing
    ]
    key = {"page_number": "page_param", "offset": "offset_param", "cursor": "cursor_param"}.get(
        kind
    )
    others = [name for name in named if name not in differing]
    if key and code == "page-repeated":
        if prover.resource.endpoint.json and not others:
            return _in_body(
                prover, message, code, kind, str(prover.paginator.get(key) or _VALUES[kind])
            )
        if others:
            return prover.repaged(message, code, {key: others[0]})
        if kind == "page_number" and not prover.paginator.get("base_page"):
            note = ", or another page_param: the API may count from 1 or not know the name"
            return prover.repaged(message, code, {"base_page": 1}, note)
    own = {"cursor": "cursor_path", "json_link": "next_url_path"}.get(kind)
    used = prover.paginator.get(own) if own else None
    rest = [sign for sign in signs if sign.path != used]
    if rest and (code == "next-repeated" or not key):
        return _read_on(prover, message, rest, len(pages[0]), code)
    names = " or ".join(differing) or "the parameter of the next page"
    remedy = f"the API takes no notice of {names}: give it the name that its documentation has"
    return prover.fault("paginator", code, message, f"{remedy}{f' ({key})' if key else ''}")


def _in_body(prover: Prover, message: str, code: str, kind: str, name: str) -> Proof:
    """The fault of a page's value in the query of a request that has a body: there it belongs."""
    endpoint, value = prover.resource.endpoint, f"{{paginator.{_VALUES[kind]}}}"
    body = endpoint.json if isinstance(endpoint.json, dict) else {}
    place: tuple[str, ...] = ("endpoint", "json", name)
    written = flow(value)
    if isinstance(body.get("query"), str) and "{" in body["query"]:  # GraphQL
        known = body.get("variables") or {}
        name = next(iter(_VARIABLE.findall(body["query"])), name)
        place, written = (*place[:2], "variables"), flow({**known, name: value})
    remedy = f"{'.'.join(place[1:])}: {written}; the API may want it in the body, by its own name"
    return prover.fault("paginator", code, message, remedy, [Change(place, written)])


def signs_of(page: Any) -> list[Sign]:
    """What a page's headers and body say of further pages."""
    response = page.response
    found = [
        Sign("Link", "link", params_of(link["url"]))
        for rel, link in response.links.items()
        if rel == "next" and link.get("url")
    ]
    return found + next_pages(response.json(), len(page))


def _read_on(
    prover: Prover, message: str, signs: list[Sign], records: int, code: str = "no-next"
) -> Proof:
    """The paginator that reads what the answer says of more pages."""
    kind = str(prover.paginator["type"])
    rank = {"cursor": ("cursor", "link"), "json_link": ("link", "cursor")}.get(kind, ())
    order = (*rank, "link", "cursor", "more", "total")
    sign = min(signs, key=lambda one: order.index(one.kind))
    told = ", ".join(dict.fromkeys(one.path for one in signs[:SHOWN]))
    made, note = _reading(sign, records)
    if made["type"] == kind:
        del made["type"]
        made = {name: value for name, value in made.items() if value == sign.path}
    return prover.repaged(f"{message}: {told}", code, made, note)


def _reading(sign: Sign, records: int) -> tuple[dict[str, Json], str]:
    """A paginator that reads this sign, and what has to be looked up for it."""
    if sign.path == "Link":
        return {"type": "header_link"}, ""
    if sign.kind == "link":
        return {"type": "json_link", "next_url_path": sign.path}, ""
    if sign.kind == "cursor":
        name = sign.path.rsplit(".", 1)[-1]
        made: dict[str, Json] = {"type": "cursor", "cursor_path": sign.path, "cursor_param": name}
        return made, f"; {_LOOK_UP.format('cursor_param')}"
    if sign.kind == "more":
        made = {"type": "page_number", "base_page": 1, "has_more_path": sign.path}
        return {**made, "total_path": None}, f"; {_LOOK_UP.format('page_param')}"
    made = {"type": "offset", "limit": records, "total_path": sign.path}
    return made, f"; {_LOOK_UP.format('whether it is an offset or page_number')}"


def _sent(page: Any) -> dict[str, str]:
    """The parameters of a page's request by name; a body's own come as one."""
    request = page.response.request
    sent = {
        name: str(request.url).split(f"{name}=", 1)[-1].split("&")[0]
        for name in params_of(request.url)
    }
    return {**sent, **({"the body": str(request.body)} if request.body else {})}
