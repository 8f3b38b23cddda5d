"""One message, whole: its text, everything that happened to it, and what can be done about it now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from leadtui.domain.channel_words import channel_word
from leadtui.errors import LeadtuiError
from leadtui.screens.base import LeadModal
from leadtui.screens.message_rows import describe
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.services.messages import MessageDetail, MessageRow


class MessageItem(LeadModal[Any]):
    """Reads the message by its id. Answers True when something was done with it."""

    CSS = """
    MessageItem VerticalScroll { height: auto; max-height: 70vh; }
    MessageItem > .dialog { width: 84; }
    MessageItem .fact { height: auto; }
    MessageItem #words { height: auto; margin: 1 0; border-left: outer $primary; padding-left: 1; }
    MessageItem #happened { height: auto; color: $text-muted; }
    MessageItem .problem { height: auto; color: $text-error; display: none; }
    MessageItem .buttons { margin-top: 1; }
    """

    def __init__(self, message_id: int) -> None:
        super().__init__()
        self.message_id = message_id
        self.found: MessageDetail | None = None
        self._did = False

    def body(self) -> ComposeResult:
        """Facts, the text, the events, what can be done."""
        with Vertical(classes="dialog"):
            with VerticalScroll():
                yield Static("…", classes="fact", id="facts", markup=False)
                yield Static("", id="words", markup=False)
                yield Static("", id="happened", markup=False)
            yield Static("", classes="problem", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("It went", id="went")
                yield Button("It did not", id="not_gone")
                yield Button("Show the link", id="link")
                yield Button("Try again", id="again")
                yield Button("Call it off", id="call_off")
                yield Button("Close", id="close")

    def on_mount(self) -> None:
        """What can be done is known once it is read."""
        for button in self.query(Button):
            button.display = button.id == "close"
        self.query_one("#close").focus()

    def office_ready(self) -> None:
        """Read it."""
        self._load()

    def leads_changed(self, ids: frozenset[int]) -> None:
        """Something was sent, or came back."""
        if self.office is not None and self.found is not None:
            self._load()

    def _load(self) -> None:
        office, message_id = self.office, self.message_id

        def read() -> MessageDetail:
            from leadtui.services import messages

            return messages.get(office, message_id)

        self.run_blocking(read, then=self._show, failed=self._unreadable, group="message.read")

    def _unreadable(self, error: Exception) -> None:
        self.dismiss(None)
        self.lead_app.report(error)

    def _show(self, found: MessageDetail) -> None:
        self.found, row = found, found.row
        heading, facts, events = describe(found, self.office.catalog)
        self.query_one(".dialog").border_title = Content(one_line(heading))
        lines = [Content.assemble((f"{label:12}", "$text-muted"), words) for label, words in facts]
        self.query_one("#facts", Static).update(Content("\n").join(lines))
        self.query_one("#words", Static).update(Content(row.body or "(no text)"))
        self.query_one("#happened", Static).update(Content("\n".join(events)))
        wanted = {
            "went": row.state in ("handed_off", "unknown"),
            "not_gone": row.state in ("handed_off", "unknown"),
            "link": bool(row.link) and row.state == "handed_off",
            "again": row.state == "failed",
            "call_off": row.state in ("pending", "retry") and row.lead_id is not None,
            "close": True,
        }
        for name, shown in wanted.items():
            self.query_one(f"#{name}", Button).display = shown

    # What can be done

    @on(Button.Pressed, "#close")
    def close_it(self) -> None:
        """Back."""
        self.dismiss(self._did or None)

    def do_back(self) -> None:
        """esc."""
        self.close_it()

    @on(Button.Pressed, "#went")
    def went(self) -> None:
        """A person says that it went."""
        self._do("resolve", True, "went: sent, as you say")

    @on(Button.Pressed, "#not_gone")
    def not_gone(self) -> None:
        """A person says that it did not."""
        self._do("resolve", False, "did not go: it may be tried again")

    @on(Button.Pressed, "#again")
    def again(self) -> None:
        """Once more."""
        self._do("retry", None, "is tried again")

    @on(Button.Pressed, "#call_off")
    def call_off(self) -> None:
        """It still waits: it is not sent."""
        self._do("withdraw", None, "is called off: it is not sent")

    @on(Button.Pressed, "#link")
    def link(self) -> None:
        """The link, and the question whether it went."""
        from leadtui.screens.handing_over import hand_over

        if self.found is not None:
            self.dismiss(True)
            hand_over(self.lead_app, self.found.row)

    def _do(self, what: str, went: bool | None, words: str) -> None:
        office, message_id = self.office, self.message_id

        def write() -> str:
            from leadtui.services import messages

            ids = [message_id]
            match what:
                case "withdraw":
                    done = messages.withdraw(office, ids)
                case "retry":
                    done = messages.retry(office, ids)
                case _:
                    done = messages.resolve(office, ids, bool(went))
            return "" if done.count else "; ".join(why for _, why in done.refused) or "it has changed meanwhile"

        self.run_blocking(write, then=lambda why: self._written(words, why), failed=self._failed, group="message.do")

    def _written(self, words: str, why: str) -> None:
        if why:
            self._refuse(why)
            self._load()
            return
        self._did = True
        row: MessageRow | None = self.found.row if self.found is not None else None
        self.changed([row.lead_id] if row is not None and row.lead_id is not None else ())
        self.dismiss(True)
        name = "" if row is None else f"{channel_word(row.channel)} to {one_line(row.lead_name or row.address or '')}"
        self.lead_app.say(f"{name} {words}")

    def _failed(self, error: Exception) -> None:
        if isinstance(error, LeadtuiError):
            self._refuse(f"{error.message} ({error.hint})" if error.hint else error.message)
        else:
            self.lead_app.report(error)

    def _refuse(self, words: str) -> None:
        line = self.query_one(".problem", Static)
        line.update(Content(words))
        line.display = bool(words)
