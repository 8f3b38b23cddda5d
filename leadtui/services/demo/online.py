"""The demo's customers use what they pay for: most were online long ago and are now, a few never were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from leadtui.services.first_online import ACTIVITY
from leadtui.store import schema as t
from leadtui.store.unit_of_work import WriteTx

if TYPE_CHECKING:
    from leadtui.router.simulator import Simulator

_NEVER = 14
"""One of so many was never online: the supervisor's list is not empty."""
_SESSIONS = 120
"""How many may be online: fewer than the router has addresses, however many leads the demo has."""


def come_online(tx: WriteTx, simulator: Simulator, router: str, users: Sequence[dict[str, Any]]) -> None:
    """Set in `users` (rows of `router_user` to be) who was first online when; open sessions for the newest of them."""
    told: list[dict[str, Any]] = []
    for place, user in enumerate(users):
        began = user["created_at"] + timedelta(hours=1 + place % 9, minutes=place * 7 % 60)
        is_seen = place % _NEVER != _NEVER // 2 and began < tx.now
        user["first_online_at"] = began if is_seen else None
        user["first_online_ip"] = f"10.20.0.{2 + place % 250}" if is_seen else None
        if not is_seen:
            continue
        if place % 5 and place >= len(users) - _SESSIONS:
            uptime = f"{place % 6}d{place * 5 % 24}h{place * 11 % 60}m"
            simulator.dial_in(
                user["username"], f"4C:5E:0C:0A:{place // 256 % 256:02X}:{place % 256:02X}", uptime=uptime
            )
        if user["lead_id"] is not None:
            told.append(_told(tx, router, user, began))
    if told:
        tx.conn.execute(insert(t.activity), told)


def _told(tx: WriteTx, router: str, user: Mapping[str, Any], began: datetime) -> dict[str, Any]:
    """The line on the lead's timeline, as `first_online` writes it."""
    return {
        "lead_id": user["lead_id"], "type": ACTIVITY, "scheduled_at": None, "all_day": False, "completed_at": began,
        "subject": f"First online at {began.astimezone(tx.catalog.tz):%Y-%m-%d %H:%M}",
        "description": f"{user['username']} on {router} with {user['first_online_ip']}; up 4m10s when seen",
        "created_by_id": next(one.id for one in tx.catalog.users if one.login == "system"),
        "created_at": began, "updated_at": began,
    }  # fmt: skip
