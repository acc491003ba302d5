"""A strict simulator of the scheduling API over real HTTP on loopback, with data of its own
making: `with Simulator(small_world()) as api: ... api.base_url`. Standard library only."""

from tests.support.simulator.access import PLANS, SCOPES, Token
from tests.support.simulator.data import NOW, big_world, small_world
from tests.support.simulator.identity import API, Record, last_part
from tests.support.simulator.mishaps import Reply
from tests.support.simulator.server import HERE, Request, Simulator
from tests.support.simulator.world import TABLES, World

__all__ = [
    "API",
    "HERE",
    "NOW",
    "PLANS",
    "SCOPES",
    "TABLES",
    "Record",
    "Reply",
    "Request",
    "Simulator",
    "Token",
    "World",
    "big_world",
    "last_part",
    "small_world",
]
