"""The office: a person at work in one database. Everything else in `services` takes one."""

from __future__ import annotations

import contextlib
import os
import pwd
from collections.abc import Iterator
from contextlib import AbstractContextManager
from secrets import token_hex
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from leadtui.domain.catalog import Catalog, UserItem
from leadtui.domain.follow_up_times import DELAYS
from leadtui.domain.money import check_currency
from leadtui.domain.permissions import Actor
from leadtui.errors import Invalid, NotPermitted, Refused
from leadtui.store import catalog as catalogs
from leadtui.store import migrate, tallies
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, Store, WriteTx, insert_id
from leadtui.text import clean_line

if TYPE_CHECKING:
    from leadtui.store.presets import PresetInfo

SYSTEM = "system"
_NOT_LOGINS = {"me", "none", "auto"}


def os_account() -> str:
    """The account this process runs as; not the one that the environment claims."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def default_db() -> str:
    """Where the database lies when nothing says otherwise: option, environment, config file, user data folder."""
    from_env = os.environ.get("LEADTUI_DB")
    if from_env:
        return from_env
    from leadtui.config import load_settings

    configured = load_settings().db
    if configured:
        return configured
    from platformdirs import user_data_path

    return str(user_data_path("leadtui") / "leadtui.db")


class Office:
    """A person at work in one database. Cheap to hold, safe to use from many threads."""

    def __init__(self, store: Store, user_id: int, *, origin: str = "cli", is_owner: bool = False) -> None:
        self.store = store
        self.user_id = user_id
        self.origin = origin
        self.is_owner = is_owner
        self._catalog: Catalog | None = None

    # -- what is known without asking the database again ----------------------------------------------------------
    @property
    def catalog(self) -> Catalog:
        """Settings, pipelines, users … as the last transaction saw them."""
        if self._catalog is None:
            with self.store.read() as tx:
                self._catalog = tx.catalog
        return self._catalog

    @property
    def actor(self) -> Actor:
        """Who acts, with the grants as the last transaction saw them."""
        return self._actor(self.catalog)

    @property
    def tz(self) -> ZoneInfo:
        """The office's time zone."""
        return self.catalog.tz

    @property
    def currency(self) -> str:
        """The office's currency."""
        return self.catalog.currency

    @property
    def country(self) -> str:
        """The region phones are read in."""
        return self.catalog.country

    # -- transactions, for services -------------------------------------------------------------------------------
    @contextlib.contextmanager
    def read(self) -> Iterator[ReadTx]:
        """A read transaction on behalf of the acting user."""
        with self.store.read(self._actor) as tx:
            self._catalog = tx.catalog
            yield tx

    @contextlib.contextmanager
    def write(self, *, durable: bool = False) -> Iterator[WriteTx]:
        """A write transaction on behalf of the acting user; `durable` outlives even a power cut."""
        with self.store.write(self._actor, self.origin, durable=durable) as tx:
            self._catalog = tx.catalog
            yield tx
            self._catalog = tx.catalog

    def as_system(self, *, durable: bool = False) -> AbstractContextManager[WriteTx]:
        """A write transaction of the machine itself (`system`): settling jobs, automatic decisions (spec AG28)."""
        return self.store.write(_system_actor, f"{self.origin}:system", durable=durable)

    def by_itself(self) -> Office:
        """The same database with the machine itself at work, for services that take an office (spec AG28)."""
        return _Machine(self.store, self.catalog.find_user(SYSTEM).id, origin=f"{self.origin}:system")

    def acting(self, user_id: int) -> Office:
        """The same database with another user at work, who has shown who he is."""
        return Office(self.store, user_id, origin=self.origin)

    def close(self) -> None:
        """Close the connections."""
        self.store.close()

    def _actor(self, catalog: Catalog) -> Actor:
        user = catalog.user_by_id.get(self.user_id)
        if user is None or not user.is_active:
            raise NotPermitted("this user is disabled", code="disabled_user", hint="ask the office's principal")
        return catalog.actor_for(user, is_owner=self.is_owner)


class _Machine(Office):
    """The machine at work: `system` may not open the program, but it acts."""

    def _actor(self, catalog: Catalog) -> Actor:
        return _system_actor(catalog)


def _system_actor(catalog: Catalog) -> Actor:
    return catalog.actor_for(catalog.find_user(SYSTEM))


def open_office(db: str | None = None, *, as_login: str | None = None, origin: str = "cli") -> Office:
    """Open the database and find out who acts (contract "Everywhere").

    Raises DatabaseUnreachable (code `no_database` when there is none), Refused (a newer database), NotPermitted (an
    account that is no user here, or `--as` without the right to it), Invalid (`--as` naming nobody).
    """
    store = Store(db or default_db())
    try:
        migrate.require_current(store)
        return _enter(store, as_login or os.environ.get("LEADTUI_AS") or None, origin)
    except BaseException:
        store.close()
        raise


def _enter(store: Store, login: str | None, origin: str) -> Office:
    """The office of the OS account's user, or of `login` where that may be."""
    with store.read() as tx:
        catalog = tx.catalog
    account = os_account()
    is_owner = catalog.settings.get("owner_os_account") == account
    own = next((u for u in catalog.users if u.os_account == account), None)
    user = _impersonated(catalog, own, login, is_owner) if login else own
    if user is None:
        hint = f"a principal can add it: leadtui user add --login … --os-account {account}"
        raise NotPermitted(
            f"the account '{account}' is not a user of this database",
            code="unknown_user",
            hint="you own this database: say who you are with --as LOGIN" if is_owner else hint,
        )
    if not user.is_active:
        raise NotPermitted(f"the user '{user.login}' is disabled", code="disabled_user")
    acting = f"{origin}:{account}" + (f" as {user.login}" if own is None or own.id != user.id else "")
    office = Office(store, user.id, origin=acting[:100], is_owner=is_owner)
    office._catalog = catalog
    return office


def _impersonated(catalog: Catalog, own: UserItem | None, login: str, is_owner: bool) -> UserItem:
    if own is not None and own.login == login:
        return own
    allowed = is_owner or (
        own is not None and own.is_active and catalog.role_by_id[own.role_id].grants["impersonate"].scope != "none"
    )
    if not allowed:
        raise NotPermitted(
            "you may not act as another user",
            field="as",
            hint="only the owner of the database, principals and administrators may",
        )
    return catalog.find_user(login, field="as")


def create_office(
    db: str | None = None,
    *,
    preset: str = "isp",
    admin: str | None = None,
    country: str | None = None,
    currency: str | None = None,
    timezone: str | None = None,
    origin: str = "cli",
) -> Office:
    """Make a new database from a preset; the OS account becomes its owner and, as `admin`, its first principal.

    Raises Refused when one exists there, Invalid for a bad country, currency, time zone or login.
    """
    from leadtui.store import presets

    chosen = presets.read_preset(preset)
    office_country = country_code(country or chosen["country"])
    office_currency = check_currency(currency or chosen["currency"])
    zone = zone_key(timezone or chosen["timezone"])
    account = os_account()
    login = clean_login(admin or account)
    store = Store(db or default_db())
    found = migrate.state(store)
    if found.current is not None:
        store.close()
        raise Refused(
            f"there is a leadtui database at {store.name} already",
            code="exists",
            field="db",
            hint="open it, or choose another place with --db",
        )
    if store.path is not None and store.path.exists() and store.path.stat().st_size > 0:
        store.close()
        raise Refused(f"{store.name} exists and is not a leadtui database", code="exists", field="db")
    migrate.upgrade(store)
    settings: dict[str, Any] = {
        "country": office_country,
        "currency": office_currency,
        "timezone": zone,
        "number_prefix": "LD",
        "number_period": "month",
        "phone_unique": chosen["phone_unique"],
        "score_qualified": 50,
        "score_hot": 80,
        "quiet_hours": "21:00-08:00",
        "page_size": 15,
        "stage_word": "Status",
        "consent": "unless_refused",
        "default_source": chosen["default_source"],
        "never_online_days": 3,
        "router_poll_minutes": 5,
        "working_hours": "mon-fri 08:00-18:00, sat 09:00-13:00",
        "holidays": "",
        "follow_up_delays": DELAYS,
        "escalate_after": "day",
        "alert_after_minutes": 15,
        "digest_at": "07:30",
        "scheduler": "any",
        "frequency_cap": 1,
        "stop_words": "STOP, STOPALL, UNSUBSCRIBE, END, QUIT, CANCEL, ACHA, BAND, SITISHA, TOKA",
        "start_grace_minutes": 120,
        "max_failures": 10,
        "orchestration": "channels 2, delay 24h",
        "auto_assign": "off",
        "service_areas": "",
        "office_id": token_hex(4),
        "owner_os_account": account,
        "preset": preset,
    }
    with store.engine.connect() as conn, conn.begin():
        if conn.execute(t.setting.select().limit(1)).first():
            raise Refused(f"{store.name} was made by somebody else just now", code="exists", field="db")
        conn.execute(t.setting.insert(), [{"key": k, "value_json": v} for k, v in settings.items()])
        presets.load_roles(conn)
        presets.load_milestones(conn)
        presets.load_pipeline(conn, preset, office_currency, default=True)
        _first_users(conn, login, account)
        presets.load_writing(conn, preset)
        tallies.rebuild(conn, ZoneInfo(zone))
        catalogs.touch(conn)
    return _enter(store, None, origin)


def _first_users(conn: Any, login: str, account: str) -> None:
    from leadtui import clock

    roles = {r.key: r.id for r in conn.execute(t.role.select())}
    insert_id(
        conn,
        t.user,
        login=SYSTEM,
        name="leadtui",
        role_id=roles["principal"],
        is_active=False,
        is_available=False,
        created_at=clock.now(),
    )
    insert_id(
        conn,
        t.user,
        login=login,
        name=login,
        role_id=roles["principal"],
        os_account=account,
        is_active=True,
        is_available=True,
        created_at=clock.now(),
    )


def preset_choices() -> list[PresetInfo]:
    """The presets a new database can begin with: key, name, sentence, country, currency, timezone."""
    from leadtui.store.presets import preset_infos

    return preset_infos()


def clean_login(text: str, *, field: str = "login") -> str:
    """A login as stored: 1–50 letters, digits, `.`, `_`, `-`. Raises Invalid."""
    login = clean_line(text, field=field, limit=50)
    if not login or not all(c.isalnum() or c in "._-@" for c in login) or login.startswith("-"):
        raise Invalid(f"'{login}' cannot be a login", field=field, hint="letters, digits, dot, dash and underscore")
    if login.casefold() in _NOT_LOGINS:
        raise Invalid(f"'{login}' cannot be a login", field=field, hint="me, none and auto are words of filters")
    return login


def country_code(text: str) -> str:
    """The region code typed. Raises Invalid."""
    import phonenumbers

    code = text.strip().upper()
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise Invalid(f"'{text}' is not a country code", field="country", hint="two letters, such as KE or US")
    return code


def zone_key(text: str) -> str:
    """The time zone typed. Raises Invalid."""
    try:
        return ZoneInfo(text.strip()).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid(f"'{text}' is not a time zone", field="timezone", hint="such as Africa/Nairobi") from error
