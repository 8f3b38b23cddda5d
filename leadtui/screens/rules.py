"""The rules of the office: how leads are scored, and who gets them. Two lists; tab goes from one to the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from leadtui.commands import Command
from leadtui.screens import rules_rows as rows
from leadtui.screens.record_list import Record
from leadtui.screens.rule_list import RuleList


class ScoreRulesScreen(RuleList):
    """How leads are scored."""

    TITLE = "Scoring rules"
    KIND = "score"
    COLUMNS = rows.SCORE_COLUMNS
    HINTS: ClassVar[tuple[str, ...]] = (
        "rules.new", "rules.edit", "rules.next_tab", "rules.switch", "rules.rehearse", "rules.worth",
    )  # fmt: skip

    def service(self) -> Any:
        """`score_rules`."""
        from leadtui.services import score_rules

        return score_rules

    def editor(self, rule: Record | None) -> Any:
        """Points, condition, an example."""
        from leadtui.screens.score_rule_editor import ScoreRuleEditor

        return ScoreRuleEditor(rule, self.pipeline or "")

    def other(self) -> RuleList:
        """Who gets them."""
        return AssignRulesScreen()

    def after_change(self) -> str:
        """Scores follow."""
        return "All leads of its pipeline are scored anew, in the background."

    def say_written(self, words: str) -> None:
        """Then the job scores what is stale; how far it is stands in the first row."""
        self.done(f"{words}; leads are scored anew", undo=True)

    def why_disabled(self, command: Command) -> str | None:
        """Leads are given by the other list."""
        if command.id == "rules.automatic":
            return "That is said on the list of who gets leads: tab"
        return super().why_disabled(command)


class AssignRulesScreen(RuleList):
    """Who gets leads: the steps in their order."""

    TITLE = "Who gets leads"
    KIND = "assign"
    COLUMNS = rows.ASSIGN_COLUMNS
    HINTS: ClassVar[tuple[str, ...]] = (
        "rules.new", "rules.edit", "rules.next_tab", "rules.try_it", "rules.automatic", "rules.switch",
    )  # fmt: skip

    def service(self) -> Any:
        """`routing_rules`."""
        from leadtui.services import routing_rules

        return routing_rules

    def editor(self, rule: Record | None) -> Any:
        """Kind, what belongs to it, for which leads."""
        from leadtui.screens.assign_rule_editor import AssignRuleEditor

        return AssignRuleEditor(rule, self.pipeline or "")

    def other(self) -> RuleList:
        """How they are scored."""
        return ScoreRulesScreen()

    def _title(self) -> None:
        super()._title()
        if not self.waiting:
            self.heading(right=rows.AUTOMATIC[self._automatic()][0])

    def _automatic(self) -> str:
        word = str(dict[str, Any](self.office.catalog.settings).get("auto_assign") or "off")
        return word if word in rows.AUTOMATIC else "off"

    def do_automatic(self) -> None:
        """Which new leads are assigned by themselves."""
        from leadtui.screens.picker import Choice, Picker

        office = self.office
        choices = [Choice(key, words, more) for key, (words, more) in rows.AUTOMATIC.items()]

        def chosen(key: str | None) -> None:
            if key is None:
                return

            def write() -> Mapping[str, Any]:
                from leadtui.services import admin

                return admin.set_setting(office, "auto_assign", key)

            def written(_answer: object) -> None:
                self._title()
                self.done(rows.AUTOMATIC[key][0])

            self.run_blocking(write, then=written, group="rules.write")

        self.app.push_screen(Picker("Which new leads are assigned by themselves?", choices), chosen)
