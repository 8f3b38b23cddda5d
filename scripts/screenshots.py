"""Makes docs/images: the screens over the demo, as SVG, at 80×24 and 120×40. The clock stands still, so a picture
changes only when its screen does.

    python scripts/screenshots.py [FOLDER]
"""

from __future__ import annotations

import asyncio
import html
import os
import re
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

if TYPE_CHECKING:
    from textual.pilot import Pilot

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
WIDE, SMALL = (120, 40), (80, 24)
FONTS = "ui-monospace, 'DejaVu Sans Mono', 'Noto Sans Mono', Menlo, Consolas, monospace"
CANDIDATE = 'status:"Site Survey Scheduled" -missing:package -missing:location -missing:email'
"""A lead with much to show, ready to be converted."""
CELL = 12.2
"""Width of a character in the picture."""


async def settled(pilot: Pilot[Any], rest_s: float = 0.5) -> None:
    """Nothing is under way, and what waits for the person to rest has been done."""
    end = time.monotonic() + 20
    calm = time.monotonic()
    while time.monotonic() - calm < rest_s:
        await pilot.pause(0.02)
        if not pilot.app.background.idle:  # type: ignore[attr-defined]
            calm = time.monotonic()
        if time.monotonic() > end:
            raise TimeoutError("a screen never came to rest")


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Keys one by one, as a person presses them; `text:…` types."""
    for key in keys:
        if key.startswith("text:"):
            for letter in key[5:]:
                await pilot.press({" ": "space"}.get(letter, letter))
        else:
            await pilot.press(key)
        await settled(pilot, 0.15)


def split(match: re.Match[str]) -> str:
    """One text of the picture as one element a word group: blanks become places, since viewers squeeze blanks."""
    head, left, rest, clip, content = match.groups()
    parts: list[str] = []
    x = float(left)
    for piece in re.split(r"((?:&#160;){2,}|^(?:&#160;)+)", content):
        width = cell_len(html.unescape(piece)) * CELL
        if piece.replace("&#160;", ""):
            parts.append(f'{head}x="{x:g}"{rest} textLength="{width:g}"{clip}>{piece}</text>')
        x = round(x + width, 2)
    return "".join(parts)


def save(pilot: Pilot[Any], folder: Path, name: str) -> None:
    """The screen as SVG, without fonts from elsewhere."""
    width, height = pilot.app.size
    svg = pilot.app.export_screenshot(title="leadtui")
    svg = re.sub(r"@font-face\s*\{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family:[^;]*;", f"font-family: {FONTS};", svg)
    svg = re.sub(
        r'(<text class="[^"]+" )x="([\d.]+)"( y="[\d.]+") textLength="[\d.]+"([^>]*)>([^<\n]*)</text>', split, svg
    )
    path = folder / f"{name}-{width}x{height}.svg"
    path.write_text("\n".join(line.rstrip(" ") for line in svg.splitlines()) + "\n", encoding="utf-8")
    print(path.name)


async def pictures(db: str, folder: Path) -> None:
    """Everything, at both sizes."""
    from leadtui.app import LeadApp
    from leadtui.config import Settings
    from leadtui.screens.convert import ConvertWizard
    from leadtui.screens.lead_detail import LeadDetailScreen
    from leadtui.services import leads
    from leadtui.services.office import open_office

    office = open_office(db, origin="tui")
    shown = leads.search(office, CANDIDATE, limit=1).rows[0]
    try:
        for size in (WIDE, SMALL):
            app = LeadApp(Settings(), open_office=lambda: open_office(db, origin="tui"))
            async with app.run_test(size=size) as pilot:
                await settled(pilot)
                await press(pilot, "j", "j", "j")
                await settled(pilot)
                save(pilot, folder, "leads")
                await press(pilot, "f", "text:source:referral due:overdue is:active")
                await settled(pilot)
                save(pilot, folder, "filter")
                await press(pilot, "escape", "escape", "F", "n")
                save(pilot, folder, "form")
                await press(pilot, "escape")
                app.push_screen(LeadDetailScreen(shown.id))
                await settled(pilot)
                save(pilot, folder, "lead")
                await press(pilot, "escape")
                app.push_screen(ConvertWizard(shown.id))
                await settled(pilot)
                await press(pilot, "enter")
                save(pilot, folder, "convert")
                await press(pilot, "ctrl+s")
                save(pilot, folder, "plan")
    finally:
        office.close()


def main() -> None:
    """A demo with its router, in a folder that is removed."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    for name in [key for key in os.environ if key.startswith("LEADTUI_")] + ["NO_COLOR"]:
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"HOME": home, "LEADTUI_CONFIG": f"{home}/config.toml", "COLORTERM": "truecolor"}
        from leadtui import clock
        from leadtui.services.demo import start_demo

        clock.set_clock(lambda: NOW)
        demo = start_demo()
        try:
            asyncio.run(pictures(demo.db, folder))
        finally:
            demo.close()


if __name__ == "__main__":
    main()
