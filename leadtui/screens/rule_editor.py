"""Writing a rule: its fields, for which leads it counts, and what it makes of one lead, shown while one types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from leadtui.errors import FilterError, LeadtuiError
from leadtui.screens.rule_looking import RuleLooking, error_words
from leadtui.screens.rule_words import RuleWords
from leadtui.widgets.filter_bar import FilterBar
from leadtui.widgets.form import FieldSpec, FieldState, Form
from leadtui.widgets.sheet import Sheet
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.screens.record_list import Record
    from leadtui.screens.rule_rehearsal import Tried


class RuleEditor(RuleLooking):
    """Answers the rule as it was saved, None when left. `rule` is a row of the list, None for a new one.

    Subclasses say which fields there are, how they become what the service takes, and what is shown of a lead.
    """

    SCOPE = "rule"
    HEADING = "New rule"
    AUTO_FOCUS = ""
    HINTS: ClassVar[tuple[str, ...]] = ("form.save", "rule.rehearse", "rule.to_lead", "app.back")
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
        super().__init__(rule)
        self.pipeline = pipeline
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

    FIELD_OF: ClassVar[Mapping[str, str]] = {}
    """The field to which the service's name of a wrong value belongs, where it is another one."""

    def service(self) -> Any:
        """The module that keeps the rules. In a thread."""
        raise NotImplementedError

    # The widgets

    def body(self) -> ComposeResult:
        """Fields and condition, what it makes of a lead, what is wrong."""
        with VerticalScroll(id="fields", can_focus=False):
            yield Form(self.specs(), rules=self._rules, id="rule-form")
            with Vertical(id="when"):
                with Horizontal():
                    yield Static(self.ONLY, id="when-label", markup=False)
                    yield FilterBar(self.parse, self.complete, placeholder=self.ANY)
                yield Static("…", id="counted", markup=False)
        yield Sheet(cursor=False, id="seen")
        yield Static("", id="problem", markup=False)

    def _rules(self, values: dict[str, str]) -> Mapping[str, FieldState]:
        several = self.opened and len(self.office.catalog.pipelines) > 1
        return {"pipeline": FieldState(visible=several), **self.rules(values)}

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
        self.filter_words = words
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
        self.look()

    def choices(self, catalog: Any) -> None:
        """The choices that come from the office."""

    def new_texts(self) -> dict[str, str]:
        """What a new one begins with."""
        return {}

    def do_pick(self) -> None:
        """Long choice fields have no list here: their menu is the list."""
        self.form.want_pick()

    # Saving

    @on(Form.Changed)
    def _typed(self) -> None:
        self._problem("")
        self.look_soon()

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
            self.say_counted(error_words(error), wrong=True)
            self.bar.focus()
        elif field in {spec.key for spec in self.form.specs}:
            self.form.set_errors({field: error_words(error)})
        else:
            self._problem(error_words(error))

    def _problem(self, words: str) -> None:
        line = self.query_one("#problem", Static)
        line.update(Content(words))
        line.display = bool(words)


def _filled(values: Mapping[str, str]) -> dict[str, str]:
    """As for a new rule; that it is of no one pipeline is said, too."""
    return {key: one for key, one in values.items() if one or key == "pipeline"}


PIPELINE = FieldSpec("pipeline", "Pipeline", "choice", visible=False, help="empty: of every one")
"""Which pipeline a rule is of."""
