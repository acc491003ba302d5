"""Names as dlt writes them, without dlt."""

import pytest

from framework.definition.values.naming import join_path, normalize_identifier, normalize_path

NAMES = [
    "id",
    "Id",
    "ID",
    "userId",
    "UserID",
    "HTTPServer",
    "parseHTTPResponse",
    "event-type",
    "event.type",
    "event_type",
    "event__type",
    "_private",
    "__double",
    "trailing_",
    "trailing__",
    "1st",
    "123",
    "a1B2",
    "A_B",
    "a+b",
    "a*b",
    "a@b",
    "a|b",
    "@odata.nextLink",
    "$value",
    "x·y",
    "größe",
    "Ünïcode",
    "日本",
    "a_日本",
    "snake_case_already",
    "CamelCASEMixed",
    "i_d",
    "i__d",
    "__",
    "___",
    "a.",
    ".a",
    "a..b",
    "a-b-c",
    "meta[0]",
    "questions_and_answers",
    "Events",
    "events",
    "EVENTS",
    "a:b",
    "a/b",
    "a\\b",
    "tab",
    "name",
    "x_",
    "X__Y_",
]
PATHS = ["a__b", "A__bC", "a____b", "__a__b", "a__b_", "user.name__first-name", "a___b"]


@pytest.mark.parametrize("name", [*NAMES, " spaced ", "two words"])
def test_an_identifier_is_what_dlt_makes_of_it(name):
    from dlt.common.normalizers.naming.snake_case import NamingConvention

    assert normalize_identifier(name) == NamingConvention().normalize_identifier(name)


@pytest.mark.parametrize("path", [*PATHS, *NAMES])
def test_a_path_is_what_dlt_makes_of_it(path):
    from dlt.common.normalizers.naming.snake_case import NamingConvention

    assert normalize_path(path) == NamingConvention().normalize_path(path)


def test_parts_are_joined():
    assert join_path("Payment", "unitAmount") == "payment__unit_amount"
    assert join_path("_tables__basesId", "x") == "_tables__bases_id__x"


def test_a_name_of_nothing_is_refused():
    with pytest.raises(ValueError, match="a name of spaces only"):
        normalize_identifier("  ")
