"""Each registry has a row for every kind that the connector schema names, and no other row."""

from pkgutil import resolve_name
from typing import get_args, get_type_hints

import dlt.destinations

from framework.definition.finder import shared_schema
from framework.definition.model import PARTITION_KINDS, ResponseFormat
from framework.definition.paginator_keys import PAGING, paginator_types
from framework.definition.schema.connector_schema import schemas_at
from framework.extract.lists.partitions import PARTITION_BUILDERS
from framework.extract.paging.pagination import FRAMEWORK_KEYS, PAGINATORS
from framework.http.auth.authenticators import AUTH_TYPES
from framework.http.formats.decoders import DECODERS
from framework.load.destinations.profiles import PROFILES

CONNECTOR = shared_schema("connector")


def enums_at(*place):
    """The texts of each list of choices that the schema has at a place."""
    enums = [set(part["enum"]) - {None} for part in schemas_at(place) if "enum" in part]
    assert enums, place
    return enums


def test_auth_types():
    not_in_registry, not_in_file = {"one_of"}, {"none"}  # config chooses a case; `auth: null`
    for place in (("client", "auth", "type"), ("resources", 0, "endpoint", "auth", "type")):
        types = set.union(*enums_at(*place))
        assert types - not_in_registry == AUTH_TYPES.keys() - not_in_file


def test_response_formats():
    kinds = get_type_hints(ResponseFormat)["kind"]
    for enum in enums_at("resources", 0, "endpoint", "response_format", "type"):
        assert enum == DECODERS.keys() == set(get_args(kinds))


def test_partition_kinds():
    not_kinds = {"name", "field", "batch", "separator"}
    kinds = CONNECTOR["$defs"]["partition"]["properties"].keys() - not_kinds
    assert kinds == set(PARTITION_KINDS)
    of_resources = {"resource", "union"}
    assert kinds == PARTITION_BUILDERS.keys() | of_resources, "the reader builds those"


def test_paginators():
    detected_by_dlt = {"auto"}
    types = PAGINATORS.keys() | detected_by_dlt
    assert paginator_types().keys() == types
    assert max(enums_at("client", "paginator", "type"), key=len) == types
    assert enums_at("client", "paginator") == [types - {"offset"}], "an offset needs a limit"


def test_keys_of_paginators_that_name_a_parameter_say_which_value_they_send():
    for kind, keys in paginator_types().items():
        named = {key for key in keys.schemas if key.endswith(("_param", "_body_path"))}
        assert named == keys.parameters.keys(), kind
        assert set(keys.values) <= PAGING, kind


def test_keys_of_the_framework_and_of_paging_values_are_in_the_schema():
    every_key = {key for keys in paginator_types().values() for key in keys.schemas}
    assert every_key >= FRAMEWORK_KEYS
    assert {value for keys in paginator_types().values() for value in keys.values} == PAGING


def test_paginators_that_count_end():
    for kind, keys in paginator_types().items():
        counts = keys.schemas.get("stop_after_empty_page", {}).get("default") is True
        assert bool(keys.ends) == counts, kind
        assert not counts or keys.ends[2:] == ("has_more_path",), kind


def test_destination_profiles():
    """The schema lists no destinations; dlt does."""
    for name, profile in PROFILES.items():
        assert hasattr(dlt.destinations, name), name
        assert profile.factory is None or resolve_name(profile.factory), name
