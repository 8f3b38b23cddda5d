"""Writing a template: its text with placeholders from a list, and below it as a lead would read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static, TextArea

from leadtui.domain.channel_words import channel_word
from leadtui.domain.sms import segments
from leadtui.domain.writing import read
from leadtui.screens.record_form import RecordForm
from leadtui.widgets.form import FieldSpec, FieldState, Form
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.records import LeadRow
    from leadtui.services.templates import TemplateRow

SUBJECTS = ("", "email", "http", "file")
"""Channels whose messages may have a subject; "" is any."""


class TemplateEditor(RecordForm):
    """Answers what `save` answered. ctrl+o puts a placeholder where the cursor stands."""

    CSS = """
    TemplateEditor > .dialog { width: 90; }
    TemplateEditor #as { height: 1; color: $text-muted; margin-top: 1; }
    TemplateEditor #shown { height: auto; max-height: 5; border-left: outer $primary; padding-left: 1; }
    TemplateEditor.-tall #shown { max-height: 14; }
    TemplateEditor.-tall TextArea { height: 8; }
    TemplateEditor .buttons { margin-top: 0; }
    """

    def __init__(self, one: TemplateRow | None, save: Callable[[dict[str, str]], Any], channels: Sequence[str]) -> None:
        given = {} if one is None else {"name": one.name, "channel": one.channel or "", "subject": one.subject or "",
                                        "body": one.body}  # fmt: skip
        names = tuple((name, channel_word(name)) for name in channels)
        specs = (
            FieldSpec("name", "Name", required=True, max_length=100),
            FieldSpec("channel", "For", "choice", choices=names, help="only this channel; empty: any"),
            FieldSpec("subject", "Subject", max_length=255, help="where the channel has one"),
            FieldSpec("body", "Text", "block", required=True,
                      help="{name} must be known of the lead, {name|there} need not; ctrl+o lists what there is"),
        )  # fmt: skip
        title = "New template" if one is None else f"Template {one.name}"
        super().__init__(title, specs, given, save, new=one is None, rules=_rules)
        self.lead: LeadRow | None = None
        self.values: Mapping[str, str | None] = {}

    def body(self) -> ComposeResult:
        """The form, and below it the text as it is read."""
        with Vertical(classes="dialog") as box:
            box.border_title = Content(one_line(self.title_words))
            yield Form(self.specs, self.given, rules=self.rules)
            yield Static("", id="as", markup=False)
            with VerticalScroll(id="shown", can_focus=False):
                yield Static("", id="reads", markup=False)
            yield Static("", classes="problem", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Another lead", id="lead")
                yield Button("Save", id="save", variant="primary")
                yield Button("Cancel", id="cancel")

    def office_ready(self) -> None:
        """Any lead, to show the text with."""
        self._read_lead(None)

    def _read_lead(self, lead_id: int | None) -> None:
        office = self.office

        def load() -> tuple[LeadRow, Mapping[str, str | None]] | None:
            from leadtui.services import writing

            return writing.anybody(office, lead_id)

        self.run_blocking(load, then=self._came, failed=lambda error: self._show(), group="template.lead")

    def _came(self, found: tuple[LeadRow, Mapping[str, str | None]] | None) -> None:
        if found is not None:
            self.lead, self.values = found
        self._show()

    @on(Form.Changed)
    def _show(self) -> None:
        """The text with the lead's values; what is wrong with it, and where."""
        values = self.form.values()
        seen = read(
            None, values["body"], values["subject"] or None, self.values, hidden=self.office.actor.hidden_fields
        )
        empty = not values["body"].strip()
        lead = self.lead.title if self.lead is not None else "nobody: there is no lead yet"
        length = segments(seen.text).words if values["channel"] == "sms" else seen.length_words
        self.query_one("#as", Static).update(Content(f"as {one_line(lead)} reads it · {length}"))
        self.query_one("#reads", Static).update(Content("" if empty else seen.text))
        # what this one lead has no value for is nothing wrong with the template
        self._say("" if empty or (seen.missing and self.lead is None) else seen.problem)

    def do_pick(self) -> None:
        """A placeholder from the list, where the cursor stands; elsewhere the field's own list."""
        target = self.focused
        if not isinstance(target, (TextArea, Input)) or self.form.focused_key not in ("body", "subject"):
            super().do_pick()
            return
        from leadtui.screens.campaign_editor_fields import place_choices
        from leadtui.screens.picker import Picker

        def chosen(place: str | None) -> None:
            target.focus()
            if place is not None and isinstance(target, TextArea):
                target.insert(place)
            elif place is not None and isinstance(target, Input):
                target.insert_text_at_cursor(place)

        self.app.push_screen(Picker("Which place?", place_choices(self.office.actor.hidden_fields)), chosen)

    @on(Button.Pressed, "#lead")
    def another_lead(self) -> None:
        """See it as another lead would."""
        from leadtui.screens.loan_dialogs import find_leads
        from leadtui.screens.picker import Picker

        office = self.office

        def chosen(lead_id: str | None) -> None:
            if lead_id is not None:
                self._read_lead(int(lead_id))

        self.app.push_screen(Picker("As which lead?", lambda words: find_leads(office, words, "log")), chosen)


def _rules(values: Mapping[str, str]) -> dict[str, FieldState]:
    """A subject only where the channel has one."""
    return {"subject": FieldState(False, values.get("channel", "") in SUBJECTS)}
