"""Campaigns through their services: written, rehearsed, begun with their count, fixed, settled (spec §P, AJ14)."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from leadtui.domain.campaigns import CampaignRow
from leadtui.errors import EditedElsewhere, FilterError, IllegalMove, Invalid, NotFound, NotPermitted, Refused
from leadtui.services import (
    audience,
    campaign_due,
    campaigns,
    freezing,
    history,
    leads,
    lifecycle,
    messages,
    rehearsal,
    suppressions,
    templates,
)
from leadtui.services import settings as office_settings
from leadtui.services.office import Office
from leadtui.store import schema as t

from .lead_help import ONE_ENGINE, acting_as, add, add_users

NOON = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
MoveClock = Callable[[datetime], None]


@pytest.fixture(autouse=True)
def _friday(frozen_clock: MoveClock) -> None:
    """Friday 20 November 2026, noon in Nairobi."""


def make(office: Office, text: str = "Hi {first_name|there}", **values: Any) -> CampaignRow:
    """A draft."""
    return campaigns.create(office, {"name": "Fibre", "template": text, **values}).campaign


def some(office: Office, count: int = 3) -> list[int]:
    """Leads with a name and a phone."""
    return [add(office, f"07220001{n:02}", name=f"Jane {n}") for n in range(count)]


def step(office: Office, limit: int = 2_000) -> dict[str, int]:
    """What campaigns do by themselves, once."""
    return dict(campaign_due.step(office, limit=limit, may_go_on=lambda: True))


def set_state(office: Office, state: str, *ids: int) -> None:
    """What the engine would write: this many messages got so far."""
    with office.store.write(lambda catalog: office.actor, "test") as tx:
        wanted = t.message.c.id.in_(ids) if ids else t.message.c.state == "pending"
        tx.conn.execute(update(t.message).where(wanted).values(state=state, sending_at=tx.now))


# -- writing ---------------------------------------------------------------------------------------------------------
def test_a_campaign_is_written_with_its_defaults_and_edited_while_it_is_a_draft(office: Office) -> None:
    made = make(office)
    assert (made.status, made.channel, made.per_minute, made.auto_retry, made.max_retries) == (
        "draft",
        "file",
        60,
        True,
        3,
    )
    assert made.can_execute and not made.can_pause and made.moves == ("scheduled", "active", "cancelled")
    done = campaigns.edit(
        office, made.id,
        {"name": "Fibre 2", "per_minute": "30", "retries": 0, "no_retry": True, "where": "status:new", "daily": "50",
         "quiet_hours": "22:00-06:00"},
        version=made.version,
    ).campaign  # fmt: skip
    assert (done.name, done.per_minute, done.max_retries, done.auto_retry, done.daily_unique) == (
        "Fibre 2",
        30,
        0,
        False,
        50,
    )
    assert done.criteria == {"all": [{"field": "status", "op": "eq", "value": "new"}]}
    with pytest.raises(EditedElsewhere):
        campaigns.edit(office, made.id, {"name": "late"}, version=made.version)
    back = campaigns.edit(office, made.id, {"where": "", "daily": "", "quiet_hours": "never"}).campaign
    assert (back.where, back.criteria, back.daily_unique, back.quiet_hours) == (None, None, None, "")
    assert campaigns.get(office, "Fibre 2").id == made.id
    assert campaigns.list_all(office, words="fibre file")[0] == 1
    assert campaigns.list_all(office, status="active")[0] == 0


@ONE_ENGINE
@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"), ({"template": ""}, "template"), ({"template": "{nmae}"}, "template"),
        ({"channel": "pigeon"}, "channel"), ({"per_minute": "0"}, "per_minute"), ({"per_minute": "many"}, "per_minute"),
        ({"retries": "99"}, "retries"), ({"quiet_hours": "25:00-1"}, "quiet_hours"), ({"criteria": "{"}, "criteria"),
        ({"criteria": '{"status_id": 99}'}, "criteria"), ({"where": "name:x", "criteria": "{}"}, "criteria"),
        ({"attachment": "/nowhere"}, "attachment"), ({"at": "someday"}, "at"), ({"subject": "{oops}"}, "subject"),
        ({"template_name": "gone"}, "template"), ({"colour": "red"}, "colour"), ({"name": "x" * 256}, "name"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_field(office: Office, values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        campaigns.create(office, {"name": "Fibre", "template": "Hi", **values})
    assert refused.value.field == field
    assert campaigns.list_all(office)[0] == 0


@ONE_ENGINE
def test_a_filter_that_names_nothing_is_refused_when_it_is_written(office: Office) -> None:
    with pytest.raises(FilterError):
        make(office, where="status:nowhere")


def test_the_short_form_of_criteria_is_rewritten(office: Office) -> None:
    ids = some(office, 2)
    leads.edit(office, ids[0], {"priority": "high"})
    stage = next(s.id for s in office.catalog.stages if s.name == "New")
    source = office.catalog.find_source("Website").id
    made = make(office, criteria={"priority": "high", "status_id": [stage], "source_id": source})
    assert made.criteria == {"all": [
        {"field": "priority", "op": "eq", "value": "high"}, {"field": "status", "op": "in", "value": ["New"]},
        {"field": "source", "op": "eq", "value": "Website"},
    ]} or made.where  # fmt: skip
    assert rehearsal.rehearse(office, made.id).to_send == 1
    assert rehearsal.rehearse(office, {"name": "x", "template": "Hi", "where": made.where}).to_send == 1


def test_copy_delete_and_undo(office: Office) -> None:
    made = make(office, where="status:new", per_minute=7)
    twin = campaigns.copy(office, made.id)
    assert (twin.campaign.name, twin.campaign.where, twin.campaign.per_minute) == ("Copy of Fibre", "status:new", 7)
    assert history.undo(office, twin.batch).restored == 1
    with pytest.raises(NotFound):
        campaigns.get(office, twin.campaign.id)
    changed = campaigns.edit(office, made.id, {"name": "Other", "at": "+2h"})
    assert changed.campaign.is_scheduled
    history.undo(office, changed.batch)
    again = campaigns.get(office, made.id)
    assert (again.name, again.status, again.scheduled_at) == ("Fibre", "draft", None)
    gone = campaigns.delete(office, made.id)
    assert campaigns.list_all(office)[0] == 0
    history.undo(office, gone.batch)
    assert campaigns.get(office, made.id).name == "Fibre"


@ONE_ENGINE
def test_what_was_begun_is_not_taken_back(office: Office) -> None:
    some(office)
    done = campaigns.create(office, {"name": "Fibre", "template": "Hi"})
    campaigns.start(office, done.campaign.id)
    assert history.undo(office, done.batch).refused[0].error.startswith("changed since: start by boss")
    assert campaigns.get(office, done.campaign.id).is_active


# -- who ---------------------------------------------------------------------------------------------------------------
def test_the_rehearsal_says_who_is_left_out_and_why(office: Office) -> None:
    ids = some(office, 6)
    leads.edit(office, ids[1], {"consent": "refused"})
    suppressions.add(office, "0722000102")
    lifecycle.lose(office, ids[3], "too dear")
    leads.edit(office, ids[4], {"name": ""})
    office_settings.set_setting(office, "phone_unique", "warn")
    leads.create(office, {"phone": "0722000100", "source": "Website", "name": "Twin"}, allow_duplicate=True)
    made = make(office, "Hi {name}")
    told = rehearsal.rehearse(office, made.id)
    assert (told.found, told.to_send) == (6, 2)
    assert told.by_reason == {"refused": 1, "suppressed": 1, "missing_value": 1, "duplicate": 1}
    assert told.missing == {"name": 1} and len(told.missing_leads) == 1
    assert [one.text for one in told.samples] == ["Hi Jane 0", "Hi Jane 5"]
    assert "lack a value" in told.problems[0]
    assert rehearsal.leads_of(office, made.id, "refused") == (ids[1],)
    assert rehearsal.leads_of(office, made.id, "missing") == (ids[4],)
    assert told.as_json()["total_leads"] == 2


@ONE_ENGINE
def test_parked_leads_are_in_and_lost_ones_are_out(office: Office) -> None:
    ids = some(office, 2)
    lifecycle.set_status(office, ids[0], "Future Prospect", reason="later")
    counted = audience.count(office, "")
    assert counted is not None and (counted.found, counted.to_send) == (2, 2)
    lifecycle.lose(office, ids[0], "no")
    counted = audience.count(office, "name:jane")
    assert counted is not None and counted.found == 1
    assert audience.count(office, "", should_stop=lambda: True) is None


@ONE_ENGINE
def test_only_leads_and_campaigns_within_the_scope_of_who_runs_it(office: Office) -> None:
    add_users(office, "ann:director", "jo:agent")
    some(office, 2)
    made = make(office)
    with acting_as(office, "jo") as jo:
        with pytest.raises(NotPermitted):
            campaigns.list_all(jo)
        with pytest.raises(NotPermitted):
            make(jo)
        with pytest.raises(NotPermitted):
            audience.count(jo, "")
    with office.write() as tx:
        tx.conn.execute(
            update(t.permission)
            .where(
                t.permission.c.action.in_(["campaign"]), t.permission.c.role_id == office.catalog.find_role("agent").id
            )
            .values(scope="own")
        )
        tx.catalog_changed()
    mine = leads.create(office, {"phone": "0733000555", "source": "Website", "name": "Mine"}).lead
    lifecycle.assign(office, mine.id, "jo")
    with acting_as(office, "jo") as jo:
        assert campaigns.list_all(jo)[0] == 0
        with pytest.raises(NotFound):
            campaigns.start(jo, made.id)
        own = make(jo, name="Own")
        assert campaigns.start(jo, own.id).campaign.counters.total == 1
    with acting_as(office, "ann") as ann:
        assert campaigns.list_all(ann)[0] == 2


@ONE_ENGINE
def test_the_values_are_written_as_a_person_writes_them(office: Office) -> None:
    lead = leads.create(office, {
        "phone": "0722000111", "source": "Website", "name": "Dr. Amina Otieno", "monthly_fee": "1999",
        "installation_fee": "2500.50", "follow_up": "2026-11-27 14:00", "custom.plan": "Gold", "assigned_to": "boss",
    }).lead  # fmt: skip
    text = "{first_name}|{monthly_fee}|{total_amount}|{follow_up}|{custom.plan}|{agent}|{agent_phone|none}|{company|us}"
    assert rehearsal.preview(office, text, lead.id).text == (
        "Amina|KES 1,999|KES 4,499.50|Fri 27 Nov, 14:00|Gold|boss|none|us"
    )
    assert audience.values_of(office, lead.number, "{name}") == {"name": "Dr. Amina Otieno"}
    assert rehearsal.preview(office, "{email}", lead.id).missing == ("email",)


# -- start -------------------------------------------------------------------------------------------------------------
def test_the_start_asks_for_the_count_and_fixes_who_gets_what(office: Office) -> None:
    ids = some(office)
    leads.edit(office, ids[2], {"consent": "refused"})
    made = make(office, "Hi {first_name}", out="x.jsonl")
    with pytest.raises(Refused) as refused:
        campaigns.start(office, made.id, confirm=3)
    assert (refused.value.code, refused.value.data["count"]) == ("count_differs", 2)
    assert campaigns.get(office, made.id).is_draft
    assert campaigns.start(office, made.id, confirm=2, dry_run=True).campaign.is_draft
    seen: list[tuple[int, int]] = []
    done = campaigns.start(office, made.id, confirm=2, on_progress=lambda *at: seen.append(at)).campaign
    assert (done.status, done.counters.total, done.counters.pending, done.counters.skipped) == ("active", 2, 2, 1)
    assert done.frozen_at is not None and seen[-1] == (3, 3)
    assert done.eta is not None
    add(office, "0733000999", name="Late")
    assert step(office) == {}
    total, rows = campaigns.recipients(office, made.id)
    assert [(r.lead_name, r.status, r.reason) for r in rows] == [
        ("Jane 0", "pending", None), ("Jane 1", "pending", None), ("Jane 2", "skipped", "refused"),
    ]  # fmt: skip
    assert total == 3
    assert messages.get(office, rows[0].message_id).row.body == "Hi Jane"
    leads.edit(office, ids[0], {"name": "Renamed"})
    assert messages.get(office, rows[0].message_id).row.body == "Hi Jane"
    with pytest.raises(IllegalMove):
        campaigns.start(office, made.id)
    with pytest.raises(IllegalMove):
        campaigns.edit(office, made.id, {"name": "late"})
    with pytest.raises(IllegalMove) as move:
        campaigns.cancel(office, made.id)
    assert "paused or completed" in (move.value.hint or "")
    with pytest.raises(Refused):
        campaigns.delete(office, made.id)


def test_missing_values_block_the_start_unless_they_are_left_out(office: Office) -> None:
    some(office, 2)
    add(office, "0733000111")
    made = make(office, "Hi {name}")
    with pytest.raises(Refused) as refused:
        campaigns.start(office, made.id)
    assert refused.value.code == "missing_values"
    assert refused.value.data["count"] == 1 and refused.value.data["by_field"] == {"name": 1}
    assert refused.value.data["examples"][0] in (refused.value.hint or "")
    done = campaigns.start(office, made.id, confirm=2, skip_missing=True).campaign
    assert (done.counters.total, done.counters.skipped) == (2, 1)
    assert campaigns.skip_reasons(office, made.id) == {"missing_value": 1}
    with pytest.raises(Refused) as empty:
        campaigns.start(office, make(office, where="name:nobody").id)
    assert empty.value.code == "empty_audience"


@ONE_ENGINE
def test_a_value_with_braces_is_sent_as_it_is(office: Office) -> None:
    add(office, "0722000111", name="{phone} {x")
    made = make(office, "Hi {name}")
    campaigns.start(office, made.id)
    row = campaigns.recipients(office, made.id)[1][0]
    assert messages.get(office, row.message_id).row.body == "Hi {phone} {x"


def test_a_freeze_that_broke_off_is_gone_on_with_exactly(
    office: Office, frozen_clock: MoveClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freezing, "FIRST", 2)
    monkeypatch.setattr(freezing, "MOST", 2)
    ids = some(office, 7)
    made = make(office)
    half = campaigns.start(office, made.id, should_stop=lambda: bool(campaigns.recipient_states(office, made.id)))
    assert half.campaign.is_freezing and half.campaign.counters.total == 2
    assert step(office) == {}, "whoever began it may still be at it"
    frozen_clock(NOON + timedelta(minutes=1))
    assert step(office, limit=2)["audience"] == 2
    assert step(office, limit=2)["audience"] == 2, "it is the worker's now: it does not wait again"
    assert step(office)["audience"] == 1
    done = campaigns.get(office, made.id)
    assert done.frozen_at == NOON + timedelta(minutes=1)
    assert [one.lead_id for one in campaigns.recipients(office, made.id)[1]] == ids
    assert freezing.freeze(office, made.id).leads == 0


def test_two_that_freeze_at_once_write_each_lead_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freezing, "FIRST", 2)
    monkeypatch.setattr(freezing, "MOST", 2)
    ids = some(office, 6)
    made = make(office)
    real = freezing._write
    raced: list[bool] = []

    def write(*args: Any, **options: Any) -> float:
        if not raced:
            raced.append(True)
            freezing.freeze(office, made.id, most=2)  # somebody else comes first
        return real(*args, **options)

    monkeypatch.setattr(freezing, "_write", write)
    campaigns.start(office, made.id)
    assert [one.lead_id for one in campaigns.recipients(office, made.id)[1]] == ids
    assert campaigns.get(office, made.id).frozen_at is not None


# -- by itself ---------------------------------------------------------------------------------------------------------
def test_a_scheduled_campaign_begins_once_and_ends_when_all_is_settled(office: Office, frozen_clock: MoveClock) -> None:
    some(office, 4)
    made = make(office, at="+1h")
    assert step(office) == {} and made.is_scheduled
    frozen_clock(NOON + timedelta(hours=1))
    assert step(office)["campaigns_started"] == 1
    assert "campaigns_started" not in {k for k, v in step(office).items() if v}
    ids = [one.message_id for one in campaigns.recipients(office, made.id)[1]]
    set_state(office, "sent", *ids[:2])
    set_state(office, "unknown", ids[2])
    set_state(office, "handed_off", ids[3])
    assert not step(office).get("campaigns_finished"), "one still asks whether it went"
    set_state(office, "read", ids[3])
    assert step(office)["campaigns_finished"] == 1
    done = campaigns.get(office, made.id)
    assert done.is_completed and done.completed_at == NOON + timedelta(hours=1)
    assert (done.counters.sent, done.counters.read, done.counters.unknown, done.counters.pending) == (3, 1, 1, 0)
    with office.read() as tx:
        told = tx.conn.execute(select(t.notification.c.text).order_by(t.notification.c.id)).scalars().all()
    assert told == ["Campaign 'Fibre' has begun: 4 messages", "Campaign 'Fibre' is done: 3 of 4 sent, 1 unknown"]


@ONE_ENGINE
@pytest.mark.parametrize(
    ("values", "reason"),
    [({}, "missed"), ({"template": "Hi {name}"}, "missing_values"), ({"where": "name:nobody"}, "empty_audience")],
)
def test_a_start_that_cannot_be_stands_still_and_its_owner_is_told(
    office: Office, frozen_clock: MoveClock, values: dict[str, str], reason: str
) -> None:
    some(office, 1)
    add(office, "0733000111")
    made = campaigns.create(office, {"name": "Fibre", "template": "Hi", "at": "+1h", **values}).campaign
    frozen_clock(NOON + timedelta(hours=4 if reason == "missed" else 1))
    assert step(office) == {"campaigns_held": 1}
    now = campaigns.get(office, made.id)
    assert (now.status, now.pause_reason, now.counters.total) == ("paused", reason, 0)
    assert now.why_paused and not now.can_resume
    with office.read() as tx:
        assert tx.conn.execute(select(t.notification.c.text)).scalar_one().startswith("Campaign 'Fibre' did not begin")
    with pytest.raises(Refused):
        campaigns.resume(office, made.id)
    if reason == "missed":
        assert campaigns.start(office, made.id, confirm=2).campaign.is_active


@ONE_ENGINE
def test_who_may_no_more_run_campaigns_starts_none(office: Office, frozen_clock: MoveClock) -> None:
    add_users(office, "ann:director")
    some(office, 1)
    with acting_as(office, "ann") as ann:
        made = make(ann, at="+1h")
    from leadtui.services import admin

    admin.set_user_active(office, "ann", False)
    frozen_clock(NOON + timedelta(hours=1))
    step(office)
    now = campaigns.get(office, made.id)
    assert (now.status, now.pause_reason) == ("paused", "not_permitted")


def test_pause_go_on_and_call_off(office: Office) -> None:
    some(office)
    made = make(office)
    campaigns.start(office, made.id)
    ids = [one.message_id for one in campaigns.recipients(office, made.id)[1]]
    set_state(office, "sent", ids[0])
    assert campaigns.pause(office, made.id, "the offer changed").campaign.why_paused == "the offer changed"
    assert not step(office).get("campaigns_finished")
    assert campaigns.resume(office, made.id).campaign.is_active
    campaigns.pause(office, made.id)
    off = campaigns.cancel(office, made.id).campaign
    assert (off.status, off.counters.total, off.counters.sent, off.counters.skipped) == ("cancelled", 1, 1, 2)
    for act in (campaigns.resume, campaigns.pause, campaigns.cancel, campaigns.start, campaigns.unschedule):
        with pytest.raises(IllegalMove):
            act(office, made.id)


def test_failures_are_tried_again_and_what_is_unknown_is_settled(office: Office) -> None:
    some(office)
    made = make(office)
    campaigns.start(office, made.id)
    ids = [one.message_id for one in campaigns.recipients(office, made.id)[1]]
    set_state(office, "failed", ids[0])
    with office.write() as tx:
        tx.conn.execute(update(t.message).where(t.message.c.id == ids[0]).values(reason="network", error="no answer"))
    set_state(office, "unknown", *ids[1:])
    assert campaigns.errors(office, made.id)[0][0] in {"no answer", "?"}
    assert step(office)["campaigns_finished"] == 1
    assert campaigns.resolve(office, made.id, [ids[1]], True).count == 1
    assert campaigns.resolve(office, made.id, None, False).count == 1
    counted = campaigns.get(office, made.id).counters
    assert (counted.sent, counted.failed, counted.unknown) == (1, 2, 0)
    assert campaigns.retry_failed(office, made.id, [ids[0]]).count == 1
    now = campaigns.get(office, made.id)
    assert now.is_active and now.completed_at is None and now.counters.waiting == 1
    with pytest.raises(Invalid):
        campaigns.retry_failed(office, made.id, [999])
    set_state(office, "failed", *ids[:2])
    with office.write() as tx:
        tx.conn.execute(update(t.message).where(t.message.c.id == ids[1]).values(reason="final"))
    assert campaigns.retry_failed(office, made.id, dry_run=True).count == 2, "what a provider refused is let alone"
    assert campaigns.retry_failed(office, made.id) == messages.Resolved(2)


@ONE_ENGINE
def test_a_message_tried_again_is_not_left_behind_by_its_campaign(office: Office) -> None:
    some(office, 1)
    made = make(office)
    campaigns.start(office, made.id)
    [only] = [one.message_id for one in campaigns.recipients(office, made.id)[1]]
    set_state(office, "failed", only)
    assert step(office)["campaigns_finished"] == 1
    assert messages.retry(office, [only]).count == 1
    assert not step(office).get("campaigns_finished") and campaigns.get(office, made.id).is_active
    set_state(office, "failed", only)
    campaigns.pause(office, made.id)
    campaigns.cancel(office, made.id)
    assert messages.retry(office, [only]).refused == ((only, "its campaign was called off"),)


# -- what is shown -----------------------------------------------------------------------------------------------------
def test_recipients_as_a_guarded_csv(office: Office, tmp_path: Path) -> None:
    add(office, "0722000111", name="=cmd()")
    made = make(office)
    campaigns.start(office, made.id)
    out = io.BytesIO()
    assert campaigns.recipients_csv(office, made.id, out) == 1
    head, line = out.getvalue().decode().splitlines()
    assert head.startswith("lead_number,lead_name,phone,address,status,reason,error")
    assert line.split(",")[1] == "'=cmd()" and line.split(",")[2].endswith("+254722000111")
    assert campaigns.recipients_file(office, made.id, tmp_path / "r.csv", state="sent") == 0
    assert campaigns.recipients(office, made.id, words="cmd")[0] == 1
    assert campaigns.recipients(office, made.id, state="in_hand")[0] == 0


@ONE_ENGINE
def test_a_file_goes_along_if_it_is_what_it_says(office: Office, tmp_path: Path) -> None:
    some(office, 1)
    picture = tmp_path / "offer.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 20)
    made = make(office, attachment=str(picture))
    assert (made.attachment_name, made.attachment_type, made.has_attachment) == ("offer.png", "image/png", True)
    picture.unlink()
    campaigns.start(office, made.id)
    kept = office.store.files / str(made.attachment_path)
    assert kept.is_file() and kept.name == "offer.png"
    false = tmp_path / "offer.jpg"
    false.write_bytes(b"%PDF-1.7 and so on")
    for path, words in ((false, "is called image/jpeg but is application/pdf"), (tmp_path / "no", "there is no file")):
        with pytest.raises(Invalid) as refused:
            make(office, attachment=str(path))
        assert words in refused.value.message
    with pytest.raises(Invalid):
        make(office, attachment=str(false), channel="sms")
    odd = tmp_path / "offer.pdf"
    odd.write_bytes(b"for a program of our own")
    assert make(office, attachment=str(odd)).attachment_type == "application/pdf"
    with pytest.raises(Invalid, match="is no application/pdf"):
        make(office, attachment=str(odd), channel="whatsapp_cloud")
    assert campaigns.edit(office, make(office).id, {"attachment": ""}).campaign.attachment_name is None


@ONE_ENGINE
def test_templates_are_kept_under_a_name_and_used(office: Office) -> None:
    some(office, 1)
    kept = templates.add(office, {"name": "welcome", "body": "Karibu {first_name|there}"})
    assert (kept.fields, kept.channel, kept.is_active) == (("first_name",), None, True)
    with pytest.raises(Refused):
        templates.add(office, {"name": "welcome", "body": "again"})
    with pytest.raises(Invalid) as refused:
        templates.edit(office, "welcome", {"body": "Hi {nmae}"})
    assert refused.value.field == "body"
    made = campaigns.create(office, {"name": "Fibre", "template_name": "welcome"}).campaign
    assert (made.template, made.template_name) == ("Karibu {first_name|there}", "welcome")
    templates.edit(office, "welcome", {"body": "Jambo"})
    assert campaigns.get(office, made.id).template == "Karibu {first_name|there}"
    templates.retire(office, kept.id)
    assert templates.list_all(office) == () and len(templates.list_all(office, retired=True)) == 1
    with pytest.raises(Invalid):
        campaigns.create(office, {"name": "Fibre", "template_name": "welcome"})
    assert json.dumps(rehearsal.rehearse(office, made.id).as_json(), default=str)
    history.undo(office)
    assert len(templates.list_all(office)) == 1


def test_a_large_audience_of_a_scheduled_one_is_fixed_without_a_pause(
    office: Office, frozen_clock: MoveClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FIRST", "LEAST", "MOST"):
        monkeypatch.setattr(freezing, name, 2)
    some(office, 7)
    made = make(office, at="+1h")
    frozen_clock(NOON + timedelta(hours=1))
    assert step(office, limit=2)["campaigns_started"] == 1
    while step(office, limit=2).get("audience"):
        pass
    now = campaigns.get(office, made.id)
    assert (now.frozen_at, now.counters.total) == (NOON + timedelta(hours=1), 7)


def test_many_rows_at_once_pass_over_what_is_there(office: Office) -> None:
    ids = some(office)
    campaign_id = make(office).id
    drafts = [
        messages.Draft("broadcast", "file", f"+25472200010{n}", "a{%s}:b", lead_id=one, campaign_id=campaign_id,
                       dedupe_key=f"k{n}", provider_json={"name": "ä"} if n else None)
        for n, one in enumerate(ids)
    ]  # fmt: skip
    with office.write() as tx:
        assert messages.enqueue_many(tx, drafts[:2]) == 2
        assert messages.enqueue_many(tx, drafts) == 1
        assert messages.enqueue_many(tx, drafts) == 0
        rows = tx.conn.execute(select(t.message).order_by(t.message.c.lead_id)).mappings().all()
    assert [(r["body"], r["provider_json"], r["direction"], r["retry_count"], r["is_urgent"]) for r in rows] == [
        ("a{%s}:b", {"name": "ä"} if n else None, "out", 0, False) for n in range(3)
    ]
    assert all(r["created_at"] == NOON for r in rows)
