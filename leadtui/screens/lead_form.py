"""Adding and editing a lead: the pipeline's fields, rules and total live, duplicates while the phone is typed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Static

from leadtui.domain.fields import BY_KEY
from leadtui.domain.money import format_money
from leadtui.errors import Duplicate, EditedElsewhere, LeadtuiError
from leadtui.screens.act_dialog import Acted
from leadtui.screens.base import LeadModal
from leadtui.screens.lead_form_fields import (
    DUPLICATE_KEYS,
    computed,
    specs_for,
    states_for,
    status_choices,
    text_of,
    unreadable,
    values_of,
)
from leadtui.screens.lead_form_found import FoundLine
from leadtui.screens.picker import Choice, Picker
from leadtui.widgets.form import Form
from leadtui.widgets.hints import Hints, TitleLine
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.catalog import Catalog, Pipeline
    from leadtui.domain.permissions import Actor
    from leadtui.domain.records import Done, LeadDetail


class LeadForm(LeadModal[Acted]):
    """A new lead (`preset` fills fields), or the lead `lead_id` to edit."""

    SCOPE = "form"
    DEFAULT_CSS: ClassVar[str] = """
    LeadForm #sheet { width: 100%; height: 100%; background: $background; }
    LeadForm #problem { height: auto; max-height: 3; color: $text-error; padding: 0 1; }
    LeadForm .buttons { height: 1; }
    """

    def __init__(self, lead_id: int | None = None, preset: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.lead_id = lead_id
        self.preset = dict(preset or {})
        self.detail: LeadDetail | None = None
        self._catalog: Catalog | None = None
        self._actor: Actor | None = None
        self._version: int | None = None
        self._base: Mapping[str, Any] | None = None
        self._filled: dict[str, str] = {}
        """Fees put there by the choice of a package: another package may replace them."""
        self._busy = False
        self._saved = False
        self._ahead = ""

    def body(self) -> ComposeResult:
        """First row, form, what was found, buttons, hints."""
        with Vertical(id="sheet"):
            yield TitleLine("New lead" if self.lead_id is None else "Edit lead")
            yield Vertical(id="fields")
            yield FoundLine(self, self.lead_id)
            yield Static("", id="problem", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Save", id="save", variant="primary")
                yield Button("Cancel", id="cancel")
            yield Hints(("form.save", "form.pick", "app.back"))

    def on_mount(self) -> None:
        """No problem yet."""
        self.query_one("#problem").display = False

    def office_ready(self) -> None:
        """Read the lists, and the lead when one is edited."""
        office = self.office

        def read() -> tuple[Catalog, Actor, LeadDetail | None]:
            if self.lead_id is None:
                return office.catalog, office.actor, None
            from leadtui.services import leads

            return office.catalog, office.actor, leads.get(office, self.lead_id)

        self.run_blocking(read, then=lambda found: self._build(*found), failed=self._unreadable, group="form.read")

    def _unreadable(self, error: Exception) -> None:
        self.dismiss(None)
        self.lead_app.report(error)

    def _build(self, catalog: Catalog, actor: Actor, detail: LeadDetail | None) -> None:
        self._catalog, self._actor, self.detail = catalog, actor, detail
        if detail is not None:
            values = values_of(detail, catalog) | self.preset
            self._version, self._base = detail.row.version, dict(detail.fields)
            name = "" if detail.row.title == detail.row.number else f"  {one_line(detail.row.title)}"
            self.heading(f"Edit {detail.row.number}{name}", detail.row.status)
        else:
            values = self._first_values(catalog) | self.preset
        pipeline = self._pipeline(values)
        specs = specs_for(catalog, actor, pipeline, detail)
        form = Form(
            specs,
            values,
            rules=lambda now: states_for(self._pipeline(now), now, specs),
            compute=lambda now: computed(now, catalog.currency),
            id="form",
        )
        self.call_later(self._begin, form)

    async def _begin(self, form: Form) -> None:
        await self.query_one("#fields").mount(form)
        form.focus_first()
        if self._ahead:
            form.query(Input).first().insert_text_at_cursor(self._ahead)
        if self.preset and self.lead_id is None:
            self.found.look(form.values())

    def on_key(self, event: events.Key) -> None:
        """What is typed before the fields are there goes into the first: a phone must not lose its first digits."""
        if not self.built and event.is_printable and event.character is not None:
            self._ahead += event.character
            event.stop()

    def _first_values(self, catalog: Catalog) -> dict[str, str]:
        pipeline = catalog.default_pipeline
        source = str(catalog.settings.get("default_source") or "")
        first = {"pipeline": pipeline.key, "status": catalog.default_stage(pipeline.id).name}
        if any(item.name == source and item.is_active for item in catalog.sources):
            first["source"] = source
        return first

    def _pipeline(self, values: Mapping[str, str]) -> Pipeline:
        assert self._catalog is not None  # noqa: S101 - the form is built after the catalogue was read
        if self.detail is not None:
            return self._catalog.pipeline_by_id[self.detail.row.pipeline_id]
        key = values.get("pipeline", "")
        return next((one for one in self._catalog.pipelines if one.key == key), self._catalog.default_pipeline)

    @property
    def form(self) -> Form:
        """The form, once the office is read."""
        return self.query_one(Form)

    @property
    def built(self) -> bool:
        """Whether the form is there."""
        return bool(self.query(Form))

    @property
    def found(self) -> FoundLine:
        """What has the same phone or email already."""
        return self.query_one(FoundLine)

    def unsaved(self) -> str | None:
        """Leaving asks once when something was typed."""
        if self._saved or not self.built or not self.form.dirty:
            return None
        labels = [BY_KEY[key].label if key in BY_KEY else key for key in self.form.changes()]
        return f"What you typed will be lost: {', '.join(labels[:6])}{' …' if len(labels) > 6 else ''}"

    # While typing

    @on(Form.Changed)
    def _changed(self, event: Form.Changed) -> None:
        self._say("")
        if event.key in DUPLICATE_KEYS:
            self.found.look_soon(self.form.values)
        elif event.key == "package":
            self._fill_fees(event.values)
        elif event.key == "pipeline" and self._catalog is not None:
            pipeline = self._pipeline(event.values)
            self.form.set_choices("status", status_choices(self._catalog, pipeline))
            self.form.set_values({"status": self._catalog.default_stage(pipeline.id).name})

    @on(Form.Left)
    def _left(self, event: Form.Left) -> None:
        """A field was left: what cannot be read is said now, not only when everything is saved."""
        changes = self.form.changes() if self.built else {}
        if event.key in changes and not self._busy:
            self._check({event.key: changes[event.key]})

    def _check(self, values: Mapping[str, str]) -> None:
        """Mark those of these values that cannot be read, if they still stand there."""

        def checked(wrong: dict[str, str]) -> None:
            for key, words in wrong.items():
                if self.form.value(key) == values[key] and not self.form.errors.get(key):
                    self.form.set_error(key, words)

        pipeline = self._pipeline(self.form.values())
        self.run_blocking(unreadable, self.office, pipeline, dict(values), then=checked)

    def _fill_fees(self, values: Mapping[str, str]) -> None:
        """The package's fees, where none was typed."""
        catalog = self._catalog
        if catalog is None:
            return
        product = next((item for item in catalog.products if item.name == values.get("package")), None)
        fees = {"installation_fee": product.install_minor if product else None,
                "monthly_fee": product.price_minor if product else None}  # fmt: skip
        for key, minor in fees.items():
            if key not in values:
                continue
            typed = values[key].strip()
            if typed and typed != self._filled.get(key):
                continue
            text = format_money(minor, catalog.currency) if minor is not None else ""
            self._filled[key] = text
            self.form.set_values({key: text})

    # Commands

    def do_pick(self) -> None:
        """ctrl+o: the list of a long choice field, else the lead that was found."""
        if self.built and self.form.want_pick():
            return
        self.do_open_found()

    def do_open_found(self) -> None:
        """Look at the lead that has the same phone or email; esc comes back here."""
        lead_id = self.found.lead_id
        if lead_id is None:
            words = "You may not see that lead: ask its owner" if self.found.hits else "Nothing to choose or open here"
            self.app.notify(words, severity="warning")
            return
        from leadtui.screens.lead_detail import LeadDetailScreen

        self.app.push_screen(LeadDetailScreen(lead_id))

    def do_link(self) -> None:
        """ctrl+l: instead of a second lead, fill the blanks of the one that exists."""
        if self.lead_id is not None or not self.found.hits or self._busy:
            return
        office, values = self.office, self._new_values()

        def link() -> Done:
            from leadtui.services import intake

            return intake.by_hand(office, values.get("source", ""), values)

        self._set_busy(True)
        self.run_blocking(
            link, then=lambda done: self._written(done, "linked: its blanks are filled"), failed=self._failed
        )

    @on(Form.PickWanted)
    def _pick(self, event: Form.PickWanted) -> None:
        spec = next(spec for spec in self.form.specs if spec.key == event.key)
        choices = [Choice(value, words) for value, words in spec.choices]

        def picked(value: str | None) -> None:
            if value is not None:
                self.form.set_values({event.key: value})
                self.form.focus_field(event.key)
                self._changed(Form.Changed(self.form, event.key))

        self.app.push_screen(Picker(spec.label, choices), picked)

    # Saving

    def _new_values(self) -> dict[str, str]:
        return {key: text for key, text in self.form.visible_values().items() if text.strip()}

    def do_save(self) -> None:
        """Save; what is wrong is shown beside its field, nothing typed is lost."""
        if self._busy or not self.built:
            return
        self._say("")
        if not self.form.check():
            self._say("; ".join(self.form.errors.values()))
            self._check(self.form.changes())
            return
        self._save()

    def _save(self, *, allow_duplicate: bool = False) -> None:
        office = self.office
        if self.lead_id is None:
            values = self._new_values()

            def write() -> Done:
                from leadtui.services import leads

                return leads.create(office, values, allow_duplicate=allow_duplicate)

            words = "added"
        else:
            lead_id, version, base = self.lead_id, self._version, self._base
            changes: dict[str, str | None] = {key: text or None for key, text in self.form.changes().items()}
            if not changes:
                self._saved = True
                self.dismiss(None)
                self.lead_app.say("Nothing was changed")
                return

            def write() -> Done:
                from leadtui.services import leads

                return leads.edit(office, lead_id, changes, version=version, base=base)

            words = f"changed ({len(changes)} {'field' if len(changes) == 1 else 'fields'})"
        self._set_busy(True)
        self.run_blocking(write, then=lambda done: self._written(done, words), failed=self._failed)

    def _written(self, done: Done, words: str) -> None:
        self._saved = True
        for warning in done.warnings:
            self.lead_app.notify(warning, severity="warning")
        text = f"{one_line(done.lead.title)} {words}"
        self.changed([done.lead.id])
        app = self.lead_app
        self.dismiss(Acted((done.lead.id,), done.batch, text))
        app.say(f"{text} · u takes it back" if done.batch is not None else text)

    def _failed(self, error: Exception) -> None:
        self._set_busy(False)
        if isinstance(error, EditedElsewhere) and error.data.get("conflicts"):
            self._ask_conflicts(error)
            return
        if not isinstance(error, LeadtuiError):
            self.lead_app.report(error)
            return
        if isinstance(error, Duplicate):
            self.found.look(self.form.values())
            if self.lead_id is None and self.found.hits and not self.found.blocks:
                self._ask_duplicate(error)
                return
        words = f"{error.message} ({error.hint})" if error.hint else error.message
        shown = {spec.key for spec in self.form.specs}
        if error.field in shown:
            self.form.set_errors({error.field: words})
            self._check(self.form.changes())  # whatever else is wrong, at once
        else:
            self._say(words)

    def _ask_duplicate(self, error: Duplicate) -> None:
        from leadtui.screens.confirm import Confirm

        question = Confirm(f"{error.message}. Add a second lead all the same?", yes="Add", no="Go back")
        self.app.push_screen(question, lambda yes: self._save(allow_duplicate=True) if yes else None)

    def _ask_conflicts(self, error: EditedElsewhere) -> None:
        from leadtui.screens.conflict import ConflictScreen

        version = error.data.get("version")

        def chosen(theirs: frozenset[str] | None) -> None:
            if theirs is None:
                self._say("Not saved: somebody else changed this lead too. Save again to choose.")
                return
            # The choice was made against this version: no base, so that a third change since is asked about again.
            self._version, self._base = version, None
            self._take_theirs(theirs)
            self._save()

        shown = [{**conflict, "theirs": self._in_words(conflict)} for conflict in error.data["conflicts"]]
        tz = self._catalog.tz if self._catalog is not None else UTC
        self.app.push_screen(ConflictScreen(shown, self.form.values(), tz), chosen)

    def _in_words(self, conflict: Mapping[str, Any]) -> str:
        """Their value as the form would show it."""
        field, value = BY_KEY.get(str(conflict["field"])), conflict.get("theirs")
        if field is None or self._catalog is None:
            return "" if value is None else str(value)
        return text_of(field, value, self.detail, self._catalog)

    def _take_theirs(self, fields: frozenset[str]) -> None:
        """Their values stand: mine are put back to what the form was given, and so are no change."""
        initial = values_of(self.detail, self._catalog) if self.detail is not None and self._catalog is not None else {}
        self.form.set_values({key: initial.get(key, "") for key in fields if key in self.form.values()})

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy
        self.query_one("#save", Button).disabled = busy

    def _say(self, text: str) -> None:
        line = self.query_one("#problem", Static)
        line.update(Content(text))
        line.display = bool(text)

    @on(Button.Pressed, "#save")
    def _pressed_save(self) -> None:
        self.do_save()

    @on(Button.Pressed, "#cancel")
    def _pressed_cancel(self) -> None:
        self.do_back()
