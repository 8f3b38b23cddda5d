"""Adding tags to leads and taking them away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from leadtui.screens.act_dialog import ActDialog, Acted, Plan, Read, label
from leadtui.text import fold
from leadtui.widgets.keyed_list import Entry, KeyedList
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.records import LeadDetail


class TickDialog(ActDialog):
    """A dialog that ticks names in a list and writes what was added and what was taken away.

    With several leads a name has three states: as it is, to be added (＋), to be taken away (－).
    """

    NEW_NAMES: ClassVar[bool] = False
    """Whether a name that is in no list may be added."""
    PLACEHOLDER: ClassVar[str] = ""

    def __init__(self, lead_ids: tuple[int, ...] | int = (), where: str | None = None) -> None:
        super().__init__(lead_ids, where)
        self.names: list[str] = []
        self.notes: dict[str, str] = {}
        self.has: frozenset[str] = frozenset()
        self.add: set[str] = set()
        self.drop: set[str] = set()

    def fields(self) -> ComposeResult:
        """The search line over the list."""
        yield Input(id="names", placeholder=self.PLACEHOLDER)
        yield KeyedList(id="ticks")
        yield label("enter ticks · space ticks in the list · ctrl+s saves")

    def ready(self, read: Read) -> None:
        """Show the names."""
        self._fill()
        self.query_one("#names").focus()

    def _sign(self, name: str) -> str:
        if self.single:
            return "[x]" if (name in self.has or name in self.add) and name not in self.drop else "[ ]"
        return "[+]" if name in self.add else "[-]" if name in self.drop else "[·]"

    def _fill(self) -> None:
        typed = self.query_one("#names", Input).value.strip()
        wanted = fold(typed)
        known = [*self.names, *sorted((self.has | self.add) - set(self.names))]
        shown = [name for name in known if wanted in fold(name)]
        entries = [Entry(name, f"{self._sign(name)} {one_line(name)}", self.notes.get(name, "")) for name in shown]
        if self.NEW_NAMES and typed and wanted not in map(fold, known):
            entries.append(Entry(typed, f"[ ] {typed}", "new"))
        self.query_one(KeyedList).show_entries(entries)

    def tick(self, name: str) -> None:
        """The next state of a name."""
        if self.single:
            if name in self.has:
                self.drop ^= {name}
            else:
                self.add ^= {name}
        elif name in self.add:
            self.add.remove(name)
            self.drop.add(name)
        elif name in self.drop:
            self.drop.remove(name)
        else:
            self.add.add(name)
        line = self.query_one("#names", Input)
        if line.value:
            line.value = ""
        self._fill()

    def on_key(self, event: Any) -> None:
        """The arrows move in the list while the line is written; space ticks in the list."""
        ticks = self.query_one(KeyedList)
        if self.query_one("#names").has_focus and event.key in ("down", "up"):
            event.stop()
            ticks.action_cursor_down() if event.key == "down" else ticks.action_cursor_up()
        elif ticks.has_focus and event.key == "space" and ticks.value is not None:
            event.stop()
            self.tick(ticks.value)

    @on(Input.Changed, "#names")
    def _typed(self) -> None:
        self._fill()

    @on(Input.Submitted, "#names")
    def _ticked(self, event: Input.Submitted) -> None:
        event.stop()
        event.prevent_default()
        if (name := self.query_one(KeyedList).value) is not None:
            self.tick(name)

    @on(KeyedList.Chosen, "#ticks")
    def _chosen(self, event: KeyedList.Chosen) -> None:
        event.stop()
        self.tick(event.value)

    def typed(self) -> bool:
        """Ticks not yet saved."""
        return bool(self.add or self.drop)

    def finish(self, acted: Acted) -> None:
        """Saved: nothing is lost by closing."""
        self.add, self.drop = set(), set()
        super().finish(acted)


class TagDialog(TickDialog):
    """Tags are words of the office; a new one is made by typing it."""

    HEADING: ClassVar[str] = "Tags"
    NEW_NAMES: ClassVar[bool] = True
    PLACEHOLDER: ClassVar[str] = "type a tag; a new word makes a new tag"

    def read_more(self, office: Any, detail: LeadDetail | None) -> tuple[str, ...]:
        """The tags in use."""
        from leadtui.services import admin

        return tuple(str(item["name"]) for item in admin.items(office, "tag", include_retired=False))

    def ready(self, read: Read) -> None:
        """Show all tags, the lead's own ticked."""
        self.names = list(read.more)
        self.has = frozenset(self.row.tags) if self.row is not None else frozenset()
        super().ready(read)

    def plan(self) -> Plan | None:
        """What was added and what was taken away."""
        add, drop = tuple(sorted(self.add)), tuple(sorted(self.drop))
        if not add and not drop:
            self.refuse("Nothing is changed yet: enter ticks the tag under the cursor", "#names")
            return None

        def one(office: Any, ref: int) -> Any:
            from leadtui.services import bulk

            return single_result(bulk.apply(office, bulk.Target(ids=(ref,)), bulk.Act(tag=add, untag=drop)))

        words = "tagged " + ", ".join([*add, *(f"−{name}" for name in drop)])
        return Plan(one, {"tag": add, "untag": drop}, words)


def single_result(result: Any) -> Any:
    """The result of a bulk act on one lead; a refusal is an error, as it would be alone."""
    if result.refused:
        from leadtui.errors import Refused

        raise Refused(result.refused[0].error, code=result.refused[0].code)
    return result
