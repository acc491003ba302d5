"""`python -m tests.support.simulator --port 8099 --token secret`: serve until interrupted."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from tests.support.simulator import PLANS, Simulator, Token, big_world, small_world


def main() -> int:
    """Print the base URL, then serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="tests.support.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--token", default="secret")
    parser.add_argument("--user", help="slug of the token's user; the owner by default")
    parser.add_argument("--role", choices=("owner", "admin", "user"), default="owner")
    parser.add_argument("--plan", choices=PLANS, default="enterprise")
    parser.add_argument("--events", type=int, help="a large account with so many events")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--rate-limit", type=int, default=100_000, help="requests a minute")
    parser.add_argument("--old-pagination", action="store_true", help="no next_page_token")
    given = parser.parse_args()
    token = Token(given.token, user=given.user, role=given.role, plan=given.plan)
    world = big_world(given.events) if given.events else small_world()
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    with Simulator(
        world,
        [token],
        port=given.port,
        latency=given.latency,
        rate_limit=given.rate_limit,
        old_pagination=given.old_pagination,
    ) as simulator:
        sys.stdout.write(f"{simulator.base_url}\n")
        sys.stdout.flush()
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
