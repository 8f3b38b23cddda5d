"""One message to one lead: by which channel, which text, and how the lead will read it, before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static, TextArea

from leadtui.domain.writing import Preview, Text, Way, read
from leadtui.screens.act_dialog import ActDialog, Acted, Plan, Read, label
from leadtui.screens.message_rows import address_words
from leadtui.screens.picker import Choice, Picker
from leadtui.widgets.choice_row import ChoiceRow, Key
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.records import LeadDetail
    from leadtui.services.writing import Choices, Written

_KEYS: Final = "123456789"
OWN: Final = "own"
"""The choice to write one's own words."""
REACH: Final = "reach"
"""The choice of all channels, one after another."""


class MessageDialog(ActDialog):
    """Channels that are ready first, and why the others are not; a template or own words; the text as it is read."""

    HEADING: ClassVar[str] = "Write"
    DO: ClassVar[str] = "Send"
    CSS = """
    MessageDialog > .dialog { width: 96; }
    MessageDialog .row { height: auto; }
    MessageDialog ChoiceRow { width: 1fr; }
    MessageDialog #text { width: 1fr; height: 4; }
    MessageDialog.-tall #text { height: 8; }
    MessageDialog #shown { height: auto; max-height: 5; border-left: outer $primary; margin-left: 1; padding-left: 1; }
    MessageDialog.-tall #shown { max-height: 12; }
    MessageDialog #not_by { max-height: 4; }
    MessageDialog.-tall #not_by { max-height: 6; }
    MessageDialog .buttons { margin-top: 0; }
    """

    def __init__(self, lead_ids: tuple[int, ...] | int = (), where: str | None = None) -> None:
        super().__init__(lead_ids, where)
        self.values: dict[str, str | None] = {}
        self.seen: Preview | None = None
        self._asked: set[str] = set()

    def fields(self) -> ComposeResult:
        """By what, which text, the text, and below it as it will be read."""
        with Horizontal(classes="row"):
            yield label("by")
            yield ChoiceRow((), id="channel")
        yield Static("", classes="note", id="not_by", markup=False)
        with Horizontal(classes="row", id="template-row"):
            yield label("template")
            yield ChoiceRow((), id="template")
        with Horizontal(classes="row", id="subject-row"):
            yield label("subject")
            yield Input(id="subject", max_length=255)
        with Horizontal(classes="row"):
            yield label("text")
            area = TextArea(id="text", tab_behavior="focus", soft_wrap=True)
            area.cursor_blink = False
            yield area
        yield Static("", classes="note", id="length", markup=False)
        with VerticalScroll(id="shown", can_focus=False):
            yield Static("", id="reads", markup=False)

    # Reading

    def read_more(self, office: Any, detail: LeadDetail | None) -> Any:
        """Channels, templates and the lead's values."""
        from leadtui.services import writing

        return writing.choices(office, detail.row.id) if detail is not None else None

    @property
    def choices(self) -> Choices | None:
        """What there is to choose."""
        return self.read.more if self.read is not None else None

    @property
    def way(self) -> Way | None:
        """The chosen channel."""
        found = self.choices
        return found.way(self.query_one("#channel", ChoiceRow).value) if found is not None else None

    @property
    def texts(self) -> list[Text]:
        """The templates for the chosen channel."""
        found, way = self.choices, self.way
        channel = way.channel if way is not None else None
        return [one for one in found.texts if one.channel in (None, channel)] if found is not None else []

    @property
    def template(self) -> Text | None:
        """The chosen template; none once its text was changed."""
        value = self.query_one("#template", ChoiceRow).value
        one = next((one for one in self.texts if str(one.id) == value), None)
        return one if one is not None and one.body == self.query_one("#text", TextArea).text else None

    def ready(self, read: Read) -> None:
        """Offer what is ready; say why the rest is not."""
        found = self.choices
        if found is None:
            return
        self.values = dict(found.values)
        ways = [one for one in found.ways if one.ready]
        keys = [Key(key, one.channel, _short(one.title)) for key, one in zip(_KEYS, ways, strict=False)]
        if len(ways) > 1:
            keys.append(Key("a", REACH, "all, best first"))
        self.query_one("#channel", ChoiceRow).show_choices(keys, ways[0].channel if ways else "")
        self._say_ways(found)
        self._offer_texts()
        if not ways:
            self.refuse("Nobody can write to this lead now; the reasons stand above")
            self.query_one("#cancel").focus()
            return
        self.query_one("#template" if self.texts else "#text").focus()
        self.show_preview()

    def _say_ways(self, found: Choices) -> None:
        way = self.way
        to = address_words(way.address or "", self.office.catalog) if way is not None else ""
        words = [f"to {one_line(to)}" if to else ""]
        best = next((one for one in found.ways if one.ready and one.answered), None)
        if best is not None:
            words.append(f"best: {_short(best.title)}, {best.answered}")
        if way is not None and way.warning:
            words.append(way.warning)
        why: dict[str, list[str]] = {}
        for one in found.ways:
            if not one.ready:
                why.setdefault(one_line(one.why_not), []).append(_short(one.title))
        refused = [f"{', '.join(titles)} ({reason})" for reason, titles in why.items()]
        lines = [" · ".join(one for one in words if one), f"not by {', '.join(refused)}" if refused else ""]
        self.query_one("#not_by", Static).update(Content("\n".join(line for line in lines if line)))

    def _offer_texts(self) -> None:
        """The first templates with a digit each, `o` for all of them where there are more, `0` for own words."""
        found = self.texts
        keys = [Key(key, str(one.id), one_line(one.name)) for key, one in zip(_KEYS, found, strict=False)]
        if len(found) > len(_KEYS):
            keys.append(Key("o", "more", f"all {len(found):,}"))
        row = self.query_one("#template", ChoiceRow)
        value = row.value
        chosen = value if value == OWN or any(str(one.id) == value for one in found) else ""
        row.show_choices([*keys, Key("0", OWN, "own words")], chosen)
        self.query_one("#template-row").display = bool(found)
        way = self.way
        self.query_one("#subject-row").display = way is not None and way.has_subject

    # Choosing and typing

    @on(ChoiceRow.Chosen, "#channel")
    def _channel_chosen(self, event: ChoiceRow.Chosen) -> None:
        event.stop()
        found = self.choices
        if found is None:
            return
        if event.value == REACH and not self.typed():
            self._reach()
            return
        if event.value in ("", REACH):  # there is no message by nothing; own words go by one channel
            event.row.value = next((one.channel for one in found.ways if one.ready), "")
        self._say_ways(found)
        self._offer_texts()
        self.show_preview()

    def _reach(self) -> None:
        """Another dialog: by all channels of the lead, one after another."""
        from leadtui.screens.reach_dialog import ReachDialog

        app = self.lead_app
        self.dismiss(None)
        app.call_later(app.push_screen, ReachDialog(self.lead_ids))

    @on(ChoiceRow.Chosen, "#template")
    def _template_chosen(self, event: ChoiceRow.Chosen) -> None:
        event.stop()
        if event.value == "more":
            event.row.value = ""
            self.do_pick()
        elif event.value == OWN:
            self.query_one("#text").focus()
        else:
            self._take(event.value)

    def _take(self, template_id: str) -> None:
        """Put a template into the text, where it can be changed; enter sends it as it is."""
        one = next((one for one in self.texts if str(one.id) == template_id), None)
        self.query_one("#text", TextArea).text = one.body if one is not None else ""
        self.query_one("#subject", Input).value = (one.subject or "") if one is not None else ""
        self.show_preview()

    def do_pick(self) -> None:
        """All templates for the channel, by name and words."""
        listed = [Choice(str(one.id), one.name, one_line(one.body)) for one in self.texts]

        def chosen(value: str | None) -> None:
            if value is not None:
                self.query_one("#template", ChoiceRow).value = value
                self._take(value)
                self.query_one("#template").focus()

        self.app.push_screen(Picker("Which template?", listed), chosen)

    @on(TextArea.Changed, "#text")
    @on(Input.Changed, "#subject")
    def show_preview(self) -> None:
        """The message as the lead will read it, how long it is, what is wrong with it."""
        if self.choices is None:
            return
        text, subject, way = self.query_one("#text", TextArea).text, self.query_one("#subject", Input).value, self.way
        head = subject if way is not None and way.has_subject else None
        one = self.template
        hidden = self.office.actor.hidden_fields
        self.seen = seen = read(
            way, text, head, self.values, hidden=hidden, approved=one is not None and one.is_approved
        )
        self._ask_values(seen, text)
        length = seen.length_words
        empty = not text.strip()
        words: Content = Content("what you write stands here as the lead will read it")
        if not empty:
            words = Content.assemble((f"{one_line(seen.subject)}\n" if seen.subject else "", "bold"), seen.text)
        self.query_one("#reads", Static).update(words)
        self.query_one("#shown").set_class(empty, "-muted")
        self.query_one("#length", Static).update("" if empty else length)
        self.refuse("" if empty or way is None else seen.problem)

    def _ask_values(self, seen: Preview, text: str) -> None:
        """Custom fields are not among the values read at first: asked for once, when the text names one."""
        unknown = {key for key in seen.missing if key not in self.values} - self._asked
        if not unknown:
            return
        self._asked |= unknown
        office, lead_id = self.office, self.lead_ids[0]

        def ask() -> Mapping[str, str | None]:
            from leadtui.services import writing

            return writing.values_of(office, lead_id, text)

        def came(values: Mapping[str, str | None]) -> None:
            self.values |= values
            self.show_preview()

        self.run_blocking(ask, then=came, failed=lambda error: None, group="message.values")

    def typed(self) -> bool:
        """A text of one's own would be lost; a template would not."""
        return bool(self.query_one("#text", TextArea).text.strip()) and self.template is None

    def on_key(self, event: events.Key) -> None:
        """Enter on a row of choices sends, as the button does; in the text it is a new line."""
        if event.key == "enter" and isinstance(self.focused, ChoiceRow):
            event.stop()
            event.prevent_default()
            self.do_save()

    # Sending

    def plan(self) -> Plan | None:
        """The message."""
        way, seen, one = self.way, self.seen, self.template
        if way is None or seen is None:
            return None
        if seen.problem:
            self.refuse(seen.problem)
            self.query_one("#text").focus()
            return None
        body, subject = self.query_one("#text", TextArea).text, self.query_one("#subject", Input).value.strip() or None

        def write(office: Any, ref: int) -> Written:
            from leadtui.services import writing

            if one is not None:
                return writing.write_to(office, ref, channel=way.channel, template=one.id, subject=subject)
            return writing.write_to(office, ref, channel=way.channel, body=body, subject=subject)

        return Plan(write, {}, "")

    def written(self, plan: Plan, done: Written | Any) -> None:
        """It is queued; what a person must hand over is shown at once."""
        name, message = one_line(done.lead.title), done.message
        if message is None or message.state != "handed_off":
            refused = message is not None and message.state in ("failed", "skipped")
            said = f"not sent: {message.error or message.reason}" if refused and message else "it is sent next"
            self.finish(Acted(self.lead_ids, None, f"{_short(done.way.title)} to {name}: {said}"))
            return
        from leadtui.screens.handing_over import hand_over

        self.changed(self.lead_ids)
        self.dismiss(None)
        hand_over(self.lead_app, message)


def _short(title: str) -> str:
    """A channel's title without what stands in brackets."""
    return one_line(title).partition(" (")[0]
