"""The form of a rule looks: the leads it is about are counted, and an example is made, a moment after each key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from leadtui.errors import LeadtuiError
from leadtui.screens.base import LeadScreen
from leadtui.screens.picker import Picker
from leadtui.screens.rule_words import RuleWords
from leadtui.widgets.filter_bar import Completion, FilterBar
from leadtui.widgets.form import Form
from leadtui.widgets.sheet import Sheet
from leadtui.widgets.sheet_lines import Line, Row, stack, text, wrapped

if TYPE_CHECKING:
    from leadtui.screens.record_list import Record

REST_S, REST_S_SLOW = 0.3, 0.8
"""After the last key: then the leads are counted, and the example is made anew."""


class RuleLooking(LeadScreen["Record | None"]):
    """What is in the fields of a rule, and what is made of it while one types. The editor itself yields the widgets."""

    KIND: ClassVar[str] = ""
    """What `services.rule_preview` calls the list it is of: score or assign."""

    def __init__(self, rule: Record | None) -> None:
        super().__init__()
        self.rule = rule
        self.lead_id: int | None = None
        """The lead for which the rule is shown; None: the newest it is about."""
        self._first: dict[str, str] = {}
        self._words: RuleWords | None = None
        self._timer: Timer | None = None

    # What subclasses fill in

    def values_of(self, texts: Mapping[str, str]) -> dict[str, str]:
        """The fields as the service takes them, all keys, the condition too (`texts["when"]`)."""
        raise NotImplementedError

    def example(self, office: Any, values: dict[str, str], rule_id: int | None, lead_id: int | None) -> Any:
        """What the rule makes of a lead. In a thread."""
        raise NotImplementedError

    def example_lines(self, found: Any, width: int) -> Sequence[Line]:
        """That, to be looked at."""
        raise NotImplementedError

    def after_saving(self, total: int) -> str:
        """What saving will set going, with so many leads in the pipelines it is about."""
        return ""

    # What is in it

    @property
    def form(self) -> Form:
        """The fields."""
        return self.query_one("#rule-form", Form)

    @property
    def bar(self) -> FilterBar:
        """The condition."""
        return self.query_one(FilterBar)

    @property
    def opened(self) -> bool:
        """Whether the rule is in the fields."""
        return self._words is not None

    def texts(self) -> dict[str, str]:
        """All fields as typed, the condition among them."""
        return {**self.form.values(), "when": self.bar.value.strip()}

    def values(self) -> dict[str, str]:
        """As the service takes them."""
        return self.values_of(self.texts())

    def changes(self) -> dict[str, str]:
        """What differs from the rule as it was opened."""
        return {key: text for key, text in self.values().items() if text != self._first.get(key, "")}

    # The condition

    def _parse(self, typed: str) -> object:
        return self._words.parse(typed) if self._words is not None else None

    def _complete(self, typed: str, cursor: int) -> Sequence[Completion]:
        return self._words.complete(typed, cursor) if self._words is not None else []

    @on(FilterBar.Changed)
    def _condition_typed(self) -> None:
        self._look_soon()

    @on(FilterBar.Submitted)
    @on(FilterBar.Left)
    def _condition_left(self, event: FilterBar.Submitted | FilterBar.Left) -> None:
        event.stop()
        self._look_soon()
        self.form.focus_first()

    def on_descendant_blur(self) -> None:
        """What is wrong with the condition lies over the example only while it is typed; then it is below its line."""
        if self.is_mounted:
            self.bar.add_class("-left")
            if self.bar.error:
                self._say_counted(self.bar.error, wrong=True)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Typed again: it points at the place."""
        if self.bar in event.widget.ancestors:
            self.bar.remove_class("-left")

    # Counting, and the example

    def _look_soon(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(REST_S_SLOW if self.lead_app.slow else REST_S, self._look)

    def _look(self) -> None:
        """Count the leads it is about; then show what it makes of one."""
        if not self.opened or self.bar.error:
            self._say_counted(self.bar.error, wrong=bool(self.bar.error))
            return
        office, values, kind = self.office, self.values(), self.KIND
        rule_id, lead_id = (int(self.rule["id"]) if self.rule else None), self.lead_id
        self._say_counted("counting…")

        def count() -> Any:
            from leadtui.services import rule_preview

            return rule_preview.matching(office, kind, values)

        def show() -> Any:
            return self.example(office, values, rule_id, lead_id)

        self.run_blocking(count, then=self._counted, failed=self._not_counted, group="rule.count")
        self.run_blocking(show, then=self._shown, failed=self._not_shown, group="rule.example")

    def _counted(self, found: tuple[int, int]) -> None:
        matching, total = found
        words = f"finds {matching:,} of {total:,} lead{'' if total == 1 else 's'}"
        after = self.after_saving(total)
        self._say_counted(f"{words}; {after}" if after else words)

    def _not_counted(self, error: Exception) -> None:
        if not isinstance(error, LeadtuiError):
            self.lead_app.report(error)
        else:
            self._say_counted(error_words(error), wrong=True)

    def _shown(self, found: Any) -> None:
        sheet = self.query_one("#seen", Sheet)
        if found is None:
            words = "There is no lead to show it for."
            sheet.show(lambda width: stack([Line(text((words, "muted")))], width))
        else:
            sheet.show(lambda width: stack(list(self.example_lines(found, width)), width), keep_place=False)

    def _not_shown(self, error: Exception) -> None:
        """Not filled in yet: nothing to show, and no reproach before it is saved."""
        if not isinstance(error, LeadtuiError):
            self.lead_app.report(error)
            return
        words = f"Shown for a lead as soon as it can be: {error_words(error)}"

        def build(width: int) -> list[Row]:
            return stack([Line(text((one, "muted"))) for one in wrapped(words, width - 2)], width)

        self.query_one("#seen", Sheet).show(build)

    def _say_counted(self, words: str, *, wrong: bool = False) -> None:
        line = self.query_one("#counted", Static)
        line.update(Content(words))
        line.set_class(wrong, "-error")

    def do_to_lead(self) -> None:
        """Any lead, whether the rule is about it or not."""
        from leadtui.screens.loan_dialogs import find_leads

        office = self.office

        def chosen(lead_id: str | None) -> None:
            if lead_id is not None:
                self.lead_id = int(lead_id)
                self._look()

        picker = Picker("Show the rule for which lead?", lambda words: find_leads(office, words, "read"))
        self.app.push_screen(picker, chosen)


def error_words(error: LeadtuiError) -> str:
    """What is wrong, and what would be right."""
    return f"{error.message} ({error.hint})" if error.hint else error.message
