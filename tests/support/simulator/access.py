"""Who asks, and what they may: tokens with a user, role, scopes and plan. It knows no data."""

from __future__ import annotations

from dataclasses import dataclass

SCOPES = frozenset(
    {
        "users:read", "organizations:read", "event_types:read", "groups:read",
        "scheduled_events:read", "routing_forms:read", "availability:read", "activity_log:read",
        "outgoing_communications:read",
    }
)  # fmt: skip
"""All scopes that the endpoints here ask for."""

PLANS = ("free", "standard", "teams", "enterprise")
"""From the least to the most."""


@dataclass(frozen=True)
class Token:
    """A personal access token. `user` is a user's slug or uri, None the account's first (the
    owner); `role` (owner, admin, user), `scopes` and `plan` are what the server grants it."""

    value: str
    user: str | None = None
    role: str = "owner"
    scopes: frozenset[str] = SCOPES
    plan: str = "enterprise"

    @property
    def leads(self) -> bool:
        """Whether it may read the whole organization."""
        return self.role in ("owner", "admin")

    def has_plan(self, plan: str) -> bool:
        """Whether its account's plan is that one or a better one."""
        return PLANS.index(self.plan) >= PLANS.index(plan)
