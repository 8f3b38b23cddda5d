"""The first start: no database yet. Choose what it is for and where, or look at the demo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, OptionList, Static

from leadtui.errors import LeadtuiError
from leadtui.screens.base import LeadScreen
from leadtui.screens.first_run_places import Lists, Place, guess, lists, place_of
from leadtui.widgets.form import FieldSpec, Form
from leadtui.widgets.keyed_list import Entry, KeyedList, numbered
from leadtui.widgets.text import one_line

DEMO = "demo"
PLACE_KEYS = ("country", "currency", "timezone")
HELPS = {
    "country": "in which phone numbers are read; enter chooses",
    "currency": "of all fees; enter chooses",
    "timezone": "of follow-ups and reports; enter chooses",
    "admin": "you may do everything; others are added later (key 3)",
}


@dataclass(frozen=True, slots=True)
class _Known:
    """What is found out before anything can be chosen."""

    presets: tuple[Any, ...]
    lists: Lists
    here: Place
    account: str
    database: str


def _find_out(db: str | None) -> _Known:
    from leadtui.services import office

    where = db or office.default_db()
    shown = where if "://" not in where else where.partition("://")[0].partition("+")[0] + " server"
    return _Known(tuple(office.preset_choices()), lists(), guess(), office.os_account(), shown)


class FirstRunScreen(LeadScreen[Callable[[], Any] | None]):
    """Answers a way to open the office; None when the person leaves."""

    SCOPE = "form"
    HEADING = "Welcome to leadtui"
    HINTS: ClassVar[tuple[str, ...]] = ("form.save", "form.pick", "app.close", "app.theme")
    DEFAULT_CSS: ClassVar[str] = """
    FirstRunScreen VerticalScroll { padding: 1 1 0 1; }
    FirstRunScreen .words { height: auto; margin-bottom: 1; }
    FirstRunScreen KeyedList { height: auto; margin-bottom: 1; background: $background; text-wrap: nowrap;
        text-overflow: ellipsis; }
    FirstRunScreen Form { height: auto; padding: 0; }
    FirstRunScreen .buttons { height: 1; margin-top: 1; }
    FirstRunScreen .buttons Button { margin-right: 2; }
    FirstRunScreen #said { height: auto; margin-top: 1; }
    FirstRunScreen.-short VerticalScroll { padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.known: _Known | None = None
        self.preset = "isp"
        self._mine: set[str] = set()
        self._busy = False

    def body(self) -> ComposeResult:
        """Presets and the demo; the office; start."""
        with VerticalScroll(can_focus=False):
            yield Static("There is no database yet. What will it be for?", classes="words", markup=False)
            yield KeyedList(id="preset")
            yield Form(
                (
                    FieldSpec("country", "Country", "choice", required=True, pick=True, help=HELPS["country"]),
                    FieldSpec("currency", "Currency", "choice", required=True, pick=True, help=HELPS["currency"]),
                    FieldSpec("timezone", "Time zone", "choice", required=True, pick=True, help=HELPS["timezone"]),
                    FieldSpec("admin", "Your login", required=True, help=HELPS["admin"], max_length=50),
                )
            )
            with Horizontal(classes="buttons"):
                yield Button("Start", id="start", variant="primary", disabled=True)
                yield Button("Leave", id="leave")
            yield Static("", id="said", markup=False)

    def on_mount(self) -> None:
        """Find out what can be chosen, in a thread."""
        self.query_one(KeyedList).focus()
        self.run_blocking(
            _find_out, self.lead_app.settings.db, then=self._ready, failed=self._failed, group="first.know"
        )

    def _ready(self, known: _Known) -> None:
        self.known = known
        self.heading(right=known.database)
        entries = [Entry(one.key, f"{one.name:17}", one.sentence) for one in known.presets]
        entries.append(Entry(DEMO, f"{'Just look around':17}", "The demo: 500 invented leads, a training router"))
        self.query_one(KeyedList).show_entries(numbered(entries), at=self.preset)
        form = self.query_one(Form)
        for key, choices in zip(
            PLACE_KEYS, (known.lists.countries, known.lists.currencies, known.lists.timezones), strict=True
        ):
            form.set_choices(key, choices)
        form.set_values({"admin": known.account})
        self._suggest()
        self.query_one("#start", Button).disabled = False

    def _suggest(self) -> None:
        """What this machine says of the place, else what the preset suggests; what the person chose stays."""
        if self.known is None:
            return
        info = next((one for one in self.known.presets if one.key == self.preset), self.known.presets[0])
        place = self.known.here.over(Place(info.country, info.currency, info.timezone))
        values = {key: getattr(place, key) for key in PLACE_KEYS if key not in self._mine}
        self.query_one(Form).set_values(values, clean=not self._mine)

    # Choosing

    @on(OptionList.OptionHighlighted, "#preset")
    def looked_at(self) -> None:
        """The suggestions follow the cursor."""
        value = self.query_one(KeyedList).value
        if value is not None:
            self.preset = value
            demo = value == DEMO
            self.query_one(Form).display = not demo
            names = {one.key: one.name for one in self.known.presets} if self.known is not None else {}
            button = self.query_one("#start", Button)
            button.label = Content("Open the demo" if demo else f"Start with {names.get(value, '')}")
            button.refresh(layout=True)
            if not demo:
                self._suggest()

    @on(KeyedList.Chosen)
    def taken(self, event: KeyedList.Chosen) -> None:
        """Enter or a number: on to the start; what is above it can still be changed."""
        self.preset = event.value
        self.query_one("#start").focus()

    @on(Form.PickWanted)
    def pick(self, event: Form.PickWanted) -> None:
        """A searched list for country, currency or time zone."""
        if self.known is None:
            return
        from leadtui.screens.picker import Choice, Picker

        found = self.known.lists
        choices = {"country": found.countries, "currency": found.currencies, "timezone": found.timezones}[event.key]
        title = {"country": "Country", "currency": "Currency", "timezone": "Time zone"}[event.key]
        key = event.key

        def chosen(value: str | None) -> None:
            if value is not None:
                self._mine.add(key)
                self._take(key, value)

        self.app.push_screen(Picker(title, [Choice(value, label) for value, label in choices]), chosen)

    def _take(self, key: str, value: str) -> None:
        """A country brings its currency and its time zone along, unless those were chosen."""
        values = {key: value}
        if key == "country":
            place = place_of(value)
            values |= {
                other: getattr(place, other)
                for other in ("currency", "timezone")
                if other not in self._mine and getattr(place, other)
            }
        self.query_one(Form).set_values(values)

    def do_pick(self) -> None:
        """The list of the field that has the focus."""
        self.query_one(Form).want_pick()

    @on(Form.Changed)
    def changed_by_hand(self, event: Form.Changed) -> None:
        """What the person wrote is not suggested over."""
        self._mine.add(event.key)

    # Starting

    @on(Button.Pressed, "#leave")
    def leave(self) -> None:
        """Without a database there is nothing to do here."""
        self.dismiss(None)

    @on(Button.Pressed, "#start")
    def start(self) -> None:
        """Make the database, or the demo."""
        self.do_save()

    @on(Form.Submitted)
    def entered(self) -> None:
        """Enter in the last line."""
        self.query_one("#start").focus()

    def do_save(self) -> None:
        """Make the database in a thread, then open the leads."""
        form = self.query_one(Form)
        if self._busy or self.known is None:
            return
        if self.preset == DEMO:
            self._run(_make_demo, "Making 500 leads for the demo …")
            return
        if not form.check():
            return
        values = {key: text.strip() for key, text in form.values().items()}
        db, preset = self.lead_app.settings.db, self.preset

        def make() -> Any:
            from leadtui.services.office import create_office

            return create_office(db, preset=preset, origin="tui", **values)

        self._run(make, "Making the database …")

    def _run(self, make: Callable[[], Any], words: str) -> None:
        self._busy = True
        self._say(words)
        self.run_blocking(make, then=self._made, failed=self._failed, group="first.make")

    def _made(self, office: Any) -> None:
        self.dismiss(lambda: office)

    def _failed(self, error: Exception) -> None:
        """Say it here: nothing is lost, and there may be another choice."""
        self._busy = False
        if not isinstance(error, LeadtuiError):
            self._say("")
            self.lead_app.report(error)
            return
        hint = f" ({error.hint})" if error.hint else ""
        if error.field in ("country", "currency", "timezone", "login", "admin"):
            field = "admin" if error.field == "login" else error.field
            self.query_one(Form).set_errors({field: f"{error.message}{hint}"})
            self._say("")
            return
        self._say(f"{error.message}{hint}", error=True)

    def _say(self, words: str, *, error: bool = False) -> None:
        line = self.query_one("#said", Static)
        line.update(Content(one_line(words)))
        line.set_class(error, "-error")


def _make_demo() -> Any:
    """A demo in a folder of its own, its training router running; both are gone when the program ends."""
    import atexit

    from leadtui.services.demo import start_demo
    from leadtui.services.office import open_office

    running = start_demo()
    atexit.register(running.close)
    return open_office(running.db, origin="tui")
