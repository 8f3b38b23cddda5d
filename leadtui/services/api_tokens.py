"""Bearer tokens of the HTTP face: each acts as its user, with that user's rights as they stand at the moment.

Only a token's hash is kept; the token itself is shown once, when it is made. It ends when it expires, is revoked, or
its user is disabled.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import or_, select, update

from leadtui.domain.dates import day_bounds, iso_z, parse_when
from leadtui.domain.hidden import Secret
from leadtui.errors import Invalid, LeadtuiError, NotFound, NotPermitted
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id
from leadtui.text import clean_line

from . import users
from .office import Office

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leadtui.domain.catalog import UserItem

MARK: Final = "lt_"
"""Every token begins with it, so that one in the wrong place is recognised."""
PREFIX_LENGTH: Final = 10
"""So many letters of a token are kept, to tell tokens apart: the mark and seven of the secret's forty-three."""
NOTED_EVERY: Final = timedelta(minutes=1)
"""When a token was last used is written down this often at most."""

_LOG = logging.getLogger("leadtui.api")


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token without its secret. `state` is active, expired, revoked or disabled (its user is)."""

    id: int
    login: str
    name: str
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    state: str

    def as_json(self) -> dict[str, Any]:
        """For the command line."""
        moments = ("created_at", "expires_at", "last_used_at", "revoked_at")
        return {
            "id": self.id, "login": self.login, "name": self.name, "prefix": self.prefix, "state": self.state,
            **{key: iso_z(at) if (at := getattr(self, key)) else None for key in moments},
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was made just now: the only time it can be seen."""

    row: TokenRow
    token: Secret = field(repr=False)


def create(office: Office, login: str, *, name: str | None = None, expires: str | None = None) -> NewToken:
    """Make a token for a user: one's own, or with the rights to manage users and to act as them anybody's.

    `expires` is a day (its last one) or a moment as people type it. Raises NotFound, Invalid, NotPermitted.
    """
    with office.write() as tx:
        user = _whose(tx, login)
        if not user["is_active"]:
            raise Invalid(f"the user '{user['login']}' is disabled", field="login", hint="enable the user first")
        token = MARK + secrets.token_urlsafe(32)
        columns = {
            "user_id": user["id"], "name": clean_line(name or "key", field="name", limit=100) or "key",
            "prefix": token[:PREFIX_LENGTH], "created_at": tx.now, "expires_at": _end(tx, expires),
        }  # fmt: skip
        token_id = insert_id(tx.conn, t.api_token, token_hash=_hash(token), **columns)
        tx.audit("create", "api_token", token_id, None, columns)
        return NewToken(_row(tx, _read(tx, token_id)), Secret(token))


def list_all(office: Office, login: str | None = None) -> tuple[TokenRow, ...]:
    """The tokens of a user, or all that the acting user may see: his own, with the right to manage users everybody's.

    The newest first. Raises NotFound, NotPermitted.
    """
    with office.read() as tx:
        a = t.api_token.c
        query = select(t.api_token).order_by(a.id.desc())
        if login is not None:
            user = users.find(tx, login)
            if user["id"] != tx.actor.user_id and not tx.actor.may("users"):
                raise _not_yours()
            query = query.where(a.user_id == user["id"])
        elif not tx.actor.may("users"):
            query = query.where(a.user_id == tx.actor.user_id)
        return tuple(_row(tx, row) for row in tx.conn.execute(query).mappings())


def revoke(office: Office, wanted: str | int) -> TokenRow:
    """End a token for good, by its id or its first letters; one that ended stays as it is.

    Raises NotFound, Invalid (letters that several tokens begin with).
    """
    with office.write() as tx:
        row = _find(tx, str(wanted).strip())
        if row["revoked_at"] is None:
            tx.conn.execute(update(t.api_token).where(t.api_token.c.id == row["id"]).values(revoked_at=tx.now))
            tx.audit("revoke", "api_token", row["id"], {"revoked_at": None}, {"revoked_at": tx.now})
        return _row(tx, _read(tx, row["id"]))


# -- who comes with a token -------------------------------------------------------------------------------------------
def enter(office: Office, token: str) -> Office:
    """The same database, acting as the user whom the token belongs to.

    Raises NotPermitted: code `bad_token` (unknown, expired, revoked: the words are the same), `disabled_user`.
    """
    with office.store.read() as tx:
        row, now = _matching(tx, token), tx.now
        user: UserItem | None = tx.catalog.user_by_id.get(row["user_id"]) if row is not None else None
    if row is None or user is None:
        raise NotPermitted("this is no valid token", code="bad_token", hint="make one: leadtui user key add LOGIN")
    if not user.is_active:
        raise NotPermitted(f"the user '{user.login}' is disabled", code="disabled_user")
    if row["last_used_at"] is None or now - row["last_used_at"] >= NOTED_EVERY:
        _note_use(office, row["id"], now)
    return Office(office.store, user.id, origin=f"api:{row['prefix']}")


def user_of(tx: ReadTx, token: str) -> int | None:
    """The id of the active user whom a token belongs to, None when it opens nothing."""
    row = _matching(tx, token)
    user = tx.catalog.user_by_id.get(row["user_id"]) if row is not None else None
    return user.id if user is not None and user.is_active else None


def _matching(tx: ReadTx, token: str) -> Mapping[Any, Any] | None:
    if not token.startswith(MARK) or not token.isascii() or len(token) > 200:
        return None
    a, wanted = t.api_token.c, _hash(token)
    row = tx.conn.execute(select(t.api_token).where(a.token_hash == wanted)).mappings().one_or_none()
    if row is None or not hmac.compare_digest(row["token_hash"], wanted):
        return None
    ended = row["revoked_at"] is not None or (row["expires_at"] is not None and row["expires_at"] <= tx.now)
    return None if ended else row


def _note_use(office: Office, token_id: int, now: datetime) -> None:
    """Keep when it was last used; a database that is busy just now does not keep anybody out."""
    a = t.api_token.c
    is_old = or_(a.last_used_at.is_(None), a.last_used_at <= now - NOTED_EVERY)
    try:
        with office.as_system() as tx:
            tx.conn.execute(update(t.api_token).where(a.id == token_id, is_old).values(last_used_at=now))
    except LeadtuiError as error:
        _LOG.warning("when a token was used could not be written down: %s", error.message)


# -- rows and words ---------------------------------------------------------------------------------------------------
def _hash(token: str) -> str:
    """A token is 256 random bits: nothing is gained by a slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def _whose(tx: WriteTx, login: str) -> Mapping[Any, Any]:
    user = users.find(tx, login)
    if user["id"] != tx.actor.user_id:
        if not (tx.actor.may("users") and tx.actor.may("impersonate")):
            raise _not_yours()
        users.may_grant(tx, user["role_id"])
    return user


def _not_yours() -> NotPermitted:
    return NotPermitted(
        "you may only have keys of your own", field="login", hint="others' need the rights 'users' and 'impersonate'"
    )


def _end(tx: ReadTx, expires: str | None) -> datetime | None:
    if expires is None or not expires.strip():
        return None
    when = parse_when(expires, tz=tx.catalog.tz, now=tx.now, field="expires")
    at = day_bounds(when.day, tx.catalog.tz)[1] if when.all_day else when.at
    if at <= tx.now:
        raise Invalid("this moment has passed", field="expires", hint="such as +90d")
    return at


def _read(tx: ReadTx, token_id: int) -> Mapping[Any, Any]:
    return tx.conn.execute(select(t.api_token).where(t.api_token.c.id == token_id)).mappings().one()


def _find(tx: WriteTx, wanted: str) -> Mapping[Any, Any]:
    a = t.api_token.c
    query = select(t.api_token).order_by(a.id)
    if not tx.actor.may("users"):
        query = query.where(a.user_id == tx.actor.user_id)
    found = [
        row
        for row in tx.conn.execute(query).mappings()
        if wanted == str(row["id"]) or (len(wanted) > len(MARK) and row["prefix"].startswith(wanted[:PREFIX_LENGTH]))
    ]
    exact = [row for row in found if wanted == str(row["id"])]
    if not found:
        raise NotFound(f"there is no key '{wanted[:PREFIX_LENGTH]}'", field="key", hint="see: leadtui user key list")
    if len(exact or found) > 1:
        raise Invalid(f"several keys begin with '{wanted[:PREFIX_LENGTH]}'", field="key", hint="name it by its id")
    return (exact or found)[0]


def _row(tx: ReadTx, row: Mapping[Any, Any]) -> TokenRow:
    user = tx.catalog.user_by_id.get(row["user_id"])
    if row["revoked_at"] is not None:
        state = "revoked"
    elif row["expires_at"] is not None and row["expires_at"] <= tx.now:
        state = "expired"
    else:
        state = "active" if user is not None and user.is_active else "disabled"
    return TokenRow(
        row["id"], user.login if user else "?", row["name"], row["prefix"], row["created_at"], row["expires_at"],
        row["last_used_at"], row["revoked_at"], state,
    )  # fmt: skip
