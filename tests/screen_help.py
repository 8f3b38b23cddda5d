"""What tests of screens share: waiting for background work, and pictures of the screen as text."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from textual.pilot import Pilot


async def settled(pilot: Pilot[Any], seconds: float = 30.0) -> None:
    """Wait until no background work is under way and its answers are drawn."""
    background = getattr(pilot.app, "background", None)
    end = time.monotonic() + seconds
    quiet = 0
    while quiet < 2:
        await pilot.pause()
        if background is not None and not background.idle:
            quiet = 0
            if time.monotonic() > end:
                raise AssertionError(f"still under way: {[job.title or job.group for job in background.jobs]}")
            await asyncio.sleep(0.005)
        else:
            quiet += 1


def picture(app: Any) -> str:
    """The screen in front as plain text, one line per row: what a person sees, without colours."""
    width, height = app.size
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip if not segment.control) for strip in lines)[
        : (width + 1) * height * 4
    ]
