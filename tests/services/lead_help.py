"""What tests of the lead services share: adding leads and users, and the whole content of tables for comparing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import select

from leadtui.services import admin, leads
from leadtui.services.office import Office, open_office
from leadtui.store import schema as t

ONE_ENGINE = pytest.mark.parametrize("db_url", ["sqlite"], indirect=True)
"""For tests of rules that know nothing of the database: once is enough."""

LEAD_TABLES = ("lead", "activity", "stage_change", "document", "lead_tag", "lead_product", "lead_custom")
"""All that a lead is made of."""


def add(office: Office, phone: str = "0722000111", **values: str) -> int:
    """A lead; its id."""
    return leads.create(office, {"phone": phone, "source": "Website", **values}).lead.id


def add_users(office: Office, *pairs: str, **more: str) -> None:
    """Users given as `login:role`."""
    for pair in pairs:
        login, role = pair.split(":")
        admin.add_user(office, {"login": login, "name": login.title(), "role": role, **more})


@contextmanager
def acting_as(office: Office, login: str) -> Iterator[Office]:
    """Somebody else at work in the same database."""
    other = open_office(office.store.url.render_as_string(hide_password=False), as_login=login)
    try:
        yield other
    finally:
        other.close()


def dump(
    office: Office, tables: Iterable[str] = LEAD_TABLES, *, but: Iterable[str] = ("lead.version", "lead.score_at")
) -> dict[str, list[str]]:
    """Every row of these tables, without the columns `but` ("table.column"), in an order of its own."""
    left_out = set(but)
    found: dict[str, list[str]] = {}
    with office.store.engine.connect() as conn:
        for name in tables:
            table = t.metadata.tables[name]
            columns: list[Any] = [c for c in table.columns if f"{name}.{c.name}" not in left_out]
            found[name] = sorted(str(tuple(row)) for row in conn.execute(select(*columns)))
    return found


def everything(office: Office) -> dict[str, list[str]]:
    """Every row of every table."""
    return dump(office, t.metadata.tables, but=())


def history_of(office: Office, lead_id: int) -> list[tuple[str, str | None]]:
    """The status history as (status, reason)."""
    return [(e.status, e.reason) for e in leads.get(office, lead_id).status_history]
