"""What tests of messages share: a channel that answers as it is told, campaigns with their messages, reading them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from leadtui.channels import registry
from leadtui.channels.port import Caps, Outgoing, Plugin, Probe, Result, Sent, Spec, StatusUpdate
from leadtui.services import messages, sending
from leadtui.services.messages import Draft
from leadtui.services.office import Office
from leadtui.store import schema as t
from leadtui.store.unit_of_work import insert_id

NAME = "scripted"


class Scripted:
    """A channel that answers by a script; `sent` are the messages it was given. The same object for every opening."""

    name = NAME

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.answers: list[Result | Callable[[Outgoing], Result]] = []
        self.caps_: dict[str, Any] = {"activity": "whatsapp"}
        self.told: list[StatusUpdate] = []
        self.asked: list[str] = []
        self.closed = 0

    def caps(self) -> Caps:
        return Caps(**self.caps_)

    def probe(self) -> Probe:
        return Probe(True, "ready", "it answers")

    def send(self, message: Outgoing, deadline_s: float) -> Result:
        self.sent.append(message)
        answer = self.answers.pop(0) if self.answers else Sent(f"id-{message.message_id}")
        return answer(message) if callable(answer) else answer

    def poll(self, ids: Sequence[str]) -> tuple[StatusUpdate, ...]:
        self.asked += ids
        return tuple(self.told)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    """The channel `scripted`, known to the registry while the test runs."""
    channel = Scripted()
    plugin = Plugin(
        Spec(NAME, "Scripted", needs_account=False), lambda _account: channel, lambda _account: channel.caps()
    )
    monkeypatch.setitem(registry._all(), NAME, registry.Found(NAME, plugin, "", "tests"))
    from leadtui.services import consent

    consent._way.cache_clear()
    yield channel
    consent._way.cache_clear()


def campaign(office: Office, *, channel: str = NAME, **values: Any) -> int:
    """A broadcast that runs, frozen; its id."""
    with office.write() as tx:
        columns: dict[str, Any] = {
            "kind": "broadcast", "name": "May", "channel": channel, "status": "active", "per_minute": 1000,
            "auto_retry": True, "max_retries": 3, "quiet_hours": "", "failure_streak": 0, "current_version": 1,
            "created_by_id": tx.actor.user_id, "created_at": tx.now, "updated_at": tx.now, "frozen_at": tx.now,
            "started_at": tx.now, "version": 1,
        }  # fmt: skip
        return insert_id(tx.conn, t.campaign, **columns | values)


def to_leads(office: Office, ids: Iterable[int], campaign_id: int | None = None, **values: Any) -> list[int]:
    """Messages to leads, one each; their ids."""
    made: list[int] = []
    with office.write() as tx:
        for lead_id in ids:
            phone = tx.conn.execute(select(t.lead.c.phone_e164).where(t.lead.c.id == lead_id)).scalar_one()
            given = {"purpose": "broadcast" if campaign_id else "single", "channel": NAME, "address": phone,
                     "body": f"Hi {lead_id}", "lead_id": lead_id, "campaign_id": campaign_id,
                     "dedupe_key": f"c{campaign_id}:{phone}" if campaign_id else None} | values  # fmt: skip
            one = messages.enqueue(tx, Draft(**given))
            assert one is not None
            made.append(one)
    return made


def send(office: Office, **options: Any) -> Mapping[str, int]:
    """One round."""
    return sending.send_due(office, **{"limit": 200, "may_go_on": lambda: True} | options)


def states(office: Office, ids: Iterable[int]) -> list[str]:
    """The states of messages, in the order given."""
    wanted = list(ids)
    with office.store.read() as tx:
        m = t.message.c
        found = {one.id: one.state for one in tx.conn.execute(select(m.id, m.state).where(m.id.in_(wanted)))}
    return [found[one] for one in wanted]


def row(office: Office, message_id: int) -> Any:
    """All columns of a message."""
    with office.store.read() as tx:
        return SimpleNamespace(
            **tx.conn.execute(select(t.message).where(t.message.c.id == message_id)).mappings().one()
        )


def change(office: Office, message_id: int, **values: Any) -> None:
    """Set columns of a message behind everybody's back."""
    with office.write() as tx:
        tx.conn.execute(t.message.update().where(t.message.c.id == message_id).values(**values))


def history(office: Office, message_id: int) -> list[str]:
    """The states a message went through."""
    with office.store.read() as tx:
        e = t.message_event.c
        return list(tx.conn.execute(select(e.state).where(e.message_id == message_id).order_by(e.id)).scalars())


def campaign_row(office: Office, campaign_id: int) -> Any:
    """All columns of a campaign."""
    with office.store.read() as tx:
        return tx.conn.execute(select(t.campaign).where(t.campaign.c.id == campaign_id)).one()


@contextmanager
def lease_of(_name: str) -> Iterator[bool]:
    """A lease that is always ours."""
    yield True


def most_in_a_window(moments: Iterable[datetime], seconds: float = 60.0) -> int:
    """The most of these moments that lie in any window of so many seconds."""
    ordered = sorted(moments)
    most = begin = 0
    for end, at in enumerate(ordered):
        while (at - ordered[begin]).total_seconds() >= seconds:
            begin += 1
        most = max(most, end - begin + 1)
    return most
