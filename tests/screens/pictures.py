"""Pictures of the screen as text, and pressing keys as a person does: one, look, the next."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from leadtui.widgets.hints import Hints
from tests.screen_help import settled

SIZES = ((80, 24), (120, 40))
SNAPSHOTS = Path(__file__).parent / "snapshots"
_OFFICE = re.compile("office:[0-9a-f]{8}")  # every database has an id of its own


def dump(app: Any) -> str:
    """What a person sees, one line per row, without colours and without blanks at the ends."""
    lines = app.screen._compositor.render_strips()
    return (
        "\n".join("".join(segment.text for segment in strip if not segment.control).rstrip() for strip in lines) + "\n"
    )


async def at_rest(pilot: Pilot[Any], seconds: float = 10.0) -> None:
    """All background work is done, and what waits for the person to rest (filter, preview, remembering) is done too.

    The `quick` fixture of conftest makes those waits a millisecond.
    """
    end = time.monotonic() + seconds
    while True:
        await settled(pilot)
        screens = pilot.app.screen_stack if pilot.app.is_running else []
        nodes = [node for screen in screens for node in (screen, *screen.query("*")) if not isinstance(node, Hints)]
        if not any(_waits(node) for node in nodes):
            return
        assert time.monotonic() < end, "a timer never ended"


def _waits(node: Any) -> bool:
    """Whether a timer of the node has still to ring."""
    for name in ("_timer", "_save_timer"):
        task = getattr(getattr(node, name, None), "_task", None)
        if task is not None and not task.done():
            return True
    return False


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys; after each, wait until the screen is at rest. `text:Kamau` types a text."""
    for key in keys:
        if key.startswith("text:"):
            for letter in key[5:]:
                await pilot.press(NAMES.get(letter, letter))
        else:
            await pilot.press(key)
        await at_rest(pilot)


NAMES = {" ": "space", ":": "colon", "/": "slash", ",": "comma", "-": "minus", ".": "full_stop", "=": "equals_sign"}


def check(app: Any, name: str) -> None:
    """Compare the screen with its snapshot; with UPDATE=1 in the environment write it instead."""
    path = SNAPSHOTS / f"{name}.txt"
    seen = _OFFICE.sub("office:########", dump(app))
    if os.environ.get("UPDATE"):
        path.write_text(seen, encoding="utf-8")
        return
    assert path.exists(), f"{path.name} is missing: run with UPDATE=1 once"
    assert seen == path.read_text(encoding="utf-8"), f"the screen differs from {path.name} (UPDATE=1 writes it anew)"
