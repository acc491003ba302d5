"""How answers are written, held against `response_format`: what they look like, and what would read
them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import yaml

from framework.authoring.diagnose.heuristics import written
from framework.authoring.diagnose.proof import SHOWN, Proof, Prover
from framework.authoring.diagnose.yaml_patch import Change
from framework.authoring.scaffold.yaml_writer import flow
from framework.definition.converter import parse_response_format
from framework.definition.model import ResponseFormat
from framework.errors import RequestError
from framework.extract.render import render_response_format
from framework.http.content_sniffer import SniffedFormat, sniff_format
from framework.http.transport import InvalidJson

Json = Any
_DELIMITERS = (";", "\t", "|", ",")
_DEPTH = 12


def formats(prover: Prover, pages: list[Any]) -> Iterator[Proof]:
    """A format that could read the answers, and is not the one that they are in."""
    form, look = prover.resource.endpoint.response_format, sniff_format(pages[0].response.content)
    if form.kind == "csv":
        yield from _one_column(prover, pages)
    elif form.kind == "xml":
        yield from _lists(prover, pages)
    if form.kind in ("json", "text") or look is None or look.reads is None or look.packed:
        return
    if look.kind != form.kind and (form.kind, look.kind) != ("jsonl", "json"):  # one line of it
        message = f"{form.kind} is declared, and the answer looks like {look.name}"
        yield _fault(prover, "format-differs", message, _read_by(look, form))


def unread(prover: Prover, error: RequestError, cause: InvalidJson) -> Proof:
    """The fault that a body is which could not be read."""
    form, look = prover.resource.endpoint.response_format, sniff_format(cause.response.content)
    message = str(error).split("\n", 1)[0]
    if look is None or look.reads is None:
        what = "" if look is None else f"; it looks like {look.name}"
        remedy = "check base_url, the path and the credentials"
        return prover.fault("response_format", "format-differs", f"{message}{what}", remedy)
    better = _read_by(look, form)
    if better == form:
        return prover.fault("response_format", "format-broken", str(error))
    other = better == replace(form, delimiter=better.delimiter)
    code = "delimiter-differs" if other else "format-differs"
    return _fault(prover, code, f"{message}; it looks like {look.name}", better)


def _read_by(look: SniffedFormat, form: ResponseFormat) -> ResponseFormat:
    """The format that reads it: of the declared one, if the kind is the same, all else is kept."""
    read = parse_response_format(yaml.safe_load(look.reads or ""))
    if read.kind != form.kind:
        return read
    return replace(form, compression=read.compression, delimiter=read.delimiter)


def _fault(prover: Prover, code: str, message: str, better: ResponseFormat) -> Proof:
    whole = render_response_format(better) or {"type": "json"}
    text = flow(whole["type"] if len(whole) == 1 else whole)
    change = Change(("endpoint", "response_format"), text)
    return prover.fault("response_format", code, message, f"response_format: {text}", [change])


def _one_column(prover: Prover, pages: list[Any]) -> Iterator[Proof]:
    """CSV read with another delimiter than it is written with: one column, named by all."""
    form, rows = prover.resource.endpoint.response_format, pages[0].response.json()
    if not rows or len(rows[0]) != 1:
        return
    (column,) = rows[0]
    for delimiter in _DELIMITERS:
        if delimiter in column and delimiter != form.delimiter:
            message = f"one column, whose name holds {flow(delimiter)}: the delimiter is another"
            better = replace(form, delimiter=delimiter)
            yield _fault(prover, "delimiter-differs", message, better)
            return


def _lists(prover: Prover, pages: list[Any]) -> Iterator[Proof]:
    """Elements of XML that are several in one place and alone in another, where a table would have
    rows of the ones and columns of the others. What the selector itself finds is a list anyway."""
    form = prover.resource.endpoint.response_format
    several, alone = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    for page in pages:
        _count(page.response.json(), (), several, alone)
    both = [path for path in several if path in alone and written(path) != prover.selector]
    if not both:
        return
    names = list(dict.fromkeys(path[-1] for path in both))
    path = both[0]
    message = (
        f"{written(path)}: a list {several[path]:,} times, and {alone[path]:,} times one element, "
        "which is no list"
    )
    if len(names) > 1:
        message += f"; so {', '.join(names[1 : 1 + SHOWN])}"
    yield _fault(prover, "list-or-one", message, replace(form, lists=(*form.lists, *names)))


def _count(
    value: Json,
    path: tuple[str, ...],
    several: Counter[tuple[str, ...]],
    alone: Counter[tuple[str, ...]],
) -> None:
    """How often there are several elements at a path, and how often it is one alone."""
    for name, inner in value.items() if isinstance(value, dict) else ():
        below = (*path, name)
        if name.startswith(("@", "#")) or len(below) > _DEPTH:
            continue
        (several if isinstance(inner, list) else alone)[below] += 1
        for one in inner if isinstance(inner, list) else [inner]:
            _count(one, below, several, alone)
