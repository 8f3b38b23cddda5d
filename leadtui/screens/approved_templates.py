"""Taking over a template that WhatsApp has approved: which one, and a text of ours for each of its values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from leadtui.screens.picker import Choice, Picker
from leadtui.screens.record_form import RecordForm
from leadtui.widgets.form import FieldSpec
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.channels.provider_templates import ApprovedTemplate
    from leadtui.screens.base import LeadScreen
    from leadtui.services.templates import TemplateRow

_PARTS: Final = (("param", "Value", "params"), ("header", "Header", "header_params"), ("button", "Button", "buttons"))
"""What takes texts of ours: the field of the form, its label, and how many there are."""
APPROVED: Final = "APPROVED"


def take_over(screen: LeadScreen[Any], then: Callable[[TemplateRow], object]) -> None:
    """Ask which template, then for its texts; `then` gets the template that was kept."""
    office = screen.office

    def read() -> Sequence[ApprovedTemplate]:
        from leadtui.services import channels

        return [one for one in channels.templates(office) if one.status.upper() == APPROVED]

    def choose(found: Sequence[ApprovedTemplate]) -> None:
        if not found:
            screen.app.notify("WhatsApp has approved no template of this account yet", severity="warning")
            return
        listed = [
            Choice(str(place), f"{one.name}  {one.language}", f"{one.category.lower()} · {one_line(one.body)}")
            for place, one in enumerate(found)
        ]

        def chosen(place: str | None) -> None:
            if place is not None:
                one = found[int(place)]
                screen.app.push_screen(keep_form(office, one), keep)

        def keep(kept: Any) -> None:
            if kept:
                then(kept["row"])

        screen.app.push_screen(Picker("Which approved template?", listed), chosen)

    screen.done("Asking WhatsApp …")
    screen.run_blocking(read, then=choose, group="templates.approved")


def keep_form(office: Any, one: ApprovedTemplate) -> RecordForm:
    """A name, and a text for each value. Answers {"row": TemplateRow}."""
    specs = [FieldSpec("name", "Name", required=True, max_length=100)]
    counts = {part: int(getattr(one, count)) for part, _, count in _PARTS}
    for part, label, _ in _PARTS:
        for place in range(counts[part]):
            named = one.names[place] if part == "param" and place < len(one.names) else str(place + 1)
            specs.append(
                FieldSpec(f"{part}{place}", f"{label} {named}", required=True, max_length=500,
                          placeholder="{first_name|there}", help="a text with our placeholders")
            )  # fmt: skip

    def save(values: dict[str, str]) -> dict[str, TemplateRow]:
        from leadtui.services import approved_templates

        def texts(part: str) -> list[str]:
            return [values.get(f"{part}{place}", "") for place in range(counts[part])]

        row = approved_templates.keep(
            office, one.name, params=texts("param"), header=texts("header"), buttons=texts("button"),
            language=one.language, name=values["name"],
        )  # fmt: skip
        return {"row": row}

    return RecordForm(f"{one.name} ({one.language})", specs, {"name": one.name}, save, new=True, note=one.body)
