"""Texts that are sent again and again: the list, an editor that shows how a lead will read them, retiring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from leadtui.commands import Command
from leadtui.domain.channel_words import CHANNELS, channel_word
from leadtui.screens.record_list import Record, RecordList
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.text import one_line
from leadtui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from leadtui.services.templates import TemplateRow


class TemplatesScreen(RecordList):
    """The list above, the text of the one under the cursor below."""

    SCOPE = "templates"
    HEADING = "Templates"
    HINTS: ClassVar[tuple[str, ...]] = (
        "list.open", "templates.new", "templates.edit", "templates.approved", "templates.retire",
    )  # fmt: skip
    TABLE = "templates"
    COLUMNS = (
        Column("name", "Name", 24, 14, grow=1),
        Column("channel", "For", 12, 8),
        Column("body", "Text", 30, 16, grow=3),
        Column("state", "", 8, 7),
    )
    KEY = "key"
    EMPTY = "No templates yet; n adds the first"
    NEEDS = frozenset({"templates.edit", "templates.retire"})
    NONE_HERE = "There is no template here"
    DEFAULT_CSS: ClassVar[str] = """
    TemplatesScreen #text { height: auto; max-height: 8; padding: 0 1; border-top: solid $primary-muted; }
    """

    def body(self) -> ComposeResult:
        """The list, the text."""
        yield from super().body()
        yield Static("", id="text", markup=False)

    def read(self, office: Any) -> list[Record]:
        """The templates, retired ones last."""
        from leadtui.services import templates

        found = sorted(templates.list_all(office, retired=True), key=lambda one: not one.is_active)
        return [{"key": str(one.id), "template": one} for one in found]

    def shown(self, rows: list[Record]) -> None:
        """How many."""
        retired = sum(not row["template"].is_active for row in rows)
        self.heading("Templates", f"{len(rows) - retired}" + (f" · {retired} retired" if retired else ""))
        self._show_text()
        self.lead_app.refresh_hints()

    def cell(self, row: Any, key: str) -> Cell:
        """A cell of the list."""
        one: TemplateRow = row["template"]
        style = "" if one.is_active else "muted"
        match key:
            case "name":
                return one_line(one.name), style or "strong"
            case "channel":
                return channel_word(one.channel) if one.channel else "any", style or "muted"
            case "body":
                return one_line(one.body), style
            case _:
                return "" if one.is_active else "retired", "muted"

    @property
    def template(self) -> TemplateRow | None:
        """The one under the cursor."""
        return None if self.record is None else self.record["template"]

    @on(VirtualTable.Highlighted, "#templates")
    @on(VirtualTable.Loaded, "#templates")
    def _show_text(self) -> None:
        one = self.template
        subject = f"{one_line(one.subject)}\n" if one is not None and one.subject else ""
        if one is not None and one.provider:
            subject = f"{one_line(str(one.provider.get('name', '')))} of WhatsApp, approved\n"
        words = "" if one is None else Content.assemble((subject, "bold"), one.body)
        self.query_one("#text", Static).update(words)

    def why_disabled(self, command: Command) -> str | None:
        """A retired one is changed after it is offered again."""
        if (reason := super().why_disabled(command)) is not None:
            return reason
        one = self.template
        if command.id == "templates.edit" and one is not None and not one.is_active:
            return "It is retired; d offers it again"
        return None

    def copy_text(self) -> str:
        """The text."""
        return self.template.body if self.template is not None else ""

    # Commands

    @on(VirtualTable.Opened, "#templates")
    def _open(self) -> None:
        self.lead_app.run_command("templates.edit")

    def do_new(self) -> None:
        """Write another."""
        self._edit(None)

    def do_edit(self) -> None:
        """Change the one under the cursor."""
        if self.template is not None:
            self._edit(self.template)

    def _edit(self, one: TemplateRow | None) -> None:
        from leadtui.screens.template_editor import TemplateEditor

        office = self.office

        def save(values: dict[str, str]) -> Mapping[str, str]:
            from leadtui.services import templates

            done = templates.add(office, values) if one is None else templates.edit(office, one.id, values)
            return {"key": str(done.id), "name": done.name}

        def saved(answer: Mapping[str, str] | None) -> None:
            if answer:
                words = "added" if one is None else "changed: messages that wait keep their text"
                self.changed_record(answer["key"], f"Template {one_line(answer['name'])} {words}")

        self.app.push_screen(TemplateEditor(one, save, tuple(CHANNELS)), saved)

    def do_approved(self) -> None:
        """One that WhatsApp has approved: outside of 24 hours after a lead's message nothing else may be sent."""
        from leadtui.screens.approved_templates import take_over

        take_over(self, lambda one: self.changed_record(str(one.id), f"Template {one_line(one.name)} taken over"))

    def do_retire(self) -> None:
        """Offer it no more, or again."""
        one, office = self.template, self.office
        if one is None:
            return

        def write() -> Any:
            from leadtui.services import templates

            return templates.retire(office, one.id) if one.is_active else templates.restore(office, one.id)

        words = "retired: what uses it goes on" if one.is_active else "offered again"
        self.run_blocking(
            write, then=lambda _: self.changed_record(str(one.id), f"Template {one_line(one.name)} {words}")
        )
