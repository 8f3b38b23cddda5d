"""Customers made before they could be searched: the upgrade fills what is searched, as services write it today."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from leadtui.domain.customers import search_text
from leadtui.store import migrate, migrations
from leadtui.store.types import UtcDateTime
from leadtui.store.unit_of_work import Store

PEOPLE = (
    ("José Müller", "JM@Example.ke", "+254722000111"), ("Åsa \u200bÑandu", None, None),
    ("Jane", "j@x.com", "+14155550123"),
)  # fmt: skip


def test_the_upgrade_fills_what_is_searched(db_url: str) -> None:
    if "://" not in db_url:
        Path(db_url).touch()
    store = Store(db_url)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with store.engine.connect() as conn, conn.begin():
        config.attributes["connection"] = conn
        command.upgrade(config, "0001")
        old = sa.MetaData()
        old.reflect(conn, only=["role", "user", "customer"])
        for table in old.tables.values():  # reflection knows no moments: as the program writes them
            for column in table.columns:
                if isinstance(column.type, sa.DateTime):
                    column.type = UtcDateTime()
        tables = old.tables
        conn.execute(tables["role"].insert().values(id=1, key="principal", name="Principal"))
        conn.execute(
            tables["user"]
            .insert()
            .values(id=1, login="boss", name="Boss", role_id=1, is_active=True, is_available=True, created_at=at)
        )
        for name, email, phone in PEOPLE:
            made = {"type": "Retail", "state": "active", "created_by_id": 1, "created_at": at}
            conn.execute(tables["customer"].insert().values(name=name, email=email, phone_e164=phone, **made))
    migrate.upgrade(store)
    with store.engine.connect() as conn:
        filled = conn.execute(sa.text("SELECT search_text FROM customer ORDER BY id")).scalars().all()
    store.close()
    assert filled == [search_text(*person) for person in PEOPLE]
    assert filled[0] == "jose muller\njm@example.ke\n254722000111 0722000111"
