"""Writing a campaign: to whom (counted while one types), what (shown as a lead will read it), when, how fast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from leadtui.errors import LeadtuiError
from leadtui.screens import campaign_editor_fields as fields
from leadtui.screens.campaign_editor_looking import CampaignLooking
from leadtui.screens.campaign_editor_reading import Opened, read_opening
from leadtui.screens.campaign_preview import CampaignPreview
from leadtui.widgets.filter_bar import FilterBar
from leadtui.widgets.form import Form
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.campaigns import CampaignDone

_SHAPES = frozenset({"template", "subject", "channel", "template_id"})
"""Fields by which another count, or another message, comes about."""


class CampaignEditor(CampaignLooking):
    """Answers the CampaignDone of what was saved, None when left. `where` is the audience a new one begins with."""

    SCOPE = "compose"
    HEADING = "New campaign"
    AUTO_FOCUS = ""
    HINTS: ClassVar[tuple[str, ...]] = (
        "form.save", "form.pick", "compose.next_lead", "compose.to_lead", "compose.rehearse", "app.back",
    )  # fmt: skip
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-normal"), (110, "-wide")]  # noqa: RUF012
    DEFAULT_CSS: ClassVar[str] = """
    CampaignEditor #both { height: 1fr; layout: vertical; }
    CampaignEditor.-wide #both { layout: horizontal; }
    CampaignEditor #fields { height: 1fr; width: 1fr; }
    CampaignEditor Form { height: auto; }
    CampaignEditor FieldBox TextArea { height: 5; }
    CampaignEditor.-tall FieldBox TextArea { height: 10; }
    CampaignEditor FieldBox .field-label, CampaignEditor #audience-label { width: 13; }
    CampaignEditor FieldBox .field-note { margin-left: 14; }
    CampaignEditor #audience { height: auto; padding: 0 1; }
    CampaignEditor #audience Horizontal { height: 1; }
    CampaignEditor #audience FilterBar { width: 1fr; }
    CampaignEditor FilterBar.-left #filter-error { visibility: hidden; }
    CampaignEditor #counted { height: auto; max-height: 3; color: $text-muted; margin-left: 14; }
    CampaignEditor #counted.-error { color: $text-error; }
    CampaignEditor CampaignPreview { height: 7; }
    CampaignEditor.-short.-narrow CampaignPreview { height: 5; }
    CampaignEditor.-tall CampaignPreview { height: 12; }
    CampaignEditor.-wide CampaignPreview { width: 46; height: 100%; border-left: tall $panel; }
    CampaignEditor.-wide:ansi CampaignPreview { border-left: solid ansi_default; }
    CampaignEditor #problem { height: auto; max-height: 3; display: none; color: $text-error; padding: 0 1; }
    """

    def __init__(self, campaign_id: int | None = None, where: str = "") -> None:
        super().__init__(where)
        self.campaign_id = campaign_id
        self._version: int | None = None
        self._busy = False

    def body(self) -> ComposeResult:
        """Fields and audience, the preview beside or below them, what is wrong."""
        with Horizontal(id="both"):
            with VerticalScroll(id="fields", can_focus=False):
                yield Form(fields.HEAD, fields.NEW, id="head")
                with Vertical(id="audience"):
                    with Horizontal():
                        yield Static("Audience", id="audience-label", markup=False)
                        yield FilterBar(self.parse, self.complete, placeholder="all leads, or status:interested …")
                    yield Static("…", id="counted", markup=False)
                yield Form(fields.REST, fields.NEW, rules=self._rules, id="rest")
            yield CampaignPreview()
        yield Static("", id="problem", markup=False)

    def unsaved(self) -> str | None:
        """Leaving asks once when something was typed."""
        if self._busy or not (self.head.dirty or self.rest.dirty or self.where_changed):
            return None
        return "What you wrote here will be lost"

    def _rules(self, values: dict[str, str]) -> Any:
        return fields.shown(self.channel) if self.is_mounted else {}

    # Opening

    def office_ready(self) -> None:
        """Read the campaign, the channels, the templates, the words of the filter."""
        self.run_blocking(read_opening, self.office, self.campaign_id, then=self._opened, failed=self._unreadable)

    def _unreadable(self, error: Exception) -> None:
        self.lead_app.report(error)
        self.dismiss(None)

    def _opened(self, found: Opened) -> None:
        self.row, self.filter_words = found.row, found.words
        self.channels = {one.channel: one for one in found.channels}
        self.templates = {str(one.id): one for one in found.templates}
        self.head.set_choices("channel", fields.channel_choices(found.channels))
        self.rest.set_choices("template_id", [(key, one.name) for key, one in self.templates.items()])
        if found.row is not None:
            texts = fields.values_of(found.row, self.office.catalog.tz)
            self._version, self._first_where = found.row.version, found.row.where or ""
            self.heading("Campaign")
        else:
            texts = dict(fields.NEW)
        self.head.set_values({key: text for key, text in texts.items() if key in ("name", "channel")}, clean=True)
        rest = {key: text for key, text in texts.items() if key not in ("name", "channel")}
        self.rest.set_values(rest, clean=True)
        self.bar.set_value(self._first_where)
        self._channel_note()
        self.head.focus_first()
        self.look()

    # Fields

    @on(Form.Changed)
    def _typed(self, event: Form.Changed) -> None:
        self._problem("")
        if event.key == "channel":
            self.rest.set_values({})  # the rules look again: another channel has other fields
            self._channel_note()
        if event.key == "template_id":
            self._take_template()
        if event.key in _SHAPES:
            self.look_soon()

    def _channel_note(self) -> None:
        channel = self.channel
        why = (
            "" if channel is None or channel.ready else f"not ready: {channel.why_not}. It can be written, not started"
        )
        self.head.set_error("channel", why)

    def _take_template(self) -> None:
        """A text used before is put in; what was written by hand is kept in the field until then."""
        found = self.templates.get(self.rest.value("template_id"))
        if found is None:
            return
        if self.rest.value("template").strip() in ("", found.body):
            self._put_template(found)
            return
        from leadtui.screens.confirm import Confirm

        def answered(yes: bool | None) -> None:
            if yes:
                self._put_template(found)

        words = f"Put the text of {one_line(found.name)} in place of what is written?"
        self.app.push_screen(Confirm(words, yes="Put it in", no="Keep mine"), answered)

    def _put_template(self, found: Any) -> None:
        self.rest.set_values({"template": found.body, "subject": found.subject or self.rest.value("subject")})
        self.look_soon()

    # Saving

    @on(Form.Submitted)
    def _entered(self) -> None:
        self.focus_next()

    def do_rehearse(self) -> None:
        """Who would get what, and when, as it is written now."""
        from leadtui.screens.campaign_rehearsal import RehearsalScreen

        if self._may_save():
            self.app.push_screen(RehearsalScreen(values=self._all_values()))

    def _may_save(self) -> bool:
        """Whether it can be tried: required fields filled, audience readable."""
        if self._busy or not self.channels:
            return False
        if self.bar.error:
            self._problem(f"Audience: {self.bar.error}")
            self.bar.focus()
            return False
        return self.head.check() and self.rest.check()

    def _all_values(self) -> dict[str, Any]:
        """As for a new campaign: only what is filled."""
        values = fields.for_service({key: text for key, text in self.values().items() if text.strip()})
        if self.row is not None and "attachment" not in self.rest.changes() and self.row.attachment_path:
            values["attachment"] = self.row.attachment_path
        if self.criteria is not None:
            values["criteria"] = self.criteria
        return values

    def do_save(self) -> None:
        """Save; what is wrong is shown beside its field, and nothing typed is lost."""
        if not self._may_save():
            return
        self._problem("")
        if self.row is None:
            values: dict[str, Any] = self._all_values()
        else:
            values = fields.for_service({**self.head.changes(), **self.rest.changes()})
            if self.where_changed:
                values["where"] = self.bar.value.strip()
            if not values:
                self.dismiss(None)
                return
        self._busy = True
        office, campaign_id, version = self.office, self.campaign_id, self._version

        def save() -> CampaignDone:
            from leadtui.services import campaigns

            if campaign_id is None:
                return campaigns.create(office, values)
            return campaigns.edit(office, campaign_id, values, version=version)

        self.run_blocking(save, then=self._saved, failed=self._not_saved)

    def _saved(self, done: CampaignDone) -> None:
        self.changed()
        self.dismiss(done)
        for warning in done.warnings:
            self.app.notify(warning, severity="warning")
        back = " · u takes it back" if done.batch is not None else ""
        self.lead_app.say(f"{one_line(done.campaign.name)}: saved as {done.campaign.status}{back}")

    def _not_saved(self, error: Exception) -> None:
        self._busy = False
        if not isinstance(error, LeadtuiError):
            self.lead_app.report(error)
            return
        words = f"{error.message} ({error.hint})" if error.hint else error.message
        if error.code == "edited_elsewhere":
            self._version = error.data.get("version", self._version)
            words = f"{error.message}. Save again to put yours in its place"
        form = self.head if error.field in ("name", "channel") else self.rest
        if error.field in ("where", "criteria"):
            self.say_counted(words, wrong=True)
            self.bar.focus()
        elif error.field in fields.KEYS:
            form.set_errors({error.field: words})
        else:
            self._problem(words)

    def _problem(self, words: str) -> None:
        line = self.query_one("#problem", Static)
        line.update(Content(words))
        line.display = bool(words)
