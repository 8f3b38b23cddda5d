"""The editor of a campaign looks: the audience is counted and the text shown for a lead, a moment after each key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.widgets import Input, TextArea

from leadtui.domain.campaigns import CampaignDone, CampaignRow
from leadtui.screens import campaign_editor_fields as fields
from leadtui.screens.campaign_editor_reading import Looked, look
from leadtui.screens.campaign_preview import CampaignPreview
from leadtui.screens.filter_looking import FilterLooking
from leadtui.screens.picker import Picker
from leadtui.widgets.form import Form
from leadtui.widgets.form_field import FieldBox

if TYPE_CHECKING:
    from leadtui.background import Job


class CampaignLooking(FilterLooking[CampaignDone | None]):
    """What is in the editor's fields, and what is made of it while one types. The screen itself yields the widgets."""

    WHICH_LEAD = "Show the text for whom?"

    def __init__(self, where: str) -> None:
        super().__init__()
        self.row: CampaignRow | None = None
        self.channels: dict[str, Any] = {}
        self.templates: dict[str, Any] = {}
        self._first_where = where

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

    def filter_typed(self) -> None:
        """Another audience: the text is shown for its newest lead."""
        self.lead_id = None

    def behind_filter(self) -> None:
        """The text comes next."""
        self.rest.focus_first()

    # Counting and showing

    def look(self, step: int = 0) -> None:
        """Count the audience and show the text, for the lead that is `step` further on in the audience."""
        if not self.channels or self.bar.error:
            self.say_counted(self.bar.error, wrong=bool(self.bar.error))
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
            self.say_counted("counting…")
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
            self.say_counted("\n".join(one for one in (seen.counted, extra) if one), wrong=seen.is_wrong)
        if seen.sample is not None:
            self.preview.show(seen.sample, caps)
        elif not self.rest.value("template").strip():
            self.preview.say("The text will be shown here as a lead will read it.")
        elif seen.lead_id is None:
            self.preview.say("There is no lead to show it for.")

    def do_next_lead(self) -> None:
        """The next of the audience."""
        self.look(1)

    def do_last_lead(self) -> None:
        """The one before."""
        self.look(-1)

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
