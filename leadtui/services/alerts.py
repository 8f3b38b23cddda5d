"""A person's own alert addresses, and what nobody has looked at sent there: Telegram, mail, phones (extra `alerts`).

The addresses hold tokens: they lie encrypted like the passwords of routers, and nobody is shown one again. Sending
waits for others, so it is a step of the slow lane: the notices are claimed, sent outside of any transaction within a
deadline, and marked. One whose program dies in between stays with words that say so, for a person to decide: a notice
is never sent twice by itself.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select, update

from leadtui.domain.dates import relative
from leadtui.errors import Invalid, LeadtuiError, NotPermitted, OtherSide, Refused
from leadtui.store import schema as t
from leadtui.store.claims import claim
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import reminders, secrets
from . import users as people
from .digest import DIGEST, digest_lines

if TYPE_CHECKING:
    from .office import Office

DEADLINE_S = 20.0
"""How long one person's addresses may take, all together."""

MOST_ADDRESSES = 10
_MOST_LINES = 12
_AT_ONCE = 5_000
"""So many notices of a person go in one message: after an import of old plans, one tells of them, not ten."""

SENDING = "being sent; if this stays, the program that sent it ended, and it may or may not have arrived"

_LOCAL = frozenset(
    {"dbus", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows", "file", "vapid", "growl", "memory"}
)
"""Addresses of the machine itself: a message of one person has nothing to do on the screen of whoever sends it."""

_LOG = logging.getLogger("leadtui.alerts")


# -- the addresses ----------------------------------------------------------------------------------------------------
def set_addresses(office: Office, login: str, text: str) -> tuple[str, ...]:
    """Replace a user's alert addresses, one in each line; nothing typed: none. Answers their kinds ("tgram").

    One's own, or everybody's with the right to manage users. Raises Invalid (never with the address in its words),
    NotPermitted, NotFound, Refused where the extra `alerts` is not installed.
    """
    addresses = _read(text)
    with office.write() as tx:
        row = _person(tx, login)
        old = row["alerts_ref"]
        ref = secrets.new_ref("alerts") if addresses else None
        if ref is not None:
            secrets.put(tx, office, ref, "\n".join(addresses))
        secrets.drop(tx, old)
        if old is not None or ref is not None:
            tx.conn.execute(update(t.user).where(t.user.c.id == row["id"]).values(alerts_ref=ref))
            words = [f"{len(addresses)} set" if addresses else None, "set" if old else None]
            tx.audit("edit", "user", row["id"], {"alerts": words[1]}, {"alerts": words[0]})
    return tuple(_kind(address) for address in addresses)


def addresses_shown(office: Office, login: str) -> tuple[str, ...]:
    """What may be shown of a user's addresses: their kinds ("tgram://…"). Raises as `set_addresses` does."""
    with office.read() as tx:
        return tuple(f"{_kind(address)}://…" for address in _addresses(tx, office, _person(tx, login)["alerts_ref"]))


def test_alert(office: Office, login: str) -> tuple[str, ...]:
    """Send a test to a user's addresses; answers their kinds. Raises OtherSide naming those that did not take it."""
    with office.read() as tx:
        addresses = _addresses(tx, office, _person(tx, login)["alerts_ref"])
    if not addresses:
        raise Refused(
            f"{login} has no alert addresses", code="no_alerts", field="login",
            hint=f"leadtui user edit {login} --alerts-stdin",
        )  # fmt: skip
    sent = send(addresses, "leadtui: a test", "Reminders that nobody has looked at come here.")
    if sent.failed:
        raise OtherSide(
            f"not taken by {', '.join(sent.failed)}: {sent.error or 'the address refused it'}", field="login",
            hint="check the address; the others got it" if sent.taken else "check the address and the network",
        )  # fmt: skip
    return sent.taken


def _person(tx: ReadTx, login: str) -> Any:
    row = people.find(tx, login)
    if row["id"] != tx.actor.user_id and not tx.actor.may("users"):
        raise NotPermitted("you may only see to your own alert addresses", field="login")
    return row


def _read(text: str) -> list[str]:
    addresses = list(dict.fromkeys(text.split()))
    if len(addresses) > MOST_ADDRESSES:
        raise Invalid(f"{len(addresses)} addresses are too many", field="alerts", hint=f"at most {MOST_ADDRESSES}")
    for place, address in enumerate(addresses, start=1):
        if _kind(address) in _LOCAL or not _apprise().Apprise().add(address):
            raise Invalid(
                f"address {place} is none that a message can be sent to ({_kind(address) or 'without a kind'})",
                field="alerts", hint="such as tgram://TOKEN/CHAT or mailtos://USER:PASSWORD@HOST, as apprise has them",
            )  # fmt: skip
    return addresses


def _kind(address: str) -> str:
    kind, found, _ = address.partition("://")
    return kind.lower()[:20] if found and kind.isascii() and kind.isalnum() else ""


def _addresses(tx: ReadTx, office: Office, ref: str | None) -> list[str]:
    return secrets.get(tx, office, ref).reveal().split() if ref else []


def _apprise() -> Any:
    try:
        import apprise
    except ImportError:
        raise Refused(
            "alerts need the package apprise, which is not installed here", code="not_installed", field="alerts",
            hint="pip install 'leadtui[alerts]'",
        ) from None  # fmt: skip
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its lines hold parts of addresses
    return apprise


# -- sending ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Sent:
    """Which kinds of addresses took a message and which did not."""

    taken: tuple[str, ...]
    failed: tuple[str, ...]
    error: str = ""


def send(addresses: Sequence[str], title: str, body: str, *, deadline_s: float = DEADLINE_S) -> Sent:
    """Send to each address; raises nothing but Refused (not installed). Never in a transaction."""
    apprise = _apprise()
    taken: list[str] = []
    failed: list[str] = []

    def work() -> None:
        for address in addresses:
            try:
                one = apprise.Apprise()
                took = one.add(address) and one.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT)
            except Exception as error:  # noqa: BLE001 - whatever a plugin does, the others are tried
                _LOG.warning("an address of the kind %s failed: %s", _kind(address), type(error).__name__)
                took = False
            (taken if took else failed).append(_kind(address))

    thread = threading.Thread(target=work, daemon=True, name="leadtui-alerts")
    thread.start()
    thread.join(deadline_s)
    if thread.is_alive():
        open_ones = [_kind(address) for address in addresses[len(taken) + len(failed) :]]
        return Sent(tuple(taken), (*failed, *open_ones), f"no answer within {deadline_s:.0f} s; it may have arrived")
    return Sent(tuple(taken), tuple(failed))


@dataclass(frozen=True, slots=True)
class _Parcel:
    """What one person is sent."""

    ids: tuple[int, ...]
    addresses: tuple[str, ...]
    title: str
    body: str


def send_due(office: Office, *, limit: int, may_go_on: Callable[[], bool]) -> int:
    """Send what nobody looked at to the addresses of whom it concerns, person by person; answers how many notices.

    A step of the slow lane. A digest goes at once, the rest after `alert_after_minutes` (0: never).
    """
    done = 0
    for user_id in _people_waiting(office, limit):
        if not may_go_on():
            break
        try:
            with office.as_system() as tx:
                parcel = _claim(tx, office, user_id)
        except LeadtuiError as error:  # the key of the addresses is not here
            _fail_all(office, user_id, error.message)
            continue
        if parcel is not None:
            _deliver(office, parcel)
            done += len(parcel.ids)
    return done


def waiting(tx: ReadTx) -> int:
    """How many notices are to be sent to alert addresses."""
    query = select(func.count()).select_from(_joined()).where(_is_due(tx), reminders.meaningful())
    return int(tx.conn.execute(query).scalar_one())


def _joined() -> Any:
    return reminders.with_lead().join(t.user, t.user.c.id == t.notification.c.user_id)


def _is_due(tx: ReadTx) -> Any:
    n, u = t.notification.c, t.user.c
    minutes = int(tx.catalog.settings.get("alert_after_minutes", 15))
    when = n.kind == DIGEST
    if minutes:
        when = or_(when, n.due_at <= tx.now - timedelta(minutes=minutes))
    return and_(
        u.alerts_ref.is_not(None), u.is_active.is_(True), n.seen_at.is_(None), n.alerted_at.is_(None),
        n.alert_error.is_(None), n.due_at <= tx.now, when,
    )  # fmt: skip


def _people_waiting(office: Office, limit: int) -> list[int]:
    with office.store.read() as tx:
        query = select(t.notification.c.user_id).select_from(_joined()).where(_is_due(tx), reminders.meaningful())
        return list(tx.conn.execute(query.distinct().limit(limit)).scalars())


def _claim(tx: WriteTx, office: Office, user_id: int) -> _Parcel | None:
    """Mark this person's notices as being sent, and pack them; None when another program was faster."""
    n = t.notification.c
    query = select(n.id).select_from(_joined()).where(n.user_id == user_id, _is_due(tx), reminders.meaningful())
    wanted = list(tx.conn.execute(query.order_by(n.due_at).limit(_AT_ONCE)).scalars())
    free = and_(n.id.in_(wanted), n.alerted_at.is_(None), n.alert_error.is_(None))
    ids = claim(tx, t.notification, free, order=n.id, limit=_AT_ONCE, values={"alert_error": SENDING})
    if not ids:
        return None
    row = tx.conn.execute(select(t.user.c.alerts_ref).where(t.user.c.id == user_id)).one()
    actor = tx.catalog.actor_for(tx.catalog.user_by_id[user_id])
    mine = ReadTx(tx.conn, tx.catalog, tx.now, actor)  # what this person may see, in this person's words
    found = reminders.rows(mine, and_(n.id.in_(ids), reminders.current(mine)), _AT_ONCE)
    if not found:
        tx.conn.execute(update(t.notification).where(n.id.in_(ids)).values(alert_error=None, alerted_at=tx.now))
        return None
    zone, lines = tx.catalog.zone_of(user_id), []
    for one in found[:_MOST_LINES]:
        if one.kind == DIGEST:
            lines += [one.text, *digest_lines(mine)]
        else:
            at = "" if one.at is None else f" ({relative(one.at, one.all_day, tx.now, zone)})"
            lines.append(f"{one.title}: {one.text}{at}" if one.title else one.text)
    if len(found) > _MOST_LINES:
        lines.append(f"and {len(found) - _MOST_LINES} more")
    title = "leadtui: your day" if found[0].kind == DIGEST and len(found) == 1 else _title(len(found))
    return _Parcel(tuple(ids), tuple(_addresses(tx, office, row.alerts_ref)), title, "\n".join(lines))


def _title(count: int) -> str:
    return "leadtui: a reminder" if count == 1 else f"leadtui: {count} reminders"


def _deliver(office: Office, parcel: _Parcel) -> None:
    """Send, and write down what became of it. Who got it at one address has got it."""
    try:
        sent = send(parcel.addresses, parcel.title, parcel.body)
    except LeadtuiError as error:
        sent = Sent((), ("all",), error.message)
    words = None
    if sent.failed:
        words = f"not taken by {', '.join(sent.failed)}" + (f": {sent.error}" if sent.error else "")
    n = t.notification.c
    with office.as_system() as tx:
        at: datetime | None = tx.now if sent.taken else None
        tx.conn.execute(update(t.notification).where(n.id.in_(parcel.ids)).values(alerted_at=at, alert_error=words))


def _fail_all(office: Office, user_id: int, words: str) -> None:
    n = t.notification.c
    _LOG.warning("alerts of the user %d were not sent: %s", user_id, words)
    with office.as_system() as tx:
        mine = select(n.id).select_from(_joined()).where(n.user_id == user_id, _is_due(tx), reminders.meaningful())
        ids = list(tx.conn.execute(mine.limit(_AT_ONCE)).scalars())
        tx.conn.execute(update(t.notification).where(n.id.in_(ids)).values(alert_error=words[:2000]))
