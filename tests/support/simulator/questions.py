"""A query string judged as strictly as the API's documentation allows: unknown and repeated
parameters, forms, ranges, what is missing. All faults come in one 400."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import parse_qsl

from tests.support.simulator.identity import API
from tests.support.simulator.refusals import invalid
from tests.support.simulator.routes import UUID, Route

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|\+00:00)")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def read_query(route: Route, text: str) -> dict[str, str]:
    """The parameters by name. Raises a 400 Refusal that names every fault."""
    pairs = parse_qsl(text, keep_blank_values=True)
    faults = [(name, "is given twice") for name in _repeated([name for name, _ in pairs])]
    query = dict(pairs)
    for name, value in query.items():
        form = route.params.get(name)
        fault = "is not a known parameter" if form is None else _fault(form, value, route.most)
        if fault:
            faults.append((name, fault))
    faults += [(name, "is missing") for name in route.needs if name not in query]
    if route.one_of and not any(name in query for name in route.one_of):
        faults.append((route.one_of[0], f"one of {', '.join(route.one_of)} must be given"))
    if faults:
        raise invalid(*faults)
    return query


def _repeated(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _fault(form: str, value: str, most: int) -> str | None:
    kind, _, rest = form.partition(":")
    if kind == "uri":
        if not re.fullmatch(rf"{re.escape(API)}/{rest or '.+'}/{UUID}", value):
            return f"is not a uri of {rest or 'the API'}"
    elif kind == "count":
        if not re.fullmatch(r"\d+", value) or not 1 <= int(value) <= most:
            return f"must be between 1 and {most}"
    elif kind == "boolean":
        if value not in ("true", "false"):
            return "must be true or false"
    elif kind == "time":
        if not _TIME.fullmatch(value):
            return "must be a UTC time such as 2020-01-02T03:04:05.678123Z"
    elif kind == "email":
        if not _EMAIL.fullmatch(value):
            return "is not an e-mail address"
    elif kind == "sort":
        named, _, way = value.partition(":")
        if named not in rest.split(",") or way not in ("asc", "desc"):
            return f"must be one of {rest} with :asc or :desc"
    elif kind == "token":
        if not value:
            return "is invalid"
    elif kind != "text" and value not in form.split("|"):
        return f"must be one of {', '.join(form.split('|'))}"
    return None
