"""Keys of the HTTP face: shown once, kept as a hash, with their user's rights as they stand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from leadtui.errors import Invalid, NotFound, NotPermitted
from leadtui.services import admin, api_tokens, leads
from leadtui.services.office import Office
from leadtui.store import schema as t
from tests.services.lead_help import ONE_ENGINE, acting_as, add, add_users, dump

NOON = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def test_a_token_acts_as_its_user_and_only_its_hash_is_kept(office: Office) -> None:
    add_users(office, "jane:agent")
    made = api_tokens.create(office, "jane", name="website")
    token = made.token.reveal()
    assert token.startswith("lt_")
    assert made.row.prefix == token[:10]
    assert token not in repr(made)
    assert token[10:] not in str(dump(office, ("api_token", "audit")))

    theirs, mine = add(office, "0722000111", assigned_to="boss"), add(office, "0722000222", assigned_to="jane")
    entered = api_tokens.enter(office, token)
    assert entered.actor.login == "jane"
    assert not entered.actor.is_owner
    assert [one.id for one in leads.search(entered).rows] == [mine]
    with pytest.raises(NotFound):
        leads.get(entered, theirs)
    with office.read() as tx:
        origins = set(tx.conn.execute(select(t.audit.c.origin)).scalars())
    leads.edit(entered, mine, {"city": "Nairobi"})
    with office.read() as tx:
        (new,) = set(tx.conn.execute(select(t.audit.c.origin)).scalars()) - origins
    assert new == f"api:{made.row.prefix}"


@ONE_ENGINE
@pytest.mark.parametrize("token", ["", "lt_", "lt_wrong", "Bearer", "lt_" + "x" * 43, "lt_é", "lt_" + "x" * 500])
def test_a_wrong_token_opens_nothing(office: Office, token: str) -> None:
    api_tokens.create(office, "boss")
    with pytest.raises(NotPermitted) as refused:
        api_tokens.enter(office, token)
    assert refused.value.code == "bad_token"


@ONE_ENGINE
def test_a_token_ends_by_its_day_by_hand_and_with_its_user(
    office: Office, frozen_clock: Callable[[datetime], None]
) -> None:
    add_users(office, "jane:agent")
    short = api_tokens.create(office, "jane", expires="+3d")
    other = api_tokens.create(office, "jane")
    assert short.row.expires_at == datetime(2026, 11, 23, 21, 0, tzinfo=UTC)  # the end of that day in Nairobi
    frozen_clock(datetime(2026, 11, 23, 20, 59, tzinfo=UTC))
    api_tokens.enter(office, short.token.reveal())
    frozen_clock(datetime(2026, 11, 23, 21, 0, tzinfo=UTC))
    with pytest.raises(NotPermitted):
        api_tokens.enter(office, short.token.reveal())

    admin.set_user_active(office, "jane", False)
    with pytest.raises(NotPermitted) as refused:
        api_tokens.enter(office, other.token.reveal())
    assert refused.value.code == "disabled_user"
    with office.read() as tx:
        assert api_tokens.user_of(tx, other.token.reveal()) is None
    admin.set_user_active(office, "jane", True)
    api_tokens.enter(office, other.token.reveal())

    api_tokens.revoke(office, other.row.prefix)
    assert api_tokens.revoke(office, other.row.id).state == "revoked"  # again is no error
    with pytest.raises(NotPermitted):
        api_tokens.enter(office, other.token.reveal())
    assert [one.state for one in api_tokens.list_all(office, "jane")] == ["revoked", "expired"]


@ONE_ENGINE
def test_when_it_was_last_used_is_noted_once_a_minute(office: Office, frozen_clock: Callable[[datetime], None]) -> None:
    made = api_tokens.create(office, "boss")

    def used_after(seconds: int) -> datetime | None:
        frozen_clock(NOON + timedelta(seconds=seconds))
        api_tokens.enter(office, made.token.reveal())
        return api_tokens.list_all(office)[0].last_used_at

    assert used_after(0) == NOON
    assert used_after(59) == NOON
    assert used_after(60) == NOON + timedelta(seconds=60)


@ONE_ENGINE
def test_who_may_have_keys_of_whom(office: Office) -> None:
    add_users(office, "jane:agent", "adam:admin", "dora:director")
    with acting_as(office, "jane") as jane:
        own = api_tokens.create(jane, "jane").row
        with pytest.raises(NotPermitted):
            api_tokens.create(jane, "boss")
        with pytest.raises(NotPermitted):
            api_tokens.list_all(jane, "boss")
        boss_key = api_tokens.create(office, "boss").row
        assert [one.id for one in api_tokens.list_all(jane)] == [own.id]
        with pytest.raises(NotFound):
            api_tokens.revoke(jane, boss_key.id)
        api_tokens.revoke(jane, own.id)
    adam = office.acting(office.catalog.find_user("adam").id)
    assert api_tokens.create(adam, "dora").row.login == "dora"
    with pytest.raises(NotPermitted):  # what an administrator may not do himself, he cannot give himself a key to
        api_tokens.create(adam, "boss")
    assert len(api_tokens.list_all(adam)) == 3


@ONE_ENGINE
def test_what_cannot_be_a_key_is_refused(office: Office, frozen_clock: Callable[[datetime], None]) -> None:
    with pytest.raises(NotFound):
        api_tokens.create(office, "nobody")
    with pytest.raises(Invalid) as past:
        api_tokens.create(office, "boss", expires="2026-01-01")
    assert past.value.field == "expires"
    with pytest.raises(NotFound):
        api_tokens.revoke(office, "lt_")
    with pytest.raises(NotFound):
        api_tokens.revoke(office, 99)
