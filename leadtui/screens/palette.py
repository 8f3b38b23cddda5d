"""The command palette: every command by name, and leads to go to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from leadtui.commands import Command, effective_keys, in_scope, show_key
from leadtui.screens.base import LeadScreen
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.app import LeadApp

DEBOUNCE_SECONDS = 0.15
MOST_LEADS = 20


@dataclass(frozen=True, slots=True)
class Place:
    """Something to go to: what it is called, a few words, and how to go there (on the UI thread)."""

    label: str
    help: str
    go: Callable[[], object]


class CommandProvider(Provider):
    """The commands that apply on the screen behind the palette."""

    def _commands(self) -> list[Command]:
        screen = self.screen
        found = screen.commands() if isinstance(screen, LeadScreen) else in_scope("app")
        return [command for command in found if command.group != "Move" and command.id != "app.palette"]

    def _line(self, command: Command) -> tuple[Content, str]:
        keys = " ".join(show_key(key) for key in effective_keys(command, getattr(self.app, "keymap", {})))
        reason = self.app.disabled_reason_on(command.id, self.screen)  # type: ignore[attr-defined]
        words = f"{command.sentence} ({reason})" if reason else command.sentence
        return Content.assemble((command.label, "dim" if reason else "bold"), "  ", (keys, "dim")), words

    def _run(self, command: Command) -> Callable[[], object]:
        return partial(self.app.run_command, command.id)  # type: ignore[attr-defined]

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for command in self._commands():
            line, words = self._line(command)
            yield DiscoveryHit(line, self._run(command), text=command.label, help=words)

    async def search(self, query: str) -> Hits:
        """Fuzzy over label and sentence."""
        matcher = self.matcher(query)
        for command in self._commands():
            score = max(matcher.match(command.label), matcher.match(command.sentence) * 0.9)
            if score > 0:
                line, words = self._line(command)
                yield Hit(score, line, self._run(command), text=command.label, help=words)


class LeadProvider(Provider):
    """Leads by name, phone or number, asked of the app's `find_places` in a thread once typing rests."""

    async def search(self, query: str) -> Hits:
        """At most twenty leads."""
        find: Callable[[str], Sequence[Place]] | None = getattr(self.app, "find_places", None)
        if find is None or len(query.strip()) < 2:
            return
        await asyncio.sleep(DEBOUNCE_SECONDS)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[Place]] = loop.create_future()

        def settle(places: Sequence[Place]) -> None:
            if not answer.done():
                answer.set_result(places)

        background: Any = self.app.background  # type: ignore[attr-defined]
        background.start(self.app, find, query.strip(), then=settle, failed=lambda _: settle(()), group="palette")
        for rank, place in enumerate((await answer)[:MOST_LEADS]):
            yield Hit(
                0.5 - rank / 100, Content(one_line(place.label)), place.go, text=one_line(place.label),
                help=one_line(place.help),
            )  # fmt: skip


class Palette(CommandPalette):
    """Textual's palette; what it shows of data is never read as markup."""


def open_palette(app: LeadApp) -> None:
    """Open the palette over the screen in front."""
    app.push_screen(
        Palette([CommandProvider, LeadProvider], placeholder="command, or the name, phone or number of a lead"),
        None,
    )
