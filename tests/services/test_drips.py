"""Drips: a step never twice, one at a time after a downtime, stopped by what happens to the lead (spec §Q, AJ8)."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from leadtui.domain.drips import parse_step
from leadtui.errors import Duplicate, IllegalMove, Invalid, NotFound, NotPermitted
from leadtui.services import automatic, drip_steps, drips, events, history, leads, lifecycle, suppressions
from leadtui.services.conversion import ConvertRequest, convert
from leadtui.services.office import Office, open_office
from tests.services import drip_help as h
from tests.services.lead_help import ONE_ENGINE, acting_as, add, add_users, dump

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("frozen_clock")
Clock = Callable[[datetime], None]


# -- one step after another --------------------------------------------------------------------------------------------
def test_each_step_once_its_delay_counted_from_the_one_before(office: Office, frozen_clock: Clock) -> None:
    lead_id = add(office, name="Amina Otieno")
    h.drip(office, "0h message: Hi {first_name}", "48h task: Call {name} | ask for the day", "1h message: Bye")
    assert drips.enroll(office, "welcome", [lead_id]).enrolled == 1
    assert h.steps_done(office) == 1
    assert h.written(office, lead_id) == ["Hi Amina"]
    before = dump(office, ("message", "enrollment", "activity", "lead", "audit"), but=())
    assert h.steps_done(office) == 0
    assert dump(office, ("message", "enrollment", "activity", "lead", "audit"), but=()) == before
    one = h.only(office, lead_id)
    assert (one.current_step, one.last_executed_at, one.next_run_at) == (1, NOW, NOW + timedelta(hours=48))
    assert one.next_step == "after 48h: task: Call {name}"
    late = NOW + timedelta(hours=70)
    frozen_clock(late)
    assert h.steps_done(office) == 1
    assert h.tasks(office, lead_id) == ["Call Amina Otieno"]
    assert leads.get(office, lead_id).row.next_follow_up is not None
    assert h.only(office, lead_id).next_run_at == late + timedelta(hours=1)
    frozen_clock(late + timedelta(hours=1))
    assert h.steps_done(office) == 1
    one = h.only(office, lead_id)
    assert (one.state, one.current_step, one.ended_at, one.next_run_at) == (
        "completed",
        3,
        late + timedelta(hours=1),
        None,
    )
    assert h.steps_done(office) == 0
    assert h.written(office, lead_id) == ["Hi Amina", "Bye"]


@ONE_ENGINE
def test_after_a_downtime_one_missed_step_and_the_next_after_its_delay(office: Office, frozen_clock: Clock) -> None:
    lead_id = add(office)
    h.drip(office, "1h message: one", "1h message: two", "1h message: three")
    drips.enroll(office, "welcome", [lead_id])
    back = NOW + timedelta(days=30)
    frozen_clock(back)
    assert [h.steps_done(office) for _ in range(3)] == [1, 0, 0]
    assert h.written(office, lead_id) == ["one"]
    assert h.only(office, lead_id).next_run_at == back + timedelta(hours=1)


def test_many_at_once_carry_out_each_step_once(office: Office) -> None:
    ids = [add(office, f"072200{n:04}") for n in range(12)]
    h.drip(office, "0h message: one", "0h task: Call", "0h message: two")
    drips.enroll(office, "welcome", ids)

    def run() -> None:
        for _ in range(4):
            drips.run_due(office, limit=100, may_go_on=lambda: True)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    while h.steps_done(office):
        pass
    assert h.count(office, h.MESSAGES) == 2 * len(ids)
    assert all(h.tasks(office, one) == ["Call"] for one in ids)
    assert {one.state for one in drips.enrollments(office)[1]} == {"completed"}


def test_killed_between_the_claim_and_the_set_the_step_is_done_by_the_next(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_id = add(office)
    h.drip(office, "0h message: one", "24h message: two")
    drips.enroll(office, "welcome", [lead_id])
    url = office.store.url.render_as_string(hide_password=False)
    office.store.engine.dispose()
    pid = os.fork()
    if pid == 0:  # it has claimed the row and written the message, and dies before it sets the step
        monkeypatch.setattr(drip_steps, "move", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        drips.run_due(open_office(url, as_login="boss"), limit=10, may_go_on=lambda: True)
        os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    assert h.written(office, lead_id) == []
    assert h.steps_done(office) == 1
    assert h.steps_done(office) == 0
    assert (h.written(office, lead_id), h.only(office, lead_id).current_step) == (["one"], 1)


@ONE_ENGINE
def test_a_message_waits_for_the_end_of_the_quiet_hours(office: Office, frozen_clock: Clock) -> None:
    lead_id = add(office)
    h.drip(office, "0h message: one", "1h message: two", quiet_hours="11:00-14:00")  # it is noon in Nairobi
    drips.enroll(office, "welcome", [lead_id])
    assert h.steps_done(office) == 1
    assert h.written(office, lead_id) == []
    opens = datetime(2026, 11, 20, 11, tzinfo=UTC)
    one = h.only(office, lead_id)
    assert (one.current_step, one.next_run_at, one.state) == (0, opens, "active")
    frozen_clock(opens)
    assert h.steps_done(office) == 1
    assert h.only(office, lead_id).next_run_at == opens + timedelta(hours=1)


@ONE_ENGINE
def test_a_missing_value_holds_the_lead_until_it_is_filled_in(office: Office) -> None:
    lead_id = add(office)
    h.drip(office, "0h message: Dear {name}")
    drips.enroll(office, "welcome", [lead_id])
    h.steps_done(office)
    one = h.only(office, lead_id)
    assert (one.state, one.reason, one.detail, one.current_step) == ("paused", "missing_value", "{name}", 0)
    assert h.written(office, lead_id) == []
    assert any("Welcome waits" in a.subject for a in leads.get(office, lead_id).activities)
    leads.edit(office, lead_id, {"name": "Ben"})
    drips.resume(office, "welcome", leads=[lead_id])
    h.steps_done(office)
    assert (h.written(office, lead_id), h.only(office, lead_id).state) == (["Dear Ben"], "completed")


@ONE_ENGINE
def test_who_may_not_be_written_to_is_not(office: Office) -> None:
    lead_id, other = add(office), add(office, "0722000222")
    h.drip(office, "1m message: Hi")
    suppressions.add(office, "+254722000222")
    result = drips.enroll(office, "welcome", [lead_id, other])
    assert (result.enrolled, [one["error"] for one in result.refused]) == (
        1,
        ["the address is on the suppression list"],
    )
    suppressions.add(office, "+254722000111")
    with office.as_system() as tx:
        tx.conn.execute(h.ENROLLMENTS.update().values(next_run_at=NOW))
    h.steps_done(office)
    one = h.only(office, lead_id)
    assert (one.state, one.reason) == ("paused", "lead_not_eligible")
    assert h.written(office, lead_id) == []


@ONE_ENGINE
def test_without_a_channel_a_person_gets_the_text_to_send(office: Office) -> None:
    lead_id = add(office, name="Amina")
    h.drip(office, "0h sms: Hello {name}", "24h task: Call")
    drips.enroll(office, "welcome", [lead_id])
    h.steps_done(office)
    (task,) = [one for one in leads.get(office, lead_id).activities if one.is_open]
    assert task.subject == "Send Amina a message by sms"
    assert (task.details or "").splitlines()[0].startswith("Not sent by itself: the office has no account")
    assert (task.details or "").endswith("Hello Amina")
    assert (h.written(office, lead_id), h.only(office, lead_id).current_step) == ([], 1)


# -- waiting -----------------------------------------------------------------------------------------------------------
@ONE_ENGINE
def test_waiting_for_a_time_of_day(office: Office, frozen_clock: Clock) -> None:
    lead_id = add(office)
    h.drip(office, "0h wait_until: mon-fri 09:00", "30m message: Good morning")
    drips.enroll(office, "welcome", [lead_id])
    h.steps_done(office)
    monday = datetime(2026, 11, 23, 6, tzinfo=UTC)
    assert h.only(office, lead_id).next_run_at == monday + timedelta(minutes=30)
    frozen_clock(monday + timedelta(minutes=30))
    h.steps_done(office)
    assert h.written(office, lead_id) == ["Good morning"]


@ONE_ENGINE
def test_waiting_for_a_status_or_a_filter_and_giving_up(office: Office, frozen_clock: Clock) -> None:
    came, tagged, never, on = (add(office, f"072200011{n}") for n in range(4))
    h.drip(office, "0h wait_until: status Interested within 2h", "0h message: there", name="a")
    h.drip(office, "0h wait_until: where tag:vip within 2h else stop", "0h message: there", name="b")
    drips.enroll(office, "a", [came, on])
    drips.enroll(office, "b", [tagged, never])
    h.steps_done(office)
    assert [h.only(office, one).next_run_at for one in (came, never)] == [NOW + timedelta(minutes=15)] * 2
    lifecycle.set_status(office, came, "Interested")
    lifecycle.tag(office, tagged, ["vip"])
    frozen_clock(NOW + timedelta(minutes=15))
    while h.steps_done(office):
        pass
    assert [h.written(office, one) for one in (came, tagged, never, on)] == [["there"], ["there"], [], []]
    frozen_clock(NOW + timedelta(hours=2))
    while h.steps_done(office):
        pass
    assert (h.only(office, never).state, h.only(office, never).reason) == ("stopped", "timeout")
    assert (h.written(office, never), h.written(office, on)) == ([], ["there"])


# -- what ends it ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("by_event", [True, False], ids=["by its event", "looked at before the step"])
def test_what_happens_to_the_lead_ends_it(office: Office, frozen_clock: Clock, by_event: bool) -> None:
    lost, deleted, refused, kept = (add(office, f"072200012{n}") for n in range(4))
    ids = [lost, deleted, refused, kept]
    h.drip(office, "0h message: one", "1h message: two")
    drips.enroll(office, "welcome", ids)
    h.steps_done(office)
    lifecycle.lose(office, lost, "moved away")
    lifecycle.delete(office, deleted)
    leads.edit(office, refused, {"consent": "refused"})
    if by_event:
        h.emit(office, "lead.opted_out", refused)
    else:
        frozen_clock(NOW + timedelta(hours=1))
        h.steps_done(office)
    lifecycle.restore(office, deleted)
    found = {one.lead_id: (one.state, one.reason) for one in drips.enrollments(office)[1]}
    last = ("active", None) if by_event else ("completed", None)
    assert found == {
        lost: ("stopped", "lost"), deleted: ("stopped", "deleted"), refused: ("stopped", "opt_out"), kept: last,
    }  # fmt: skip
    assert h.states(office, lost)[0] == "skipped"  # what waited to be sent is called off


@ONE_ENGINE
def test_an_answer_and_a_conversion_end_it(office: Office) -> None:
    answered, sold = add(office), add(office, "0722000222", name="Ben")
    h.drip(office, "0h message: one", "1h message: two")
    drips.enroll(office, "welcome", [answered, sold])
    h.steps_done(office)
    h.emit(office, "message.replied", answered)
    convert(office, sold, ConvertRequest())
    events.handle_open(office)
    assert [h.only(office, one).reason for one in (answered, sold)] == ["reply", "converted"]
    h.emit(office, "message.replied", answered)  # told twice
    assert h.only(office, answered).state == "stopped"


@ONE_ENGINE
def test_a_purge_takes_everything_with_it(office: Office) -> None:
    lead_id = add(office)
    h.drip(office, "0h message: one", "1h message: two")
    drips.enroll(office, "welcome", [lead_id])
    h.steps_done(office)
    drips.pause(office, "welcome", leads=[lead_id], reason="her mother is ill")
    lifecycle.delete(office, lead_id)
    lifecycle.purge(office, lead_id)
    events.handle_open(office)
    assert not any("mother" in one for one in dump(office, ("audit", "activity", "event"))["audit"])
    assert (h.count(office, h.ENROLLMENTS), h.count(office, h.MESSAGES)) == (0, 0)
    assert h.steps_done(office) == 0


# -- who is in it ------------------------------------------------------------------------------------------------------
def test_enrolled_once_again_only_where_it_is_said(office: Office) -> None:
    lead_id = add(office)
    h.drip(office, "0h message: one")
    assert drips.enroll(office, "welcome", [lead_id]).enrolled == 1
    assert drips.enroll(office, "welcome", [lead_id]).refused[0]["error"] == "is in this drip"
    assert drips.enroll(office, "welcome", [lead_id], again=True).enrolled == 0
    h.steps_done(office)
    assert "before" in drips.enroll(office, "welcome", [lead_id]).refused[0]["error"]
    assert drips.enroll(office, "welcome", [lead_id], again=True, dry_run=True).enrolled == 1
    assert len(drips.enrollments_of_lead(office, lead_id)) == 1
    assert drips.enroll(office, "welcome", [lead_id], again=True).enrolled == 1
    h.steps_done(office)
    assert h.written(office, lead_id) == ["one", "one"]


@ONE_ENGINE
def test_a_change_of_steps_is_for_those_who_come_later(office: Office, frozen_clock: Clock) -> None:
    early, late = add(office), add(office, "0722000222")
    h.drip(office, "0h message: one", "1h message: two")
    drips.enroll(office, "welcome", [early])
    h.steps_done(office)
    made = drips.edit(office, "welcome", steps=[parse_step("0h message: new")])
    assert (made.version, made.versions, dict(made.in_version)) == (2, (1, 2), {1: 1})
    assert made.warnings == ("1 leads that are in it go on with the steps they began with",)
    drips.enroll(office, "welcome", [late])
    frozen_clock(NOW + timedelta(hours=1))
    while h.steps_done(office):
        pass
    assert (h.written(office, early), h.written(office, late)) == (["one", "two"], ["new"])
    assert drips.edit(office, "welcome", {"name": "Hello"}, drips.show(office, "welcome").steps).version == 2


def test_leads_come_in_by_a_rule_once_and_an_undo_takes_it_back(office: Office) -> None:
    h.drip(office, "1h message: one", name="New", enroll="created", enroll_where="source:Website")
    h.drip(office, "1h message: two", name="Hot", enroll="status:Interested")
    lead_id = add(office)
    other = leads.create(office, {"phone": "0722000222", "source": "Referral"}).lead.id
    events.handle_open(office)
    assert [one.drip_key for one in drips.enrollments_of_lead(office, lead_id)] == ["new"]
    assert drips.enrollments_of_lead(office, other) == ()
    moved = lifecycle.set_status(office, lead_id, "Interested")
    events.handle_open(office)
    assert {one.drip_key for one in drips.enrollments_of_lead(office, lead_id)} == {"hot", "new"}
    assert history.undo(office, moved.batch).refused == ()
    found = {one.drip_key: one.reason for one in drips.enrollments_of_lead(office, lead_id)}
    assert found == {"hot": "undone", "new": None}
    lifecycle.set_status(office, lead_id, "Interested")
    events.handle_open(office)
    assert len(drips.enrollments_of_lead(office, lead_id)) == 2  # it was in it: a rule does not enroll it again


@ONE_ENGINE
def test_an_undo_takes_an_enrollment_back(office: Office) -> None:
    ids = [add(office), add(office, "0722000222")]
    h.drip(office, "0h message: one", "1h message: two")
    done = drips.enroll(office, "welcome", where="source:Website")
    assert (done.matched, done.enrolled) == (2, 2)
    h.steps_done(office)
    assert history.undo(office, done.batch).refused == ()
    assert {one.reason for one in drips.enrollments(office)[1]} == {"undone"}
    assert [h.states(office, one) for one in ids] == [["skipped"], ["skipped"]]
    edited = leads.edit(office, ids[0], {"name": "Ben"})
    drips.enroll(office, "welcome", [ids[0]], again=True)
    assert history.undo(office, edited.batch).refused == ()  # an enrollment hinders no undo of what came before


@ONE_ENGINE
def test_an_undo_of_what_ended_it_lets_it_go_on(office: Office) -> None:
    lost, deleted = add(office), add(office, "0722000222")
    h.drip(office, "0h message: one", "1h message: two")
    drips.enroll(office, "welcome", [lost, deleted])
    h.steps_done(office)
    acts = [lifecycle.lose(office, lost, "a slip"), lifecycle.delete(office, deleted)]
    events.handle_open(office)
    assert {one.state for one in drips.enrollments_of_lead(office, lost)} == {"stopped"}
    for act in acts:
        assert history.undo(office, act.batch).refused == ()
    for one in (lost, deleted):
        found = h.only(office, one)
        assert (found.state, found.reason, found.current_step) == ("active", None, 1)
        assert found.next_run_at == NOW + timedelta(hours=1)


# -- started, held, stopped --------------------------------------------------------------------------------------------
@ONE_ENGINE
def test_nothing_runs_in_a_draft_or_a_pause(office: Office) -> None:
    lead_id = add(office)
    h.drip(office, "0h message: one", "0h message: two", draft="yes")
    assert "draft" in drips.enroll(office, "welcome", [lead_id]).warnings[0]
    assert h.steps_done(office) == 0
    assert drips.resume(office, "welcome").status == "active"  # type: ignore[union-attr]
    assert h.steps_done(office) == 1
    drips.pause(office, "welcome", reason="prices change")
    assert h.steps_done(office) == 0
    with pytest.raises(IllegalMove):
        drips.pause(office, "welcome")
    drips.resume(office, "welcome")
    drips.pause(office, "welcome", leads=[lead_id])
    assert h.steps_done(office) == 0
    (resumed,) = drips.resume(office, enrollment=h.only(office, lead_id).id)  # type: ignore[misc]
    assert resumed.state == "active"
    assert drips.stop(office, "welcome").status_word == "stopped"  # type: ignore[union-attr]
    assert (h.only(office, lead_id).reason, h.states(office, lead_id)) == ("drip_stopped", ["skipped"])
    with pytest.raises(NotFound):
        drips.stop(office, "welcome", leads=[lead_id])
    drips.delete(office, "welcome")
    assert "welcome" not in {one.key for one in drips.list_all(office)}
    assert h.drip(office, "0h message: one").drip.key == "welcome_2"


@ONE_ENGINE
def test_a_step_that_cannot_be_carried_out_holds_only_its_lead(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = add(office), add(office, "0722000222")
    h.drip(office, "0h message: Hi")
    drips.enroll(office, "welcome", [one, two])
    usual = automatic.write

    def broken(tx: object, row: dict[str, int], *rest: object, **more: object) -> object:
        if row["id"] == one:
            raise RuntimeError("a bug")
        return usual(tx, row, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(automatic, "write", broken)
    assert h.steps_done(office) == 2
    assert (h.only(office, one).state, h.only(office, one).reason) == ("paused", "failed")
    assert h.only(office, two).state == "completed"


# -- what may not be ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("step", "field"),
    [
        ("0h message: Hi {nmae}", "steps[1].body"),
        ("0h message template Nothing", "steps[1].template"),
        ("0h message by pigeon: Hi", "steps[1].channel"),
        ("0h task for nobody: Call", "steps[1].to"),
        ("0h wait_until: 09:00", "steps[1].type"),
    ],
)
def test_steps_that_make_no_sense_are_refused(sqlite_office: Office, step: str, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        h.drip(sqlite_office, step)
    assert caught.value.field == field


def test_rules_of_names_and_filters(sqlite_office: Office) -> None:
    h.drip(sqlite_office, "0h message: Hi")
    with pytest.raises(Duplicate):
        h.drip(sqlite_office, "0h message: Hi", name="WELCOME")
    for values, field in (
        ({"enroll": "status:Nowhere"}, "enroll"),
        ({"enroll": "created", "enroll_where": "assigned:me"}, "enroll_where"),
        ({"channel": "pigeon"}, "channel"), ({"per_minute": "0"}, "per_minute"), ({"size": "1"}, "size"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as caught:
            h.drip(sqlite_office, "0h message: Hi", name="Other", **values)
        assert caught.value.field == field


def test_who_may_do_what(sqlite_office: Office) -> None:
    office = sqlite_office
    add_users(office, "tom:agent", "dora:director")
    mine, others = add(office, assigned_to="tom"), add(office, "0722000222")
    h.drip(office, "1h message: Hi")
    drips.enroll(office, "welcome", [mine, others])
    with acting_as(office, "tom") as tom:
        for act in (
            lambda: drips.list_all(tom), lambda: drips.enroll(tom, "welcome", [mine]),
            lambda: drips.stop(tom, "welcome"), lambda: h.drip(tom, "0h message: Hi", name="x"),
        ):  # fmt: skip
            with pytest.raises(NotPermitted):
                act()
        assert [one.state for one in drips.enrollments_of_lead(tom, mine)] == ["active"]
        (stopped,) = drips.stop(tom, "welcome", leads=[mine], reason="knows us")  # type: ignore[misc]
        assert (stopped.state, stopped.why) == ("stopped", "by a person: knows us")
        with pytest.raises(NotFound):
            drips.stop(tom, "welcome", leads=[others])
    with acting_as(office, "dora") as dora:
        assert drips.enroll(dora, "welcome", [mine], again=True).enrolled == 1


def test_a_look_ahead_writes_nothing(sqlite_office: Office) -> None:
    office = sqlite_office
    lead_id = add(office, name="Amina Otieno")
    h.drip(office, "0h message: Hi {first_name}", "24h task: Call {name}", "0h message: {email}")
    before = dump(office, ("message", "enrollment", "activity"), but=())
    found = drips.preview(office, "welcome", lead_id)
    assert [(one.text or one.subject, one.at - NOW, one.missing) for one in found] == [
        ("Hi Amina", timedelta(), ()), ("Call Amina Otieno", timedelta(days=1), ()),
        ("{email}", timedelta(days=1), ("email",)),
    ]  # fmt: skip
    assert dump(office, ("message", "enrollment", "activity"), but=()) == before
