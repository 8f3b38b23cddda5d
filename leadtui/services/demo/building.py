"""Builds the demo's database: an office from a preset, its people, and the stories of its leads, in bulk."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select

from leadtui.domain.customers import search_text
from leadtui.errors import Invalid
from leadtui.router.credentials import generate_password, suggest_username
from leadtui.router.port import tag_for
from leadtui.services import admin, routers, scoring, secrets, users
from leadtui.services.demo.campaigns import write_campaigns
from leadtui.services.demo.drips import write_drips
from leadtui.services.demo.online import come_online
from leadtui.services.demo.profiles import fit_profiles
from leadtui.services.demo.promises import write_promises
from leadtui.services.demo.reached import write_milestones
from leadtui.services.demo.story import Move, Story, Teller, in_order
from leadtui.services.demo.themes import THEMES, Theme
from leadtui.services.lead_values import derived_columns
from leadtui.services.lead_writes import tag_ids
from leadtui.services.office import Office, create_office
from leadtui.store import schema as t
from leadtui.store.bulk_leads import people
from leadtui.store.unit_of_work import WriteTx, plain
from leadtui.text import fold

ROUTER = "WL-RTR-1"
SETTING = "demo_router"
MOST = 100_000
_ADMIN = "grace"
_DEFAULTS: Mapping[str, Any] = {
    "has_router": False,
    "next_follow_up_all_day": True,
    "is_protected": False,
    "version": 1,
}


@dataclass(frozen=True, slots=True)
class RecordedRouter:
    """Where a demo's training router is to be served, and the file it keeps its users in."""

    name: str
    host: str
    port: int
    state_file: Path


@dataclass(frozen=True, slots=True)
class DemoInfo:
    """A demo that was built."""

    db: Path
    leads: int
    preset: str
    login: str
    router: RecordedRouter | None = None

    @property
    def state_file(self) -> Path | None:
        """The file its router keeps its users in."""
        return self.router.state_file if self.router else None

    def as_json(self) -> dict[str, Any]:
        """What `demo --no-tui --json` prints."""
        return {
            "db": str(self.db), "leads": self.leads, "preset": self.preset, "login": self.login,
            "router": {"name": self.router.name, "host": self.router.host, "port": self.router.port,
                       "state": str(self.router.state_file)} if self.router else None,
        }  # fmt: skip


def recorded_router(office: Office) -> RecordedRouter | None:
    """Where the router of this demo database is to be served; None where the database is no demo."""
    stored = office.catalog.settings.get(SETTING)
    if not isinstance(stored, dict):
        return None
    return RecordedRouter(str(stored["name"]), str(stored["host"]), int(stored["port"]), Path(stored["state"]))


def build_demo(path: Path | str, *, leads: int = 500, preset: str = "isp", seed: int = 1) -> DemoInfo:
    """Make a demo database at `path`. The same seed tells the same stories, seen from now.

    Raises Invalid (unknown preset, a strange number), Refused when there is a database already.
    """
    if not 1 <= leads <= MOST:
        raise Invalid(f"a demo has 1 to {MOST:,} leads, not {leads:,}", field="leads")
    path = Path(path).expanduser().absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    office = create_office(str(path), preset=preset, admin=_ADMIN, origin="demo")
    try:
        theme = THEMES.get(preset, THEMES["isp"])
        _people(office, theme)
        router = _router(office, path) if "router_user" in office.catalog.default_pipeline.conversion_steps else None
        if router is not None:
            fit_profiles(office, router.name, router.state_file)
        with office.write() as tx:
            teller = Teller(tx.catalog, theme, tx.now, preset=preset, seed=seed)
            stories = in_order(list(teller.tell(leads)))
            _write(tx, office, stories, teller, router)
            write_promises(tx, seed)
            write_campaigns(tx, seed)
            write_milestones(tx)
            write_drips(tx, seed)
            scoring.rescore(tx, list(tx.conn.execute(select(t.lead.c.id)).scalars()))
        return DemoInfo(path, leads, preset, _ADMIN, router)
    finally:
        office.close()


def _people(office: Office, theme: Theme) -> None:
    users.edit_user(office, _ADMIN, {"name": "Grace Wambui" if "wanjiku" in theme.staff else "Grace Miller"})
    agents = [login for login, (_, role) in theme.staff.items() if role.startswith("agent")]
    places = list(dict.fromkeys(place.split(",")[0] for place in theme.places))
    for login, (name, role) in theme.staff.items():
        more: dict[str, str] = {}
        if login in agents:  # each serves some of the places; the last one is new, and has room for few leads
            at = agents.index(login)
            more = {"service_areas": ", ".join(places[at :: len(agents)]), **theme.agents[at % len(theme.agents)]}
        users.add_user(office, {"login": login, "name": name, "role": role, "email": f"{login}@example.com", **more})
    if not office.catalog.products:
        for name, kind, price in theme.products:
            admin.add(office, "package", {"name": name, "kind": kind, "monthly": price or ""})


# -- the router -------------------------------------------------------------------------------------------------------
def _router(office: Office, path: Path) -> RecordedRouter:
    """Register the training router (admin/admin) at a free port, and record where it is to be served."""
    router = RecordedRouter(ROUTER, "127.0.0.1", _free_port(), path.with_name(path.stem + ".router.json"))
    routers.add(office, {"name": router.name, "host": router.host, "port": str(router.port), "tls": "plain",
                         "username": "admin", "password": "admin", "service": "pppoe"})  # fmt: skip
    stored = {"name": router.name, "host": router.host, "port": router.port, "state": str(router.state_file)}
    with office.write() as tx:
        tx.conn.execute(insert(t.setting).values(key=SETTING, value_json=stored))
        tx.catalog_changed()
    return router


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# -- the leads --------------------------------------------------------------------------------------------------------
def _write(
    tx: WriteTx, office: Office, stories: Sequence[Story], teller: Teller, router: RecordedRouter | None
) -> None:
    numbers = _numbers(tx, stories)
    referrers = people(tx, [(name, fold(name), (phone, phone)) for name, phone in teller.referrers])
    _customers(tx, stories)
    first = int(tx.conn.execute(select(func.coalesce(func.max(t.lead.c.id), 0))).scalar_one()) + 1
    rows = [
        _lead_row(tx, story, number, first + i, referrers)
        for i, (story, number) in enumerate(zip(stories, numbers, strict=True))
    ]
    keys = sorted({key for row in rows for key in row})
    tx.conn.execute(insert(t.lead), [{key: row.get(key) for key in keys} for row in rows])
    _history(tx, stories, rows)
    _tags(tx, stories, rows)
    _documents(tx, office, stories, rows)
    if router is not None:
        _router_users(tx, office, stories, rows, router)


def _numbers(tx: WriteTx, stories: Sequence[Story]) -> list[str]:
    """A number for each lead, of the month it came in; the counters go on from there."""
    counters: dict[str, int] = {}
    numbers: list[str] = []
    for story in stories:
        stem = f"LD-{story.moves[0].at.astimezone(tx.catalog.tz):%Y%m}"
        counters[stem] = counters.get(stem, 0) + 1
        numbers.append(f"{stem}-{counters[stem]:04d}")
    tx.conn.execute(insert(t.counter), [{"key": f"lead:{stem}", "value": n} for stem, n in counters.items()])
    return numbers


def _customers(tx: WriteTx, stories: Sequence[Story]) -> None:
    """The customers that converted leads became."""
    if "customer" not in tx.catalog.default_pipeline.conversion_steps:
        return
    made = [s for s in stories if s.stage.is_converted]
    first = int(tx.conn.execute(select(func.coalesce(func.max(t.customer.c.id), 0))).scalar_one()) + 1
    rows = []
    for customer_id, story in enumerate(made, first):
        c = story.columns
        story.columns["customer_id"] = customer_id
        name = c["name"] or c["phone_e164"]
        rows.append({
            "id": customer_id, "name": name, "type": "Retail", "phone_e164": c["phone_e164"],
            "search_text": search_text(name, c.get("email"), c["phone_e164"]),
            "email": c.get("email"), "email_norm": c.get("email_norm"), "product_id": c.get("product_id"),
            "branch_id": c.get("branch_id"), "state": "active", "created_by_id": c["converted_by_id"],
            "created_at": c["converted_at"],
        })  # fmt: skip
    if rows:
        tx.conn.execute(insert(t.customer), rows)


def _lead_row(tx: WriteTx, story: Story, number: str, lead_id: int, referrers: Sequence[int]) -> dict[str, Any]:
    first, last = story.moves[0], story.moves[-1]
    touched = max([last.at, *(a["created_at"] for a in story.activities)])
    row: dict[str, Any] = {
        **_DEFAULTS, **story.columns, "id": lead_id, "number": number, "pipeline_id": last.stage.pipeline_id,
        "stage_id": last.stage.id, "probability": last.stage.probability, "stage_changed_at": last.at,
        "referrer_id": None if story.referrer is None else referrers[story.referrer], "created_by_id": first.by_id,
        "updated_by_id": last.by_id, "created_at": first.at, "updated_at": touched,
    }  # fmt: skip
    return row | derived_columns(row, number=number, phone_unique=tx.catalog.phone_unique)


def _history(tx: WriteTx, stories: Sequence[Story], rows: Sequence[dict[str, Any]]) -> None:
    changes, activities, audits = [], [], []
    for story, row in zip(stories, rows, strict=True):
        previous: Move | None = None
        for place, move in enumerate(story.moves):
            since = previous.at if previous else None
            changes.append({
                "lead_id": row["id"], "from_stage_id": previous.stage.id if previous else None,
                "to_stage_id": move.stage.id, "reason": move.reason, "by_id": move.by_id, "at": move.at,
                "seconds_in_stage": int((move.at - since).total_seconds()) if since else None,
            })  # fmt: skip
            audits.append(_audit(row, story, place))
            previous = move
        if row.get("assigned_to_id") is not None:
            given = {key: row[key] for key in _GIVEN}
            audits.append(_entry(row, "assign", row["assigned_at"], story.moves[0].by_id, dict.fromkeys(given), given))
        activities += [{**a, "lead_id": row["id"], "updated_at": a["created_at"]} for a in story.activities]
    tx.conn.execute(insert(t.stage_change), changes)
    if activities:
        tx.conn.execute(insert(t.activity), activities)
    tx.conn.execute(insert(t.audit), sorted(audits, key=lambda a: a["at"]))


def _audit(row: dict[str, Any], story: Story, place: int) -> dict[str, Any]:
    """What a move tells of the lead: the first one how it came in, the last one what came of it."""
    move, last = story.moves[place], len(story.moves) - 1
    told = {
        key: value
        for key, value in row.items()
        if value is not None and key not in _NOT_TOLD
        and place == (last if key in _ENDING else min(_SAID.get(key, 0), last))
    }  # fmt: skip
    after = told | {"stage_id": move.stage.id, "stage_changed_at": move.at}
    if not place:
        return _entry(row, "create", move.at, move.by_id, None, after)
    had = story.moves[place - 1]
    before = dict.fromkeys(told) | {"stage_id": had.stage.id, "stage_changed_at": had.at}
    return _entry(row, "status", move.at, move.by_id, before, after)


def _entry(row: dict[str, Any], action: str, at: Any, by_id: int, before: Any, after: Any) -> dict[str, Any]:
    return {
        "at": at, "user_id": by_id, "origin": "demo", "action": action, "entity": "lead", "entity_id": row["id"],
        "before_json": plain(before), "after_json": plain(after),
    }  # fmt: skip


_GIVEN = ("assigned_to_id", "assigned_at")
_SAID = {"product_id": 1, "monthly_fee_minor": 2, "installation_fee_minor": 2}
"""With which move something was agreed; all else was said at the beginning."""
_ENDING = ("converted_at", "converted_by_id", "customer_id", "lost_at", "lost_note", "lost_reason_id")
_NOT_TOLD = {
    *_GIVEN, "id", "stage_id", "stage_changed_at", "probability", "updated_at", "updated_by_id", "last_activity_at",
    "next_follow_up_at", "next_follow_up_all_day",
}  # fmt: skip


def _tags(tx: WriteTx, stories: Sequence[Story], rows: Sequence[dict[str, Any]]) -> None:
    ids = tag_ids(tx, sorted({tag for story in stories for tag in story.tags}))
    links = [
        {"lead_id": row["id"], "tag_id": ids[tag]}
        for story, row in zip(stories, rows, strict=True)
        for tag in story.tags
    ]
    if links:
        tx.conn.execute(insert(t.lead_tag), links)


def _documents(tx: WriteTx, office: Office, stories: Sequence[Story], rows: Sequence[dict[str, Any]]) -> None:
    """Small files of the converted leads and those close to it, kept under their hash as `lifecycle.attach` does."""
    found: list[dict[str, Any]] = []
    folder = office.store.files
    for story, row in zip(stories, rows, strict=True):
        if story.document is None:
            continue
        data = (
            f"Invented document of the demo.\nLead {row['number']}, {row.get('name') or row['phone_e164']}\n".encode()
        )
        digest = hashlib.sha256(data).hexdigest()
        folder.mkdir(parents=True, exist_ok=True, mode=0o770)
        (folder / digest).write_bytes(data)
        base = {"name": story.document, "path": digest, "mime": "text/plain", "bytes": len(data), "sha256": digest,
                "uploaded_by_id": story.moves[-1].by_id, "at": story.moves[-1].at}  # fmt: skip
        found.append({**base, "lead_id": row["id"], "customer_id": None})
        if row.get("customer_id"):
            found.append({**base, "lead_id": None, "customer_id": row["customer_id"]})
    if found:
        tx.conn.execute(insert(t.document), found)


def _router_users(
    tx: WriteTx, office: Office, stories: Sequence[Story], rows: Sequence[dict[str, Any]], router: RecordedRouter
) -> None:
    """The users that conversions made: in the store, and on the training router with the same names and passwords."""
    from leadtui.router.simulator import Simulator

    router_id = int(tx.conn.execute(select(t.router.c.id).where(t.router.c.name == router.name)).scalar_one())
    simulator = Simulator(router.state_file, identity=router.name)
    taken = {row["name"] for row in simulator.secrets()}
    stored: list[dict[str, Any]] = []
    for story, row in zip(stories, rows, strict=True):
        if not story.username:
            continue
        product = tx.catalog.product_by_id[row["product_id"]]
        if product.profile is None:
            continue
        username = suggest_username(row.get("name") or row["number"], taken)
        taken.add(username)
        password = generate_password()
        ref = secrets.new_ref("router-user")
        secrets.put(tx, office, ref, password)
        tag = tag_for(row["number"], tx.catalog.office_id)
        simulator.add("/ppp/secret", name=username, password=password, service="pppoe", profile=product.profile,
                      comment=tag)  # fmt: skip
        stored.append({
            "router_id": router_id, "customer_id": row.get("customer_id"), "lead_id": row["id"],
            "product_id": product.id, "username": username, "service": "pppoe", "profile": product.profile, "tag": tag,
            "secret_ref": ref, "state": "active", "created_at": row["converted_at"],
        })  # fmt: skip
    if stored:
        come_online(tx, simulator, router.name, stored)
        tx.conn.execute(insert(t.router_user), stored)
