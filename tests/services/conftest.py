"""Fixtures of the service tests: the training router."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from leadtui.router.simulator import Simulator


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A training router on loopback."""
    with Simulator() as running:
        yield running
