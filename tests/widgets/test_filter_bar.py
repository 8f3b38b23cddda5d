"""The filter line: reads while one types, points at errors, completes, and loses nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input, OptionList

from leadtui.errors import FilterError
from leadtui.widgets import filter_bar
from leadtui.widgets.filter_bar import Completion, FilterBar
from leadtui.widgets.text import NoControls
from tests.screen_help import picture, settled
from tests.widgets.nasty import NASTY, RAW

FIELDS = ("status:", "source:", "score:")


def parse(text: str) -> tuple[str, ...]:
    if "bad:" in text:
        raise FilterError("there is no field 'bad'", column=text.index("bad:") + 1, expected="a field", text=text)
    return tuple(text.split())


def complete(text: str, cursor: int) -> Sequence[Completion]:
    start = text.rfind(" ", 0, cursor) + 1
    word = text[start:cursor]
    return [Completion(start, cursor, name, name, "a field") for name in FIELDS if word and name.startswith(word)]


class BarApp(App[None]):
    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = options
        self.said: list[tuple[str, str, object]] = []

    def get_line_filters(self) -> list[Any]:
        return [NoControls(), *super().get_line_filters()]

    def compose(self) -> ComposeResult:
        yield FilterBar(parse, complete, **self.options)

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        self.said.append(("changed", event.text, event.tree))

    def on_filter_bar_submitted(self, event: FilterBar.Submitted) -> None:
        self.said.append(("submitted", event.text, event.tree))

    def on_filter_bar_left(self, event: FilterBar.Left) -> None:
        self.said.append(("left", event.text, event.tree))


async def test_typing_says_so_once_it_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filter_bar, "LIVE_SECONDS", 2.0)  # longer than a slow machine needs for two keys
    app = BarApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.query_one(FilterBar).focus()
        await pilot.press("a", "b")
        assert app.said == []
        while not app.said:
            await pilot.pause(0.05)
        assert app.said == [("changed", "ab", ("ab",))]
        await pilot.press("enter")
        await settled(pilot)
        assert app.said[1:] == [("submitted", "ab", ("ab",))]


async def test_an_error_is_pointed_at_and_nothing_is_sent() -> None:
    app = BarApp()
    async with app.run_test(size=(80, 24)) as pilot:
        bar = app.query_one(FilterBar)
        bar.focus()
        bar.set_value("abc bad:1", quiet=False)
        await pilot.press("enter")
        await pilot.pause(0.3)
        assert app.said == []
        lines = picture(app).splitlines()
        assert lines[1].index("^") == lines[0].index("bad:")
        assert "there is no field 'bad'" in lines[2]
        await pilot.press("escape")
        await pilot.pause()
        assert app.said == [("left", "abc bad:1", None)]
        assert bar.value == "abc bad:1"


async def test_completion_with_tab_and_arrows() -> None:
    app = BarApp()
    async with app.run_test(size=(80, 24)) as pilot:
        bar = app.query_one(FilterBar)
        bar.focus()
        await pilot.press("x", "space", "s")
        assert app.query_one(OptionList).display
        await pilot.press("tab")
        assert bar.value == "x status:"
        await pilot.press("v", "space", "s", "o", "down", "enter")
        assert bar.value == "x status:v source:"
        assert not app.query_one(OptionList).display
        await pilot.press("space", "s", "escape")
        assert not app.query_one(OptionList).display
        assert app.said == [] or app.said[-1][0] != "left"


async def test_history() -> None:
    app = BarApp(history=["one", "two"])
    async with app.run_test(size=(80, 24)) as pilot:
        bar = app.query_one(FilterBar)
        bar.focus()
        await pilot.press("d", "up")
        assert bar.value == "one"
        await pilot.press("up", "up")
        assert bar.value == "two"
        await pilot.press("down", "down")
        assert bar.value == "d"
        await pilot.press("enter")
        assert bar.history[0] == "d"


@pytest.mark.parametrize("text", NASTY)
async def test_hostile_text(text: str) -> None:
    app = BarApp(history=[text])
    app_complete = [Completion(0, 0, text, text, text)]
    async with app.run_test(size=(60, 20)) as pilot:
        bar = app.query_one(FilterBar)
        bar._complete = lambda value, cursor: app_complete
        bar.focus()
        bar.set_value("bad:" + text, quiet=False)
        await settled(pilot)
        assert not RAW & set(picture(app).replace("\n", ""))
        app.query_one(Input).value = "q"
        await settled(pilot)
        assert not RAW & set(picture(app).replace("\n", ""))


async def test_a_word_written_out_is_not_covered_by_others_like_it() -> None:
    offered = [Completion(0, 0, "Interested"), Completion(0, 0, "Not Interested")]

    def words(text: str, cursor: int) -> Sequence[Completion]:
        return [Completion(0, cursor, one.text) for one in offered if text.casefold() in one.text.casefold()]

    app = BarApp()
    async with app.run_test(size=(80, 24)) as pilot:
        bar = app.query_one(FilterBar)
        bar._complete = words
        bar.focus()
        await pilot.press(*"interes")
        assert app.query_one(OptionList).display
        await pilot.press("tab")
        await pilot.pause()
        assert bar.value == "Interested"
        assert not app.query_one(OptionList).display
