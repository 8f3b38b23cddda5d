"""Templates of a provider taken over: their values get texts of ours, and what does not fit is refused by name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtui.channels.provider_templates import places
from leadtui.domain.templates import parse
from leadtui.errors import Invalid, Refused
from leadtui.services import approved_templates, channels, sending, templates
from leadtui.services.office import Office
from tests.channels.cloud_double import CloudDouble

from .message_help import row

BODY = "Hi {{1}}, {plan} {{2}} for {{1}}"


@pytest.fixture
def meta(sqlite_office: Office) -> Iterator[CloudDouble]:
    """A business account with a few templates."""
    with CloudDouble() as running:
        parts = [{"type": "BODY", "text": BODY}, {"type": "HEADER", "format": "TEXT", "text": "{{1}}!"}]
        named = [{"type": "BODY", "text": "Habari {{first_name}}"}]
        running.templates = [
            {"name": "offer", "language": "en", "status": "APPROVED", "components": parts},
            {"name": "offer", "language": "sw", "status": "PAUSED", "components": parts[:1]},
            {"name": "hello", "language": "sw", "status": "APPROVED", "parameter_format": "NAMED", "components": named},
        ]
        channels.set_account(sqlite_office, "whatsapp_cloud", running.settings(), running.secrets())
        yield running


def test_one_is_taken_over_and_sent(sqlite_office: Office, meta: CloudDouble) -> None:
    office = sqlite_office
    params = ("{first_name|there}", "20 Mbps")
    kept = approved_templates.keep(office, "offer", language="en", params=params, header=("Safi",), name="Offer")
    assert kept.body == "Hi {first_name|there}, {{plan}} 20 Mbps for {first_name|there}"
    assert parse(kept.body).render({"first_name": "Amina"}).text == "Hi Amina, {plan} 20 Mbps for Amina"
    hello = approved_templates.keep(office, "hello", params=("{first_name|rafiki}",))
    assert hello.provider is not None
    assert (hello.name, hello.channel, hello.provider["names"]) == ("hello", "whatsapp_cloud", ["first_name"])
    assert {one.name for one in templates.list_all(office, channel="whatsapp_cloud")} == {"Offer", "hello"}
    rendered = {**hello.provider, "params": ["Amina"]}
    sent = sending.send_test(office, "whatsapp_cloud", "+254722000111", "Habari Amina", template=rendered)
    assert row(office, sent.id).state == "accepted"
    assert meta.messages[0]["template"]["components"][0]["parameters"] == [
        {"type": "text", "text": "Amina", "parameter_name": "first_name"}]  # fmt: skip


def test_what_does_not_fit_is_refused_by_name(sqlite_office: Office, meta: CloudDouble) -> None:
    def field(name: str, **given: object) -> str | None:
        with pytest.raises((Invalid, Refused)) as raised:
            approved_templates.keep(sqlite_office, name, **given)  # type: ignore[arg-type]
        return raised.value.field

    assert field("other") == "template"
    assert field("offer", params=("a", "b")) == "language"
    assert field("offer", language="sw", params=("a", "b")) == "template"  # paused
    assert field("offer", language="en", params=("a",)) == "param"
    assert field("offer", language="en", params=("a", "b")) == "header"
    assert field("hello", params=("a",), buttons=("x",)) == "button"
    assert field("hello", params=("{no_such_field}",)) is not None
    assert templates.list_all(sqlite_office) == ()


@given(st.lists(st.sampled_from(["{{1}}", "{{2}}", "{", "}", "{{", "a", "{x}", " "]), max_size=12).map("".join))
def test_their_text_reads_the_same_in_ours(body: str) -> None:
    values = tuple(f"v{n}" for n, _ in enumerate(places(body)))
    shown = body
    for place, value in zip(places(body), values, strict=True):
        shown = shown.replace("{{" + place + "}}", value)
    if body:
        assert parse(approved_templates.as_text(body, values)).render({}).text == shown
