"""A run's turn: taken once, however deep its blocks are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from framework.errors import Interrupted
from framework.runtime.destination_turn import DestinationTurn


class LoggedTurns:
    """Turns that are written down."""

    def __init__(self) -> None:
        self.log: list[str] = []

    @contextmanager
    def __call__(self, place: str) -> Iterator[None]:
        self.log.append(f"take {place}")
        try:
            yield
        finally:
            self.log.append("end")


def test_a_turn_within_a_turn_is_the_same() -> None:
    turns = LoggedTurns()
    turn = DestinationTurn("data.duckdb", turns)
    with turn:
        with turn, turn:
            pass
        assert turns.log == ["take data.duckdb"]
    assert turns.log == ["take data.duckdb", "end"]
    with turn:
        pass
    assert turns.log == ["take data.duckdb", "end"] * 2


def test_a_turn_ends_with_an_error() -> None:
    turns = LoggedTurns()
    turn = DestinationTurn("data.duckdb", turns)
    with pytest.raises(ZeroDivisionError), turn, turn:
        raise ZeroDivisionError
    assert turns.log == ["take data.duckdb", "end"]


def test_a_turn_that_was_not_given_is_not_held() -> None:
    turns = LoggedTurns()
    given = iter([Interrupted("stopped"), None])

    @contextmanager
    def take(place: str) -> Iterator[None]:
        error = next(given)
        if error is not None:
            raise error
        with turns(place):
            yield

    turn = DestinationTurn("data.duckdb", take)
    with pytest.raises(Interrupted), turn:
        raise AssertionError("the block must not begin")
    with turn:
        assert turns.log == ["take data.duckdb"]


def test_without_others_nobody_waits() -> None:
    turn = DestinationTurn()
    with turn, turn:
        assert not turn.is_shared
