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
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from leadtui.app import LeadApp

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
WIDE, SMALL = (120, 40), (80, 24)
PORTS = (18728, 18729, 18730)
"""Of the training routers; nobody listens at the last."""
FONTS = "ui-monospace, 'DejaVu Sans Mono', 'Noto Sans Mono', Menlo, Consolas, monospace"
READY = 'status:"Site Survey Scheduled" -missing:package -missing:location -missing:email'
CANDIDATE = f"{READY} location:Parklands"
"""A lead with much to show, ready to be converted, where a router serves the place."""
SUSPENDED, FAMILY = 3, (6, 22)
"""The customer whose page is shown, and its relatives."""
CHANCES = {
    r"answered in \d ms": "answered in 3 ms",
    "office:[0-9a-f]{8}": "office:1a2b3c4d",
    r"1d2h3m\d+s": "1d2h3m4s",
}
"""What is another one in every run, and what is shown instead."""
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
    for chance, always in CHANCES.items():
        svg = re.sub(chance.replace(" ", "&#160;"), always.replace(" ", "&#160;"), svg)
    path = folder / f"{name}-{width}x{height}.svg"
    path.write_text("\n".join(line.rstrip(" ") for line in svg.splitlines()) + "\n", encoding="utf-8")
    print(path.name)


def office_with_routers(folder: Path, running: ExitStack) -> str:
    """The demo's database with two more routers, one of which does not answer, customers suspended, and something for
    an audit to find. The ports are given, so that they are the same in every picture.
    """
    from leadtui import clock
    from leadtui.domain.subscriptions import ChangePackage, Suspend
    from leadtui.router.port import tag_for
    from leadtui.router.simulator import Simulator
    from leadtui.services import admin, capacity, customer_editing, family_groups, leads, package_push, routers
    from leadtui.services import subscriptions as service
    from leadtui.services.conversion import ConvertRequest, RouterRequest, convert
    from leadtui.services.customer_finding import detail
    from leadtui.services.demo import build_demo
    from leadtui.services.office import open_office
    from leadtui.services.router_audit import audit_all

    clock.set_clock(lambda: NOW - timedelta(minutes=4))
    info = build_demo(folder / "office.db")
    westlands = running.enter_context(Simulator(info.state_file, port=PORTS[0], identity="WL-RTR-1"))
    kilimani = running.enter_context(
        Simulator(port=PORTS[1], identity="KL-RTR-2", board="RB5009UG+S+", version="7.16.1 (stable)", tls=True)
    )
    for profile in kilimani.rows("/ppp/profile"):
        if profile["name"] in ("10M", "20M", "50M", "100M"):
            kilimani.remove("/ppp/profile", profile["name"])
    office = open_office(str(info.db), origin="tui")
    login = {"host": "127.0.0.1", "username": "admin", "password": "admin"}
    try:
        routers.edit(office, "WL-RTR-1", {"port": str(PORTS[0]), "areas": "Westlands, Parklands, Kangemi"})
        tls = {"tls": "pin", "tls_pin": kilimani.fingerprint, "areas": "Kilimani, Lavington"}
        routers.add(office, login | tls | {"name": "KL-RTR-2", "port": str(PORTS[1])})
        routers.add(office, login | {"name": "RUI-RTR-1", "port": str(PORTS[2]), "areas": "Ruiru", "tls": "plain"})
        for name in ("WL-RTR-1", "KL-RTR-2", "RUI-RTR-1"):
            routers.test(office, name)
        admin.edit(office, "package", "20 Mbps Home", {"upload": "5M", "download": "20M"})
        for name in ("10 Mbps Home", "20 Mbps Home"):
            package_push.push(office, name, ["KL-RTR-2"])
        for row in leads.search(office, READY, sort="created_at", limit=2).rows:
            request = ConvertRequest(router=RouterRequest("KL-RTR-2", package="20 Mbps Home"))
            convert(office, row.id, request)
        family_groups.add_family_group(office, "Odhiambo, Palm Court")
        for customer in (SUSPENDED, *FAMILY):
            customer_editing.edit(office, customer, {"family_group": "Odhiambo, Palm Court"})
        service.carry_out(office, SUSPENDED, ChangePackage("20 Mbps Home"))
        for customer in (SUSPENDED, 25, 31):
            service.carry_out(office, customer, Suspend("two months unpaid"))
        # What people do at the router itself: the audit's findings.
        gone, changed = (detail(office, number).users[0].username for number in (12, 15))
        westlands.remove("/ppp/secret", gone)
        westlands.change("/ppp/secret", changed, profile="100M")
        mark = tag_for("LD-202604-0099", office.catalog.office_id)
        left = {"name": "old.tenant", "password": "left-behind", "profile": "10M", "comment": mark}
        westlands.add("/ppp/secret", **left)
        audit_all(office)
        capacity.poll(office)
    finally:
        office.close()
        clock.set_clock(lambda: NOW)
    return str(info.db)


async def insight(app: LeadApp, pilot: Pilot[Any], folder: Path) -> None:
    """Figures, board, and a rule that is tried on the past."""
    from leadtui.screens.board import BoardScreen
    from leadtui.screens.rule_rehearsal import RuleRehearsalScreen
    from leadtui.screens.stats import StatsScreen

    app.push_screen(StatsScreen())
    await settled(pilot)
    save(pilot, folder, "stats")
    await app.pop_screen()
    app.push_screen(BoardScreen())
    await settled(pilot)
    save(pilot, folder, "board")
    await app.pop_screen()
    app.push_screen(RuleRehearsalScreen("score", "What each rule is worth"))
    await settled(pilot)
    save(pilot, folder, "rehearsal")
    await app.pop_screen()


async def pictures(db: str, folder: Path) -> None:
    """Everything, at both sizes."""
    from leadtui.app import LeadApp
    from leadtui.config import Settings
    from leadtui.screens.convert import ConvertWizard
    from leadtui.screens.customer_detail import CustomerDetailScreen
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
                await press(pilot, "home", "j", "j", "j")
                await settled(pilot)
                save(pilot, folder, "leads")
                await press(pilot, "f", "text:source:referral due:overdue is:active")
                await settled(pilot)
                save(pilot, folder, "filter")
                await press(pilot, "escape", "escape", "F", "n", f"text:{shown.phone}", "tab")
                await settled(pilot)
                save(pilot, folder, "form")
                await app.pop_screen()
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
                await press(pilot, "escape", "escape", "escape", "2", "home", "j", "j", "j", "j")
                await settled(pilot)
                save(pilot, folder, "customers")
                app.push_screen(CustomerDetailScreen(SUSPENDED))
                await settled(pilot)
                save(pilot, folder, "customer")
                await press(pilot, "escape", "3")
                await settled(pilot)
                await press(pilot, "home", "j", "j")
                save(pilot, folder, "routers")
                await press(pilot, "A")
                await settled(pilot)
                await press(pilot, "end")
                save(pilot, folder, "audit")
                await press(pilot, "escape", "5", "v")
                await settled(pilot)
                await press(pilot, "end", "k")
                save(pilot, folder, "drift")
                await press(pilot, "escape", "0")
                await settled(pilot)
                save(pilot, folder, "today")
                await press(pilot, "W")
                await settled(pilot)
                save(pilot, folder, "work")
                await press(pilot, "escape", "9")
                await settled(pilot)
                await press(pilot, "home", "j", "j")
                save(pilot, folder, "campaigns")
                await press(pilot, "enter")
                await settled(pilot)
                save(pilot, folder, "campaign")
                await press(
                    pilot, "escape", "n", "text:Fibre week", "tab", "tab", "text:status:interested", "tab", "tab"
                )
                await press(pilot, "text:Hi {first_name|there}, 20 Mbps is ready in {location|your street}.")
                await settled(pilot)
                save(pilot, folder, "compose")
                await insight(app, pilot, folder)
    finally:
        office.close()


def main() -> None:
    """A demo with its routers, in a folder that is removed."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    for name in [key for key in os.environ if key.startswith("LEADTUI_")] + ["NO_COLOR"]:
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory() as home, ExitStack() as running:
        os.environ |= {"HOME": home, "LEADTUI_CONFIG": f"{home}/config.toml", "COLORTERM": "truecolor"}
        asyncio.run(pictures(office_with_routers(Path(home), running), folder))


if __name__ == "__main__":
    main()
