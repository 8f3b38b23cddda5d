"""One field of a form: label, control, and the error or help below it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Select, Static, TextArea

from leadtui.widgets.text import one_line

LONG = 200
"""More choices than this are chosen in a Picker (facts §2.4)."""
KINDS = ("line", "block", "choice", "bool", "money", "date", "phone", "password", "readonly")


def _options(choices: Iterable[tuple[str, str]]) -> list[tuple[Text, str]]:
    """(value, label) pairs as a menu takes them; rich's `Text`, never markup, since typing searches only there."""
    return [(Text(one_line(label)), key) for key, label in choices]


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """What a field is. `pick=True` (or more than 200 choices) makes a choice a searched list instead of a menu."""

    key: str
    label: str
    kind: str = "line"
    required: bool = False
    visible: bool = True
    choices: tuple[tuple[str, str], ...] = ()
    """(value, label) pairs."""
    help: str = ""
    error: str = ""
    group: str = ""
    pick: bool = False
    max_length: int = 0
    placeholder: str = ""


@dataclass(frozen=True, slots=True)
class FieldState:
    """What the rules say of a field now."""

    required: bool = False
    visible: bool = True


class _PickLine(Input):
    """Shows the label of the chosen value; typing goes to the list that searches."""

    BINDINGS: ClassVar = []

    async def _on_key(self, event: events.Key) -> None:
        if event.key in ("backspace", "delete"):
            self.query_ancestor(FieldBox).take("")
        elif event.key in ("enter", "space", "down") or event.is_printable:
            self.post_message(FieldBox.Picks(self.query_ancestor(FieldBox).spec.key))
        else:
            return
        event.stop()
        event.prevent_default()


class _Tick(Checkbox):
    """A box that is empty or ticked and says no or yes: Textual tells its states apart by colour alone."""

    def __init__(self, value: bool) -> None:
        super().__init__("yes" if value else "no", value=value, compact=True)
        self.BUTTON_INNER = "X" if value else " "

    def watch_value(self) -> None:
        """Mark and word follow the state."""
        super().watch_value()
        self.BUTTON_INNER = "X" if self.value else " "
        self.label = Content("yes" if self.value else "no")


class FieldBox(Vertical):
    """Label and control in a row, a line for error or help below."""

    DEFAULT_CSS: ClassVar[str] = """
    FieldBox { height: auto; }
    FieldBox > Horizontal { height: auto; }
    FieldBox .field-label { width: 20; height: 1; padding-right: 1; }
    FieldBox .field-note { display: none; height: auto; margin-left: 21; color: $text-muted; }
    FieldBox .field-note.-error { display: block; color: $text-error; }
    FieldBox.-here .field-note.-help { display: block; }
    FieldBox.-off { display: none; }
    FieldBox Input, FieldBox Select, FieldBox TextArea { width: 1fr; }
    FieldBox Input { height: 1; border: none; padding: 0 1; }
    FieldBox TextArea { height: 4; border: none; padding: 0 1; }
    FieldBox TextArea .text-area--cursor-line { background: transparent; }
    FieldBox Checkbox { border: none; padding: 0 1; height: 1; width: auto; background: transparent; }
    FieldBox .field-value { width: 1fr; height: 1; padding: 0 1; }
    FieldBox:ansi Input, FieldBox:ansi TextArea { background: ansi_default; text-style: underline; }
    FieldBox:ansi Input:focus { background: ansi_default; text-style: bold underline; }
    """

    class Edited(Message):
        """The person changed the value."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class Picks(Edited):
        """A list is wanted."""

    def __init__(self, spec: FieldSpec, value: str) -> None:
        super().__init__(classes=f"-{spec.kind}")
        self.spec = spec
        self.required = spec.required
        self.shown = spec.visible
        self.error = spec.error
        self._choices = dict(spec.choices)
        self._value = value
        self._control: Widget | None = None

    @property
    def picks(self) -> bool:
        """Whether its value is chosen in a Picker."""
        return self.spec.kind == "choice" and (self.spec.pick or len(self._choices) > LONG)

    @property
    def value(self) -> str:
        """The text; "yes" or "" of a box."""
        return self._value

    def compose(self) -> ComposeResult:
        """Label, control, note."""
        self._control = self._make(self._value)
        with Horizontal():
            yield Static(self._label(), classes="field-label")
            yield self._control
        yield Static("", classes="field-note", markup=False)

    def on_mount(self) -> None:
        """Show what is known from the start."""
        self.set_class(not self.shown, "-off")
        self.show_error(self.error)

    def on_descendant_focus(self) -> None:
        """Its help is seen while one is here: `:focus-within` does not reach what lies inside a widget."""
        self.add_class("-here")

    def on_descendant_blur(self) -> None:
        """The focus went elsewhere."""
        self.remove_class("-here")

    def _label(self) -> Content:
        star = (" *", "bold $text-error") if self.required else ""
        return Content.assemble(one_line(self.spec.label), star)

    def _make(self, value: str) -> Widget:
        spec = self.spec
        limit = spec.max_length or None
        match spec.kind:
            case "block":
                area = TextArea(value.replace("\r\n", "\n"), soft_wrap=True, tab_behavior="focus", compact=True)
                area.cursor_blink = False
                return area
            case "choice" if self.picks:
                return _PickLine(one_line(self._choices.get(value, value)), placeholder="enter chooses", compact=True)
            case "choice":
                known = value if value in self._choices else Select.NULL
                return Select(_options(self._choices.items()), value=known, prompt="–", compact=True, allow_blank=True)
            case "bool":
                return _Tick(bool(value))
            case "readonly":
                return Static(Content(one_line(value)), classes="field-value")
        hints = {"date": "2026-11-20, today, +3d, fri 14:00", "money": "0.00", "phone": "0712 345 678"}
        return Input(
            value,
            placeholder=spec.placeholder or hints.get(spec.kind, ""),
            password=spec.kind == "password",
            max_length=limit or 0,
            compact=True,
            select_on_focus=False,
        )

    def set_value(self, text: str) -> None:
        """Put a text there, as the program."""
        self._value = text
        control = self._control
        with self.prevent(Input.Changed, Select.Changed, Checkbox.Changed, TextArea.Changed):
            if isinstance(control, _PickLine):
                control.value = one_line(self._choices.get(text, text))
            elif isinstance(control, Input):
                control.value = text
            elif isinstance(control, TextArea):
                control.load_text(text.replace("\r\n", "\n"))
            elif isinstance(control, Checkbox):
                control.value = bool(text)
            elif isinstance(control, Select):
                control.value = text if text in self._choices else Select.NULL
            elif isinstance(control, Static):
                control.update(Content(one_line(text)))

    def set_choices(self, choices: Sequence[tuple[str, str]]) -> None:
        """Other choices; a value that is no longer among them is taken out."""
        self._choices = dict(choices)
        if self._value not in self._choices and self._value:
            self._value = ""
        if isinstance(self._control, Select):
            with self.prevent(Select.Changed):
                self._control.set_options(_options(choices))
        self.set_value(self._value)

    def take(self, text: str) -> None:
        """Put a text there, as the person."""
        self.set_value(text)
        self.post_message(self.Edited(self.spec.key))

    def set_state(self, state: FieldState) -> None:
        """Required and visible, as the rules say now."""
        if state.required != self.required:
            self.required = state.required
            if self.is_mounted:
                self.query_one(".field-label", Static).update(self._label())
        if state.visible != self.shown:
            self.shown = state.visible
            self.set_class(not self.shown, "-off")

    def show_error(self, text: str) -> None:
        """The error below the field; without one its help, while it has the focus."""
        self.error = text
        if not self.is_mounted:
            return
        note = self.query_one(".field-note", Static)
        note.update(one_line(text or self.spec.help))
        note.set_class(bool(text), "-error")
        note.set_class(bool(self.spec.help) and not text, "-help")

    def focus_control(self) -> bool:
        """Give the control the focus, if it takes it."""
        if self._control is not None and self._control.focusable:
            self._control.focus()
            return True
        return False

    @on(Input.Changed)
    @on(Select.Changed)
    @on(Checkbox.Changed)
    @on(TextArea.Changed)
    def control_changed(self, event: Message) -> None:
        """The control has another value; what the program put there itself is not news."""
        event.stop()
        control = self._control
        if isinstance(control, _PickLine):
            return
        if isinstance(control, Input):
            value = control.value
        elif isinstance(control, TextArea):
            value = control.text.replace("\r\n", "\n")
        elif isinstance(control, Checkbox):
            value = "yes" if control.value else ""
        elif isinstance(control, Select):
            value = "" if control.value is Select.NULL else str(control.value)
        else:
            return
        if value != self._value:
            self._value = value
            self.post_message(self.Edited(self.spec.key))
