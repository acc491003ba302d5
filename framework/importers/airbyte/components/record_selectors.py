"""Record selectors: extractors as `data_selector`, filters and expanders as `processing_steps`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from framework.definition.expressions.function_registry import FUNCTIONS
from framework.importers.airbyte.components.component_registry import component, translate
from framework.importers.airbyte.import_context import ImportContext
from framework.importers.airbyte.jinja import tree
from framework.importers.airbyte.jinja.printer import identifier, to_jmespath
from framework.importers.airbyte.jinja.tree import Term
from framework.importers.airbyte.manifest import Component

Json = Any
Steps = list[dict[str, Json]]

_NULLABLE = ("to_integer", "to_number", "get", "regex_search", "find_first", "find_last")
_EXPANDER_EXTRAS = ("truncated_list_retriever", "truncation_indicator_path")
_OF_PARENT = ("remain_original_record", "merge_parent", "parent_fields")
_ITEM = "expanded_item"
"""The field that holds an item of a list while what stays of its record is added to it."""

# -- where the records are


def translate_selector(context: ImportContext, selector: Component | None) -> str:
    """Return the place of the records in a response, as JMESPath."""
    extractor = selector.part("extractor", "DpathExtractor") if selector else None
    return to_jmespath(translate(context, "extractor", extractor, tree.CURRENT))


@component("extractor", "DpathExtractor", "")
def _dpath(context: ImportContext, extractor: Component) -> Term:
    terms = path_terms(context, extractor, "field_path")
    keys = [str(one.constant) for one in terms]
    if all(one.fixed for one in terms):
        return pointer([key for key in keys if key])
    if "*" in keys:
        context.missing(extractor.at("field_path"), "a computed key beside a `*`")
    return computed_path(terms)


@component("extractor", "CombinedExtractor")
def _combined(context: ImportContext, extractor: Component) -> Term:
    if extractor.get("mode", "union") != "union":
        context.missing(extractor.at("mode"), "records zipped from several lists")
    return tree.concatenation(
        [
            translate(context, "extractor", one, tree.CURRENT)
            for one in extractor.parts("extractors")
        ]
    )


@component("extractor", "ResponseToFileExtractor")
def _whole_file(_context: ImportContext, _extractor: Component) -> Term:
    return tree.CURRENT


@component("extractor", "JelloExtractor")
def _jello(context: ImportContext, extractor: Component) -> Term:
    """The first extractor: Python on `_`, of which only a path has a counterpart."""
    text = str(extractor.get("transform", "_")).strip()
    if re.fullmatch(r"_(\.\w+)*", text):
        return tree.at("", *text.split(".")[1:])
    context.missing(extractor.at("transform"), f"Python in an extractor: {text}")
    return tree.CURRENT


def path_terms(context: ImportContext, part: Component, key: str) -> list[Term]:
    """Return the keys of a path, each of which may be a template."""
    keys = part.get(key, [])
    scope = context.record_scope(part)
    keys = keys if isinstance(keys, list) else [keys]
    terms = [context.term_of(str(one), scope, part.at(key)) for one in keys]
    return [] if None in terms else [one for one in terms if one is not None]


def computed_path(terms: Sequence[Term]) -> Term:
    """Return a path some of whose keys are computed."""
    path = tree.CURRENT
    for one in terms:
        if one.fixed:
            path = _below(path, [str(one.constant)])
        else:
            path = tree.apply("get", path, one)
    return path


def pointer(keys: Sequence[str]) -> Term:
    """Return a path in which `*` is any key or position."""
    if "*" not in keys:
        return _below(tree.CURRENT, keys)
    place = keys.index("*")
    base, rest = _below(tree.CURRENT, keys[:place]), keys[place + 1 :]
    items, values = _with(base, tree.EVERY_ITEM), _with(base, tree.EVERY_VALUE)
    if not rest:
        # each item of a list, or each value of an object
        return tree.either(values, base)
    if "*" in rest:
        return _each(base, rest)
    return tree.either(_below(items, rest), _below(values, rest))


def _each(base: Term, keys: Sequence[str]) -> Term:
    """Return what is below all items or values of `base`, each of which may be either again."""
    both = tree.either(_with(base, tree.EVERY_ITEM), _with(base, tree.EVERY_VALUE))
    if not keys:
        return both
    all_of_them = Term(tree.FieldPath(both, (tree.EVERY_ITEM,)))
    if "*" not in keys:
        return _below(all_of_them, keys)
    place = keys.index("*")
    inner = _each(_below(tree.CURRENT, keys[:place]), keys[place + 1 :])
    return _with(all_of_them, tree.Pick((inner,)), tree.FLATTEN, tree.FLATTEN)


def _with(base: Term, *steps: tree.Step) -> Term:
    """Return steps that apply to every value of a projection."""
    node = base.node
    if isinstance(node, tree.FieldPath):
        return Term(tree.FieldPath(node.root, (*node.steps, *steps), node.through_context))
    return Term(tree.extend(base, *steps))


def _below(base: Term, keys: Sequence[str]) -> Term:
    return _with(base, *(int(key) if re.fullmatch(r"-?\d+", key) else key for key in keys))


# -- filters and expanders


@component("record_filter", "RecordFilter", "")
def _record_filter(context: ImportContext, part: Component) -> Steps:
    if part.get("condition", "") == "":
        return []
    test = context.condition(part, "condition", context.record_scope(part))
    if test is None:
        return []
    if test.fixed:
        return [] if test.constant else [{"filter": "`false`"}]
    if _compares_with_null(test):
        context.note(
            part.place,
            "the filter compares with a value that is always null and would drop every record; it "
            "is left out",
        )
        return []
    return [tolerant({"filter": to_jmespath(test)}, [test], "skip_record")]


def _compares_with_null(test: Term) -> bool:
    """Return whether an order is compared with null, which no value has."""
    node = test.node
    if not isinstance(node, tree.Operator) or node.symbol not in ("<", "<=", ">", ">="):
        return False
    sides = (node.left, node.right)
    in_record = [getattr(one.node, "through_context", True) is False for one in sides]
    return any(in_record) and any(one.fixed and one.constant is None for one in sides)


def translate_expander(context: ImportContext, selector: Component | None) -> Steps:
    """Return the steps that make one record of each item of a field."""
    extractor = selector.part("extractor", "DpathExtractor") if selector else None
    expander = extractor.part("record_expander", "RecordExpander") if extractor else None
    if expander is None:
        return []
    for key in _EXPANDER_EXTRAS:
        if expander.get(key):
            context.missing(expander.at(key), "a part of the expanded record")
    path = expander.names("expand_records_from_field")
    if "*" in path:
        context.missing(expander.place, "records expanded from several lists")
        return []
    if any(expander.get(key) for key in _OF_PARENT):
        return _with_parent(context, expander, path)
    emits_parent = expander.get("on_no_records", "skip") == "emit_parent"
    otherwise = tree.sequence([tree.CURRENT]) if emits_parent else tree.constant([])
    return [{"yield_map": to_jmespath(tree.either(tree.at("", *path), otherwise))}]


def _with_parent(context: ImportContext, expander: Component, path: Sequence[str]) -> Steps:
    """Return the steps that make a record of each item and of what stays of its parent."""
    items = to_jmespath(tree.at("", *path))
    parent = f"from_items(items(@)[?[0] != '{_ITEM}'])"
    merged = [f"not_null({_ITEM}, `{{}}`)"]
    merges = bool(expander.get("merge_parent"))
    if merges:
        merged.insert(0, parent)
    for one in expander.parts("parent_fields", "ParentFieldPath"):
        value = to_jmespath(tree.at("", *one.names("parent_path")))
        for key in reversed(one.names("record_path")):
            value = f"{{{identifier(key)}: {value}}}"
        merged.append(value)
    if expander.get("remain_original_record") and merges:
        context.missing(expander.at("remain_original_record"), "a record in a copy of itself")
    elif expander.get("remain_original_record"):
        merged.append(f"{{original_record: {parent}}}")
    whole = f"merge({', '.join(merged)})"
    if expander.get("on_no_records") == "emit_parent":
        items = f"if({items}[0] == `null`, [`null`], {items})"
        whole = f"if({_ITEM}, {whole}, {parent})"
    steps: Steps = [{"set": {_ITEM: items}}, {"explode": _ITEM}]
    return [*steps, *([{"remove": ".".join(path)}] if merges else []), {"map": whole}]


# -- records on which an expression fails


def tolerant(step: dict[str, Json], terms: Iterable[Term], on_error: str | None) -> dict[str, Json]:
    """Return a step that goes on if an expression of it fails on a record, as Airbyte does."""
    return {**step, "on_error": on_error} if any(map(may_fail, terms)) else step


def may_fail(term: Term) -> bool:
    """Return whether a function of typed arguments gets a field that may be null."""
    calls = [one.node for one in tree.walk(term) if isinstance(one.node, tree.Call)]
    return any(
        _may_be_null(argument) and "null" not in types and types
        for call in calls
        for argument, types in _typed_arguments(call)
    )


def _typed_arguments(call: tree.Call) -> Iterable[tuple[Term, Any]]:
    function = FUNCTIONS.get(call.name)
    for index, argument in enumerate(call.arguments if function and function.types else ()):
        assert function is not None
        yield argument, function.types[min(index, len(function.types) - 1)]


def _may_be_null(term: Term) -> bool:
    node = term.node
    if isinstance(node, tree.Call):
        return node.name in _NULLABLE
    return isinstance(node, tree.FieldPath) and node.root != "now" and not tree.is_projection(node)
