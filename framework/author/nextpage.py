"""What the answers prove of a resource's paging: that the second page comes, and is another."""

from __future__ import annotations

from typing import Any

from framework.author.proof import SHOWN, Proof, Prover, Seen
from framework.author.suspects import Sign, next_pages, params_of

Json = Any
_LOOK_UP = "look {} up in the API's documentation"


def paging(prover: Prover, seen: Seen) -> Proof:
    """What was seen of the second page, where no error spoke of it."""
    lists = [pages for pages in seen.lists if pages and pages[0]]
    if any(len(pages) > 1 for pages in lists):
        return prover.ok("paginator", "the second page holds other records")
    for pages in lists:
        signs = signs_of(pages[0])
        if signs:
            message = "one page was read, and its answer speaks of more"
            return _read_on(prover, message, signs, len(pages[0]))
    return prover.unknown("paginator", "one page, and no sign of a second")


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
