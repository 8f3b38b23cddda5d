"""Writing a rule of scores: points, for whom, and a lead's score before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from leadtui.domain.scoring import NUMBER_FIELDS
from leadtui.screens.rule_editor import PIPELINE, RuleEditor
from leadtui.widgets.form import FieldSpec, FieldState
from leadtui.widgets.lead_cells import plain_signs
from leadtui.widgets.sheet_lines import Line, text
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.scoring import Score
    from leadtui.screens.record_list import Record
    from leadtui.services.rule_preview import Scored

MODES: Final = (
    ("flat", "once, when it holds"),
    ("first_match", "only the first rule of its group that holds"),
    ("per_unit", "for each one of a number"),
)
"""How the points count."""
SPECS: Final = (
    FieldSpec("name", "Name", required=True, max_length=120),
    FieldSpec(
        "group", "Group", required=True, max_length=40, help="demographics, behavior, engagement …: told together"
    ),
    PIPELINE,
    FieldSpec("points", "Points", required=True, placeholder="10", help="-5 takes away"),
    FieldSpec("mode", "Counts", "choice", required=True, choices=MODES),
    FieldSpec("per", "Each of", "choice", visible=False, choices=tuple(NUMBER_FIELDS.items())),
    FieldSpec("cap", "At most", visible=False, help="points in all; empty: no limit"),
)


class ScoreRuleEditor(RuleEditor):
    """A rule of scores."""

    HEADING = "New scoring rule"
    KIND = "score"
    ONLY = "When"
    ANY = "every lead, or city:Nairobi budget:>=200000 …"
    FIELD_OF: ClassVar[Mapping[str, str]] = {"field": "per", "first_match": "mode"}

    def specs(self) -> tuple[FieldSpec, ...]:
        """Name, group, points, how they count."""
        return SPECS

    def rules(self, values: dict[str, str]) -> Mapping[str, FieldState]:
        """Only a number has a unit and a limit."""
        each = values.get("mode") == "per_unit"
        return {"per": FieldState(each, each), "cap": FieldState(False, each)}

    def new_texts(self) -> dict[str, str]:
        """It counts once."""
        return {"mode": "flat"}

    def texts_of(self, rule: Record) -> dict[str, str]:
        """As the fields hold it."""
        keys = ("name", "group", "pipeline", "mode", "per", "when", "points", "cap")
        return {key: "" if rule.get(key) is None else str(rule[key]) for key in keys}

    def values_of(self, texts: Mapping[str, str]) -> dict[str, str]:
        """As the service takes them."""
        mode = texts.get("mode")
        each = mode == "per_unit"
        return {
            **{key: texts.get(key, "").strip() for key in ("name", "group", "pipeline", "points", "when")},
            "per": texts.get("per", "") if each else "",
            "cap": texts.get("cap", "").strip() if each else "",
            "first_match": "yes" if mode == "first_match" else "no",
        }

    def service(self) -> Any:
        """`score_rules`."""
        from leadtui.services import score_rules

        return score_rules

    def after_saving(self, total: int) -> str:
        """Everything it is about is scored anew."""
        return f"saving scores {total:,} lead{'' if total == 1 else 's'} anew" if total else ""

    def example(self, office: Any, values: dict[str, str], rule_id: int | None, lead_id: int | None) -> Any:
        """A score before and after."""
        from leadtui.services import rule_preview

        return rule_preview.scored(office, values, rule_id=rule_id, lead_id=lead_id)

    def example_lines(self, found: Scored, width: int) -> Sequence[Line]:
        """The lead, both scores, and what gave the points."""
        plain = self.lead_app.plain
        lead = found.lead
        arrow = plain_signs("→", plain)
        scores = f"{_number(found.before)} {arrow} {_number(found.after)}"
        raw = f"  (sum {found.before.raw} {arrow} {found.after.raw})" if _is_cut(found) else ""
        head = Line(
            text((f"{lead.number} ", "muted"), one_line("" if lead.title == lead.number else lead.title)),
            text(("score ", "muted"), (scores, "strong"), (raw, "muted")),
        )
        if not found.applies:
            return [head, Line(text(("The rule is of another pipeline than this lead.", "muted")))]
        name = one_line(self.form.value("name")) or "this rule"
        own = Line(text((f"{found.points:>+6} ", "accent" if found.points else "muted"), (name, "strong")))
        others = [line for line in found.after.given if line.name != self.form.value("name").strip()]
        lines = [Line(text((f"{line.points:>+6} ", ""), (one_line(line.name), "muted"))) for line in others]
        bonus = (
            [Line(text((f"{found.after.bonus:>+6} ", ""), ("given by triggers", "muted")))] if found.after.bonus else []
        )
        return [head, own, *lines, *bonus]


def _number(score: Score) -> str:
    return "–" if score.score is None else str(score.score)


def _is_cut(found: Scored) -> bool:
    """Whether the sum goes beyond what a score can be, so that the numbers above do not add up."""
    return any(one.score is not None and one.raw != one.score for one in (found.before, found.after))
