"""Tells the person at this terminal what came due, whatever screen is in front: toast, bell, badge, terminal title.

Every few seconds one short query in a thread. Each notice is told once in this program; one that was snoozed is new
when it comes back. No toast covers a dialog that is being filled in: it waits until the dialog is closed; one that is
up when a dialog opens makes room, and comes again when there was no time to read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any

from textual.screen import ModalScreen
from textual.widgets import Input, TextArea

from leadtui.screens import terminal
from leadtui.widgets.text import fit, one_line

if TYPE_CHECKING:
    from textual.timer import Timer

    from leadtui.app import LeadApp
    from leadtui.domain.records import NotificationRow

SECONDS = 3.0
"""Between two looks."""

MOST = 100
"""So many are read; more than that is "99+"."""

TOAST_S = 12.0

READ_S = 4.0
"""A toast that was up so long has been read."""

_LATE = timedelta(minutes=10)
"""A notice may become visible so long after its time, when whoever wrote it was slow."""

KINDS = {
    "reminder": "due", "escalation": "passed on", "assignment": "assigned", "loan": "promise", "digest": "your day",
    "stage": "status", "alert": "alert", "reply": "answered", "campaign": "campaign",
    "offer": "offered", "unassigned": "unassigned",
}  # fmt: skip
"""Why somebody is told, in a word or two."""


class Reminding:
    """One per app."""

    def __init__(self, app: LeadApp) -> None:
        self.app = app
        self.unseen = 0
        self.on_desktop = False
        self._told: set[tuple[int, datetime]] = set()
        self._floor: datetime | None = None
        self._held: list[NotificationRow] = []
        self._shown: list[NotificationRow] = []
        """What the toast says that may still be up, since `_shown_at` (s, monotonic)."""
        self._shown_at = 0.0
        self._timer: Timer | None = None
        self._title = ""
        self._is_looking = False

    @property
    def badge(self) -> str:
        """What the hints line shows: how many wait; empty when none."""
        if not self.unseen:
            return ""
        return "99+" if self.unseen >= MOST else str(self.unseen)

    def start(self) -> None:
        """The office is open and the first rows are shown: look now, and every few seconds."""
        if self._timer is None and not self.app.leaving:
            terminal.save_title(self.app)
            self._show_title()
            self._timer = self.app.set_interval(SECONDS, self.look)
            self.app.background.start(self.app, _wants_desktop, self.app.office, then=self._use_desktop)
            self.look()

    def stop(self) -> None:
        """The program ends: the terminal gets its title back."""
        if self._timer is not None:
            self._timer.stop()
            terminal.restore_title(self.app)

    def look(self) -> None:
        """Ask what waits; one question at a time."""
        if self._held:
            self._tell_held()
        if self.app.office is None or self.app.leaving or self._is_looking:
            return
        self._is_looking = True
        self.app.background.start(self.app, _read, self.app.office, then=self._came, failed=self._failed)

    def _failed(self, error: Exception) -> None:
        """Out of reach: what a person does next says so; this one only tries again."""
        self._is_looking = False

    def _use_desktop(self, wanted: bool) -> None:
        self.on_desktop = wanted

    def _came(self, rows: Sequence[NotificationRow]) -> None:
        self._is_looking = False
        new = [row for row in rows if (row.id, row.due_at) not in self._told and not self._is_old(row)]
        self._told.update((row.id, row.due_at) for row in rows)
        if rows:
            newest = max(row.due_at for row in rows)
            floor = newest if len(rows) >= MOST else newest - _LATE
            self._floor = floor if self._floor is None else max(self._floor, floor)
        if len(rows) != self.unseen:
            self.unseen = len(rows)
            self.app.refresh_hints()
            self._show_title()
        waiting = {row.id for row in rows}
        self._held = [row for row in self._held if row.id in waiting]
        if new:
            self.app.bell()
            if self.on_desktop:
                terminal.desktop_notice(self.app, words_of(new))
            self._held += new
            self._tell_held()

    def _is_old(self, row: NotificationRow) -> bool:
        """One that was behind the hundred newest, and told with them, comes up when those are seen."""
        return self._floor is not None and row.due_at <= self._floor

    def _tell_held(self) -> None:
        if is_typing(self.app):
            return
        told, self._held = self._held, []
        if (listed := getattr(self.app.screen, "notices_came", None)) is not None:
            listed()
            return
        self._shown, self._shown_at = told, monotonic()
        self.app.notify(words_of(told), title=title_of(told), severity="warning", timeout=TOAST_S)

    def hide(self, *, again: bool = True) -> None:
        """Something opens that the toast would cover. With `again`, one that was up for too short a time to be read is
        told anew when nothing is in its way.
        """
        shown, self._shown = self._shown, []
        up_s = monotonic() - self._shown_at
        if shown and up_s < TOAST_S:
            self.app.clear_notifications()
            if again and up_s < READ_S:
                self._held = shown + self._held

    def _show_title(self) -> None:
        title = f"({self.badge}) leadtui" if self.badge else "leadtui"
        if title != self._title:
            self._title = title
            terminal.set_title(self.app, title)


def is_typing(app: LeadApp) -> bool:
    """Whether a dialog is in front, or a line is being typed: nothing is put over it."""
    return isinstance(app.screen, ModalScreen) or isinstance(app.screen.focused, (Input, TextArea))


def title_of(rows: Sequence[NotificationRow]) -> str:
    """The first line of a toast."""
    if len(rows) == 1:
        return KINDS.get(rows[0].kind, rows[0].kind).capitalize()
    return f"{len(rows)}{'+' if len(rows) >= MOST else ''} notices"


def words_of(rows: Sequence[NotificationRow]) -> str:
    """What a toast says: one in full; many by kind, with the newest."""
    newest = rows[0]
    words = one_line(f"{fit(newest.title, 40).rstrip()}: {newest.text}" if newest.title else newest.text)
    if len(rows) == 1:
        return f"{words}\n! shows it"
    kinds: dict[str, int] = {}
    for row in rows:
        kinds[row.kind] = kinds.get(row.kind, 0) + 1
    counted = ", ".join(f"{count} {KINDS.get(kind, kind)}" for kind, count in kinds.items())
    return f"{counted}\n{words}\n! shows all"


def _read(office: Any) -> Sequence[NotificationRow]:
    from leadtui.services import reminders
    from leadtui.services.office import Office

    return reminders.mine(office, limit=MOST) if isinstance(office, Office) else ()


def _wants_desktop(office: Any) -> bool:
    from leadtui.services import admin, reminders
    from leadtui.services.office import Office

    return isinstance(office, Office) and admin.preference(office, reminders.DESKTOP, False) is True
