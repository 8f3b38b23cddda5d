"""Simple queues on a router: the speed of a customer with a fixed address where the package asks for a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadtui.router import menus
from leadtui.router.dialect import QUEUE_PROPERTIES, QUEUES, Row
from leadtui.router.marks import is_marked, marked
from leadtui.router.port import OnStep, Queue, RouterMismatch, RouterRefused, WantedQueue
from leadtui.router.rows import check_wanted_queue, queue_differences, queue_of, queue_words

if TYPE_CHECKING:
    from leadtui.router.mikrotik import Session


def list_queues(session: Session) -> tuple[Queue, ...]:
    """All simple queues, in the router's order."""
    return tuple(map(queue_of, menus.print_rows(session, QUEUES, QUEUE_PROPERTIES, doing="list its queues")))


def find_queues(session: Session, tag: str) -> tuple[Queue, ...]:
    """The queues that carry this mark, whatever their name."""
    rows = menus.all_with_mark(session, QUEUES, QUEUE_PROPERTIES, tag, doing="look the queue up by its mark")
    return tuple(map(queue_of, rows))


def _named(session: Session, name: str) -> tuple[Row, ...]:
    return menus.named(session, QUEUES, QUEUE_PROPERTIES, name, doing="look the queue up")


def _ours(session: Session, name: str, tag: str) -> Row | None:
    return menus.ours_or_none(_named(session, name), tag, "queue", session.label, queue_of)


def ensure_queue(session: Session, wanted: WantedQueue, on_step: OnStep | None) -> Queue:
    """Make the router hold exactly this queue; see the port."""
    step = on_step or menus.nothing
    check_wanted_queue(wanted)
    session.unsettled = False
    step(f"Looking for the queue {wanted.name}")
    row = _ours(session, wanted.name, wanted.tag)
    if row is None:
        rows = menus.with_mark(session, QUEUES, QUEUE_PROPERTIES, wanted.tag, doing="look the queue up by its mark")
        row = menus.the_only(rows, "queue", session.label, queue_of)
    if row is None:
        step(f"Adding the queue {wanted.name}")
        if not menus.add(session, QUEUES, {**queue_words(wanted), "comment": wanted.tag}, doing="add the queue"):
            # It appeared meanwhile: perhaps our own earlier add, whose answer was lost (§0.2).
            row = _ours(session, wanted.name, wanted.tag)
            if row is None:
                raise RouterRefused(
                    f"{session.label} says that the queue {wanted.name} exists, but does not show it.", field="queue"
                )
    if row is not None and (found := queue_differences(wanted, row)):
        names = [difference.field for difference in found]
        words = {**queue_words(wanted), "comment": marked(row.get("comment", ""), wanted.tag)}
        step(f"Changing {', '.join(names)} of the queue {wanted.name}")
        menus.change(session, QUEUES, row, {name: words[name] for name in names}, doing="change the queue")
    step(f"Reading the queue {wanted.name} back")
    return _verify(session, wanted)


def _verify(session: Session, wanted: WantedQueue) -> Queue:
    """Read back and compare; `RouterMismatch` names what differs."""
    rows = [row for row in _named(session, wanted.name) if is_marked(row.get("comment", ""), wanted.tag)]
    if not rows:
        raise RouterMismatch(f"{session.label} accepted the queue {wanted.name}, but does not hold it.", row=None)
    if found := queue_differences(wanted, rows[0]):
        names = ", ".join(difference.field for difference in found)
        raise RouterMismatch(
            f"{session.label} holds the queue {wanted.name} with another {names} than it was given.",
            row=queue_of(rows[0]),
            differences=found,
        )
    session.unsettled = False
    return queue_of(rows[0])


def remove_queue(session: Session, name: str, tag: str) -> bool:
    """Remove our queue and re-read; False when it was absent."""
    session.unsettled = False
    row = _ours(session, name, tag)
    if row is None:
        return False
    menus.remove(session, QUEUES, row, doing="remove the queue")
    left = _ours(session, name, tag)
    if left is not None:
        raise RouterMismatch(
            f"{session.label} accepted to remove the queue {name}, but still holds it.", row=queue_of(left)
        )
    session.unsettled = False
    return True
