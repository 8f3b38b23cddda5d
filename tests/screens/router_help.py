"""A training router on the list of the test office."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from leadtui.router.simulator import Simulator

ROUTER = "WL-RTR-1"


@pytest.fixture
def simulator(office: Any) -> Iterator[Simulator]:
    """The training router, on the list of `office`."""
    from leadtui.services import routers

    with Simulator() as running:
        values = {"name": ROUTER, "host": running.host, "port": str(running.port), "username": "admin"}
        routers.add(office, values | {"password": "admin"})
        yield running
