"""A million leads of three years, straight in the tables: for measuring statistics, lists and boards on both databases.

Triggers and indexes of `lead` are off while it is filled; the tally is rebuilt before there are indexes.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from bench.import_export import FIRST, LAST

if TYPE_CHECKING:
    from leadtui.services.office import Office

MONTHS: Final = 36
USERS: Final = 40
BRANCHES: Final = 5
_AT_ONCE: Final = 20_000
_LEAD: Final = (
    "id", "number", "name", "name_key", "phone_e164", "phone_raw", "pipeline_id", "stage_id", "stage_changed_at",
    "source_id", "assigned_to_id", "branch_id", "installation_fee_minor", "monthly_fee_minor", "budget_minor",
    "next_follow_up_at", "next_follow_up_all_day", "converted_at", "lost_at", "lost_reason_id", "lost_note", "score",
    "has_router", "is_protected", "created_by_id", "updated_by_id", "created_at", "updated_at", "deleted_at", "version",
)  # fmt: skip
_CHANGE: Final = ("lead_id", "to_stage_id", "by_id", "at")
_ROUTER_USER: Final = ("router_id", "lead_id", "username", "service", "tag", "state", "created_at")


def fill(office: Office, count: int = 1_000_000, *, seed: int = 6) -> None:
    """`count` leads of 36 months, 40 users in 5 branches, of every source and status, and what hangs on them."""
    from leadtui.store import tallies

    people = _people(office)
    with office.store.engine.connect() as conn:
        raw: Any = conn.connection.driver_connection
        again = _bare(conn)
        _copy(raw, "lead", _LEAD, _leads(office, people, count, seed))
        _copy(raw, "stage_change", _CHANGE, _changes(raw, office))
        _copy(raw, "router_user", _ROUTER_USER, _router_users(raw))
        tallies.rebuild(conn, office.tz)
        if conn.dialect.name != "sqlite":
            conn.exec_driver_sql("SET LOCAL maintenance_work_mem = '512MB'")
        for statement in again:
            conn.exec_driver_sql(statement)
        if conn.dialect.name != "sqlite":
            for name in ("lead", "stage_change", "router_user"):
                conn.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))"
                )
        conn.exec_driver_sql("ANALYZE")
        conn.commit()
    with office.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        if conn.dialect.name == "sqlite":
            conn.connection.driver_connection.execute("PRAGMA optimize=0x10002")  # type: ignore[union-attr]
            conn.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
        else:
            conn.exec_driver_sql("VACUUM ANALYZE")


def _people(office: Office) -> list[tuple[int, int]]:
    """Users with their branches, as ids."""
    from sqlalchemy import select

    from leadtui.store import catalog
    from leadtui.store import schema as t
    from leadtui.store.unit_of_work import insert_id

    with office.write() as tx:
        role = {row.key: row.id for row in tx.conn.execute(select(t.role.c.key, t.role.c.id))}
        branches = [insert_id(tx.conn, t.branch, name=f"Branch {n}", is_active=True) for n in range(BRANCHES)]
        insert_id(
            tx.conn, t.router, name="ONE", host="192.0.2.1", port=8728, tls="plain", username="x", secret_ref="-",
            service="pppoe", is_active=True, created_at=tx.now,
        )  # fmt: skip
        found = []
        for n in range(USERS):
            # The first of a branch sees all of it.
            key = "branch_user" if n < BRANCHES else "agent"
            user = insert_id(
                tx.conn, t.user, login=f"user{n}", name=f"{FIRST[n % len(FIRST)]} {LAST[n % len(LAST)]}",
                role_id=role[key], branch_id=branches[n % BRANCHES], is_active=True, is_available=True,
                created_at=tx.now,
            )  # fmt: skip
            found.append((user, branches[n % BRANCHES]))
        catalog.touch(tx.conn)
    return found


def _bare(conn: Any) -> list[str]:
    """Drop indexes and triggers; the statements that make them again."""
    if conn.dialect.name == "sqlite":
        found = conn.exec_driver_sql(
            "SELECT type, name, sql FROM sqlite_master WHERE tbl_name IN ('lead', 'stage_change', 'router_user') "
            "AND type IN ('index', 'trigger') AND sql IS NOT NULL"
        ).all()
        for kind, name, _ in found:
            conn.exec_driver_sql(f"DROP {kind} {name}")
        return [sql for _, _, sql in found]
    rows = conn.exec_driver_sql(
        "SELECT indexname, indexdef FROM pg_indexes i WHERE tablename IN ('lead', 'stage_change') "
        "AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)"
    ).all()
    for name, _ in rows:
        conn.exec_driver_sql(f"DROP INDEX {name}")
    for name in ("lead", "stage_change", "router_user"):
        conn.exec_driver_sql(f"ALTER TABLE {name} DISABLE TRIGGER USER")
    return [sql for _, sql in rows] + [
        f"ALTER TABLE {name} ENABLE TRIGGER USER" for name in ("lead", "stage_change", "router_user")
    ]


def _copy(raw: Any, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    if hasattr(raw, "executemany") and not hasattr(raw, "pgconn"):
        marks = ", ".join("?" * len(columns))
        raw.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", (_plain(row) for row in rows))
        return
    with raw.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Values as SQLite keeps them: moments are text without a zone."""
    return tuple(
        one.replace(tzinfo=None).isoformat(" ", "microseconds") if isinstance(one, datetime) else one for one in row
    )


def _leads(office: Office, people: list[tuple[int, int]], count: int, seed: int) -> Iterator[tuple[Any, ...]]:
    rnd = random.Random(seed)
    catalog = office.catalog
    pipeline = catalog.default_pipeline.id
    stages = catalog.stages_of(pipeline)
    open_ids = [s.id for s in stages if s.is_step and not s.is_converted]
    won = next(s.id for s in stages if s.is_converted)
    lost = next(s.id for s in stages if s.is_lost)
    parked = next(s.id for s in stages if s.is_parked)
    sources = [s.id for s in catalog.sources]
    reasons = [r.id for r in catalog.lost_reasons]
    boss = office.actor.user_id
    now = datetime.now(UTC).replace(microsecond=0)
    span_s = MONTHS * 30.4 * 86_400
    user_shares = [1 / (n + 4) for n in range(len(people))]
    for i in range(1, count + 1):
        # More in later months, as offices grow.
        created = now - timedelta(seconds=int(span_s * (1 - (i / count) ** 0.7)))
        age_days = (now - created).total_seconds() / 86_400
        settled = rnd.random() < 0.85 * min(1, age_days / 60)
        stage, converted, lost_at, reason = rnd.choices(open_ids, (4, 3, 2, 1))[0], None, None, None
        changed = created + timedelta(days=min(age_days, rnd.expovariate(1 / 12)))
        if settled:
            what = rnd.random()
            if what < 0.3:
                stage, converted = won, changed
            elif what < 0.85:
                stage, lost_at = lost, changed
                reason = rnd.choice(reasons) if rnd.random() < 0.8 else None
            else:
                stage = parked
        user, branch = rnd.choices(people, user_shares)[0] if rnd.random() < 0.96 else (None, None)
        fees = (250_000, rnd.choice((149_900, 199_900, 349_900))) if rnd.random() < 0.6 else (None, None)
        due = None
        if not settled and rnd.random() < 0.7:
            due = now + timedelta(days=rnd.randrange(-12, 20))
        phone = f"+2547{i:08d}"
        name = f"{FIRST[i % len(FIRST)]} {LAST[i // 7 % len(LAST)]}"
        yield (
            i, f"LD-{created:%Y%m}-{i:07d}", name, name.lower(), phone, phone, pipeline, stage, changed,
            rnd.choices(sources, (5, 3, 2, 4, 4, 1))[0] if rnd.random() < 0.98 else None, user, branch, *fees, None,
            due, True, converted, lost_at, reason, None if lost_at is None else "said so",
            rnd.randrange(0, 101), False, False, boss, boss, created, changed,
            now if rnd.random() < 0.01 else None, 1,
        )  # fmt: skip


def _changes(raw: Any, office: Office) -> list[tuple[Any, ...]]:
    """How far each lead got: one row of history tells it."""
    rnd = random.Random(9)
    steps = [s.id for s in office.catalog.stages_of(office.catalog.default_pipeline.id) if s.is_step]
    boss = office.actor.user_id
    rows = _read(raw, "SELECT id, stage_id, stage_changed_at FROM lead")
    return [
        (lead_id, stage if stage in steps else rnd.choices(steps[:-1], (4, 3, 2, 1))[0], boss, at)
        for lead_id, stage, at in rows
    ]


def _router_users(raw: Any) -> list[tuple[Any, ...]]:
    return [
        (1, lead_id, f"u{lead_id}", "pppoe", f"t{lead_id}", "active", at)
        for lead_id, at in _read(raw, "SELECT id, converted_at FROM lead WHERE converted_at IS NOT NULL")
        if lead_id % 10 < 9
    ]


def _read(raw: Any, query: str) -> list[tuple[Any, ...]]:
    cursor = raw.cursor()
    cursor.execute(query)
    found: list[tuple[Any, ...]] = cursor.fetchall()
    cursor.close()
    return found
