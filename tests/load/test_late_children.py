"""Children that begin when their parents have long been read: nothing is lost in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.errors import UsageError
from tests.support.run_verbs import codes, connector_of, later, load, loaded, values, warnings_of
from tests.support.servers.web import Web
from tests.support.shop import Shop

BOTH = "framework run shop --refresh --resources orders,lines"


@pytest.fixture
def shop(web: Web) -> Shop:
    return Shop(web)


def test_a_child_is_not_emptied_where_its_parents_watermark_keeps_it_from_coming_back(
    shop: Shop, project: Path
) -> None:
    connector = connector_of(project, shop.connector(notes=None))
    load(connector, project)
    shop.web.asked.clear()
    with pytest.raises(UsageError) as caught:
        load(connector, project, "lines", refresh=True, now=later())
    assert str(caught.value).endswith(f"Reload all of it: {BOTH}")
    assert shop.web.asked == []
    assert loaded(load(connector, project, "orders", "lines", refresh=True, now=later()))["lines"]
    assert values(project, "lines") == [11, 12, 21, 22, 31, 32]


def test_the_command_names_every_ancestor_with_a_watermark(shop: Shop, project: Path) -> None:
    connector = connector_of(project, shop.connector())
    load(connector, project)
    with pytest.raises(UsageError, match="--refresh --resources orders,lines,notes"):
        load(connector, project, "lines", "notes", refresh=True, now=later())


def test_a_child_that_is_replaced_in_each_run_is_refreshed_by_itself(
    shop: Shop, project: Path
) -> None:
    replaced = shop.connector(lines={"write_disposition": "replace"}, notes=None)
    connector = connector_of(project, replaced)
    load(connector, project)
    assert load(connector, project, "lines", refresh=True, now=later()).status == "ok"


def test_a_child_that_is_new_below_a_watermark_says_what_does_not_come(
    shop: Shop, project: Path
) -> None:
    load(connector_of(project, shop.connector(lines=None, notes=None)), project)
    connector = connector_of(project, shop.connector(notes=None))
    report = load(connector, project, now=later())
    (told,) = [one for one in warnings_of(report, "lines") if one.code == "begins-late"]
    assert told.message.endswith(f"To load all: {BOTH}")
    assert ("lines", "begins-late") not in codes(load(connector, project, now=later(48)))
    load(connector, project, "orders", "lines", refresh=True, now=later(72))
    assert values(project, "lines") == [11, 12, 21, 22, 31, 32]


def test_a_child_of_a_parent_without_a_watermark_begins_whenever_it_likes(
    shop: Shop, project: Path
) -> None:
    whole = {"endpoint": {"incremental": None}}
    load(connector_of(project, shop.connector(lines=None, notes=None, orders=whole)), project)
    connector = connector_of(project, shop.connector(notes=None, orders=whole))
    assert codes(load(connector, project, now=later())) == []
    assert load(connector, project, "lines", refresh=True, now=later()).status == "ok"
    assert values(project, "lines") == [11, 12, 21, 22, 31, 32]
