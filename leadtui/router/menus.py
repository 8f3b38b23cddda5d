"""Rows of a router's menus over one session: print, look up by name or mark, add, set, clear, remove.

The steps that users, profiles and queues have in common. Every write is counted as unsettled by the session until
whoever asked for it has read back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from leadtui.router import dialect
from leadtui.router.dialect import Row
from leadtui.router.marks import OFFICE_PREFIX, is_marked, number_of, office_of, owner_tag, tag_for
from leadtui.router.port import RouterConflict, RouterMenuMissing, RouterRefused
from leadtui.router.values import Profile, Queue, RouterUser
from leadtui.router.wire import shown

if TYPE_CHECKING:
    from leadtui.router.mikrotik import Session


def nothing(_: str) -> None:
    """The step listener of who does not listen."""


def print_rows(
    session: Session, menu: str, properties: Sequence[str], queries: Sequence[str] = (), *, doing: str
) -> tuple[Row, ...]:
    """The rows of a menu. `.id` must be among the properties: a row without any of them would be a bare `!re`."""
    return session.call(f"{menu}/print", {".proplist": ",".join(properties)}, queries, doing=doing).rows


def named(session: Session, menu: str, properties: Sequence[str], name: str, *, doing: str) -> tuple[Row, ...]:
    """The rows of exactly this name."""
    rows = print_rows(session, menu, properties, [f"?name={name}"], doing=doing)
    # The query is exact by documentation; a row that is not what was asked for must never be written to.
    return tuple(row for row in rows if row.get("name") == name)


def with_mark(session: Session, menu: str, properties: Sequence[str], tag: str, *, doing: str) -> tuple[Row, ...]:
    """The rows whose comment is this mark, or the mark of a version before offices had an id, and nothing more."""
    bare = tag_for(number_of(tag))
    queries = [f"?comment={tag}"] if tag == bare else [f"?comment={tag}", f"?comment={bare}", "?#|"]
    rows = print_rows(session, menu, properties, queries, doing=doing)
    return tuple(row for row in rows if is_marked(row.get("comment", ""), tag))


def all_with_mark(session: Session, menu: str, properties: Sequence[str], tag: str, *, doing: str) -> tuple[Row, ...]:
    """Every row that carries this mark, also those where a person wrote on behind it: only all comments tell.

    The exact question goes first: that a comment is not empty (`?>comment=`) is known from documentation alone.
    """
    exact = with_mark(session, menu, properties, tag, doing=doing)
    commented = print_rows(session, menu, properties, ["?>comment="], doing=doing)
    known = {row.get(".id") for row in exact}
    noted = (row for row in commented if row.get(".id") not in known)
    return (*exact, *(row for row in noted if is_marked(row.get("comment", ""), tag)))


def ours_or_none(
    rows: Sequence[Row], tag: str, what: str, label: str, show: Callable[[Row], RouterUser | Profile | Queue]
) -> Row | None:
    """Our row among those of one name, or None when the name is free. `RouterConflict` when it belongs to anyone else.

    `what` is the kind of thing and the field of the error: user, profile, queue.
    """
    for row in rows:
        if not is_marked(row.get("comment", ""), tag):
            raise conflict(row, tag, what, label, show(row))
    return rows[0] if rows else None


def conflict(row: Row, tag: str, what: str, label: str, shown_row: RouterUser | Profile | Queue) -> RouterConflict:
    """The refusal to touch a row that is not ours."""
    mark = owner_tag(row.get("comment", ""))
    if mark is None:
        whose = "was not made by this program"
    elif office_of(mark) not in ("", office_of(tag)):
        whose = f"belongs to another office ({shown(mark).split(OFFICE_PREFIX)[-1]})"
    else:
        whose = f"belongs to {shown(number_of(mark))}"
    return RouterConflict(
        f"A {what} {shown(row.get('name', ''))} exists on {label} and {whose}; it was left as it is.",
        row=shown_row,
        field="username" if what == "user" else what,
        hint=f"choose another {what} name",
    )


def the_only(
    rows: Sequence[Row], what: str, label: str, show: Callable[[Row], RouterUser | Profile | Queue]
) -> Row | None:
    """The one row that carries a mark, or None. `RouterConflict` when there are more: nobody can say which counts."""
    if len(rows) > 1:
        names = ", ".join(shown(row.get("name", "")) for row in rows)
        raise RouterConflict(
            f"{label} holds more than one {what} of this lead: {names}.",
            row=show(rows[0]),
            field="username" if what == "user" else what,
            hint="remove the ones that are not in use",
        )
    return rows[0] if rows else None


def add(session: Session, menu: str, words: Mapping[str, str], *, doing: str) -> bool:
    """Add a row; False when the router says that the name is taken."""
    try:
        session.call(f"{menu}/add", words, doing=doing, write=True)
    except RouterRefused as refusal:
        if dialect.trap_kind(refusal.router_said or "") == "duplicate":
            return False
        raise
    return True


def change(session: Session, menu: str, row: Row, words: Mapping[str, str], *, doing: str) -> None:
    """Set properties of a row."""
    session.call(f"{menu}/set", {".id": row[".id"], **words}, doing=doing, write=True)


def clear(session: Session, menu: str, row: Row, name: str, *, doing: str) -> None:
    """Unset an optional property: an empty value would be refused (facts/mikrotik §0.6)."""
    try:
        session.call(f"{menu}/unset", {".id": row[".id"], "value-name": name}, doing=doing, write=True)
    except RouterMenuMissing:
        change(session, menu, row, {f"!{name}": ""}, doing=doing)


def remove(session: Session, menu: str, row: Row, *, doing: str) -> bool:
    """Remove a row; False when it was gone already, which is what was wanted."""
    try:
        session.call(f"{menu}/remove", {".id": row[".id"]}, doing=doing, write=True)
    except RouterRefused as refusal:
        if dialect.trap_kind(refusal.router_said or "") != "no_item":
            raise
        return False
    return True
