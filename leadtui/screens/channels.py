"""What messages are sent by: which channels are ready, which stopped themselves and why; set up, try, test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Static

from leadtui import clock
from leadtui.commands import Command
from leadtui.screens.channel_rows import LIMITS, OWN, about, limit_words, rules_of, spec_of, state_of
from leadtui.screens.record_list import Record, RecordList
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.form import FieldSpec
from leadtui.widgets.lead_cells import how_long
from leadtui.widgets.text import one_line
from leadtui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from leadtui.channels.port import Probe
    from leadtui.services.channels import ChannelRow
    from leadtui.services.messages import MessageRow


class ChannelsScreen(RecordList):
    """The list above, all about the one under the cursor below."""

    SCOPE = "channels"
    HEADING = "Channels"
    HINTS: ClassVar[tuple[str, ...]] = (
        "channels.edit", "channels.probe", "channels.test", "channels.resume", "channels.switch",
    )  # fmt: skip
    TABLE = "channels"
    COLUMNS = (
        Column("label", "Channel", 24, 16, grow=1),
        Column("state", "State", 14, 13),
        Column("limits", "Limits", 20, 12, drop=2),
        Column("probed", "Tried", 12, 9, drop=1),
        Column("why", "Why", 34, 28, grow=3),
    )
    KEY = "key"
    EMPTY = "There are no channels"
    NEEDS = frozenset(f"channels.{name}" for name in ("edit", "probe", "test", "resume", "switch"))
    NONE_HERE = "There is no channel here"
    DEFAULT_CSS: ClassVar[str] = """
    ChannelsScreen #about { height: auto; max-height: 9; padding: 0 1; border-top: solid $primary-muted; }
    ChannelsScreen.-tall #about { max-height: 16; }
    """

    def body(self) -> ComposeResult:
        """The list, the words."""
        yield from super().body()
        yield Static("", id="about", markup=False)

    def on_screen_resume(self) -> None:
        """In front again: the engine may have stopped one."""
        if self.office is not None and self.table.counted:
            self.load()

    def read(self, office: Any) -> list[Record]:
        """All channels there are."""
        from leadtui.services import channels

        return [{"key": one.channel, "channel": one} for one in channels.list_all(office)]

    def shown(self, rows: list[Record]) -> None:
        """How many are ready."""
        ready = sum(row["channel"].ready for row in rows)
        stopped = sum(row["channel"].stopped_code is not None for row in rows)
        self.heading("Channels", f"{ready} ready" + (f" · {stopped} stopped" if stopped else ""))
        self._show_about()
        self.lead_app.refresh_hints()

    def cell(self, row: Any, key: str) -> Cell:
        """A cell of the list."""
        one: ChannelRow = row["channel"]
        match key:
            case "label":
                return one_line(one.label), "strong" if one.ready else ""
            case "state":
                return state_of(one)
            case "limits":
                return limit_words(one), "muted"
            case "probed":
                return (f"{how_long(clock.now() - one.probed_at)}" if one.probed_at else ""), "muted"
            case _:
                return one_line(one.stopped_text or one.why_not or ""), "warning" if one.stopped_code else "muted"

    @property
    def channel(self) -> ChannelRow | None:
        """The one under the cursor."""
        return None if self.record is None else self.record["channel"]

    @on(VirtualTable.Highlighted, "#channels")
    @on(VirtualTable.Loaded, "#channels")
    def _show_about(self) -> None:
        one = self.channel
        words = "" if one is None else about(one, self.office.catalog.tz)
        self.query_one("#about", Static).update(words)

    def why_disabled(self, command: Command) -> str | None:
        """What has nothing to do here."""
        if (reason := super().why_disabled(command)) is not None:
            return reason
        one = self.channel
        if command.id == "channels.resume" and one is not None and one.stopped_code is None:
            return "It is not stopped"
        return None

    def copy_text(self) -> str:
        """What is wrong with it."""
        one = self.channel
        return "" if one is None else f"{one.channel}: {one.stopped_text or one.why_not or 'ready'}"

    # Commands

    @on(VirtualTable.Opened, "#channels")
    def _open(self) -> None:
        self.lead_app.run_command("channels.edit")

    def do_edit(self) -> None:
        """Settings, limits, secrets."""
        from leadtui.screens.record_form import RecordForm

        one, office = self.channel, self.office
        if one is None:
            return
        secret = {setting.key for setting in one.settings if setting.secret}
        values = {setting.key: str(one.config.get(setting.key, "")) for setting in one.settings if not setting.secret}
        values |= {key: "" if one.own_limits.get(name) is None else str(one.own_limits[name])
                   for key, name in OWN.items()}  # fmt: skip
        values["price"] = one.price or ""

        def save(changed: dict[str, str]) -> Any:
            from leadtui.services import channels

            typed = {key: text for key, text in changed.items() if key not in secret}
            unseen = {key: text for key, text in changed.items() if key in secret}
            return {"row": channels.set_account(office, one.channel, typed, unseen or None)}

        specs = (*(spec_of(setting, one) for setting in one.settings), *LIMITS)
        form = RecordForm(
            f"Set up {one.label}", specs, values, save, new=False, note=one.warning, rules=rules_of(one.settings)
        )

        def saved(answer: Any) -> None:
            if answer:
                row: ChannelRow = answer["row"]
                said = "ready; p tries it" if row.ready else row.why_not
                self.changed_record(one.channel, f"{one_line(one.label)} set up: {said}")

        self.app.push_screen(form, saved)

    def do_probe(self) -> None:
        """Ask it whether it would send."""
        one, office = self.channel, self.office
        if one is None:
            return

        def ask() -> Probe:
            from leadtui.services import channels

            return channels.probe(office, one.channel)

        def answered(probe: Probe) -> None:
            hint = f" ({probe.hint})" if probe.hint else ""
            self.changed_record(one.channel, f"{one_line(one.label)}: {probe.text}{hint}")

        self.done(f"Asking {one_line(one.label)} …")
        self.run_blocking(ask, then=answered, group="channels.probe")

    def do_resume(self) -> None:
        """Let it send again."""
        one = self.channel
        if one is not None:
            self._switch("resume", f"{one_line(one.label)} sends again; its paused campaigns are resumed one by one")

    def do_switch(self) -> None:
        """Off, or on again."""
        one = self.channel
        if one is not None:
            words = "switched off: what waits on it waits" if one.is_active else "switched on"
            self._switch("set_active", f"{one_line(one.label)} {words}", not one.is_active)

    def _switch(self, name: str, words: str, *arguments: Any) -> None:
        one, office = self.channel, self.office
        if one is None:
            return

        def write() -> Any:
            from leadtui.services import channels

            return getattr(channels, name)(office, one.channel, *arguments)

        self.run_blocking(write, then=lambda _: self.changed_record(one.channel, words))

    def do_test(self) -> None:
        """A message to oneself."""
        from leadtui.screens.record_form import RecordForm

        one, office = self.channel, self.office
        if one is None:
            return
        what = "an email address" if one.caps.address == "email" else "your own phone, with its country"
        specs = [FieldSpec("to", "To", required=True, max_length=255, help=what)]
        if one.caps.has_subject:
            specs.append(FieldSpec("subject", "Subject", max_length=255))
        specs.append(FieldSpec("text", "Text", "block", required=True, max_length=2000))

        def save(values: dict[str, str]) -> Any:
            from leadtui.services import sending

            row = sending.send_test(office, one.channel, values["to"], values["text"], subject=values.get("subject"))
            return {"row": row}

        given = {"text": "Does this channel work?", "subject": "A test" if one.caps.has_subject else ""}
        form = RecordForm(f"Test {one.label}", specs, given, save, new=True, note=one.warning)
        form.do = "Send"
        self.app.push_screen(form, self._tested)

    def _tested(self, answer: Mapping[str, MessageRow] | None) -> None:
        if not answer:
            return
        from leadtui.screens.handing_over import hand_over
        from leadtui.screens.message_rows import state_words

        row = answer["row"]
        self.load()
        if row.state == "handed_off":
            hand_over(self.lead_app, row)
        else:
            self.done(f"Test to {one_line(row.address or '')}: {state_words(row)}")
