"""One item of a lead's timeline, whole: an activity, a status change, a document."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from leadtui import clock
from leadtui.domain.catalog import Catalog
from leadtui.domain.dates import relative
from leadtui.domain.loans import LoanRow
from leadtui.domain.records import DocumentRow, StatusEntry
from leadtui.screens.base import LeadModal
from leadtui.screens.lead_facts import size_words
from leadtui.screens.lead_timeline import Source, kind_words
from leadtui.screens.loan_rows import describe as describe_loan
from leadtui.widgets.lead_cells import how_long, moment
from leadtui.widgets.text import one_line


class ItemDialog(LeadModal[Any]):
    """Everything about the item; a document's place can be copied. `ActivityDialog` settles what is to be done."""

    DEFAULT_CSS: ClassVar[str] = """
    ItemDialog VerticalScroll { height: auto; max-height: 15; }
    ItemDialog .fact { height: auto; }
    ItemDialog .block { height: auto; margin-top: 1; }
    ItemDialog .buttons { margin-top: 1; }
    """

    def __init__(self, item: Source, catalog: Catalog) -> None:
        super().__init__()
        self.item = item
        self.catalog = catalog

    def body(self) -> ComposeResult:
        """Facts, then long texts, then what can be done."""
        heading, facts, blocks = describe(self.item, self.catalog)
        with Vertical(classes="dialog") as box:
            box.border_title = Content(one_line(heading))
            with VerticalScroll():
                for label, words in facts:
                    yield Static(Content.assemble((f"{label:13}", "$text-muted"), one_line(words)), classes="fact")
                for words in blocks:
                    yield Static(Content(words), classes="block")
            yield from self.more()
            with Horizontal(classes="buttons"):
                yield from self.buttons()
                yield Button("Close", id="close")

    def more(self) -> ComposeResult:
        """What stands between the item and the buttons."""
        yield from ()

    def buttons(self) -> ComposeResult:
        """What can be done with the item."""
        if isinstance(self.item, DocumentRow):
            yield Button("Copy its place", id="copy")

    def on_mount(self) -> None:
        """Something has the focus."""
        self.begin()

    def begin(self) -> None:
        """Long texts can be scrolled at once."""
        self.query_one("#close").focus()

    @on(Button.Pressed, "#close")
    def close_it(self) -> None:
        """Back."""
        self.dismiss(None)

    @on(Button.Pressed, "#copy")
    def copy_place(self) -> None:
        """The document's path, on the clipboard."""
        if isinstance(self.item, DocumentRow):
            self.app.copy_to_clipboard(self.item.path)
            self.dismiss(None)
            self.lead_app.say(f"Copied: {self.item.path}")


def describe(item: Source, catalog: Catalog) -> tuple[str, list[tuple[str, str]], list[str]]:
    """Heading, facts as (label, words), long texts."""
    now, tz = clock.now(), catalog.tz
    if isinstance(item, StatusEntry):
        facts = [
            ("when", moment(item.changed_at, now, tz)),
            ("from", item.previous or "–"),
            ("to", item.status),
            ("by", item.changed_by),
        ]
        if item.seconds_in_stage is not None:
            facts.append(("stayed", how_long(timedelta(seconds=item.seconds_in_stage))))
        return "Status", facts, [item.reason] if item.reason else []
    if isinstance(item, DocumentRow):
        facts = [
            ("name", item.name),
            ("kind", f"{item.mime}, {size_words(item.bytes)} ({item.bytes:,} bytes)"),
            ("attached", f"{moment(item.at, now, tz)} by {item.uploaded_by}"),
            ("sha256", item.sha256),
            ("place", item.path),
        ]
        return "Document", facts, []
    if isinstance(item, LoanRow):
        return describe_loan(item, catalog)
    kind = kind_words(item.type)
    subject = item.subject if kind_words(item.subject).replace(" ", "-") != kind else ""
    facts = [("subject", subject)]
    if item.scheduled_at is not None and item.scheduled_at != item.completed_at:
        planned = moment(item.scheduled_at, now, tz).strip()
        due = relative(item.scheduled_at, item.all_day, now, tz)
        facts.append(("due", f"{due} ({planned})") if item.is_open else ("planned for", planned))
    if item.completed_at is not None:
        facts.append(("done", moment(item.completed_at, now, tz)))
    if item.escalated_at is not None:
        facts.append(("late", "a new one was made in its place"))
    elif item.cancelled_at is not None:
        facts.append(("called off", moment(item.cancelled_at, now, tz)))
    facts += [
        ("outcome", " · ".join(one for one in ((item.outcome or "").replace("_", " "), item.outcome_note) if one)),
        ("next", item.next_action or ""),
        ("for", item.assigned_to or ""),
        ("written", f"{moment(item.created_at, now, tz)} by {item.created_by_name or item.created_by}"),
    ]
    heading = kind[:1].upper() + kind[1:]
    return heading, [(label, words) for label, words in facts if words], [item.details] if item.details else []
