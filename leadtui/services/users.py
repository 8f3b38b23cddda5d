"""Users, roles and the permission matrix (spec §AA, §AI-c)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select, update

from leadtui.domain import phones
from leadtui.domain.money import format_money, parse_money, to_json
from leadtui.domain.permissions import ACTIONS, OFFICE_ACTIONS, SCOPES
from leadtui.domain.rules import is_ticked
from leadtui.domain.working_hours import WorkingHours
from leadtui.errors import Duplicate, Invalid, NotFound, NotPermitted, Refused
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id
from leadtui.text import clean_line, fold

from . import lead_writes as w
from . import scoring, unassigned
from .lead_values import clean_email
from .office import SYSTEM, Office, clean_login, zone_key
from .settings import whole_number

_MOST_WORDS = 100
USER_FIELDS: tuple[str, ...] = (
    "login", "name", "role", "branch", "team", "phone", "email", "os_account", "available", "timezone", "working_hours",
    "service_areas", "specializations", "languages", "min_price", "max_price", "capacity",
)  # fmt: skip


def users(office: Office) -> list[dict[str, Any]]:
    """Every user but the machine. Without the right to manage users only what a colleague needs to know."""
    with office.read() as tx:
        full = tx.actor.may("users") or tx.actor.may("config")
        found = [_record(tx, u.id, full) for u in tx.catalog.users if u.login != SYSTEM]
        if full:
            u = t.user.c
            told = set(tx.conn.execute(select(u.id).where(u.alerts_ref.is_not(None))).scalars())
            found = [record | {"has_alerts": record["id"] in told} for record in found]
        return found


def _record(tx: ReadTx, user_id: int, full: bool = True) -> dict[str, Any]:
    u = tx.catalog.user_by_id[user_id]
    branch = tx.catalog.branch_by_id.get(u.branch_id or 0)
    team = next((x for x in tx.catalog.teams if x.id == u.team_id), None)
    record: dict[str, Any] = {
        "id": u.id,
        "login": u.login,
        "name": u.name,
        "role": u.role,
        "branch": branch.name if branch else None,
        "team": team.name if team else None,
        "is_active": u.is_active,
        "is_available": u.is_available,
        "timezone": u.timezone,
        "working_hours": u.working_hours,
        "service_areas": list(u.service_areas),
        "specializations": list(u.specializations),
        "languages": list(u.languages),
        "min_price": to_json(u.min_price_minor, tx.catalog.currency),
        "max_price": to_json(u.max_price_minor, tx.catalog.currency),
        "capacity": u.capacity,
    }
    return record | ({"phone": u.phone, "email": u.email, "os_account": u.os_account} if full else {})


def add_user(office: Office, values: Mapping[str, str | None]) -> dict[str, Any]:
    """Add a user: login, name and role are needed. Raises Invalid, Duplicate, NotPermitted."""
    with office.write() as tx:
        w.require(tx, "users")
        for key in ("login", "name", "role"):
            if not (values.get(key) or "").strip():
                raise Invalid(f"{key} is required", field=key, code="required")
        columns = _columns(tx, values, None)
        may_grant(tx, columns["role_id"])
        columns.setdefault("is_available", True)
        _check_band(tx, columns)
        user_id = insert_id(tx.conn, t.user, **columns, is_active=True, created_at=tx.now)
        tx.audit("create", "user", user_id, None, columns)
        tx.catalog_changed()
        _now_works(tx, columns)
        return _record(tx, user_id)


def edit_user(office: Office, login: str, values: Mapping[str, str | None]) -> dict[str, Any]:
    """Change a user. Raises NotFound, Invalid, Duplicate, NotPermitted."""
    with office.write() as tx:
        w.require(tx, "users")
        row = find(tx, login)
        columns = {k: v for k, v in _columns(tx, values, row["id"]).items() if row[k] != v}
        may_grant(tx, row["role_id"])
        if "role_id" in columns:
            may_grant(tx, columns["role_id"])
            _keep_a_principal(tx, row)
        _check_band(tx, {**row, **columns})
        if columns:
            tx.conn.execute(update(t.user).where(t.user.c.id == row["id"]).values(**columns))
            tx.audit("edit", "user", row["id"], {k: row[k] for k in columns}, columns)
            tx.catalog_changed()
            if columns.keys() & {"login", "name"}:
                scoring.named_anew(tx, "user")
            _now_works(tx, columns)
        return _record(tx, row["id"])


def set_user_active(office: Office, login: str, active: bool) -> dict[str, Any]:
    """Enable or disable a user; leads keep their assignee. Raises Refused for oneself and the last principal."""
    with office.write() as tx:
        w.require(tx, "users")
        row = find(tx, login)
        may_grant(tx, row["role_id"])
        if not active:
            if row["id"] == tx.actor.user_id:
                raise Refused("you cannot disable yourself", code="refused", field="login")
            _keep_a_principal(tx, row)
        if row["is_active"] != active:
            tx.conn.execute(update(t.user).where(t.user.c.id == row["id"]).values(is_active=active))
            tx.audit(
                "enable" if active else "disable", "user", row["id"], {"is_active": not active}, {"is_active": active}
            )
            tx.catalog_changed()
            _now_works(tx, {"service_areas_json": None} if row["service_areas_json"] else {})
        return _record(tx, row["id"])


def find(tx: ReadTx, login: str) -> Mapping[Any, Any]:
    """The row of the user with this login. Raises NotFound."""
    wanted = fold(login).strip()
    user = next((u for u in tx.catalog.users if fold(u.login) == wanted and u.login != SYSTEM), None)
    if user is None:
        raise NotFound(f"there is no user '{login}'", field="login")
    return tx.conn.execute(select(t.user).where(t.user.c.id == user.id)).mappings().one()


def _columns(tx: WriteTx, values: Mapping[str, str | None], user_id: int | None) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for key, text in values.items():
        typed = (text or "").strip()
        match key:
            case "login":
                columns["login"] = clean_login(typed)
                if any(fold(u.login) == fold(typed) and u.id != user_id for u in tx.catalog.users):
                    raise Duplicate(f"there is a user '{typed}' already", field="login")
            case "name":
                columns["name"] = clean_line(typed, field="name", limit=255)
                if not columns["name"]:
                    raise Invalid("name is required", field="name", code="required")
            case "role":
                columns["role_id"] = tx.catalog.find_role(typed).id
            case "branch":
                columns["branch_id"] = tx.catalog.find_branch(typed).id if typed else None
            case "team":
                columns["team_id"] = _team(tx, typed) if typed else None
            case "phone":
                columns["phone_e164"] = phones.parse(typed, tx.catalog.country).e164 if typed else None
            case "email":
                columns["email"] = clean_email(typed) if typed else None
            case "os_account":
                columns["os_account"] = clean_line(typed, field="os_account", limit=100) or None
                taken = next((u for u in tx.catalog.users if typed and u.os_account == typed and u.id != user_id), None)
                if taken:
                    raise Duplicate(f"the account '{typed}' is {taken.login}'s already", field="os_account")
            case "timezone":
                columns["timezone"] = zone_key(typed) if typed else None
            case "working_hours":
                columns["working_hours"] = _own_hours(typed)
            case "available" | "is_available":
                columns["is_available"] = is_ticked(typed)
            case "service_areas" | "specializations" | "languages":
                columns[f"{key}_json"] = _words(typed, key) or None
            case "min_price" | "max_price":
                columns[f"{key}_minor"] = parse_money(typed, tx.catalog.currency, field=key) if typed else None
            case "capacity":
                columns["capacity"] = _capacity(typed) if typed else None
            case _:
                raise Invalid(f"a user has no '{key}'", field=key, hint="one of: " + ", ".join(USER_FIELDS))
    return columns


def _words(text: str, field: str) -> list[str]:
    """Words as typed, between commas, each once."""
    words = [" ".join(clean_line(one, field=field, limit=100).split()) for one in text.split(",")]
    found = list({fold(word): word for word in reversed(words) if word}.values())
    if len(found) > _MOST_WORDS:
        raise Invalid(f"{len(found)} are too many", field=field, hint=f"{_MOST_WORDS} at most")
    return found[::-1]


def _capacity(text: str) -> int:
    number = whole_number(text, "capacity")
    if not 0 <= number <= 100_000:
        raise Invalid(f"capacity cannot be {number}", field="capacity", hint="open leads at most; empty: no limit")
    return number


def _check_band(tx: ReadTx, columns: Mapping[Any, Any]) -> None:
    low, high = columns.get("min_price_minor"), columns.get("max_price_minor")
    if low is not None and high is not None and low > high:
        most = format_money(high, tx.catalog.currency)
        raise Invalid(f"the lowest price is above the highest ({most})", field="min_price")


def _now_works(tx: WriteTx, columns: Mapping[str, Any]) -> None:
    """What follows from who works here, and where: leads that wait may find somebody, and scores may be others."""
    unassigned.retry_soon(tx)
    if "service_areas_json" in columns:
        scoring.changed(tx)


def _own_hours(text: str) -> str | None:
    kept = clean_line(str(WorkingHours.parse(text)), field="working_hours", limit=255)
    return kept or None


def _team(tx: WriteTx, name: str) -> int:
    """A team by name, made where new: a team is only a word that users share."""
    clean = clean_line(name, field="team", limit=100)
    found = next((x.id for x in tx.catalog.teams if fold(x.name) == fold(clean)), None)
    return found if found is not None else insert_id(tx.conn, t.team, name=clean)


def may_grant(tx: ReadTx, role_id: int) -> None:
    """Nobody gives, or takes from, a role that may more than he may himself (an administrator and a principal)."""
    role_ = tx.catalog.role_by_id[role_id]
    more = [a for a, g in role_.grants.items() if a == "reopen" and g.scope != "none"]
    if more and tx.actor.role != role_.key and not tx.actor.may("reopen") and not tx.actor.is_owner:
        raise NotPermitted(f"only a principal may manage the role '{role_.key}'", field="role")


def _keep_a_principal(tx: ReadTx, row: Mapping[Any, Any]) -> None:
    u = t.user.c
    if tx.catalog.role_by_id[row["role_id"]].key != "principal":
        return
    query = (
        select(func.count())
        .select_from(t.user)
        .where(u.role_id == row["role_id"], u.is_active.is_(True), u.id != row["id"], u.login != SYSTEM)
    )
    if not tx.conn.execute(query).scalar_one():
        raise Refused(
            "this is the last active principal",
            code="last_principal",
            field="login",
            hint="make somebody else principal first",
        )


# -- roles ----------------------------------------------------------------------------------------------------------


def roles(office: Office) -> list[dict[str, Any]]:
    """Every role with its row of the matrix."""
    with office.read() as tx:
        return [_role_record(tx, r.id) for r in tx.catalog.roles]


def role(office: Office, key: str) -> dict[str, Any]:
    """One role. Raises NotFound."""
    with office.read() as tx:
        return _role_record(tx, _find_role(tx, key))


def _find_role(tx: ReadTx, key: str) -> int:
    try:
        return tx.catalog.find_role(key).id
    except Invalid as error:
        raise NotFound(error.message, field="role", hint=error.hint) from error


def _role_record(tx: ReadTx, role_id: int) -> dict[str, Any]:
    r = tx.catalog.role_by_id[role_id]
    return {
        "id": r.id,
        "key": r.key,
        "name": r.name,
        "permissions": {a: r.grants[a].scope if a in r.grants else "none" for a in ACTIONS},
        "limits": {a: list(g.stages) for a, g in r.grants.items() if g.stages},
        "hidden_fields": sorted(r.hidden_fields),
        "users": [u.login for u in tx.catalog.users if u.role_id == role_id and u.login != SYSTEM],
    }


def set_role(office: Office, role_key: str, action: str, scope: str) -> dict[str, Any]:
    """Change one cell. Raises NotFound, Invalid, NotPermitted, Refused (lock-out)."""
    with office.write() as tx:
        w.require(tx, "users")
        role_id = _find_role(tx, role_key)
        act = fold(action).strip().removeprefix("lead.")
        if act not in ACTIONS:
            raise Invalid(f"there is no action '{action}'", field="action", hint="one of: " + ", ".join(ACTIONS))
        wide = fold(scope).strip()
        if wide not in SCOPES:
            raise Invalid(f"there is no scope '{scope}'", field="scope", hint="one of: " + ", ".join(SCOPES))
        if act in OFFICE_ACTIONS and wide not in {"all", "none"}:
            raise Invalid(f"'{act}' concerns the whole office", field="scope", hint="all or none")
        key = tx.catalog.role_by_id[role_id].key
        if key == "principal" and wide != "all":
            raise Refused(
                "the principal's rights cannot be taken away",
                code="refused",
                field="role",
                hint="give the person another role instead",
            )
        may_grant(tx, role_id)
        if act in {"reopen", "purge"} and not tx.actor.may(act):
            raise NotPermitted(f"you may not grant '{act}'", field="action")
        p = t.permission.c
        mine = (p.role_id == role_id, p.action == act)
        old = tx.conn.execute(select(p.scope).where(*mine)).scalar()
        if old is None:
            tx.conn.execute(t.permission.insert().values(role_id=role_id, action=act, scope=wide))
        elif old != wide:
            tx.conn.execute(update(t.permission).where(*mine).values(scope=wide))
        if old != wide:
            tx.audit("edit", "role", role_id, {f"{key}.{act}": old}, {f"{key}.{act}": wide})
            tx.catalog_changed()
        return _role_record(tx, role_id)
