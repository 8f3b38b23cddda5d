"""A lead in a drip: where it stands there and why, and holding it, letting it go on, or taking it out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from leadtui import clock
from leadtui.screens.base import LeadModal, LeadScreen
from leadtui.screens.drip_rows import STATES
from leadtui.widgets.lead_cells import moment
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.drips import EnrollmentRow


class EnrollmentDialog(LeadModal[Any]):
    """Answers True when something was done."""

    BINDINGS: ClassVar[list[BindingType]] = [("p", "hold"), ("x", "leave")]
    DEFAULT_CSS: ClassVar[str] = """
    EnrollmentDialog .fact { height: auto; }
    EnrollmentDialog .buttons { margin-top: 1; }
    """

    def __init__(self, row: EnrollmentRow) -> None:
        super().__init__()
        self.row = row

    @property
    def is_open(self) -> bool:
        """Whether the lead is in it still."""
        return self.row.state in ("active", "paused")

    def body(self) -> ComposeResult:
        """Facts, buttons."""
        with Vertical(classes="dialog") as box:
            box.border_title = Content(one_line(self.row.drip_name))
            yield Static("", classes="fact", id="facts", markup=False)
            with Horizontal(classes="buttons"):
                if self.is_open:
                    yield Button("Take out (x)", id="leave")
                    yield Button("Hold (p)" if self.row.state == "active" else "Let go on (p)", id="hold")
                yield Button("Close", id="close")

    def on_mount(self) -> None:
        """The safe button."""
        self.query_one("#close").focus()

    def office_ready(self) -> None:
        """Say where it stands."""
        row, now, tz = self.row, clock.now(), self.office.catalog.tz
        due = row.state == "active" and row.next_run_at is not None
        not_running = "" if row.drip_status == "active" else f"the drip is {row.drip_status}: nobody goes on"
        facts = [
            ("state", STATES.get(row.state, (row.state, ""))[0]),
            ("because", row.why),
            ("", not_running if self.is_open else ""),
            ("steps done", f"{row.current_step} of {row.step_count} (version {row.version})"),
            ("next", row.next_step or "" if self.is_open else ""),
            ("due", moment(row.next_run_at, now, tz).strip() if due and row.next_run_at else ""),
            ("last step", moment(row.last_executed_at, now, tz).strip() if row.last_executed_at else ""),
            ("enrolled", f"{moment(row.enrolled_at, now, tz).strip()} by {row.enrolled_by}"),
            ("ended", moment(row.ended_at, now, tz).strip() if row.ended_at else ""),
        ]
        lines = [Content.assemble((f"{label:12}", "$text-muted"), one_line(words)) for label, words in facts if words]
        self.query_one("#facts", Static).update(Content("\n").join(lines))

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        match event.button.id:
            case "hold":
                self.action_hold()
            case "leave":
                self.action_leave()
            case _:
                self.dismiss(None)

    def action_hold(self) -> None:
        """Hold it, or let it go on."""
        if self.row.state == "active":
            change(self, "pause", [self.row], "held: it waits until somebody lets it go on")
        elif self.row.state == "paused":
            change(self, "resume", [self.row], "goes on")

    def action_leave(self) -> None:
        """Out of it."""
        if self.is_open:
            change(self, "stop", [self.row], "taken out; what was sent stays")


def change(screen: LeadScreen[Any], name: str, rows: Sequence[EnrollmentRow], words: str) -> None:
    """Do something with a lead's enrollments; a dialog closes."""
    office, app = screen.office, screen.lead_app

    def write() -> None:
        from leadtui.services import drips

        for row in rows:
            getattr(drips, name)(office, enrollment=row.id)

    def done(_none: None) -> None:
        screen.changed([row.lead_id for row in rows])
        if isinstance(screen, EnrollmentDialog):
            screen.dismiss(True)
        names = ", ".join(one_line(row.drip_name) for row in rows)
        app.say(f"{names}: {words}")

    screen.run_blocking(write, then=done, group="enrollment")


def leave_drips(screen: LeadScreen[Any], rows: Sequence[EnrollmentRow]) -> None:
    """Take a lead out of the drips it is in, after a question that names them."""
    from leadtui.screens.confirm import Confirm

    names = ", ".join(one_line(row.drip_name) for row in rows)
    words = f"Nothing more of {names} goes to this lead. What was sent stays."
    screen.app.push_screen(
        Confirm(words, yes="Stop", no="Leave it"),
        lambda yes: change(screen, "stop", rows, "stopped for this lead") if yes else None,
    )
