"""The line at the top of a screen, and the line of hints at its bottom."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, TextArea

from leadtui.commands import BY_ID, effective_keys, show_key
from leadtui.widgets.text import fit, one_line

if TYPE_CHECKING:
    from textual.app import RenderResult
    from textual.timer import Timer

STATUS_SECONDS = 8.0


class TitleLine(Widget):
    """The first row: what this is on the left, figures on the right."""

    DEFAULT_CSS: ClassVar[str] = """
    TitleLine { height: 1; background: $panel; color: $foreground; text-style: bold; }
    TitleLine:ansi { background: ansi_default; text-style: bold reverse; }
    """

    def __init__(self, left: str = "", right: str = "") -> None:
        super().__init__()
        self.left = left
        self.right = right

    def show(self, left: str | None = None, right: str | None = None) -> None:
        """Change one side or both."""
        self.left = self.left if left is None else left
        self.right = self.right if right is None else right
        self.refresh()

    def render(self) -> RenderResult:
        """Both sides; the left gives way."""
        width = self.size.width
        right = one_line(self.right)
        room = width - cell_len(right) - 3
        return Content(fit(" " + one_line(self.left), max(room, 0)) + "  " + right + " ")


class Hints(Widget):
    """At most six keys that apply now and `? all keys`; for some seconds after an act, what was done instead.

    A disabled command stays, dimmed; pressing it says why. What does not fit is left out, whole.
    """

    DEFAULT_CSS: ClassVar[str] = """
    Hints { height: 1; dock: bottom; background: $panel; color: $foreground; }
    Hints:ansi { background: ansi_default; }
    """
    MOST: ClassVar[int] = 6

    def __init__(self, ids: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.ids = ids
        self.status = ""
        self.shown: tuple[str, ...] = ()
        """The ids that fitted when last drawn (tests look here)."""
        self._timer: Timer | None = None
        self._drawn = Content("")

    def on_mount(self) -> None:
        """Other keys are named while the person types."""
        self.watch(self.screen, "focused", self._focus_moved, init=False)

    def _focus_moved(self) -> None:
        self.refresh()

    def show_hints(self, ids: tuple[str, ...]) -> None:
        """Other hints, because the focus or the state changed."""
        if ids != self.ids:
            self.ids = ids
            self.refresh()

    def show_status(self, text: str, seconds: float = STATUS_SECONDS) -> None:
        """Say what was done, for a while, where the hints stand."""
        self.status = one_line(text)
        self.refresh()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(seconds, self._clear) if text else None

    def _clear(self) -> None:
        self.status = ""
        self.refresh()

    def hints_for_width(self, width: int) -> list[tuple[str, str, str]]:
        """(id, key, label) of the hints that fit in `width` cells, the way to all keys last."""
        keymap: dict[str, str] = getattr(self.app, "keymap", {})
        typing = self.is_attached and isinstance(self.screen.focused, (Input, TextArea))

        def entry(command_id: str) -> tuple[str, str, str]:
            command = BY_ID[command_id]
            keys = [show_key(key) for key in effective_keys(command, keymap)]
            if typing:  # a letter or a `?` would be typed into the field
                keys.sort(key=lambda key: len(key) == 1)
            return command_id, keys[0] if keys else "", command.label

        everything = entry("app.help")
        if badge := self._badge():
            width -= cell_len(badge) + 2  # the blanks behind the last hint
        room = width - 1 - cell_len(f"{everything[1]} {everything[2]}")
        chosen: list[tuple[str, str, str]] = []
        for command_id in self.ids[: self.MOST]:
            hint = entry(command_id)
            cost = cell_len(f"{hint[1]} {hint[2]}") + 2
            if not hint[1]:
                continue
            if cost > room:
                break
            room -= cost
            chosen.append(hint)
        return [*chosen, everything]

    def _badge(self) -> str:
        """How many notices wait, with the key that shows them; empty when none, or where the key does not reach."""
        badge = getattr(getattr(self.app, "reminding", None), "badge", "") if self.is_attached else ""
        if not badge or self.screen.is_modal:
            return ""
        keys = effective_keys(BY_ID["app.notifications"], getattr(self.app, "keymap", {}))
        return f"{show_key(keys[0]) if keys else '!'} {badge} "

    def look_again(self) -> None:
        """Draw the line anew only where it changed: a moved cursor seldom changes what may be done, and over a thin
        line every repeated line is felt.
        """
        line = self._line()
        # Contents are equal when their text is; a hint that dimmed has the same text.
        if (line.plain, line.spans) != (self._drawn.plain, self._drawn.spans):
            self.refresh()

    def render(self) -> RenderResult:
        """One line, never clipped inside a hint."""
        self._drawn = self._line()
        return self._drawn

    def _line(self) -> Content:
        width = self.size.width
        hints = self.hints_for_width(width)
        if self.status:
            everything = hints[-1]
            tail, badge = f"{everything[1]} {everything[2]} ", self._badge()
            self.shown = (everything[0],)
            room = width - cell_len(tail) - cell_len(badge) - 2
            if cell_len(self.status) >= room:  # what was done goes before where all keys are
                self.shown = ()
                return Content.assemble(
                    (_short(" " + self.status, width - cell_len(badge) - 1), "bold"), " ", (badge, "bold $text-warning")
                )
            return Content.assemble(
                (fit(" " + self.status, room), "bold"), "  ", (tail, "$text-muted"), (badge, "bold $text-warning")
            )
        self.shown = tuple(hint[0] for hint in hints)
        reason = getattr(self.app, "disabled_reason_on", None)
        parts: list[str | tuple[str, str]] = [" "]
        for command_id, key, label in hints:
            off = reason is not None and reason(command_id, self.screen) is not None
            parts += [(key, "dim" if off else "bold $accent"), (f" {label}  ", "dim" if off else "")]
        if badge := self._badge():
            used = sum(cell_len(part if isinstance(part, str) else part[0]) for part in parts)
            parts += [" " * max(0, width - used - cell_len(badge)), (badge, "bold $text-warning")]
        return Content.assemble(*parts)


def _short(status: str, room: int) -> str:
    """At most so many cells; the end, which says how to take it back, is kept."""
    head, mark, end = status.rpartition(" · ")
    if cell_len(status) > room and mark and cell_len(mark + end) < room // 2:
        return fit(head, room - cell_len(mark + end)) + mark + end
    return fit(status, room)
