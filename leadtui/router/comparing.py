"""The users of a router against those that should be there: one listing, then values compared. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from leadtui.router import menus
from leadtui.router.dialect import MENUS, Row
from leadtui.router.marks import is_marked, is_of_office, number_of, owner_tag
from leadtui.router.port import Comparison, Difference, Drift, RouterUser, Service, WantedUser
from leadtui.router.rows import differences, user_of

if TYPE_CHECKING:
    from leadtui.router.mikrotik import Session

_OUR_WORDS = {"name": "username", "remote-address": "ip", "address": "ip"}


def compare(session: Session, service: Service, wanted: Sequence[WantedUser], office_id: str) -> Comparison:
    """Print all users once, passwords included, and compare them; see the port."""
    menu = MENUS[service]
    rows = menus.print_rows(session, menu.users, menu.user_properties, doing="list its users")
    if any("password" in row for row in rows):  # they may be seen: then a row without one has none
        rows = tuple(row if "password" in row else {**row, "password": ""} for row in rows)
    return compare_rows(service, rows, [user for user in wanted if user.service == service], office_id)


def compare_rows(service: Service, rows: Sequence[Row], wanted: Sequence[WantedUser], office_id: str) -> Comparison:
    """Each wanted user takes the row that stands for it; what is left is an orphan or foreign.

    The row with its mark and its name comes first, then one with its mark, then one of its name alone. Each in a pass
    of its own over all wanted users, so that none takes what is another's by a better right.
    """
    marks = [owner_tag(row.get("comment", "")) for row in rows]
    by_number: dict[str, list[int]] = {}
    by_name: dict[str, list[int]] = {}
    for index, (row, mark) in enumerate(zip(rows, marks, strict=True)):
        by_name.setdefault(row.get("name", ""), []).append(index)
        if mark is not None:
            by_number.setdefault(number_of(mark), []).append(index)
    taken: dict[int, WantedUser] = {}
    left = list(wanted)
    for by_the_name in (True, False):
        waiting: list[WantedUser] = []
        for user in left:
            mine = (i for i in by_number.get(number_of(user.tag), ()) if is_marked(marks[i] or "", user.tag))
            named = (i for i in mine if not by_the_name or rows[i].get("name") == user.username)
            found = _first(i for i in named if i not in taken)
            if found is None:
                waiting.append(user)
            else:
                taken[found] = user
        left = waiting
    missing: list[WantedUser] = []
    strangers: dict[int, WantedUser] = {}
    for user in left:
        found = _first(i for i in by_name.get(user.username, ()) if i not in taken and i not in strangers)
        if found is None:
            missing.append(user)
        else:
            strangers[found] = user
    drifted = [drift for index, user in sorted({**taken, **strangers}.items()) if (drift := _drift(rows[index], user))]
    orphaned, foreign = [], 0
    for index, (row, mark) in enumerate(zip(rows, marks, strict=True)):
        if index in taken:
            continue
        if is_of_office(mark, office_id):
            orphaned.append(user_of(service, row))
        elif index not in strangers:
            foreign += 1
    matched = len(wanted) - len(missing) - len(drifted)
    unseen = sum("password" not in rows[index] for index in taken)
    return Comparison(matched, tuple(missing), tuple(orphaned), tuple(drifted), foreign, unseen)


def _first(indices: Iterable[int]) -> int | None:
    return next(iter(indices), None)


def _drift(row: Row, user: WantedUser) -> Drift | None:
    """How a row differs from the user it stands for, None when it does not. The mark is compared with the rest."""
    found = differences(user, row)
    if not found:
        return None
    mark = owner_tag(row.get("comment", ""))
    shown_row: RouterUser = user_of(user.service, row, user.password)
    is_ours = is_marked(mark, user.tag) if mark else bool(shown_row.password_matches)
    return Drift(
        user.username,
        tuple(Difference(_OUR_WORDS.get(d.field, d.field), d.wanted, d.actual) for d in found),
        shown_row,
        is_ours,
    )
