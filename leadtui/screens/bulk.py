"""Doing one thing to many leads: preview, the count typed above 100, progress that can be stopped, what was refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static

from leadtui.errors import LeadtuiError
from leadtui.screens.base import LeadModal
from leadtui.widgets.text import fit, one_line

if TYPE_CHECKING:
    from leadtui.background import Job
    from leadtui.domain.records import BulkResult, Refusal

TYPED_FROM = 101
"""From this many leads on the count is typed (contract: more than 100)."""
SHOWN_REFUSALS = 200


class BulkScreen(LeadModal["BulkResult"]):
    """Shows what an act would do before it does it; answers what it did, or None when nothing was done."""

    SCOPE = "form"
    CSS = """
    BulkScreen > .dialog { width: 80; }
    BulkScreen #what { height: auto; max-height: 30; }
    BulkScreen.-short #what { max-height: 15; }
    BulkScreen .part { height: auto; padding-left: 1; }
    BulkScreen #refused { color: $text-warning; }
    BulkScreen #typed { width: 20; }
    BulkScreen .problem { height: auto; color: $text-error; padding-left: 1; }
    """

    def __init__(self, lead_ids: tuple[int, ...], where: str | None, act: Mapping[str, Any], words: str) -> None:
        """`act` are the arguments of `services.bulk.Act`; `words` what will have been done ("moved to Interested")."""
        super().__init__()
        self.lead_ids = lead_ids
        self.where = where
        self.act = dict(act)
        self.words = words
        self.preview: BulkResult | None = None
        self.result: BulkResult | None = None
        self._job: Job | None = None
        self._told = 0

    def body(self) -> ComposeResult:
        """Counts, examples, refusals, the count to type, buttons."""
        with Vertical(classes="dialog") as box:
            box.border_title = Content("Many leads at once")
            with VerticalScroll(id="what"):
                yield Static(Content("Looking at what this would do …"), id="counts", classes="part")
                yield Static("", id="examples", classes="part", markup=False)
                yield Static("", id="refused", classes="part", markup=False)
            yield Input(id="typed")
            yield Static("", classes="problem", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Do it", id="do", variant="primary", disabled=True)
                yield Button("Cancel", id="cancel")

    def on_mount(self) -> None:
        """Nothing to type and nothing wrong yet."""
        for name in ("#typed", ".problem", "#refused"):
            self.query_one(name).display = False
        self.query_one("#cancel").focus()

    def _arguments(self) -> tuple[Any, Any]:
        from leadtui.services.bulk import Act, Target

        # A log entry is made here, in the thread: the screen does not import services.
        act = {name: value.made() if hasattr(value, "made") else value for name, value in self.act.items()}
        return Target(ids=self.lead_ids, where=self.where), Act(**act)

    def office_ready(self) -> None:
        """Ask what would happen."""
        office = self.office

        def look() -> BulkResult:
            from leadtui.services import bulk

            return bulk.preview(office, *self._arguments())

        self.run_blocking(look, then=self._show_preview, failed=self._refused_whole, group="bulk.preview")

    def _refused_whole(self, error: Exception) -> None:
        if not isinstance(error, LeadtuiError):
            self.dismiss(None)
            self.lead_app.report(error)
            return
        self.query_one("#counts", Static).update(Content("Nothing can be done."))
        self._say(f"{error.message} ({error.hint})" if error.hint else error.message)

    def _show_preview(self, preview: BulkResult) -> None:
        self.preview = preview
        change = preview.changed
        refused = f" · {len(preview.refused):,} refused" if preview.refused else ""
        same = preview.matched - change - len(preview.refused)
        unchanged = f" · {same:,} are so already" if same > 0 else ""
        self.query_one("#counts", Static).update(
            Content.assemble(
                (f"{change:,} of {preview.matched:,} leads", "bold"), f" will be {self.words}{unchanged}{refused}"
            )
        )
        width = max(self.query_one("#examples").content_size.width, 40)
        lines = [
            f"  {fit(one_line(row.title), width - 42)}  {fit(row.number, 15)}  {fit(one_line(row.status), 20)}"
            for row in preview.examples[:10]
        ]
        if change > len(lines) and lines:
            lines.append(f"  … and {change - len(lines):,} more")
        self.query_one("#examples", Static).update(Content("\n".join(lines)))
        self._show_refusals(preview.refused, 3)
        button = self.query_one("#do", Button)
        button.label = Content(f"Do it ({change:,})" if change else "Nothing to do")
        button.disabled = not change
        if change >= TYPED_FROM:
            typed = self.query_one("#typed", Input)
            typed.placeholder = f"type {change} to go on"
            typed.display = True
            typed.focus()
        elif change:
            button.focus()

    def _show_refusals(self, refused: tuple[Refusal, ...], most: int) -> None:
        line = self.query_one("#refused", Static)
        line.display = bool(refused)
        if not refused:
            return
        numbers: dict[str, list[str]] = {}
        for refusal in refused:
            numbers.setdefault(one_line(refusal.error), []).append(refusal.lead_number)
        rows: list[str] = []
        for error, those in list(numbers.items())[:most]:
            rest = f" and {len(those) - most:,} more" if len(those) > most else ""
            rows.append(f"Refused, {len(those):,} × {error}: {', '.join(those[:most])}{rest}")
        if len(numbers) > most:
            rows.append(f"… and for {len(numbers) - most:,} other reasons")
        line.update(Content("\n".join(rows)))

    def _say(self, text: str) -> None:
        line = self.query_one(".problem", Static)
        line.update(Content(text))
        line.display = bool(text)

    def do_save(self) -> None:
        """Do it, once the count was typed where one is asked for; afterwards: close."""
        if self.result is not None:
            self.dismiss(self.result)
            return
        preview = self.preview
        if preview is None or not preview.changed or self._job is not None:
            return
        if preview.changed >= TYPED_FROM:
            typed = self.query_one("#typed", Input).value.replace(",", "").strip()
            if typed != str(preview.changed):
                self._say(f"Type {preview.changed} to go on, or leave with esc")
                return
        self._start(preview.changed)

    def _start(self, count: int) -> None:
        self._say("")
        self.query_one("#typed").display = False
        self.query_one("#do").disabled = True
        cancel = self.query_one("#cancel", Button)
        cancel.label = Content("Stop")
        cancel.focus()
        office = self.office
        holder: list[Job] = []

        def work() -> BulkResult:
            from leadtui.services import bulk

            target, act = self._arguments()
            return bulk.apply(
                office,
                target,
                act,
                should_stop=lambda: bool(holder) and holder[0].should_stop(),
                on_progress=self._progress,
            )

        title = f"Changing {count:,} leads"
        self._job = self.run_blocking(work, then=self._written, failed=self._failed, title=title, group="bulk.apply")
        holder.append(self._job)

    def _progress(self, done: int, total: int, *_: object) -> None:
        """Called in the thread; at most a hundred times for the whole."""
        step = max(total // 100, 1)
        if done < self._told + step and done < total:
            return
        self._told = done
        self.call_later(self._show_progress, done, total)

    def _show_progress(self, done: int, total: int) -> None:
        if self.result is None:
            self.query_one("#counts", Static).update(Content(f"{done:,} of {total:,} done · esc stops"))

    def _failed(self, error: Exception) -> None:
        self._job = None
        cancel = self.query_one("#cancel", Button)
        cancel.label = Content("Cancel")
        if isinstance(error, LeadtuiError) and error.code == "stopped":
            app = self.lead_app
            self.dismiss(None)
            app.say("Stopped: nothing was changed")
            return
        if isinstance(error, LeadtuiError):
            self._say(f"{error.message} ({error.hint})" if error.hint else error.message)
            self.query_one("#do").disabled = False
            return
        self.dismiss(None)
        self.lead_app.report(error)

    def _written(self, result: BulkResult) -> None:
        """Close at once when all went well; refused rows stay to be read."""
        self._job = None
        self.result = result
        if not result.refused:
            self.dismiss(result)
            return
        self.query_one("#counts", Static).update(
            Content.assemble(
                (f"{result.changed:,} {'lead was' if result.changed == 1 else 'leads were'}", "bold"),
                f" {self.words}; {len(result.refused):,} {'was' if len(result.refused) == 1 else 'were'} refused",
            )
        )
        self.query_one("#examples").display = False
        self._show_refusals(result.refused, SHOWN_REFUSALS)
        self.query_one("#do").display = False
        cancel = self.query_one("#cancel", Button)
        cancel.label = Content("Close")
        cancel.focus()

    def do_back(self) -> None:
        """Stop what is under way; else close."""
        if self._job is not None:
            self._job.stop()
            self.query_one("#counts", Static).update(Content("Stopping …"))
            return
        self.dismiss(self.result)

    def copy_text(self) -> str:
        """The refused rows, for a note to oneself."""
        shown = self.result or self.preview
        return "\n".join(f"{row.lead_number}\t{row.error}" for row in shown.refused) if shown else ""

    @on(Button.Pressed, "#do")
    def _pressed_do(self) -> None:
        self.do_save()

    @on(Button.Pressed, "#cancel")
    def _pressed_cancel(self) -> None:
        self.do_back()

    @on(Input.Submitted, "#typed")
    def _typed(self, event: Input.Submitted) -> None:
        event.stop()
        self.do_save()
