"""The base of all screens: background work, commands, status line, changes of leads, the office."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.screen import ModalScreen, Screen, ScreenResultType

from leadtui.commands import Command, bindings_for, by_group, in_scope
from leadtui.widgets.hints import Hints, TitleLine

if TYPE_CHECKING:
    from leadtui.app import LeadApp
    from leadtui.background import Job

T = TypeVar("T")


class LeadScreen(Screen[ScreenResultType]):
    """A screen of leadtui. Subclasses set `SCOPE` and `HINTS`, yield widgets from `body`, and define `do_*` methods."""

    SCOPE: ClassVar[str] = ""
    """The scope of `leadtui.commands` whose keys this screen binds."""
    HINTS: ClassVar[tuple[str, ...]] = ()
    """Command ids for the hints line, most wanted first; at most six are shown."""
    HEADING: ClassVar[str] = ""
    """The left side of the first row; empty for none."""
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - Textual's own declaration
        (0, "-narrow"),
        (80, "-normal"),
        (120, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012 - Textual's own declaration

    def __init_subclass__(cls, **options: Any) -> None:
        """Bind the keys of the scope before Textual merges the bindings of the class."""
        if cls.__dict__.get("SCOPE"):
            cls.BINDINGS = [*bindings_for(cls.SCOPE), *cls.__dict__.get("BINDINGS", [])]
        super().__init_subclass__(**options)

    # What subclasses fill in

    def body(self) -> ComposeResult:
        """The widgets between the first row and the hints."""
        yield from ()

    def office_ready(self) -> None:
        """The office is open (called once per screen, after mounting): load what is shown."""

    def leads_changed(self, ids: frozenset[int]) -> None:
        """Leads were changed somewhere: show those rows anew. An empty set means "any"."""

    def unsaved(self) -> str | None:
        """What would be lost by leaving, in words for a question; None when nothing."""
        return None

    def why_disabled(self, command: Command) -> str | None:
        """Why `command` cannot be done now, or None. Permissions are asked before this."""
        return None

    def copy_text(self) -> str:
        """What `y` copies."""
        return ""

    # Shell

    @property
    def lead_app(self) -> LeadApp:
        """The app, with its type."""
        return cast("LeadApp", self.app)

    @property
    def office(self) -> Any:
        """The open office of the services. Only use after `office_ready`."""
        return self.lead_app.office

    @property
    def hints(self) -> Hints:
        """The bottom line."""
        return self.query_one(Hints)

    def compose(self) -> ComposeResult:
        """First row, body, hints."""
        if self.HEADING:
            yield TitleLine(self.HEADING)
        yield from self.body()
        yield Hints(self.HINTS)

    def _on_mount(self, event: Any) -> None:
        super()._on_mount(event)
        app = self.lead_app
        app.lead_changed.subscribe(self, self.leads_changed)
        app.opening.when_open(self, self.office_ready)

    def _on_unmount(self) -> None:
        self.lead_app.background.forget(self)

    def on_virtual_table_loaded(self) -> None:
        """With rows there is more that can be done."""
        self._refresh_hints()

    def on_virtual_table_highlighted(self) -> None:
        """Another row may allow other commands."""
        self._refresh_hints()

    def _refresh_hints(self) -> None:
        for hints in self.query(Hints):
            hints.look_again()

    def heading(self, left: str | None = None, right: str | None = None) -> None:
        """Change the first row."""
        self.query_one(TitleLine).show(left, right)

    def done(self, text: str, *, undo: bool = False) -> None:
        """Say quietly what was done, where the person will look next; with `undo`, that u takes it back."""
        self.lead_app.say(f"{text} · u takes it back" if undo else text)

    def changed(self, ids: Iterable[int] = ()) -> None:
        """Tell every open screen that these leads were changed."""
        self.lead_app.lead_changed.publish(frozenset(ids))

    def run_blocking(
        self,
        func: Callable[..., T],
        *args: Any,
        then: Callable[[T], object] | None = None,
        failed: Callable[[Exception], object] | None = None,
        group: str = "",
        title: str = "",
        cancel: Callable[[], None] | None = None,
    ) -> Job:
        """Run `func(*args)` off the UI thread: the one way to call services and anything else that may wait.

        `then(answer)` and `failed(error)` run on the UI thread; without `failed` the error becomes a toast. With a
        `group`, a newer call of that group makes an older answer stale (it is dropped). `title` marks work that must
        not be left alone ("Importing 3,200 leads"): leaving the program asks first. `cancel` is called when the work
        is stopped or the program is left: close the socket there. The returned job has `stop()` and `should_stop`.
        """
        return self.lead_app.background.start(
            self,
            func,
            *args,
            then=then,
            failed=failed or self.lead_app.report,
            group=group,
            title=title,
            cancel=cancel,
        )

    def action_command(self, command_id: str) -> None:
        """Carry out a command by id."""
        self.lead_app.run_command(command_id)

    def commands(self) -> tuple[Command, ...]:
        """What applies on this screen, for help and palette: its own, the focused list's, everywhere."""
        from leadtui.widgets.virtual_table import VirtualTable

        scopes = [self.SCOPE] if self.SCOPE else []
        if self.query(VirtualTable):
            scopes.append("list")
        if not self.is_modal:
            scopes.append("app")
        found = {found.id: found for scope in scopes for found in by_group(in_scope(scope))}
        return tuple(found.values())

    def do_back(self) -> None:
        """One step back: long work stops first. A main screen stays: leaving the program is `q`."""
        from leadtui.widgets.task_bar import TaskBar

        if any(bar.stop() for bar in self.query(TaskBar)):
            return
        if len(self.app.screen_stack) > 1:
            self.do_close()

    def do_close(self) -> None:
        """Close this screen, asking once when something typed would be lost; a main screen leaves the program."""
        if len(self.app.screen_stack) <= 1:
            self.lead_app.do_quit()
            return
        words = self.unsaved()
        if words is None:
            self.dismiss(None)
            return
        from leadtui.screens.confirm import Confirm

        def answered(yes: bool | None) -> None:
            if yes:
                self.dismiss(None)

        self.app.push_screen(Confirm(words, yes="Leave it", no="Go on editing"), answered)


class LeadModal(LeadScreen[ScreenResultType], ModalScreen[ScreenResultType]):
    """A dialog over a screen. `dismiss(None)` always means cancelled."""

    BINDINGS = [  # noqa: RUF012 - Textual's own declaration
        binding for binding in bindings_for("app") if binding.id in ("app.back", "app.help") or binding.id == "app.quit"
    ]

    def _on_mount(self, event: Any) -> None:
        # Textual calls the one of LeadScreen by itself
        self.lead_app.reminding.hide()

    def compose(self) -> ComposeResult:
        """The dialog alone: no first row, no hints."""
        yield from self.body()
