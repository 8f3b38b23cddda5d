"""Small dialogs about a customer: editing it, its family group, the facts of one thing, a password."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from leadtui.domain.conversion import CUSTOMER_TYPES
from leadtui.domain.customers import LABELS, form_values
from leadtui.domain.records import CustomerRow
from leadtui.errors import EditedElsewhere
from leadtui.screens.base import LeadModal
from leadtui.screens.record_form import RecordForm
from leadtui.widgets.form import FieldSpec
from leadtui.widgets.text import one_line

_LIMITS = {"name": 255, "email": 255, "phone": 60, "pan": 20, "aadhar": 20, "gst": 25}
_EXAMPLES = {"pan": "ABCDE1234F", "aadhar": "12 digits", "gst": "15 characters"}


def customer_specs(
    groups: Sequence[str], branches: Sequence[str], hidden: frozenset[str] = frozenset()
) -> tuple[FieldSpec, ...]:
    """The fields of the form, without what the role does not see or the office does not have."""
    specs = [
        FieldSpec("name", LABELS["name"], required=True, max_length=_LIMITS["name"]),
        FieldSpec("type", LABELS["type"], "choice", required=True, choices=tuple((one, one) for one in CUSTOMER_TYPES)),
        FieldSpec("phone", LABELS["phone"], "phone", max_length=_LIMITS["phone"]),
        FieldSpec("email", LABELS["email"], max_length=_LIMITS["email"]),
        *(FieldSpec(key, LABELS[key], max_length=_LIMITS[key], placeholder=_EXAMPLES[key]) for key in _EXAMPLES),
    ]
    for key, names in (("family_group", groups), ("branch", branches)):
        if names:
            specs.append(FieldSpec(key, LABELS[key], "choice", choices=tuple((name, name) for name in names)))
    return tuple(spec for spec in specs if spec.key not in hidden)


class CustomerForm(RecordForm):
    """Edits a customer; what somebody else changed meanwhile is shown field by field, mine or theirs."""

    def __init__(self, office: Any, row: CustomerRow, specs: Sequence[FieldSpec]) -> None:
        values = form_values(row)
        self.base = dict(values)
        """What the form saw; another's change of it is not overwritten unseen."""

        def save(changed: dict[str, str]) -> Any:
            from leadtui.services import customers

            return customers.edit(office, row.id, changed, base=self.base)

        super().__init__(f"Customer {row.title}", specs, values, save, new=False)

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, EditedElsewhere):
            super()._failed(error)
            return
        from leadtui.screens.conflict import ConflictScreen

        self._set_busy(False)
        conflicts = error.data["conflicts"]

        def decided(theirs: frozenset[str] | None) -> None:
            if theirs is None:
                return
            self.base |= {one["field"]: str(one["theirs"]) for one in conflicts}
            self.form.set_values({one["field"]: str(one["theirs"]) for one in conflicts if one["field"] in theirs})
            self.do_save()

        self.app.push_screen(ConflictScreen(conflicts, self.form.values(), self.office.tz), decided)


class FamilyForm(RecordForm):
    """Chooses the family group of a customer, or makes a new one."""

    def __init__(self, office: Any, row: CustomerRow, groups: Sequence[str]) -> None:
        names = tuple((name, name) for name in groups)
        specs = [FieldSpec("group", "Family group", "choice", choices=names)] if names else []
        specs.append(FieldSpec("new", "Or a new one" if names else "A new one", max_length=100))
        values = {"group": row.family_group or "", "new": ""}

        def save(changed: dict[str, str]) -> Any:
            from leadtui.services import customers

            new = changed.get("new", "").strip()
            if new:
                customers.add_family_group(office, new)
            return customers.edit(office, row.id, {"family_group": new or changed.get("group", "")})

        super().__init__(f"Family of {row.title}", specs, values, save, new=False)


class FactsDialog(LeadModal[None]):
    """Shows facts, one below the other; a secret among them can be copied, and is gone with the dialog."""

    DEFAULT_CSS: ClassVar[str] = """
    FactsDialog VerticalScroll { height: auto; max-height: 15; }
    FactsDialog .fact { height: auto; }
    FactsDialog .buttons { margin-top: 1; }
    """

    def __init__(self, title: str, facts: Mapping[str, str], *, secret: str = "", user: str = "") -> None:
        super().__init__()
        self.title_words = title
        self.facts = {name: words for name, words in facts.items() if words}
        self._secret = secret
        self.user = user

    def body(self) -> ComposeResult:
        """Facts, then what can be done."""
        with Vertical(classes="dialog") as box:
            box.border_title = Content(one_line(self.title_words))
            with VerticalScroll():
                for name, words in self.facts.items():
                    yield Static(Content.assemble((f"{name:13}", "$text-muted"), one_line(words)), classes="fact")
                if self._secret:
                    yield Static(
                        Content.assemble(("password     ", "$text-muted"), (one_line(self._secret), "bold")),
                        classes="fact secret",
                    )
            with Horizontal(classes="buttons"):
                if self._secret:
                    yield Button("Copy it", id="copy")
                yield Button("Close", id="close")

    def on_mount(self) -> None:
        """Enter closes."""
        self.query_one("#close").focus()

    @on(Button.Pressed, "#close")
    def close_it(self) -> None:
        """Back."""
        self.dismiss(None)

    @on(Button.Pressed, "#copy")
    def copy_secret(self) -> None:
        """The password, on the clipboard; it is not said on the screen."""
        self.app.copy_to_clipboard(self._secret)
        app = self.lead_app
        self.dismiss(None)
        app.say(f"The password of {one_line(self.user)} is on the clipboard")
