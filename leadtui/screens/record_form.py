"""A form over one record of the office (a user, a package, a setting …): fields, errors beside them, save, cancel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from leadtui.errors import LeadtuiError
from leadtui.screens.base import LeadModal
from leadtui.widgets.form import FieldSpec, FieldState, Form
from leadtui.widgets.text import one_line


class RecordForm(LeadModal[Any]):
    """Answers what `save(values)` answered, None when left. `save` runs off the UI thread.

    For an existing record (`new=False`) only what was changed is given to `save`; a cleared field is "". `rules` says
    which fields are shown and required (see Form).
    """

    SCOPE = "form"
    DEFAULT_CSS: ClassVar[str] = """
    RecordForm Form { height: auto; max-height: 18; padding: 0; }
    RecordForm .problem { height: auto; max-height: 4; color: $text-error; }
    RecordForm .note { height: auto; color: $text-muted; margin-bottom: 1; }
    RecordForm .buttons { margin-top: 1; }
    """

    def __init__(
        self,
        title: str,
        specs: Sequence[FieldSpec],
        values: Mapping[str, str],
        save: Callable[[dict[str, str]], Any],
        *,
        new: bool,
        note: str = "",
        rules: Callable[[dict[str, str]], Mapping[str, FieldState]] | None = None,
    ) -> None:
        super().__init__()
        self.title_words = title
        self.specs = tuple(specs)
        self.given = dict(values)
        self._save = save
        self.new = new
        self.note = note
        self.rules = rules
        self.do = "Save"
        """What the button says."""
        self._busy = False

    def body(self) -> ComposeResult:
        """The box."""
        with Vertical(classes="dialog") as box:
            box.border_title = Content(one_line(self.title_words))
            if self.note:
                yield Static(Content(self.note), classes="note")
            yield Form(self.specs, self.given, rules=self.rules)
            yield Static("", classes="problem", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(self.do, id="save", variant="primary")
                yield Button("Cancel", id="cancel")

    def on_mount(self) -> None:
        """The first field."""
        self.query_one(".problem").display = False
        self.form.focus_first()

    @property
    def form(self) -> Form:
        """The form."""
        return self.query_one(Form)

    def unsaved(self) -> str | None:
        """Leaving asks once when something was typed."""
        return "What you typed here will be lost" if self.form.dirty else None

    def do_pick(self) -> None:
        """Long choice fields have no list here: their menu is the list."""
        self.form.want_pick()

    def do_save(self) -> None:
        """Save; what is wrong is shown beside its field."""
        if self._busy:
            return
        self._say("")
        if not self.form.check():
            return
        values = self.form.visible_values() if self.new else self.form.changes()
        if self.new:
            values = {key: text for key, text in values.items() if text.strip()}
        elif not values:
            self.dismiss(None)
            return
        self._set_busy(True)
        self.run_blocking(self._save, values, then=self._written, failed=self._failed)

    def _written(self, answer: Any) -> None:
        self.dismiss(answer if answer is not None else {})

    def _failed(self, error: Exception) -> None:
        self._set_busy(False)
        if not isinstance(error, LeadtuiError):
            self.lead_app.report(error)
            return
        words = f"{error.message} ({error.hint})" if error.hint else error.message
        if error.field in {spec.key for spec in self.specs}:
            self.form.set_errors({error.field: words})
        else:
            self._say(words)

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy
        self.query_one("#save", Button).disabled = busy

    def _say(self, text: str) -> None:
        line = self.query_one(".problem", Static)
        line.update(Content(text))
        line.display = bool(text)

    @on(Form.Submitted)
    def _entered(self) -> None:
        """Enter in a short form saves; in a longer one it goes on, and saves from the last field."""
        states = self.rules(self.form.values()) if self.rules is not None else {}
        shown = [spec.key for spec in self.specs if spec.key not in states or states[spec.key].visible]
        if self.form.focused_key == shown[-1]:
            self.do_save()
        else:
            self.focus_next()

    @on(Button.Pressed, "#save")
    def _pressed_save(self) -> None:
        self.do_save()

    @on(Button.Pressed, "#cancel")
    def _pressed_cancel(self) -> None:
        self.do_back()
