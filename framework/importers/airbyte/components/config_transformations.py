"""Inputs that the manifest computes from others before it runs."""

from __future__ import annotations

from framework.importers.airbyte.components.component_registry import component, translate
from framework.importers.airbyte.import_context import ImportContext
from framework.importers.airbyte.jinja.tree import Term, apply, compare, constant
from framework.importers.airbyte.manifest import Component


def read_computed_inputs(context: ImportContext, manifest: Component) -> None:
    """Add the inputs that a `spec` computes to those of the context."""
    spec = manifest.part("spec", "Spec")
    rules = spec.part("config_normalization_rules") if spec is not None else None
    if rules is None:
        return
    if rules.get("validations"):
        context.note(rules.at("validations"), "checks of the inputs are left out")
    for part in rules.parts("transformations"):
        translate(context, "config_transformation", part)


@component("config_transformation", "ConfigAddFields")
def _add_fields(context: ImportContext, part: Component) -> None:
    if part.get("condition"):
        context.missing(part.place, "inputs that are added on a condition")
        return
    for one in part.parts("fields"):
        term = context.term(one, "value")
        if term is not None:
            context.inputs.computed[tuple(one.names("path"))] = term


@component("config_transformation", "ConfigRemoveFields")
def _remove_fields(_context: ImportContext, _part: Component) -> None:
    return


@component("config_transformation", "ConfigRemapField")
def _remap_field(context: ImportContext, part: Component) -> None:
    values, path = part.get("map", {}), tuple(part.names("field_path"))
    if not isinstance(values, dict) or not path:
        context.missing(part.place, "an input whose values are renamed by a template")
        return
    value, _ = context.inputs.lookup()(path)
    result = value
    for old, new in values.items():
        renamed = context.translate(new, context.request_scope(part), part.at("map"))
        if renamed is not None:
            test = compare(value, "==", constant(old))
            result = apply("if", test, constant(renamed), result)
    context.inputs.computed[path] = Term(result.node, value.kind)
