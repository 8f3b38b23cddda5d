"""The editor of a campaign looks: the audience is counted and the text shown for a lead, a moment after each key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual import events, on
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Static, TextArea

from leadtui.domain.campaigns import CampaignDone, CampaignRow
from leadtui.screens import campaign_editor_fields as fields
from leadtui.screens.base import LeadScreen
from leadtui.screens.campaign_editor_reading import Looked, look
from leadtui.screens.campaign_preview import CampaignPreview
from leadtui.screens.lead_pages import FilterWords
from leadtui.screens.picker import Choice, Picker
from leadtui.widgets.filter_bar import Completion, FilterBar
from leadtui.widgets.form import Form
from leadtui.widgets.form_field import FieldBox

if TYPE_CHECKING:
    from leadtui.background import Job

REST_S, REST_S_SLOW = 0.3, 0.8
"""After the last key: then the audience is counted, and the text shown for a lead."""


class CampaignLooking(LeadScreen[CampaignDone | None]):
    """What is in the editor's fields, and what is made of it while one types. The screen itself yields the widgets."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.row: CampaignRow | None = None
        self.filter_words: FilterWords | None = None
        self.channels: dict[str, Any] = {}
        self.templates: dict[str, Any] = {}
        self.lead_id: int | None = None
        """The lead for which the text is shown."""
        self._first_where = where
        self._timer: Timer | None = None

    # What is in it

    @property
    def head(self) -> Form:
        """Name and channel."""
        return self.query_one("#head", Form)

    @property
    def rest(self) -> Form:
        """What follows the audience."""
        return self.query_one("#rest", Form)

    @property
    def bar(self) -> FilterBar:
        """The audience."""
        return self.query_one(FilterBar)

    @property
    def preview(self) -> CampaignPreview:
        """How it reads."""
        return self.query_one(CampaignPreview)

    @property
    def channel(self) -> Any | None:
        """The channel that is chosen."""
        return self.channels.get(self.head.value("channel"))

    def values(self) -> dict[str, str]:
        """All texts, the audience too."""
        return {**self.head.visible_values(), **self.rest.visible_values(), "where": self.bar.value.strip()}

    @property
    def where_changed(self) -> bool:
        """Whether the audience was changed."""
        return self.bar.value.strip() != self._first_where

    @property
    def criteria(self) -> Any:
        """The audience where it is no filter, and none was typed since."""
        return self.row.criteria if self.row is not None and not self.row.where and not self.where_changed else None

    # Audience

    def _parse(self, text: str) -> object:
        return self.filter_words.parse(text) if self.filter_words is not None else None

    def _complete(self, text: str, cursor: int) -> Sequence[Completion]:
        return self.filter_words.complete(text, cursor) if self.filter_words is not None else []

    @on(FilterBar.Changed)
    def _audience_typed(self) -> None:
        self.lead_id = None
        self._look_soon()

    @on(FilterBar.Submitted)
    @on(FilterBar.Left)
    def _audience_left(self, event: FilterBar.Submitted | FilterBar.Left) -> None:
        event.stop()
        self._look_soon()
        self.rest.focus_first()

    def on_descendant_blur(self) -> None:
        """What is wrong with the audience lies over fields only while it is typed; then it is below its line."""
        if self.is_mounted:
            self.bar.add_class("-left")
            if self.bar.error:
                self._say_counted(self.bar.error, wrong=True)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Typed again: it points at the place."""
        if self.bar in event.widget.ancestors:
            self.bar.remove_class("-left")

    # Counting and showing

    def _look_soon(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(REST_S_SLOW if self.lead_app.slow else REST_S, self._look)

    def _look(self, step: int = 0) -> None:
        """Count the audience and show the text, for the lead that is `step` further on in the audience."""
        if not self.channels or self.bar.error:
            self._say_counted(self.bar.error, wrong=bool(self.bar.error))
            return
        values, caps = self.values(), self.channel.caps if self.channel is not None else None
        problems = self._check_texts(values)
        wanted = Looked(
            values["where"], self.criteria, values.get("channel", ""), "" if problems else values["template"],
            values.get("subject") or None, getattr(self.templates.get(values["template_id"]), "provider", None),
            self.lead_id, step,
        )  # fmt: skip
        office = self.office
        holder: list[Job] = []

        def work() -> Looked:
            return look(office, wanted, lambda: bool(holder) and holder[0].should_stop())

        if step == 0:
            self._say_counted("counting…")
        holder.append(self.run_blocking(work, then=lambda seen: self._seen(seen, caps, step), group="compose.look"))

    def _check_texts(self, values: dict[str, str]) -> bool:
        """Point at what is wrong in text and subject."""
        wrong = False
        for key in ("template", "subject"):
            place, words = fields.template_problem(values.get(key, ""), self.office.actor.hidden_fields, key)
            self.rest.set_error(key, " · ".join(one for one in (place, words) if one))
            wrong = wrong or bool(words)
        if wrong and self.focused is not None:  # what stands below the field must be seen, too
            for box in self.focused.ancestors:
                if isinstance(box, FieldBox):
                    self.call_after_refresh(box.scroll_visible, animate=False)
        return wrong

    def _seen(self, seen: Looked, caps: Any, step: int) -> None:
        if step and seen.lead_id is None:
            self.done("That is the last one" if step > 0 else "That is the first one")
            return
        self.lead_id = seen.lead_id
        if seen.counted:
            extra = fields.criteria_words(self.row) if self.criteria and self.row is not None else ""
            self._say_counted("\n".join(one for one in (seen.counted, extra) if one), wrong=seen.is_wrong)
        if seen.sample is not None:
            self.preview.show(seen.sample, caps)
        elif not self.rest.value("template").strip():
            self.preview.say("The text will be shown here as a lead will read it.")
        elif seen.lead_id is None:
            self.preview.say("There is no lead to show it for.")

    def _say_counted(self, words: str, *, wrong: bool = False) -> None:
        line = self.query_one("#counted", Static)
        line.update(Content(words))
        line.set_class(wrong, "-error")

    def do_next_lead(self) -> None:
        """The next of the audience."""
        self._look(1)

    def do_last_lead(self) -> None:
        """The one before."""
        self._look(-1)

    def do_to_lead(self) -> None:
        """Any lead, be it in the audience or not."""
        from leadtui.screens.loan_dialogs import find_leads

        office = self.office

        def search(words: str) -> Sequence[Choice]:
            return find_leads(office, words, "read")

        def chosen(lead_id: str | None) -> None:
            if lead_id is not None:
                self.lead_id = int(lead_id)
                self._look()

        self.app.push_screen(Picker("Show the text for whom?", search), chosen)

    # Places in the text

    def do_pick(self) -> None:
        """Put a place for a lead's field where the cursor is, in the text or the subject."""
        focused = self.focused
        target = focused if isinstance(focused, TextArea) or self.rest.focused_key == "subject" else None

        def chosen(place: str | None) -> None:
            if place is None:
                return
            if isinstance(target, Input):
                target.insert_text_at_cursor(place)
                target.focus()
                return
            area = self.rest.query_one(TextArea)
            area.insert(place)
            area.focus()

        self.app.push_screen(Picker("Which place?", fields.place_choices(self.office.actor.hidden_fields)), chosen)
