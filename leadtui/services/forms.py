"""Forms of websites that leads come in by: each with a public key, where it sends people back to, what it may set.

A form's key stands in the page's source: it names the form, it proves nothing. So whatever comes by it may only fill
what a stranger may say of himself, is limited by the address it comes from, and is handled by the worker.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sqlalchemy import delete, select, update

from leadtui.domain.dates import iso_z
from leadtui.domain.fields import find_field
from leadtui.errors import Duplicate, Invalid, NotFound, NotPermitted
from leadtui.store import schema as t
from leadtui.store.claims import insert_new, moment
from leadtui.store.unit_of_work import ReadTx, WriteTx
from leadtui.text import clean_line, slug

from . import inbox
from . import lead_writes as w

if TYPE_CHECKING:
    from .office import Office

SETTING: Final = "forms"
HONEYPOT: Final = "_gotcha"
"""A field that people do not see: who fills it in is a program."""

EVERY: Final = timedelta(seconds=6)
"""An address may send a form this often …"""
BURST: Final = 10
"""… and so many at once, after a while of silence."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,29}")
_ROWS: Final = "form:"
_OF_STRANGERS: Final = frozenset({
    "name", "phone", "alt_phone", "email", "unit_number", "location", "address", "city", "state", "pincode",
    "date_of_birth", "occupation", "employment_status", "package", "product_interest", "property_type", "current_isp",
    "reason", "has_router", "router_type", "budget", "timeline", "preferred_hour", "remarks", "brought_in_by",
    "brought_in_by_contact", "passport", "national_id",
})  # fmt: skip
"""Fields that somebody who fills in a form says of himself; everything else he sends is kept as a note."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form. `origins` are the websites whose scripts may post it; `redirect` where a plain form goes on to."""

    name: str
    key: str
    source: str | None
    redirect: str | None
    origins: tuple[str, ...]
    made_at: str

    @property
    def path(self) -> str:
        """Where it is posted to."""
        return f"/api/intake/form/{self.name}?key={self.key}"

    def as_json(self) -> dict[str, Any]:
        """For the command line."""
        return {
            "name": self.name, "key": self.key, "path": self.path, "source": self.source, "redirect": self.redirect,
            "origins": list(self.origins), "made_at": self.made_at,
        }  # fmt: skip


# -- the forms of the office ------------------------------------------------------------------------------------------
def list_all(office: Office) -> tuple[Form, ...]:
    """The forms, by name. Raises NotPermitted without the right to configure the office."""
    with office.read() as tx:
        w.require(tx, "config")
        return tuple(_forms(tx).values())


def add(
    office: Office, name: str, *, source: str | None = None, redirect: str | None = None, origins: Sequence[str] = ()
) -> Form:
    """Make a form, with a key of its own. Raises Invalid, Duplicate, NotPermitted."""
    with office.write() as tx:
        w.require(tx, "config")
        forms = _forms(tx)
        clean = slug(name)[:30].strip("-")
        if not _NAME.fullmatch(clean):
            raise Invalid(f"'{name[:40]}' cannot name a form", field="name", hint="a word: website, landing-page")
        if clean in forms:
            raise Duplicate(f"there is a form '{clean}' already", field="name")
        form = Form(
            clean, secrets.token_urlsafe(12), tx.catalog.find_source(source).name if source else None,
            _web_address(redirect, "redirect") if redirect else None,
            tuple(_origin(one) for one in origins), iso_z(tx.now),
        )  # fmt: skip
        _write(tx, {**forms, clean: form}, "create", None, form)
        return form


def remove(office: Office, name: str) -> Form:
    """Take a form away: what it sends is not taken any more. Raises NotFound, NotPermitted."""
    with office.write() as tx:
        w.require(tx, "config")
        forms = _forms(tx)
        form = forms.pop(name.strip().casefold(), None)
        if form is None:
            raise NotFound(f"there is no form '{name[:40]}'", field="name", hint="see: leadtui form list")
        _write(tx, forms, "delete", form, None)
        return form


def find(office: Office, name: str, key: str) -> Form:
    """The form that a public key opens. Raises NotPermitted, with the same words for a wrong name and a wrong key."""
    with office.store.read() as tx:
        form = _forms(tx).get(name.casefold())
    if form is None or not secrets.compare_digest(form.key.encode(), key.encode("utf-8", "surrogatepass")):
        raise NotPermitted(
            "there is no such form, or this is not its key", code="bad_key", hint="see: leadtui form list"
        )
    return form


def _forms(tx: ReadTx) -> dict[str, Form]:
    kept = tx.catalog.settings.get(SETTING) or {}
    return {
        name: Form(name, one["key"], one.get("source"), one.get("redirect"), tuple(one.get("origins") or ()),
                   one["made_at"])
        for name, one in sorted(kept.items())
    }  # fmt: skip


def _write(tx: WriteTx, forms: Mapping[str, Form], action: str, before: Form | None, after: Form | None) -> None:
    value = {
        name: {"key": one.key, "source": one.source, "redirect": one.redirect, "origins": list(one.origins),
               "made_at": one.made_at}
        for name, one in forms.items()
    }  # fmt: skip
    if not tx.conn.execute(update(t.setting).where(t.setting.c.key == SETTING).values(value_json=value)).rowcount:
        tx.conn.execute(t.setting.insert().values(key=SETTING, value_json=value))
    tx.audit(action, "form", None, before.as_json() if before else None, after.as_json() if after else None)
    tx.catalog_changed()


def _web_address(text: str, field: str) -> str:
    clean = clean_line(text, field=field, limit=500)
    parts = urlsplit(clean)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Invalid(f"{field}: a web address is expected", field=field, hint="such as https://isp.example/thanks")
    return clean


def _origin(text: str) -> str:
    parts = urlsplit(_web_address(text, "origin"))
    return f"{parts.scheme}://{parts.netloc}".casefold()


# -- what is posted ---------------------------------------------------------------------------------------------------
def take(
    office: Office,
    name: str,
    values: Mapping[str, Any],
    *,
    form: Form | None = None,
    by: int | None = None,
    ref: str | None = None,
    address: str = "",
) -> bool:
    """Keep what was posted, for the worker to place; False when it came before, or a program filled it in.

    `form` when it came by its public key, `by` when by a user's token. `ref` is what the other side calls it; without,
    the same words on the same day are the same thing. Raises Invalid (nothing in it, too long), TooMany.
    """
    given = {str(key): value for key, value in values.items() if not str(key).startswith("_")}
    if str(values.get(HONEYPOT) or "").strip():
        return False
    if not any(str(value).strip() for value in given.values() if value is not None):
        raise Invalid("the form is empty", field="values", code="required", hint="send a phone number at least")
    if form is not None:
        _limit(office, address)
        given = _of_a_stranger(given) | ({"source": form.source} if form.source else {})
    with office.store.read() as tx:
        day = moment(tx).date().isoformat()
    said = ref or f"{day}:{json.dumps(given, sort_keys=True, default=str)}"
    digest = hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    known_as = f"{slug(name)[:40]}-{digest}"
    payload = {"ref": known_as, "values": given}
    return inbox.store(office, "form", known_as, "form", payload, by=by)


def _of_a_stranger(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a stranger may set; the rest stands under `details` and becomes a note on the timeline."""
    values: dict[str, Any] = {}
    details: dict[str, Any] = {}
    for key, value in given.items():
        field = find_field(key)
        if field is not None and field.key in _OF_STRANGERS and not isinstance(value, Mapping):
            values[key] = value
        else:
            details[key[:60]] = value
    return values | ({"details": details} if details else {})


# -- not too many -----------------------------------------------------------------------------------------------------
class TooMany(Invalid):
    """More than an address may send. `data["after_s"]` is when it may again, in seconds."""

    code = "too_many"


def _limit(office: Office, address: str) -> None:
    """Let an address send `BURST` forms at once and one `EVERY` so often, whichever process takes them."""
    name, t_ = _row_name(address), t.throttle
    with office.as_system() as tx:
        now = moment(tx)
        insert_new(tx, t_, [{"name": name, "last_at": now}], ("name",))
        row = tx.conn.execute(select(t_).where(t_.c.name == name).with_for_update()).one()
        paid_to = max(row.not_before, now) if row.not_before is not None else now
        if paid_to - now > EVERY * (BURST - 1):
            wait_s = int((paid_to - now - EVERY * (BURST - 1)).total_seconds()) + 1
            raise TooMany(
                "too many forms from this address",
                field=None,
                hint=f"try again in {wait_s} s",
                data={"after_s": wait_s},
            )
        values: dict[str, datetime] = {"not_before": paid_to + EVERY, "last_at": now}
        tx.conn.execute(update(t_).where(t_.c.name == name).values(**values))


def _row_name(address: str) -> str:
    """The row of an address, which it does not tell; a whole network of IPv6 is one customer's."""
    try:
        ip = ipaddress.ip_address(address)
        network = str(ip) if ip.version == 4 else str(ipaddress.ip_network(f"{ip}/64", strict=False))
    except ValueError:
        network = address
    return _ROWS + hashlib.sha256(network.encode()).hexdigest()[:32]


def forget_addresses(tx: WriteTx) -> int:
    """Forget addresses that were silent for a day."""
    c = t.throttle.c
    old = (c.name.startswith(_ROWS, autoescape=True), c.last_at < moment(tx) - timedelta(days=1))
    return int(tx.conn.execute(delete(t.throttle).where(*old)).rowcount)
