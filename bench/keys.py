"""How many keys the daily work takes: `python -m bench.keys [--write]` really presses them, in the real program.

A demo database with its training router; before each task the program is brought to where the task begins, then every
key is counted until the database says that it is done. Letters that are somebody's name, number or words are counted
apart: they are the same in any program. `--write` puts the table into docs/keys-per-task.md.
Exit code 1 when a call with outcome, next date and status takes more than three keys, or a task does not end as it
should.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MOST_FOR_A_CALL = 3
DOCUMENT = Path(__file__).parent.parent / "docs" / "keys-per-task.md"
_DEADLINE_S = 20.0
_NAMED = {" ": "space", "/": "slash", "+": "plus", "-": "minus", ":": "colon", ".": "full_stop"}


@dataclass
class Hands:
    """Presses keys, counts them, and waits for what they set going."""

    pilot: Any
    office: Any
    keys: int = 0
    letters: int = 0
    shown: list[str] = field(default_factory=list)

    async def press(self, *keys: str) -> None:
        """Keys that are commands."""
        for key in keys:
            self.keys += 1
            self.shown.append(key)
            await self.pilot.press(key)
            await self.rest()

    async def write(self, text: str, says: str) -> None:
        """Words of one's own; `says` names them in the table."""
        self.letters += len(text)
        self.shown.append(f"‹{says}›")
        for letter in text:
            await self.pilot.press(_NAMED.get(letter, letter))
        await self.rest()

    async def rest(self) -> None:
        """Until nothing is under way behind the screen."""
        quiet = 0
        while quiet < 2:
            await self.pilot.pause()
            quiet = quiet + 1 if self.pilot.app.background.idle else 0

    async def until(self, test: Callable[[], bool], what: str) -> None:
        """Until it is so; ends the program when it never is."""
        end = time.monotonic() + _DEADLINE_S
        while not test():
            if time.monotonic() > end:
                raise SystemExit(f"bench.keys: it never came to this: {what}\n{self.picture()}")
            await self.pilot.pause(0.02)
        await self.rest()

    def picture(self) -> str:
        """The screen as text."""
        lines = self.pilot.app.screen._compositor.render_strips()
        return "\n".join("".join(part.text for part in line if not part.control).rstrip() for line in lines)

    def begin(self) -> None:
        """From here on it counts."""
        self.keys = self.letters = 0
        self.shown.clear()


@dataclass(frozen=True)
class Task:
    """What is done, from where, and what is then true."""

    name: str
    work: Callable[[Hands], Awaitable[None]]
    is_call: bool = False
    """Whether it logs a call with outcome, next date and status."""


@dataclass(frozen=True)
class Taken:
    """What a task took."""

    task: Task
    keys: int
    letters: int
    shown: str


LEADS = 24


def fill(office: Any) -> None:
    """Leads of the bench, each with a follow-up of yesterday."""
    from leadtui.services import leads

    sources = [one.name for one in office.catalog.sources if one.is_active]
    package = next(one.name for one in office.catalog.products if one.profile)
    for number in range(LEADS):
        values = {
            "name": f"Bench {number:02}", "phone": f"0722 9{number:02} 4{number:02}", "source": sources[0],
            "package": package, "installation_fee": "2500", "monthly_fee": "1999", "follow_up": "yesterday",
        }  # fmt: skip
        leads.create(office, values, allow_duplicate=True)


def one(office: Any, number: int) -> Any:
    """A lead of the bench as it is now."""
    from leadtui.services import leads

    return leads.search(office, f'"Bench {number:02}"').rows[0]


async def to_list(hands: Hands, words: str) -> None:
    """The list of leads, showing what these words find, the cursor on the first."""
    while len(hands.pilot.app.screen_stack) > 1:
        hands.pilot.app.pop_screen()
        await hands.pilot.pause()
    hands.pilot.app.action_go_to("leads")
    await hands.rest()
    screen = hands.pilot.app.screen
    await hands.until(lambda: screen.cells is not None, "the list is open")
    screen.apply(words)
    await hands.rest()
    await hands.until(lambda: bool(screen.table.row_count), f"the list shows {words}")
    screen.table.focus()
    await hands.press("g")
    hands.begin()


async def to_work(hands: Hands, number: int) -> None:
    """Work mode with one lead of the bench before it."""
    await to_list(hands, f'"Bench {number:02}"')
    await hands.press("W")
    await hands.until(lambda: getattr(hands.pilot.app.screen, "turn", None) is not None, "work mode shows a lead")
    hands.begin()


def tasks() -> tuple[Task, ...]:
    """All that is counted."""
    from leadtui.services import leads

    def worked(number: int, *steps: tuple[str, ...] | tuple[str, str, str], status: str | None = None) -> Any:
        async def work(hands: Hands) -> None:
            await to_work(hands, number)
            before = one(hands.office, number)
            for step in steps:
                if step[0] == "write":
                    await hands.write(step[1], step[2])
                else:
                    await hands.press(*step)

            def done() -> bool:
                now = one(hands.office, number)
                moved = status is None or now.status == status
                return bool(moved and now.next_follow_up != before.next_follow_up)

            await hands.until(done, f"{steps} written")

        return work

    async def undone(hands: Hands) -> None:
        await to_work(hands, 5)
        before = one(hands.office, 5)
        await hands.press("2")
        await hands.until(lambda: one(hands.office, 5).status == "Interested", "logged")
        hands.begin()
        await hands.press("u")
        await hands.until(lambda: one(hands.office, 5).next_follow_up == before.next_follow_up, "taken back")

    async def logged(hands: Hands) -> None:
        await to_list(hands, '"Bench 06"')
        await hands.press("c", "2", "enter")
        await hands.until(lambda: one(hands.office, 6).status == "Interested", "logged by the dialog")

    async def moved(hands: Hands) -> None:
        await to_list(hands, '"Bench 07"')
        before = one(hands.office, 7).status
        await hands.press("s", "enter")
        await hands.until(lambda: one(hands.office, 7).status != before, "another status")

    async def planned(hands: Hands) -> None:
        await to_list(hands, '"Bench 08"')
        lead_id = one(hands.office, 8).id
        before = len(leads.get(hands.office, lead_id).follow_ups)
        await hands.press("enter", "f", "2", "enter")
        await hands.until(lambda: len(leads.get(hands.office, lead_id).follow_ups) > before, "a follow-up more")

    async def added(hands: Hands) -> None:
        await to_list(hands, "Bench")
        await hands.press("n")
        await hands.write("0722 555 777", "phone")
        await hands.press("tab")
        await hands.write("Added Here", "name")
        await hands.press("ctrl+s")
        await hands.until(lambda: leads.count(hands.office, '"Added Here"') == 1, "a lead more")

    async def found(hands: Hands) -> None:
        from leadtui.screens.lead_detail import LeadDetailScreen

        await to_list(hands, "Bench")
        await hands.press("slash")
        await hands.write("909409", "six digits")
        await hands.press("enter", "enter")
        await hands.until(lambda: isinstance(hands.pilot.app.screen, LeadDetailScreen), "the lead is open")
        await hands.until(lambda: hands.pilot.app.screen.lead() is not None, "the lead is read")
        if hands.pilot.app.screen.lead().name != "Bench 09":
            raise SystemExit("bench.keys: another lead was found")

    async def converted(hands: Hands) -> None:
        await to_list(hands, '"Bench 10"')
        await hands.press("C", "enter", "ctrl+s")
        await hands.until(lambda: getattr(hands.pilot.app.screen, "step", "") == "plan", "the plan is shown")
        await hands.press("enter")
        await hands.until(lambda: one(hands.office, 10).router_user is not None, "a router user")

    async def reassigned(hands: Hands) -> None:
        login = next(
            u.login for u in hands.office.catalog.users if u.is_active and u.login not in ("system", "wanjiku")
        )
        await to_list(hands, "Bench")
        await hands.press(*["space"] * 10, "a")
        await hands.write(login, "who")
        await hands.press("enter")
        done = f"Bench assigned:{login}"
        before = leads.count(hands.office, done)
        await hands.press("enter")
        await hands.until(lambda: leads.count(hands.office, done) >= max(before, 10), "ten leads assigned")

    return (
        Task("work mode: interested (outcome, next date, status)", worked(0, ("2",), status="Interested"), True),
        Task("work mode: no answer, again in 4 hours", worked(1, ("1",)), True),
        Task("work mode: call back at the time offered", worked(2, ("3", "enter"), status="Contacted"), True),
        Task("work mode: call back in two days",
             worked(3, ("3",), ("write", "+2d", "+2d"), ("enter",), status="Contacted")),
        Task("work mode: not interested, the reason in one's own words",
             worked(4, ("4",), ("write", "moved away", "reason"), ("enter",), status="Not Interested")),
        Task("work mode: not interested, one of the office's reasons", worked(11, ("4", "1"), status="Not Interested"),
             True),
        Task("work mode: take the last outcome back", undone),
        Task("from the list: log a call (outcome, next date, status)", logged, True),
        Task("from the list: on to the next status", moved),
        Task("from the list: open a lead, follow up in two days", planned),
        Task("add a lead", added),
        Task("find a lead by a part of its phone and open it", found),
        Task("convert with a router user", converted),
        Task("reassign ten leads", reassigned),
    )  # fmt: skip


async def run(db: str) -> list[Taken]:
    """Every task in one program."""
    from leadtui.app import LeadApp
    from leadtui.config import Settings
    from leadtui.services.office import open_office

    office = open_office(db, origin="tui")
    fill(office)
    taken = []
    app = LeadApp(Settings(), open_office=lambda: office)
    async with app.run_test(size=(120, 40)) as pilot:
        hands = Hands(pilot, office)
        await hands.until(lambda: app.office is not None, "the office is open")
        for task in tasks():
            await task.work(hands)
            taken.append(Taken(task, hands.keys, hands.letters, " ".join(_show(key) for key in hands.shown)))
    office.close()
    return taken


def _show(key: str) -> str:
    return {"slash": "/", "ctrl+s": "^s"}.get(key, key)


def table(taken: list[Taken]) -> list[str]:
    """As Markdown."""
    lines = ["| task | keys | letters typed | which |", "|---|---:|---:|---|"]
    for row in taken:
        which = row.shown.replace(" ".join(["space"] * 10), "space ×10")
        lines.append(f"| {row.task.name} | {row.keys} | {row.letters or ''} | `{which}` |")
    return lines


HEAD = """# Keys per task

Written by `python -m bench.keys --write`, which presses these keys in the real program over a demo database, counts
them, and looks in the database whether the task is done. Words of one's own (a name, a number, a reason) are counted
apart, as ‹what they are›. A call logged with its outcome, the next date and the status may take three keys at most.

"""


def main() -> int:
    """Press, count, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.keys", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write docs/keys-per-task.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="leadtui-keys-") as folder:
        for name in [name for name in os.environ if name.startswith("LEADTUI_")]:
            del os.environ[name]
        os.environ["LEADTUI_CONFIG"] = str(Path(folder) / "config.toml")
        from leadtui.services.demo.running import start_demo

        demo = start_demo(leads=40)
        try:
            taken = asyncio.run(run(demo.db))
        finally:
            demo.close()
    lines = table(taken)
    print("\n".join(lines))
    if options.write:
        DOCUMENT.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    slow = [row for row in taken if row.task.is_call and row.keys > MOST_FOR_A_CALL]
    for row in slow:
        print(f"too many keys for a call: {row.task.name}: {row.keys}", file=sys.stderr)
    return 1 if slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
