"""LeadApp: the shell around the screens. It knows the places, the office and the commands, and no store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.events import DescendantFocus
from textual.filter import Monochrome, NoColor
from textual.screen import Screen
from textual.signal import Signal

from leadtui.background import Background, log_exception
from leadtui.commands import BY_ID, Command, bindings_for
from leadtui.config import Settings, log_path
from leadtui.domain.permissions import verb
from leadtui.errors import LeadtuiError
from leadtui.opening import JobsLike, OfficeLike, Opening
from leadtui.places import START, modes
from leadtui.screens.asides import Asides
from leadtui.screens.base import LeadScreen
from leadtui.screens.reminding import Reminding
from leadtui.widgets.hints import Hints
from leadtui.widgets.text import NoControls, PlainSigns

if TYPE_CHECKING:
    from textual.filter import LineFilter

    from leadtui.screens.palette import Place


class LeadApp(Asides, App[int], inherit_bindings=False):
    """The terminal program."""

    TITLE = "leadtui"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False  # ours opens by the command table, with our keys
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("app")]
    DEFAULT_MODE = START
    MODES: ClassVar[dict[str, Any]] = modes({})
    NOTIFICATION_TIMEOUT = 6.0

    def __init__(
        self,
        settings: Settings | None = None,
        open_office: Callable[[], OfficeLike] | None = None,
        *,
        first_run: bool = False,
        screens: Mapping[str, Callable[[], Screen[Any]]] | None = None,
        make_jobs: Callable[[Any], JobsLike] | None = None,
    ) -> None:
        """`open_office` runs in a thread after the first paint; `screens` replaces places (tests, small demos).

        `make_jobs` is given the open office and makes what works by itself beside the screens; without it nothing does.
        """
        super().__init__()
        self.settings = settings or Settings()
        self.slow = self.settings.slow
        self.plain = self.settings.ascii
        self.keymap: Mapping[str, str] = dict(self.settings.keys)
        self.background = Background()
        self.lead_changed: Signal[frozenset[int]] = Signal(self, "lead_changed")
        self.office: Any = None
        self.find_places: Callable[[str], Sequence[Place]] | None = None
        """Leads for the palette, asked in a thread; set by the screen that can show a lead."""
        self.opening = Opening(self, open_office, make_jobs)
        self.jobs: JobsLike | None = None
        self.reminding = Reminding(self)
        self._first_run = first_run
        self._controls = NoControls()
        self._crashed = self.leaving = False
        self._modes.update(modes(screens or {}))

    # Start and stop

    def get_line_filters(self) -> list[LineFilter]:
        """Textual's own filters, and the one that keeps control characters of names away from the terminal."""
        filters = super().get_line_filters()
        if self.no_color and self.native_ansi_color:  # Textual chose Monochrome before it knew the theme
            filters = [NoColor() if isinstance(line_filter, Monochrome) else line_filter for line_filter in filters]
        return [self._controls, *([PlainSigns()] if self.plain else []), *filters]

    def on_mount(self) -> None:
        """Colours and keys; then, after the first paint, the office."""
        if self.slow:
            self.animation_level = "none"
        self.theme = self._first_theme()
        self.theme_changed_signal.subscribe(self, lambda theme: self._remember_theme(theme.name))
        if self.keymap:
            self.set_keymap(self.keymap)
        self.call_after_refresh(self.opening.first_run if self._first_run else self.opening.start)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """A blinking cursor alone sends 2 KB a second (facts §3.4)."""
        if self.slow and hasattr(event.widget, "cursor_blink"):
            event.widget.cursor_blink = False

    def _first_theme(self) -> str:
        """NO_COLOR and slow lines want the terminal's own colours (facts §2.9)."""
        chosen = self.settings.theme if self.settings.theme in self.available_themes else None
        if self.no_color or self.slow:
            return chosen if chosen and chosen.startswith("ansi-") else "ansi-dark"
        return chosen or "textual-dark"

    def _remember_theme(self, name: str) -> None:
        """Keep the choice in the config file."""
        from leadtui.config import set_value

        if name != self._first_theme():
            self.background.start(self, set_value, "theme", name, failed=self.report)

    def do_quit(self) -> None:
        """Leave; asks when work is under way or something typed would be lost."""
        losing = [job.title for job in self.background.jobs if job.title]
        losing += [words for it in self.screen_stack if isinstance(it, LeadScreen) and (words := it.unsaved())]
        if not losing:
            self.leave()
            return
        from leadtui.screens.confirm import Confirm

        words = "; ".join(losing) + ". Leave the program all the same?"
        self.push_screen(Confirm(words, yes="Leave", no="Stay", danger=True), lambda yes: self.leave() if yes else None)

    def leave(self) -> None:
        """Ask all work to stop and go; nothing is waited for."""
        self.background.stop_all()
        self.exit(0)

    def exit(self, *arguments: Any, **options: Any) -> None:
        """Every way out: screens that come to the front from now on begin nothing, and the jobs end."""
        self.leaving = True
        self.reminding.stop()
        if self.jobs is not None:
            self.jobs.ask_to_stop()
        super().exit(*arguments, **options)

    def _handle_exception(self, error: Exception) -> None:
        """Textual would print local variables, and a local may be a router password (facts §0.6)."""
        log_exception(error)
        if self.leaving:  # a screen half mounted when the person left is no reason for alarm
            return
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        self._crashed = True
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        if self._crashed:
            words = "leadtui stopped because of an error of its own. The log is at"
            sys.stderr.write(f"{words} {log_path(self.settings)}\n")

    # Commands

    def action_command(self, command_id: str) -> None:
        """What every binding of the command table runs."""
        self.run_command(command_id)

    def run_command(self, command_id: str) -> None:
        """Carry out a command on the screen in front, or say why not."""
        if (reason := self.disabled_reason(command_id)) is not None:
            self.clear_notifications()  # one after the other would cover the screen
            self.notify(reason, severity="warning", markup=False)
            return
        command = BY_ID[command_id]
        for target in (self.screen, self):
            if (do := getattr(target, f"do_{command.name}", None)) is not None:
                do()
                return
        if command.action:
            self.call_next(self.run_action, command.action, self.screen.focused or self.screen)
            return
        self.notify(f"{command.label}: not on this screen", severity="warning", markup=False)

    def disabled_reason(self, command_id: str) -> str | None:
        """Why the command cannot be done now on the screen in front, or None."""
        return self.disabled_reason_on(command_id, self.screen)

    def disabled_reason_on(self, command_id: str, screen: Screen[Any]) -> str | None:
        """Why the command cannot be done on `screen`: the role, or what the screen says."""
        command: Command = BY_ID[command_id]
        if command.permission is not None:
            if self.office is None:
                return "the database is still being opened"
            if not self.office.actor.may(command.permission):
                return f"your role may not {verb(command.permission, many=True)}"
        return screen.why_disabled(command) if isinstance(screen, LeadScreen) else None

    def action_go_to(self, place: str) -> None:
        """Show a main screen."""
        self.switch_mode(place)

    def do_help(self) -> None:
        """All keys of the screen in front."""
        from leadtui.screens.help import Help

        self.push_screen(Help(self.screen), lambda chosen: self.run_command(chosen) if chosen else None)

    def do_palette(self) -> None:
        """Commands and leads by name."""
        from leadtui.screens.palette import open_palette

        open_palette(self)

    def do_theme(self) -> None:
        """Choose the colours."""
        self.search_themes()

    def do_show_log(self) -> None:
        """The program's log."""
        from leadtui.screens.log_view import LogView

        self.push_screen(LogView(log_path(self.settings)))

    def do_intakes(self) -> None:
        """What came in from elsewhere and failed."""
        from leadtui.screens.intakes import IntakesScreen

        if not isinstance(self.screen, IntakesScreen):
            self.push_screen(IntakesScreen())

    def do_rules(self) -> None:
        """How leads are scored, and who gets them."""
        from leadtui.screens.rule_list import RuleList
        from leadtui.screens.rules import ScoreRulesScreen

        if not isinstance(self.screen, RuleList):
            self.push_screen(ScoreRulesScreen())

    def do_board(self) -> None:
        """The board, as it was left."""
        self.action_go_to("board")

    def do_stats(self) -> None:
        """The figures: a place that not every role may go to."""
        self.action_go_to("stats")

    def do_forecast(self) -> None:
        """What open leads are likely to bring."""
        from leadtui.screens.forecast import ForecastScreen

        if not isinstance(self.screen, ForecastScreen):
            self.push_screen(ForecastScreen())

    def do_copy(self) -> None:
        """Copy what the screen says is current."""
        text = self.screen.copy_text() if isinstance(self.screen, LeadScreen) else ""
        if text:
            self.copy_to_clipboard(text)
        self.say(f"Copied: {text}" if text else "Nothing to copy here")

    def do_refresh(self) -> None:
        """Read everything on the screen again."""
        self.lead_changed.publish(frozenset())

    def do_undo(self) -> None:
        """Take back the last act."""
        from leadtui.screens.undo import undo_last

        undo_last(self)

    def do_notifications(self) -> None:
        """What the person was told and has not dealt with."""
        from leadtui.screens.notifications import NotificationsScreen

        if not isinstance(self.screen, NotificationsScreen):
            self.push_screen(NotificationsScreen())

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """None: the palette is fed by the command table."""
        return ()

    # Words

    def say(self, text: str) -> None:
        """What was done, on the bottom line of the screen in front; a toast where there is none."""
        for screen in reversed(self.screen_stack):
            if hints := screen.query(Hints):
                hints.first().show_status(text)
                return
        self.notify(text, markup=False)

    def refresh_hints(self) -> None:
        """Something decides otherwise which commands are enabled."""
        for hints in self.screen.query(Hints):
            hints.look_again()

    def notify(self, message: str, *, title: str = "", markup: bool = False, **options: Any) -> None:
        """A toast, always as plain text."""
        super().notify(message, title=title, markup=False, **options)

    def report(self, error: Exception) -> None:
        """An error as a toast: what went wrong and what to do, or where the log is."""
        if isinstance(error, LeadtuiError):
            words = error.message if error.hint is None else f"{error.message}\n{error.hint}"
            self.notify(words, severity="warning" if error.exit_code == 5 else "error", timeout=8)
            return
        self.notify(f"Something went wrong; the log is at {log_path(self.settings)}", severity="error", timeout=8)
