"""What can be done with a drip, from the list and from the screen of one: steps, start, pause, stop, enroll."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from leadtui.commands import Command
from leadtui.screens.base import LeadScreen
from leadtui.screens.drip_rows import count_words
from leadtui.widgets.form import FieldSpec
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.drips import DripRow, EnrollResult

_NEED: Final = frozenset(f"drips.{name}" for name in ("edit", "start", "pause", "stop", "delete", "enroll"))


class DripCommands(LeadScreen[Any]):
    """Subclasses say which drip is in front, and read it again."""

    NO_DRIP: ClassVar[str] = "There is no drip here"

    @property
    def drip(self) -> DripRow | None:
        """The drip in front."""
        return None

    def read_again(self, key: str | None = None) -> None:
        """Something was done with it."""

    def why_disabled(self, command: Command) -> str | None:
        """What does not fit its status."""
        one = self.drip
        if command.id in _NEED and one is None:
            return self.NO_DRIP
        if one is None:
            return None
        if command.id == "drips.start" and one.status == "active":
            return "It runs; P pauses it"
        if command.id == "drips.pause" and one.status not in ("active", "paused"):
            return "It does not run; S starts it"
        if command.id == "drips.stop" and one.status in ("cancelled", "draft"):
            return "It does not run"
        return None

    def do_new(self) -> None:
        """Make a drip."""
        from leadtui.screens.drip_forms import about_form

        def begun(values: Any) -> None:
            from leadtui.screens.drip_editor import DripEditor

            if values:
                self.app.push_screen(DripEditor(None, values), self._edited)

        self.app.push_screen(about_form({}), begun)

    def do_edit(self) -> None:
        """Its steps."""
        from leadtui.screens.drip_editor import DripEditor

        if self.drip is not None:
            self.app.push_screen(DripEditor(self.drip.key, {}), self._edited)

    def _edited(self, key: str | None) -> None:
        if key is not None:
            self.read_again(key)

    def do_start(self) -> None:
        """Let it run, after saying what that means."""
        from leadtui.screens.confirm import Confirm

        one = self.drip
        if one is None:
            return
        waiting = f" In it: {count_words(one.active, 'lead')}; what is due is done now." if one.active else ""
        words = f"{one_line(one.name)}: {count_words(one.step_count, 'step')}. Comes in: {one.enroll.words}.{waiting}"
        self.app.push_screen(
            Confirm(words, yes="Start", no="Not yet"), lambda yes: self._move("resume", "runs") if yes else None
        )

    def do_pause(self) -> None:
        """Pause, or go on."""
        if self.drip is not None:
            self._move(*(("pause", "paused: nobody goes on") if self.drip.status == "active" else ("resume", "runs")))

    def do_stop(self) -> None:
        """End it for all."""
        from leadtui.screens.confirm import Confirm

        one = self.drip
        if one is None:
            return
        count = one.active + one.paused
        words = f"{one_line(one.name)} ends for {count_words(count, 'lead')} in it. What was sent stays."
        typed = str(count) if count > 1 else None
        self.app.push_screen(
            Confirm(words, yes="Stop it", no="Leave it", danger=True, typed=typed),
            lambda yes: self._move("stop", "stopped") if yes else None,
        )

    def do_delete(self) -> None:
        """Delete it."""
        from leadtui.screens.confirm import Confirm

        one = self.drip
        if one is None:
            return
        count = one.active + one.paused
        words = f"Delete the drip {one_line(one.name)}?" + (
            f" Taken out of it: {count_words(count, 'lead')}." if count else ""
        )
        self.app.push_screen(
            Confirm(words, yes="Delete", no="Leave it", danger=True, typed=str(count) if count > 1 else None),
            lambda yes: self._move("delete", "deleted") if yes else None,
        )

    def _move(self, name: str, words: str) -> None:
        one, office = self.drip, self.office
        if one is None:
            return

        def write() -> Any:
            from leadtui.services import drips

            return getattr(drips, name)(office, one.key)

        def done(_row: Any) -> None:
            self.changed()
            self.read_again(one.key)
            self.done(f"Drip {one_line(one.name)} {words}")

        self.run_blocking(write, then=done, group="drips.move")

    # Enrolling the leads of a filter

    def do_enroll(self) -> None:
        """Which leads; what it would do; then the typed count."""
        from leadtui.screens.record_form import RecordForm

        one, office = self.drip, self.office
        if one is None:
            return
        specs = (
            FieldSpec("where", "Leads", required=True, max_length=1000, placeholder="status:interested -tag:vip",
                      help="a filter, as on the list of leads"),
            FieldSpec("again", "Once more", "bool", help="also those who were in it before"),
        )  # fmt: skip

        def look(values: dict[str, str]) -> dict[str, Any]:
            from leadtui.services import drips

            again = values.get("again") == "yes"
            result = drips.enroll(office, one.key, where=values["where"], again=again, dry_run=True)
            return {"result": result, "where": values["where"], "again": again}

        form = RecordForm(f"Enroll into {one.name}", specs, {}, look, new=True)
        form.do = "Look"
        self.app.push_screen(form, lambda found: self._ask_enroll(one, found) if found else None)

    def _ask_enroll(self, one: DripRow, found: dict[str, Any]) -> None:
        from leadtui.screens.confirm import Confirm

        result: EnrollResult = found["result"]
        if not result.enrolled:
            self.app.push_screen(Confirm(enroll_words(result), yes="All right", no="Close"))
            return
        typed = str(result.enrolled) if result.enrolled > 1 else None
        status = "" if one.status == "active" else f"\nThe drip does not run yet ({one.status_word}): S starts it."
        self.app.push_screen(
            Confirm(enroll_words(result) + status, yes="Enroll", no="Leave it", typed=typed),
            lambda yes: self._enroll(one, found["where"], found["again"]) if yes else None,
        )

    def _enroll(self, one: DripRow, where: str, again: bool) -> None:
        office = self.office

        def write() -> EnrollResult:
            from leadtui.services import drips

            return drips.enroll(office, one.key, where=where, again=again)

        def done(result: EnrollResult) -> None:
            self.changed()
            self.read_again(one.key)
            self.done(
                f"{count_words(result.enrolled, 'lead')} put into {one_line(one.name)}", undo=result.batch is not None
            )

        self.run_blocking(write, then=done, group="drips.enroll", title="Enrolling leads")


def enroll_words(result: EnrollResult) -> str:
    """What an enrollment would do: how many come in, who does not and why."""
    words = f"{result.enrolled:,} of {count_words(result.matched, 'lead')} would come in."
    why: dict[str, int] = {}
    for one in result.refused:
        why[str(one.get("error", ""))] = why.get(str(one.get("error", "")), 0) + 1
    for reason, count in sorted(why.items(), key=lambda pair: -pair[1])[:5]:
        words += f"\n{count:,} not: {one_line(reason)}"
    return words
