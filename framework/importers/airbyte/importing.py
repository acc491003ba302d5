"""What every translator works with: the inputs, the remarks, and templates at their place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from framework.importers.airbyte.inputs import Inputs
from framework.importers.airbyte.links import linked
from framework.importers.airbyte.manifest import Component
from framework.importers.airbyte.scope import Keys, Lookup, Scope, at, fixed, only
from framework.importers.airbyte.templates import Template, condition, parse
from framework.importers.airbyte.terms import NULL, Term, Untranslatable, constant, dotted
from framework.importers.import_report import Remarks

Json = Any

ABSENT = object()
"""What a template gives that could not be translated; a remark says why."""


@dataclass(frozen=True)
class Slice:
    """What `stream_slice` holds in a stream: terms as requests and as records reach them."""

    sent: Mapping[str, Term] = field(default_factory=dict)
    kept: Mapping[str, Term] = field(default_factory=dict)

    def having(self, sent: Mapping[str, Term], kept: Mapping[str, Term]) -> Slice:
        """The same with more entries."""
        return Slice({**self.sent, **sent}, {**self.kept, **kept})


NO_SLICE = Slice()


@dataclass(frozen=True)
class Importing:
    """One import. `slices` and `token` are those of the stream being translated: `token` is the
    paginator's value that `next_page_token` stands for; `sent_names` and `kept_names` are further
    variables where requests and where records are written."""

    inputs: Inputs
    remarks: Remarks
    slices: Slice = NO_SLICE
    token: str | None = None
    sent_names: Mapping[str, Lookup] = field(default_factory=dict)
    kept_names: Mapping[str, Lookup] = field(default_factory=dict)

    def inside(self, **changes: Any) -> Importing:
        """The same inside a stream."""
        return replace(self, **changes)

    # -- scopes

    def sent(self, component: Component) -> Scope:
        """Where requests are written: expressions work on the context."""
        names: dict[str, Lookup] = {
            "config": self.inputs.lookup(""),
            **_slices(self.slices.sent, self.remarks, component.place),
            "stream_state": _state(""),
            **self.sent_names,
        }
        names["next_page_token"] = _token(self.token)
        return _with_parameters(Scope(names), component)

    def paged(self, component: Component, page_size: Term) -> Scope:
        """Where a paginator looks at an answer."""
        return self.sent(component).having(
            response=at("response", optional=True),
            headers=_headers("headers"),
            last_record=at("last_record", optional=True),
            last_page_size=only(Term("length(records)", "number")),
            page_size=only(page_size),
        )

    def kept(self, component: Component) -> Scope:
        """Where steps work on a record."""
        context = "context()."
        found = Scope(
            {
                "config": self.inputs.lookup(context, secrets=False),
                **_slices(self.slices.kept, self.remarks, component.place),
                "record": at(""),
                "stream_state": _state(context),
                **self.kept_names,
            },
            context,
        )
        return _with_parameters(found, component)

    def answered(self, component: Component) -> Scope:
        """Where a condition works on an answer's body."""
        found = Scope(
            {
                "config": self.inputs.lookup("context().", secrets=False),
                "response": at(""),
                "headers": _headers("context().headers"),
            },
            "context().",
        )
        return _with_parameters(found, component)

    def told(self, component: Component) -> Scope:
        """Where a message is written: the answer is part of the context."""
        found = Scope(
            {
                "config": self.inputs.lookup("", secrets=False),
                "response": at("response"),
                "headers": _headers("headers"),
            }
        )
        return _with_parameters(found, component)

    # -- values

    def text(self, value: Json, scope: Scope, place: str) -> Json:
        """A value with its templates as placeholders, at every depth; ABSENT with a remark."""
        if isinstance(value, str):
            template = self.template(value, scope, place)
            return ABSENT if template is None else self._said(template, value, place)
        if isinstance(value, dict):
            pairs = {
                self.text(str(key), scope, f"{place}.{key}"): self.text(
                    one, scope, f"{place}.{key}"
                )
                for key, one in value.items()
            }
            return {
                str(key): one
                for key, one in pairs.items()
                if key is not ABSENT and one is not ABSENT
            }
        if isinstance(value, list):
            items = [self.text(one, scope, f"{place}[{n}]") for n, one in enumerate(value)]
            return [item for item in items if item is not ABSENT]
        return value

    def _said(self, template: Template, value: str, place: str) -> Json:
        try:
            return template.text
        except Untranslatable as error:
            self.remarks.missing(place, f"{error}: {shown(value)}")
            return ABSENT

    def template(self, value: str, scope: Scope, place: str) -> Template | None:
        """A template's translation, or None with a remark."""
        try:
            return parse(value, scope)
        except Untranslatable as error:
            self.remarks.missing(place, f"{error}: {shown(value)}")
            return None

    def term(self, value: Json, scope: Scope, place: str) -> Term | None:
        """A value as one expression, or None with a remark."""
        if not isinstance(value, str):
            return constant(value)
        template = self.template(value, scope, place)
        if template is None:
            return None
        try:
            return template.term
        except Untranslatable as error:
            self.remarks.missing(place, f"{error}: {shown(value)}")
            return None

    def condition(self, value: Json, scope: Scope, place: str) -> Term | None:
        """A value as a condition, or None with a remark."""
        if not isinstance(value, str):
            return constant(bool(value))
        try:
            return condition(value, scope)
        except Untranslatable as error:
            self.remarks.missing(place, f"{error}: {shown(value)}")
            return None


def shown(text: str) -> str:
    """A template in a message, on one line and not too long."""
    flat = " ".join(text.split())
    return flat if len(flat) <= 120 else f"{flat[:117]}..."


def _with_parameters(scope: Scope, component: Component) -> Scope:
    """The scope with `parameters`; one that is itself a template is translated where it stands."""
    values = fixed(component.parameters)

    def lookup(keys: Keys) -> tuple[Term, int]:
        term, used = values(keys)
        if isinstance(term.constant, str) and "{{" in term.constant:
            return parse(term.constant, scope).term, used
        return term, used

    return scope.having(parameters=lookup, options=lookup)


def _slices(terms: Mapping[str, Term], remarks: Remarks, place: str) -> dict[str, Lookup]:
    def lookup(keys: Keys) -> tuple[Term, int]:
        # the longest name first: `parent_slice.a`, `extra_fields.b`
        if not keys:
            members = tuple((name, term) for name, term in terms.items() if "." not in name)
            if not members:
                return NULL, 0
            return Term("partition", "object", members=members), 0
        for length in range(len(keys), 0, -1):
            name = ".".join(str(key) for key in keys[:length])
            if name in terms:
                return terms[name], length
        remarks.note(
            place, f"`stream_slice` has no {keys[0]} here: it is always nothing in the original"
        )
        return NULL, len(keys)

    return {
        "stream_slice": lookup,
        "stream_partition": lookup,
        "stream_interval": lookup,
        "slice": lookup,
    }


def _state(context: str) -> Lookup:
    return lambda keys: (Term(f"{context}incremental.last_value"), len(keys))


def _token(text: str | None) -> Lookup:
    def lookup(keys: Keys) -> tuple[Term, int]:
        if text is None:
            # a list without pages
            return NULL, len(keys)
        return Term(text), 1 if keys and keys[0] == "next_page_token" else 0

    return lookup


def _headers(base: str) -> Lookup:
    """Headers by lower-case name; the original reads `link` as a mapping by relation, and `Link`
    alone as the text that it is."""

    def lookup(keys: Keys) -> tuple[Term, int]:
        if not keys:
            return Term(base, "object"), 0
        name = str(keys[0]).lower()
        term = Term(dotted([name], base), "text", optional=True)
        if name != "link" or keys == ("Link",):
            return term, 1
        if len(keys) == 1:
            return _links(term), 1
        return linked(term, keys[1:]), len(keys)

    return lookup


def _links(header: Term) -> Term:
    """`headers['link']` alone: a group by relation, for `'next' in headers['link']`."""
    relations = ("next", "prev", "previous", "first", "last")
    members = tuple((name, linked(header, (name,))) for name in relations)
    return Term(header.text, "text", members=members)


__all__ = ["ABSENT", "NULL", "Importing", "Slice", "shown"]
