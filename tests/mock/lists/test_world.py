"""The world: lists that keep their order, and places that no other record gets."""

from __future__ import annotations

import pytest

from framework.mock.lists.world import ListKey, World

KEY = ListKey("items", "GET", "/items", ("/items",))


def names(world: World) -> list[str]:
    return [record.data for record in world.records(KEY)]


def test_records_are_inserted_where_they_are_wanted() -> None:
    world = World()
    world.put(KEY, ["a", "c"])
    world.insert(KEY, "b", at=1)
    world.insert(KEY, "first", at=0)
    world.insert(KEY, "last")
    assert names(world) == ["first", "a", "b", "c", "last"]
    places = [record.place for record in world.records(KEY)]
    assert places == sorted(set(places))


def test_a_place_is_never_used_again() -> None:
    world = World()
    world.put(KEY, ["a", "b"])
    gone = world.records(KEY)[1].place
    world.remove(KEY, gone)
    world.insert(KEY, "c")
    assert world.records(KEY)[1].place > gone


def test_a_list_without_room_is_refused() -> None:
    world = World()
    world.put(KEY, ["a", "z"])

    def fill() -> None:
        for _ in range(100):
            world.insert(KEY, "m", at=1)

    with pytest.raises(ValueError, match="no room"):
        fill()


def test_a_list_is_found_by_what_its_requests_have_in_common() -> None:
    world = World()
    world.put(KEY, ["a"])
    same = ListKey("items", "GET", "/other", ("/items",))
    assert world.find(same) is not None
    assert world.find_digest(same.digest) == KEY
    assert world.find(ListKey("items", "GET", "/items", ("/else",))) is None
    assert world.find_digest("00000000") is None


def test_each_change_is_counted() -> None:
    world = World()
    world.put(KEY, ["a"])
    version = world.version
    world.change("items", str.upper)
    assert names(world) == ["A"]
    assert world.version > version
