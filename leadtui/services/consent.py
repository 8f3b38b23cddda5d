"""Whether a lead may be written to: the one check behind rehearsal, freeze, enrollment and every claim (AJ28).

It is asked again in the moment of sending, for a lead may say STOP while a campaign runs. `Judge` reads its rules once
and the suppression list by chunks, so that a hundred thousand leads cost a few hundred queries; `judge` is for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import func, select

from leadtui.domain.message_reasons import REASONS, words
from leadtui.store import schema as t
from leadtui.store.many_rows import among
from leadtui.store.unit_of_work import ReadTx

__all__ = [
    "COLUMNS", "GIVEN", "REASONS", "REFUSED", "Judge", "address_key", "address_of", "covering", "family",
    "had_message_since", "judge", "words",
]  # fmt: skip

COLUMNS: Final = ("id", "deleted_at", "stage_id", "consent", "phone_e164", "email", "email_norm")
"""The columns of a lead that are looked at."""

GIVEN: Final = "given"
REFUSED: Final = "refused"


_ENDED: Final = {
    "broadcast": ("converted", "lost"),
    "drip": ("converted", "lost"),
    "trigger": ("converted", "lost"),
}
"""By purpose, what ends a lead's part in it. A status may congratulate, and a person may write to anybody."""

_CHUNK = 500


# -- where to ----------------------------------------------------------------------------------------------------------
@lru_cache(maxsize=64)
def _way(channel: str) -> tuple[str, str]:
    """What a channel writes to (phone, email, any), and its family ("whatsapp"): what one opts out of together."""
    from leadtui.channels import registry
    from leadtui.errors import NotFound

    try:
        caps = registry.caps(channel)
    except NotFound:
        return "phone", channel
    return caps.address, caps.activity


def family(channel: str) -> str:
    """What a channel is to the person who gets its messages: whatsapp, sms, email, other."""
    return _way(channel)[1]


def address_of(lead: Mapping[Any, Any], channel: str) -> tuple[str, str] | None:
    """Where `channel` writes to for this lead, and the key of that address; None: it has none."""
    kind = _way(channel)[0]
    if kind != "email" and lead["phone_e164"]:
        return lead["phone_e164"], lead["phone_e164"]
    if kind != "phone" and lead["email"]:
        return lead["email"], lead["email_norm"] or address_key(lead["email"])
    return None


def address_key(address: str) -> str:
    """What is compared: an e-mail address folded, a phone as it is stored (E.164)."""
    text = address.strip()
    return text.casefold()[:255] if "@" in text else text[:255]


# -- the check ---------------------------------------------------------------------------------------------------------
class Judge:
    """The rules of one channel and purpose, as they stand in this transaction."""

    def __init__(self, tx: ReadTx, channel: str, purpose: str = "broadcast") -> None:
        self._tx = tx
        self._channel = channel
        self._needs_consent = tx.catalog.settings.get("consent") == "required"
        self._ended = _ENDED.get(purpose, ())
        self._known: set[str] = set()
        self._suppressed: set[str] = set()

    def load(self, keys: Iterable[str]) -> None:
        """Read which of these addresses are suppressed: one query for many, before `reason` is asked."""
        wanted = [key for key in dict.fromkeys(keys) if key not in self._known]
        s = t.suppression.c
        for start in range(0, len(wanted), _CHUNK):
            some = wanted[start : start + _CHUNK]
            query = select(s.address_key).where(
                among(s.address_key, some, sqlite=self._tx.is_sqlite), s.channel.in_(covering(self._channel))
            )
            self._suppressed |= set(self._tx.conn.execute(query).scalars())
            self._known |= set(some)

    def address(self, lead: Mapping[Any, Any]) -> tuple[str, str] | None:
        """`address_of` on this channel."""
        return address_of(lead, self._channel)

    def reason(self, lead: Mapping[Any, Any] | None, address: str | None, key: str | None = None) -> str | None:
        """Why this lead (its `COLUMNS`) must not be written to at this address; None: it may. A code of REASONS.

        `lead` None: somebody of whom only the address is known.
        """
        if not address:
            return "no_address"
        if lead is not None:
            if lead["deleted_at"] is not None:
                return "deleted"
            if lead["consent"] == REFUSED:
                return "refused"
        key = key or address_key(address)
        if key not in self._known:
            self.load([key])
        if key in self._suppressed:
            return "suppressed"
        if lead is None:
            return None
        if self._needs_consent and lead["consent"] != GIVEN:
            return "no_consent"
        stage = self._tx.catalog.stage_by_id[lead["stage_id"]]
        if stage.is_converted and "converted" in self._ended:
            return "converted"
        return "lost" if stage.is_lost and "lost" in self._ended else None


def judge(
    tx: ReadTx, lead: Mapping[Any, Any] | None, channel: str, address: str | None, *, purpose: str = "broadcast"
) -> str | None:
    """Why this lead (its `COLUMNS`) must not be written to on `channel` at `address`; None: it may."""
    return Judge(tx, channel, purpose).reason(lead, address)


def covering(channel: str) -> tuple[str, ...]:
    """The channels of suppressions that hold on `channel`: every one, its family, itself."""
    return tuple(dict.fromkeys(("", family(channel), channel)))


def had_message_since(tx: ReadTx, lead_ids: Iterable[int], since: datetime) -> int:
    """How many of these leads we wrote to since then: for the rehearsal."""
    m, wanted, found = t.message.c, list(lead_ids), 0
    for start in range(0, len(wanted), _CHUNK):
        some = m.lead_id.in_(wanted[start : start + _CHUNK])
        query = select(func.count(m.lead_id.distinct())).where(some, m.sending_at > since, m.direction == "out")
        found += int(tx.conn.execute(query).scalar_one())
    return found
