"""Fixtures of the router tests: training routers on real sockets, and what is wanted of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from leadtui.router.port import Secret, WantedUser
from leadtui.router.simulator import Simulator
from tests.hangs import Hangs, hanging_ends_at_once

MakeRouter = Callable[..., Simulator]
MakeWanted = Callable[..., WantedUser]


@pytest.fixture
def make_router() -> Iterator[MakeRouter]:
    """Starts training routers and stops them all at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(Simulator(*args, **options))


@pytest.fixture
def router(make_router: MakeRouter) -> Simulator:
    """One training router of the current version."""
    return make_router()


@pytest.fixture
def hangs(monkeypatch: pytest.MonkeyPatch) -> Hangs:
    """Whoever is kept waiting by a training router is told so at once: no test waits for a deadline."""
    return hanging_ends_at_once(monkeypatch)


@pytest.fixture
def wanted() -> MakeWanted:
    """Makes a wanted user; every value can be replaced."""

    def make(**values: Any) -> WantedUser:
        password = values.pop("password", "kq7mRtz3Wd")
        defaults = {"username": "kamau.j", "service": "pppoe", "profile": "20M", "tag": "leadtui:LD-202511-0001"}
        return WantedUser(**{**defaults, **values}, password=Secret(password))

    return make
