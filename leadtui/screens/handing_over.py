"""What was handed to a phone or a browser: its link to open, and the only one who knows whether it went is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from leadtui.commands import Command
from leadtui.domain.channel_words import channel_word
from leadtui.screens.base import LeadModal, LeadScreen
from leadtui.screens.change_watch import ChangeWatch
from leadtui.screens.message_rows import SURE, address_words, when_words, why_words
from leadtui.text import shorten
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.pages import Marks
from leadtui.widgets.text import one_line
from leadtui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from leadtui.app import LeadApp
    from leadtui.services.messages import MessageRow

_AT_A_TIME: Final = 1000
"""So many are asked for when everything is marked."""


class HandOver(LeadModal[bool]):
    """One message: its text, its link (on the clipboard already), a QR code, and "did it go?".

    Answers True or False, None when it is left for later.
    """

    CSS = """
    HandOver > .dialog { width: 84; }
    HandOver #words { height: auto; max-height: 5; border-left: outer $primary; padding-left: 1; }
    HandOver.-tall #words { max-height: 14; }
    HandOver #link { height: auto; max-height: 4; margin-top: 1; color: $text-accent; }
    HandOver .note { height: auto; color: $text-muted; }
    HandOver #qr { height: auto; width: auto; display: none; color: #ffffff; background: #000000; }
    HandOver.-qr #words, HandOver.-qr #link, HandOver.-qr #how { display: none; }
    HandOver.-qr #qr { display: block; }
    HandOver.-qr > .dialog { width: 100%; height: 100%; }
    HandOver .buttons { margin-top: 1; }
    HandOver.-narrow .buttons Button { padding: 0; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "answer('went')"), ("n", "answer('not')"), ("s", "answer('skip')"), ("c", "answer('copy')"),
        ("o", "answer('show_qr')"),
    ]  # fmt: skip

    def __init__(self, row: MessageRow, place: str = "") -> None:
        super().__init__()
        self.row = row
        self.place = place

    def body(self) -> ComposeResult:
        """The text, the link, the question."""
        with Vertical(classes="dialog") as box:
            box.border_title = Content(one_line(f"{self.row.lead_name or self.row.address or ''}"))
            box.border_subtitle = Content(self.place)
            yield Static("", id="to", markup=False)
            with VerticalScroll(id="words", can_focus=False):
                yield Static(Content(self.row.body), markup=False)
            yield Static(Content(self.row.link or ""), id="link", markup=False)
            yield Static("", classes="note", id="how", markup=False)
            yield Static("", id="qr", markup=False)
            with Horizontal(classes="buttons"):
                if self.row.link:
                    yield Button(Content("Link (c)"), id="copy")
                    yield Button(Content("QR (o)"), id="show_qr")
                yield Button(Content("Later (s)"), id="skip")
                yield Button(Content("Not (n)"), id="not")
                yield Button(Content("Went (y)"), id="went", variant="primary")

    def office_ready(self) -> None:
        """Put the link where the agent can paste it."""
        to = f"{channel_word(self.row.channel)} to {address_words(self.row.address, self.office.catalog)}"
        self.query_one("#to", Static).update(Content(to))
        how = "This window cannot see whether it went: look at the phone or the browser, then say so."
        if self.row.link:
            self.app.copy_to_clipboard(self.row.link)
            how = f"The link is on the clipboard; opened, it shows the message ready to be sent. {how}"
        self._say(how)
        self.query_one("#skip").focus()

    def action_answer(self, what: str) -> None:
        """One key each."""
        match what:
            case "went":
                self.dismiss(True)
            case "not":
                self.dismiss(False)
            case "skip":
                self.dismiss(None)
            case "copy" if self.row.link:
                self.app.copy_to_clipboard(self.row.link)
                self._say("The link is on the clipboard.")
            case "show_qr" if self.row.link:
                self._show_qr()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.action_answer(event.button.id or "")

    def _say(self, words: str) -> None:
        self.query_one("#how", Static).update(Content(words))

    def _show_qr(self) -> None:
        """The link as a QR code where the terminal has room, else the one without the text; again: away with it."""
        if self.has_class("-qr"):
            self.remove_class("-qr")
        else:
            self._draw_qr()

    def on_resize(self) -> None:
        """Another size: more of it fits, or less."""
        if self.has_class("-qr"):
            self._draw_qr()

    def _draw_qr(self) -> None:
        from leadtui.widgets.qr import lines_for

        self.remove_class("-qr")
        width, height = self.app.size.width - 4, self.app.size.height - 5  # borders, to whom, blank line, buttons
        link = self.row.link or ""
        lines = lines_for(link, width, height, plain=self.lead_app.plain)
        note = ""
        if not lines:
            lines = lines_for(link.partition("?")[0], width, height - 1, plain=self.lead_app.plain)
            note = shorten("Without its text: this terminal is too small for all of it.", width) + "\n"
        if not lines:
            self._say("This terminal is too small for a QR code; c copies the link.")
            return
        self.query_one("#qr", Static).update(Content(note + "\n".join(lines)))
        self.add_class("-qr")

    def do_back(self) -> None:
        """esc: the QR code first."""
        if self.has_class("-qr"):
            self.remove_class("-qr")
        else:
            super().do_back()


def hand_over(app: LeadApp, row: MessageRow) -> None:
    """Show one message and write down what the agent says; the screen that asks for it may close meanwhile."""
    app.call_later(app.push_screen, HandOver(row), lambda went: settle(app, app.office, [row], went))


def settle(app: LeadApp, office: Any, rows: Sequence[MessageRow], went: bool | None) -> None:
    """Write down what the agent said; nothing where it was left for later."""
    ids = [row.id for row in rows]
    if went is None:
        left = "It waits" if len(ids) == 1 else f"{len(ids):,} wait"
        app.say(f"{left} until somebody says whether it went: H shows it")
        return

    def write() -> Any:
        from leadtui.services import messages

        return messages.resolve(office, ids, went)

    def done(result: Any) -> None:
        app.lead_changed.publish(frozenset(row.lead_id for row in rows if row.lead_id is not None))
        name = one_line(rows[0].lead_name or rows[0].address or "") if len(rows) == 1 else f"{result.count:,} messages"
        words = "sent, as you say" if went else "did not go; it may be tried again"
        app.say(f"{name}: {words}" if result.count else f"{name}: that is settled already")

    app.background.start(app, write, then=done, failed=app.report)


class Waiting:
    """Pages of what was handed over and not confirmed. Every method runs in a thread."""

    def __init__(self, office: Any, campaign_id: int | None) -> None:
        self.office, self.campaign_id = office, campaign_id

    def fetch(self, offset: int, limit: int) -> Sequence[MessageRow]:
        """The rows from `offset` on, mine first."""
        from leadtui.services import messages

        return messages.waiting_for_confirmation(
            self.office, campaign_id=self.campaign_id, limit=limit, offset=offset
        )[1]  # fmt: skip

    def count(self) -> int:
        """How many there are."""
        from leadtui.services import messages

        return int(messages.waiting_for_confirmation(self.office, campaign_id=self.campaign_id, limit=1)[0])


class HandingOver(LeadScreen[Any]):
    """All of them, or those of a campaign: enter opens one after another, a key each settles the marked ones."""

    SCOPE = "handed"
    HEADING = "Did it go?"
    HINTS: ClassVar[tuple[str, ...]] = ("list.open", "handed.went", "handed.not_gone", "handed.link", "list.mark")
    COLUMNS = (
        Column("lead", "Lead", 20, 14, grow=2),
        Column("address", "To", 16, 13, drop=2),
        Column("channel", "By", 12, 7, drop=1),
        Column("since", "Since", 7, 7),
        Column("text", "Text", 24, 10, grow=3),
        Column("why", "Belongs to", 18, 10, grow=1, drop=3),
    )

    def __init__(self, campaign_id: int | None = None) -> None:
        super().__init__()
        self.campaign_id = campaign_id
        self.watch_changes = ChangeWatch(self, self._again)

    def body(self) -> ComposeResult:
        """The list."""
        yield VirtualTable(self.COLUMNS, self._cell, empty="…", id="handed")

    @property
    def table(self) -> VirtualTable[MessageRow]:
        """The list."""
        return self.query_one("#handed", VirtualTable)

    def on_mount(self) -> None:
        """The list takes the keys."""
        self.table.focus()
        self.watch_changes.start()

    def on_screen_resume(self) -> None:
        """In front again."""
        self.watch_changes.look(at_once=True)

    def office_ready(self) -> None:
        """Read the first page."""
        self.table.empty = "Nothing waits for a word from you"
        self.table.show(Waiting(self.office, self.campaign_id))

    def leads_changed(self, ids: frozenset[int]) -> None:
        """Something was settled, or handed over."""
        self._again()

    def _again(self) -> None:
        if self.office is not None:
            self.table.reload()

    @on(VirtualTable.Loaded)
    @on(VirtualTable.MarksChanged)
    def _title(self) -> None:
        marked = f"{self.table.marked_count:,} marked, " if self.table.marks else ""
        self.heading("Did it go?", f"{marked}{self.table.row_count:,}" if self.table.counted else "…")
        self.lead_app.refresh_hints()

    @on(VirtualTable.Failed)
    def _unreadable(self, event: VirtualTable.Failed) -> None:
        if isinstance(event.row, Exception):
            self.lead_app.report(event.row)

    @on(VirtualTable.Highlighted)
    def _moved(self) -> None:
        self.watch_changes.touched()

    def _cell(self, row: MessageRow, key: str) -> Cell:
        match key:
            case "lead":
                return one_line(row.lead_name or row.lead_number or "–"), "strong"
            case "address":
                return address_words(row.address, self.office.catalog)
            case "channel":
                return channel_word(row.channel), "muted"
            case "since":
                return when_words(row, self.office.catalog), "muted"
            case "why":
                return why_words(row), "muted"
            case _:
                return one_line(row.body)

    def why_disabled(self, command: Command) -> str | None:
        """What needs a message, or its link."""
        row = self.table.cursor_row
        if command.id.startswith("handed.") and row is None:
            return "Nothing waits here"
        if command.id == "handed.link" and row is not None and not row.link:
            return "It was handed to a browser: there is no link"
        return None

    def copy_text(self) -> str:
        """`y`: the text."""
        row = self.table.cursor_row
        return row.body if row is not None else ""

    # Commands

    @on(VirtualTable.Opened)
    def _open(self) -> None:
        self._ask(self.table.cursor_row)

    def _ask(self, row: MessageRow | None) -> None:
        """One message; after its answer the next, until it is left for later."""
        if row is None:
            return
        table = self.table
        place = f"{table.cursor_index + 1:,} of {table.row_count:,}"

        def answered(went: bool | None) -> None:
            if went is None:
                return
            settle(self.lead_app, self.office, [row], went)
            table.action_cursor_down()
            following = table.cursor_row
            if following is not None and following.id != row.id:
                self._ask(following)

        self.app.push_screen(HandOver(row, place), answered)

    def do_link(self) -> None:
        """The link of the one under the cursor."""
        row = self.table.cursor_row
        if row is not None and row.link:
            self.app.copy_to_clipboard(row.link)
            self.done(f"Copied: {row.link}")

    def do_lead(self) -> None:
        """The lead it is for."""
        from leadtui.screens.lead_detail import LeadDetailScreen

        row = self.table.cursor_row
        if row is not None and row.lead_id is not None:
            self.app.push_screen(LeadDetailScreen(row.lead_id))

    def do_went(self) -> None:
        """The one under the cursor, or the marked ones, went."""
        self._settle(True)

    def do_not_gone(self) -> None:
        """They did not."""
        self._settle(False)

    def _settle(self, went: bool) -> None:
        row, marks = self.table.cursor_row, self.table.marks
        from leadtui.screens.confirm import Confirm

        if not marks:
            if row is not None:
                asked = f"The message to {row.lead_name or row.address} {'went' if went else 'did not go'}?\n\n{SURE}"
                yes = "It went" if went else "It did not"
                self.app.push_screen(
                    Confirm(asked, yes=yes, no="Not sure"),
                    lambda sure: settle(self.lead_app, self.office, [row], went) if sure else None,
                )
            return
        count = self.table.marked_count
        words = f"{count:,} messages {'went: they count as sent, as you say' if went else 'did not go'}."
        self.app.push_screen(
            Confirm(words, yes="Write it down", no="Leave it", typed=str(count) if count > 1 else None),
            lambda yes: self._settle_marked(marks, went) if yes else None,
        )

    def _settle_marked(self, marks: Marks, went: bool) -> None:
        office, pages = self.office, Waiting(self.office, self.campaign_id)

        def write() -> int:
            from leadtui.services import messages

            ids = [one for one in marks.ids if isinstance(one, int)]
            if marks.all:
                ids, offset = [], 0
                while rows := pages.fetch(offset, _AT_A_TIME):
                    ids += [row.id for row in rows if row.id in marks]
                    offset += len(rows)
            return int(messages.resolve(office, ids, went).count)

        def done(count: int) -> None:
            self.table.set_marks(Marks())
            self.changed()
            self.done(f"{count:,} messages: " + ("sent, as you say" if went else "did not go; they may be tried again"))

        self.run_blocking(write, then=done, group="handed.settle", title="Writing down what went")
