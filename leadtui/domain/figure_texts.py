"""The filter texts behind figures: what finds exactly the leads counted, however sources are named. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from leadtui.errors import FilterError

from .catalog import Catalog
from .figures import Question
from .filters import Or, Term, parse, to_text
from .lead_filters import filter_fields
from .lead_names import ids_of, reasons_of, steps_from


def both(base: str, own: str) -> str:
    """What finds the leads of both texts; each may be empty."""
    return f"{grouped(base)} {own}" if base.strip() and own else own or base.strip()


def grouped(text: str) -> str:
    """`text` so that a blank and more behind it narrow all of it."""
    is_choice = bool(text.strip()) and isinstance(parse(text, fields=filter_fields()), Or)
    return f"({text.strip()})" if is_choice else text.strip()


def text_of(field: str, *values: str, op: Any = "eq") -> str:
    """One term as people type it, quoted where it must be: `source:"Field Sales"`."""
    return to_text(Term(field, "in" if op == "eq" and len(values) > 1 else op, values), filter_fields())


class Names:
    """How filters name the office's records: by name where it finds just that one, else by id (`source:#12`)."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def pipeline(self, pipeline_id: int) -> str:
        """Leads of a pipeline."""
        return self._named("pipeline", "pipeline", self.catalog.pipeline_by_id[pipeline_id].key, {pipeline_id})

    def statuses(self, name: str, ids: Collection[int]) -> str:
        """Leads in the statuses of one name; in which pipelines, the ids say."""
        return self._named("status", "stage", name, set(ids))

    def source(self, source_id: int) -> str:
        """Leads of a source; of none for 0."""
        return self._one("source", "source", source_id, self.catalog.source_by_id)

    def agent(self, user_id: int) -> str:
        """Leads of a user; of nobody for 0."""
        user = self.catalog.user_by_id.get(user_id)
        return self._named("assigned_to", "user", user.login, {user_id}) if user else "assigned:none"

    def reached(self, stage_id: int) -> str:
        """Leads that ever got to a status."""
        stage = self.catalog.stage_by_id[stage_id]
        text = text_of("reached", stage.name)
        whole = self._steps(text_of("reached", f"#{stage_id}"))
        return text if self._steps(text) == whole else text_of("reached", f"#{stage_id}")

    def lost_reason(self, reason_id: int) -> str:
        """Lost leads by their counted reason; by none of these for 0."""
        reason = next((one for one in self.catalog.lost_reasons if one.id == reason_id), None)
        if reason is None:
            return "is:lost missing:lost_reason"
        text = text_of("lost_reason", reason.name)
        found = _read(text)
        ok = found is not None and set(_quiet(lambda: reasons_of(found, self.catalog))) == {reason_id}
        return "is:lost " + (text if ok else text_of("lost_reason", f"#{reason_id}"))

    def _one(self, field: str, noun: str, row_id: int, known: Mapping[int, Any]) -> str:
        return self._named(field, noun, known[row_id].name, {row_id}) if row_id in known else f"missing:{field}"

    def _named(self, field: str, noun: str, name: str, ids: set[int]) -> str:
        text = text_of(field, name)
        found = _read(text)
        if found is not None and len(found.values) == 1:
            value = found.values[0]
            # 0 is nobody: where a name means the acting user, it is no name.
            if set(_quiet(lambda: ids_of(noun, value, 0, found, self.catalog, me=0))) == ids:
                return text
        return text_of(field, *(f"#{one}" for one in sorted(ids)))

    def _steps(self, text: str) -> set[int]:
        found = _read(text)
        return set() if found is None else _quiet(lambda: steps_from(found.values[0], self.catalog, found))


def _read(text: str) -> Term | None:
    try:
        node = parse(text, fields=filter_fields())
    except FilterError:
        return None
    return node if isinstance(node, Term) and node.values else None


def _quiet(found: Any) -> set[int]:
    """What a name finds; nothing where it finds nothing."""
    try:
        return set(found())
    except FilterError:
        return set()


def base_text(question: Question, catalog: Catalog) -> str:
    """All of a question in one filter: its own, its pipeline, its days. Raises Invalid for a pipeline there is not."""
    return both(question.filter.strip(), beside_text(question, catalog))


def beside_text(question: Question, catalog: Catalog) -> str:
    """What a question asks for beside its own filter: the pipeline and the days."""
    days = created_text(question.date_from, question.date_to)
    if not question.pipeline:
        return days
    return both(Names(catalog).pipeline(catalog.find_pipeline(question.pipeline).id), days)


def created_text(first: str | None, last: str | None) -> str:
    """Leads created in a range of days as typed, both included; each may be missing."""
    if not first and not last:
        return ""
    ends = [one for one in (first, last) if one]
    text = text_of("created_at", *ends, op="between" if len(ends) > 1 else "ge" if first else "le")
    return "created" + text.removeprefix("created_at")
