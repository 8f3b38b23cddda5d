"""The main screens: where they are, and how they are made when first visited."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any, Final

from textual.screen import Screen

from leadtui.screens.splash import Splash

Make = Callable[[], Screen[Any]]

PLACES: Final[Mapping[str, tuple[str, str]]] = {
    "today": ("leadtui.screens.today", "TodayScreen"),
    "leads": ("leadtui.screens.leads", "LeadsScreen"),
    "customers": ("leadtui.screens.customers", "CustomersScreen"),
    "routers": ("leadtui.screens.routers", "RoutersScreen"),
    "users": ("leadtui.screens.users", "UsersScreen"),
    "office": ("leadtui.screens.office", "OfficeScreen"),
    "history": ("leadtui.screens.history", "HistoryScreen"),
    "loans": ("leadtui.screens.loans", "LoansScreen"),
    "jobs": ("leadtui.screens.jobs", "JobsScreen"),
    "campaigns": ("leadtui.screens.campaigns", "CampaignsScreen"),
    "board": ("leadtui.screens.board", "BoardScreen"),
    "stats": ("leadtui.screens.stats", "StatsScreen"),
}
"""Each place has its own stack of screens; its module is imported on the first visit."""
START: Final = "start"
"""The mode of the first paint."""
FIRST: Final = "leads"
"""The place that follows it."""


def _make(place: str) -> Screen[Any]:
    module, name = PLACES[place]
    screen: Screen[Any] = getattr(import_module(module), name)()
    return screen


def modes(instead: Mapping[str, Make]) -> dict[str, Make]:
    """Textual's modes; `instead` replaces places (tests, small demos)."""

    def load() -> None:
        if FIRST not in instead:
            import_module(PLACES[FIRST][0])

    made: dict[str, Make] = {place: partial(_make, place) for place in PLACES}
    return {START: lambda: Splash(load, FIRST), **made, **instead}
