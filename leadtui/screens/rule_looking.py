"""The form of a rule looks: the leads it is about are counted, and an example is made, a moment after each key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from leadtui.errors import LeadtuiError
from leadtui.screens.filter_looking import FilterLooking
from leadtui.widgets.form import Form
from leadtui.widgets.sheet import Sheet
from leadtui.widgets.sheet_lines import Line, Row, stack, text, wrapped

if TYPE_CHECKING:
    from leadtui.screens.record_list import Record


class RuleLooking(FilterLooking["Record | None"]):
    """What is in the fields of a rule, and what is made of it while one types. The editor itself yields the widgets."""

    KIND: ClassVar[str] = ""
    """What `services.rule_preview` calls the list it is of: score or assign."""
    WHICH_LEAD = "Show the rule for which lead?"

    def __init__(self, rule: Record | None) -> None:
        super().__init__()
        self.rule = rule
        self._first: dict[str, str] = {}

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
    def opened(self) -> bool:
        """Whether the rule is in the fields."""
        return self.filter_words is not None

    def texts(self) -> dict[str, str]:
        """All fields as typed, the condition among them."""
        return {**self.form.values(), "when": self.bar.value.strip()}

    def values(self) -> dict[str, str]:
        """As the service takes them."""
        return self.values_of(self.texts())

    def changes(self) -> dict[str, str]:
        """What differs from the rule as it was opened."""
        return {key: text for key, text in self.values().items() if text != self._first.get(key, "")}

    def behind_filter(self) -> None:
        """The fields come next."""
        self.form.focus_first()

    # Counting, and the example

    def look(self, step: int = 0) -> None:
        """Count the leads it is about; then show what it makes of one."""
        if not self.opened or self.bar.error:
            self.say_counted(self.bar.error, wrong=bool(self.bar.error))
            return
        office, values, kind = self.office, self.values(), self.KIND
        rule_id, lead_id = (int(self.rule["id"]) if self.rule else None), self.lead_id
        self.say_counted("counting…")

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
        self.say_counted(f"{words}; {after}" if after else words)

    def _not_counted(self, error: Exception) -> None:
        if not isinstance(error, LeadtuiError):
            self.lead_app.report(error)
        else:
            self.say_counted(error_words(error), wrong=True)

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


def error_words(error: LeadtuiError) -> str:
    """What is wrong, and what would be right."""
    return f"{error.message} ({error.hint})" if error.hint else error.message
