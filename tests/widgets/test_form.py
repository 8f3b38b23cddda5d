"""Forms: texts in and out, live rules, errors, dirtiness, long choices."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input, Select

from leadtui.widgets.form import FieldSpec, FieldState, Form
from leadtui.widgets.form_field import FieldBox
from leadtui.widgets.text import NoControls
from tests.screen_help import picture, settled
from tests.widgets.nasty import NASTY, RAW

SPECS = (
    FieldSpec("name", "Name", required=True, help="as the person says it"),
    FieldSpec("phone", "Phone", "phone", required=True),
    FieldSpec("source", "Source", "choice", choices=(("1", "Walk-in [b]"), ("2", "Referral"))),
    FieldSpec("agent", "Agent", "choice", choices=tuple((str(i), f"Agent {i}") for i in range(201))),
    FieldSpec("has_router", "Has a router", "bool"),
    FieldSpec("router_type", "Router type", visible=False),
    FieldSpec("fee", "Fee", "money", group="Money"),
    FieldSpec("total", "Total", "readonly"),
    FieldSpec("notes", "Notes", "block", max_length=500),
)


def rules(values: dict[str, str]) -> dict[str, FieldState]:
    return {"router_type": FieldState(required=True, visible=bool(values["has_router"]))}


def compute(values: dict[str, str]) -> dict[str, str]:
    return {"total": values["fee"] and f"{values['fee']}.00"}


class FormApp(App[None]):
    def __init__(self, values: dict[str, str] | None = None, specs: tuple[FieldSpec, ...] = SPECS) -> None:
        super().__init__()
        self.form = Form(specs, values, rules=rules if specs is SPECS else None,
                         compute=compute if specs is SPECS else None)  # fmt: skip
        self.said: list[str] = []

    def get_line_filters(self) -> list[Any]:
        return [NoControls(), *super().get_line_filters()]

    def compose(self) -> ComposeResult:
        yield self.form

    def on_form_changed(self, event: Form.Changed) -> None:
        self.said.append(f"changed {event.key}")

    def on_form_left(self, event: Form.Left) -> None:
        self.said.append(f"left {event.key}")

    def on_form_pick_wanted(self, event: Form.PickWanted) -> None:
        self.said.append(f"pick {event.key}")


async def test_values_go_in_and_come_out() -> None:
    given = {"name": "Fatuma", "phone": "0711", "source": "2", "agent": "7", "has_router": "yes", "notes": "a\nb"}
    app = FormApp(given)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        values = app.form.values()
        assert {key: values[key] for key in given} == given
        assert not app.form.dirty
        assert "Agent 7" in picture(app)
        assert app.said == []


async def test_rules_and_computed_fields_are_live() -> None:
    app = FormApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "Router type" not in picture(app)
        app.form.focus_field("has_router")
        await pilot.press("space")
        await settled(pilot)
        assert "Router type *" in picture(app)
        app.form.focus_field("fee")
        await pilot.press("7")
        await settled(pilot)
        assert app.form.value("total") == "7.00"
        assert "7.00" in picture(app)
        assert app.form.changes() == {"has_router": "yes", "fee": "7"}
        assert "changed fee" in app.said
        assert "left has_router" in app.said


async def test_missing_fields_are_marked_and_the_first_is_focused() -> None:
    app = FormApp({"name": "x"})
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.form.focus_field("notes")
        assert not app.form.check()
        await settled(pilot)
        assert app.form.focused_key == "phone"
        assert "Phone is missing" in picture(app)
        await pilot.press("1")
        await settled(pilot)
        assert "Phone is missing" not in picture(app)
        assert app.form.check()
        app.form.set_errors({"fee": "not an amount", "name": "too long"})
        await settled(pilot)
        assert app.form.focused_key == "name"
        assert app.form.errors == {"name": "too long", "fee": "not an amount"}


async def test_a_long_choice_is_picked() -> None:
    app = FormApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.form.focus_field("agent")
        await pilot.press("enter")
        await settled(pilot)
        assert "pick agent" in app.said
        app.form.set_values({"agent": "200"})
        await settled(pilot)
        assert "Agent 200" in picture(app)
        await pilot.press("delete")
        await settled(pilot)
        assert app.form.value("agent") == ""


async def test_choices_may_change() -> None:
    app = FormApp({"source": "2"})
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.form.set_choices("source", [("2", "Friend"), ("3", "Shop")])
        await settled(pilot)
        assert app.form.value("source") == "2"
        assert "Friend" in picture(app)
        app.form.set_choices("source", [("3", "Shop")])
        assert app.form.value("source") == ""
        app.query_one(Select).value = "3"
        await settled(pilot)
        assert app.form.value("source") == "3"


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (200, 50)])
async def test_every_field_can_be_reached_by_keys(size: tuple[int, int]) -> None:
    app = FormApp({"has_router": "yes"})
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        app.form.focus_first()
        seen = []
        for _ in range(8):
            await pilot.pause()
            seen.append(app.form.focused_key)
            focused = app.focused
            assert focused is not None
            assert app.screen.region.contains_region(focused.region), seen
            await pilot.press("tab")
        assert seen == ["name", "phone", "source", "agent", "has_router", "router_type", "fee", "notes"]


@pytest.mark.parametrize("text", NASTY)
async def test_hostile_text(text: str) -> None:
    specs = (
        FieldSpec("a", text or "a", required=True, help=text, error=text),
        FieldSpec("b", "b", "block"),
        FieldSpec("c", "c", "choice", choices=(("1", text),)),
        FieldSpec("d", "d", "choice", choices=(("1", text),), pick=True),
        FieldSpec("e", "e", "readonly", group=text),
    )
    app = FormApp({"a": text, "b": text, "c": "1", "d": "1", "e": text}, specs)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert not RAW & set(picture(app).replace("\n", ""))
        assert app.form.value("b") == text
        assert not app.form.dirty
        app.form.set_errors({"b": text})
        app.query_one(Select).expanded = True
        await settled(pilot)
        assert not RAW & set(picture(app).replace("\n", ""))
        assert app.query_one(Input).value is not None


async def test_in_two_columns_groups_and_blocks_begin_on_the_left() -> None:
    specs = (
        FieldSpec("a", "A", group="One"),
        FieldSpec("b", "B", group="One"),
        FieldSpec("c", "C", group="One"),
        FieldSpec("d", "D", group="Two"),
        FieldSpec("e", "E", "block", group="Two"),
        FieldSpec("f", "F", group="Two"),
    )
    app = FormApp(specs=specs)
    async with app.run_test(size=(130, 40)) as pilot:
        await pilot.pause()
        left = {box.spec.key: box.region.x for box in app.query(FieldBox)}
        assert left["b"] > left["a"] and {left[key] for key in "acdef"} == {left["a"]}
        assert all(head.region.width > 100 for head in app.query(".form-group"))
        assert {box.region.width for box in app.query(FieldBox) if box.spec.key in "cdef"} == {
            app.query_one(".form-group").region.width
        }


async def test_neighbouring_fields_are_told_apart() -> None:
    app = FormApp()
    async with app.run_test(size=(80, 40)) as pilot:
        await pilot.pause()
        for _ in range(2):
            shown = [box for box in app.query(FieldBox) if box.shown]
            shades = [box.has_class("-shaded") for box in shown]
            assert all(one != other for one, other in pairwise(shades))
            app.form.set_values({"has_router": "yes"})  # one more field is shown
            await pilot.pause()


async def test_an_open_box_is_empty() -> None:
    app = FormApp()
    async with app.run_test(size=(80, 40)) as pilot:
        await pilot.pause()
        row = next(line for line in picture(app).splitlines() if "Has a router" in line)
        assert "X" not in row and "no" in row
        app.form.focus_field("has_router")
        await pilot.press("space")
        row = next(line for line in picture(app).splitlines() if "Has a router" in line)
        assert "X" in row and "yes" in row
