"""Transformations as `processing_steps`."""

from __future__ import annotations

import re
from typing import Any

from framework.importers.airbyte.components.component_registry import component, translate
from framework.importers.airbyte.components.record_selectors import (
    Steps,
    computed_path,
    path_terms,
    pointer,
    tolerant,
    translate_expander,
)
from framework.importers.airbyte.import_context import ImportContext
from framework.importers.airbyte.jinja import tree
from framework.importers.airbyte.jinja.printer import to_jmespath
from framework.importers.airbyte.jinja.scope import only, variable
from framework.importers.airbyte.jinja.tree import Term
from framework.importers.airbyte.manifest import Component

Json = Any

_BOUNDS = "(?<=[a-z])(?=[A-Z0-9])|(?<=[0-9])(?=[A-Za-z])|(?<=[A-Z])(?=[0-9])|^(?=[0-9])"
_SNAKE = f"lower(regex_replace(regex_replace(@, '[^A-Za-z0-9]+', '_'), '{_BOUNDS}', '_'))"
"""Unlike `snake_case`, Airbyte separates digits on both sides, and does not split `HTTPServer`."""
_CONSTANTS = {"True": True, "False": False, "None": None}
_ITEMS = tree.apply("items", tree.CURRENT)


def translate_steps(context: ImportContext, stream: Component, retriever: Component) -> Steps:
    """Return filters and transformations in the order in which Airbyte applies them."""
    selector = retriever.part("record_selector", "RecordSelector")
    expanders = translate_expander(context, selector)
    record_filter = selector.part("record_filter", "RecordFilter") if selector else None
    filters = translate(context, "record_filter", record_filter, [])
    changes: Steps = []
    for part in stream.parts("transformations"):
        changes += translate(context, "transformation", part, [])
    if selector is not None and selector.get("transform_before_filtering"):
        return [*expanders, *changes, *filters]
    return [*expanders, *filters, *changes]


# -- fields


@component("transformation", "AddFields")
def _add_fields(context: ImportContext, part: Component) -> Steps:
    fields: dict[str, Term] = {}
    for one in part.parts("fields", "AddedFieldDefinition"):
        path = path_terms(context, one, "path")
        keys = [str(term.constant) for term in path]
        value = context.term(one, "value", context.record_scope(one))
        if value is None or not keys:
            continue
        if not all(term.fixed for term in path):
            context.missing(one.at("path"), "a field whose name is computed")
            continue
        if any(character in key for key in keys for character in "*[]"):
            context.missing(one.at("path"), "a field added inside a list")
            continue
        untyped = "{{" in str(one.get("value", "")) and not one.get("value_type")
        if untyped and value.fixed and value.constant is None:
            # a name that there is not is an empty text
            value = tree.constant("")
        value = _as_text(_typed(value, one))
        if part.get("condition", ""):
            scope = context.record_scope(part).having(value=only(value))
            test = context.condition(part, "condition", scope)
            if test is None:
                continue
            if not (test.fixed and test.constant):
                value = tree.choose(test, value, tree.at("", *keys))
        # a column has no dot in its name
        fields[".".join(key.replace(".", "_") for key in keys)] = value
    return [
        tolerant({"set": {k: _step_value(v) for k, v in step.items()}}, step.values(), None)
        for step in _in_sequence(fields)
    ]


def _in_sequence(fields: dict[str, Term]) -> list[dict[str, Term]]:
    """Return the fields in as many steps as Airbyte's order needs: a field sees those before it,
    and those of a step do not see each other."""
    steps: list[dict[str, Term]] = []
    for name, value in fields.items():
        before = {one.split(".")[0] for one in (steps[-1] if steps else ())}
        if not steps or before & _fields_read(value, before):
            steps.append({})
        steps[-1][name] = value
    return steps


def _fields_read(value: Term, names: set[str]) -> set[str]:
    """Return the fields of the record that a value reads; all of `names` if it reads it whole."""
    read: set[str] = set()
    for one in tree.walk(value):
        node = one.node
        if isinstance(node, tree.FieldPath) and node.root == "" and not node.through_context:
            first = node.steps[0] if node.steps else None
            read |= {first} if isinstance(first, str) else names
    return read


def _as_text(value: Term) -> Term:
    """Return the clock as Airbyte writes it into a record."""
    is_clock = value.kind == "time" and value.node == tree.at("now", through_context=True).node
    return tree.apply("format_time", value, tree.PYTHON_TIME, kind="text") if is_clock else value


def _typed(value: Term, definition: Component) -> Term:
    """Return the value in its declared type; Airbyte evaluates text without one as a literal."""
    kind = definition.get("value_type")
    text = definition.get("value", "")
    if kind == "string":
        return value if value.kind == "text" else tree.apply("to_string", value, kind="text")
    if kind in ("number", "integer"):
        if value.fixed:
            return tree.constant(float(value.constant) if kind == "number" else int(value.constant))
        name = "to_integer" if kind == "integer" else "to_number"
        return value if value.kind == "number" else tree.apply(name, value, kind="number")
    if not value.fixed:
        return value
    if kind == "boolean":
        return tree.constant(str(value.constant).lower() == "true")
    if isinstance(value.constant, str) and not (isinstance(text, str) and "{" in text):
        number = re.fullmatch(r"-?\d+", value.constant)
        return tree.constant(
            int(value.constant) if number else _CONSTANTS.get(value.constant, value.constant)
        )
    return value


def _step_value(value: Term) -> Json:
    plain = value.constant is None or isinstance(value.constant, bool | int | float)
    return value.constant if value.fixed and plain else to_jmespath(value)


@component("transformation", "RemoveFields")
def _remove_fields(context: ImportContext, part: Component) -> Steps:
    pointers = [one if isinstance(one, list) else [one] for one in part.get("field_pointers", [])]
    names = [".".join(map(str, keys)) for keys in pointers]
    if not part.get("condition", ""):
        return [{"remove": names}] if names else []
    # at the top a `map` removes fields by their value
    scope = context.record_scope(part).having(property=variable("", 1))
    test = context.condition(part, "condition", scope)
    if test is None:
        return []
    if all(name in ("*", "**") for name in names):
        if "**" in names:
            context.note(part.place, "removed at the top only; inside objects they are null")
    elif any("." in name or "*" in name for name in names):
        context.missing(part.place, "nested fields removed by their value")
        return []
    else:
        test = tree.both(tree.apply("contains", tree.constant(names), tree.at("", 0)), test)
    remaining = Term(tree.FieldPath(_ITEMS, (tree.Where(tree.negate(test)),)))
    return [{"map": to_jmespath(tree.apply("from_items", remaining))}]


# -- names


@component("transformation", "KeysToLower")
def _keys_to_lower(_context: ImportContext, _part: Component) -> Steps:
    return [{"rename_keys": "lower(@)"}]


@component("transformation", "KeysToSnakeCase")
def _keys_to_snake_case(_context: ImportContext, _part: Component) -> Steps:
    return [{"rename_keys": _SNAKE}]


@component("transformation", "KeysReplace")
def _keys_replace(context: ImportContext, part: Component) -> Steps:
    scope = context.record_scope(part)
    old, new = (context.term(part, key, scope) for key in ("old", "new"))
    if old is None or new is None:
        return []
    texts = (tree.constant(str(one.constant)) if one.fixed else one for one in (old, new))
    return [{"rename_keys": to_jmespath(tree.apply("replace", tree.CURRENT, *texts))}]


# -- nesting


@component("transformation", "FlattenFields")
def _flatten_fields(_context: ImportContext, part: Component) -> Steps:
    return [{"map": "leaves(@)" if part.get("flatten_lists", True) else "leaves(@, `false`)"}]


@component("transformation", "DpathFlattenFields")
def _lift_fields(context: ImportContext, part: Component) -> Steps:
    """Move a field's content to the top."""
    terms = path_terms(context, part, "field_path")
    if not terms:
        return []
    keys = [str(one.constant) for one in terms]
    computed, several = not all(one.fixed for one in terms), "*" in keys
    deletes, replaces = part.get("delete_origin_value"), part.get("replace_record")
    renaming = part.part("key_transformation")
    if not (computed or several or renaming or replaces) and deletes:
        return [{"flatten": ".".join(keys)}]
    if computed:
        inner = computed_path(terms)
    elif several:
        # of several places Airbyte uses the first
        inner = Term(tree.FieldPath(pointer(keys), (0,)))
    else:
        inner = tree.at("", *keys)
    if renaming is not None:
        inner = _renamed_keys(inner, renaming)
    if replaces:
        return [{"map": to_jmespath(tree.either(inner, tree.CURRENT))}]
    if renaming is None:
        inner = tree.either(inner, tree.constant({}))
    steps: Steps = [{"map": to_jmespath(tree.apply("merge", inner, tree.CURRENT))}]
    if deletes and computed:
        context.missing(part.at("delete_origin_value"), "a field removed whose name is computed")
    elif deletes:
        steps.append({"remove": ".".join(keys)})
    return steps


def _renamed_keys(term: Term, renaming: Component) -> Term:
    """Return an object with a prefix and a suffix on its keys."""
    affixes = [
        tree.constant(str(renaming.get(key))) if renaming.get(key) else None
        for key in ("prefix", "suffix")
    ]
    parts = [one for one in (affixes[0], tree.at("", 0), affixes[1]) if one is not None]
    name = tree.apply("join", tree.constant(""), tree.sequence(parts))
    items = tree.apply("items", tree.either(term, tree.constant({})))
    pairs = tree.FieldPath(items, (tree.EVERY_ITEM, tree.Pick((name, tree.at("", 1)))))
    return tree.apply("from_items", Term(pairs))
