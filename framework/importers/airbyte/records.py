"""Record selectors and transformations as `data_selector` and `processing_steps`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from framework.importers.airbyte.failing import may_fail
from framework.importers.airbyte.importing import Importing
from framework.importers.airbyte.manifest import Component
from framework.importers.airbyte.scope import only
from framework.importers.airbyte.terms import Term, constant, dotted, quoted

Json = Any
Steps = list[dict[str, Json]]

_WITH_NOTHING = re.compile(r"[\w.]+ [<>]=? `null`|`null` [<>]=? [\w.]+")
"""An order that holds for no value."""


def translate_selector(importing: Importing, component: Component | None) -> str:
    """Where the records stand in the answer."""
    extractor = component.part("extractor", "DpathExtractor") if component else None
    if extractor is None:
        return "@"
    return _extracted(importing, extractor)


def _extracted(importing: Importing, extractor: Component) -> str:
    if extractor.type == "CombinedExtractor":
        found = [_extracted(importing, part) for part in extractor.parts("extractors")]
        if extractor.get("mode", "union") != "union":
            importing.remarks.missing(extractor.at("mode"), "records zipped from several lists")
        return f"[{', '.join(found)}][]"
    if extractor.type == "ResponseToFileExtractor":
        return "@"
    if extractor.type == "JelloExtractor":
        return _jello(importing, extractor)
    if extractor.custom or extractor.type not in ("DpathExtractor", ""):
        importing.remarks.missing(
            extractor.place, f"the records are taken by a {extractor.type or 'class'} of its own"
        )
        return "@"
    terms = _keys(importing, extractor, "field_path")
    keys = [str(one.constant) for one in terms]
    if all(one.fixed for one in terms):
        return pointer([key for key in keys if key])
    if "*" in keys:
        importing.remarks.missing(extractor.at("field_path"), "a computed key beside a `*`")
    return _below(terms)


def pointer(keys: list[str]) -> str:
    """A path with `*` for any key or position, as JMESPath."""
    if "*" not in keys:
        return _path(keys)
    place = keys.index("*")
    base, below = _path(keys[:place]), keys[place + 1 :]
    if "*" in below:
        return _each(base, below)
    if not below:
        # each item of a list, or each value of an object
        return f"{base}.* || {base}"
    return f"{_path(below, f'{base}[*]')} || {_path(below, f'{base}.*')}"


def _each(base: str, below: list[str]) -> str:
    """What lies below all items or values of `base`, each of which may be either again."""
    items = f"{base}[*] || {base}.*"
    if "*" not in below:
        return _path(below, f"({items})[*]") if below else items
    place = below.index("*")
    inner = _each(_path(below[:place]), below[place + 1 :])
    return f"({items})[*].[{inner}][][]"


def _path(keys: list[str], base: str = "") -> str:
    return dotted([_key(key) for key in keys], base)


def _key(key: str) -> str | int:
    return int(key) if re.fullmatch(r"-?\d+", key) else key


def _jello(importing: Importing, extractor: Component) -> str:
    """The first extractor: Python on `_`; only a path in it has a counterpart."""
    text = str(extractor.get("transform", "_")).strip()
    if re.fullmatch(r"_(\.\w+)*", text):
        return text[2:] or "@"
    importing.remarks.missing(extractor.at("transform"), f"Python in an extractor: {text}")
    return "@"


def translate_steps(importing: Importing, stream: Component, retriever: Component) -> Steps:
    """Filters and transformations in the order in which the original applies them."""
    selector = retriever.part("record_selector", "RecordSelector")
    filters: Steps = []
    expanding: Steps = []
    if selector is not None:
        expanding = _expanding(importing, selector)
        record_filter = selector.part("record_filter", "RecordFilter")
        if record_filter is not None:
            filters = _filter(importing, record_filter)
    changes = [step for one in stream.parts("transformations") for step in _change(importing, one)]
    first = selector is not None and selector.get("transform_before_filtering")
    return [*expanding, *changes, *filters] if first else [*expanding, *filters, *changes]


def _expanding(importing: Importing, selector: Component) -> Steps:
    extractor = selector.part("extractor", "DpathExtractor")
    expander = extractor.part("record_expander", "RecordExpander") if extractor else None
    if expander is None:
        return []
    path = [str(key) for key in expander.get("expand_records_from_field", [])]
    for key in (
        "remain_original_record",
        "merge_parent",
        "parent_fields",
        "truncated_list_retriever",
        "truncation_indicator_path",
    ):
        if expander.get(key):
            importing.remarks.missing(expander.at(key), "a part of the expanded record")
    if "*" in path:
        importing.remarks.missing(expander.place, "records expanded from several lists")
        return []
    items = dotted(path)
    if expander.get("on_no_records", "skip") == "emit_parent":
        return [{"yield_map": f"{items} || [@]"}]
    return [{"yield_map": f"{items} || `[]`"}]


def _filter(importing: Importing, component: Component) -> Steps:
    if component.custom or component.type not in ("RecordFilter", ""):
        importing.remarks.missing(component.place, "the filter is a Python class of its own")
        return []
    written = component.get("condition", "")
    if written == "":
        return []
    found = importing.condition(written, importing.kept(component), component.at("condition"))
    if found is None:
        return []
    if found.fixed:
        return [] if found.constant else [{"filter": "`false`"}]
    if _WITH_NOTHING.fullmatch(found.text):
        importing.remarks.note(
            component.place,
            "the filter compares with what is never there and would let no record through; it is "
            "left out",
        )
        return []
    return [_failing({"filter": found.text}, [found.text], "skip_record")]


def _change(importing: Importing, component: Component) -> Steps:
    handler = _CHANGES.get(component.type)
    if handler is None:
        what = "a Python class of its own" if component.custom else f"a {component.type or '?'}"
        importing.remarks.missing(component.place, f"the transformation is {what}")
        return []
    return handler(importing, component)


def _add(importing: Importing, component: Component) -> Steps:
    fields: dict[str, Json] = {}
    scope = importing.kept(component)
    for one in component.parts("fields", "AddedFieldDefinition"):
        path = _keys(importing, one, "path")
        keys = [str(term.constant) for term in path]
        written = one.get("value", "")
        value = importing.term(written, importing.kept(one), one.at("value"))
        if value is None or not keys:
            continue
        if not all(term.fixed for term in path):
            importing.remarks.missing(one.at("path"), "a field whose name is computed")
            continue
        if any(character in key for key in keys for character in "*[]"):
            importing.remarks.missing(one.at("path"), "a field added inside a list")
            continue
        value = _typed(value, one.get("value_type"), isinstance(written, str) and "{" in written)
        # as a column it has no dot either
        name = ".".join(key.replace(".", "_") for key in keys)
        condition = component.get("condition", "")
        if condition:
            having = scope.having(value=only(value))
            test = importing.condition(condition, having, component.at("condition"))
            if test is None:
                continue
            if not (test.fixed and test.constant):
                old = dotted([str(key) for key in keys])
                value = Term(f"if({test.text}, {value.text}, {old})")
        fields[name] = _set_value(value)
    return [_failing({"set": fields}, fields.values(), None)] if fields else []


def _failing(
    step: dict[str, Json], values: Iterable[Json], on_error: str | None
) -> dict[str, Json]:
    """The step with what becomes of records on which an expression of it can fail: the original
    goes on with nothing there."""
    risky = any(isinstance(value, str) and may_fail(value) for value in values)
    return {**step, "on_error": on_error} if risky else step


def _typed(value: Term, kind: Json, templated: bool) -> Term:
    """The value in the declared type; without one the original reads text as a literal."""
    if kind == "string":
        return value if value.kind == "text" else Term(f"to_string({value.text})", "text")
    if kind in ("number", "integer"):
        name = "to_integer" if kind == "integer" else "to_number"
        if value.fixed:
            return constant(float(value.constant) if kind == "number" else int(value.constant))
        return value if value.kind == "number" else Term(f"{name}({value.text})", "number")
    if kind == "boolean" and value.fixed:
        return constant(str(value.constant).lower() == "true")
    if value.fixed and isinstance(value.constant, str) and not templated:
        return constant(_literal(value.constant))
    return value


def _literal(text: str) -> Json:
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    return {"True": True, "False": False, "None": None}.get(text, text)


def _set_value(value: Term) -> Json:
    if value.fixed and (value.constant is None or isinstance(value.constant, bool | int | float)):
        return value.constant
    return value.text


def _remove(importing: Importing, component: Component) -> Steps:
    pointers = component.get("field_pointers", [])
    names = []
    for one in pointers:
        keys = one if isinstance(one, list) else [one]
        names.append(".".join(str(key) for key in keys))
    condition = component.get("condition", "")
    if condition:
        return _removed_if(importing, component, names, str(condition))
    return [{"remove": names}] if names else []


def _removed_if(
    importing: Importing, component: Component, names: list[str], condition: str
) -> Steps:
    """Fields taken away by their value: at the top a `map` says it."""
    scope = importing.kept(component).having(
        property=lambda keys: (Term(dotted(keys, "[1]")), len(keys))
    )
    test = importing.condition(condition, scope, component.at("condition"))
    if test is None:
        return []
    if all(name in ("*", "**") for name in names):
        if "**" in names:
            importing.remarks.note(
                component.place, "taken away at the top only; inside objects they are null"
            )
        return [{"map": f"from_items(items(@)[?!({test.text})])"}]
    if any("." in name or "*" in name for name in names):
        importing.remarks.missing(component.place, "nested fields taken away by their value")
        return []
    listed = constant(names).text
    return [{"map": f"from_items(items(@)[?!(contains({listed}, [0]) && ({test.text}))])"}]


_BOUNDS = "(?<=[a-z])(?=[A-Z0-9])|(?<=[0-9])(?=[A-Za-z])|(?<=[A-Z])(?=[0-9])|^(?=[0-9])"
_SNAKE = f"lower(regex_replace(regex_replace(@, '[^A-Za-z0-9]+', '_'), '{_BOUNDS}', '_'))"
"""Unlike `snake_case`, the original cuts before and after digits, and not inside `HTTPServer`."""


def _lower(_importing: Importing, _component: Component) -> Steps:
    return [{"rename_keys": "lower(@)"}]


def _snake(_importing: Importing, _component: Component) -> Steps:
    return [{"rename_keys": _SNAKE}]


def _replaced(importing: Importing, component: Component) -> Steps:
    scope = importing.kept(component)
    old = importing.term(component.get("old", ""), scope, component.at("old"))
    new = importing.term(component.get("new", ""), scope, component.at("new"))
    if old is None or new is None:
        return []
    return [{"rename_keys": f"replace(@, {_text(old)}, {_text(new)})"}]


def _text(term: Term) -> str:
    return quoted(str(term.constant)) if term.fixed else term.text


def _flatten(importing: Importing, component: Component) -> Steps:
    lists = component.get("flatten_lists", True)
    del importing
    return [{"map": "leaves(@)" if lists else "leaves(@, `false`)"}]


def _lifted(importing: Importing, component: Component) -> Steps:
    """A field's content moved to the top."""
    terms = _keys(importing, component, "field_path")
    if not terms:
        return []
    keys = [str(one.constant) for one in terms]
    computed = not all(one.fixed for one in terms)
    several = "*" in keys or computed
    # of several places the original takes the first
    inner = _below(terms) if computed else f"({pointer(keys)})[0]" if several else dotted(keys)
    change = component.part("key_transformation")
    if change is not None:
        renamed = "[0]"
        prefix, suffix = change.get("prefix"), change.get("suffix")
        parts = [*([quoted(str(prefix))] if prefix else []), renamed]
        parts += [quoted(str(suffix))] if suffix else []
        inner = f"from_items(items({inner} || `{{}}`)[*].[join('', [{', '.join(parts)}]), [1]])"
    else:
        inner = f"{inner} || `{{}}`"
    if (
        change is None
        and not several
        and component.get("delete_origin_value")
        and not component.get("replace_record")
    ):
        return [{"flatten": ".".join(keys)}]
    if component.get("replace_record"):
        return [{"map": inner.removesuffix(" || `{}`") + " || @"}]
    steps: Steps = [{"map": f"merge({inner}, @)"}]
    if component.get("delete_origin_value") and computed:
        importing.remarks.missing(
            component.at("delete_origin_value"), "a field taken away whose name is computed"
        )
    elif component.get("delete_origin_value"):
        steps.append({"remove": ".".join(keys)})
    return steps


def _keys(importing: Importing, component: Component, key: str) -> list[Term]:
    """The keys of a path, each of which may be a template."""
    scope = importing.kept(component)
    written = component.get(key, [])
    written = written if isinstance(written, list) else [written]
    found = [importing.term(str(one), scope, component.at(key)) for one in written]
    return [] if None in found else [one for one in found if one is not None]


def _below(terms: list[Term]) -> str:
    text = ""
    for one in terms:
        fixed = one.fixed
        text = _path([str(one.constant)], text) if fixed else f"get({text or '@'}, {one.text})"
    return text


_CHANGES: dict[str, Callable[[Importing, Component], Steps]] = {
    "AddFields": _add,
    "RemoveFields": _remove,
    "KeysToLower": _lower,
    "KeysToSnakeCase": _snake,
    "KeysReplace": _replaced,
    "FlattenFields": _flatten,
    "DpathFlattenFields": _lifted,
}
