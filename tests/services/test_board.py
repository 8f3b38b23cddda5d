"""The board in the service: sums by status, the order of cards, on both databases and within everybody's scope."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select, update

from leadtui.domain.values import value_minor, weighted_minor
from leadtui.errors import FilterError, Invalid
from leadtui.services import admin, board, leads, lifecycle
from leadtui.services.office import Office
from leadtui.store import board as queries
from leadtui.store import schema as t
from tests.services.lead_help import ONE_ENGINE, add, add_users

STATUSES = ("New", "New", "New", "Contacted", "Interested")


def fill(office: Office) -> list[int]:
    """Twenty leads in three statuses and a lost one: some due, some dear, some somebody's."""
    add_users(office, "jane:agent", "ann:agent")
    ids = []
    for n in range(20):
        values = {"name": f"Lead {n}", "assigned_to": ("", "jane", "ann")[n % 3], "priority": ("low", "high")[n % 2]}
        if n % 4:
            values["follow_up"] = f"2027-01-{1 + n * 7 % 25:02}"
        if n % 2:
            values["monthly_fee"] = str(1_000 + n)
        if n % 3 == 0:
            values["budget"] = "50000"
        ids.append(add(office, f"07220001{n:02}", **{key: text for key, text in values.items() if text}))
        if STATUSES[n % 5] != "New":
            lifecycle.set_status(office, ids[-1], STATUSES[n % 5])
    lifecycle.lose(office, ids[0], "too dear")
    lifecycle.delete(office, ids[1])
    return ids


def recount(office: Office, where: str) -> dict[str, tuple[int, int]]:
    """Count and value by status, from the rows of the list and the leads themselves."""
    found: dict[str, list[int]] = {}
    with office.read() as tx:
        budgets = dict(tx.conn.execute(select(t.lead.c.id, t.lead.c.budget_minor)).tuples().all())
    for row in leads.search(office, where, limit=1000).rows:
        value = value_minor(row.installation_fee, row.monthly_fee, budgets[row.id])
        found.setdefault(row.status, []).append(value or 0)
    return {name: (len(values), sum(values)) for name, values in found.items()}


def check(office: Office, where: str) -> None:
    """Columns and cards of the board against the list."""
    expected = recount(office, where)
    found = board.columns(office, where)
    assert {one.stage.name: (one.count, one.value_minor) for one in found if one.count} == expected, where
    for one in found:
        assert one.weighted_minor == weighted_minor(one.value_minor or 0, one.stage.probability)
        cards = board.cards(office, where, one.stage.id, 0, 100)
        assert len(cards) == one.count, (where, one.stage.name)
        assert sum(card.value_minor or 0 for card in cards) == one.value_minor
        for before, after in pairwise(cards):
            assert order(before) < order(after)
        pages = [board.cards(office, where, one.stage.id, offset, 3) for offset in range(0, one.count, 3)]
        assert [card.id for page in pages for card in page] == [card.id for card in cards]
        for place in {0, len(cards) // 2, len(cards) - 1} & set(range(len(cards))):
            assert board.position(office, where, one.stage.id, cards[place].id) == place


def order(card: board.Card) -> tuple[Any, ...]:
    """Due first, then what has no date, newest first."""
    at = card.lead.next_follow_up
    return (1, -card.id) if at is None else (0, at, card.id)


def test_columns_and_cards_agree_with_the_list(
    office: Office, acting: Callable[[str], Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = fill(office)
    for where in ("", "priority:high", "assigned_to:jane", "lead 1", "due:>2027-01-15 or budget:>0", "name:nobody"):
        check(office, where)
    jane = acting("jane")
    for where in ("", "priority:high"):
        check(jane, where)
    assert sum(one.count for one in board.columns(jane)) == 6
    hers = board.cards(jane, None, board.columns(jane)[0].stage.id, 0, 100)
    assert {card.lead.assigned_to for card in hers} == {"jane"}
    assert board.position(jane, None, board.columns(office)[0].stage.id, ids[2]) is None
    # however far SQLite walks, the page is the same
    for walks in ((1, 2), (2, 1000), (1000, 2000)) if office.store.is_sqlite else ():
        monkeypatch.setattr(queries, "_WALKS", walks)
        check(office, "priority:high")
        check(jane, "")


@ONE_ENGINE
def test_closed_statuses_come_last_and_retired_ones_only_while_used(office: Office) -> None:
    fill(office)
    names = [one.stage.name for one in board.columns(office)]
    assert names == [
        "New", "Contacted", "Interested", "Site Survey Scheduled", "Converted", "Future Prospect", "Not Interested",
    ]  # fmt: skip
    assert [one.stage.name for one in board.columns(office) if not one.is_open] == ["Converted", "Not Interested"]
    assert sum(one.count for one in board.columns(office) if one.is_open) == leads.count(office, "is:active")
    for name in ("Contacted", "Site Survey Scheduled"):
        admin.retire(office, "status", name)
    names = [one.stage.name for one in board.columns(office)]
    assert "Contacted" in names
    assert "Site Survey Scheduled" not in names


@ONE_ENGINE
def test_a_board_as_json_and_what_is_refused(office: Office) -> None:
    add(office, installation_fee="2500", monthly_fee="1999")
    add(office, "0722000222", budget="100")
    document = board.show(office).as_json()
    new = document["columns"][0]
    assert new == {
        "status": "New", "probability": 0.05, "open": True, "count": 2, "value": "26588.00", "weighted": "1329.40",
    }  # fmt: skip
    assert document["open"] == {"count": 2, "value": "26588.00", "weighted": "1329.40"}
    assert (document["pipeline"], document["count"], document["value"]) == ("isp", 2, "26588.00")
    with pytest.raises(Invalid) as error:
        board.show(office, pipeline="nix")
    assert error.value.field == "pipeline"
    with pytest.raises(FilterError):
        board.show(office, "nix:1")


@ONE_ENGINE
def test_who_never_sees_money_sees_no_value(office: Office, acting: Callable[[str], Office]) -> None:
    add_users(office, "jane:agent")
    add(office, monthly_fee="1999", assigned_to="jane")
    with office.write() as tx:
        tx.conn.execute(update(t.role).where(t.role.c.key == "agent").values(hidden_fields_json=["monthly_fee"]))
        tx.catalog_changed()
    jane = acting("jane")
    column = board.columns(jane)[0]
    assert (column.count, column.value_minor, column.weighted_minor) == (1, None, None)
    assert board.cards(jane, None, column.stage.id, 0, 5)[0].value_minor is None
    assert board.show(jane).as_json()["value"] is None
