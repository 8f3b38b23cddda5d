"""What the placeholders of a template show of leads, as a person would write it; many leads at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import func, select

from leadtui.domain.fields import BY_KEY
from leadtui.domain.money import exponent, format_money, total
from leadtui.domain.templates import CUSTOM
from leadtui.store import schema as t
from leadtui.store.many_rows import among
from leadtui.store.unit_of_work import ReadTx
from leadtui.text import fold

Row = Mapping[Any, Any]
_Read = Callable[[Row], str | None]

_TITLES: Final = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "eng", "hon", "rev", "sir", "madam", "mx"})
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "first_name": ("name",),
    "phone": ("phone_e164", "phone_raw"),
    "alt_phone": ("alt_phone_e164", "alt_phone_raw"),
    "agent": ("assigned_to_id",),
    "agent_phone": ("assigned_to_id",),
    "total_amount": ("installation_fee_minor", "monthly_fee_minor"),
    "follow_up": ("next_follow_up_at", "next_follow_up_all_day"),
    "company": (),
}


class LeadTexts:
    """Reads the values of some placeholders. `columns` are those of the lead it looks at.

    For many leads: `load` what a chunk of them has beside its rows, then ask for each.
    """

    def __init__(self, tx: ReadTx, keys: Iterable[str]) -> None:
        """`keys` as `Template.fields` has them."""
        self._tx = tx
        self._readers: dict[str, _Read] = {key: self._reader(key) for key in keys}
        self._customs = tuple(key[len(CUSTOM) :] for key in self._readers if key.startswith(CUSTOM))
        self._custom: dict[tuple[int, str], str] = {}
        self._people: dict[int, str] = {}
        plain = [key for key in self._readers if not key.startswith(CUSTOM)]
        self.columns: tuple[str, ...] = tuple(dict.fromkeys(name for key in plain for name in _columns(key)))

    def load(self, rows: Sequence[Row]) -> None:
        """Read what these leads have in other tables; what was loaded before is forgotten."""
        if self._customs:
            c = t.lead_custom.c
            query = select(c.lead_id, c.key, c.value).where(
                among(c.lead_id, [r["id"] for r in rows], sqlite=self._tx.is_sqlite)
            )
            found = self._tx.conn.execute(query.where(c.key.in_(self._customs)))
            self._custom = {(one.lead_id, one.key): one.value for one in found}
        if "brought_in_by" in self._readers:
            ids = {r["referrer_id"] for r in rows} - {None}
            p = t.person.c
            self._people = {
                one.id: one.name for one in self._tx.conn.execute(select(p.id, p.name).where(p.id.in_(ids)))
            }

    def of(self, row: Row) -> dict[str, str | None]:
        """The values of one lead, by placeholder; None or "" where it has none."""
        return {key: read(row) for key, read in self._readers.items()}

    def _reader(self, key: str) -> _Read:
        catalog = self._tx.catalog
        if key.startswith(CUSTOM):
            name = key[len(CUSTOM) :]
            return lambda row: self._custom.get((row["id"], name))
        match key:
            case "first_name":
                return lambda row: first_name(row["name"])
            case "phone" | "alt_phone":
                e164, raw = f"{key}_e164", f"{key}_raw"
                return lambda row: row[e164] or row[raw]
            case "agent":
                names = {user.id: user.name for user in catalog.users}
                return lambda row: names.get(row["assigned_to_id"])
            case "agent_phone":
                phones = {user.id: user.phone for user in catalog.users}
                return lambda row: phones.get(row["assigned_to_id"])
            case "company":
                company = str(catalog.settings.get("company") or "")
                return lambda row: company
            case "package":
                products = {product.id: product.name for product in catalog.products}
                return lambda row: products.get(row["product_id"])
            case "brought_in_by":
                return lambda row: self._people.get(row["referrer_id"])
            case "total_amount":
                return lambda row: self._money(total(row["installation_fee_minor"], row["monthly_fee_minor"]))
            case "follow_up":
                return self._follow_up
        column = BY_KEY[key].column or key
        if BY_KEY[key].kind == "money":
            return lambda row: self._money(row[column])
        return lambda row: row[column]

    def _money(self, minor: int | None) -> str | None:
        """ "KES 2,500": without decimals where there are none."""
        if minor is None:
            return None
        currency = self._tx.catalog.currency
        amount, places = format_money(minor, currency), exponent(currency)
        return f"{currency} {amount[: -places - 1] if places and not minor % 10**places else amount}"

    def _follow_up(self, row: Row) -> str | None:
        at = row["next_follow_up_at"]
        if at is None:
            return None
        local = at.astimezone(self._tx.catalog.tz)
        day = f"{local:%a} {local.day} {local:%b}"
        return day if row["next_follow_up_all_day"] else f"{day}, {local:%H:%M}"


def _columns(key: str) -> tuple[str, ...]:
    return _COLUMNS.get(key) or (() if key in _COLUMNS else (BY_KEY[key].column or key,))


def first_name(name: str | None) -> str | None:
    """The first word of a name; a title before it does not count ("Dr. Amina Otieno" is Amina)."""
    words = (name or "").split()
    while len(words) > 1 and fold(words[0]).rstrip(".") in _TITLES:
        words = words[1:]
    return words[0] if words else None


def had_one_since(tx: ReadTx, since: Any) -> set[int]:
    """The leads that a message went to since then, or may have gone to."""
    m = t.message.c
    query = select(func.distinct(m.lead_id)).where(m.sending_at >= since, m.direction == "out", m.lead_id.is_not(None))
    return set(tx.conn.execute(query).scalars())
