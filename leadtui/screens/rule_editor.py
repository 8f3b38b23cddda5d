"""Writing a rule: its fields, for which leads it counts, and what it makes of one lead, shown while one types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from leadtui.errors import FilterError, LeadtuiError
from leadtui.screens.base import LeadScreen
from leadtui.screens.picker import Picker
from leadtui.screens.rule_words import RuleWords
from leadtui.widgets.filter_bar import Completion, FilterBar
from leadtui.widgets.form import FieldSpec, FieldState, Form
from leadtui.widgets.sheet import Sheet
from leadtui.widgets.sheet_lines import Line, Row, stack, text, wrapped
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.screens.record_list import Record
    from leadtui.screens.rule_rehearsal import Tried

REST_S, REST_S_SLOW = 0.3, 0.8
"""After the last key: then the leads are counted, and the example is made anew."""


class RuleEditor(LeadScreen["Record | None"]):
    """Answers the rule as it was saved, None when left. `rule` is a row of the list, None for a new one.

    Subclasses say which fields there are, how they become what the service takes, and what is shown of a lead.
    """

    SCOPE = "rule"
    HEADING = "New rule"
    AUTO_FOCUS = ""
    HINTS: ClassVar[tuple[str, ...]] = ("form.save", "rule.rehearse", "rule.to_lead", "app.back")
    KIND: ClassVar[str] = ""
    """What `services.rule_preview` calls the list it is of: score or assign."""
    ONLY: ClassVar[str] = "Only leads"
    """The label of the condition."""
    ANY: ClassVar[str] = "every lead, or city:Nairobi budget:>=200000 …"
    DEFAULT_CSS: ClassVar[str] = """
    RuleEditor #fields { height: 1fr; }
    RuleEditor Form { height: auto; }
    RuleEditor FieldBox .field-label, RuleEditor #when-label { width: 13; }
    RuleEditor FieldBox .field-note { margin-left: 14; }
    RuleEditor #when { height: auto; padding: 0 1; }
    RuleEditor #when Horizontal { height: 1; }
    RuleEditor #when FilterBar { width: 1fr; }
    RuleEditor FilterBar.-left #filter-error { visibility: hidden; }
    RuleEditor #counted { height: auto; max-height: 3; color: $text-muted; margin-left: 14; }
    RuleEditor #counted.-error { color: $text-error; }
    RuleEditor #seen { height: 8; border-top: solid $panel; }
    RuleEditor.-tall #seen { height: 16; }
    RuleEditor:ansi #seen { border-top: solid ansi_default; }
    RuleEditor #problem { height: auto; max-height: 3; display: none; color: $text-error; padding: 0 1; }
    """

    def __init__(self, rule: Record | None, pipeline: str = "") -> None:
        super().__init__()
        self.rule = rule
        self.pipeline = pipeline
        self.lead_id: int | None = None
        """The lead for which the rule is shown; None: the newest it is about."""
        self._words: RuleWords | None = None
        self._first: dict[str, str] = {}
        self._timer: Timer | None = None
        self._busy = False

    # What subclasses fill in

    def specs(self) -> tuple[FieldSpec, ...]:
        """The fields; the condition follows them."""
        raise NotImplementedError

    def rules(self, values: dict[str, str]) -> Mapping[str, FieldState]:
        """Which of them are shown, by what the others say."""
        return {}

    def texts_of(self, rule: Record) -> dict[str, str]:
        """A rule as the fields hold it."""
        raise NotImplementedError

    def values_of(self, texts: Mapping[str, str]) -> dict[str, str]:
        """The fields as the service takes them, all keys, the condition too (`texts["when"]`)."""
        raise NotImplementedError

    FIELD_OF: ClassVar[Mapping[str, str]] = {}
    """The field to which the service's name of a wrong value belongs, where it is another one."""

    def service(self) -> Any:
        """The module that keeps the rules. In a thread."""
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

    # The widgets

    def body(self) -> ComposeResult:
        """Fields and condition, what it makes of a lead, what is wrong."""
        with VerticalScroll(id="fields", can_focus=False):
            yield Form(self.specs(), rules=self._rules, id="rule-form")
            with Vertical(id="when"):
                with Horizontal():
                    yield Static(self.ONLY, id="when-label", markup=False)
                    yield FilterBar(self._parse, self._complete, placeholder=self.ANY)
                yield Static("…", id="counted", markup=False)
        yield Sheet(cursor=False, id="seen")
        yield Static("", id="problem", markup=False)

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

    def _rules(self, values: dict[str, str]) -> Mapping[str, FieldState]:
        several = self.opened and len(self.office.catalog.pipelines) > 1
        return {"pipeline": FieldState(visible=several), **self.rules(values)}

    def texts(self) -> dict[str, str]:
        """All fields as typed, the condition among them."""
        return {**self.form.values(), "when": self.bar.value.strip()}

    def values(self) -> dict[str, str]:
        """As the service takes them."""
        return self.values_of(self.texts())

    def changes(self) -> dict[str, str]:
        """What differs from the rule as it was opened."""
        return {key: text for key, text in self.values().items() if text != self._first.get(key, "")}

    def unsaved(self) -> str | None:
        """Leaving asks once when something was typed."""
        return "What you wrote here will be lost" if self.opened and not self._busy and self.changes() else None

    # Opening

    def office_ready(self) -> None:
        """Read the words of the condition."""
        office = self.office

        def read() -> RuleWords:
            from leadtui.services import admin

            tags = tuple(str(one["name"]) for one in admin.items(office, "tag"))
            return RuleWords(office.catalog, office.actor.hidden_fields, tags)

        self.run_blocking(read, then=self._opened, failed=self._unreadable)

    def _unreadable(self, error: Exception) -> None:
        self.lead_app.report(error)
        self.dismiss(None)

    def _opened(self, words: RuleWords) -> None:
        self._words = words
        rule, form, catalog = self.rule, self.form, self.office.catalog
        texts = {"pipeline": self.pipeline or catalog.default_pipeline.key, **self.new_texts()}
        if rule is not None:
            texts = self.texts_of(rule)
        form.set_choices("pipeline", [(one.key, one.name) for one in catalog.pipelines])
        self.choices(catalog)
        self.bar.set_value(texts.pop("when", ""))
        form.set_values(texts, clean=True)
        self._first = self.values()
        if rule is not None:
            self.heading(one_line(str(rule["name"])))
        form.focus_first()
        self._look()

    def choices(self, catalog: Any) -> None:
        """The choices that come from the office."""

    def new_texts(self) -> dict[str, str]:
        """What a new one begins with."""
        return {}

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

    @on(Form.Changed)
    def _typed(self, event: Form.Changed) -> None:
        self._problem("")
        self._look_soon()

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
            self._say_counted(_words(error), wrong=True)

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
        words = f"Shown for a lead as soon as it can be: {_words(error)}"

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

    def do_pick(self) -> None:
        """Long choice fields have no list here: their menu is the list."""
        self.form.want_pick()

    # Saving

    @on(Form.Submitted)
    def _entered(self) -> None:
        self.focus_next()

    def _may_save(self) -> bool:
        if self._busy or not self.opened:
            return False
        if self.bar.error:
            self._problem(f"{self.ONLY}: {self.bar.error}")
            self.bar.focus()
            return False
        return self.form.check()

    def do_rehearse(self) -> None:
        """On the office's own past, as it is written now; then saved, or back here with everything as it is."""
        from leadtui.screens.rule_rehearsal import RuleRehearsalScreen

        if not self._may_save():
            return
        values, rule = self.values(), self.rule
        name = one_line(self.form.value("name"))
        tried: list[Tried]
        if rule is None:
            label, tried = f"with {name}", [("add", None, _filled(values))]
        elif not (changes := self.changes()):
            self.done("Nothing is changed here: there is nothing to rehearse")
            return
        elif rule["is_active"]:
            label, tried = f"{name} changed", [("edit", rule["id"], changes)]
        else:
            label, tried = f"{name} changed, were it on", [("edit", rule["id"], changes), ("enable", rule["id"], {})]
        screen = RuleRehearsalScreen(self.KIND, label, tried, pipeline=values["pipeline"] or None)
        self.app.push_screen(screen, lambda answer: self.do_save() if answer else None)

    def do_save(self) -> None:
        """Save; what is wrong is shown beside its field, and nothing typed is lost."""
        if not self._may_save():
            return
        self._problem("")
        rule, values, office = self.rule, self.values(), self.office
        if rule is not None:
            values = self.changes()
            if not values:
                self.dismiss(None)
                return
        else:
            values = _filled(values)
        self._busy = True

        def save() -> Any:
            from leadtui.services import rule_preview

            service = self.service()
            kept = service.add(office, values) if rule is None else service.edit(office, str(rule["id"]), values)
            return rule_preview.row_of(self.KIND, kept)

        self.run_blocking(save, then=self.dismiss, failed=self._not_saved)

    def _not_saved(self, error: Exception) -> None:
        self._busy = False
        if not isinstance(error, LeadtuiError):
            self.lead_app.report(error)
            return
        field = self.FIELD_OF.get(error.field or "", error.field or "")
        if isinstance(error, FilterError) or field in ("when", "where"):
            self._say_counted(_words(error), wrong=True)
            self.bar.focus()
        elif field in {spec.key for spec in self.form.specs}:
            self.form.set_errors({field: _words(error)})
        else:
            self._problem(_words(error))

    def _problem(self, words: str) -> None:
        line = self.query_one("#problem", Static)
        line.update(Content(words))
        line.display = bool(words)


def _filled(values: Mapping[str, str]) -> dict[str, str]:
    """As for a new rule; that it is of no one pipeline is said, too."""
    return {key: one for key, one in values.items() if one or key == "pipeline"}


def _words(error: LeadtuiError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message


PIPELINE = FieldSpec("pipeline", "Pipeline", "choice", visible=False, help="empty: of every one")
"""Which pipeline a rule is of."""
