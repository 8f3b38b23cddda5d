"""A form from a tuple of field specs: values in and out as texts, rules shown live, errors under their fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from leadtui.widgets.form_field import FieldBox, FieldSpec, FieldState
from leadtui.widgets.text import one_line

__all__ = ["FieldSpec", "FieldState", "Form"]

WIDE = 120
"""From this many cells on the fields stand in two columns."""


class Form(VerticalScroll, can_focus=False):
    """Fields one below the other, two columns when wide. Values are texts; a ticked box is "yes", an open one "".

    `rules(values)` says which fields are required and visible, `compute(values)` the texts of computed fields; both
    are pure and run at each change. Checking of contents is the owner's: `set_errors` shows what it found.
    """

    DEFAULT_CSS: ClassVar[str] = """
    Form { height: 1fr; padding: 0 1; }
    Form.-columns { layout: grid; grid-size: 2; grid-rows: auto; grid-gutter: 0 2; }
    Form .form-group { height: 1; color: $text-muted; text-style: bold; width: 100%; }
    Form.-columns .form-group { column-span: 2; }
    Form.-columns FieldBox.-whole { column-span: 2; }
    """

    class _OfForm(Message):
        def __init__(self, form: Form, key: str = "") -> None:
            super().__init__()
            self.form = form
            self.key = key

        @property
        def control(self) -> Form:
            """The form."""
            return self.form

        @property
        def values(self) -> dict[str, str]:
            """What the form holds."""
            return self.form.values()

    class Changed(_OfForm):
        """The value of `key` was changed by the person."""

    class Left(_OfForm):
        """The focus left the field `key`: the moment to check its content."""

    class PickWanted(_OfForm):
        """A value for `key` is to be chosen from a long list: open a Picker, then `set_values({key: value})`."""

    class Submitted(_OfForm):
        """Enter in a one-line field."""

    def __init__(
        self,
        specs: Sequence[FieldSpec],
        values: Mapping[str, str] | None = None,
        *,
        rules: Callable[[dict[str, str]], Mapping[str, FieldState]] | None = None,
        compute: Callable[[dict[str, str]], Mapping[str, str]] | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.specs = tuple(specs)
        self._rules = rules
        self._compute = compute
        given = dict(values or {})
        self._boxes = {spec.key: FieldBox(spec, given.get(spec.key, "")) for spec in self.specs}
        self._initial: dict[str, str] = {key: box.value for key, box in self._boxes.items()}
        self._focused_key = ""

    def compose(self) -> ComposeResult:
        """The fields, with a line before each group."""
        group = ""
        for spec in self.specs:
            if spec.group and spec.group != group:
                yield Static(Content(f"─ {one_line(spec.group)} "), classes="form-group")
            group = spec.group
            yield self._boxes[spec.key]

    def on_mount(self) -> None:
        """Rules and computed values of what was given."""
        self._apply()

    def on_resize(self, event: events.Resize) -> None:
        """Two columns when there is room."""
        self.set_class(event.size.width >= WIDE, "-columns")
        self._place()

    def _place(self) -> None:
        """Which fields take a whole row, and which rows are shaded: neighbours must not melt into one block.

        In two columns a block of text begins on the left, and so does a new group: a field left alone before one of
        them takes the row.
        """
        columns = 2 if self.has_class("-columns") else 1
        shown = [self._boxes[spec.key] for spec in self.specs if self._boxes[spec.key].shown]
        column, shaded = 0, False
        for box, after in zip(shown, [*shown[1:], None], strict=True):
            ends = after is None or after.spec.group != box.spec.group or after.spec.kind == "block"
            whole = box.spec.kind == "block" or (column == 0 and ends)
            box.set_class(columns == 2 and whole, "-whole")
            box.set_class(shaded, "-shaded")
            column = 0 if whole else (column + 1) % columns
            shaded = shaded if column else not shaded

    # Values

    def values(self) -> dict[str, str]:
        """Every field's text, hidden ones too (they keep what was typed)."""
        return {key: box.value for key, box in self._boxes.items()}

    def visible_values(self) -> dict[str, str]:
        """The texts of the fields that are shown and can be written: what to save."""
        return {key: box.value for key, box in self._boxes.items() if box.shown and box.spec.kind != "readonly"}

    def value(self, key: str) -> str:
        """One field's text."""
        return self._boxes[key].value

    def set_values(self, values: Mapping[str, str], *, clean: bool = False) -> None:
        """Put texts into fields; with `clean` the form then counts as unchanged."""
        for key, text in values.items():
            self._boxes[key].set_value(text)
        self._apply()
        if clean:
            self._initial = self.values()

    def set_choices(self, key: str, choices: Sequence[tuple[str, str]]) -> None:
        """Other choices, because another field decides them; a value that is still there stays."""
        self._boxes[key].set_choices(choices)

    @property
    def dirty(self) -> bool:
        """Whether something typed would be lost."""
        return bool(self.changes())

    def changes(self) -> dict[str, str]:
        """The texts that differ from those given, of fields a person writes."""
        return {
            key: box.value
            for key, box in self._boxes.items()
            if box.spec.kind != "readonly" and box.value != self._initial.get(key, "")
        }

    # Errors

    def set_errors(self, errors: Mapping[str, str], *, focus: bool = True) -> None:
        """Show these errors and no others; the first bad field gets the focus."""
        for key, box in self._boxes.items():
            box.show_error(errors.get(key, ""))
        if focus:
            self._focus_first([key for key in self._boxes if errors.get(key)])

    def set_error(self, key: str, text: str) -> None:
        """Show or clear one field's error; the focus stays."""
        self._boxes[key].show_error(text)

    @property
    def errors(self) -> dict[str, str]:
        """The errors shown now."""
        return {key: box.error for key, box in self._boxes.items() if box.error}

    def check(self) -> bool:
        """Whether all required fields that are shown are filled; marks and focuses the first that is not."""
        missing = {
            key: f"{box.spec.label} is missing"
            for key, box in self._boxes.items()
            if box.shown and box.required and not box.value.strip()
        }
        if missing:
            self.set_errors(missing)
        return not missing

    def focus_field(self, key: str) -> None:
        """Give a field the focus."""
        self._boxes[key].focus_control()

    def focus_first(self) -> None:
        """Give the first field that can be written the focus."""
        self._focus_first(self._boxes)

    def _focus_first(self, keys: Iterable[str]) -> None:
        for key in keys:
            if self._boxes[key].shown and self._boxes[key].focus_control():
                return

    @property
    def focused_key(self) -> str:
        """The field that has the focus, or had it last."""
        # Focus events of two widgets may arrive in either order: what has the focus now is asked of the screen.
        focused = self.screen.focused if self.is_mounted else None
        return (self._key_of(focused) if focused is not None else None) or self._focused_key

    def want_pick(self, key: str = "") -> bool:
        """Ask for a list to choose from, for this field or the focused one. False when it has none."""
        box = self._boxes.get(key or self.focused_key)
        if box is None or not box.picks:
            return False
        self.post_message(self.PickWanted(self, box.spec.key))
        return True

    # Live rules

    def _apply(self) -> None:
        values = self.values()
        if self._compute is not None:
            for key, text in self._compute(values).items():
                if self._boxes[key].value != text:
                    self._boxes[key].set_value(text)
            values = self.values()
        states = self._rules(values) if self._rules is not None else {}
        for key, box in self._boxes.items():
            state = states.get(key)
            if state is not None:
                box.set_state(state)
        self._place()

    def _changed(self, key: str) -> None:
        self._boxes[key].show_error("")
        self._apply()
        self.post_message(self.Changed(self, key))

    @on(FieldBox.Edited)
    def edited(self, event: FieldBox.Edited) -> None:
        """A field's control says that its value was changed."""
        event.stop()
        self._changed(event.key)

    @on(FieldBox.Picks)
    def picks(self, event: FieldBox.Picks) -> None:
        """Enter in a field that is chosen from a list."""
        event.stop()
        self.want_pick(event.key)

    @on(Input.Submitted)
    def entered(self, event: Input.Submitted) -> None:
        """Enter in a one-line field."""
        event.stop()
        self.post_message(self.Submitted(self, self.focused_key))

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Keep track of the field."""
        if (key := self._key_of(event.widget)) is not None:
            self._focused_key = key

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """The field was left."""
        if (key := self._key_of(event.widget)) is not None:
            self.post_message(self.Left(self, key))

    def _key_of(self, widget: Widget) -> str | None:
        """The field that a control belongs to; None for a widget outside this form."""
        box = next((node for node in widget.ancestors if isinstance(node, FieldBox)), None)
        return box.spec.key if box is not None and self._boxes.get(box.spec.key) is box else None
