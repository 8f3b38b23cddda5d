"""Keys with which other programs act as users over HTTP, and the forms of websites that may send leads."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from leadtui.screens.base import LeadModal
from leadtui.screens.record_list import Record, RecordList
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.form import FieldSpec
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.services.api_tokens import NewToken


class KeysScreen(RecordList):
    """The keys that the acting user may see: one's own, or everybody's."""

    SCOPE = "keys"
    HEADING = "Keys of other programs"
    HINTS: ClassVar[tuple[str, ...]] = ("keys.new", "keys.revoke", "keys.forms")
    TABLE = "keys"
    COLUMNS = (
        Column("prefix", "Begins", 12, min_width=11),
        Column("login", "User", 14, min_width=8, grow=1),
        Column("name", "For", 20, min_width=8, grow=2),
        Column("state", "State", 9, min_width=8),
        Column("used", "Last used", 16, min_width=16, drop=2),
        Column("ends", "Ends", 10, min_width=10, drop=1),
    )
    KEY = "id"
    EMPTY = "No keys — n makes one"
    NEEDS = frozenset({"keys.revoke"})
    NONE_HERE = "There is no key here"

    def __init__(self, login: str = "") -> None:
        """`login`: for whom a new key is made, if nobody else is named."""
        super().__init__()
        self._login = login

    def read(self, office: Any) -> list[Record]:
        """The keys, those that open something first."""
        from leadtui.services import api_tokens

        rows = sorted(api_tokens.list_all(office), key=lambda one: (one.state != "active", -one.id))
        tz = office.tz
        return [
            {
                "id": str(one.id), "prefix": one.prefix, "login": one.login, "name": one.name, "state": one.state,
                "used": _local(one.last_used_at, tz, "%Y-%m-%d %H:%M"), "ends": _local(one.expires_at, tz, "%Y-%m-%d"),
            }
            for one in rows
        ]  # fmt: skip

    def cell(self, row: Any, key: str) -> Cell:
        """A cell; what opens nothing is muted, and says so."""
        text = one_line(row[key] or "–")
        if key == "prefix":
            text += "…"
        return (text, "strong" if key == "prefix" else "") if row["state"] == "active" else (text, "muted")

    def shown(self, rows: list[Record]) -> None:
        """How many open something."""
        self.heading(None, f"{sum(row['state'] == 'active' for row in rows)} active")

    def copy_text(self) -> str:
        """How the key begins: by that it can be revoked elsewhere."""
        return str(self.record["prefix"]) if self.record is not None else ""

    def do_new(self) -> None:
        """Make a key: for whom, what for, how long."""
        from leadtui.screens.record_form import RecordForm

        office = self.office
        mine = office.actor.login
        users = [user for user in office.catalog.users if user.is_active and user.login != "system"]
        others = office.actor.may("users") and office.actor.may("impersonate")
        choices = tuple((one.login, f"{one.name} ({one.login})") for one in users if others or one.login == mine)
        chosen = self._login if self._login in {login for login, _ in choices} else mine
        specs = (
            FieldSpec("login", "User", "choice", required=True, choices=choices),
            FieldSpec("name", "What for", placeholder="website, booking program …", max_length=100),
            FieldSpec("expires", "Its last day", placeholder="never", help="such as +90d, 2027-12-31"),
        )

        def save(values: dict[str, str]) -> Any:
            from leadtui.services import api_tokens

            return api_tokens.create(office, values["login"], name=values.get("name"), expires=values.get("expires"))

        note = "Whoever has the key may do over HTTP what this user may do here."
        form = RecordForm("New key", specs, {"login": chosen}, save, new=True, note=note)
        self.app.push_screen(form, self._made)

    def _made(self, made: NewToken | None) -> None:
        if made is None:
            return
        self.changed_record(made.row.id, f"Key of {made.row.login} made")
        self.app.push_screen(KeyShown(made))

    def do_revoke(self) -> None:
        """End the key under the cursor."""
        from leadtui.screens.confirm import Confirm

        row = self.record
        if row is None or row["state"] == "revoked":
            return
        office, key_id = self.office, str(row["id"])

        def write() -> Any:
            from leadtui.services import api_tokens

            return api_tokens.revoke(office, key_id)

        def go(yes: bool | None) -> None:
            if yes:
                words = f"Key {row['prefix']}… revoked"
                self.run_blocking(write, then=lambda _: self.changed_record(key_id, words))

        words = f"{row['prefix']}… of {row['login']} ({one_line(row['name'])}) will open nothing any more, for good."
        self.app.push_screen(Confirm(words, yes="Revoke", no="Leave it", danger=True), go)

    def do_forms(self) -> None:
        """The forms of websites."""
        self.app.push_screen(WebFormsScreen())


def _local(at: datetime | None, tz: Any, pattern: str) -> str:
    return at.astimezone(tz).strftime(pattern) if at is not None else ""


class KeyShown(LeadModal[None]):
    """A key that was just made: the only time it is seen."""

    BINDINGS: ClassVar[list[BindingType]] = [("y", "copy")]
    DEFAULT_CSS: ClassVar[str] = "KeyShown .key { margin: 1 0; text-style: bold; height: auto; }"

    def __init__(self, made: NewToken) -> None:
        super().__init__()
        self._made = made

    def body(self) -> ComposeResult:
        """The key, and what becomes of it."""
        with Vertical(classes="dialog") as box:
            box.border_title = Content(f"Key of {one_line(self._made.row.login)}")
            yield Static(Content("Copy it now: it is shown only this once, and nobody can look it up."))
            yield Static(Content(self._made.token.reveal()), classes="key")
            with Horizontal(classes="buttons"):
                yield Button(Content("Copy (y)"), id="copy", variant="primary")
                yield Button(Content("I have it"), id="close")

    def copy_text(self) -> str:
        """The key."""
        return self._made.token.reveal()

    def action_copy(self) -> None:
        """Into the clipboard; the words name only how it begins."""
        self.app.copy_to_clipboard(self.copy_text())
        self.app.notify(f"Copied the key {self._made.row.prefix}…", markup=False)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "copy":
            self.action_copy()
        else:
            self.dismiss(None)


class WebFormsScreen(RecordList):
    """The forms of websites: each with the address its page posts to."""

    SCOPE = "webforms"
    HEADING = "Website forms"
    HINTS: ClassVar[tuple[str, ...]] = ("webforms.new", "webforms.remove", "app.copy")
    TABLE = "webforms"
    COLUMNS = (
        Column("name", "Name", 16, min_width=14),
        Column("path", "Address, after that of the server", 58, min_width=54, grow=1),
        Column("source", "Source", 14, min_width=8, drop=2),
        Column("redirect", "Goes on to", 20, min_width=10, grow=2, drop=1),
    )
    EMPTY = "No forms — n makes one"
    NEEDS = frozenset({"webforms.remove"})
    NONE_HERE = "There is no form here"

    def read(self, office: Any) -> list[Record]:
        """The forms, by name."""
        from leadtui.services import forms

        return [one.as_json() for one in forms.list_all(office)]

    def cell(self, row: Any, key: str) -> Cell:
        """A cell of the list."""
        return one_line(row[key] or "–"), "strong" if key == "name" else ""

    def copy_text(self) -> str:
        """The address."""
        return str(self.record["path"]) if self.record is not None else ""

    def do_new(self) -> None:
        """Make a form."""
        from leadtui.screens.record_form import RecordForm

        office = self.office
        sources = tuple((one.name, one.name) for one in office.catalog.sources if one.is_active)
        specs = (
            FieldSpec("name", "Name", required=True, max_length=30, help="a word: website, landing-page"),
            FieldSpec("source", "Source", "choice", choices=sources, help="of its leads; else Website"),
            FieldSpec("redirect", "Goes on to", placeholder="https://…", help="after a plain form", max_length=500),
            FieldSpec("origins", "Scripts of", placeholder="https://…", help="websites, separated by blanks"),
        )

        def save(values: dict[str, str]) -> Any:
            from leadtui.services import forms

            return forms.add(
                office, values["name"], source=values.get("source"), redirect=values.get("redirect"),
                origins=values.get("origins", "").split(),
            )  # fmt: skip

        def saved(made: Any) -> None:
            if made is not None:
                self.changed_record(made.name, f"Form {made.name} made · y copies its address")

        self.app.push_screen(RecordForm("New website form", specs, {}, save, new=True), saved)

    def do_remove(self) -> None:
        """Take the form under the cursor away."""
        from leadtui.screens.confirm import Confirm

        row = self.record
        if row is None:
            return
        office, name = self.office, str(row["name"])

        def write() -> Any:
            from leadtui.services import forms

            return forms.remove(office, name)

        def go(yes: bool | None) -> None:
            if yes:
                gone = partial(self.changed_record, None, f"Form {name} removed")
                self.run_blocking(write, then=lambda _: gone())

        words = f"What the form '{one_line(name)}' sends will not be taken any more; leads that came by it stay."
        self.app.push_screen(Confirm(words, yes="Remove", no="Leave it", danger=True), go)
