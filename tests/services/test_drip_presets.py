"""The drips and rules that come with each preset: exactly those of the documents, and the same from the migration."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import delete, select

from leadtui.services import admin, drips
from leadtui.services.office import Office, create_office
from leadtui.store import presets
from leadtui.store import schema as t
from leadtui.store.migrations import defaults_0004, defaults_0004_triggers


@pytest.mark.parametrize("preset", presets.PRESETS)
def test_every_preset_has_the_two_drips_as_drafts(preset: str, tmp_path: Any) -> None:
    office = create_office(str(tmp_path / "p.db"), preset=preset, admin="boss")
    assert {one.key: one.status for one in drips.list_all(office)} == {
        "new_lead_welcome": "draft", "future_prospect": "draft",
    }  # fmt: skip
    welcome = drips.show(office, "new_lead_welcome").steps
    assert [(one.delay_minutes, one.type, one.channel) for one in welcome] == [
        (0, "message", "whatsapp"), (48 * 60, "task", None), (120 * 60, "message", "whatsapp"),
    ]  # fmt: skip
    later = drips.show(office, "future_prospect").steps
    assert [(one.delay_minutes, one.type) for one in later] == [(720 * 60, "message"), (1440 * 60, "task")]
    office.close()


def test_real_estate_has_the_triggers_of_the_source(tmp_path: Any) -> None:
    office = create_office(str(tmp_path / "p.db"), preset="real-estate", admin="boss")
    found = [
        (one["event"], one["count"], one["within"], one["consecutive"], one["daily_for_days"], one["same"], one["key"])
        for one in admin.items(office, "trigger")
    ]
    assert found == [
        ("property_view", 3, "24h", None, None, None, "send_property_info_email"),
        ("email_open", None, None, 3, None, None, "increase_lead_score"),
        ("website_visit", None, None, None, 7, None, "schedule_call_task"),
        ("search_performed", 5, None, None, None, "criteria", "send_matching_properties"),
    ]
    assert admin.items(office, "trigger")[1]["points"] == 10
    office.close()


def test_presets_and_the_migration_say_the_same(sqlite_office: Office) -> None:
    for key in presets.PRESETS[1:]:
        admin.add_preset(sqlite_office, key)
    c, s, r = t.campaign.c, t.campaign_step.c, t.trigger.c

    def everything(conn: Any) -> list[Any]:
        columns = (c.key, c.name, c.description, c.channel, c.status, c.options_json, c.current_version)
        steps = (c.key, s.version, s.order, s.delay_minutes, s.type, s.channel, s.subject, s.body)
        joined = select(*steps).join(t.campaign, c.id == s.campaign_id)
        rules = (r.order, r.key, r.name, r.event, r.condition_json, r.action, r.params_json, r.cooldown_hours)
        return [
            conn.execute(select(*columns).order_by(c.key)).all(), conn.execute(joined.order_by(c.key, s.order)).all(),
            conn.execute(select(*rules).order_by(r.order)).all(),
        ]  # fmt: skip

    with sqlite_office.store.engine.begin() as conn:
        from_presets = everything(conn)
        conn.execute(delete(t.campaign))
        conn.execute(delete(t.trigger))
        for _ in range(2):  # the second time nothing is new
            defaults_0004.drips(conn, datetime.now(UTC))
            defaults_0004_triggers.triggers(conn)
        assert everything(conn) == from_presets
