"""Writing a step of who gets leads: its kind, what belongs to that, for which leads, and whom it makes one go to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from leadtui.screens.rule_editor import PIPELINE, RuleEditor
from leadtui.screens.rule_try import choice_lines
from leadtui.screens.rules_rows import KINDS, NARROWS
from leadtui.widgets.form import FieldSpec, FieldState
from leadtui.widgets.lead_cells import plain_signs
from leadtui.widgets.sheet_lines import Line, text
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.screens.record_list import Record
    from leadtui.services.rule_preview import Rerouted

SPECS: Final = (
    FieldSpec("name", "Name", required=True, max_length=120),
    FieldSpec("kind", "Kind", "choice", required=True,
              choices=tuple((key, f"{key.replace('_', ' ')}: {words}") for key, words in KINDS.items())),
    PIPELINE,
    FieldSpec("sources", "Sources", visible=False, help="names, with commas between them"),
    FieldSpec("users", "Goes to", visible=False, help="logins, with commas between them"),
    FieldSpec("rate", "Converts", visible=False, placeholder="15%", help="of their leads, at least"),
    FieldSpec("minutes", "Minutes", visible=False, placeholder="15", help="so long; then the steps behind it choose"),
    FieldSpec("only_if_any", "If any", "bool", visible=False,
              help="yes: where nobody fits, all stay; no: then nobody gets the lead"),
)  # fmt: skip
_OF_KIND: Final[Mapping[str, tuple[str, ...]]] = {
    "source": ("sources", "users"), "performance": ("rate",), "first_to_claim": ("minutes",),
}  # fmt: skip


class AssignRuleEditor(RuleEditor):
    """A step of who gets leads."""

    HEADING = "New step"
    KIND = "assign"
    ANY = "every lead, or source:Referral budget:>=200000 …"
    FIELD_OF: ClassVar[Mapping[str, str]] = {"params": "kind"}

    def specs(self) -> tuple[FieldSpec, ...]:
        """Name, kind, and what belongs to each kind."""
        return SPECS

    def rules(self, values: dict[str, str]) -> Mapping[str, FieldState]:
        """What belongs to its kind."""
        kind = values.get("kind", "")
        mine = _OF_KIND.get(kind, ())
        shown = {key: FieldState(key == "users", key in mine) for keys in _OF_KIND.values() for key in keys}
        return {**shown, "only_if_any": FieldState(False, kind in NARROWS)}

    def new_texts(self) -> dict[str, str]:
        """Of those that fit, and everybody where nobody does."""
        return {"only_if_any": "yes"}

    def texts_of(self, rule: Record) -> dict[str, str]:
        """As the fields hold it."""
        keys = ("name", "kind", "pipeline", "rate", "minutes", "when")
        lists = {key: ", ".join(map(str, rule.get(key) or ())) for key in ("users", "sources")}
        texts = {key: "" if rule.get(key) is None else str(rule[key]) for key in keys}
        return {**texts, **lists, "only_if_any": "yes" if rule.get("only_if_any") else ""}

    def values_of(self, texts: Mapping[str, str]) -> dict[str, str]:
        """As the service takes them: what belongs to another kind is left out."""
        kind = texts.get("kind", "")
        mine = _OF_KIND.get(kind, ())
        return {
            **{key: texts.get(key, "").strip() for key in ("name", "kind", "pipeline")},
            **{key: texts.get(key, "").strip() if key in mine else "" for keys in _OF_KIND.values() for key in keys},
            "where": texts.get("when", ""),
            "only_if_any": "yes" if texts.get("only_if_any") or kind not in NARROWS else "no",
        }

    def service(self) -> Any:
        """`routing_rules`."""
        from leadtui.services import routing_rules

        return routing_rules

    def example(self, office: Any, values: dict[str, str], rule_id: int | None, lead_id: int | None) -> Any:
        """Whom a lead goes to, now and then."""
        from leadtui.services import rule_preview

        return rule_preview.rerouted(office, values, rule_id=rule_id, lead_id=lead_id)

    def example_lines(self, found: Rerouted, width: int) -> Sequence[Line]:
        """The lead, who has it by either list, and how it comes to that."""
        lead, before, after = found.after.lead, found.before.words, found.after.words
        goes = after if after == before else f"{before} {plain_signs('→', self.lead_app.plain)} {after}"
        head = Line(
            text((f"{lead.number} ", "muted"), one_line("" if lead.title == lead.number else lead.title)),
            text(("goes to ", "muted"), (one_line(goes), "strong")),
        )
        return [head, *choice_lines(found.after, width - 4)]
