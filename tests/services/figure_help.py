"""Figures counted slowly: every lead read and looked at in plain Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from leadtui.domain.catalog import Catalog
from leadtui.domain.figures import Question
from leadtui.services.figure_cells import condition, read
from leadtui.services.figures import Figures, ask
from leadtui.services.leads import as_filter
from leadtui.services.office import Office
from leadtui.store import leads as queries
from leadtui.store import schema as t


def check(office: Office, question: Question) -> Figures:
    """Every figure is what opening it lists, and what a slow recount says; answers them."""
    found = ask(office, question)
    with office.read() as tx:
        rows = [dict(row) for row in tx.conn.execute(select(t.lead)).mappings()]
        wanted = set(tx.conn.execute(select(t.lead.c.id).where(condition(tx, read(tx, question)))).scalars())
        assert all(row["deleted_at"] is None for row in rows if row["id"] in wanted)
        changes = tx.conn.execute(select(t.stage_change.c.lead_id, t.stage_change.c.to_stage_id)).all()
        made = tx.conn.execute(select(t.router_user.c.lead_id, t.router_user.c.created_at)).all()
        slow = recount([row for row in rows if row["id"] in wanted], changes, made, tx.catalog, tx.now, question)
        listed: dict[str, list[int]] = {}
        for figure in found.every():
            assert (figure.value or 0) == slow.get(figure.key, 0), (question, figure)
            if figure.filter not in listed:
                order = queries.Order("id", False)
                node = as_filter(office, figure.filter)
                listed[figure.filter] = queries.page_ids(tx, node, order, limit=None, action="stats")
            opened = listed[figure.filter]
            assert set(opened) <= wanted, (question, figure)
            if figure.unit == "leads":
                assert figure.value == len(opened), (question, figure)
            elif figure.unit == "minor":
                assert figure.value == _money(figure.key, [row for row in rows if row["id"] in opened], tx.catalog)
    shown = {figure.key for figure in found.every()}
    missed = {key for key, n in slow.items() if n and key not in shown and key.partition(":")[0] not in _BY_TIME}
    assert not missed or office.actor.hidden_fields, (question, missed)
    return found


_BY_TIME = {"created", "converted", "activated"}
"""Months of other years are not shown."""


def recount(
    leads: Sequence[dict[str, Any]],
    changes: Sequence[Any],
    made: Sequence[Any],
    catalog: Catalog,
    now: datetime,
    question: Question,
) -> dict[str, Any]:
    """All figures of these leads by key."""
    n: Counter[str] = Counter()
    stages, tz = catalog.stage_by_id, catalog.tz
    today = now.astimezone(tz).date()
    days: list[float] = []
    for lead in leads:
        stage = stages[lead["stage_id"]]
        is_open = not stage.is_converted and not stage.is_lost
        created, since = lead["created_at"].astimezone(tz).date(), lead["stage_changed_at"].astimezone(tz).date()
        due = lead["next_follow_up_at"]
        keys = ["total", f"created:{created:%Y-%m}"]
        keys += ["new"] * ((created.year, created.month) == (today.year, today.month))
        before = today.replace(day=1) - timedelta(days=1)
        keys += ["new_before"] * ((created.year, created.month) == (before.year, before.month))
        late = due is not None and due.astimezone(tz).date() < today
        keys += ["overdue"] * late
        what = "converted" if stage.is_converted else "lost" if stage.is_lost else "open"
        keys.append(what)
        keys.append(f"status:{_first_of_name(catalog, stage.name, leads, question)}")
        for noun, row_id in (("source", lead["source_id"] or 0), ("agent", lead["assigned_to_id"] or 0)):
            keys += [f"{noun}:{row_id}", f"{noun}:{row_id}:{what}"]
        keys += [f"agent:{lead['assigned_to_id'] or 0}:overdue"] * late
        if stage.is_lost:
            keys.append(f"reason:{lead['lost_reason_id'] or 0}")
        if is_open:
            old = (today - since).days
            keys.append(f"age:{0 if old <= 0 else 1 if old <= 3 else 2 if old <= 7 else 3 if old <= 30 else 4}")
            limit = stage.sla_hours if not stage.is_parked else None
            keys += ["rotting"] * bool(limit and now - lead["stage_changed_at"] > timedelta(hours=limit or 0))
        if stage.is_converted and lead["converted_at"] is not None:
            keys.append(f"converted:{lead['converted_at'].astimezone(tz):%Y-%m}")
            days.append((lead["converted_at"] - lead["created_at"]).total_seconds() / 86_400)
        first = min((at for lead_id, at in made if lead_id == lead["id"]), default=None)
        if first is not None:
            keys.append(f"activated:{first.astimezone(tz):%Y-%m}")
        was = [stages[to] for lead_id, to in changes if lead_id == lead["id"]]
        steps = [s for s in was if not s.is_lost and not s.is_parked]
        if steps:
            far = max(steps, key=lambda s: s.order)
            keys += [
                f"reached:{s.id}" for s in catalog.stages_of(far.pipeline_id)
                if not s.is_lost and not s.is_parked and s.order <= far.order
            ]  # fmt: skip
        n.update(keys)
    found: dict[str, Any] = dict(n)
    found["rate"] = round(100 * n["converted"] / n["total"], 1) if n["total"] else 0.0
    found["new_change"] = round((n["new"] - n["new_before"]) * 100 / n["new_before"], 1) if n["new_before"] else 0
    found["days_to_convert"] = round(sum(days) / len(days), 1) if days else 0
    for key in ("revenue_installation", "revenue_monthly"):
        found[key] = _money(key, [one for one in leads if stages[one["stage_id"]].is_converted], catalog)
    for key in ("value", "forecast"):
        found[key] = _money(key, leads, catalog)
    return found


def _first_of_name(catalog: Catalog, name: str, leads: Sequence[dict[str, Any]], question: Question) -> int:
    """The status under which all of this name are counted: the first in the order of the pipelines in use."""
    own = {catalog.find_pipeline(question.pipeline).id} if question.pipeline else set()
    used = own or {catalog.stage_by_id[one["stage_id"]].pipeline_id for one in leads} | {catalog.default_pipeline.id}
    for pipeline in sorted(catalog.pipelines, key=lambda one: (not one.is_default, one.id)):
        for stage in catalog.stages_of(pipeline.id) if pipeline.id in used else ():
            if stage.name == name:
                return stage.id
    raise AssertionError(name)


def _money(key: str, leads: Sequence[dict[str, Any]], catalog: Catalog) -> int:
    if key.startswith("revenue_"):
        column = f"{key.removeprefix('revenue_')}_fee_minor"
        return sum(one[column] or 0 for one in leads)
    by_stage: Counter[int] = Counter()
    for one in leads:
        fee, monthly = one["installation_fee_minor"], one["monthly_fee_minor"]
        agreed = fee is not None or monthly is not None
        by_stage[one["stage_id"]] += (fee or 0) + 12 * (monthly or 0) if agreed else one["budget_minor"] or 0
    chosen = {i: v for i, v in by_stage.items() if not (catalog.stage_by_id[i].is_converted or
                                                         catalog.stage_by_id[i].is_lost)}  # fmt: skip
    if key == "value":
        return sum(chosen.values())
    return sum(int(v * round(catalog.stage_by_id[i].probability * 10_000) / 10_000 + 0.5) for i, v in chosen.items())
